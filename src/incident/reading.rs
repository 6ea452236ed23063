//! What a probe brings back: a sight of one target, or the failure to see it.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::acts::aurora::AuroraSight;
use super::acts::check::CheckSight;
use super::acts::cnpg::CnpgSight;
use super::acts::files::FilesSight;
use super::acts::http::HttpSight;
use super::acts::kube::KubeSight;
use super::acts::postgres::PgSight;
use super::acts::rds::RdsSight;
use super::acts::redis::{RedisSight, SentinelSight};
use super::acts::route53::DnsSight;
use super::acts::secrets::SecretSight;
use super::clean::Clean;
use super::names::TargetId;
use super::now::Now;

/// What is kept of a reading that could not be made (`capture`).
pub const UNKNOWN: &str = "unknown";

/// What one probe of one target saw, before the watch loop stamps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The target that was looked at.
    pub target: TargetId,
    /// What was seen. A time-out is a failure here, never a gap.
    pub value: Result<Sight, Failure>,
    /// What the target's host or provider says of it, asked when the target itself does not answer.
    pub host: Option<HostWord>,
    /// How long the probe took.
    pub took: Duration,
}

/// An observation with its instant (the probe's start, so that an age is never too young).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// When the probe began.
    pub at: Now,
    /// What was seen, or why nothing was.
    pub value: Result<Sight, Failure>,
    /// See [`Observation::host`].
    pub host: Option<HostWord>,
}

/// A target as one probe saw it. Each system's own type stands in its file under `acts/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "system", rename_all = "snake_case")]
pub enum Sight {
    /// A PostgreSQL server.
    Postgres(PgSight),
    /// A Redis server.
    Redis(RedisSight),
    /// A Redis master as its Sentinels see it.
    Sentinel(SentinelSight),
    /// An HTTP endpoint.
    Http(HttpSight),
    /// Backups, in a folder or wherever else they are kept.
    Files(FilesSight),
    /// A workload or a cluster.
    Kube(KubeSight),
    /// An RDS instance.
    Rds(RdsSight),
    /// A DNS record.
    Dns(DnsSight),
    /// A secret, without what it says.
    Secret(SecretSight),
    /// Something that is only looked at.
    Check(CheckSight),
    /// A CloudNativePG cluster.
    Cnpg(CnpgSight),
    /// An Aurora global database.
    Aurora(AuroraSight),
}

/// The word of a host, an orchestrator or a provider about a server: the only proof that a silent one is really stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostWord {
    /// The server is stopped, and nothing will start it again.
    pub fenced: bool,
    /// When it stopped, where the host can tell.
    pub stopped_at: Option<DateTime<Utc>>,
    /// The host's own words.
    pub said: Clean,
}

/// Why something could not be seen or done. Its `Display` is one line: what was tried, on what, what happened, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", self.sentence())]
pub struct Failure {
    /// The class of the failure, for decisions; people read the sentence.
    pub kind: FailureKind,
    /// On what: the target and its endpoint, `pg-west (db-west:5432)`.
    pub on: String,
    /// What was tried and what happened: `connect: no route to host`.
    pub what: Clean,
    /// What to do about it; empty when there is nothing to add.
    pub advice: String,
}

impl Failure {
    /// A failure of `kind` on `on`; `what` may come from another system and is cleaned.
    pub fn new(
        kind: FailureKind,
        on: impl fmt::Display,
        what: impl AsRef<str>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            on: on.to_string(),
            what: Clean::new(what.as_ref()),
            advice: advice.into(),
        }
    }

    fn sentence(&self) -> String {
        match self.advice.as_str() {
            "" => format!("{}: {}", self.on, self.what),
            advice => format!("{}: {} — {advice}", self.on, self.what),
        }
    }
}

/// Classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nothing listens there.
    Refused,
    /// No answer within the time-out: may be slow, frozen or cut off.
    TimedOut,
    /// The name does not resolve or no route leads there.
    Unreachable,
    /// It answered, and does not let us in.
    Denied,
    /// TLS could not be agreed on.
    Tls,
    /// It answered, but is too old or of the wrong kind for what was asked.
    Unsupported,
    /// It answered that what was asked for is not there.
    Missing,
    /// It answered that it is asked too much: a control plane counts requests.
    Busy,
    /// Its answer makes no sense here.
    BadAnswer,
    /// Something of this machine failed: a file, a process, a descriptor.
    Local,
}

/// What a condition's evaluation says, with what it saw: a verdict without its evidence is worth nothing in a post-mortem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether the condition holds.
    pub holds: Holds,
    /// What was seen, in words that fit one line: `lag of pg-west 12.4 s < 30 s`.
    pub saw: Clean,
    /// A figure to compare two evaluations by (milliseconds, bytes, count): a worse one voids an override. Higher is worse.
    pub badness: Option<u64>,
}

/// The three answers. Unknown never counts as yes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// It was measured, and it holds.
    Yes,
    /// It was measured, and it does not hold.
    No,
    /// It could not be measured.
    Unknown,
}

impl Verdict {
    /// A verdict that holds or not by `truth`.
    pub fn measured(truth: bool, saw: impl AsRef<str>) -> Self {
        let holds = if truth { Holds::Yes } else { Holds::No };
        Self {
            holds,
            saw: Clean::new(saw.as_ref()),
            badness: None,
        }
    }

    /// A verdict that could not be reached, and why.
    pub fn unknown(why: impl AsRef<str>) -> Self {
        Self {
            holds: Holds::Unknown,
            saw: Clean::new(why.as_ref()),
            badness: None,
        }
    }

    /// The same verdict with a figure by which a later one can be called worse.
    pub fn with_badness(self, badness: u64) -> Self {
        Self {
            badness: Some(badness),
            ..self
        }
    }
}

/// How an act ended. A lost answer is `Unknown`: it may be in flight still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It happened, and that was seen.
    Done {
        /// One line about what was done.
        said: Clean,
    },
    /// It did not happen, or it happened and failed.
    Failed {
        /// Why.
        failure: Failure,
        /// The exit status, where a program was run.
        exit: Option<i32>,
    },
    /// It was started and nobody can say how it ended.
    Unknown {
        /// Why not.
        failure: Failure,
    },
    /// Its last check or guard went red: it never ran.
    Refused {
        /// The verdicts that refused it.
        verdicts: Vec<Verdict>,
    },
}
