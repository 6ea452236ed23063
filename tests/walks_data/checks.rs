//! What is looked at after a recovery and after a failover, before anybody says that it is over.

use std::fs;
use std::path::PathBuf;

use crate::common::cache::redis;
use crate::common::lab::Lab;
use crate::company::Company;
use crate::server::{Server, free_port};
use chrono::{TimeDelta, Utc};

/// A Prometheus that scrapes itself and a gateway, to which jobs and the log aggregator have just written.
struct Metrics {
    prometheus: u16,
    _folder: tempfile::TempDir,
    _servers: [Server; 2],
}

impl Metrics {
    async fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, prometheus) = (free_port(), free_port());
        let config = folder.path().join("prometheus.yml");
        let scrape = format!(
            "scrape_configs:\n- job_name: gateway\n  scrape_interval: 1s\n  honor_labels: true\n  static_configs:\n  - targets: ['127.0.0.1:{gateway}']\n"
        );
        fs::write(&config, scrape).unwrap();
        let args = [
            format!("--config.file={}", config.display()),
            format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ),
            format!("--web.listen-address=127.0.0.1:{prometheus}"),
        ];
        let servers = [
            Server::start(
                "prometheus-pushgateway",
                &[format!("--web.listen-address=127.0.0.1:{gateway}")],
                gateway,
            ),
            Server::start("prometheus", &args, prometheus),
        ];
        let now = Utc::now().timestamp();
        let text = format!(
            "job_last_success_timestamp_seconds {now}\nlog_newest_line_timestamp_seconds {now}\n"
        );
        let url = format!("http://127.0.0.1:{gateway}/metrics/job/nightly");
        let pushed = reqwest::Client::new()
            .post(url)
            .body(text)
            .send()
            .await
            .unwrap();
        pushed.error_for_status().unwrap();
        Self {
            prometheus,
            _folder: folder,
            _servers: servers,
        }
    }

    /// A target of a site file: the seconds since the moment that a metric tells.
    fn age(&self, id: &str, metric: &str) -> String {
        let port = self.prometheus;
        format!(
            "\n[targets.{id}]\nsystem = \"prometheus\"\nurl = \"http://127.0.0.1:{port}\"\nquery = \"time() - {metric}\"\nbreach = \"> 86400\"\ninterval = \"1s\"\n"
        )
    }
}

/// The counts that were written down with the newest dump.
fn written_down(lab: &Lab) -> PathBuf {
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
