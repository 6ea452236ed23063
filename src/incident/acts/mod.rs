//! Every typed act and condition warroom knows, one file a system, always compiled, so that a runbook reads the same
//! wherever it is opened. `systems/` carries them out on what is real, `drill/` on what is not.

pub mod aurora;
pub mod check;
pub mod cnpg;
pub mod files;
mod flow;
pub mod http;
pub mod kube;
pub mod orders;
pub mod postgres;
pub mod rds;
pub mod read;
pub mod redis;
pub mod route53;
mod say;
pub mod secrets;
mod shared;

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::names::{BackupId, RegionId, TargetId};
use super::runbook::Danger;

/// Something warroom does itself, by name: `postgres.promote = { target = "pg-west" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// `postgres.…`
    Postgres(postgres::PgAct),
    /// `redis.…`
    Redis(redis::RedisAct),
    /// `kube.…`
    Kube(kube::KubeAct),
    /// `rds.…`
    Rds(rds::RdsAct),
    /// `route53.…`
    Dns(route53::DnsAct),
    /// `secrets.…`
    Secret(secrets::SecretAct),
    /// `cnpg.…`, `velero.…`, `argocd.…`, `ecs.…`, `elasticache.…`
    Order(orders::Order),
    /// `wait.…`
    Wait(Wait),
    /// `runbook = { file = "restore.md", vars = { .. } }`: its steps are confirmed one by one like any other.
    Runbook(SubRunbook),
}

/// `wait = { for = "30s" }`, `wait = { until = "2026-11-21T14:00:00Z" }`, `wait = { until = { writable = "pg-west" } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// A fixed time, shown as a countdown.
    For(Duration),
    /// An instant.
    Until(DateTime<Utc>),
    /// Until a condition holds, polled; the step's time-out asks the operator.
    UntilHolds(Box<Condition>),
}

/// Another runbook's steps, with variables passed to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubRunbook {
    /// The file's name, beside this runbook or among the built-in ones.
    pub file: String,
    /// Variables it gets.
    pub vars: BTreeMap<String, String>,
}

/// Something that can be found true, false or unknown. Shared words mean the same on every system that has them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// `reachable = "pg-west"`: it answers.
    Reachable {
        /// The target.
        target: TargetId,
    },
    /// `lag = { of = "pg-west", under = "30s" }`, and in bytes with `under_bytes = "64MB"`.
    Lag {
        /// The replica.
        of: TargetId,
        /// The most it may lag, in time.
        under: Duration,
        /// The most it may lag, in bytes.
        under_bytes: Option<u64>,
    },
    /// A condition of PostgreSQL.
    Postgres(postgres::PgCondition),
    /// A condition of Redis.
    Redis(redis::RedisCondition),
    /// A condition of Kubernetes.
    Kube(kube::KubeCondition),
    /// A condition of RDS.
    Rds(rds::RdsCondition),
    /// A condition of DNS records.
    Dns(route53::DnsCondition),
    /// A condition of secrets.
    Secret(secrets::SecretCondition),
    /// `primary_is = { of = "pg", instance = "pg-2" }`
    PrimaryIs(cnpg::PrimaryIs),
    /// `healthy = "api-west"`: an endpoint says so.
    Healthy {
        /// The target.
        target: TargetId,
    },
    /// `value = { of = "error-rate", under = 0.01 }`: the figure of a check.
    Value(check::ValueCondition),
    /// `backup = { of = "pg-dump", younger = "25h", verified = true }`.
    Backup {
        /// Which backup.
        of: BackupId,
        /// The newest complete one is younger than this; the site's rule when absent.
        younger: Option<Duration>,
        /// Its checksum was compared and is right.
        verified: bool,
    },
    /// `region = { healthy = "us-west-2" }`: every component of it is fine.
    Region {
        /// The region.
        healthy: RegionId,
    },
    /// `objective = { rto_left = "10m" }`: at least this much of it is left.
    Objective {
        /// What must be left of the RTO.
        rto_left: Duration,
    },
    /// `sum = { file = "/backups/app.dump", sha256 = "…" }`.
    Sum {
        /// The file.
        file: String,
        /// Its checksum in hexadecimal; absent: what `FILE.sha256` says.
        sha256: Option<String>,
    },
}

impl Act {
    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Act::Postgres(act) => act.texts_mut(),
            Act::Redis(act) => act.texts_mut(),
            Act::Kube(act) => act.texts_mut(),
            Act::Rds(act) => act.texts_mut(),
            Act::Dns(act) => act.texts_mut(),
            Act::Secret(act) => act.texts_mut(),
            Act::Order(order) => order.texts_mut(),
            Act::Wait(Wait::UntilHolds(condition)) => condition.texts_mut(),
            Act::Wait(Wait::For(_) | Wait::Until(_)) => Vec::new(),
            Act::Runbook(sub) => sub.vars.values_mut().collect(),
        }
    }

    /// The act's word as runbooks write it: `postgres.promote`.
    pub fn word(&self) -> String {
        match self {
            Act::Postgres(act) => format!("postgres.{}", act.word()),
            Act::Redis(act) => format!("redis.{}", act.word()),
            Act::Kube(act) => format!("kube.{}", act.word()),
            Act::Rds(act) => format!("rds.{}", act.word()),
            Act::Dns(act) => format!("route53.{}", act.word()),
            Act::Secret(act) => format!("secrets.{}", act.word()),
            Act::Order(order) => format!("{}.{}", order.system.word(), order.word),
            Act::Wait(_) => "wait".into(),
            Act::Runbook(_) => "runbook".into(),
        }
    }

    /// The target it changes, where it has one.
    pub fn target(&self) -> Option<&TargetId> {
        match self {
            Act::Postgres(act) => Some(act.target()),
            Act::Redis(act) => Some(act.target()),
            Act::Kube(act) => Some(act.target()),
            Act::Rds(act) => Some(act.target()),
            Act::Dns(act) => Some(act.target()),
            Act::Secret(act) => Some(act.target()),
            Act::Order(order) => Some(&order.target),
            Act::Wait(_) | Act::Runbook(_) => None,
        }
    }

    /// The least danger of the act; a card can only raise it.
    pub fn least_danger(&self) -> Danger {
        match self {
            Act::Postgres(act) => act.least_danger(),
            Act::Redis(act) => act.least_danger(),
            Act::Kube(act) => act.least_danger(),
            Act::Rds(act) => act.least_danger(),
            Act::Dns(act) => act.least_danger(),
            Act::Secret(act) => act.least_danger(),
            Act::Order(order) => order.least_danger(),
            Act::Wait(_) | Act::Runbook(_) => Danger::None,
        }
    }
}

impl Condition {
    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            Condition::Reachable { target } | Condition::Healthy { target } => vec![&mut target.0],
            Condition::Value(value) => {
                let limits = [value.under.as_mut(), value.over.as_mut()];
                let of = Some(&mut value.of.0);
                [of].into_iter().chain(limits).flatten().collect()
            }
            Condition::Lag { of, .. } => vec![&mut of.0],
            Condition::Postgres(condition) => condition.texts_mut(),
            Condition::Redis(condition) => condition.texts_mut(),
            Condition::Kube(condition) => condition.texts_mut(),
            Condition::Rds(condition) => condition.texts_mut(),
            Condition::Dns(condition) => condition.texts_mut(),
            Condition::Secret(condition) => condition.texts_mut(),
            Condition::PrimaryIs(primary) => vec![&mut primary.of.0, &mut primary.instance],
            Condition::Backup { of, .. } => vec![&mut of.0],
            Condition::Region { healthy } => vec![&mut healthy.0],
            Condition::Objective { .. } => Vec::new(),
            Condition::Sum { file, sha256 } => [Some(file), sha256.as_mut()]
                .into_iter()
                .flatten()
                .collect(),
        }
    }
}
