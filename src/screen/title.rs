//! The title line: which site, which incident, how bad, real or not, what time it is, how long it has been.

use std::time::Duration;

use ratatui::text::{Line, Span};

use super::text::{clip, width};
use super::theme::{Role, Theme};
use super::widgets::{clock, spans_width, time};
use crate::console::state::State;
use crate::incident::journal::Incident;

pub(super) fn line(state: &State, theme: &Theme, room: usize) -> Line<'static> {
    let right = right(state, theme, room);
    let left_room = room.saturating_sub(spans_width(&right) + 2);
    let mut spans = left(state, theme, left_room);
    let gap = room.saturating_sub(spans_width(&spans) + spans_width(&right));
    spans.push(Span::raw(" ".repeat(gap)));
    spans.extend(right);
    Line::from(spans)
}

/// Whose console it is goes before which incident it is; the incident's title is shortened last.
fn left(state: &State, theme: &Theme, room: usize) -> Vec<Span<'static>> {
    let site = state.site.name.clone();
    let (strong, dim) = (theme.style(Role::Strong), theme.style(Role::Dim));
    let Some(incident) = &state.incident else {
        let name = Span::styled(" warroom  ", strong);
        return vec![name, Span::raw(clip(&site, room.saturating_sub(10)))];
    };
    let id = incident.declaration.id.to_string();
    let title = &incident.declaration.title;
    let named = 11 + width(&site) + 2 + width(&id) + 1 + width(title) <= room;
    let mut spans = vec![Span::raw(" ")];
    if named {
        spans.push(Span::styled("warroom  ", strong));
    }
    spans.push(Span::styled(format!("{site}  "), dim));
    spans.push(Span::styled(format!("{id} "), dim));
    let left = room.saturating_sub(spans_width(&spans));
    spans.push(Span::styled(clip(title, left), strong));
    spans
}

fn right(state: &State, theme: &Theme, room: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if let Some(incident) = &state.incident {
        spans.push(Span::styled(
            format!("{} ", incident.severity),
            theme.style(Role::Strong),
        ));
    }
    spans.push(Span::styled(
        format!(" {} ", state.mode),
        theme.badge(state.mode),
    ));
    if let Some(pace) = state.pace.filter(|pace| *pace != 1) {
        let words = match pace {
            0 => " ‖ paused".to_owned(),
            pace => format!(" {pace}×"),
        };
        spans.push(Span::styled(words, theme.style(Role::Strong)));
    }
    let now = time(state.now.wall);
    if room >= 40 {
        spans.push(Span::raw(format!(" {now} UTC")));
    }
    if let Some(incident) = &state.incident {
        let (span, word) = elapsed(incident, state);
        spans.push(Span::styled(
            format!("  T+{}", clock(span)),
            theme.style(Role::Strong),
        ));
        if !word.is_empty() && room >= 60 {
            spans.push(Span::styled(format!(" {word}"), theme.style(Role::Fine)));
        }
    }
    spans.push(Span::raw(" "));
    spans
}

/// Time since the declaration; it stands still once the incident is over.
fn elapsed(incident: &Incident, state: &State) -> (Duration, &'static str) {
    let word = match (&incident.resolved, &incident.mitigated) {
        (Some(_), _) => "resolved",
        (None, Some(_)) => "mitigated",
        (None, None) => "",
    };
    let span = match &incident.resolved {
        Some((at, _)) => (*at - incident.declared.wall).to_std().unwrap_or_default(),
        None => state.now.since(&incident.declared),
    };
    (span, word)
}
