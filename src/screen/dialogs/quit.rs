//! Leaving though steps run or an incident is open.

use ratatui::text::Line;

use super::{Sheet, foot, prose, title};
use crate::console::state::State;
use crate::screen::theme::{Role, Theme};

pub(super) fn sheet(state: &State, theme: &Theme, room: usize) -> Sheet {
    let id = state
        .incident
        .as_ref()
        .map(|i| i.declaration.id.to_string());
    let open = match id {
        Some(id) => format!(
            "{id} stays open, and steps that run go on without this console. `warroom open {id}` comes back to the same step."
        ),
        None => "Nothing is open.".to_owned(),
    };
    let mut body = prose(&open, Role::Text, room, theme);
    body.push(Line::default());
    Sheet {
        title: title("Leave the console?", theme),
        body,
        foot: foot(
            Vec::new(),
            &[("enter", "leaves"), ("esc", "stays")],
            room,
            theme,
        ),
        ..Sheet::default()
    }
}
