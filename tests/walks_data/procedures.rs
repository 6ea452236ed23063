//! What people do by a list: checks while all is well, what is told in an incident, what follows it. Their boxes are ticked in the
//! journal, and what is not a box is done for real.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};

use crate::cache::rdb;
use crate::checks::written_down;
use crate::common::through::Walked;
use crate::company::Company;
use crate::metrics::Metrics;
use crate::signatures::signed;
use crate::statuspage::{StatusPage, TOKEN};

/// A folder with an old log file, a young one, and an old file that is no log.
fn logs(company: &Company) -> PathBuf {
    let folder = company.lab.path("logs");
    fs::create_dir_all(folder.join("web")).unwrap();
    let old = SystemTime::now() - Duration::from_secs(40 * 86_400);
    for (name, at) in [
        ("web/access.log.1", old),
        ("web/access.log", SystemTime::now()),
        ("web/notes.txt", old),
    ] {
        fs::write(folder.join(name), name).unwrap();
        let file = File::options().write(true).open(folder.join(name));
        file.unwrap().set_modified(at).unwrap();
    }
    folder
}

/// What the packs of a folder hold, once their sums were compared; by tar and sha256sum.
fn packed(folder: &Path) -> String {
    let script = "sha256sum --check --quiet ./*.sha256; for pack in *.tar.gz; do tar --list --gzip --file=\"$pack\"; done";
    let mut shell = Command::new("bash");
    let shell = shell.args(["-euc", script]).current_dir(folder);
    let done = shell.output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_looked_at_by_day_by_week_and_by_month_is_seen_and_written_down() {
    let metrics = Metrics::up().await;
    let company = Company::up(&metrics.errors("errors"));
    company.installs("warroom", env!("CARGO_BIN_EXE_warroom"));
    let wal = company.lab.path("wal").display().to_string();
    company.adds(&format!(
        "\n[targets.wals]\nsystem = \"files\"\npath = \"{wal}\"\n\n[backups.wal]\nof = \"wals\"\nyounger = \"5m\"\n"
    ));
    rdb(&company);
    let admin = company.admin("pg-east", "app").await;
    admin.execute("SELECT pg_switch_wal()", &[]).await.unwrap();
    let logs = logs(&company);
    let (site, text) = (
        company.lab.path("company.toml").display().to_string(),
        logs.display().to_string(),
    );
    let archive = company.safe.path().display().to_string();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let values = |days| {
        [
            ("SITE_FILE", site.as_str()),
            ("RUNBOOKS", runbooks),
            ("API", "shop"),
            ("DUMP", "pg-dump"),
            ("WAL", "wal"),
            ("CACHE_DUMP", "rdb"),
            ("STANDBY", "pg-west"),
            ("ERRORS", "errors"),
            ("LOGS", &text),
            ("ARCHIVE", &archive),
            ("KEEP_DAYS", days),
        ]
    };
    let dumps = company.lab.path("backups").display().to_string();
    let walker = company.walker("The checks of this Monday");
    let mut walker = walker.gives("restore-dump", &[("DUMPS", &dumps)]);
    let daily = ["due", "health", "backups", "recovery-point", "logs-hold"];

    // Logs that would go too early stay, and it is written down.
    let ways = [("due", "Daily"), ("logs-hold", "go to Write it down")];
    let walked = walker.walks("preventive-checks", &values("10"), &ways);
    went(&walked, &[&daily[..], &["record"]].concat());
    assert!(logs.join("web/access.log.1").exists());

    let walked = walker.walks("preventive-checks", &values("35"), &[("due", "Daily")]);
    went(
        &walked,
        &[&daily[..], &["logs-copy", "logs-remove", "record"]].concat(),
    );
    assert!(packed(company.safe.path()).ends_with("logs/web/access.log.1\n"));
    assert!(!logs.join("web/access.log.1").exists());
    assert!(logs.join("web/access.log").exists() && logs.join("web/notes.txt").exists());

    let walked = walker.walks("preventive-checks", &values("35"), &[("due", "Weekly")]);
    went(&walked, &["due", "restore", "week", "failover", "record"]);
    assert_eq!(
        walked.steps("restore-dump"),
        ["find", "create", "restore", "drop"]
    );

    let walked = walker.walks("preventive-checks", &values("35"), &[("due", "Monthly")]);
    went(
        &walked,
        &["due", "drill", "placeholders", "month", "record"],
    );
}

/// These steps were gone, and signed.
#[track_caller]
fn went(walked: &Walked, way: &[&str]) {
    let mut steps = walked.steps("preventive-checks");
    steps.dedup();
    assert_eq!(steps, way);
    signed(walked, "preventive-checks");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_that_is_over_has_its_data_looked_at_and_its_timeline_kept() {
    let metrics = Metrics::up().await;
    let jobs = metrics.age("jobs", "job_last_success_timestamp_seconds");
    let company = Company::up(&(jobs + &metrics.errors("errors")));
    company.installs("warroom", env!("CARGO_BIN_EXE_warroom"));
    let baseline = written_down(&company.lab).display().to_string();
    let moment = Utc::now() - TimeDelta::hours(1);
    let moment = moment.format("%FT%TZ").to_string();
    let socket = company.https("/socket");
    let walker = company.walker("The database was away");
    let mut walker = walker.gives(
        "data-verification",
        &[
            ("DB", "pg-east"),
            ("BASELINE", &baseline),
            ("TABLE", "messages"),
            ("TIME_COLUMN", "created_at"),
            ("RECOVERED_TO", &moment),
            ("LOGIN", "login"),
            ("API", "shop"),
            ("SOCKET", &socket),
            ("JOBS", "jobs"),
            ("JOB_INTERVAL", "3600"),
        ],
    );
    let site = company.lab.path("company.toml").display().to_string();
    let values = [
        ("SITE_FILE", site.as_str()),
        ("REGION", "us-east-1"),
        ("PUBLIC", "shop"),
        ("ERRORS", "errors"),
        ("DUMP", "pg-dump"),
    ];
    let walked = walker.walks("after-incident", &values, &[]);
    let way = [
        "restored",
        "data",
        "backup",
        "timeline",
        "affected",
        "notify",
        "review",
        "actions",
        "cause",
        "prevention",
        "again",
    ];
    let mut steps = walked.steps("after-incident");
    steps.dedup();
    assert_eq!(steps, way);
    signed(&walked, "after-incident");
    signed(&walked, "data-verification");
    let walk = &walked.incident.walks[0];
    let acts = walk.steps[&"timeline".into()].actions.values();
    let ended = acts.filter_map(|act| act.attempts.last()?.ended.as_ref());
    let printed = ended.map(|ended| fs::read_to_string(walker.folder().join(&ended.evidence)));
    let printed: String = printed.map(Result::unwrap).collect();
    for words in [
        "the chain is whole",
        "The database was away",
        "Verify the data",
    ] {
        assert!(printed.contains(words), "{words} is not in:\n{printed}");
    }
}

const SYMPTOM: &str = "Orders can't be placed, \"checkout\" shows an error.";

#[test]
fn users_are_told_once_kept_informed_and_told_that_it_is_over() {
    let company = Company::up("");
    let page = StatusPage::of(&company);
    let values = [
        ("STATUS_HOST", page.host.as_str()),
        ("STATUS_TOKEN", TOKEN),
        ("SYMPTOM", SYMPTOM),
        ("STARTED", "2026-11-21T14:07:00Z"),
        ("PUBLIC", "shop"),
    ];
    let mut walker = company.walker("Orders fail");
    let ways = [("known", "No"), ("over", "It is over")];
    let walked = walker.walks("communication", &values, &ways);
    let (before, after) = (
        ["declare", "team", "known"],
        ["mail", "update", "over", "all-clear", "report"],
    );
    let published = ["status-page", "status-seen"];
    assert_eq!(
        walked.steps("communication"),
        [&before[..], &published, &after].concat()
    );
    signed(&walked, "communication");
    let incident = page.says(walked.kept("communication", "STATUS_INCIDENT"));
    assert_eq!(incident["status"], "investigating");
    assert_eq!(
        incident["message"],
        format!("{SYMPTOM} Since 2026-11-21T14:07:00Z. We update this page every 30 minutes.")
    );

    // Where somebody was faster nothing is published a second time.
    let ways = [
        ("known", "Yes, somebody was faster"),
        ("over", "It is over"),
    ];
    let walked = walker.walks("communication", &values, &ways);
    assert_eq!(
        walked.steps("communication"),
        [&before[..], &after].concat()
    );
    signed(&walked, "communication");
    assert_eq!(page.says("incident-2")["error"], "no such incident");
    holds_no_secret(&walker.folder());
}

/// The token is in no file of the incident.
fn holds_no_secret(folder: &Path) {
    let mut found = Command::new("grep");
    let found = found
        .args(["-r", "--files-with-matches", TOKEN])
        .arg(folder);
    let found = found.output().unwrap();
    assert_eq!(found.status.code(), Some(1), "{found:?}");
}
