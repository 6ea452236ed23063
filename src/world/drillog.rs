//! The log of drills: one line a finished exercise or a ticked item, `drills.jsonl` in the state folder.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::places;
use crate::incident::drills::Record;
use crate::incident::reading::Failure;

/// Where the log of a state root lies.
pub fn path(root: &Path) -> PathBuf {
    root.join("drills.jsonl")
}

/// Adds a line and syncs it.
///
/// # Errors
/// When it is not on disk.
pub fn append(root: &Path, record: &Record) -> Result<(), Failure> {
    places::shared_root(root)?;
    let path = path(root);
    let fail = |what: String| places::local(&path, &what, "free the disk");
    let mut line = serde_json::to_vec(record).map_err(|e| fail(format!("write: {e}")))?;
    line.push(b'\n');
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(&path);
    let written = file.and_then(|mut file| {
        file.write_all(&line)?;
        file.sync_all()
    });
    written.map_err(|e| fail(format!("write: {e}")))
}

/// The log, oldest first, and a sentence for each line that can't be read: one bad line takes no other away. No log is an
/// empty one.
pub fn read(root: &Path) -> (Vec<Record>, Vec<String>) {
    let path = path(root);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return (Vec::new(), Vec::new()),
        Err(e) => return (Vec::new(), vec![format!("{}: {e}", path.display())]),
    };
    let (mut records, mut troubles) = (Vec::new(), Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        match serde_json::from_str(line) {
            Ok(record) => records.push(record),
            Err(e) => troubles.push(format!(
                "{}:{number}: is no line of the log ({e}) — the others count",
                path.display()
            )),
        }
    }
    (records, troubles)
}
