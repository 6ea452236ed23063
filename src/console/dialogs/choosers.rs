//! Lists narrowed by typing: runbooks and commands.

use super::{Answer, edit, inputs, moved};
use crate::console::command::{COMMANDS, Command};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::keys;
use crate::console::state::{Chooser, ChooserRow, Dialog, State};
use crate::incident::names::StepId;

impl Chooser {
    /// The rows that match what was typed: every word of it, in the key, the words or what stands beside them.
    pub fn matching(&self) -> Vec<&ChooserRow> {
        let filter = self.filter.value().to_lowercase();
        let words: Vec<&str> = filter.split_whitespace().collect();
        let fits = |row: &&ChooserRow| {
            let text = format!("{} {} {}", row.key, row.words, row.aside).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let mut rows: Vec<&ChooserRow> = self.rows.iter().filter(fits).collect();
        // What was typed whole is meant, and next to it the one whose key begins with what was typed.
        rows.sort_by_key(|row| {
            let whole = row.words.to_lowercase() == filter || row.key == filter;
            let begun = !filter.is_empty() && row.key.starts_with(&filter);
            (!whole, !begun)
        });
        rows
    }
}

/// Moves or narrows; the row when enter chose one.
fn pick(chooser: &mut Chooser, key: Key) -> Option<ChooserRow> {
    let count = chooser.matching().len();
    if key.code == Code::Enter {
        return chooser
            .matching()
            .get(chooser.selected)
            .map(|row| (*row).clone());
    }
    if let Some(place) = moved(key, chooser.selected, count) {
        chooser.selected = place;
    } else if edit(&mut chooser.filter, key) {
        chooser.selected = 0;
    }
    None
}

/// Every command by its name.
pub(in crate::console) fn open_palette(state: &mut State) {
    let rows = COMMANDS.iter().map(|entry| {
        let keys = state.keymap.keys_of(entry.command);
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        ChooserRow {
            key: entry.name.to_owned(),
            words: entry.does.to_owned(),
            aside: keys.join(" "),
            refused: None,
        }
    });
    let chooser = Chooser {
        rows: rows.collect(),
        ..Chooser::default()
    };
    state.dialogs.push(Dialog::Palette(chooser));
}

pub(super) fn palette(state: &mut State, mut chooser: Chooser, key: Key) -> Answer {
    match pick(&mut chooser, key) {
        Some(row) => {
            let command = Command::named(&row.key);
            let effects = command.map(|command| keys::run(state, command));
            (None, effects.unwrap_or_default())
        }
        None => (Some(Dialog::Palette(chooser)), Vec::new()),
    }
}

pub(super) fn runbooks(state: &mut State, mut chooser: Chooser, key: Key) -> Answer {
    let Some(row) = pick(&mut chooser, key) else {
        return (Some(Dialog::Runbooks(chooser)), Vec::new());
    };
    if let Some(why) = row.refused {
        state.refuse(why);
        return (Some(Dialog::Runbooks(chooser)), Vec::new());
    }
    if let Some(walk) = row.key.strip_prefix("walk:").and_then(|n| n.parse().ok()) {
        state.walk = Some(walk);
        return (None, Vec::new());
    }
    let (id, section) = match row.key.split_once('#') {
        Some((id, section)) => (id, Some(StepId::from(section))),
        None => (row.key.as_str(), None),
    };
    let effects: Vec<Effect> = inputs::open(state, id, section, None, &Default::default());
    (None, effects)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_whole_stands_first() {
        let row = |key: &str, words: &str| ChooserRow {
            key: key.to_owned(),
            words: words.to_owned(),
            aside: String::new(),
            refused: None,
        };
        let rows = vec![
            row("secrets-compromise", "Secrets compromised"),
            row("keys", "Secrets"),
            row("restore", "Put secrets back"),
        ];
        let first = |typed: &str| {
            let mut chooser = Chooser {
                rows: rows.clone(),
                ..Chooser::default()
            };
            typed
                .chars()
                .for_each(|c| drop(pick(&mut chooser, Key::plain(Code::Char(c)))));
            chooser.matching()[0].key.clone()
        };
        let table = [
            ("secrets", "keys"),
            ("secrets-", "secrets-compromise"),
            ("back", "restore"),
            ("rest", "restore"),
        ];
        for (typed, key) in table {
            assert_eq!(first(typed), key, "{typed}");
        }
    }
}
