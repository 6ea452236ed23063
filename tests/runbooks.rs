//! The built-in runbooks and the one that holds every construct: they read without a fault, and no damage to a file
//! makes the parser panic.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't read its files has failed"
)]

mod sites;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use warroom::incident::names::RunbookId;
use warroom::incident::runbook::{Block, Check, Code, Part, Role, Runbook, Step, check, parse};

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn markdown(folder: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = fs::read_dir(root(folder))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn constructs() -> (String, Runbook) {
    let text = fs::read_to_string(root("tests/runbooks/constructs.md")).unwrap();
    let (runbook, faults) = parse("constructs.md", &text, "constructs".into());
    assert_eq!(faults, []);
    (text, runbook.unwrap())
}

#[test]
fn shipped_runbooks_have_no_fault_and_no_warning_on_the_labs_site() {
    let site = sites::lab();
    let mut files = markdown("runbooks");
    assert!(files.len() >= 3);
    files.extend(markdown("tests/runbooks"));
    for (name, text) in files {
        let id = RunbookId(name.trim_end_matches(".md").to_owned());
        let faults = check(&name, &text, id, Some(&site), today());
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(faults, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_failover_fences_before_it_promotes_and_shifts_traffic_last() {
    let text = fs::read_to_string(root("runbooks/regional-failover.md")).unwrap();
    let (runbook, _) = parse("regional-failover.md", &text, "regional-failover".into());
    let runbook = runbook.unwrap();
    let order: Vec<&str> = runbook.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(
        order,
        [
            "confirm-loss",
            "verify-standby",
            "fence",
            "promote",
            "checkpoint",
            "scale",
            "health",
            "traffic",
            "outside",
            "notify",
            "way-back"
        ]
    );
    let vars: Vec<&str> = runbook
        .card
        .vars
        .iter()
        .map(|var| var.name.as_str())
        .collect();
    assert_eq!(vars, ["OLD_PRIMARY", "STANDBY", "API"]);
}

/// A step in one line: its phases, id, and what it holds.
fn sketch(step: &Step) -> String {
    let check = |check: &Check| match check {
        Check::Condition(condition) => condition.to_string(),
        Check::Code(action) => format!("{}/{}", executor(&action.code), action.index),
    };
    let parts = step.parts.iter().map(|part| match part {
        Part::Action(action) => {
            assert_eq!(action.role, Role::Run);
            format!("{}/{}", executor(&action.code), action.index)
        }
        Part::Tick(tick) => format!("tick/{}", tick.index),
    });
    let line = |name: &str, items: Vec<String>| match items.is_empty() {
        true => String::new(),
        false => format!(" {name}: {}", items.join(", ")),
    };
    let undo = step.rollback.iter().map(|action| executor(&action.code));
    format!(
        "{} #{}{}{}{}{}",
        step.phase.join("/"),
        step.id,
        line("checks", step.checks.iter().map(check).collect()),
        line("run", parts.collect()),
        line("verify", step.verify.iter().map(check).collect()),
        line("rollback", undo.collect()),
    )
}

fn executor(code: &Code) -> String {
    match code {
        Code::Shell { shell, host, .. } => match host {
            Some(host) => format!("{shell:?}@{host}"),
            None => format!("{shell:?}"),
        },
        Code::Sql { on, tx, .. } => format!("sql@{on}{}", if *tx { " tx" } else { "" }),
        Code::Redis { on, .. } => format!("redis@{on}"),
        Code::Http { .. } => "http".into(),
        Code::Act { act } => act.to_string(),
    }
}

#[test]
fn every_construct_becomes_what_the_format_says() {
    let (_, runbook) = constructs();
    assert_eq!(runbook.title, "Every construct {draft}");
    assert_eq!(runbook.card.vars.len(), 6);
    assert!(runbook.carded);
    let sketches: Vec<String> = runbook.steps.iter().map(sketch).collect();
    let expected = [
        "Prepare #prepare verify: Sh/1",
        "Prepare #read-this-first",
        "Prepare #look checks: Sh/1 run: Sh/1, Zsh/2, Sh@db-west/3",
        "Prepare #ticks run: tick/1, tick/2",
        "Prepare #order run: tick/1, Bash/2, tick/3",
        "Move #copy checks: sql@pg-west/1 run: sql@$SERVER tx/1 verify: sql@$SERVER/1 rollback: sql@$SERVER",
        "Move #empty run: sql@$SERVER/1",
        "Move #fork checks: reachable pg-east, reachable pg-west, lag of pg-west < 30 s and < 64 MB, \
         lag of redis-west < 5 s, same_timeline pg-east, pg-west, region $DR healthy, objective rto_left ≥ 10 m, \
         backup of pg-dump younger than 25 h, verified",
        "Move #wait run: wait 30 s/1",
        "Move #choose",
        "Move #promote checks: fenced pg-east, loss of $SERVER < 30 s run: postgres.promote $SERVER/1 verify: \
         writable $SERVER, role of redis-west is replica, keys of redis-west ≥ 1, master_is redis-east by sentinel",
        "Move #restore run: runbook restore-dump.md SERVER=$SERVER/1",
        "Move #status run: http/1, redis@redis-east/2, Sh/3 verify: http/1 rollback: redis@redis-east",
        "Move #follow run: redis.follow redis-east of redis-west/1 rollback: redis.promote redis-east",
        "Move #heal verify: healthy api-west",
        "Clean up #drop run: Bash/1",
        "Clean up #drop-the-scratch-database",
    ];
    assert_eq!(sketches, expected);
}

#[test]
fn what_is_not_run_is_shown_and_text_keeps_its_indentation() {
    let (_, runbook) = constructs();
    let look = runbook.step(&"look".into()).unwrap();
    assert_eq!(look.why.len(), 3, "{:?}", look.why);
    assert!(look.why.contains(&Block::Code(
        "sh".into(),
        "echo shown, by its role\n".into()
    )));
    let scripts: Vec<&str> = runbook
        .steps
        .iter()
        .flat_map(Step::actions)
        .filter_map(|action| match &action.code {
            Code::Shell { script, .. } => Some(script.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(scripts[0], "echo \"$DR\" \\\n  is the region\necho done");
    assert!(scripts.contains(&"echo two\n  echo indented\n"));
    // The quoted fence of the introduction is shown too.
    assert!(
        runbook
            .intro
            .contains(&Block::Code("sh".into(), "exit 1\n".into()))
    );
    assert!(
        runbook
            .intro
            .contains(&Block::Row(vec!["a".into(), "b".into()]))
    );
    let link =
        "Prose before the first step, with a link (https://example.org/wiki), code and marks.";
    assert!(runbook.intro.contains(&Block::Text(link.into())));
    let tick = runbook.step(&"order".into()).unwrap().parts.last().cloned();
    let Some(Part::Tick(tick)) = tick else {
        panic!("{tick:?}");
    };
    assert_eq!(tick.text, "And this by hand again\n  with a detail");
}

#[test]
fn no_prefix_and_no_missing_line_makes_the_parser_panic() {
    let site = sites::lab();
    let (text, whole) = constructs();
    let read = |text: &str| check("c.md", text, "c".into(), Some(&site), today());
    // Every prefix is parsed; linting each as well would take minutes.
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let (runbook, _) = parse("c.md", &text[..end], "c".into());
        assert!(runbook.is_none_or(|runbook| runbook.steps.len() <= whole.steps.len() + 1));
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for without in 0..lines.len() {
        let kept = lines.iter().enumerate().filter(|(n, _)| *n != without);
        let damaged: String = kept.map(|(_, line)| *line).collect();
        for fault in read(&damaged) {
            assert!(fault.line <= lines.len() && fault.col >= 1, "{fault}");
        }
    }
}

#[test]
fn line_endings_of_windows_change_nothing() {
    let (text, runbook) = constructs();
    let (other, faults) = parse("c.md", &text.replace('\n', "\r\n"), "constructs".into());
    assert_eq!(faults, []);
    let sketches = |runbook: &Runbook| runbook.steps.iter().map(sketch).collect::<Vec<_>>();
    assert_eq!(sketches(&other.unwrap()), sketches(&runbook));
}
