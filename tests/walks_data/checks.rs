//! What is looked at after a recovery and after a failover, before anybody says that it is over.

use std::fs;
use std::path::PathBuf;

use crate::common::cache::redis;
use crate::common::lab::Lab;
use crate::company::Company;
use crate::metrics::Metrics;
use chrono::{TimeDelta, Utc};

/// The counts that were written down with the newest dump.
pub fn written_down(lab: &Lab) -> PathBuf {
    let files = fs::read_dir(lab.path("backups")).unwrap();
    let counts = files.map(|file| file.unwrap().path());
    let counts = counts.filter(|path| path.to_string_lossy().ends_with(".counts.json"));
    counts.max().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_that_were_recovered_answer_six_questions() {
    let metrics = Metrics::up().await;
    let company = Company::up(&metrics.age("jobs", "job_last_success_timestamp_seconds"));
    let baseline = written_down(&company.lab).display().to_string();
    let moment = (Utc::now() - TimeDelta::hours(1))
        .format("%FT%TZ")
        .to_string();
    let socket = company.https("/socket");
    let values = [
        ("DB", "pg-east"),
        ("BASELINE", baseline.as_str()),
        ("TABLE", "messages"),
        ("TIME_COLUMN", "created_at"),
        ("RECOVERED_TO", &moment),
        ("LOGIN", "login"),
        ("API", "shop"),
        ("SOCKET", &socket),
        ("JOBS", "jobs"),
        ("JOB_INTERVAL", "3600"),
    ];
    let walked =
        company
            .walker("The database was restored")
            .walks("data-verification", &values, &[]);
    let way = ["counts", "recent", "login", "api", "socket", "jobs", "said"];
    assert_eq!(walked.steps("data-verification"), way);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_is_tried_and_not_believed() {
    let metrics = Metrics::up().await;
    let more = metrics.age("samples", "timestamp(job_last_success_timestamp_seconds)");
    let company = Company::up(&(more + &metrics.age("lines", "log_newest_line_timestamp_seconds")));
    company.lab.cmd(&["fence", "pg-east"]);
    let west = company.admin("pg-west", "app").await;
    west.execute("SELECT pg_promote()", &[]).await.unwrap();
    let socket = company.https("/socket");
    let values = [
        ("API", "api-west"),
        ("PUBLIC", "shop"),
        ("DB", "pg-west"),
        ("OLD_DB", "pg-east"),
        ("CACHE", "redis-east"),
        ("LOGIN", "login"),
        ("SOCKET", socket.as_str()),
        ("RECORD", "none"),
        ("SAMPLE_AGE", "samples"),
        ("LOG_AGE", "lines"),
    ];
    let ways = [("checkers", "skip")];
    let walked = company
        .walker("West serves")
        .walks("failover-verification", &values, &ways);
    let way = [
        "api", "checkers", "database", "cache", "login", "create", "read", "socket", "limits",
        "metrics", "logs", "said",
    ];
    assert_eq!(walked.steps("failover-verification"), way);
    // A key that goes by itself after a minute may have gone; that it was set stays in the server's statistics.
    let told = redis(&company.lab, "redis-east", &["INFO", "commandstats"]);
    let told: String = redis::from_redis_value(told).unwrap();
    assert!(told.contains("cmdstat_set:"), "{told}");
}
