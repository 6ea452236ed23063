//! PostgreSQL: what a probe sees of a server, what can be done to it, what can be asked of it.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::measure::Lsn;
use super::super::names::TargetId;
use super::super::runbook::Danger;

/// A server as one probe saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PgSight {
    /// `pg_control_system().system_identifier`: two servers of one cluster share it.
    pub system_id: u64,
    /// The timeline it writes or replays, from the name of its current WAL file (the control file lags after a promotion).
    pub timeline: u32,
    /// `server_version_num`: 150018.
    pub version: u32,
    /// The server's clock when it was asked.
    pub clock: DateTime<Utc>,
    /// `default_transaction_read_only` of a fresh session: a soft fence.
    pub default_read_only: bool,
    /// The heartbeat row as this server has it, where the site names one.
    pub heartbeat: Option<DateTime<Utc>>,
    /// Primary or standby.
    pub role: PgRole,
}

/// What a server is at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum PgRole {
    /// `pg_is_in_recovery()` is false.
    Primary(PgPrimary),
    /// `pg_is_in_recovery()` is true.
    Standby(PgStandby),
}

/// The primary's side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PgPrimary {
    /// `pg_current_wal_lsn()`.
    pub lsn: Lsn,
    /// Replicas it streams to; `pg_receivewal` and `pg_basebackup` are left out.
    pub replicas: Vec<PgReplica>,
    /// A base backup is running.
    pub backup_running: bool,
    /// `pg_stat_archiver`: when the last WAL file was archived, and whether the newest attempt failed.
    pub archived_at: Option<DateTime<Utc>>,
    /// The newest attempt to archive failed.
    pub archive_failing: bool,
}

/// One row of `pg_stat_replication`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PgReplica {
    /// `application_name`.
    pub name: String,
    /// `streaming`, `catchup`, …
    pub state: String,
    /// `replay_lsn`.
    pub replay: Option<Lsn>,
    /// Age of `reply_time`: a reply older than `wal_receiver_status_interval` means the row is stale.
    pub reply_age: Option<Duration>,
}

/// The standby's side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PgStandby {
    /// `pg_last_wal_receive_lsn()`.
    pub receive: Option<Lsn>,
    /// `pg_last_wal_replay_lsn()`.
    pub replay: Option<Lsn>,
    /// `pg_is_wal_replay_paused()`.
    pub replay_paused: bool,
    /// `pg_last_xact_replay_timestamp()`: commit time of the last transaction replayed.
    pub last_commit: Option<DateTime<Utc>>,
    /// The WAL receiver runs (`pg_stat_wal_receiver` has a row that streams).
    pub receiving: bool,
    /// Age of `last_msg_receipt_time`: how long nothing came from the primary.
    pub last_message_age: Option<Duration>,
    /// `latest_end_lsn`: the last position the primary told of.
    pub told: Option<Lsn>,
}

/// What can be done to a server. Every one names its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PgAct {
    /// Makes a standby the primary; guarded (see `guards`), one-way.
    Promote {
        /// The standby.
        target: TargetId,
    },
    /// Keeps a server from taking writes: hard by its host, else soft (read-only default, sessions ended).
    Fence {
        /// The server, as a rule the old primary.
        target: TargetId,
    },
    /// Takes a fence away.
    Unfence {
        /// The server.
        target: TargetId,
    },
    /// Ends sessions of other users, optionally of one database or role.
    Terminate {
        /// The server.
        target: TargetId,
        /// Only sessions on this database.
        database: Option<String>,
        /// Only sessions of this role.
        role: Option<String>,
    },
    /// Takes CONNECT from everybody but superusers on a database: writers stay out.
    RevokeWrites {
        /// The server.
        target: TargetId,
        /// The database.
        database: String,
        /// The role that writes.
        role: String,
    },
    /// Gives back what `revoke_writes` took.
    GrantWrites {
        /// The server.
        target: TargetId,
        /// The database.
        database: String,
        /// The role that writes.
        role: String,
    },
    /// `REINDEX (CONCURRENTLY)` of a table or an index.
    Reindex {
        /// The server.
        target: TargetId,
        /// Table, schema-qualified where needed.
        table: String,
    },
    /// `CHECKPOINT`; after a promotion before any `pg_rewind`.
    Checkpoint {
        /// The server.
        target: TargetId,
    },
    /// `pg_switch_wal()`: closes the current WAL file so that it is archived.
    SwitchWal {
        /// The server.
        target: TargetId,
    },
}

impl PgAct {
    /// The word behind `postgres.`.
    pub fn word(&self) -> &'static str {
        match self {
            PgAct::Promote { .. } => "promote",
            PgAct::Fence { .. } => "fence",
            PgAct::Unfence { .. } => "unfence",
            PgAct::Terminate { .. } => "terminate",
            PgAct::RevokeWrites { .. } => "revoke_writes",
            PgAct::GrantWrites { .. } => "grant_writes",
            PgAct::Reindex { .. } => "reindex",
            PgAct::Checkpoint { .. } => "checkpoint",
            PgAct::SwitchWal { .. } => "switch_wal",
        }
    }

    /// The server it changes.
    pub fn target(&self) -> &TargetId {
        match self {
            PgAct::Promote { target }
            | PgAct::Fence { target }
            | PgAct::Unfence { target }
            | PgAct::Terminate { target, .. }
            | PgAct::RevokeWrites { target, .. }
            | PgAct::GrantWrites { target, .. }
            | PgAct::Reindex { target, .. }
            | PgAct::Checkpoint { target }
            | PgAct::SwitchWal { target } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        match self {
            PgAct::Promote { .. } => Danger::OneWay,
            PgAct::Fence { .. } | PgAct::Terminate { .. } | PgAct::Unfence { .. } => {
                Danger::Destructive
            }
            PgAct::RevokeWrites { .. } | PgAct::GrantWrites { .. } | PgAct::Reindex { .. } => {
                Danger::Change
            }
            PgAct::Checkpoint { .. } | PgAct::SwitchWal { .. } => Danger::Change,
        }
    }
}

/// What can be asked of PostgreSQL beyond the shared words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PgCondition {
    /// `writable = "pg-west"`: a primary whose fresh sessions may write.
    Writable {
        /// The server.
        target: TargetId,
    },
    /// `read_only = "pg-west"`: a standby, or a primary with a read-only default.
    ReadOnly {
        /// The server.
        target: TargetId,
    },
    /// `fenced = "pg-east"`: hard, proven by its host or by being a standby again.
    Fenced {
        /// The server.
        target: TargetId,
    },
    /// `loss = { of = "pg-west", under = "30s" }`: what promoting it now would lose.
    Loss {
        /// The standby.
        of: TargetId,
        /// The most that may be lost, in time.
        under: Duration,
        /// The most that may be lost, in bytes.
        under_bytes: Option<u64>,
    },
    /// `same_timeline = ["pg-east", "pg-west"]`: same system identifier and timeline.
    SameTimeline {
        /// The servers.
        targets: Vec<TargetId>,
    },
    /// `row_counts = { of = "pg-east", database = "scratch", baseline = "/backups/app.counts.json", tolerance = 0 }`.
    RowCounts {
        /// The server.
        of: TargetId,
        /// The database to count in; the target's own when absent.
        database: Option<String>,
        /// A JSON object of table → rows.
        baseline: String,
        /// How many percent a table may differ.
        tolerance: u32,
    },
}
