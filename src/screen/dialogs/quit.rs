//! Leaving though steps run or an incident is open.

use ratatui::text::Line;

use super::{Sheet, foot, prose, title};
use crate::console::road::Road;
use crate::console::state::State;
use crate::incident::journal::Mode;
use crate::screen::theme::{Role, Theme};

/// Steps that are owed whatever happens, of walks that were begun.
fn owed(state: &State) -> Vec<String> {
    let walks = state.incident.iter().flat_map(|incident| &incident.walks);
    let begun = walks.filter(|walk| !walk.steps.is_empty());
    let roads = begun.filter_map(|walk| Road::of(state, walk.chosen.walk));
    let left = roads.flat_map(|road| road.always_left());
    left.map(|step| step.title.clone()).collect()
}

pub(super) fn sheet(state: &State, theme: &Theme, room: usize) -> Sheet {
    let id = state
        .incident
        .as_ref()
        .map(|i| i.declaration.id.to_string());
    let owed = owed(state);
    let open = match id {
        Some(id) if state.mode == Mode::Tabletop => format!(
            "The tabletop ends here: {id} is scored as it stands, and its report is written. It can be played again, not taken up again."
        ),
        Some(id) => format!(
            "{id} stays open, and steps that run go on without this console. `warroom open {id}` comes back to the same step."
        ),
        None => "Nothing is open.".to_owned(),
    };
    let mut body = prose(&open, Role::Text, room, theme);
    if !owed.is_empty() {
        let words = format!("▲ Still standing: {}.", owed.join(", "));
        body.extend(prose(&words, Role::Watch, room, theme));
    }
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
