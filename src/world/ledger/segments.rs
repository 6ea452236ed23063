//! Where the files of a journal lie: its own folder, and segments elsewhere; and how they are read together.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::disk::look;
use super::lines::{Trouble, cut, graft, tell};
use super::store::JOURNAL;
use crate::incident::journal::{Entry, digest};
use crate::incident::reading::Failure;
use crate::world::places;

/// Trouble that is about no one line.
pub(super) fn whole_journal(what: &str) -> Trouble {
    Trouble {
        line: None,
        what: what.to_owned(),
    }
}

/// Folders a segment may lie in, with the stem of its name there. The name carries the folder it belongs to, for two
/// state roots may each have an `INC-2026-0001`.
pub(super) fn places_of(dir: &Path, fallbacks: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let full = std::fs::canonicalize(dir)
        .or_else(|_| std::path::absolute(dir))
        .unwrap_or_else(|_| dir.to_owned());
    let id = full.file_name().unwrap_or_default().to_string_lossy();
    let mark = digest(full.as_os_str().as_encoded_bytes());
    let stem = format!("{id}-{}", mark.get(..8).unwrap_or_default());
    let mut all: Vec<_> = fallbacks
        .iter()
        .map(|folder| (folder.clone(), stem.clone()))
        .collect();
    all.push((dir.to_owned(), "journal".to_owned()));
    all
}

/// The segments there are, in the order they were begun.
pub(super) fn segments(dir: &Path, fallbacks: &[PathBuf]) -> Vec<(u64, PathBuf)> {
    let mut found = Vec::new();
    for (folder, stem) in places_of(dir, fallbacks) {
        let Ok(names) = std::fs::read_dir(&folder) else {
            continue;
        };
        for name in names.flatten().map(|entry| entry.file_name()) {
            let name = name.to_string_lossy();
            let number = name
                .strip_prefix(&format!("{stem}."))
                .and_then(|rest| rest.strip_suffix(".jsonl"))
                .and_then(|number| number.parse::<u64>().ok());
            if let Some(number) = number {
                found.push((number, folder.join(&*name)));
            }
        }
    }
    found.sort();
    found
}

/// Reads a journal as it lies there, without the lock: for `show`, `verify` and the runner.
pub(super) fn read(
    dir: &Path,
    fallbacks: &[PathBuf],
) -> Result<(Vec<Entry>, Vec<Trouble>), Failure> {
    let path = dir.join(JOURNAL);
    let mut troubles = Vec::new();
    let mut lines = Vec::new();
    let mut any = false;
    let parts = std::iter::once(path.clone())
        .chain(segments(dir, fallbacks).into_iter().map(|(_, path)| path));
    for part in parts {
        let mut bytes = Vec::new();
        match look(&part).and_then(|mut file| file.read_to_end(&mut bytes)) {
            Ok(_) => any = true,
            Err(error) => {
                troubles.push(whole_journal(&format!("{}: {error}", part.display())));
                continue;
            }
        }
        let found = cut(&bytes);
        if !found.tail.is_empty() {
            let what = format!("{}: its last line is not whole", part.display());
            troubles.push(whole_journal(&what));
        }
        graft(&mut lines, found.lines);
    }
    if !any {
        let what = troubles
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        return Err(places::local(&path, &what, "name an incident's folder"));
    }
    let told = tell(&lines);
    troubles.extend(told.troubles);
    Ok((told.entries, troubles))
}
