//! The facilitator's line to a tabletop: a folder of files on this machine, beside the tabletops. The tabletop writes how
//! things really are, the facilitator appends orders; nothing goes over a network.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::session::{Hand, Session};
use crate::console::road::Road;
use crate::drill::scenario::Grade;
use crate::drill::score::{Asked, Mark, Short, score};
use crate::incident::clean::Clean;
use crate::incident::facilitation::{InjectState, Order, Truth};
use crate::incident::journal::Note;
use crate::incident::reading::Failure;
use crate::world::ledger::{RealDisk, replace};
use crate::world::{places, proc};

/// Tabletops under way, each in a folder named by its process.
const UNDER_WAY: &str = "under-way";

const TRUTH: &str = "truth.json";
const ORDERS: &str = "orders.jsonl";

/// How many lines of the participants' timeline the facilitator sees.
const TIMELINE: usize = 40;

/// The folder of a tabletop under way; it goes when the tabletop ends.
#[derive(Debug)]
pub struct Booth {
    dir: PathBuf,
    read: u64,
}

impl Booth {
    /// Opens the line of this process's tabletop.
    ///
    /// # Errors
    /// What the disk says.
    pub fn open(root: &Path) -> Result<Self, Failure> {
        places::shared_root(root)?;
        let under_way = root.join(UNDER_WAY);
        places::private_dir(&under_way)?;
        let dir = under_way.join(std::process::id().to_string());
        let _ = fs::remove_dir_all(&dir);
        places::private_dir(&dir)?;
        Ok(Self { dir, read: 0 })
    }

    /// Tells how things really are.
    ///
    /// # Errors
    /// What the disk says.
    pub fn publish(&self, truth: &Truth) -> Result<(), Failure> {
        let path = self.dir.join(TRUTH);
        let text = serde_json::to_vec(truth).unwrap_or_default();
        replace(&RealDisk, &path, &text)
            .map_err(|e| places::local(&path, &format!("write: {e}"), "free the disk"))
    }

    /// Orders given since they were last asked for. A line that is none is dropped: only the facilitator's console writes here.
    pub fn orders(&mut self) -> Vec<Order> {
        let mut text = String::new();
        let file = fs::File::open(self.dir.join(ORDERS));
        let read = file.and_then(|mut file| {
            file.seek(SeekFrom::Start(self.read))?;
            file.read_to_string(&mut text)
        });
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        if read.is_err() || whole == 0 {
            return Vec::new();
        }
        self.read += u64::try_from(whole).unwrap_or_default();
        let lines = text[..whole].lines();
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }
}

impl Drop for Booth {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The facilitator's end of a line.
#[derive(Debug, Clone)]
pub struct Line {
    dir: PathBuf,
    pid: u32,
}

impl Line {
    /// The line of a tabletop that is under way: the one of that incident, else the only one.
    ///
    /// # Errors
    /// In a sentence that says which there are.
    pub fn find(root: &Path, incident: Option<&str>) -> Result<Self, String> {
        let entries = fs::read_dir(root.join(UNDER_WAY))
            .into_iter()
            .flatten()
            .flatten();
        let running = entries.filter_map(|entry| {
            let pid: u32 = entry.file_name().to_string_lossy().parse().ok()?;
            proc::stat(pid)?;
            Some(Self {
                dir: entry.path(),
                pid,
            })
        });
        let running: Vec<Self> = running.collect();
        let of = |line: &&Self| {
            let truth = line.truth();
            incident.is_none() || truth.is_some_and(|t| t.incident.as_deref() == incident)
        };
        let fitting: Vec<&Self> = running.iter().filter(of).collect();
        match (fitting.as_slice(), running.len()) {
            ([one], _) => Ok((*one).clone()),
            (_, 0) => Err("no tabletop is under way here — warroom drill starts one".into()),
            ([], count) => Err(format!(
                "{}: none of the {count} tabletops under way is this one",
                incident.unwrap_or_default()
            )),
            (several, _) => {
                let names = several.iter().filter_map(|line| line.truth()?.incident);
                let names = names.collect::<Vec<_>>().join(", ");
                Err(format!(
                    "several tabletops are under way — name one: {names}"
                ))
            }
        }
    }

    /// How things really are, as the tabletop told last.
    pub fn truth(&self) -> Option<Truth> {
        let text = fs::read(self.dir.join(TRUTH)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Whether the tabletop's process still runs.
    pub fn runs(&self) -> bool {
        proc::stat(self.pid).is_some() && self.dir.is_dir()
    }

    /// Gives an order.
    ///
    /// # Errors
    /// What the disk says.
    pub fn send(&self, order: &Order) -> Result<(), Failure> {
        let path = self.dir.join(ORDERS);
        let mut line = serde_json::to_vec(order).unwrap_or_default();
        line.push(b'\n');
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path);
        file.and_then(|mut file| file.write_all(&line))
            .map_err(|e| places::local(&path, &format!("write: {e}"), "has the tabletop ended?"))
    }
}

impl Session {
    /// How things really are.
    pub fn truth(&self) -> Truth {
        let finding = self.measured();
        let asked = Asked::of_scenario(&self.script.scenario);
        let incident = self.state.incident.as_ref();
        let so_far = score(&asked, incident, &finding).shortfalls;
        // What is not reached yet may still be.
        let counting = so_far.iter().filter(|s| {
            !matches!(
                s.short,
                Short::Undeclared | Short::Unresolved | Short::Goal | Short::Undone
            )
        });
        let harms = finding.harms.iter();
        let next = Road::shown(&self.state);
        let next = next.and_then(|road| road.next().step().map(|step| road.title(step)));
        Truth {
            at: self.passed(),
            wall: finding.ended.wall,
            speed: self.speed().max(1),
            paused: self.speed() == 0,
            title: self.script.scenario.title.clone(),
            incident: incident.map(|i| i.declaration.id.to_string()),
            grade_so_far: counting.map(|s| s.makes).max().unwrap_or(Grade::Pass),
            lines: self.world.lock().truth(),
            harms: harms
                .map(|harm| format!("{}: {}", Mark::from(harm.at), harm.words))
                .collect(),
            injects: self.injects(),
            timeline: self.timeline(),
            next,
        }
    }

    fn injects(&self) -> Vec<InjectState> {
        let injects = self.script.scenario.injects.iter().enumerate();
        let state = injects.map(|(number, inject)| InjectState {
            id: inject.id.clone(),
            title: inject.title.clone(),
            from: inject.from.clone(),
            says: inject.says.clone(),
            fired_at: self.fired(number),
            due_at: inject.at,
        });
        state.collect()
    }

    fn timeline(&self) -> Vec<String> {
        let entries = self.state.incident.iter().flat_map(|i| &i.entries);
        let begins = self.clock.begins();
        let told = entries.filter_map(|entry| {
            let words = crate::incident::postmortem::rows::line(entry)?;
            Some(format!(
                "{}  {}  {words}",
                Mark(entry.at.wall - begins),
                entry.actor.name
            ))
        });
        let told: Vec<String> = told.collect();
        told[told.len().saturating_sub(TIMELINE)..].to_vec()
    }

    /// Does what the facilitator ordered.
    pub(super) fn order(&mut self, order: Order) {
        match order {
            Order::Fire { id } => {
                let place = self.script.scenario.injects.iter().position(|i| i.id == id);
                if let Some(number) = place {
                    self.inject(number);
                }
            }
            Order::Speed { times } => self.pace(times),
            Order::Observe { text } => self.write_down(Note::Observation { text }),
            Order::Say { from, says } => self.hear("", &Clean::new(&from), &says),
        }
    }
}

/// An order as the session records it.
impl From<Order> for Hand {
    fn from(order: Order) -> Self {
        Hand::Order(order)
    }
}

/// How often the truth is told and orders are looked for.
pub const EVERY: Duration = Duration::from_millis(500);
