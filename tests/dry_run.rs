//! A dry run of each built-in runbook on the lab: every check evaluated, every act resolved, and nothing changed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::cache::master_port;
use common::lab::Lab;
use common::pg::session;
use common::run::warroom;
use serde_json::Value;

/// What a runbook's acts would change, as the servers and the disk tell it themselves.
#[derive(Debug, PartialEq)]
struct Standing {
    east: Vec<String>,
    west: Vec<String>,
    databases: Vec<String>,
    settings: Vec<String>,
    files: BTreeSet<String>,
    master: u16,
}

async fn standing(lab: &Lab) -> Standing {
    // An idle server writes no commits of its own: the rows and the schema are told by their counters.
    let pair =
        "SELECT pg_is_in_recovery()::text || ' ' || timeline_id::text FROM pg_control_checkpoint()";
    let databases = "SELECT datname || ' ' || datconnlimit FROM pg_database ORDER BY 1";
    let settings = "SELECT name || ' ' || setting FROM pg_settings \
                    WHERE name IN ('default_transaction_read_only', 'primary_conninfo') ORDER BY 1";
    let rows = "SELECT relname || ' ' || n_tup_ins || ' ' || n_tup_upd || ' ' || n_tup_del \
                FROM pg_stat_user_tables ORDER BY 1";
    Standing {
        east: [
            texts(lab, "pg-east", pair).await,
            texts(lab, "pg-east", rows).await,
        ]
        .concat(),
        west: texts(lab, "pg-west", pair).await,
        databases: texts(lab, "pg-east", databases).await,
        settings: texts(lab, "pg-east", settings).await,
        files: files(&lab.path("backups")),
        master: master_port(lab),
    }
}

async fn texts(lab: &Lab, server: &str, asked: &str) -> Vec<String> {
    let client = session(lab, server, "postgres", "app").await;
    let rows = client.query(asked, &[]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

fn files(dir: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(dir).unwrap();
    let entry = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let seen = entry.metadata().unwrap();
        format!(
            "{:?} {} {:?}",
            entry.file_name(),
            seen.len(),
            seen.modified()
        )
    };
    entries.map(entry).collect()
}

/// What is not known of a later step before the earlier ones have run: the dump they find.
const NOT_YET: &str = "is not known before an earlier step has run";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_tells_everything_and_changes_nothing() {
    let lab = Lab::up();
    let dumps = format!("DUMPS={}", lab.path("backups").display());
    let table: [(&str, &[&str], usize, usize); 3] = [
        ("regional-failover", &[], 11, 4),
        ("redis-sentinel-failover", &[], 5, 2),
        ("restore-dump", &["--var", &dumps], 4, 5),
    ];
    for (runbook, vars, steps, acts) in table {
        let before = standing(&lab).await;
        let words = [&["runbook", "dry-run", runbook, "--json"], vars].concat();
        let run = warroom(&lab, &words);
        assert_eq!(run.code, 0, "{runbook}: {run:?}");
        let told: Value = serde_json::from_str(&run.out).unwrap();
        let told = told["steps"].as_array().unwrap();
        assert_eq!(told.len(), steps, "{runbook}");
        let resolved: usize = told.iter().map(|step| list(step, "acts").len()).sum();
        assert_eq!(resolved, acts, "{runbook}: {told:#?}");
        for step in told {
            for verdict in list(step, "verdicts") {
                let known = verdict["holds"] != "unknown" || verdict.to_string().contains(NOT_YET);
                assert!(known, "{runbook}: {verdict:#}");
            }
        }
        assert_eq!(standing(&lab).await, before, "{runbook}");
        assert!(!lab.path("state").exists(), "{runbook} wrote a state");
    }
}

fn list<'a>(step: &'a Value, name: &str) -> &'a [Value] {
    step[name].as_array().map_or(&[], Vec::as_slice)
}
