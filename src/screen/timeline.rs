//! Timeline: what happened, by whom, the newest last. The journal's own entries in words.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::pane::{more, padded};
use super::text::{clip, width, wrap};
use super::theme::{Role, Theme};
use super::widgets::{frame, lines, time, title};
use crate::console::state::{Focus, State};
use crate::incident::journal::{Attempt, Entry, Fact, Incident, Note, Report};
use crate::incident::judge::Standing;
use crate::incident::measure;
use crate::incident::names::StepId;
use crate::incident::reading::Outcome;
use crate::incident::runbook::ActionRef;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = state.focus == Focus::Timeline;
    let mut block = frame(state.mode, theme, focused).title(title("Timeline", theme, focused));
    let inner = padded(block.inner(area));
    let all = rows(state, theme, inner.width.into());
    let height = usize::from(inner.height);
    let last = all.len().saturating_sub(height);
    // Until somebody scrolls, the newest entry is in sight.
    let top = state
        .scroll
        .get(&Focus::Timeline)
        .map_or(last, |top| last.min(*top));
    if top < last {
        block = block.title_bottom(more(last - top, theme));
    }
    block.render(area, buffer);
    lines(buffer, inner, all.iter().skip(top));
}

fn rows(state: &State, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let Some(incident) = &state.incident else {
        return Vec::new();
    };
    let told: Vec<(&Entry, String, Role)> = incident
        .entries
        .iter()
        .filter_map(|entry| words(incident, state, entry).map(|(words, role)| (entry, words, role)))
        .collect();
    let who = told.iter().map(|(e, ..)| width(&e.actor.name)).max();
    let who = who.unwrap_or(0).min(12);
    let full = state.zoomed && state.focus == Focus::Timeline;
    told.iter()
        .flat_map(|(entry, words, role)| {
            row(entry, words, theme.style(*role), theme, (who, room, full))
        })
        .collect()
}

fn row(
    entry: &Entry,
    words: &str,
    style: ratatui::style::Style,
    theme: &Theme,
    (who, room, full): (usize, usize, bool),
) -> Vec<Line<'static>> {
    let dim = theme.style(Role::Dim);
    let left = room.saturating_sub(12 + who);
    let said = if full {
        wrap(words, left)
    } else {
        vec![clip(words, left)]
    };
    let name = clip(&entry.actor.name, who);
    let pad = who - width(&name);
    let mut lines = said.into_iter().enumerate().map(|(at, text)| {
        let (at, by) = match at {
            0 => (time(entry.at.wall), format!("{name}{:pad$}", "")),
            _ => (" ".repeat(8), " ".repeat(who)),
        };
        Line::from(vec![
            Span::styled(at, dim),
            Span::styled(format!("  {by}  "), dim),
            Span::styled(text, style),
        ])
    });
    let first = lines.next();
    first.into_iter().chain(lines).collect()
}

/// An entry in words, and how much they weigh; none for what only the post-mortem needs.
fn words(incident: &Incident, state: &State, entry: &Entry) -> Option<(String, Role)> {
    match &entry.fact {
        Fact::Declared(d) => Some((
            format!("declared {}: {}", d.severity, d.title),
            Role::Strong,
        )),
        Fact::Intent(intent) => {
            let overridden = match intent.overrides.len() {
                0 => String::new(),
                n => format!(", {n} overridden"),
            };
            let title = &intent.resolved.step_title;
            Some((format!("{title}: confirmed{overridden}"), Role::Text))
        }
        Fact::Report(report) => reported(incident, report),
        Fact::Note(note) => noted(incident, state, note),
    }
}

fn reported(incident: &Incident, report: &Report) -> Option<(String, Role)> {
    let Report::Ended {
        action,
        attempt,
        outcome,
        ..
    } = report
    else {
        return None;
    };
    let title = step(incident, action.walk, &action.step);
    let took = took(incident, action, *attempt).map_or(String::new(), |t| format!(" in {t}"));
    Some(match outcome {
        Outcome::Done { said } if said.as_str().is_empty() => {
            (format!("{title}: done{took}"), Role::Fine)
        }
        Outcome::Done { said } => (format!("{title}: done{took}, {said}"), Role::Fine),
        Outcome::Failed { failure, .. } => {
            (format!("{title}: failed{took}, {failure}"), Role::Breach)
        }
        Outcome::Unknown { failure } => (
            format!("{title}: nobody can say how it ended, {failure}"),
            Role::Unknown,
        ),
        Outcome::Refused { verdicts } => {
            let why = verdicts
                .first()
                .map_or(String::new(), |v| format!(", {}", v.saw));
            (format!("{title}: refused{why}"), Role::Breach)
        }
    })
}

fn took(incident: &Incident, action: &ActionRef, number: u32) -> Option<String> {
    let state = incident.walk(action.walk)?.steps.get(&action.step)?;
    let attempts = &state.actions.get(action)?.attempts;
    let found = |a: &&Attempt| a.intent.resolved.attempt == number;
    let attempt = attempts.iter().find(found)?;
    let (ended, (started, ..)) = (attempt.ended.as_ref()?, attempt.started.as_ref()?);
    let span = (ended.at - *started).to_std().ok()?;
    Some(measure::Span(span).to_string())
}

/// The step's title, or its id where the walk does not tell.
fn step(incident: &Incident, walk: u32, id: &StepId) -> String {
    let steps = incident.walk(walk).map(|w| w.chosen.steps.iter());
    let found = steps.and_then(|mut steps| steps.find(|(step, _)| step == id));
    found.map_or_else(|| id.to_string(), |(_, title)| title.clone())
}

fn noted(incident: &Incident, state: &State, note: &Note) -> Option<(String, Role)> {
    let title = |walk: &u32, id: &StepId| step(incident, *walk, id);
    let text = |words: String| Some((words, Role::Text));
    match note {
        Note::Said { text: said, step } => text(match step {
            Some((walk, id)) => format!("{}: {said}", title(walk, id)),
            None => format!("note: {said}"),
        }),
        Note::Severity { to, reason } => Some((format!("now {to}: {reason}"), Role::Strong)),
        Note::Role { role, who } => text(format!("{role}: {who}")),
        Note::Acknowledged { rung } => text(format!("acknowledged: {}", rung_words(state, rung))),
        Note::Due { words, .. } => Some((format!("due: {words}"), Role::Watch)),
        Note::Chosen(chosen) if chosen.added.is_some() => {
            text(format!("added the step {}", chosen.title))
        }
        Note::Chosen(chosen) => text(format!("opened {}", chosen.title)),
        Note::WalkEnded { walk, reason } => {
            let name = incident
                .walk(*walk)
                .map_or("runbook", |w| w.chosen.title.as_str());
            text(match reason {
                Some(reason) => format!("left {name}: {reason}"),
                None => format!("finished {name}"),
            })
        }
        Note::Ticked {
            walk, step, note, ..
        } => text(match note {
            Some(note) => format!("{}: ticked, {note}", title(walk, step)),
            None => format!("{}: ticked", title(walk, step)),
        }),
        Note::Skipped { walk, step, reason } => Some((
            format!("{}: skipped, {reason}", title(walk, step)),
            Role::Watch,
        )),
        Note::Branched {
            walk,
            step,
            way,
            to,
            ..
        } => text(format!(
            "{}: {way}, on to {}",
            title(walk, step),
            title(walk, to)
        )),
        Note::WentTo { walk, step, reason } => {
            text(format!("went to {}: {reason}", title(walk, step)))
        }
        Note::Voided { reason, .. } => text(format!("a confirmation was taken back: {reason}")),
        Note::Settled {
            action,
            done,
            reason,
            ..
        } => {
            let word = if *done {
                "it happened"
            } else {
                "it did not happen"
            };
            text(format!(
                "{}: {word}, {reason}",
                title(&action.walk, &action.step)
            ))
        }
        Note::Standing {
            subject,
            from,
            to,
            words,
        } => Some((
            format!("{subject}: {from} → {to}, {words}"),
            if *to == Standing::Fine {
                Role::Fine
            } else {
                Role::from(*to)
            },
        )),
        Note::Maintenance { on } => text(format!(
            "maintenance mode {}",
            if *on { "on" } else { "off" }
        )),
        Note::Mitigated { how } => Some((format!("users are served again: {how}"), Role::Fine)),
        Note::Resolved { summary, .. } => Some((format!("resolved: {summary}"), Role::Strong)),
        Note::PostMortem { path, .. } => text(format!("post-mortem written: {path}")),
        Note::Trouble { words } => Some((words.clone(), Role::Breach)),
        Note::Inject { from, says, .. } => Some((format!("{from}: {says}"), Role::Strong)),
        Note::Pace { speed: 0 } => text("the exercise is paused".into()),
        Note::Pace { speed } => text(format!("the exercise goes on at {speed}×")),
        // What the facilitator observed is for the report; participants see what they would see.
        Note::Captured { .. }
        | Note::Vitals(_)
        | Note::LastSeen { .. }
        | Note::Exercise(_)
        | Note::Observation { .. } => None,
    }
}

fn rung_words(state: &State, key: &str) -> String {
    let found = state.site.ladder.iter().find(|rung| rung.key == key);
    found.map_or_else(
        || key.to_owned(),
        |rung| format!("{}, {}", rung.who, rung.what),
    )
}
