//! The checklist as it is drawn: a row a step, and the selected step with all that is to be known before it is run.

use std::time::Duration;

use super::resolving::{action_of, danger_of, resolve};
pub use super::road::{Next, StepStatus};
use super::road::{Road, action_ref, free};
use super::state::State;
use crate::incident::journal::{Attempt, Resolved};
use crate::incident::names::StepId;
use crate::incident::reading::Verdict;
use crate::incident::runbook::{ActionRef, Check, Danger, Part, Role, Step};

/// A step in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct StepRow {
    /// The step.
    pub id: StepId,
    /// Its title.
    pub title: String,
    /// The headings above it, the outermost first.
    pub phase: Vec<String>,
    /// How it stands.
    pub status: StepStatus,
    /// From the first confirmation of its acts to their last end; none before an end.
    pub took: Option<Duration>,
    /// How long it should take, by its author.
    pub estimate: Option<Duration>,
    /// The greatest danger of its acts.
    pub danger: Danger,
    /// Owed even after a failure or when the runbook is left.
    pub always: bool,
    /// Items ticked and items there are, of a step with manual checks.
    pub ticks: Option<(usize, usize)>,
}

/// A step with all that is to be known before it is run.
#[derive(Debug, Clone)]
pub struct StepDetail<'a> {
    /// Its number in the list, from 1.
    pub number: usize,
    /// Its row.
    pub row: StepRow,
    /// The step.
    pub step: &'a Step,
    /// What is to be done of it next.
    pub next: Next,
    /// Why nothing of it may be run now.
    pub blocked: Option<String>,
    /// Its acts in order as they would run now, or why one can't be resolved.
    pub acts: Vec<Result<Resolved, String>>,
    /// Its manual items: number, words, and whether it is ticked.
    pub ticks: Vec<(usize, String, bool)>,
    /// What must hold before, with its newest verdict.
    pub checks: Vec<(String, Option<Verdict>)>,
    /// What must hold after, with its newest verdict.
    pub verify: Vec<(String, Option<Verdict>)>,
    /// How it is undone, in words: `none: one-way`, `offered: 1 action`.
    pub undo: String,
    /// Every attempt at it, the oldest first.
    pub attempts: Vec<&'a Attempt>,
}

/// The rows of the walk that is shown; none without one.
pub fn rows(state: &State) -> Vec<StepRow> {
    let Some(road) = Road::shown(state) else {
        return Vec::new();
    };
    let next = road.next();
    let steps = road.runbook.steps.iter();
    steps.map(|step| row(&road, step, &next)).collect()
}

/// What is to be done next in the walk that is shown.
pub fn next_action(state: &State) -> Next {
    Road::shown(state).map_or(Next::Nothing, |road| road.next())
}

/// The step under the cursor.
pub fn selected(state: &State) -> Option<StepDetail<'_>> {
    let road = Road::shown(state)?;
    let step = road.runbook.steps.get(state.cursor)?;
    let number = road.number();
    let seen = state.memory.seen.get(&(number, step.id.clone()));
    let seen = seen.map(|(_, evaluation)| evaluation);
    let acts = step
        .actions()
        .map(|action| resolve(state, &action_ref(number, &step.id, action)))
        .collect();
    let mut attempts: Vec<&Attempt> = [Role::Check, Role::Run, Role::Verify, Role::Rollback]
        .into_iter()
        .flat_map(|role| road.attempts(step, role))
        .collect();
    attempts.sort_by_key(|attempt| attempt.intent_seq);
    Some(StepDetail {
        number: state.cursor + 1,
        row: row(&road, step, &road.next()),
        step,
        next: road.next_in(step),
        blocked: road.blocked(step),
        acts,
        ticks: ticks(&road, step),
        checks: with_verdicts(state, &step.checks, seen.map(|e| e.checks.as_slice())),
        verify: with_verdicts(state, &step.verify, seen.map(|e| e.verify.as_slice())),
        undo: undo(&road, step),
        attempts,
    })
}

/// Time the steps that are left should take, where every one of them has an estimate.
pub fn remaining(state: &State) -> Option<Duration> {
    let rows = rows(state);
    let left = rows.iter().filter(|row| !row.status.settled());
    let estimates: Vec<Option<Duration>> = left.map(|row| row.estimate).collect();
    match estimates.is_empty() {
        true => None,
        false => estimates.into_iter().sum(),
    }
}

fn row(road: &Road<'_>, step: &Step, next: &Next) -> StepRow {
    StepRow {
        id: step.id.clone(),
        title: step.title.clone(),
        phase: step.phase.clone(),
        status: road.shown_status(step, next),
        took: took(&road.attempts(step, Role::Run)),
        estimate: road.estimate(step),
        danger: danger_of(step),
        always: step.card.always,
        ticks: count(&ticks(road, step)),
    }
}

fn count(ticks: &[(usize, String, bool)]) -> Option<(usize, usize)> {
    let done = ticks.iter().filter(|(.., done)| *done).count();
    (!ticks.is_empty()).then_some((done, ticks.len()))
}

fn ticks(road: &Road<'_>, step: &Step) -> Vec<(usize, String, bool)> {
    let state = road.walk.steps.get(&step.id);
    let done = |index| state.is_some_and(|s| s.ticks.contains_key(&index));
    let parts = step.parts.iter();
    parts
        .filter_map(|part| match part {
            Part::Tick(tick) => Some((tick.index, tick.text.clone(), done(tick.index))),
            Part::Action(_) => None,
        })
        .collect()
}

fn took(attempts: &[&Attempt]) -> Option<Duration> {
    let begun = attempts.first()?.confirmed;
    let ended = attempts
        .iter()
        .filter_map(|a| a.ended.as_ref())
        .next_back()?;
    (ended.at - begun).to_std().ok()
}

fn undo(road: &Road<'_>, step: &Step) -> String {
    match (road.rollback_of(step), step.rollback.len()) {
        (Some(_), n) => format!("offered: {n} action{}", if n == 1 { "" } else { "s" }),
        (None, 0) if danger_of(step) == Danger::OneWay => "none: one-way".into(),
        (None, 0) => "none".into(),
        (None, _) if road.attempts(step, Role::Run).is_empty() => "offered once it has run".into(),
        (None, _) if road.status(step) == StepStatus::RolledBack => "done".into(),
        (None, _) => "not offered: something one-way came with it or after it".into(),
    }
}

/// Checks in words, each with what was last seen of it: by an evaluation, else judged from the readings at hand.
fn with_verdicts(
    state: &State,
    checks: &[Check],
    seen: Option<&[(String, Verdict)]>,
) -> Vec<(String, Option<Verdict>)> {
    let mut evaluated = seen.unwrap_or_default().iter();
    checks
        .iter()
        .map(|check| {
            let verdict = free(check).then(|| evaluated.next()).flatten();
            let judged = || super::duty::judged(state, check);
            (
                words(check),
                verdict.map(|(_, v)| v.clone()).or_else(judged),
            )
        })
        .collect()
}

/// A check in words.
pub fn words(check: &Check) -> String {
    match check {
        Check::Condition(condition) => condition.to_string(),
        Check::Code(action) => super::asking::code_words(&action.code),
    }
}

/// The title and number of a step that an action belongs to, for messages.
pub fn of_action(state: &State, action: &ActionRef) -> String {
    let title = Road::of(state, action.walk).and_then(|road| {
        let step = road.runbook.step(&action.step)?;
        let place = road.runbook.steps.iter().position(|s| s.id == step.id)?;
        let several = step.actions().count() > 1 && action_of(step, action).is_some();
        let part = if several {
            format!(", part {}", action.index)
        } else {
            String::new()
        };
        Some(format!("step {} {}{part}", place + 1, step.title))
    });
    title.unwrap_or_else(|| action.to_string())
}
