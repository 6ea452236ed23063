//! Every rule of the linter has a file that trips it and nothing else, and one that nearly does.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

mod sites;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use chrono::NaiveDate;
use warroom::incident::names::RunbookId;
use warroom::incident::runbook::{check, codes};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/lint")
}

/// The faults of a file of the folder, each with its code.
fn faults(name: &str) -> Vec<(&'static str, String)> {
    let text = fs::read_to_string(folder().join(name))
        .unwrap_or_else(|why| panic!("tests/lint/{name}: {why}"));
    let today = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    let found = check(
        name,
        &text,
        RunbookId("t".into()),
        Some(&sites::lab()),
        today,
    );
    found.iter().map(|f| (f.code, f.to_string())).collect()
}

#[test]
fn every_rule_is_tripped_by_its_file_and_by_nothing_near_it() {
    let mut wrong = Vec::new();
    for code in codes().keys() {
        let found = faults(&format!("{code}.md"));
        if found.is_empty() {
            wrong.push(format!("{code}.md does not trip it"));
        }
        let others = found.iter().filter(|(other, _)| other != code);
        wrong.extend(others.map(|(_, fault)| format!("beside {code}: {fault}")));
        let near = faults(&format!("{code}.near.md"));
        wrong.extend(near.iter().map(|(_, fault)| format!("near: {fault}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_left_of_a_rule_that_is_gone() {
    let files = fs::read_dir(folder()).unwrap();
    let names = files.map(|e| e.unwrap().file_name().into_string().unwrap());
    let stems: BTreeSet<String> = names
        .map(|name| name.replace(".near.md", "").replace(".md", ""))
        .collect();
    let known: BTreeSet<String> = codes().keys().map(ToString::to_string).collect();
    assert_eq!(stems, known);
}
