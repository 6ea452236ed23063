//! The report's timeline: the exercise's milestones among everything else that happened, by the exercise's time.

use chrono::{DateTime, NaiveTime, Utc};
use serde::Serialize;

use super::{Held, since};
use crate::drill::scenario::Kind;
use crate::drill::score::{Mark, Story};
use crate::incident::journal::{Entry, Fact, Note, Report, Seq};
use crate::incident::judge::Standing;
use crate::incident::measure::Span;
use crate::incident::names::StepId;
use crate::incident::postmortem::{rows, text};
use crate::incident::runbook::Role;

#[derive(Debug, Serialize)]
pub(super) struct Row {
    at: String,
    event: String,
    notes: String,
}

/// A row before its time is told.
struct Event {
    at: Mark,
    event: String,
    notes: String,
}

pub(super) fn rows(held: &Held<'_>) -> Vec<Row> {
    let mut events = vec![Event {
        at: held.mark(held.exercise.began),
        event: "**Drill began**".into(),
        notes: String::new(),
    }];
    if let Some(story) = held.story() {
        events.push(first_seen(held, &story));
        let entries = story.incident.entries.iter();
        events.extend(entries.filter_map(|entry| event(held, &story, entry)));
    }
    events.push(Event {
        at: held.mark(held.finding.ended.wall),
        event: "**Drill completed**".into(),
        notes: format!("{} after {}", held.score.grade.word(), held.duration()),
    });
    // Stable: what happened at one instant stays in the order in which it was written down.
    events.sort_by_key(|event| event.at);
    let rows = events.into_iter().map(|event| Row {
        at: event.at.to_string(),
        event: event.event,
        notes: event.notes,
    });
    rows.collect()
}

fn first_seen(held: &Held<'_>, story: &Story<'_>) -> Event {
    let mut entries = story.incident.entries.iter();
    let breach = entries.find_map(|entry| match &entry.fact {
        Fact::Note(Note::Standing {
            subject,
            to: Standing::Breach,
            words,
            ..
        }) => {
            let (_, words) = earlier(words, held.exercise.began);
            Some(format!("{subject}: {words}"))
        }
        _ => None,
    });
    Event {
        at: story.mark(story.first_seen()),
        event: "**First breach**".into(),
        notes: breach.map_or(String::new(), |breach| held.words(&breach)),
    }
}

/// A row for an entry; none for what is only bookkeeping. The incident's id stands in the summary alone.
fn event(held: &Held<'_>, story: &Story<'_>, entry: &Entry) -> Option<Event> {
    let mut at = story.mark(entry.at.wall);
    let titled = |walk: u32, step: &StepId| {
        // What the post-mortem calls by its id is called by its title here.
        let line = rows::line(entry)?;
        let said = line.split_once(": ").map_or("", |(_, said)| said);
        Some(format!("{}: {said}", story.title(walk, step)))
    };
    let line = match &entry.fact {
        Fact::Declared(d) => format!("{} ({})", d.title, d.severity),
        Fact::Report(Report::Ended { action, .. }) | Fact::Note(Note::Settled { action, .. }) => {
            titled(action.walk, &action.step)?
        }
        Fact::Note(
            Note::Ticked { walk, step, .. }
            | Note::Skipped { walk, step, .. }
            | Note::Branched { walk, step, .. },
        ) => titled(*walk, step)?,
        Fact::Note(Note::WentTo { walk, step, reason }) => {
            format!("went to {}: {reason}", story.title(*walk, step))
        }
        Fact::Note(Note::Standing {
            subject,
            from,
            to,
            words,
        }) => {
            let (then, words) = earlier(words, held.exercise.began);
            at = then.unwrap_or(at);
            format!("{subject}: {from} → {to}: {words}")
        }
        Fact::Report(Report::Started { .. })
        | Fact::Note(
            Note::Captured { .. }
            | Note::PostMortem { .. }
            | Note::Exercise(_)
            | Note::Observation { .. },
        ) => return None,
        _ => rows::line(entry)?,
    };
    let line = held.words(&line);
    Some(Event {
        at,
        event: match milestone(held, story, entry) {
            Some(milestone) => format!("**{milestone}**: {line}"),
            None => line,
        },
        notes: text(&entry.actor.name),
    })
}

/// The milestone that an entry is.
fn milestone(held: &Held<'_>, story: &Story<'_>, entry: &Entry) -> Option<String> {
    let restored = || {
        let took = held.score.rto.actual.map(|took| Span(took).to_string());
        format!("Service restored (RTO: {})", took.unwrap_or_default())
    };
    let incident = story.incident;
    match &entry.fact {
        Fact::Declared(_) => Some("Drill declared".into()),
        Fact::Note(Note::Mitigated { .. }) => Some(restored()),
        Fact::Note(Note::Resolved { .. }) if incident.mitigated.is_none() => Some(restored()),
        _ if initiated(&incident.entries) == Some(entry.seq) => Some(match held.asked.kind {
            Kind::ComponentFailover | Kind::RegionalFailover | Kind::FullDr => {
                "Failover initiated".into()
            }
            _ => "Procedure initiated".into(),
        }),
        _ => None,
    }
}

/// The first act that was confirmed, or the first item that was ticked.
fn initiated(entries: &[Entry]) -> Option<Seq> {
    let first = entries.iter().find(|entry| match &entry.fact {
        Fact::Intent(intent) => intent.resolved.action.role == Role::Run,
        Fact::Note(Note::Ticked { index, .. }) => *index > 0,
        _ => false,
    });
    first.map(|entry| entry.seq)
}

/// A change from before the declaration has its time in its words, `at 14:05:11: no answer`.
fn earlier(words: &str, began: DateTime<Utc>) -> (Option<Mark>, &str) {
    let told = words
        .strip_prefix("at ")
        .and_then(|rest| rest.split_once(": "));
    let Some((time, rest)) = told else {
        return (None, words);
    };
    match NaiveTime::parse_from_str(time, "%H:%M:%S") {
        Ok(time) => (Some(since(time, began)), rest),
        Err(_) => (None, words),
    }
}
