//! The replication pane of the real console: an idle primary is not lag; a paused replay says so; a standby that gets
//! nothing any more falls behind in seconds and in bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::thread;
use std::time::{Duration, Instant};

use common::lab::Lab;
use common::pg::session;
use common::pty::PATIENCE;
use common::run::warroom;
use common::walk::Operator;
use serde_json::Value;

/// How long the primary is left idle: long enough for every figure that takes silence for lag.
const IDLE: Duration = Duration::from_secs(60);

/// The link's row of `warroom status --json`.
fn link(lab: &Lab) -> Value {
    let ran = warroom(lab, &["status", "--json"]);
    let told: Value = serde_json::from_str(&ran.out).unwrap();
    let vitals = told["vitals"].as_array().unwrap().iter();
    let mut links = vitals.filter(|row| row["kind"] == "link" && row["name"] == "pg");
    links.next().unwrap().clone()
}

#[test]
fn an_idle_primary_is_not_lag() {
    let lab = Lab::up();
    let operator = Operator::at(&lab);
    operator.sees_line(&["✔ pg", "in sync"]);
    let end = Instant::now() + IDLE;
    while Instant::now() < end {
        let screen = operator.console.screen();
        assert!(!screen.contains("✖ pg "), "silence is no lag:\n{screen}");
        thread::sleep(Duration::from_millis(500));
    }
    // Not a moment in which a busy machine answered late: what is shown settles at this.
    operator.sees_line(&["✔ pg", "in sync", "0 B"]);
    let link = link(&lab);
    assert_eq!(link["standing"], "fine", "{link}");
    assert!(link["words"].to_string().contains("0 B"), "{link}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_replay_says_so_and_a_cut_off_standby_falls_behind() {
    let lab = Lab::up();
    lab.cmd(&["traffic", "start"]);
    let operator = Operator::at(&lab);
    operator.sees_line(&["✔ pg", "in sync"]);
    let west = session(&lab, "pg-west", "postgres", "app").await;
    west.execute("SELECT pg_wal_replay_pause()", &[])
        .await
        .unwrap();
    operator.sees("replay paused");
    let paused = link(&lab);
    assert_ne!(paused["standing"], "fine", "{paused}");
    assert!(paused["words"].to_string().contains("paused"), "{paused}");
    west.execute("SELECT pg_wal_replay_resume()", &[])
        .await
        .unwrap();
    operator.sees_line(&["✔ pg", "in sync"]);

    let asked = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walreceiver'";
    let pid: i32 = west.query_one(asked, &[]).await.unwrap().get(0);
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    // Over the target of five seconds, and with figures: never "in sync" behind a receiver that stands still.
    let behind = |screen: &str| {
        let mut lines = screen.lines().filter(|line| line.contains(" pg "));
        lines.any(|line| !line.contains("✔ pg ") && line.contains(" s ") && line.contains("kB"))
    };
    operator
        .console
        .wait("pg behind in seconds and bytes", PATIENCE, behind);
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    operator.sees_line(&["✔ pg", "in sync"]);
}
