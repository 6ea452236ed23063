//! The other two built-in runbooks, walked at the real console to their ends: a Redis failover by Sentinel, and the restore of
//! the newest dump into a scratch database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use common::cache::{master_port, redis};
use common::lab::Lab;
use common::pg::session;
use common::walk::Operator;
use redis::Value;

#[test]
fn the_sentinels_make_the_replica_the_master() {
    let lab = Lab::up();
    assert_eq!(master_port(&lab), lab.port("redis-east"));
    let mut operator = Operator::at(&lab);
    operator.sees_line(&["✔ redis", "in sync"]);
    operator.declare("The cache's master has to go");
    operator.open("redis-sentinel-failover", 3, None);
    operator.comes_to("Verify the replica");
    operator.look();
    operator.tick("they did not");
    operator.comes_to("Fail over");
    operator.asks("Type FAILOVER");
    operator.confirms("FAILOVER", "done");
    assert_eq!(master_port(&lab), lab.port("redis-west"));
    operator.comes_to("Prove that the new master takes writes");
    operator.asks("enter runs it");
    operator.confirms("", "done");
    let written = redis(&lab, "redis-west", &["GET", "warroom:failover-test"]);
    assert_eq!(written, Value::BulkString(b"1".to_vec()));
    operator.comes_to("See to the old master");
    operator.tick("it follows");
    operator.tick("nothing does");
    operator.comes_to("Watch the clients");
    operator.tick("they did");
    operator.tick("they are");
    operator.ends_the_walk();
    let report = operator.resolves("The replica is the master");
    for words in [
        "| Fail over | done | ana |",
        "| Prove that the new master takes writes | done | ana |",
        "## Overrides\n\nNone.",
    ] {
        assert!(report.contains(words), "{words:?} is not in:\n{report}");
    }
}

/// The rows of each table when the newest dump was taken.
fn counted(lab: &Lab) -> BTreeMap<String, i64> {
    let files = fs::read_dir(lab.path("backups")).unwrap();
    let newest: PathBuf = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(".counts.json"))
        .max()
        .unwrap();
    serde_json::from_str(&fs::read_to_string(newest).unwrap()).unwrap()
}

/// Rows of the restored database; the session that counts has ended, for nobody but a superuser could end it.
async fn restored(lab: &Lab, table: &str) -> i64 {
    let scratch = session(lab, "pg-east", "postgres", "warroom_scratch").await;
    let asked = format!("SELECT count(*) FROM {table}");
    let rows = scratch.query_one(&asked, &[]).await.unwrap().get(0);
    drop(scratch);
    let east = session(lab, "pg-east", "postgres", "app").await;
    let open = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'warroom_scratch'";
    for _ in 0..500 {
        let sessions: i64 = east.query_one(open, &[]).await.unwrap().get(0);
        if sessions == 0 {
            return rows;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the session in warroom_scratch does not end")
}

async fn has_scratch(lab: &Lab) -> bool {
    let east = session(lab, "pg-east", "postgres", "app").await;
    let asked = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'warroom_scratch')";
    east.query_one(asked, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_dump_is_restored_counted_and_dropped() {
    let lab = Lab::up();
    let mut operator = Operator::at(&lab);
    operator.sees_line(&["✔ pg-dump"]);
    operator.declare("Are the dumps good?");
    let folder = lab.path("backups").display().to_string();
    operator.open("restore-dump", 3, Some((2, &folder)));
    operator.comes_to("Find the newest dump");
    for _ in ["the dump", "its counts"] {
        operator.asks("enter runs it");
        operator.confirms("", "done");
    }
    operator.comes_to("Create the scratch database");
    operator.asks("enter runs it");
    operator.confirms("", "done");
    assert!(has_scratch(&lab).await);
    operator.comes_to("Restore");
    operator.asks("enter runs it");
    operator.confirms("", "done");
    let wanted = counted(&lab);
    assert!(wanted.values().sum::<i64>() > 1_000, "{wanted:?}");
    for (table, rows) in &wanted {
        assert_eq!(restored(&lab, table).await, *rows, "{table}");
    }
    operator.comes_to("Drop the scratch database");
    operator.asks("Type warroom_scratch");
    operator.confirms("warroom_scratch", "done");
    assert!(!has_scratch(&lab).await);
    operator.ends_the_walk();
    let report = operator.resolves("The newest dump can be restored");
    for words in [
        "| Restore | done | ana |",
        "| Drop the scratch database | done | ana |",
    ] {
        assert!(report.contains(words), "{words:?} is not in:\n{report}");
    }
}
