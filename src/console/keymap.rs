//! Which key does what: a table read from `keymaps/NAME.toml`.

use std::collections::BTreeMap;

use super::command::Command;
use super::key::Key;

/// Keys and the commands they run on the main screen. Dialogs have their own fixed keys (enter, esc, arrows, typing).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    /// What each key runs.
    pub keys: BTreeMap<Key, Command>,
}

impl Keymap {
    /// The first key that runs `command`, for hints.
    pub fn key_of(&self, command: Command) -> Option<Key> {
        self.keys
            .iter()
            .find(|(_, c)| **c == command)
            .map(|(key, _)| *key)
    }
}
