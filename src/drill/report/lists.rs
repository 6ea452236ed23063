//! The report's lists: metrics, checklists, issues, observations, and the action items that follow from what fell short.

use serde::Serialize;

use super::Held;
use crate::drill::scenario::Grade;
use crate::drill::score::{Short, Shortfall};
use crate::incident::drills::checklist::{self, Item, Stage};
use crate::incident::journal::{Fact, Note};
use crate::incident::postmortem::text;
use crate::incident::reading::Holds;

/// The numbers, among the items during a drill, of those that the exercise's goals and scenario know more of.
const HEALTHY: usize = 6;
const FAILBACK: usize = 7;

#[derive(Debug, Serialize)]
pub(super) struct MetricRow {
    name: &'static str,
    target: String,
    actual: String,
    status: &'static str,
}

pub(super) fn metrics(held: &Held<'_>) -> Vec<MetricRow> {
    let metrics = held.score.metrics.iter();
    let rows = metrics.map(|metric| MetricRow {
        name: metric.name,
        target: text(&metric.target),
        actual: held.words(&metric.actual),
        status: metric.status.word(),
    });
    rows.collect()
}

/// The items during a drill, answered by the journal and by the end.
pub(super) fn checklist(held: &Held<'_>) -> Vec<String> {
    let answers: Vec<(Item, Option<bool>)> = match held.incident.zip(held.record()) {
        Some((incident, record)) => checklist::during(incident, &record),
        None => during().map(|item| (item, Some(false))).collect(),
    };
    let line = |(item, answer): (Item, Option<bool>)| {
        let symbol = match amended(held, &item, answer) {
            Some(true) => "✔",
            Some(false) => "✖",
            None => "–",
        };
        format!("{symbol} {}", item.words)
    };
    answers.into_iter().map(line).collect()
}

fn during() -> impl Iterator<Item = Item> {
    checklist::all().filter(|item| item.stage == Stage::During)
}

/// Where there are goals, they say what health is; a failback is asked of nobody whose exercise has none.
fn amended(held: &Held<'_>, item: &Item, answer: Option<bool>) -> Option<bool> {
    let goals = &held.finding.goals;
    match item.place {
        HEALTHY if !goals.is_empty() => Some(goals.iter().all(|(_, v)| v.holds == Holds::Yes)),
        FAILBACK if !has_failback(held) => None,
        _ => answer,
    }
}

fn has_failback(held: &Held<'_>) -> bool {
    let mut walks = held.incident.into_iter().flat_map(|i| &i.walks);
    held.asked.failback || walks.any(checklist::failback)
}

#[derive(Debug, Serialize)]
pub(super) struct Issue {
    what: String,
    answer: Option<String>,
}

/// Attempts that did not end as they should, and what the facilitator let happen: what it was, and what was done about it.
pub(super) fn issues(held: &Held<'_>) -> Vec<minijinja::Value> {
    let deviations = held.score.deviations().into_iter();
    let attempts = deviations.filter(|deviation| {
        matches!(
            deviation.short,
            Short::Failed | Short::Unknown | Short::Refused
        )
    });
    let mut found: Vec<_> = attempts
        .map(|attempt| {
            let issue = Issue {
                what: held.words(&attempt.line()),
                answer: attempt.answered.as_deref().map(|answer| held.words(answer)),
            };
            (attempt.at, issue)
        })
        .collect();
    let entries = held.incident.into_iter().flat_map(|i| &i.entries);
    found.extend(entries.filter_map(|entry| {
        let Fact::Note(Note::Inject { from, says, .. }) = &entry.fact else {
            return None;
        };
        let at = held.mark(entry.at.wall);
        let what = held.words(&format!("{at}: {from}: {says}"));
        Some((Some(at), Issue { what, answer: None }))
    }));
    found.sort_by_key(|(at, _)| *at);
    let issues = found.into_iter();
    issues
        .map(|(_, issue)| minijinja::Value::from(minijinja::value::Serde(issue)))
        .collect()
}

pub(super) fn observations(held: &Held<'_>) -> Vec<String> {
    let entries = held.incident.into_iter().flat_map(|i| &i.entries);
    let observed = entries.filter_map(|entry| match &entry.fact {
        Fact::Note(Note::Observation { text }) => {
            let at = held.mark(entry.at.wall);
            Some(held.words(&format!("{at}: {text}")))
        }
        _ => None,
    });
    observed.collect()
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Action {
    what: String,
    due: &'static str,
}

/// An action item proposed for each thing that fell short, the most urgent first; the same one once.
pub(super) fn actions(held: &Held<'_>) -> Vec<Action> {
    let mut found: Vec<Action> = Vec::new();
    for shortfall in &held.score.shortfalls {
        let what = held.words(&action(shortfall));
        if found.iter().all(|other| other.what != what) {
            let due = due(shortfall.makes);
            found.push(Action { what, due });
        }
    }
    found
}

/// By when, by priority.
fn due(makes: Grade) -> &'static str {
    match makes {
        Grade::Fail => "P1: within 1 week",
        Grade::Partial => "P2: within 1 month",
        Grade::Pass => "P3: within 1 quarter",
    }
}

fn action(shortfall: &Shortfall) -> String {
    let Shortfall { what, words, .. } = shortfall;
    match shortfall.short {
        Short::Undeclared => "Agree on who declares an incident, and on what".into(),
        Short::Unresolved => "Agree on when an incident is over, and on who says so".into(),
        Short::Goal => format!("Close the gap: {words}"),
        Short::Harm => format!("See to it that this can't happen again: {words}"),
        Short::Rto => format!("Shorten the recovery: {words}"),
        Short::Rpo => format!("Narrow the loss: {words}"),
        Short::Integrity => format!("Find and repair what is wrong: {words}"),
        Short::Harmful => format!("Make the order plain in the runbook: {words}"),
        Short::Overridden => {
            format!("Make “{what}” hold, or say in the runbook when it need not")
        }
        Short::Skipped => format!("Make “{what}” fit, or take it out of the runbook"),
        Short::Undone => format!("Bring “{what}” to its end, or say where it may stop"),
        Short::Failed => format!("Find out why “{what}” failed"),
        Short::Unknown => format!("Find out how “{what}” ends, and how that is seen"),
        Short::Refused => format!("Find out why “{what}” was refused"),
        Short::Slow => format!("Correct the estimate of “{what}”, or make it faster"),
        Short::OutOfOrder => format!("Settle where “{what}” belongs in the runbook"),
        Short::Waived => format!("Do what was waived: {what}"),
    }
}

/// What is left to do, within 48 hours after.
pub(super) fn after() -> Vec<&'static str> {
    let items = checklist::all().filter(|item| item.stage == Stage::After);
    items.map(|item| item.words).collect()
}
