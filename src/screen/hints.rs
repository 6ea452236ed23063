//! The last line: which keys do something here. Read backwards from the keymap, so it can't lie.

use ratatui::text::Line;

use super::theme::{Role, Theme};
use super::widgets::keys;
use crate::console::command::COMMANDS;
use crate::console::state::{Dialog, State};

pub(super) fn line(state: &State, theme: &Theme, room: usize) -> Line<'static> {
    keys(&hints(state), room, theme)
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

fn hints(state: &State) -> Vec<(String, &'static str)> {
    if let Some(dialog) = state.dialogs.last() {
        return dialog_hints(dialog);
    }
    COMMANDS
        .iter()
        .filter(|entry| !entry.hint.is_empty())
        .filter_map(|entry| {
            let key = state.keymap.key_of(entry.command)?;
            Some((key.to_string(), entry.hint))
        })
        .collect()
}

fn dialog_hints(_: &Dialog) -> Vec<(String, &'static str)> {
    Vec::new()
}
