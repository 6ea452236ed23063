//! Plain Markdown as organisations have it: every file opens, its mistakes are found, and a draft of it passes but for its marks.
//!
//! `tests/plain/` holds five disaster-recovery documents with the constructs and the mistakes of real ones; `faults.toml` says
//! which rule finds which mistake, and where.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use chrono::NaiveDate;
use warroom::incident::fault::Weight;
use warroom::incident::names::RunbookId;
use warroom::incident::runbook::{Code, Part, Runbook, Step, check, codes, draft, parse};

const FILES: [&str; 5] = [
    "two-regions.md",
    "compose-host.md",
    "saas-in-detail.md",
    "cluster-platform.md",
    "container-service.md",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plain")
}

fn text(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// How many things are ticked by hand.
fn ticks(runbook: &Runbook) -> usize {
    let parts = runbook.steps.iter().flat_map(|step| &step.parts);
    parts.filter(|part| matches!(part, Part::Tick(_))).count()
}

fn id() -> RunbookId {
    RunbookId("plain".into())
}

#[test]
fn every_document_opens_as_it_is_with_steps_to_walk() {
    for name in FILES {
        let (runbook, faults) = parse(name, &text(name), id());
        let runbook = runbook.unwrap_or_else(|| panic!("{name}: {faults:?}"));
        let grave = faults.iter().filter(|f| f.weight == Weight::Fault).count();
        assert_eq!(grave, 0, "{name}: {faults:?}");
        let actions = runbook.steps.iter().flat_map(Step::actions).count();
        assert!(
            runbook.steps.len() >= 8 && actions >= 5,
            "{name}: {} steps",
            runbook.steps.len()
        );
    }
}

#[test]
fn a_hundred_mistakes_are_found_each_by_its_rule_at_its_line() {
    let rows: toml::Table = text("faults.toml").parse().unwrap();
    assert!(rows.len() >= 100, "only {} rows", rows.len());
    let known = codes();
    let found: BTreeMap<&str, Vec<(String, i64)>> = FILES
        .into_iter()
        .map(|name| {
            let faults = check(name, &text(name), id(), None, NaiveDate::MIN);
            let at = faults
                .iter()
                .map(|f| (f.code.to_owned(), i64::try_from(f.line).unwrap()));
            (name, at.collect())
        })
        .collect();
    let mut missed = Vec::new();
    for (mistake, row) in &rows {
        let (file, code) = (row["file"].as_str().unwrap(), row["code"].as_str().unwrap());
        let line = row["line"].as_integer().unwrap();
        assert!(
            known.contains_key(code),
            "{mistake}: there is no rule {code}"
        );
        if !found[file].contains(&(code.to_owned(), line)) {
            missed.push(format!("{mistake}: {file}:{line} [{code}]"));
        }
    }
    assert_eq!(missed, Vec::<String>::new());
}

#[test]
fn a_draft_of_each_passes_but_for_its_marks_and_invents_no_command() {
    for name in FILES {
        let plain = text(name);
        let draft = draft(name, &plain, id()).unwrap();
        let faults = check(name, &draft, id(), None, NaiveDate::MIN);
        let others: Vec<String> = faults
            .iter()
            .filter(|fault| fault.code != "to-review")
            .map(ToString::to_string)
            .collect();
        assert_eq!(others, Vec::<String>::new(), "{name}");
        assert!(!faults.is_empty(), "{name}: nothing is marked");
        let (runbook, _) = parse(name, &draft, id());
        let runbook = runbook.unwrap();
        let (before, _) = parse(name, &plain, id());
        let before = before.unwrap();
        let more = runbook.steps.len() >= before.steps.len();
        assert!(more, "{name} lost steps");
        // Every line that runs stood in the plain file.
        for action in runbook.steps.iter().flat_map(Step::all_actions) {
            if let Code::Shell { script, .. } = &action.code {
                // A comment of a piece that was left in place may have lost its number.
                for line in script
                    .lines()
                    .map(str::trim)
                    .filter(|line| !line.starts_with('#'))
                {
                    assert!(plain.contains(line), "{name}: {line:?} was invented");
                }
            }
        }
        assert!(
            ticks(&runbook) >= ticks(&before),
            "{name} lost something to tick"
        );
    }
}

#[test]
fn the_command_line_imports_to_a_new_file_and_exports_paper_and_json() {
    let folder = tempfile::tempdir().unwrap();
    let plain = self::folder().join("compose-host.md");
    let out = folder.path().join("compose-host.md");
    let warroom = |args: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_warroom"))
            .args(args)
            .env("HOME", folder.path())
            .env_remove("WARROOM_SITE")
            .output()
            .unwrap();
        let told = [done.stdout, done.stderr].map(|t| String::from_utf8(t).unwrap());
        (done.status.code().unwrap(), told.concat())
    };
    let import = [
        "runbook",
        "import",
        plain.to_str().unwrap(),
        "--out",
        out.to_str().unwrap(),
    ];
    let (code, told) = warroom(&import);
    assert!(
        code == 0 && told.contains("marks for review"),
        "{code}: {told}"
    );
    let draft = fs::read_to_string(&out).unwrap();
    // A draft that somebody works on is never written over.
    let (code, told) = warroom(&import);
    assert!(
        code == 2 && told.contains("can't be written"),
        "{code}: {told}"
    );
    assert_eq!(fs::read_to_string(&out).unwrap(), draft);
    let (code, told) = warroom(&["runbook", "import", out.to_str().unwrap()]);
    assert!(code == 2 && told.contains("already"), "{code}: {told}");
    let (code, told) = warroom(&["check", out.to_str().unwrap()]);
    assert!(code == 0 && told.contains("0 faults"), "{code}: {told}");
    let (_, paper) = warroom(&["runbook", "export", out.to_str().unwrap()]);
    assert!(
        paper.contains("[ ] ") && paper.contains("by ________"),
        "{paper}"
    );
    let (_, json) = warroom(&["runbook", "export", out.to_str().unwrap(), "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let (runbook, _) = parse("d", &draft, id());
    let steps = runbook.unwrap().steps.len();
    assert_eq!(json["steps"].as_array().unwrap().len(), steps);
}
