//! What holds where the site file says nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::names::SeverityId;
use super::super::runbook::System;
use super::super::site::{Objectives, Rung, RungFrom, Severity, Site};
use super::{digest, ladder};

/// How often a target is looked at.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// How long a probe may take; ten intervals when those are shorter.
pub const TIMEOUT: Duration = Duration::from_secs(2);

/// How often a target is looked at, and how long that may take.
pub struct Pace {
    /// Between two probes.
    pub interval: Duration,
    /// For one probe.
    pub timeout: Duration,
}

/// The pace of a system. Control planes are asked less often, for they count requests and refuse those that are too many,
/// and may take longer: a login may come first.
pub fn pace(system: Option<System>) -> Pace {
    use System as S;
    let seconds = Duration::from_secs;
    let (interval, timeout) = match system {
        Some(
            S::Rds | S::Route53 | S::Secrets | S::Ecs | S::Elasticache | S::Aurora | S::Cloudwatch,
        ) => (seconds(15), seconds(10)),
        Some(S::Kubernetes | S::Command | S::Docker | S::Cnpg | S::Argocd) => {
            (INTERVAL, seconds(10))
        }
        // Certificates, names and backups change within hours.
        Some(
            S::Tls
            | S::Dns
            | S::Pgbackrest
            | S::Barman
            | S::Git
            | S::Metrics
            | S::Velero
            | S::S3
            | S::Ecr,
        ) => (seconds(60), seconds(10)),
        _ => (INTERVAL, TIMEOUT),
    };
    Pace { interval, timeout }
}

/// Failures in a row that make a target red: one may be a lost packet.
pub const FAILURES: u32 = 3;
/// PgBouncer's port.
pub const PGBOUNCER_PORT: u16 = 6432;
/// PostgreSQL's port.
pub const PG_PORT: u16 = 5432;
/// The database every PostgreSQL server has.
pub const PG_DBNAME: &str = "postgres";
/// Redis' port.
pub const REDIS_PORT: u16 = 6379;
/// The Sentinels' port.
pub const SENTINEL_PORT: u16 = 26379;
/// HTTPS' port.
pub const HTTPS_PORT: u16 = 443;
/// A certificate that expires within this is watched.
pub const EXPIRY_WATCH: Duration = Duration::from_secs(30 * 86_400);
/// A certificate that expires within this is wrong: whoever renews it needs days.
pub const EXPIRY_BREACH: Duration = Duration::from_secs(7 * 86_400);
/// The Docker engine's socket.
pub const DOCKER_SOCKET: &str = "/var/run/docker.sock";
/// The metric that backup jobs expose.
pub const BACKUP_METRIC: &str = "backup_last_success_timestamp_seconds";
/// The status that means health.
pub const HTTP_STATUS: u16 = 200;
/// Which files of a folder are backups.
pub const PATTERN: &str = "*";
/// Percent by which a backup's size may differ from the last week's mean.
pub const SIZE_CHANGE: u32 = 30;
/// What an incident may be about.
pub const CATEGORIES: [&str; 3] = ["availability", "data", "security"];
/// The theme and the keymap.
pub const LOOK: &str = "default";

const MINUTE: Duration = Duration::from_secs(60);

/// SEV-1 to SEV-4 with their response times, the worst first.
pub fn severities() -> Vec<Severity> {
    let table = [
        (
            "SEV-1",
            "Critical: complete outage or risk of data loss",
            15,
        ),
        ("SEV-2", "High: major functionality impaired", 30),
        ("SEV-3", "Medium: partial degradation", 2 * 60),
        ("SEV-4", "Low: minor issues", 24 * 60),
    ];
    let severity = |(id, title, minutes): (&str, &str, u32)| Severity {
        id: id.into(),
        title: title.to_owned(),
        response: Some(MINUTE * minutes),
        rto: None,
    };
    table.into_iter().map(severity).collect()
}

/// The ladder of a site that gives none, on its own severities: what is asked for SEV-1 holds for its worst, what is
/// asked for SEV-1 and SEV-2 for its two worst.
pub fn ladder(severities: &[Severity]) -> Vec<Rung> {
    use RungFrom::{Declaration, Detection};
    const ALL: usize = 0;
    let page = Some("status page");
    let table = [
        (0, Detection, ALL, "On-call engineer", "alert", None, None),
        (
            5,
            Detection,
            ALL,
            "On-call engineer",
            "acknowledge and triage",
            None,
            None,
        ),
        (10, Detection, 2, "Incident commander", "assign", None, None),
        (15, Declaration, 2, "Engineering lead", "notify", None, None),
        (30, Declaration, 1, "Executive team", "notify", None, None),
        (
            30,
            Declaration,
            ALL,
            "All customers",
            "status page updated",
            page,
            None,
        ),
        (
            60,
            Declaration,
            ALL,
            "All customers",
            "regular status update",
            page,
            Some(30),
        ),
    ];
    let worst = |count: usize| -> Vec<SeverityId> {
        severities
            .iter()
            .take(count)
            .map(|severity| severity.id.clone())
            .collect()
    };
    table
        .into_iter()
        .map(|(after, from, count, who, what, channel, every)| Rung {
            key: ladder::key(who, MINUTE * after),
            after: MINUTE * after,
            from,
            severities: worst(count),
            categories: Vec::new(),
            who: who.to_owned(),
            what: what.to_owned(),
            channel: channel.map(str::to_owned),
            every: every.map(|minutes| MINUTE * minutes),
        })
        .collect()
}

/// The categories of a site that gives none.
pub fn categories() -> Vec<String> {
    CATEGORIES.map(str::to_owned).to_vec()
}

impl Site {
    /// No site: nothing to look at, the default severities and ladder to work with.
    pub fn empty() -> Self {
        let severities = severities();
        Site {
            name: "no site".to_owned(),
            digest: digest(b""),
            regions: Vec::new(),
            targets: Vec::new(),
            links: Vec::new(),
            backups: Vec::new(),
            drills: Vec::new(),
            objectives: Objectives {
                rto: None,
                rpo: None,
            },
            ladder: ladder(&severities),
            severities,
            categories: categories(),
            contacts: Vec::new(),
            theme: LOOK.to_owned(),
            keymap: LOOK.to_owned(),
            state_dir: None,
            runbooks: None,
            vars: BTreeMap::new(),
        }
    }
}
