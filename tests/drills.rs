//! `warroom drills`: the schedule, the log and the ticks of a checklist, as a shell sees them.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::prelude::*;
use predicates::str::contains;

const SITE: &str = "name = \"quiet\"\nladder = []\n\n[drills.restore]\nwhat = \"restore to a scratch server\"\nkind = \"backup-restoration\"\nevery = \"30d\"\n";

fn warroom(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::cargo_bin("warroom").unwrap();
    command
        .env_clear()
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("PATH", "/usr/bin:/bin")
        .args(args);
    command
}

#[test]
fn the_schedule_says_what_was_never_held_and_ticks_stay() {
    let home = tempfile::tempdir().unwrap();
    let site = home.path().join("site.toml");
    fs::write(&site, SITE).unwrap();
    let site = site.to_str().unwrap();
    let shown = warroom(home.path(), &["--site", site, "drills"]).assert();
    shown
        .success()
        .stdout(contains("restore").and(contains("never held")));
    let done = [
        "--site", site, "drills", "done", "restore", "before-1", "--note", "sent",
    ];
    warroom(home.path(), &done).assert().success();
    let log = fs::read_to_string(home.path().join("state/warroom/drills.jsonl")).unwrap();
    assert!(log.contains("before-1") && log.contains("sent"), "{log}");
    let mut json = warroom(home.path(), &["--site", site, "drills", "--json"]);
    let out = json.unwrap().stdout;
    let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
    let items = value["drills"][0]["items"].as_array().unwrap();
    let ticked = items.iter().filter(|item| !item["ticked"].is_null());
    assert_eq!(ticked.count(), 1, "{value}");
}

#[test]
fn what_is_not_there_is_said_and_a_bad_line_takes_no_other_away() {
    let home = tempfile::tempdir().unwrap();
    let none = warroom(home.path(), &["drills"]).assert().success();
    none.stdout(contains("no drill is scheduled"));
    let wrong = warroom(home.path(), &["drills", "done", "restore", "before-1"]).assert();
    wrong.code(2).stderr(contains("[drills.restore]"));
    let state = home.path().join("state/warroom");
    fs::create_dir_all(&state).unwrap();
    let held = r#"{"exercise":{"at":"2026-11-01T10:00:00Z","id":"DRL-2026-0001","scenario":"restore","title":"Restore","kind":"backup-restoration","mode":"drill","grade":"PASS","rto_target":3600.0,"rto_actual":1200.0,"tester":"ana"}}"#;
    fs::write(state.join("drills.jsonl"), format!("nonsense\n{held}\n")).unwrap();
    let shown = warroom(home.path(), &["drills"]).assert().success();
    shown
        .stdout(contains("DRL-2026-0001").and(contains("PASS")))
        .stderr(contains("drills.jsonl:1"));
}
