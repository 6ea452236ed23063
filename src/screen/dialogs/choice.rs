//! One of several: a fork, a decision, a severity, a rung. What the checks saw stands above the answers.

use ratatui::text::{Line, Span};

use super::{Sheet, chosen, foot, prose, spaced, title, verdict_lines};
use crate::console::confirm::ARMED_AFTER;
use crate::console::state::{ChoiceForm, State};
use crate::screen::text::width;
use crate::screen::theme::{Role, Theme};

pub(super) fn sheet(state: &State, form: &ChoiceForm, theme: &Theme, room: usize) -> Sheet {
    let mut head: Vec<Line<'static>> = Vec::new();
    for (seen, words) in &form.lines {
        match seen {
            Some(seen) => head.extend(verdict_lines(words, seen, room, theme)),
            None => head.extend(prose(words, Role::Text, room, theme)),
        }
    }
    if !head.is_empty() {
        head.push(Line::default());
    }
    let wide = form
        .answers
        .iter()
        .map(|(w, _)| width(w))
        .max()
        .unwrap_or(0);
    let body = form.answers.iter().enumerate().map(|(at, (words, aside))| {
        let pad = wide - width(words);
        let gap = if aside.is_empty() { "" } else { "   " };
        chosen(
            &format!("{words}{:pad$}{gap}{aside}", ""),
            at == form.selected,
            room,
            theme,
        )
    });
    let armed = state.hand.since(&form.opened) >= ARMED_AFTER;
    let left = match armed {
        true => Vec::new(),
        false => vec![Span::styled("wait… half a second", theme.style(Role::Dim))],
    };
    let keys = [("enter", "takes it"), ("esc", "not now")];
    Sheet {
        title: title(&form.title, theme),
        head,
        body: body.collect(),
        foot: spaced(foot(left, &keys, room, theme)),
        top: form.selected.saturating_sub(2),
        ..Sheet::default()
    }
}
