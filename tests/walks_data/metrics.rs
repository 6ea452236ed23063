//! A real Prometheus with an alert on backups, the gateway that it scrapes, and an Alertmanager.

use std::fs;

use chrono::Utc;
use tempfile::TempDir;

use crate::server::{Server, free_port};

/// The alert for a verification that is missing or old.
pub const ALERT: &str = "BackupNotVerified";

const RULES: &str = "groups:
- name: backups
  rules:
  - alert: BackupNotVerified
    expr: absent(backup_verification_timestamp_seconds) or time() - backup_verification_timestamp_seconds > 93600
";

/// A Prometheus that scrapes a gateway, to which jobs, the log aggregator and the service have just written.
pub struct Metrics {
    gateway: u16,
    prometheus: u16,
    _folder: TempDir,
    _servers: [Server; 2],
}

impl Metrics {
    /// A running one.
    pub async fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (gateway, prometheus) = (free_port(), free_port());
        let config = folder.path().join("prometheus.yml");
        let scrape = format!(
            "global:\n  evaluation_interval: 1s\nrule_files: [rules.yml]\nscrape_configs:\n- job_name: gateway\n  scrape_interval: 1s\n  \
             honor_labels: true\n  static_configs:\n  - targets: ['127.0.0.1:{gateway}']\n"
        );
        fs::write(&config, scrape).unwrap();
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
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
            "job_last_success_timestamp_seconds {now}\nlog_newest_line_timestamp_seconds {now}\nrequest_errors_share 0.001\n"
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
            gateway,
            prometheus,
            _folder: folder,
            _servers: servers,
        }
    }

    /// The address of Prometheus.
    pub fn prometheus(&self) -> String {
        format!("http://127.0.0.1:{}", self.prometheus)
    }

    /// The gateway's address for the metrics of a job.
    pub fn gateway(&self, job: &str) -> String {
        format!("http://127.0.0.1:{}/metrics/job/{job}", self.gateway)
    }

    /// A metric as the gateway has it now.
    pub async fn pushed(&self, metric: &str) -> Option<f64> {
        let url = format!("http://127.0.0.1:{}/metrics", self.gateway);
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        let mut lines = text.lines();
        let line = lines.find(|line| line.starts_with(&format!("{metric}{{")))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    /// A target of a site file: the seconds since the moment that a metric tells.
    pub fn age(&self, id: &str, metric: &str) -> String {
        self.target(id, &format!("time() - {metric}"), "> 86400")
    }

    /// A target of a site file: the share of requests that fail.
    pub fn errors(&self, id: &str) -> String {
        self.target(id, "request_errors_share", "> 0.01")
    }

    fn target(&self, id: &str, query: &str, breach: &str) -> String {
        let url = self.prometheus();
        format!(
            "\n[targets.{id}]\nsystem = \"prometheus\"\nurl = \"{url}\"\nquery = \"{query}\"\nbreach = \"{breach}\"\ninterval = \"1s\"\n"
        )
    }
}

/// An Alertmanager without an alert.
pub struct Alerts {
    port: u16,
    _folder: TempDir,
    _server: Server,
}

impl Alerts {
    /// A running one.
    pub fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("alertmanager.yml");
        fs::write(
            &config,
            "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n",
        )
        .unwrap();
        let port = free_port();
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.path={}", folder.path().join("data").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
            // It has no others to talk to.
            "--cluster.listen-address=".to_owned(),
        ];
        let server = Server::start("prometheus-alertmanager", &args, port);
        Self {
            port,
            _folder: folder,
            _server: server,
        }
    }

    /// A target of a site file.
    pub fn target(&self, id: &str) -> String {
        format!(
            "\n[targets.{id}]\nsystem = \"alertmanager\"\nurl = \"http://127.0.0.1:{}\"\ninterval = \"1s\"\n",
            self.port
        )
    }
}
