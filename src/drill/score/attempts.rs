//! What went otherwise with single attempts: overridden guards, refusals, failures, ends that nobody knows; and what was
//! done about each.

use super::super::scenario::Grade;
use super::{Short, Shortfall, Story};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{ActionState, Attempt, StepState, Walk};
use crate::incident::names::StepId;
use crate::incident::reading::Outcome;

pub(super) fn shortfalls(story: &Story<'_>) -> Vec<Shortfall> {
    let walks = story.incident.walks.iter();
    let mut found: Vec<(u64, Shortfall)> = walks.flat_map(|walk| of_walk(story, walk)).collect();
    found.sort_by_key(|(seq, _)| *seq);
    found.into_iter().map(|(_, shortfall)| shortfall).collect()
}

fn of_walk(story: &Story<'_>, walk: &Walk) -> Vec<(u64, Shortfall)> {
    let mut found = Vec::new();
    for (id, state) in &walk.steps {
        for action in state.actions.values() {
            for (at, attempt) in action.attempts.iter().enumerate() {
                let seq = attempt.intent_seq.0;
                let ended = ended(story, (walk.chosen.walk, id, state), action, at);
                found.extend(overridden(story, attempt).map(|shortfall| (seq, shortfall)));
                found.extend(ended.map(|shortfall| (seq, shortfall)));
            }
        }
    }
    found
}

/// Red guards and checks of an attempt that ran all the same.
fn overridden<'a>(
    story: &'a Story<'_>,
    attempt: &'a Attempt,
) -> impl Iterator<Item = Shortfall> + 'a {
    let resolved = &attempt.intent.resolved;
    let ran = attempt.started.is_some() && attempt.phase() != Phase::Refused;
    let overrides = attempt.intent.overrides.iter().filter(move |_| ran);
    overrides.map(|o| Shortfall {
        at: Some(story.mark(attempt.confirmed)),
        short: Short::Overridden,
        what: o.name.clone(),
        words: format!(
            "{} was overridden before {}: it said “{}”; reason: {}",
            o.name, resolved.step_title, o.verdict.saw, o.reason
        ),
        answered: None,
        makes: Grade::Partial,
    })
}

/// An attempt that did not come to its end as it should, and what was done about it.
fn ended(
    story: &Story<'_>,
    (walk, id, state): (u32, &StepId, &StepState),
    action: &ActionState,
    at: usize,
) -> Option<Shortfall> {
    let attempt = action.attempts.get(at)?;
    let outcome = attempt.ended.as_ref().map(|ended| &ended.outcome);
    let (short, said) = match (outcome, attempt.phase()) {
        (Some(Outcome::Failed { failure, .. }), _) => (Short::Failed, format!("failed: {failure}")),
        (Some(Outcome::Unknown { failure }), _) => {
            (Short::Unknown, format!("ended nobody knows how: {failure}"))
        }
        (Some(Outcome::Refused { verdicts }), _) => {
            let saw: Vec<&str> = verdicts.iter().map(|v| v.saw.as_str()).collect();
            (Short::Refused, format!("was refused: {}", saw.join("; ")))
        }
        (None, Phase::Running) => (Short::Unknown, "was still running at the end".to_owned()),
        _ => return None,
    };
    let answered = answered(story, state, action, at);
    let makes = match (short, &answered) {
        (Short::Refused, _) | (_, Some(_)) => Grade::Pass,
        _ => Grade::Partial,
    };
    let title = story.title(walk, id);
    let began = attempt.started.as_ref().map(|(at, ..)| *at);
    Some(Shortfall {
        at: Some(story.mark(began.unwrap_or(attempt.confirmed))),
        short,
        what: title.to_owned(),
        words: format!(
            "{title}, attempt {}, {said}",
            attempt.intent.resolved.attempt
        ),
        answered,
        makes,
    })
}

/// What was done about the attempt at a place: settled, tried again, answered by a fork, or skipped.
fn answered(
    story: &Story<'_>,
    state: &StepState,
    action: &ActionState,
    at: usize,
) -> Option<String> {
    let settled = action.attempts.get(at).and_then(|a| a.settled.as_ref());
    if let Some((done, reason)) = settled {
        let word = match done {
            true => "it happened",
            false => "it did not happen",
        };
        return Some(format!("settled: {word}: {reason}"));
    }
    let later = action.attempts.iter().skip(at + 1);
    let mut later = later.filter(|a| !matches!(a.phase(), Phase::Voided | Phase::Intended));
    if let Some(again) = later.next_back() {
        let number = again.intent.resolved.attempt;
        let end = again.ended.as_ref().map(|ended| story.mark(ended.at));
        return Some(match (again.phase(), end) {
            (Phase::Done, Some(at)) => format!("tried again: attempt {number} was done at {at}"),
            _ => format!("tried again: see attempt {number}"),
        });
    }
    if let Some((way, to)) = &state.branched {
        return Some(format!("answered by the fork: {way}, on to #{to}"));
    }
    state
        .skipped
        .as_ref()
        .map(|reason| format!("skipped: {reason}"))
}
