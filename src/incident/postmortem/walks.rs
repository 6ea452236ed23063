//! What was done on each walk: its steps, and every attempt with what ran, what it saw and how it ended.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::{between, instant, text};
use crate::incident::clean::Clean;
use crate::incident::journal::fold::{Attempt, Phase};
use crate::incident::journal::{Incident, StepState, Walk};
use crate::incident::reading::{Holds, Outcome, Verdict};
use crate::incident::redact::Redactor;
use crate::incident::runbook::{ActionRef, Code, Role};

/// Every attempt of a walk in the order they were confirmed.
pub(super) fn attempts(walk: &Walk) -> Vec<&Attempt> {
    let states = walk.steps.values().flat_map(|s| s.actions.values());
    let mut found: Vec<&Attempt> = states.flat_map(|a| &a.attempts).collect();
    found.sort_by_key(|a| a.intent_seq);
    found
}

#[derive(Debug, Serialize)]
pub(super) struct WalkRows {
    title: String,
    runbook: String,
    digest: String,
    vars: String,
    rows: Vec<StepRow>,
    attempts: Vec<AttemptRow>,
}

#[derive(Debug, Serialize)]
struct StepRow {
    step: String,
    state: String,
    by: String,
    at: String,
    took: String,
    result: String,
}

#[derive(Debug, Serialize)]
struct AttemptRow {
    title: String,
    what: String,
    /// The command as a fence; empty when an earlier attempt has shown it.
    ran: String,
    verdicts: Vec<String>,
    excerpt: String,
}

pub(super) fn walks(incident: &Incident) -> Vec<WalkRows> {
    let walks = incident.walks.iter();
    walks.map(|walk| walk_rows(incident, walk)).collect()
}

fn walk_rows(incident: &Incident, walk: &Walk) -> WalkRows {
    let vars: Vec<String> = walk
        .chosen
        .vars
        .iter()
        .map(|(name, value)| format!("{} = {}", text(name), text(value)))
        .collect();
    WalkRows {
        title: text(&walk.chosen.title),
        runbook: text(walk.chosen.runbook.as_str()),
        digest: walk.chosen.digest.clone(),
        vars: vars.join(", "),
        rows: walk
            .chosen
            .steps
            .iter()
            .map(|(id, title)| {
                let state = walk.steps.get(id);
                match incident.opened_by(walk.chosen.walk, id) {
                    Some(opened) if state.is_none() => opened_row(title, opened),
                    _ => step_row(title, walk.parts(id), state),
                }
            })
            .collect(),
        attempts: attempt_rows(walk),
    }
}

/// A command that is tried again is shown once.
fn attempt_rows(walk: &Walk) -> Vec<AttemptRow> {
    let mut shown: BTreeMap<&ActionRef, &Code> = BTreeMap::new();
    let attempts = attempts(walk).into_iter();
    attempts
        .map(|attempt| {
            let resolved = &attempt.intent.resolved;
            let again = shown.insert(&resolved.action, &resolved.code) == Some(&resolved.code);
            attempt_row(attempt, again)
        })
        .collect()
}

/// A step that opened another runbook, whose walk tells the rest.
fn opened_row(title: &str, opened: &Walk) -> StepRow {
    StepRow {
        step: text(title),
        state: "opened".to_owned(),
        by: String::new(),
        at: opened.since.format("%H:%M:%S").to_string(),
        took: String::new(),
        result: text(&opened.chosen.title),
    }
}

/// `parts` is how many the step has, 0 where a journal does not tell.
fn step_row(title: &str, parts: usize, state: Option<&StepState>) -> StepRow {
    let row = |state: &str, by: &str, at: Option<DateTime<Utc>>, took, result| StepRow {
        step: text(title),
        state: state.to_owned(),
        by: text(by),
        at: at.map_or(String::new(), |at| at.format("%H:%M:%S").to_string()),
        took,
        result,
    };
    let Some(state) = state else {
        return row("not reached", "", None, String::new(), String::new());
    };
    if let Some(reason) = &state.skipped {
        return row(
            "skipped",
            "",
            None,
            String::new(),
            reason.one_line().markdown(),
        );
    }
    let last = state
        .actions
        .values()
        .filter_map(|a| a.attempts.last())
        .max_by_key(|a| a.intent_seq);
    match (last, state.ticks.values().max_by_key(|(at, ..)| *at)) {
        (Some(attempt), _) => row(
            &so_far(attempt, state.parts_done(), parts),
            &attempt.by.name,
            Some(attempt.confirmed),
            took(attempt),
            result(attempt),
        ),
        (None, Some((at, actor, note))) => {
            let note = note
                .as_ref()
                .map_or(String::new(), |n| n.one_line().markdown());
            let ticked = match (state.parts_done(), parts) {
                (0, _) => None,
                (ticked, parts) if ticked < parts => Some(format!("{ticked} of {parts} ticked")),
                (ticked, _) => Some(format!("{ticked} ticked")),
            };
            let note = (!note.is_empty()).then_some(note);
            let note: Vec<String> = ticked.into_iter().chain(note).collect();
            row(
                "by hand",
                &actor.name,
                Some(*at),
                String::new(),
                note.join(": "),
            )
        }
        (None, None) => {
            let way = state
                .branched
                .as_ref()
                .map_or(String::new(), |(way, to)| format!("{} → #{to}", text(way)));
            row("answered", "", None, String::new(), way)
        }
    }
}

/// A step's state by its last attempt: it is done when all its parts are.
fn so_far(last: &Attempt, done: usize, parts: usize) -> String {
    match (last.phase(), last.intent.resolved.action.role) {
        (Phase::Done, Role::Rollback) => "rolled back".to_owned(),
        (Phase::Done, _) if done < parts => format!("{done} of {parts} done"),
        (phase, _) => word(phase).to_owned(),
    }
}

pub(super) fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "waiting",
        Phase::Intended => "confirmed, not run",
        Phase::Running => "running",
        Phase::Done => "done",
        Phase::Failed => "**failed**",
        Phase::Unknown => "**unknown**",
        Phase::Refused => "**refused**",
        Phase::Voided => "voided",
    }
}

fn took(attempt: &Attempt) -> String {
    match (&attempt.started, &attempt.ended) {
        (Some((from, ..)), Some(ended)) => between(*from, ended.at),
        _ => String::new(),
    }
}

fn result(attempt: &Attempt) -> String {
    if let Some((done, reason)) = &attempt.settled {
        let word = if *done {
            "it happened"
        } else {
            "it did not happen"
        };
        return format!("settled: {word}: {}", reason.one_line().markdown());
    }
    let Some(ended) = &attempt.ended else {
        return String::new();
    };
    match &ended.outcome {
        Outcome::Done { said } => said.one_line().markdown(),
        Outcome::Failed { failure, exit } => {
            // A failure's sentence names the exit status where its system had one to tell.
            let said = failure.to_string();
            let exit = exit
                .map(|code| format!("exit {code}"))
                .filter(|exit| !said.contains(exit));
            text(&exit.map_or(said.clone(), |exit| format!("{exit}: {said}")))
        }
        Outcome::Unknown { failure } => text(&failure.to_string()),
        Outcome::Refused { verdicts } => verdicts
            .iter()
            .map(|v| v.saw.one_line().markdown())
            .collect::<Vec<_>>()
            .join("; "),
    }
}

fn attempt_row(attempt: &Attempt, again: bool) -> AttemptRow {
    let resolved = &attempt.intent.resolved;
    let places: Vec<String> = resolved
        .targets
        .iter()
        .map(|p| format!("{} ({})", text(p.target.as_str()), text(&p.place)))
        .collect();
    let on = if places.is_empty() {
        String::new()
    } else {
        format!(" on {}", places.join(", "))
    };
    let excerpt = attempt
        .ended
        .as_ref()
        .map(|e| &e.excerpt)
        .filter(|e| !e.as_str().trim().is_empty());
    let took = took(attempt);
    let took = if took.is_empty() {
        took
    } else {
        format!(", took {took}")
    };
    AttemptRow {
        title: format!(
            "{} — attempt {}: {}",
            text(&resolved.step_title),
            resolved.attempt,
            word(attempt.phase())
        ),
        what: format!(
            "`{}`{on}, confirmed by {} at {}{took}. {}",
            code_word(&resolved.code),
            text(&attempt.by.name),
            instant(attempt.confirmed),
            result(attempt),
        ),
        ran: match again {
            true => String::new(),
            false => command(&resolved.code),
        },
        verdicts: attempt.intent.verdicts.iter().map(verdict_line).collect(),
        excerpt: excerpt.map_or(String::new(), |e| e.fence("text")),
    }
}

fn code_word(code: &Code) -> String {
    match code {
        Code::Shell {
            host: Some(host), ..
        } => format!("sh on {host}"),
        Code::Shell { .. } => "sh".into(),
        Code::Sql { on, .. } => format!("sql on {on}"),
        Code::Redis { on, .. } => format!("redis on {on}"),
        Code::Http { .. } => "http".into(),
        Code::Act { act } => act.word(),
    }
}

/// What ran, as a fence: a secret that was typed into it is left out.
fn command(code: &Code) -> String {
    let (language, words) = match code {
        Code::Shell { script, .. } => ("sh", script.clone()),
        Code::Sql { text, .. } => ("sql", text.clone()),
        Code::Redis { text, .. } => ("redis", text.clone()),
        Code::Http { text } => ("http", text.clone()),
        Code::Act { act } => ("text", act.to_string()),
    };
    Clean::new(&Redactor::new([]).redact(&words)).fence(language)
}

fn verdict_line((name, verdict): &(String, Verdict)) -> String {
    let symbol = match verdict.holds {
        Holds::Yes => "✔",
        Holds::No => "✖",
        Holds::Unknown => "?",
    };
    format!(
        "{symbol} {}: {}",
        text(name),
        verdict.saw.one_line().markdown()
    )
}
