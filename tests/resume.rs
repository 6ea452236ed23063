//! The console may go at any time: a step that runs goes on, and a console that comes back stands at the same place.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use common::operator::{Home, answer, ask, back, choose, declare, dialog, insist, run};
use common::pty::Console;
use serde_json::Value;

const RUNBOOK: &str = include_str!("runbooks/resume.md");

/// What a terminal is given back with.
const LEAVES_ALTERNATE_SCREEN: &[u8] = b"\x1b[?1049l";

/// How long a process may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A home with a console that has just started the step that waits.
fn in_the_middle() -> (Home, Console) {
    let home = Home::new(&[("resume.md", RUNBOOK)]);
    let mut console = home.watch();
    declare(&mut console, "Primary lost");
    choose(&mut console, "Come back", &[]);
    run(&mut console, "First in", "");
    home.wait_for("ran", "first");
    console.wait_for("First: done");
    run(&mut console, "Middle in", "");
    home.wait_for("ran", "middle");
    console.wait_for("running");
    (home, console)
}

/// Lets the step in the middle end.
fn let_it_end(home: &Home) {
    fs::write(home.path("go"), "").unwrap();
    home.wait_for("ran", "end of middle");
}

/// The console stands behind the middle; the rest is walked, and every step ran once.
fn goes_on(home: &Home, mut console: Console) {
    console.wait_for("Middle: done");
    run(&mut console, "Last in", "");
    home.wait_for("ran", "last");
    console.wait_for("Last: done");
    assert_eq!(home.ran(), ["first", "middle", "end of middle", "last"]);
    assert_eq!(home.facts("intent").len(), 3);
    assert_eq!(ends(home), ["done", "done", "done"]);
}

/// How the attempts ended, by the journal.
fn ends(home: &Home) -> Vec<String> {
    let reports = home.facts("report").into_iter();
    reports
        .filter_map(|report| {
            let outcome = report.get("ended")?.get("outcome")?;
            Some(outcome.get("outcome")?.as_str()?.to_owned())
        })
        .collect()
}

/// The process id of the newest runner.
fn runner(home: &Home) -> u64 {
    let started = home.facts("report").into_iter().rev();
    let mut pids = started.filter_map(|report| report.get("started")?.get("pid")?.as_u64());
    pids.next().unwrap()
}

fn kill(pid: u64, signal: &str) {
    let status = Command::new("kill")
        .args([format!("-{signal}"), pid.to_string()])
        .status();
    assert!(status.unwrap().success());
}

fn wait_until(what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "{what}");
        thread::sleep(Duration::from_millis(30));
    }
}

/// What the console wrote last gives the terminal back.
fn gave_back(console: &Console) {
    wait_until("the terminal is given back", || {
        let bytes = console.bytes();
        let last = LEAVES_ALTERNATE_SCREEN;
        bytes.windows(last.len()).any(|found| found == last)
    });
    let screen = console.screen();
    assert!(!screen.contains("Regions"), "{screen}");
}

#[test]
fn a_killed_console_leaves_the_step_running_and_another_records_its_end() {
    let (home, mut console) = in_the_middle();
    console.signal("KILL");
    console.exit_code();
    let_it_end(&home);
    goes_on(&home, home.open(&[]));
}

#[test]
fn a_console_that_comes_back_in_the_middle_sees_the_end() {
    let (home, mut console) = in_the_middle();
    console.signal("KILL");
    console.exit_code();
    let again = home.open(&[]);
    again.wait_for("running");
    let_it_end(&home);
    goes_on(&home, again);
}

#[test]
fn a_killed_runner_leaves_unknown_which_is_settled_and_never_runs_by_itself() {
    let (home, mut console) = in_the_middle();
    let pid = runner(&home);
    console.signal("KILL");
    kill(pid, "KILL");
    console.exit_code();
    let mut console = home.open(&[]);
    wait_until("the end is recorded", || ends(&home).len() == 2);
    assert_eq!(ends(&home), ["done", "unknown"]);
    ask(&mut console, "Middle end?");
    thread::sleep(Duration::from_secs(2));
    assert_eq!(home.ran(), ["first", "middle"]);
    // What it started lives on, and is no runner: it ends by itself, and nobody starts it again.
    let_it_end(&home);
    insist(&mut console, "", |screen| {
        screen.contains("How is that known?")
    });
    answer(&mut console, "its file stands there");
    console.wait_for("3 Last");
    run(&mut console, "Last in", "");
    home.wait_for("ran", "last");
    assert_eq!(home.ran(), ["first", "middle", "end of middle", "last"]);
    let settled = |note: &Value| note.get("settled").is_some_and(|s| s["done"] == true);
    assert!(home.facts("note").iter().any(settled));
}

#[test]
fn a_lost_terminal_ends_the_console_and_not_the_step() {
    let (home, mut console) = in_the_middle();
    console.hang_up();
    console.exit_code();
    let_it_end(&home);
    goes_on(&home, home.open(&[]));
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in ["TERM", "HUP", "INT"] {
        let (home, mut console) = in_the_middle();
        console.signal(signal);
        assert_eq!(console.exit_code(), 0);
        gave_back(&console);
        let_it_end(&home);
        goes_on(&home, home.open(&[]));
    }
}

#[test]
fn a_stopped_console_comes_back_to_its_screen() {
    let (home, mut console) = in_the_middle();
    console.press("ctrl-z");
    let stopped = |console: &Console| {
        let stat = fs::read_to_string(format!("/proc/{}/stat", console.pid())).unwrap();
        stat.contains(") T ")
    };
    wait_until("ctrl-z stops it", || stopped(&console));
    gave_back(&console);
    let_it_end(&home);
    console.signal("CONT");
    console.wait_for("Regions");
    // From outside, too.
    console.signal("TSTP");
    wait_until("TSTP stops it", || stopped(&console));
    console.signal("CONT");
    goes_on(&home, console);
}

#[test]
fn two_consoles_share_one_incident_and_one_of_them_runs_a_step() {
    let (home, mut one) = in_the_middle();
    let_it_end(&home);
    one.wait_for("Middle: done");
    let mut two = home.open(&[]);
    two.press("n");
    two.wait(" a form", PATIENCE, dialog);
    answer(&mut two, "seen from the second desk");
    one.wait_for("seen from the second desk");
    two.wait_for("seen from the second desk");
    // Both ask, both confirm: one of them comes too late.
    ask(&mut one, "Last in");
    ask(&mut two, "Last in");
    one.arm();
    thread::scope(|scope| {
        scope.spawn(|| one.press("enter"));
        scope.spawn(|| two.press("enter"));
    });
    home.wait_for("ran", "last");
    for console in [&mut one, &mut two] {
        console.wait("Last is done", PATIENCE, |screen| {
            screen.contains("Last: done")
        });
        back(console);
    }
    thread::sleep(Duration::from_secs(1));
    assert_eq!(home.ran(), ["first", "middle", "end of middle", "last"]);
    assert_eq!(home.facts("intent").len(), 3);
    verifies(&home);
}

#[test]
fn an_observer_changes_nothing() {
    let (home, console) = in_the_middle();
    let_it_end(&home);
    console.wait_for("Middle: done");
    let before = home.journal().len();
    let mut observer = home.open(&["--observe"]);
    observer.press("n");
    observer.wait_for("only looks");
    observer.press("down");
    observer.wait_gone("only looks");
    observer.press("enter");
    observer.wait_for("only looks");
    thread::sleep(Duration::from_secs(1));
    assert_eq!(home.journal().len(), before);
    assert_eq!(home.ran(), ["first", "middle", "end of middle"]);
}

#[test]
fn without_a_terminal_it_says_so_and_ends() {
    let home = Home::new(&[]);
    let output = Command::new(env!("CARGO_BIN_EXE_warroom"))
        .arg("--site")
        .arg(home.path("site.toml"))
        .env_clear()
        .envs(common::pty::environment(&home.path("")))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("no terminal"),
        "{said}"
    );
    assert_eq!(output.stdout, b"");
}

/// The journal's chain of digests holds.
fn verifies(home: &Home) {
    let output = Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["incident", "verify", "--site"])
        .arg(home.path("site.toml"))
        .arg(home.incident().file_name().unwrap())
        .env_clear()
        .envs(common::pty::environment(&home.path("")))
        .current_dir(Path::new("/"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}
