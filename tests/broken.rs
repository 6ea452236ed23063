//! A folder of broken files, each with its exact messages beside it: `NAME.md` and `NAME.md.faults`.
//!
//! The messages are what a person reads at three in the morning; a change to one shows in the diff of its file.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

mod sites;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use warroom::incident::fault::Fault;
use warroom::incident::names::RunbookId;
use warroom::incident::runbook::check;

/// Every fault of a file, by what kind of file it is; none when no test here reads such a file.
fn faults(name: &str, text: &str) -> Option<Vec<Fault>> {
    let (stem, extension) = name.rsplit_once('.')?;
    match extension {
        "md" => {
            let today = NaiveDate::from_ymd_opt(2026, 11, 21)?;
            let id = RunbookId(stem.to_owned());
            Some(check(name, text, id, Some(&sites::lab()), today))
        }
        _ => None,
    }
}

/// The files of the folder that are read here, with their texts.
fn broken() -> Vec<(PathBuf, String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken");
    let mut files: Vec<(PathBuf, String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            (path, name, text)
        })
        .collect();
    files.sort();
    files
}

#[test]
fn every_broken_file_gets_exactly_its_messages() {
    let files = broken();
    assert!(files.len() >= 30, "only {} broken files", files.len());
    let mut wrong = Vec::new();
    for (path, name, text) in files {
        let found = faults(&name, &text).unwrap();
        let found: String = found.iter().map(|fault| format!("{fault}\n")).collect();
        let expected = fs::read_to_string(path.with_extension("md.faults")).unwrap_or_default();
        assert!(!found.is_empty(), "{name} is not broken");
        if found != expected {
            wrong.push(format!(
                "{name}.faults should be\n{found}\nand is\n{expected}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
