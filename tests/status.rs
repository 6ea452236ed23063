//! The commands that print: their exit codes, their JSON, and what they say of a site that is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use common::lab::Lab;
use common::pty::environment;
use common::run::{ran, warroom};
use common::walk::Operator;
use serde_json::Value;

/// The lab's site file with parts of it replaced, beside the original.
fn changed(lab: &Lab, name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(lab.path("site.toml")).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from:?} stands in the site file");
        text = text.replacen(from, to, 1);
    }
    let path = lab.path(name);
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn status_ends_with_what_monitoring_understands() {
    let lab = Lab::up();
    let fine = warroom(&lab, &["status"]);
    assert_eq!(fine.code, 0, "{fine:?}");
    assert!(fine.out.ends_with("in all: fine\n"), "{fine:?}");

    lab.cmd(&["kill", "pg-east"]);
    let dead = warroom(&lab, &["status", "--json"]);
    assert_eq!(dead.code, 2, "{dead:?}");
    let told: Value = serde_json::from_str(&dead.out).unwrap();
    assert_eq!(told["standing"], "breach");
    let vitals = told["vitals"].as_array().unwrap().iter();
    let mut east = vitals.filter(|row| row["name"] == "pg-east");
    let words = east.next().unwrap()["words"].as_str().unwrap();
    assert!(words.contains("connection refused"), "{words}");

    let faulty = lab.path("faulty.toml");
    fs::write(
        &faulty,
        "name = \"x\"\nstate_dri = \"/tmp\"\n[targets.a]\nsystem = \"postgre\"\n",
    )
    .unwrap();
    let faulty = faulty.display().to_string();
    let status = ran(&lab, &["--site", &faulty, "status"]);
    assert_eq!(status.code, 3, "{status:?}");
    let check = ran(&lab, &["--site", &faulty, "check"]);
    assert_eq!(check.code, 2, "{check:?}");
    for fault in [
        "faulty.toml:2:1: ",
        "did you mean state_dir?",
        "faulty.toml:4:10: ",
        "did you mean postgres?",
    ] {
        assert!(check.out.contains(fault), "{fault:?}: {check:?}");
        assert!(status.err.contains(fault), "{fault:?}: {status:?}");
    }
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    command.env_clear().envs(environment(folder.path()));
    command.args(["runbook", "show", "regional-failover"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_target_that_can_not_be_asked_says_why() {
    let lab = Lab::up();
    let wrong = lab.path("secrets/wrong");
    fs::write(&wrong, "wrong\n").unwrap();
    fs::set_permissions(&wrong, fs::Permissions::from_mode(0o600)).unwrap();
    let (text, port) = (
        fs::read_to_string(lab.path("site.toml")).unwrap(),
        lab.port("redis-west"),
    );
    let west = text.find("[targets.pg-west]").unwrap();
    let end = west + text[west..].find("[targets.pg-west.fence]").unwrap();
    let of_west = &text[west..end];
    let locked = of_west.replace("secrets/pg\"", "secrets/wrong\"");
    let site = changed(
        &lab,
        "odd.toml",
        &[
            ("heartbeat = \"heartbeat\"", "heartbeat = \"pulse\""),
            (&format!("port = {port}"), "port = 1"),
            (of_west, &locked),
        ],
    );
    let operator = Operator::on(&lab, &site);
    // The first pane's own column is narrow: sentences are broken, words are not.
    operator.sees_line(&["✖ redis-west"]);
    operator.sees("Connection refused");
    // They were asked more often than that by now, and answer: a fault of the site file is no outage.
    operator.sees_line(&["? pg-east", "missing ×"]);
    operator.sees("relation \"pulse\" does not exist");
    operator.sees_line(&["? pg-west", "denied ×"]);
    operator.sees("password authentication failed");
}

#[test]
fn an_incident_that_can_not_be_written_down_is_not_declared() {
    let lab = Lab::up();
    fs::write(lab.path("plain"), "a file\n").unwrap();
    let (state, plain) = (lab.path("state"), lab.path("plain/state"));
    let to = format!("state_dir = \"{}\"", plain.display());
    let site = changed(
        &lab,
        "nowhere.toml",
        &[(&format!("state_dir = \"{}\"", state.display()), &to)],
    );
    let mut operator = Operator::on(&lab, &site);
    operator.fills_in_a_declaration("Nowhere to write");
    operator.sees("the declaration could not be written");
    operator.sees("set state_dir in the site file");
    operator.console.press("r");
    operator.sees("no incident is open");
    operator.console.press("enter");
    operator.sees("no incident is open: declare one first");
}

#[test]
fn an_incident_is_listed_shown_and_found_altered() {
    let lab = Lab::up();
    let mut operator = Operator::at(&lab);
    operator.declare("Only a look");
    operator.resolves("Nothing was wrong");
    let incident = operator.incident();
    drop(operator);
    let id = incident.file_name().unwrap().to_str().unwrap().to_owned();

    let list = warroom(&lab, &["incident", "list"]);
    assert_eq!(list.code, 0, "{list:?}");
    for words in [&id, "SEV-1", "resolved", "Only a look"] {
        assert!(list.out.contains(words), "{words:?}: {list:?}");
    }
    let show = warroom(&lab, &["incident", "show", &id]);
    assert!(
        show.code == 0 && show.out.contains("resolved: Nothing was wrong"),
        "{show:?}"
    );
    let report = warroom(&lab, &["incident", "postmortem", &id]);
    assert!(
        report.code == 0 && report.out.contains("# Post-mortem: Only a look"),
        "{report:?}"
    );
    let whole = warroom(&lab, &["incident", "verify", &id]);
    assert!(
        whole.code == 0 && whole.out.contains("the chain is whole"),
        "{whole:?}"
    );

    let journal = incident.join("journal.jsonl");
    let mut bytes = fs::read(&journal).unwrap();
    let at = bytes
        .windows(7)
        .position(|seven| seven == b"Nothing")
        .unwrap();
    bytes[at] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let altered = warroom(&lab, &["incident", "verify", &id]);
    assert_eq!(altered.code, 2, "{altered:?}");
    assert!(!altered.out.contains("the chain is whole"), "{altered:?}");
}
