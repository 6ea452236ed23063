//! `warroom status`: every vital once, for people and for monitoring.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Common, block_on, fail, say, site};
use crate::console::event::Event;
use crate::console::keymap::Keymap;
use crate::console::state::State;
use crate::console::update::update;
use crate::console::vitals::Vitals;
use crate::incident::journal::{Incident, Mode};
use crate::incident::judge::Standing;
use crate::incident::site::Site;
use crate::systems::registry;
use crate::world::{Systems, actor, clock, incidents, ledger, places, watch};

/// Exit codes as monitoring plugins have them.
const WATCH: u8 = 1;
const BREACH: u8 = 2;
const UNKNOWN: u8 = 3;

/// Looks at everything and says how it stands.
pub fn status(common: &Common, as_json: bool) -> ExitCode {
    let site = match site::read(common) {
        Ok((_, site)) => site,
        Err(_) => return ExitCode::from(UNKNOWN),
    };
    let state = match block_on(look(&site)) {
        Ok(state) => state,
        Err(e) => {
            fail(format!("the runtime can't be started: {e}"));
            return ExitCode::from(UNKNOWN);
        }
    };
    let rows = rows(&state.vitals);
    let worst = worst(&rows);
    match as_json {
        true => {
            say(serde_json::to_string_pretty(&as_value(&site, &rows, worst)).unwrap_or_default());
        }
        false => print(&rows, worst),
    }
    ExitCode::from(code(worst))
}

/// A standing as monitoring plugins have it.
pub(super) fn code(standing: Standing) -> u8 {
    match standing {
        Standing::Fine => 0,
        Standing::Watch => WATCH,
        Standing::Breach => BREACH,
        Standing::Unknown => UNKNOWN,
    }
}

/// Probes every target; one that fails is probed again as often as its site entry asks before it counts as down.
pub(super) async fn look(site: &Arc<Site>) -> State {
    let systems = Systems::real(registry::open(site));
    let now = clock::now();
    let keymap = Keymap::default();
    let mut state = State::new(
        Arc::clone(site),
        Mode::Real,
        actor(),
        keymap,
        Arc::default(),
        (80, 24),
        now,
    );
    if let Ok(root) = places::state_root(site) {
        state.incident = open_incident(&root);
        state.memory.restore_tests = incidents::past(&root, site).restore_tests;
    }
    let rounds = site
        .targets
        .iter()
        .map(|t| t.failures)
        .max()
        .unwrap_or(1)
        .max(1);
    let mut wanted = (**site).clone();
    for round in 0..rounds {
        let looks = watch::once(&wanted, &systems).await;
        let failed = looks.iter().filter(|look| look.reading.value.is_err());
        let failed: BTreeSet<_> = failed.map(|look| look.target.clone()).collect();
        wanted
            .targets
            .retain(|t| t.failures > round + 1 && failed.contains(&t.id));
        let _ = update(&mut state, clock::now(), Event::Observed(looks));
        if wanted.targets.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let _ = update(&mut state, clock::now(), Event::Tick);
    state
}

/// The newest open incident: its ladder is part of how things stand.
fn open_incident(root: &Path) -> Option<Incident> {
    let dir = incidents::find(root, None).ok()?;
    let (entries, _) = ledger::read(&dir).ok()?;
    Incident::fold(&entries).ok()
}

/// One vital: kind, name, standing, words.
pub(super) struct Row {
    pub kind: &'static str,
    pub name: String,
    pub standing: Standing,
    words: String,
}

pub(super) fn rows(vitals: &Vitals) -> Vec<Row> {
    let mut rows = Vec::new();
    for region in &vitals.regions {
        if let Some(id) = &region.id {
            rows.push(Row {
                kind: "region",
                name: id.to_string(),
                standing: region.standing,
                words: region.words.clone(),
            });
        }
        for c in &region.components {
            let words = if c.detail.is_empty() {
                &c.words
            } else {
                &c.detail
            };
            rows.push(Row {
                kind: "target",
                name: c.id.to_string(),
                standing: c.standing,
                words: words.clone(),
            });
        }
    }
    for link in &vitals.links {
        let words = [&link.seconds, &link.bytes, &link.words];
        let words: Vec<&str> = words
            .into_iter()
            .map(String::as_str)
            .filter(|w| !w.is_empty())
            .collect();
        rows.push(Row {
            kind: "link",
            name: link.id.to_string(),
            standing: link.standing,
            words: words.join(", "),
        });
    }
    for backup in &vitals.backups {
        let words = if backup.intended {
            format!("{} {}", backup.age, backup.rule)
        } else {
            "none intended".into()
        };
        let words = std::iter::once(words)
            .chain(backup.notes.iter().cloned())
            .collect::<Vec<_>>()
            .join(", ");
        rows.push(Row {
            kind: "backup",
            name: backup.id.to_string(),
            standing: backup.standing,
            words,
        });
    }
    for rung in vitals
        .clock
        .rungs
        .iter()
        .filter(|r| r.standing == Standing::Breach)
    {
        rows.push(Row {
            kind: "rung",
            name: rung.key.clone(),
            standing: rung.standing,
            words: rung.words.clone(),
        });
    }
    rows
}

/// A breach outweighs what is unknown: monitoring must see it.
fn worst(rows: &[Row]) -> Standing {
    rows.iter()
        .map(|r| r.standing)
        .max()
        .unwrap_or(Standing::Unknown)
}

fn as_value(site: &Site, rows: &[Row], worst: Standing) -> Value {
    let rows: Vec<Value> = rows
        .iter()
        .map(
            |r| json!({ "kind": r.kind, "name": r.name, "standing": r.standing, "words": r.words }),
        )
        .collect();
    json!({ "site": site.name, "standing": worst, "vitals": rows })
}

fn print(rows: &[Row], worst: Standing) {
    let width = rows
        .iter()
        .map(|r| r.name.chars().count())
        .max()
        .unwrap_or(0);
    for row in rows {
        let symbol = match row.standing {
            Standing::Fine => "✔",
            Standing::Watch => "▲",
            Standing::Unknown => "?",
            Standing::Breach => "✖",
        };
        say(format!(
            "{symbol} {:<7}  {:<6}  {:<width$}  {}",
            row.standing, row.kind, row.name, row.words
        ));
    }
    say(format!("in all: {worst}"));
}
