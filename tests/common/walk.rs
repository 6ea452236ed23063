//! What an operator does at the console, as a test says it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::pty::Console;

/// Declares an incident with a title, everything else as proposed.
pub fn declare(console: &mut Console, title: &str) {
    console.press("d");
    console.wait_for("Declare");
    console.type_text(title);
    for _ in 0..4 {
        console.arm();
        console.press("enter");
    }
    console.wait_for("INC-");
}

/// Opens a runbook by its name, its variables as proposed except for `values` (field number, from 0, and what is typed).
pub fn choose(console: &mut Console, name: &str, variables: usize, values: &[(usize, &str)]) {
    console.arm();
    console.press("r");
    console.wait_for("Runbooks");
    console.type_text(name);
    console.arm();
    console.press("enter");
    console.wait_gone("Runbooks");
    for field in 0..variables {
        if let Some((_, value)) = values.iter().find(|(n, _)| *n == field) {
            console.type_text(value);
        }
        console.arm();
        console.press("enter");
    }
    console.arm();
    console.press("enter");
}

/// Asks for the next action and waits until its question stands on the screen with its checks evaluated.
pub fn ask(console: &mut Console, question: &str) {
    console.arm();
    console.press("enter");
    console.wait_for(question);
    console.arm();
}

/// Answers the question that is open, with its phrase where it asks for one.
pub fn confirm(console: &mut Console, phrase: &str) {
    console.arm();
    console.type_text(phrase);
    console.press("enter");
    console.wait_gone("not now");
}

/// The folder of the only incident under a state folder.
pub fn incident(state: &Path) -> PathBuf {
    let mut found: Vec<PathBuf> =
        fs::read_dir(state.join("incidents")).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "one incident was declared: {found:?}");
    found.remove(0)
}

/// Waits until a file holds `text`.
pub fn wait_for_file(path: &Path, text: &str) {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found = fs::read_to_string(path).unwrap_or_default();
        if found.contains(text) {
            return;
        }
        assert!(Instant::now() < end, "{} does not come to hold {text:?}; it holds {found:?}", path.display());
        thread::sleep(Duration::from_millis(30));
    }
}
