//! Rows of the post-mortem's tables that tell of the incident as a whole.

use std::time::Duration;

use serde::Serialize;

use super::walks::attempts;
use super::{BLANK, text};
use crate::incident::acts::Act;
use crate::incident::acts::postgres::PgAct;
use crate::incident::journal::fold::{Attempt, Phase};
use crate::incident::journal::{Entry, Fact, Incident, Note, Report};
use crate::incident::measure::Span;
use crate::incident::reading::{Holds, Outcome};
use crate::incident::runbook::Code;
use crate::incident::site::Site;

#[derive(Debug, Serialize)]
pub(super) struct RoleRow {
    role: String,
    who: String,
}

pub(super) fn roles(incident: &Incident) -> Vec<RoleRow> {
    let roles = incident.roles.iter();
    roles
        .map(|(role, who)| RoleRow {
            role: text(role),
            who: text(who),
        })
        .collect()
}

#[derive(Debug, Serialize)]
pub(super) struct ObjectiveRow {
    name: &'static str,
    promised: String,
    actual: String,
    verdict: &'static str,
}

/// RTO runs from the declaration to the instant users were served again; RPO is what the promotions lost.
pub(super) fn objectives(incident: &Incident, site: &Site) -> Vec<ObjectiveRow> {
    let of_severity = site
        .severities
        .iter()
        .find(|s| s.id == incident.severity)
        .and_then(|s| s.rto);
    let served = incident
        .mitigated
        .as_ref()
        .or(incident.resolved.as_ref())
        .map(|(at, _)| *at);
    let rto = served.map(|at| {
        (at - incident.declared.wall)
            .to_std()
            .unwrap_or(Duration::ZERO)
    });
    let rto_note = if incident.mitigated.is_none() {
        " (until resolved)"
    } else {
        ""
    };
    let loss = loss(incident);
    vec![
        ObjectiveRow {
            name: "RTO",
            promised: promised(of_severity.or(site.objectives.rto)),
            actual: rto.map_or(BLANK.into(), |rto| format!("{}{rto_note}", Span(rto))),
            verdict: verdict(of_severity.or(site.objectives.rto), rto),
        },
        ObjectiveRow {
            name: "RPO",
            promised: promised(site.objectives.rpo),
            actual: match &loss {
                Some((_, words)) => text(words),
                None => "nothing was promoted or restored".into(),
            },
            verdict: match &loss {
                Some((loss, _)) => verdict(site.objectives.rpo, *loss),
                None => "",
            },
        },
    ]
}

fn promised(objective: Option<Duration>) -> String {
    objective.map_or("none".into(), |o| Span(o).to_string())
}

fn verdict(objective: Option<Duration>, actual: Option<Duration>) -> &'static str {
    match (objective, actual) {
        (Some(objective), Some(actual)) if actual <= objective => "met",
        (Some(_), Some(_)) => "**missed**",
        (Some(_), None) => "unknown",
        (None, _) => "",
    }
}

fn promotions(incident: &Incident) -> Vec<&Attempt> {
    let attempts = incident.walks.iter().flat_map(attempts);
    attempts
        .filter(|a| a.phase() == Phase::Done)
        .filter(|a| {
            matches!(
                &a.intent.resolved.code,
                Code::Act {
                    act: Act::Postgres(PgAct::Promote { .. })
                }
            )
        })
        .collect()
}

/// What the last promotion lost, as its guard measured it: the time where that is known, and words. None without a
/// promotion.
pub fn loss(incident: &Incident) -> Option<(Option<Duration>, String)> {
    promotions(incident).last().map(|attempt| loss_of(attempt))
}

/// What the loss guard measured when the promotion was confirmed: the time where it held (a red one may be over in bytes),
/// and its words.
fn loss_of(attempt: &Attempt) -> (Option<Duration>, String) {
    let mut verdicts = attempt.intent.verdicts.iter();
    match verdicts.find(|(name, _)| name.starts_with("loss")) {
        Some((_, verdict)) => {
            let held = verdict.badness.filter(|_| verdict.holds == Holds::Yes);
            (held.map(Duration::from_millis), verdict.saw.to_string())
        }
        None => (None, "not measured".into()),
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TimelineRow {
    at: String,
    who: String,
    what: String,
}

pub(super) fn timeline(incident: &Incident) -> Vec<TimelineRow> {
    let lines = incident.entries.iter().filter_map(|entry| {
        let what = line(entry)?;
        Some(TimelineRow {
            at: entry.at.wall.format("%Y-%m-%d %H:%M:%S").to_string(),
            who: text(&entry.actor.name),
            what: text(&what),
        })
    });
    lines.collect()
}

/// An entry in one line, as the timeline shows it; none for what is only bookkeeping.
pub fn line(entry: &Entry) -> Option<String> {
    Some(match &entry.fact {
        Fact::Declared(d) => format!("declared {}: {} ({})", d.id, d.title, d.severity),
        Fact::Intent(intent) => {
            let resolved = &intent.resolved;
            let overridden = match intent.overrides.len() {
                0 => String::new(),
                n => format!(", {n} overridden"),
            };
            format!(
                "{}: confirmed {}{overridden}",
                resolved.step_title, resolved.action
            )
        }
        Fact::Report(Report::Started {
            action, attempt, ..
        }) => format!("{action}: attempt {attempt} started"),
        Fact::Report(Report::Ended {
            action, outcome, ..
        }) => match outcome {
            Outcome::Done { said } => format!("{action}: done: {said}"),
            Outcome::Failed { failure, .. } => format!("{action}: failed: {failure}"),
            Outcome::Unknown { failure } => format!("{action}: unknown: {failure}"),
            Outcome::Refused { verdicts } => {
                let saw: Vec<&str> = verdicts.iter().map(|v| v.saw.as_str()).collect();
                format!("{action}: refused: {}", saw.join("; "))
            }
        },
        Fact::Note(note) => return note_line(note),
    })
}

fn note_line(note: &Note) -> Option<String> {
    Some(match note {
        Note::Said { text, .. } => format!("note: {text}"),
        Note::Severity { to, reason } => format!("severity is now {to}: {reason}"),
        Note::Role { role, who } => format!("{role} is {who}"),
        Note::Acknowledged { rung } => format!("acknowledged {rung}"),
        Note::Due { words, .. } => format!("due: {words}"),
        Note::Chosen(chosen) if chosen.added.is_some() => {
            format!("added the step {}", chosen.title)
        }
        Note::Chosen(chosen) => format!("opened the runbook {}", chosen.title),
        Note::WalkEnded { reason: None, .. } => "the runbook is done".into(),
        Note::WalkEnded {
            reason: Some(reason),
            ..
        } => format!("left the runbook: {reason}"),
        Note::Ticked { step, index: 0, .. } => format!("#{step}: read"),
        Note::Ticked {
            step, index, note, ..
        } => match note {
            Some(note) => format!("#{step}/{index}: done by hand: {note}"),
            None => format!("#{step}/{index}: done by hand"),
        },
        Note::Skipped { step, reason, .. } => format!("#{step}: skipped: {reason}"),
        Note::Branched {
            step,
            way,
            to,
            reason,
            ..
        } => match reason {
            Some(reason) => format!("#{step}: {way}, on to #{to}: {reason}"),
            None => format!("#{step}: {way}, on to #{to}"),
        },
        Note::WentTo { step, reason, .. } => format!("went to #{step}: {reason}"),
        Note::Voided { reason, .. } => format!("a confirmation was taken back: {reason}"),
        Note::Settled {
            action,
            done: true,
            reason,
            ..
        } => format!("{action}: it happened: {reason}"),
        Note::Settled {
            action,
            done: false,
            reason,
            ..
        } => format!("{action}: it did not happen: {reason}"),
        Note::Captured { name, value, .. } => match value {
            Some(value) => format!("captured {name}: {value}"),
            None => format!("captured {name}, a secret"),
        },
        Note::Standing {
            subject,
            from,
            to,
            words,
        } => format!("{subject}: {from} → {to}: {words}"),
        Note::Maintenance { on: true } => "maintenance mode on".into(),
        Note::Maintenance { on: false } => "maintenance mode off".into(),
        Note::Mitigated { how } => format!("users are served again: {how}"),
        Note::Resolved { summary, .. } => format!("resolved: {summary}"),
        Note::PostMortem { path, .. } => format!("post-mortem written to {path}"),
        Note::Trouble { words } => format!("journal: {words}"),
        Note::Exercise(exercise) => format!(
            "this is the exercise {}, seed {}: {}",
            exercise.scenario, exercise.seed, exercise.title
        ),
        Note::Inject { from, says, .. } => format!("heard from {from}: {says}"),
        Note::Observation { text } => format!("observed: {text}"),
        Note::Pace { speed: 0 } => "the exercise was paused".into(),
        Note::Pace { speed } => format!("the exercise went on at {speed}×"),
        Note::Vitals(_) | Note::LastSeen { .. } => return None,
    })
}
