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
        // The one whose key begins with what was typed is the one that is meant.
        rows.sort_by_key(|row| filter.is_empty() || !row.key.starts_with(&filter));
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
