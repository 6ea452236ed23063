//! Until when a decision has to be made: `decide_by` from when the road came to it, and never past the end of the recovery time.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::resolving::rto_ends;
use super::road::Road;
use super::state::State;
use crate::incident::journal::{Fact, Note, Report};
use crate::incident::names::StepId;

/// A decision that is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The fork.
    pub step: StepId,
    /// Its title.
    pub title: String,
    /// How long it may take by its author.
    pub span: Duration,
    /// Until when it is to be made.
    pub due: DateTime<Utc>,
    /// The recovery time ends before its author's time does.
    pub cut: bool,
}

/// The decision the walk that is shown waits for, where that has a time.
pub fn shown(state: &State) -> Option<Deadline> {
    let road = Road::shown(state)?;
    let next = road.next();
    let id = next.step()?;
    let step = road.runbook.step(id)?;
    let span = step.card.decide_by?;
    let by = since(&road, id) + span;
    let rto = rto_ends(state, road.incident, road.runbook.card.rto);
    let rto = rto.filter(|end| *end < by && road.incident.mitigated.is_none());
    Some(Deadline {
        step: id.clone(),
        title: step.title.clone(),
        span,
        due: rto.unwrap_or(by),
        cut: rto.is_some(),
    })
}

/// When the road came to the step: the last thing that moved the walk elsewhere, or its beginning.
fn since(road: &Road<'_>, step: &StepId) -> DateTime<Utc> {
    let number = road.number();
    let mut entries = road.incident.entries.iter().rev();
    let moved = entries.find(|entry| match &entry.fact {
        Fact::Note(Note::WentTo { walk, .. }) => *walk == number,
        Fact::Note(
            Note::Ticked { walk, step: at, .. }
            | Note::Skipped { walk, step: at, .. }
            | Note::Branched { walk, step: at, .. },
        ) => *walk == number && at != step,
        Fact::Report(Report::Ended { action, .. }) | Fact::Note(Note::Settled { action, .. }) => {
            action.walk == number && action.step != *step
        }
        // A runbook that this one opened came to its end.
        Fact::Note(Note::WalkEnded { walk, .. }) => {
            let opened = road.incident.walk(*walk);
            let parent = opened.and_then(|walk| walk.chosen.parent.as_ref());
            parent.is_some_and(|(parent, _)| *parent == number)
        }
        _ => false,
    });
    moved.map_or(road.walk.since, |entry| entry.at.wall)
}
