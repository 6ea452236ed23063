//! `warroom drill` without a terminal: reference walks, harmful walks, recordings, and no way to a network.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// An empty home: nothing is configured.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.0.path())
            .env("XDG_STATE_HOME", self.0.path().join("state"))
            .env("XDG_CONFIG_HOME", self.0.path().join("config"))
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("USER", "ana");
        command
    }

    fn drill(&self, args: &[&str]) -> Output {
        let mut command = self.command(env!("CARGO_BIN_EXE_warroom"));
        command.arg("drill").args(args).output().unwrap()
    }

    fn folder(&self, number: u32) -> PathBuf {
        let incidents = self.0.path().join("state/warroom/tabletops/incidents");
        let ends = format!("-{number:04}");
        let all = fs::read_dir(&incidents).unwrap().flatten();
        let mut found = all.filter(|e| e.file_name().to_string_lossy().ends_with(&ends));
        found.next().unwrap().path()
    }
}

fn said(output: &Output) -> String {
    let (out, err) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(out).into_owned() + &String::from_utf8_lossy(err)
}

/// Every scenario there is, as `--list --json` names it, with its reading text.
fn scenarios(home: &Home) -> Vec<String> {
    let listed: Value = serde_json::from_slice(&home.drill(&["--list", "--json"]).stdout).unwrap();
    let ids = listed.as_array().unwrap().iter();
    ids.map(|one| one["id"].as_str().unwrap().to_owned())
        .collect()
}

/// A report without what the wall clock had a hand in.
fn timeless(folder: &Path) -> String {
    let text = fs::read_to_string(folder.join("drill-report.md")).unwrap();
    let by_clock = |line: &&str| {
        line.starts_with("| Date |") || line.starts_with("| Incident |") || line.contains("SHA-256")
    };
    let lines: Vec<&str> = text.lines().filter(|line| !by_clock(line)).collect();
    assert!(lines.len() > 60, "{text}");
    lines.join("\n")
}

#[test]
fn every_scenario_is_passed_by_its_reference_walk_and_not_by_its_harmful_one() {
    let home = Home::new();
    for id in scenarios(&home) {
        let passed = home.drill(&[&id, "--auto", "--seed", "7"]);
        assert_eq!(passed.status.code(), Some(0), "{id}: {}", said(&passed));
        assert!(said(&passed).contains("PASS"), "{id}: {}", said(&passed));
        let lost = home.drill(&[&id, "--auto", "--losing", "--seed", "7"]);
        let (scenario, _) = warroom::drill::scenario::parse(&id, &id, text(&id));
        let losing = scenario.unwrap().losing;
        let first = said(&lost);
        let first = first.lines().next().unwrap();
        assert!(
            first.ends_with(losing.grade.word()),
            "{id}: {}",
            said(&lost)
        );
        assert!(
            said(&lost).contains(&losing.because),
            "{id}: {}",
            said(&lost)
        );
        assert_ne!(lost.status.code(), Some(0), "{id}");
    }
    let log = fs::read_to_string(home.0.path().join("state/warroom/drills.jsonl")).unwrap();
    assert_eq!(log.lines().count(), 2 * scenarios(&home).len());
}

fn text(id: &str) -> &'static str {
    let all = warroom::drill::scenario::built_in::SCENARIOS;
    all.iter().find(|(one, _)| *one == id).unwrap().1
}

#[test]
fn a_recording_and_the_same_seed_come_to_the_same_report() {
    let home = Home::new();
    home.drill(&["--auto", "--seed", "11"]);
    home.drill(&["--auto", "--seed", "11"]);
    let keys = home.folder(1).join("keys.jsonl");
    let again = home.drill(&["--keys", keys.to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(0), "{}", said(&again));
    home.drill(&["--auto", "--seed", "12"]);
    let first = timeless(&home.folder(1));
    assert_eq!(first, timeless(&home.folder(2)), "the same seed");
    assert_eq!(first, timeless(&home.folder(3)), "the recording");
    assert_ne!(first, timeless(&home.folder(4)), "another seed");
    let mut lines = fs::read_to_string(&keys).unwrap();
    lines = lines.replacen("\"digest\":\"", "\"digest\":\"0", 1);
    fs::write(&keys, lines).unwrap();
    let other = home.drill(&["--keys", keys.to_str().unwrap()]);
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
}

#[test]
fn a_tabletop_needs_no_network_and_asks_for_none() {
    let home = Home::new();
    let mut alone = home.command("unshare");
    let args = [
        "--net",
        env!("CARGO_BIN_EXE_warroom"),
        "drill",
        "--auto",
        "--seed",
        "7",
    ];
    let output = alone.args(args).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let trace = home.0.path().join("trace");
    let mut traced = home.command("strace");
    traced
        .args(["-f", "-e", "trace=%network", "-o"])
        .arg(&trace);
    traced.args([
        env!("CARGO_BIN_EXE_warroom"),
        "drill",
        "--auto",
        "--seed",
        "7",
    ]);
    let output = traced.output().expect("strace is installed");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let calls = fs::read_to_string(&trace).unwrap();
    let reaching = calls
        .lines()
        .filter(|line| line.contains("connect(") || line.contains("AF_INET"));
    assert_eq!(reaching.collect::<Vec<_>>(), Vec::<&str>::new());
    assert!(calls.contains("exited with 0"), "the trace is whole");
}

#[test]
fn what_cannot_be_played_is_said() {
    let home = Home::new();
    for (args, why) in [
        (&["region-lots", "--auto"][..], "did you mean region-lost?"),
        (&["--speed", "0"], "write 1 to 20"),
        (&["region-lost"], "no terminal"),
        (&["--keys", "/nowhere"], "/nowhere"),
    ] {
        let output = home.drill(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).contains(why), "{args:?}: {}", said(&output));
    }
    assert!(
        !home.0.path().join("state").exists(),
        "and nothing is left behind"
    );
}

#[test]
fn a_scenario_of_ones_own_wins_and_its_faults_are_found_before_the_day() {
    let home = Home::new();
    let folder = home.0.path().join("config/warroom/scenarios");
    fs::create_dir_all(&folder).unwrap();
    let own = text("region-lost").replace("Primary region lost", "Our own region lost");
    fs::write(folder.join("region-lost.toml"), &own).unwrap();
    fs::write(folder.join("night.toml"), own.replace("takes ", "takse ")).unwrap();
    let listed = said(&home.drill(&["--list", "--json"]));
    assert!(listed.contains("Our own region lost"), "{listed}");
    assert!(!listed.contains("\"night\""), "{listed}");
    let mut check = home.command(env!("CARGO_BIN_EXE_warroom"));
    let checked = check
        .arg("check")
        .arg(folder.join("night.toml"))
        .output()
        .unwrap();
    assert_eq!(checked.status.code(), Some(2));
    let words = said(&checked);
    assert!(
        words.contains("night.toml:") && words.contains("takes"),
        "{words}"
    );
}
