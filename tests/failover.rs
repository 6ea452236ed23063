//! A region is lost, and the real console walks its operator through the failover: the primary's postmaster is killed
//! with commits its standby never saw, and what is shown as lost is compared with what was acknowledged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::time::Duration;

use chrono::{DateTime, Utc};
use common::lab::Lab;
use common::pg::session;
use common::walk::{Operator, wait_until};

/// What the traffic was told is committed: when, and the message's id.
fn acknowledged(lab: &Lab) -> Vec<(DateTime<Utc>, i64)> {
    let text = fs::read_to_string(lab.path("traffic.acked")).unwrap_or_default();
    let line = |line: &str| {
        let (at, id) = line.split_once(' ')?;
        Some((at.parse().ok()?, id.parse().ok()?))
    };
    text.lines().filter_map(line).collect()
}

async fn in_recovery(lab: &Lab) -> bool {
    let west = session(lab, "pg-west", "app", "app").await;
    let row = west
        .query_one("SELECT pg_is_in_recovery()", &[])
        .await
        .unwrap();
    row.get(0)
}

/// Writes at the promoted standby as the application does.
async fn writes_at_the_standby(lab: &Lab) {
    let west = session(lab, "pg-west", "app", "app").await;
    let insert =
        "INSERT INTO messages (debate_id, agent, body) VALUES (1, 'ana', 'after the failover')";
    assert_eq!(west.execute(insert, &[]).await.unwrap(), 1);
}

/// Commits go on, and the standby gets no more of them: its sender stands still. Then the postmaster is killed.
async fn loses_the_primary(lab: &Lab) {
    let admin = session(lab, "pg-east", "postgres", "app").await;
    let senders = "SELECT pid FROM pg_stat_replication WHERE state = 'streaming'";
    let pid: i32 = admin.query_one(senders, &[]).await.unwrap().get(0);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    let before = acknowledged(lab).len();
    wait_until("ten commits that the standby does not see", || {
        acknowledged(lab).len() >= before + 10
    });
    lab.cmd(&["kill", "pg-east"]);
}

/// The seconds of `≤ 2.4 s` or `≤ 178 ms` that stand behind `words`.
fn seconds_after(screen: &str, words: &str) -> f64 {
    let at = screen.find(words).unwrap() + words.len();
    let rest = screen[at..].trim_start_matches(['≤', ' ']);
    let mut words = rest.split_whitespace();
    let figure: f64 = words.next().unwrap().parse().unwrap();
    match words.next().unwrap().trim_end_matches(['.', ',']) {
        "ms" => figure / 1_000.0,
        "s" => figure,
        unit => panic!("seconds in {unit}: {rest}"),
    }
}

fn starts(lab: &Lab) -> Operator {
    let operator = Operator::at(lab);
    operator.sees_line(&["✔ us-east-1", "3/3"]);
    operator.sees_line(&["✔ us-west-2", "3/3 ready"]);
    operator.sees_line(&["✔ pg", "in sync"]);
    operator.sees_line(&["✔ redis", "in sync"]);
    operator.sees_line(&["✔ pg-dump"]);
    operator
}

/// Red after the configured number of failed probes, and not before: what the screen shows of it.
fn sees_the_loss(operator: &Operator) {
    operator.sees_line(&["✖ us-east-1"]);
    operator.sees_line(&["✖ pg-east", "refused"]);
    operator.sees("last known");
    operator.sees("promotion now would lose");
}

fn stands(text: &str, all: &[&str]) {
    for words in all {
        assert!(text.contains(words), "{words:?} is not in:\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_waits_for_the_fence_and_loses_no_more_than_it_said() {
    let lab = Lab::up();
    lab.cmd(&["traffic", "start"]);
    let mut operator = starts(&lab);
    wait_until("traffic", || acknowledged(&lab).len() > 5);
    loses_the_primary(&lab).await;
    sees_the_loss(&operator);
    operator.declare("Primary region lost");
    operator.open("regional-failover", 3, None);
    operator.decides();

    // Out of order: a server that does not answer is not a server that is stopped for good.
    operator.go_to(4, "to see it refused");
    operator.asks("Type OVERRIDE:pg-west");
    operator.sees("its start is not");
    operator.answers("FAILOVER");
    operator.sees("✖ type OVERRIDE:pg-west");
    operator.not_now();
    assert!(in_recovery(&lab).await, "nothing was promoted");
    assert!(!operator.journal().contains("\"intent\":"), "nothing ran");

    operator.go_to(3, "fence it first");
    operator.asks("Type pg-east");
    operator.confirms("pg-east", "done");
    operator.comes_to("Promote the standby");
    operator.asks("Type FAILOVER");
    operator.sees("by its host");
    let shown = seconds_after(&operator.console.screen(), "Promoting now loses about");
    operator.confirms("FAILOVER", "done");
    operator.sees_line(&["✔ pg-west", "primary"]);
    assert!(!in_recovery(&lab).await);
    writes_at_the_standby(&lab).await;
    operator.moves_the_traffic();
    operator.mitigates("the public health check says so");

    let report = operator.resolves("West serves, east is fenced");
    stands(
        &report,
        &[
            "| RTO | 1 h 00 m | ",
            "| Users served again | 20",
            "| RPO | 5 m 00 s | loss of pg-west ≤",
            "| Fence the old primary | done | ana |",
            "| Promote the standby | done | ana |",
            "| Wait for the region's own health | done | ana |",
            "| Plan the way back | by hand | ana |",
            "pg-west: promote from timeline 1",
            "pg-west is the primary, on timeline 2 (was 1)",
            "went to #promote: to see it refused",
            "## Overrides\n\nNone.",
            "## Left undone\n\nNothing.",
        ],
    );
    stays_within(&lab, &report, shown).await;
}

/// What was acknowledged and is not at the new primary lies within what was shown, back from the primary's end.
async fn stays_within(lab: &Lab, report: &str, shown: f64) {
    let west = session(lab, "pg-west", "app", "app").await;
    let rows = west.query("SELECT id FROM messages", &[]).await.unwrap();
    let there: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    let stopped = report.split("stopped at ").nth(1).unwrap();
    let stopped = stopped.split(' ').next().unwrap();
    let day = acknowledged(lab)[0].0.date_naive();
    let ended: DateTime<Utc> = format!("{day}T{stopped}Z").parse().unwrap();
    let (before, _after): (Vec<_>, Vec<_>) = acknowledged(lab)
        .into_iter()
        .partition(|(at, _)| *at <= ended);
    let lost: Vec<_> = before
        .iter()
        .filter(|(_, id)| !there.contains(id))
        .collect();
    assert!(lost.len() >= 10, "commits were lost: {lost:?}");
    let (first, _) = lost[0];
    let lost_for = (ended - *first).to_std().unwrap();
    // The figure on the screen is rounded.
    let shown = Duration::from_secs_f64(shown + 0.1);
    assert!(
        lost_for <= shown,
        "{} commits of {lost_for:?} were lost; {shown:?} was shown",
        lost.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_override_needs_phrase_and_reason_and_stands_in_the_report() {
    let lab = Lab::up();
    let mut operator = starts(&lab);
    lab.cmd(&["kill", "pg-east"]);
    sees_the_loss(&operator);
    operator.declare("Primary region lost, its host too");
    operator.open("regional-failover", 3, None);
    operator.decides();
    operator.skip("the host answers to nobody");
    operator.comes_to("Promote the standby");
    operator.asks("Type OVERRIDE:pg-west");
    operator.answers("OVERRIDE:pg-west");
    operator.sees("give a reason of ten characters or more");
    let reason = "power is cut, the provider confirms it by phone";
    operator.console.type_text(reason);
    operator.sees_line(&["Reason:", reason]);
    operator.confirms("", "done");
    assert!(!in_recovery(&lab).await);
    writes_at_the_standby(&lab).await;
    let report = operator.resolves("West serves; nobody knows east");
    let (_, overrides) = report.split_once("## Overrides").unwrap();
    let (overrides, _) = overrides.split_once("\n## ").unwrap();
    stands(
        overrides,
        &["old primary fenced", "its start is not disabled", reason],
    );
    stands(
        &report,
        &[
            "| Fence the old primary | skipped |",
            "*Fence the old primary* was skipped: the host answers to nobody",
            "*Shift the traffic* was not reached",
        ],
    );
}
