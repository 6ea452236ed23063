//! Resolving: blocked until every verification checklist is done and every step that is owed always, or waived with a reason.

use crate::console::asking::text;
use crate::console::command::Command;
use crate::console::keys::{key_words, running};
use crate::console::road::Road;
use crate::console::state::{State, TextPurpose};
use crate::incident::judge::Standing;

/// Asks for the next waiver, else for the summary.
pub(in crate::console) fn open(state: &mut State) {
    let Some(incident) = &state.incident else {
        state.refuse("no incident is open");
        return;
    };
    if incident.resolved.is_some() {
        state.refuse("it is resolved already");
        return;
    }
    if !running(state).is_empty() {
        let cancel = key_words(state, Command::Cancel);
        state.refuse(format!(
            "a step is still running: wait for it, or {cancel} cancels it"
        ));
        return;
    }
    let waived = |what: &String| state.memory.waived.iter().any(|(w, _)| w == what);
    let owed = outstanding(state).into_iter().find(|what| !waived(what));
    match owed {
        Some(what) => {
            let title = format!("{what} is not done. Why is that right? (esc: do it first)");
            text(state, TextPurpose::Waive(what), title, 10);
        }
        None => text(state, TextPurpose::Resolve, question(state), 10),
    }
}

/// The last question, which says what would be left: a tired person may think that more was done.
fn question(state: &State) -> String {
    let walks = state.incident.iter().flat_map(|incident| &incident.walks);
    let open = walks
        .filter(|walk| walk.ended.is_none())
        .filter_map(|walk| Road::of(state, walk.chosen.walk));
    let left: usize = open.map(|road| road.left()).sum();
    let down = state
        .vitals
        .regions
        .iter()
        .filter(|r| r.standing == Standing::Breach)
        .count();
    let left = (left > 0).then(|| format!("{left} steps are not done"));
    let down = (down > 0).then(|| format!("{down} regions are red"));
    let words: Vec<String> = left.into_iter().chain(down).collect();
    match words.is_empty() {
        true => "In a sentence: how did it end?".into(),
        false => format!("In a sentence: how did it end? ({})", words.join(", ")),
    }
}

/// What must be done before the incident resolves, and is not: verification checklists of its runbooks, steps owed always.
pub fn outstanding(state: &State) -> Vec<String> {
    let Some(incident) = &state.incident else {
        return Vec::new();
    };
    let roads: Vec<Road<'_>> = incident
        .walks
        .iter()
        .filter_map(|walk| Road::of(state, walk.chosen.walk))
        .collect();
    let done = |id: &str| {
        let mut of_it = roads.iter().filter(|r| r.runbook.id.as_str() == id);
        of_it.any(Road::complete)
    };
    let mut owed = Vec::new();
    for road in &roads {
        let closes = road.runbook.card.closes.iter();
        let closes = closes
            .filter(|id| !done(id))
            .map(|id| format!("the checklist {id}"));
        let always = road.always_left().into_iter();
        let always = always.map(|step| format!("{} of {}", step.title, road.runbook.title));
        for what in closes.chain(always) {
            if !owed.contains(&what) {
                owed.push(what);
            }
        }
    }
    owed
}
