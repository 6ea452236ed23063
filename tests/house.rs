//! The house's arrows: which room may import which. Read from the `use crate::` lines and every `crate::` path of `src/`.

use std::fs;
use std::path::{Path, PathBuf};

/// A room, and the rooms it may import.
const ARROWS: &[(&str, &[&str])] = &[
    ("incident", &[]),
    ("systems", &["incident"]),
    ("console", &["incident"]),
    ("screen", &["console", "incident"]),
    ("world", &["incident", "console", "systems"]),
    ("drill", &["incident"]),
];

/// Crates that a room must not know.
const FOREIGN: &[(&str, &[&str])] = &[
    (
        "incident",
        &[
            "tokio",
            "ratatui",
            "crossterm",
            "std::fs",
            "TcpStream",
            "std::process",
            "Utc::now",
            "SystemTime",
            "Instant",
        ],
    ),
    (
        "console",
        &[
            "tokio",
            "ratatui",
            "crossterm",
            "std::fs",
            "TcpStream",
            "std::process",
            "Utc::now",
            "SystemTime",
            "Instant",
        ],
    ),
    (
        "screen",
        &[
            "tokio",
            "std::fs",
            "TcpStream",
            "std::process",
            "Utc::now",
            "SystemTime",
            "Instant",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

/// The code of a file, without comments and without its test module.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("\n#[cfg(test)]").next().unwrap();
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Rooms that a file names as `crate::ROOM`.
fn rooms_named(code: &str) -> Vec<String> {
    let rest = code.split("crate::").skip(1);
    rest.map(|tail| {
        tail.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    })
    .collect()
}

#[test]
fn rooms_import_only_along_the_arrows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut looked = 0;
    for (room, allowed) in ARROWS {
        for path in sources(&root.join(room)) {
            looked += 1;
            for named in rooms_named(&code(&path)) {
                let is_room = ARROWS.iter().any(|(r, _)| *r == named);
                let fine = named == *room || allowed.contains(&named.as_str());
                if !fine && (is_room || ["cli", "run"].contains(&named.as_str())) {
                    wrong.push(format!("{}: {room} may not import {named}", path.display()));
                }
            }
        }
    }
    assert!(
        looked > 30,
        "only {looked} files were looked at: has the house moved?"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pure_rooms_know_no_clock_no_files_and_no_terminal() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (room, foreign) in FOREIGN {
        for path in sources(&root.join(room)) {
            let code = code(&path);
            for word in foreign.iter().filter(|word| code.contains(*word)) {
                wrong.push(format!("{}: {room} must not know {word}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names that follow a path's `::`: one, or those in braces.
fn imported(tail: &str) -> Vec<String> {
    let end = match tail.starts_with('{') {
        true => tail.find('}'),
        false => tail.find(|c: char| !c.is_alphanumeric() && c != '_'),
    };
    let names = &tail[..end.unwrap_or(tail.len())];
    let names = names.split(|c: char| !c.is_alphanumeric() && c != '_');
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_system_imports_no_other_system() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/systems");
    let mut wrong = Vec::new();
    for folder in fs::read_dir(&root)
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        let name = folder.file_name().into_string().unwrap();
        for path in sources(&folder.path()) {
            let code = code(&path);
            // What `wire` shares has files of the same names.
            let near = code.split("super::").skip(1).filter(|_| name != "wire");
            let far = code.split("systems::").skip(1);
            for named in far.chain(near).flat_map(imported) {
                let is_system = root.join(&named).is_dir() && named != "wire";
                if is_system && named != name {
                    wrong.push(format!("{}: {name} imports {named}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
