//! Which key does what: a table read from `keymaps/NAME.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use super::command::{COMMANDS, Command};
use super::key::{Code, Key};
use crate::incident::fault::{Fault, Source, Weight, nearest};
use crate::incident::strict::{Reader, Table};

/// The default keymap's file.
pub const DEFAULT: &str = include_str!("../../keymaps/default.toml");

/// Keys and the commands they run on the main screen. Dialogs have their own fixed keys (enter, esc, arrows, typing).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keymap {
    /// Its name.
    pub name: String,
    /// What each key runs.
    pub keys: BTreeMap<Key, Command>,
    /// The file's own words for a key, where it has some.
    pub descs: BTreeMap<Key, String>,
}

impl Keymap {
    /// The key that runs `command`, for hints: of several the one whose name is shortest.
    pub fn key_of(&self, command: Command) -> Option<Key> {
        self.keys_of(command).into_iter().next()
    }

    /// Every key that runs `command`, those with short names first.
    pub fn keys_of(&self, command: Command) -> Vec<Key> {
        let mut keys: Vec<Key> = self
            .keys
            .iter()
            .filter(|(_, c)| **c == command)
            .map(|(key, _)| *key)
            .collect();
        keys.sort_by_key(|key| key.to_string().len());
        keys
    }

    /// The default keymap.
    pub fn built_in() -> Keymap {
        parse("keymaps/default.toml", DEFAULT).0.unwrap_or_default()
    }
}

/// Keys whose meaning is fixed: ctrl-c never ends the console, esc always means that nothing happened.
const FIXED: [(Key, &str); 2] = [
    (
        Key {
            code: Code::Char('c'),
            ctrl: true,
            alt: false,
        },
        "it closes dialogs, and is never a command",
    ),
    (
        Key {
            code: Code::Esc,
            ctrl: false,
            alt: false,
        },
        "it always means that nothing happened",
    ),
];

/// Reads a keymap. `[[keys]]` with `on`, `run` and, where wanted, `desc`. None when it has a fault (warnings do not count).
pub fn parse(file: &str, text: &str) -> (Option<Keymap>, Vec<Fault>) {
    let mut reader = Reader::new(Source::new(file, text));
    let mut table = reader.parse(0..text.len(), "keymap");
    let name = Path::new(file)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let mut keymap = Keymap {
        name,
        ..Keymap::default()
    };
    for row in table.tables(&mut reader, "keys", "key") {
        read_row(&mut reader, &mut keymap, row);
    }
    table.finish(&mut reader);
    let reachable = keymap.keys.values().any(|c| *c == Command::Palette);
    if !reachable && reader.faults.is_empty() {
        // Without the palette a command that has no key could not be reached at all.
        reader.fault(
            &(0..0),
            "no key runs the palette",
            "add on = \":\" run = \"palette\"",
        );
    }
    let usable = reader.faults.iter().all(|f| f.weight == Weight::Warning);
    (usable.then_some(keymap), reader.faults)
}

fn read_row(reader: &mut Reader<'_>, keymap: &mut Keymap, mut row: Table) {
    if !row.has("on") {
        row.missing(reader, "on", "on = \"d\"");
    }
    if !row.has("run") {
        row.missing(reader, "run", "run = \"declare\"");
    }
    let on = row.text_at(reader, "on");
    let run = row.text_at(reader, "run");
    let desc = row.text(reader, "desc");
    row.finish(reader);
    let key = on.and_then(|(at, text)| match text.parse::<Key>() {
        Ok(key) => Some((at, key)),
        Err(why) => {
            reader.fault(&at, why, "");
            None
        }
    });
    let command = run.and_then(|(at, text)| {
        let found = Command::named(&text);
        if found.is_none() {
            let instead = match nearest(&text, COMMANDS.iter().map(|e| e.name)) {
                Some(near) => format!("did you mean {near}?"),
                None => "see warroom's help for the names of commands".to_owned(),
            };
            reader.fault(&at, format!("there is no command {text:?}"), instead);
        }
        found
    });
    let (Some((at, key)), Some(command)) = (key, command) else {
        return;
    };
    if let Some((_, why)) = FIXED.iter().find(|(fixed, _)| *fixed == key) {
        reader.fault(&at, format!("{key} can't be given a command: {why}"), "");
        return;
    }
    if let Some(earlier) = keymap.keys.insert(key, command) {
        let earlier = earlier.entry().map_or("", |e| e.name);
        reader.fault(
            &at,
            format!("{key} runs {earlier} already"),
            "give it one command",
        );
    }
    if let Some(desc) = desc {
        keymap.descs.insert(key, desc);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_keymap_has_no_fault_and_leaves_no_command_without_a_way() {
        let (keymap, faults) = parse("keymaps/default.toml", DEFAULT);
        assert_eq!(faults, []);
        let keymap = keymap.unwrap();
        assert_eq!(keymap.name, "default");
        for entry in COMMANDS {
            assert!(
                keymap.key_of(entry.command).is_some(),
                "{} has no key in the default keymap",
                entry.name
            );
        }
        assert_eq!(keymap.key_of(Command::Up).unwrap().to_string(), "k");
    }

    #[test]
    fn faults_of_a_keymap_say_where_and_what_instead() {
        let row = |on: &str, run: &str| format!("[[keys]]\non = \"{on}\"\nrun = \"{run}\"\n");
        let table = [
            (
                row("d", "declair") + &row(":", "palette"),
                vec!["k.toml:3:7: there is no command \"declair\" — did you mean declare?"],
            ),
            (
                row("dd", "declare") + &row("d", "zzzzzzzz"),
                vec![
                    "k.toml:2:6: \"dd\" is not a key such as d, enter, ctrl-r or f5",
                    "k.toml:6:7: there is no command \"zzzzzzzz\" — see warroom's help for the names of commands",
                ],
            ),
            (
                row(":", "palette") + &row(":", "help"),
                vec!["k.toml:5:6: : runs palette already — give it one command"],
            ),
            (
                row(":", "palette") + "[[keys]]\non = \"h\"\nrnu = \"help\"\n",
                vec![
                    "k.toml:4:1: key has no run — add run = \"declare\"",
                    "k.toml:6:1: key has no key \"rnu\" — did you mean run?",
                ],
            ),
            (
                row(":", "palette") + &row("ctrl-c", "quit"),
                vec![
                    "k.toml:5:6: ctrl-c can't be given a command: it closes dialogs, and is never a command",
                ],
            ),
            (
                row("h", "help"),
                vec!["k.toml:1:1: no key runs the palette — add on = \":\" run = \"palette\""],
            ),
        ];
        for (text, wanted) in table {
            let (keymap, faults) = parse("k.toml", &text);
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert_eq!(faults, wanted);
            assert_eq!(keymap, None, "{text}");
        }
    }
}
