//! A drill's own checklist: what is prepared a week before, what happens during, what is written up within two days
//! after. What the journal can answer nobody ticks.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::schedule::{earlier, later, missed};
use super::{DrillRecord, Record, Tick, ticks};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Fact, Incident, Note, Walk};
use crate::incident::judge::Standing;
use crate::incident::runbook::Role;
use crate::incident::site::{Drill, Rhythm};

const DAY: Duration = Duration::from_secs(86_400);

/// Preparations are done this long before the drill; half the interval of a drill that comes more often.
pub const BEFORE: Duration = DAY.saturating_mul(7);

/// Preparations come up this long before they are due.
const AHEAD: Duration = DAY.saturating_mul(7);

/// A drill is written up within this time after it.
pub const AFTER: Duration = DAY.saturating_mul(2);

/// Which part of a drill an item belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A week before.
    Before,
    /// While it goes on.
    During,
    /// Within two days after.
    After,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Stage::Before => "before",
            Stage::During => "during",
            Stage::After => "after",
        })
    }
}

/// An item of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its number in the whole list, from 1.
    pub number: usize,
    /// When it is done.
    pub stage: Stage,
    /// Its number among those of its stage, from 1.
    pub place: usize,
    /// What is to be done.
    pub words: &'static str,
}

impl Item {
    /// `before-3`
    pub fn id(&self) -> String {
        format!("{}-{}", self.stage, self.place)
    }

    /// The item meant by an id, or by a number in the whole list.
    pub fn find(text: &str) -> Option<Item> {
        let number = text.parse::<usize>().ok();
        all().find(|item| number == Some(item.number) || item.id() == text)
    }
}

const WORDS: [(Stage, &[&str]); 3] = [
    (
        Stage::Before,
        &[
            "announce the date to everybody concerned",
            "verify that the backup systems work",
            "write the rollback plan down and have it approved",
            "test the communication channels",
            "prepare the notice to customers, if one is needed",
            "prepare the monitoring dashboards",
        ],
    ),
    (
        Stage::During,
        &[
            "drill declared and logged",
            "timeline started",
            "failover or recovery procedure executed",
            "RTO measured",
            "RPO measured",
            "all health checks pass",
            "failback executed",
            "normal operations confirmed",
        ],
    ),
    (
        Stage::After,
        &[
            "document the RTO reached against its target",
            "document the RPO reached against its target",
            "log the issues met",
            "create action items for gaps",
            "update the runbooks with what was learnt",
            "schedule a follow-up, if one is needed",
            "file the report for compliance",
        ],
    ),
];

/// Every item, in order.
pub fn all() -> impl Iterator<Item = Item> {
    let items = WORDS.into_iter().flat_map(|(stage, words)| {
        let words = words.iter().enumerate();
        words.map(move |(at, words)| (stage, at + 1, *words))
    });
    let numbered = items.enumerate();
    numbered.map(|(at, (stage, place, words))| Item {
        number: at + 1,
        stage,
        place,
        words,
    })
}

/// An item of a drill of the schedule as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct ItemState<'a> {
    /// The item.
    pub item: Item,
    /// When it comes up; none: now.
    pub from: Option<DateTime<Utc>>,
    /// By when it is to be done; none: now.
    pub due: Option<DateTime<Utc>>,
    /// Its tick, since the drill was last held.
    pub ticked: Option<&'a Tick>,
}

impl ItemState<'_> {
    /// It has come up, and nobody ticked it.
    pub fn open(&self, now: DateTime<Utc>) -> bool {
        self.ticked.is_none() && self.from.is_none_or(|from| from <= now)
    }

    /// By how much its time was missed.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<Duration> {
        let due = self.due.filter(|_| self.ticked.is_none())?;
        missed(due, now)
    }
}

/// What is ticked by hand for a drill: preparations of the next time, and what is left to do of the last.
pub(super) fn items<'a>(
    drill: &Drill,
    last: Option<&DrillRecord>,
    due: Option<DateTime<Utc>>,
    log: &'a [Record],
) -> Vec<ItemState<'a>> {
    let held = last.map(|last| last.at);
    let lead = lead(&drill.rhythm);
    let state = |item: Item| {
        let (from, due) = match (item.stage, held) {
            (Stage::Before, _) => (
                due.map(|due| earlier(due, lead + AHEAD.min(lead))),
                due.map(|due| earlier(due, lead)),
            ),
            (Stage::After, Some(held)) => (Some(held), Some(later(held, AFTER))),
            (Stage::After, None) | (Stage::During, _) => return None,
        };
        let id = item.id();
        let own = |tick: &&Tick| tick.drill == drill.id && tick.item == id;
        let ticked = ticks(log)
            .filter(own)
            .rfind(|tick| held.is_none_or(|held| tick.at >= held));
        Some(ItemState {
            item,
            from,
            due,
            ticked,
        })
    };
    all().filter_map(state).collect()
}

/// How long before a drill its preparations are due.
fn lead(rhythm: &Rhythm) -> Duration {
    match rhythm {
        Rhythm::Every(every) => BEFORE.min(*every / 2),
        Rhythm::Months(_) => BEFORE,
    }
}

/// What the journal says of the items during an exercise, in order: yes, no, or none where it can't say.
pub fn during(incident: &Incident, record: &DrillRecord) -> Vec<(Item, Option<bool>)> {
    let answer = |item: &Item| match item.place {
        1 => Some(true),
        2 => Some(incident.entries.len() > 1),
        3 => Some(incident.walks.iter().any(executed)),
        4 => Some(record.rto_actual.is_some()),
        5 => Some(record.rpo_actual.is_some()),
        6 => healthy(incident),
        7 => Some(incident.walks.iter().any(|w| failback(w) && executed(w))),
        _ => Some(incident.resolved.is_some()),
    };
    let items = all().filter(|item| item.stage == Stage::During);
    items.map(|item| (item, answer(&item))).collect()
}

/// Something of it was done: an act, or an item ticked.
fn executed(walk: &Walk) -> bool {
    walk.steps.values().any(|step| {
        let mut acts = step.actions.iter();
        !step.ticks.is_empty()
            || acts.any(|(action, state)| action.role == Role::Run && state.phase() == Phase::Done)
    })
}

/// A walk of a runbook that goes back.
pub fn failback(walk: &Walk) -> bool {
    let names = [walk.chosen.runbook.as_str(), &walk.chosen.title];
    names.into_iter().any(is_failback)
}

/// A runbook that goes back to where it began, by its id or title.
pub fn is_failback(name: &str) -> bool {
    let name = name.to_lowercase();
    name.contains("failback") || name.contains("fail back")
}

/// Whether everything stood well when it was last written down.
fn healthy(incident: &Incident) -> Option<bool> {
    let mut last = std::collections::BTreeMap::new();
    for entry in &incident.entries {
        match &entry.fact {
            Fact::Note(Note::Standing { subject, to, .. }) => {
                last.insert(subject.clone(), *to);
            }
            Fact::Note(Note::Vitals(rows)) => {
                last.extend(
                    rows.iter()
                        .map(|(subject, standing, _)| (subject.clone(), *standing)),
                );
            }
            _ => {}
        }
    }
    let well = |standing: &Standing| matches!(standing, Standing::Fine | Standing::Watch);
    (!last.is_empty()).then(|| last.values().all(well))
}
