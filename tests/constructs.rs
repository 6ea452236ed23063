//! Each construct of the runbook format, walked at the real console: what it does, and what the journal says of it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::lab::Lab;
use common::operator::{Home, answer, ask, choose, declare, dialog, fill, insist, run};
use common::pty::{Console, environment};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// A console with an incident and that runbook open. Its site has an API whose state stands in the home's file `answer`.
fn opened(name: &str, values: &[&str]) -> (Home, Console) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/runbooks");
    let read = |name: &str| fs::read_to_string(folder.join(format!("{name}.md"))).unwrap();
    let (text, child) = (read(name), read("child"));
    let home = Home::new(&[(&format!("{name}.md"), &text), ("child.md", &child)]);
    fs::write(home.path("answer"), "ok").unwrap();
    let site = format!(
        r#"
name = "quiet"

[objectives]
rto = "1h"

[[ladder]]
after = "5m"
who = "Engineering lead"
what = "notify"

[targets.api-west]
system = "http"
url = "http://{}/health"
field = "state"
equals = "ok"
interval = "1s"
timeout = "5s"
"#,
        api(home.path("answer"))
    );
    fs::write(home.path("site.toml"), site).unwrap();
    let mut console = home.watch();
    declare(&mut console, "A walk");
    let title = text.lines().next().unwrap().trim_start_matches("# ");
    choose(&mut console, title, values);
    (home, console)
}

/// An API that says `{"state": …}` with what stands in the file; its address.
fn api(state: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let state = fs::read_to_string(&state).unwrap_or_default();
            // Whoever asked and has gone needs no answer.
            let _ = tell(stream, state.trim());
        }
    });
    address
}

fn tell(mut stream: TcpStream, state: &str) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4_096])?;
    let body = format!("{{\"state\":\"{state}\"}}");
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Moves down in a choice to the answer with these words, and takes it.
fn take(console: &mut Console, words: &str) {
    console.wait_for(words);
    for _ in 0..8 {
        let at = |line: &&str| line.contains("▶ ") && line.contains(words);
        if console.screen().lines().any(|line| at(&line)) {
            break;
        }
        console.press("down");
        thread::sleep(Duration::from_millis(150));
    }
    let before = title(&console.screen());
    insist(console, "", move |screen| title(screen) != before);
}

/// The topmost dialog's title: the line of its upper border.
fn title(screen: &str) -> Option<String> {
    let border = |line: &&str| !line.starts_with('┌') && line.contains('┌');
    let line = screen.lines().find(border);
    line.filter(|_| dialog(screen)).map(str::to_owned)
}

/// The outcomes of the attempts, in the journal's order.
fn outcomes(home: &Home) -> Vec<String> {
    let reports = home.facts("report").into_iter();
    let ended = reports.filter_map(|report| report.get("ended").cloned());
    ended
        .map(|ended| ended["outcome"]["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// The first end of an attempt that the journal has for a step.
fn end_of(home: &Home, step: &str, attempt: usize) -> Value {
    let reports = home.facts("report").into_iter();
    let mut ended = reports.filter_map(|report| report.get("ended").cloned());
    let of_step = |end: &Value| end["action"]["step"] == step;
    ended.by_ref().filter(of_step).nth(attempt).unwrap()
}

/// What notes of one kind say.
fn notes(home: &Home, kind: &str) -> Vec<Value> {
    let notes = home.facts("note").into_iter();
    notes.filter_map(|note| note.get(kind).cloned()).collect()
}

#[test]
fn a_failed_step_is_undone_by_its_rollback_after_asking() {
    let (home, mut console) = opened("rollback", &[]);
    run(&mut console, "Try in", "");
    console.wait_for("Try failed");
    ask(&mut console, "undo it");
    take(&mut console, "undo it");
    console.wait_for("Type run");
    assert_eq!(
        home.ran(),
        ["tried"],
        "a rollback is offered, never started"
    );
    answer(&mut console, "run");
    console.wait_for("undone");
    run(&mut console, "After in", "");
    home.wait_for("ran", "after");
    console.wait_for("After: done");
    assert_eq!(home.ran(), ["tried", "undone", "after"]);
    assert_eq!(outcomes(&home), ["failed", "done", "done"]);
    assert_eq!(end_of(&home, "try", 0)["outcome"]["exit"], 7);
}

#[test]
fn forks_go_where_checks_and_the_operator_say() {
    let (home, mut console) = opened("forks", &[]);
    ask(&mut console, "ok: Near");
    take(&mut console, "ok: Near");
    run(&mut console, "Near in", "");
    console.wait_for("Near: done");
    ask(&mut console, "fail: Which way?");
    take(&mut console, "fail: Which way?");
    ask(&mut console, "decide");
    take(&mut console, "Down");
    answer(&mut console, "it is downhill");
    run(&mut console, "Down in", "");
    console.wait_for("Down: done");
    assert_eq!(home.ran(), ["near", "down"]);
    let ways: Vec<(Value, Value)> = notes(&home, "branched")
        .iter()
        .map(|note| (note["way"].clone(), note["to"].clone()))
        .collect();
    let expected = [("ok", "near"), ("fail", "which"), ("Down", "down")];
    assert_eq!(ways, expected.map(|(way, to)| (way.into(), to.into())));
    assert_eq!(notes(&home, "branched")[2]["reason"], "it is downhill");
}

#[test]
fn what_is_owed_always_stays_when_the_runbook_is_left() {
    let (home, mut console) = opened("always", &[]);
    run(&mut console, "Break in", "");
    console.wait_for("Break failed");
    ask(&mut console, "leave the runbook");
    take(&mut console, "leave the runbook");
    answer(&mut console, "nothing more to do here");
    console.wait_for("3 Tidy");
    run(&mut console, "Tidy in", "");
    console.wait_for("Tidy: done");
    assert_eq!(home.ran(), ["broken", "tidied"]);
    assert_eq!(notes(&home, "walk_ended").len(), 1);
}

#[test]
fn what_must_change_is_compared_with_what_was_kept() {
    let (home, mut console) = opened("changed", &[]);
    run(&mut console, "Move in", "");
    console.wait_for("prepare");
    home.wait_for("ran", "prepare");
    console.wait("the first act's end", PATIENCE, |s| !s.contains("running"));
    run(&mut console, "Move in", "");
    console.wait("the second act's end", PATIENCE, |s| {
        s.contains("Stay in") || !s.contains("running")
    });
    run(&mut console, "Stay in", "");
    console.wait_for("Stay failed");
    assert_eq!(home.ran(), ["prepare", "move", "stay"]);
    assert_eq!(outcomes(&home), ["done", "done", "failed"]);
    let saw = |step: &str, n: usize| end_of(&home, step, n)["verified"][0]["saw"].clone();
    assert_eq!(saw("move", 1), "it was ok and is moved");
    assert_eq!(saw("stay", 0), "it is moved as before");
    let kept = &end_of(&home, "move", 0)["kept"];
    assert_eq!(kept[0][0], "http.field(api-west)");
    assert_eq!(kept[0][1], "ok");
}

#[test]
fn a_window_holds_or_breaks() {
    let (home, mut console) = opened("hold", &[]);
    run(&mut console, "Shift some in", "");
    console.wait_for("Shift some: done");
    run(&mut console, "Shift all in", "");
    home.wait_for("ran", "all");
    console.wait_for("watching it for 5 m");
    fs::write(home.path("answer"), "down").unwrap();
    console.wait_for("Shift all failed");
    assert_eq!(outcomes(&home), ["done", "failed"]);
}

#[test]
fn a_runbook_within_a_runbook_is_walked_step_by_step() {
    let (home, mut console) = opened("parent", &[""]);
    run(&mut console, "Before in", "");
    console.wait_for("Before: done");
    ask(&mut console, "Who opens it");
    fill(&mut console, &[""]);
    console.wait_for("1 Within");
    run(&mut console, "Within in", "");
    console.wait_for("Within: done");
    // The child's end leads back.
    console.arm();
    console.press("enter");
    console.wait_for("3 Behind");
    run(&mut console, "Behind in", "");
    console.wait_for("Behind: done");
    let expected = ["before, the parent", "within, from the parent", "behind"];
    assert_eq!(home.ran(), expected);
    assert_eq!(notes(&home, "chosen").len(), 2);
}

#[test]
fn a_rung_of_the_ladder_is_acknowledged_in_the_journal() {
    let (home, mut console) = opened("child", &["somebody"]);
    console.press("a");
    console.wait("a choice", PATIENCE, dialog);
    answer(&mut console, "");
    console.wait("the rung is done", PATIENCE, |s| {
        s.contains("✔ Engineering lead")
    });
    assert_eq!(notes(&home, "acknowledged").len(), 1);
    assert_eq!(home.ran(), Vec::<String>::new());
}

#[test]
fn what_is_secret_stands_nowhere() {
    let secrets = ["tok-7f3a9c1e5b", "key-0d8e6b4a2c"];
    let (home, mut console) = opened("secrets", &[secrets[0]]);
    fs::write(home.path("key"), secrets[1]).unwrap();
    run(&mut console, "Use it in", "");
    home.wait_for("ran", "-");
    console.wait_for("the token is");
    for line in command_lines() {
        assert!(!line.contains(secrets[0]), "{line}");
    }
    fs::write(home.path("go"), "").unwrap();
    console.wait_for("Use it: done");
    run(&mut console, "Make one in", "");
    console.wait_for("Make one: done");
    run(&mut console, "Expect one in", "");
    console.wait_for("Expect one failed");
    let digest = Command::new("sh")
        .args(["-c", &format!("printf %s {} | sha256sum", secrets[0])])
        .output()
        .unwrap();
    let digest = String::from_utf8(digest.stdout).unwrap();
    assert_eq!(home.ran(), [digest.trim()], "the step had the real value");
    assert!(post_mortem(&home).contains("Use it"));
    let screen = console.bytes();
    let half = "dG9rLTdmM2E5YzFlNWI=";
    for secret in secrets.iter().copied().chain([half]) {
        let at = |bytes: &[u8]| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!at(&screen), "{secret} was on the screen");
        for path in files(&home.incident()) {
            assert!(
                !at(&fs::read(&path).unwrap()),
                "{secret} in {}",
                path.display()
            );
        }
        assert!(!post_mortem(&home).contains(secret));
    }
}

#[test]
fn each_executor_works_in_each_role() {
    let lab = Lab::up();
    let text = include_str!("runbooks/executors.md");
    let (site, state) = (lab.path("site.toml"), lab.path("state"));
    let home = Home::on(&site, &state, &[("executors.md", text)]);
    let requests = Arc::new(Mutex::new(Vec::new()));
    let port = recorder(Arc::clone(&requests)).to_string();
    let mut console = home.watch();
    declare(&mut console, "Executors");
    choose(&mut console, "Executors", &[&port, ""]);
    // What looks freely is evaluated in the question; the rest is asked for one by one.
    let steps = [
        ("Shell", 3),
        ("Bash", 3),
        ("Console", 3),
        ("SQL", 1),
        ("Redis", 3),
        ("HTTP", 1),
        ("Typed", 1),
    ];
    let mut ends = 0;
    for (place, (title, acts)) in steps.into_iter().enumerate() {
        for _ in 0..acts {
            let question = format!("{title} in");
            ask(&mut console, &question);
            ends += 1;
            confirmed(&home, &mut console, ends);
        }
        console.press("5");
        console.press("g");
        (0..place).for_each(|_| console.press("down"));
        console.arm();
        console.press("u");
        console.wait("the rollback's question", PATIENCE, dialog);
        ends += 1;
        confirmed(&home, &mut console, ends);
        console.press("down");
    }
    assert!(outcomes(&home).iter().all(|outcome| outcome == "done"));
    let left = |name: &str| fs::read_to_string(home.path(name)).unwrap_or_default();
    assert_eq!(left("shell-undone"), "walker\n");
    assert_eq!(left("bash-undone"), "walker 2\n");
    assert_eq!(left("console-undone"), "walker\ntwice\n");
    let requests = requests.lock().unwrap();
    let changes: Vec<&String> = requests.iter().filter(|r| !r.starts_with("GET")).collect();
    assert_eq!(changes, ["POST /incidents", "PUT /incidents/undo"]);
    for looked in ["GET /check", "GET /verify"] {
        assert!(requests.iter().any(|request| request == looked), "{looked}");
    }
    let roles = home.facts("intent").into_iter();
    let of = |intent: &Value| {
        intent["resolved"]["action"]["role"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let roles: Vec<String> = roles.map(|intent| of(&intent)).collect();
    for (role, count) in [("check", 4), ("run", 7), ("verify", 4), ("rollback", 7)] {
        assert_eq!(roles.iter().filter(|r| *r == role).count(), count, "{role}");
    }
}

/// Answers the question that is open with the phrase it asks for, and waits for the act's end in the journal.
fn confirmed(home: &Home, console: &mut Console, ends: usize) {
    console.wait("its evaluation", PATIENCE, |screen| {
        screen.contains("Type ") || screen.contains("enter runs it")
    });
    let screen = console.screen();
    let phrase = screen
        .split_once("Type ")
        .and_then(|(_, rest)| rest.split_once(':'));
    answer(console, phrase.map_or("", |(phrase, _)| phrase));
    let end = Instant::now() + PATIENCE;
    while outcomes(home).len() < ends {
        assert!(Instant::now() < end, "no end:\n{}", console.screen());
        thread::sleep(Duration::from_millis(50));
    }
    let outcomes = outcomes(home);
    assert_eq!(outcomes[ends - 1], "done", "{}", console.screen());
    console.wait("the end on the screen", PATIENCE, |screen| {
        !screen.contains(" running")
    });
}

/// A status page that keeps what it was asked for, method and path; its port.
fn recorder(requests: Arc<Mutex<Vec<String>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut buffer = [0; 4_096];
            let read = stream.read(&mut buffer).unwrap_or(0);
            let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let line = text.split(" HTTP/").next().unwrap_or_default();
            requests.lock().unwrap().push(line.to_owned());
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\nconnection: close\r\n\r\n{\"ok\":true}",
            );
        }
    });
    port
}

/// The command line of every process.
fn command_lines() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .collect()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => files(&path),
            false => vec![path],
        })
        .collect()
}

fn post_mortem(home: &Home) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_warroom"))
        .args(["incident", "postmortem", "--site"])
        .arg(home.path("site.toml"))
        .arg(home.incident().file_name().unwrap())
        .env_clear()
        .envs(environment(&home.path("")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}
