//! Quick commands at the real console: what only looks is asked of the lab's servers, and what may change something goes the
//! way of every step, into the journal and the post-mortem.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::fs;
use std::time::Duration;

use common::lab::Lab;
use common::operator::{Home, answer, choose, declare, insist, run};
use common::pg::session;
use common::pty::Console;
use common::run::warroom;
use common::walk::{Operator, wait_until};
use serde_json::Value;

/// Ends what sleeps.
const CANCEL: &str =
    "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";

/// Opens the quick commands and types a fence's words and its text, or a line of TOML; enter is still to come.
fn types(console: &mut Console, words: &str, text: &str) {
    console.press("!");
    console.wait_for("Quick commands");
    console.type_text(words);
    console.wait_for(words);
    if !text.is_empty() {
        console.press("tab");
        console.type_text(text);
    }
}

/// The same, and presses enter until it is taken.
fn asks(console: &mut Console, words: &str, text: &str, shows: &str) {
    types(console, words, text);
    insist(console, "", |screen| screen.contains(shows));
}

/// Types a step and waits until its question can be answered.
fn adds(console: &mut Console, words: &str, text: &str, asks_for: &str) {
    asks(console, words, text, asks_for);
    console.wait_gone("the checks are being evaluated");
}

/// The walks that were added, as the journal has them.
fn added(journal: &str) -> Vec<Value> {
    let entries = journal
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let chosen = entries.map(|entry| entry["fact"]["note"]["chosen"].clone());
    chosen
        .filter(|chosen| chosen.get("added").is_some())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_asked_a_step_is_added_and_both_stand_in_the_post_mortem() {
    let lab = Lab::up();
    let mut operator = Operator::at(&lab);
    operator.sees_line(&["✔ us-west-2", "3/3 ready"]);
    operator.declare("Something is slow");
    operator.open("regional-failover", 3, None);
    let console = &mut operator.console;

    // What is READ ONLY is asked at once, its rows shown whole; nothing is written down until it is wanted.
    let query = "SELECT n, n * 7 AS seven FROM generate_series(5, 6) n";
    asks(console, "sql on=pg-west", query, "(2 rows)");
    for row in ["n | seven", "5 | 35", "6 | 42"] {
        console.wait_for(row);
    }
    let unasked = fs::read_to_string(operator.incident().join("journal.jsonl")).unwrap();
    assert!(!unasked.contains("generate_series"), "{unasked}");
    operator.console.press("ctrl-n");
    wait_until("the answer in the journal", || {
        operator
            .journal()
            .contains("asked sql on=pg-west: SELECT n")
    });
    operator.not_now();
    let console = &mut operator.console;
    asks(
        console,
        "reachable = \"nowhere\"",
        "",
        "nowhere is no target",
    );
    console.press("esc");
    console.wait_for("q quit");

    // What acts is no question, though it begins with SELECT: it is a step, and ends the query it is meant to end.
    let app = session(&lab, "pg-east", "app", "app").await;
    let slow = tokio::spawn(async move { app.batch_execute("SELECT pg_sleep(60)").await });
    let admin = session(&lab, "pg-east", "postgres", "postgres").await;
    let sleeping = "SELECT FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'";
    while admin.query(sleeping, &[]).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    asks(
        console,
        "sql check on=pg-east",
        CANCEL,
        "this sql may change something",
    );
    console.press("esc");
    console.wait_for("q quit");
    adds(console, "sql on=pg-east", CANCEL, "Type run");
    operator.confirms("run", "done");
    let ended = slow.await.unwrap().unwrap_err();
    assert!(
        format!("{ended:?}").contains("canceling statement due to user request"),
        "{ended:?}"
    );
    operator.ends_the_walk();
    operator.comes_to("Confirm that the primary region is lost");

    // A shell that is given a target reaches it as in a runbook.
    adds(
        &mut operator.console,
        "sh with=pg-west",
        "psql -XAtc \"SELECT 'west is ' || pg_is_in_recovery()\"",
        "Type run",
    );
    operator.confirms("run", "done");
    operator.console.press("o");
    operator.sees("west is true");
    operator.not_now();
    operator.ends_the_walk();
    report(&lab, &operator);
}

/// What the program's own commands tell of it.
fn report(lab: &Lab, operator: &Operator) {
    let walks = added(&operator.journal());
    assert_eq!(walks.len(), 2, "{walks:#?}");
    for walk in &walks {
        assert_eq!(walk["added"]["amid"][0], 1, "{walk:#?}");
    }
    let folder = operator.incident();
    let id = folder.file_name().unwrap().to_str().unwrap();
    assert_eq!(warroom(lab, &["incident", "verify", id]).code, 0);
    let report = warroom(lab, &["incident", "postmortem", id]);
    assert_eq!(report.code, 0, "{}", report.err);
    let (_, steps) = report.out.split_once("## Steps added by hand").unwrap();
    let (steps, _) = steps.split_once("## Overrides").unwrap();
    for part in [
        "done by",
        "Suggested for the runbook *Regional failover*",
        &format!("```sql run on=pg-east\n{CANCEL}\n```"),
        "```sh run with=pg-west\npsql -XAtc \"SELECT 'west is ' || pg_is_in_recovery()\"\n```",
    ] {
        assert!(steps.contains(part), "{part} is not in:\n{steps}");
    }
    assert!(report.out.contains("west is true"), "{}", report.out);
    assert!(
        report.out.contains("note: asked sql on=pg-west"),
        "{}",
        report.out
    );
}

#[test]
fn a_console_killed_in_an_added_step_comes_back_to_it_and_to_the_runbook() {
    let home = Home::new(&[("resume.md", include_str!("runbooks/resume.md"))]);
    let mut console = home.watch();
    declare(&mut console, "Primary lost");
    choose(&mut console, "Come back", &[]);
    run(&mut console, "First in", "");
    home.wait_for("ran", "first");
    console.wait_for("First: done");
    let script = "echo added >> $HOME/ran; until test -e $HOME/go; do sleep 0.1; done; echo end >> $HOME/ran";
    adds(&mut console, "sh", script, "Type run");
    answer(&mut console, "run");
    home.wait_for("ran", "added");
    console.wait_for("running");
    console.signal("KILL");
    console.exit_code();
    let mut console = home.open(&[]);
    console.wait_for("running");
    fs::write(home.path("go"), "").unwrap();
    home.wait_for("ran", "end");
    assert_eq!(home.ran(), ["first", "added", "end"]);
    console.wait_for("all done");
    // The walk ends, and the runbook goes on where it was.
    console.arm();
    console.press("enter");
    console.wait_for("Come back");
    run(&mut console, "Middle in", "");
    home.wait_for("ran", "end of middle");
    assert_eq!(
        home.ran(),
        ["first", "added", "end", "middle", "end of middle"]
    );
    assert_eq!(home.facts("intent").len(), 3);
}

#[test]
fn in_a_tabletop_an_added_step_is_played_and_touches_nothing() {
    let home = tempfile::tempdir().unwrap();
    let mut operator = Operator::tabletop(home.path(), &["--speed", "20", "--seed", "7"]);
    operator.sees("Nothing here is real");
    operator.console.press("esc");
    operator.sees_line(&["✖ us-east-1"]);
    operator.declare("Primary region lost");
    let trace = home.path().join("trace");
    let console = &mut operator.console;
    adds(
        console,
        "sh",
        &format!("touch {}", trace.display()),
        "Type run",
    );
    operator.confirms("run", "done");
    assert!(operator.journal().contains("played: nothing was executed"));
    assert!(!trace.exists());
    assert_eq!(added(&operator.journal()).len(), 1);
}
