//! Every procedure and every known mistake of five disaster-recovery documents, traced to the built-in runbook that has it right.
//!
//! `tests/corrections/*.toml` holds a row for each procedure (P-…) and each mistake (E-…): where it is, what is right there, and
//! properties of that step which would fail for the mistaken text. What can't apply to a runbook says why.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use regex::Regex;
use serde::Deserialize;
use warroom::incident::names::RunbookId;
use warroom::incident::runbook::{Code, Runbook, Step, parse};

/// Procedures of the documents; their numbers have gaps, as each document has a decade of its own.
const PROCEDURES: [std::ops::RangeInclusive<u32>; 7] =
    [1..=8, 10..=17, 20..=38, 40..=48, 50..=57, 58..=60, 61..=64];
/// Mistakes.
const MISTAKES: std::ops::RangeInclusive<u32> = 1..=142;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    row: Vec<Row>,
}

/// A row: either a place with what is right there, or the reason for which it can't apply.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Row {
    id: String,
    runbook: String,
    step: String,
    says: String,
    reason: String,
    before: Option<String>,
    after: Option<String>,
    has: Vec<String>,
    lacks: Vec<String>,
    absent: Vec<String>,
    checks: Vec<String>,
    verifies: Vec<String>,
    acts: Vec<String>,
    danger: Option<String>,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let files = fs::read_dir(root().join("tests/corrections")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    let table = |path: &&PathBuf| {
        !path.ends_with("site.toml") && path.extension().is_some_and(|e| e == "toml")
    };
    let tables = files.iter().filter(table);
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let file: File =
            toml::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        file.row
    };
    tables.flat_map(read).collect()
}

/// A runbook with its text.
struct Opened {
    text: String,
    runbook: Runbook,
}

impl Opened {
    fn of(name: &str) -> Self {
        let text = fs::read_to_string(root().join("runbooks").join(name))
            .unwrap_or_else(|why| panic!("runbooks/{name}: {why}"));
        let id = RunbookId(name.trim_end_matches(".md").to_owned());
        let (runbook, faults) = parse(name, &text, id);
        let runbook = runbook.unwrap_or_else(|| panic!("{name}: {faults:?}"));
        Self { text, runbook }
    }

    fn place(&self, id: &str) -> Option<usize> {
        let mut steps = self.runbook.steps.iter();
        steps.position(|step| step.id.as_str() == id)
    }

    /// What is written under a step's heading, the heading too.
    fn source(&self, step: &Step) -> String {
        let lines = self.text.lines().skip(step.line - 1);
        let mut fenced = false;
        let own = lines.enumerate().take_while(|(n, line)| {
            fenced ^= line.trim_start().starts_with("```");
            *n == 0 || fenced || !line.starts_with('#')
        });
        own.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
    }
}

/// What a step asks in fences of a role: the words of typed conditions, and the executors of the others.
fn words(source: &str, role: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = source.lines().map(str::trim_start);
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            continue;
        };
        let code: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let mut info = info.split_whitespace();
        let language = info.next().unwrap_or_default();
        if info.next() != Some(role) {
            continue;
        }
        match language {
            "toml" => {
                let table: toml::Table = code.join("\n").parse().unwrap();
                found.extend(table.keys().cloned());
            }
            "bash" | "console" | "zsh" | "shell" => found.push("sh".to_owned()),
            other => found.push(other.to_owned()),
        }
    }
    found
}

/// What of a row does not hold.
fn wrong(row: &Row, opened: &Opened) -> Vec<String> {
    let Some(at) = opened.place(&row.step) else {
        return vec![format!("{} has no step #{}", row.runbook, row.step)];
    };
    let step = &opened.runbook.steps[at];
    let source = opened.source(step);
    let mut wrong = Vec::new();
    let mut ordered = |other: &Option<String>, first: bool| {
        let Some(other) = other else { return };
        match opened.place(other) {
            None => wrong.push(format!("there is no step #{other}")),
            Some(n) if (at < n) == first && at != n => {}
            Some(_) => wrong.push(format!("#{} is on the wrong side of #{other}", row.step)),
        }
    };
    ordered(&row.before, true);
    ordered(&row.after, false);
    let found = |pattern: &String, text: &str| {
        let regex = Regex::new(pattern).unwrap_or_else(|why| panic!("{}: {why}", row.id));
        regex.is_match(text)
    };
    let lost = |what: &str, wanted: &[String], there: &[String]| -> Vec<String> {
        let missing = wanted.iter().filter(|word| !there.contains(word));
        missing
            .map(|word| format!("{what} lack {word}: {there:?}"))
            .collect()
    };
    for pattern in row.has.iter().filter(|p| !found(p, &source)) {
        wrong.push(format!("#{} does not say {pattern:?}", row.step));
    }
    for pattern in row.lacks.iter().filter(|p| found(p, &source)) {
        wrong.push(format!("#{} says {pattern:?}", row.step));
    }
    for pattern in row.absent.iter().filter(|p| found(p, &opened.text)) {
        wrong.push(format!("{} says {pattern:?}", row.runbook));
    }
    let acts = step.actions().filter_map(|action| match &action.code {
        Code::Act { act } => Some(act.word()),
        _ => None,
    });
    let acts: Vec<String> = acts.collect();
    wrong.extend(lost("checks", &row.checks, &words(&source, "check")));
    wrong.extend(lost(
        "verifications",
        &row.verifies,
        &words(&source, "verify"),
    ));
    wrong.extend(lost("acts", &row.acts, &acts));
    let danger = step.card.danger.map(|danger| danger.to_string());
    if row.danger.is_some() && row.danger != danger {
        wrong.push(format!("danger is {danger:?}, not {:?}", row.danger));
    }
    wrong
}

#[test]
fn every_row_holds_and_says_something_that_could_fail() {
    let mut opened: BTreeMap<String, Opened> = BTreeMap::new();
    let mut faults = Vec::new();
    for row in rows() {
        if !row.reason.is_empty() {
            let whole = row.reason.split_whitespace().count() >= 8 && row.reason.ends_with('.');
            if !whole || !row.runbook.is_empty() {
                faults.push(format!("{}: {:?} is no reason", row.id, row.reason));
            }
            continue;
        }
        let asserted = [
            &row.has,
            &row.lacks,
            &row.absent,
            &row.checks,
            &row.verifies,
            &row.acts,
        ];
        let asserted = asserted.iter().any(|list| !list.is_empty())
            || row.before.is_some()
            || row.after.is_some()
            || row.danger.is_some();
        if !asserted || row.says.split_whitespace().count() < 6 {
            faults.push(format!("{}: nothing is asserted, or nothing said", row.id));
        }
        let opened = opened
            .entry(row.runbook.clone())
            .or_insert_with(|| Opened::of(&row.runbook));
        faults.extend(
            wrong(&row, opened)
                .into_iter()
                .map(|it| format!("{}: {}: {it}", row.id, row.runbook)),
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_procedure_and_every_mistake_has_one_row() {
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows() {
        *counted.entry(row.id).or_default() += 1;
    }
    let procedures = PROCEDURES
        .into_iter()
        .flatten()
        .map(|n| format!("P-{n:02}"));
    let wanted: Vec<String> = procedures
        .chain(MISTAKES.map(|n| format!("E-{n:03}")))
        .collect();
    let absent: Vec<&String> = wanted
        .iter()
        .filter(|id| !counted.contains_key(*id))
        .collect();
    assert_eq!(absent, Vec::<&String>::new(), "have no row");
    let twice: Vec<_> = counted.iter().filter(|(_, n)| **n > 1).collect();
    assert_eq!(twice, Vec::new(), "have several");
    let unknown: Vec<_> = counted.keys().filter(|id| !wanted.contains(id)).collect();
    assert_eq!(unknown, Vec::<&String>::new(), "are nothing");
}

#[test]
fn no_built_in_runbook_names_anybodys_own_things() {
    let own = Regex::new(
        r"(?i)aragora|agentauri|llm[-_]agent|\bus-(?:east|west)-\d\b|\beu-[a-z]+-\d\b|\b\d{12}\b",
    )
    .unwrap();
    for file in fs::read_dir(root().join("runbooks")).unwrap() {
        let path = file.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let found = own.find(&text).map(|found| found.as_str());
        assert_eq!(found, None, "{}", path.display());
    }
}

/// Runs the program on the example site, with a home of its own.
fn warroom(home: &Path, words: &[&str]) -> (i32, String) {
    let site = root().join("tests/corrections/site.toml");
    let done = Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["--site", site.to_str().unwrap()])
        .args(words)
        .current_dir(root())
        .env("HOME", home)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("XDG_STATE_HOME")
        .output()
        .unwrap();
    let told = [done.stdout, done.stderr].map(|text| String::from_utf8(text).unwrap());
    (done.status.code().unwrap(), told.concat())
}

#[test]
fn the_built_in_runbooks_are_clean_and_each_act_resolves_on_the_example_site() {
    let home = tempfile::tempdir().unwrap();
    for words in [&["check", "runbooks"][..], &["check"]] {
        let (code, told) = warroom(home.path(), words);
        let clean = told.contains("0 faults, 0 warnings");
        assert!(code == 0 && clean, "{words:?}: {told}");
    }
    let files = fs::read_dir(root().join("runbooks")).unwrap();
    let names = files.map(|file| file.unwrap().path().file_stem().unwrap().to_owned());
    let names: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    assert!(names.len() >= 52, "{} runbooks", names.len());
    // Nothing answers on the example site: each waits for its own checks.
    let told = std::thread::scope(|scope| {
        let runs = names.iter().map(|name| {
            let home = home.path();
            scope.spawn(move || (name, warroom(home, &["runbook", "dry-run", name, "--json"])))
        });
        let runs: Vec<_> = runs.collect();
        let done = runs.into_iter().map(|run| run.join().unwrap());
        done.collect::<Vec<_>>()
    });
    for (name, (code, told)) in told {
        assert_eq!(code, 0, "{name}: {told}");
        let seen: serde_json::Value = serde_json::from_str(&told).unwrap();
        let opened = Opened::of(&format!("{name}.md"));
        assert_eq!(
            seen["steps"].as_array().unwrap().len(),
            opened.runbook.steps.len()
        );
    }
}
