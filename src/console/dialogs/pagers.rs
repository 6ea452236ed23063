//! Texts that are paged through.

use crate::console::command::COMMANDS;
use crate::console::key::{Code, Key};
use crate::console::state::{Dialog, Pager, State};

/// Every key.
pub(in crate::console) fn open_help(state: &mut State) {
    let lines = COMMANDS.iter().map(|entry| {
        let keys = state.keymap.keys_of(entry.command);
        let words: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let own = keys.iter().find_map(|key| state.keymap.descs.get(key));
        let does = own.map_or(entry.does, String::as_str);
        format!("{:<14} {:<14} {does}", words.join(" "), entry.name)
    });
    let lines = lines.collect();
    state.dialogs.push(Dialog::Help(Pager {
        title: "Keys".into(),
        lines,
        top: 0,
        action: None,
    }));
}

/// Pages; the pager goes with `q` or enter, as with esc.
pub(super) fn press(state: &State, mut pager: Pager, key: Key) -> Option<Pager> {
    match key.code {
        Code::Char('q') | Code::Enter => None,
        _ => {
            scroll(state, &mut pager, key);
            Some(pager)
        }
    }
}

pub(super) fn scroll(state: &State, pager: &mut Pager, key: Key) {
    let page = usize::from(state.size.1.saturating_sub(6)).max(1);
    let last = pager.lines.len().saturating_sub(1);
    pager.top = match key.code {
        Code::Up | Code::Char('k') => pager.top.saturating_sub(1),
        Code::Down | Code::Char('j') => pager.top + 1,
        Code::PageUp => pager.top.saturating_sub(page),
        Code::PageDown | Code::Char(' ') => pager.top + page,
        Code::Home | Code::Char('g') => 0,
        Code::End | Code::Char('G') => last,
        _ => pager.top,
    }
    .min(last);
}
