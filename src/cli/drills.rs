//! `warroom drills`: which drill is held when, what became of the last one, what is to be done for the next.

use std::process::ExitCode;

use chrono::{DateTime, Utc};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Common, complain, fail, say, site};
use crate::incident::drills::checklist::{Item, ItemState};
use crate::incident::drills::schedule::{DrillState, schedule};
use crate::incident::drills::{Record, Tick, exercises};
use crate::incident::measure::Span;
use crate::incident::names::DrillId;
use crate::incident::site::Site;
use crate::world::{actor, clock, drillog, places};

/// What can be asked of the drills.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Tick an item of a drill's checklist
    Done {
        /// The drill, as the site file names it
        drill: String,
        /// The item: its number, or its id such as before-3
        item: String,
        /// Evidence
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

/// Shows the schedule, or ticks an item.
pub fn run(common: &Common, command: Option<Command>, as_json: bool) -> ExitCode {
    // Without a site there is no schedule; what was held before can be seen all the same.
    let site = match site::path(common) {
        Some(_) => match site::read(common) {
            Ok((_, site)) => (*site).clone(),
            Err(code) => return code,
        },
        None => Site::empty(),
    };
    let root = match places::state_root(&site) {
        Ok(root) => root,
        Err(failure) => return fail(failure.to_string()),
    };
    if let Some(Command::Done { drill, item, note }) = command {
        return match tick(&site, &drill, &item, note) {
            Ok(tick) => match drillog::append(&root, &Record::Tick(tick)) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => fail(failure.to_string()),
            },
            Err(why) => fail(why),
        };
    }
    let (log, troubles) = drillog::read(&root);
    troubles.iter().for_each(complain);
    let now = clock::now().wall;
    let states = schedule(&site.drills, &log, now);
    match as_json {
        true => say(as_value(&states, &log).to_string()),
        false => say(table(&states, &log, now)),
    }
    ExitCode::SUCCESS
}

fn tick(site: &Site, drill: &str, item: &str, note: Option<String>) -> Result<Tick, String> {
    let known = || site.drills.iter().map(|drill| drill.id.as_str());
    if !known().any(|id| id == drill) {
        let names: Vec<&str> = known().collect();
        return Err(match names.as_slice() {
            [] => format!("{drill}: the site file schedules no drill — add [drills.{drill}]"),
            names => format!("{drill}: no such drill — there are {}", names.join(", ")),
        });
    }
    let found = Item::find(item)
        .ok_or_else(|| format!("{item}: no such item — warroom drills lists them"))?;
    Ok(Tick {
        at: clock::now().wall,
        drill: DrillId(drill.to_owned()),
        item: found.id(),
        by: actor().name,
        note,
    })
}

/// At most 80 columns.
fn table(states: &[DrillState<'_>], log: &[Record], now: DateTime<Utc>) -> String {
    let mut lines = Vec::new();
    if states.is_empty() {
        lines.push("no drill is scheduled: [drills.NAME] in the site file says which".to_owned());
    } else {
        lines.push(format!(
            "{:<20} {:<12} {:<8} {:<17} {}",
            "DRILL", "LAST", "RESULT", "RTO", "NEXT DUE"
        ));
    }
    for state in states {
        lines.push(format!(
            "{:<20} {:<12} {:<8} {:<17} {}",
            state.drill.id,
            state.last.map_or("never".into(), |last| day(last.at)),
            state.last.map_or("", |last| last.grade.word()),
            rto(state),
            due(state)
        ));
        let open = state.items.iter().filter(|item| item.open(now));
        lines.extend(open.map(|item| {
            let by = item.due.map_or("now".into(), day);
            let id = item.item.id();
            format!("  ▲ {id:<10} {}, by {by}", item.item.words)
        }));
    }
    let mut held = exercises(log).rev().peekable();
    if held.peek().is_some() {
        lines.push(String::new());
        lines.push("HELD".to_owned());
    }
    lines.extend(held.map(|record| {
        let (at, grade) = (day(record.at), record.grade.word());
        format!("{at:<12} {:<14} {grade:<8} {}", record.id, record.title)
    }));
    lines.join("\n")
}

fn rto(state: &DrillState<'_>) -> String {
    let Some(last) = state.last else {
        return String::new();
    };
    let span = |span| Span(span).to_string();
    match (last.rto_actual, last.rto_target) {
        (Some(actual), Some(target)) => format!("{} of {}", span(actual), span(target)),
        (Some(actual), None) => span(actual),
        (None, _) => "not measured".into(),
    }
}

fn due(state: &DrillState<'_>) -> String {
    match (state.due, state.overdue) {
        (None, _) => "▲ now: never held".into(),
        (Some(due), Some(over)) => format!("▲ {}, {} ago", day(due), Span(over)),
        (Some(due), None) => day(due),
    }
}

fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

fn as_value(states: &[DrillState<'_>], log: &[Record]) -> Value {
    let item = |item: &ItemState<'_>| {
        json!({
            "id": item.item.id(),
            "words": item.item.words,
            "from": item.from,
            "due": item.due,
            "ticked": item.ticked,
        })
    };
    let drills = states.iter().map(|state| {
        json!({
            "id": state.drill.id,
            "kind": state.drill.kind,
            "last": state.last,
            "due": state.due,
            "overdue_seconds": state.overdue.map(|over| over.as_secs()),
            "items": state.items.iter().map(item).collect::<Vec<_>>(),
        })
    });
    json!({ "drills": drills.collect::<Vec<_>>(), "log": log })
}
