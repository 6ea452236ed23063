//! The last line: which keys do something here. Which keys those are is the console's to say.

use ratatui::text::Line;

use super::theme::{Role, Theme};
use super::widgets::keys;
use crate::console::hints::hints;
use crate::console::state::State;

pub(super) fn line(state: &State, theme: &Theme, room: usize) -> Line<'static> {
    // A dialog says itself what its keys do.
    if !state.dialogs.is_empty() {
        return Line::default();
    }
    let hints: Vec<(String, &str)> = hints(state)
        .into_iter()
        .map(|(key, does)| (key.to_string(), does))
        .collect();
    keys(&hints, room, theme)
}

/// The message about what just happened.
pub(super) fn message(state: &State, theme: &Theme, room: usize) -> Option<Line<'static>> {
    let message = state.message.as_ref()?;
    let (sign, role) = match message.bad {
        true => ("✖", Role::MessageBad),
        false => ("✔", Role::Message),
    };
    let words = super::text::clip(&message.words, room.saturating_sub(4));
    Some(Line::styled(format!(" {sign} {words}"), theme.style(role)))
}
