//! PostgreSQL: what a probe sees of a server, what can be done to it, what can be asked of it.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::measure::{Lsn, Size};
use super::super::names::TargetId;
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;
use super::say::limit;

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
    /// Every word behind `postgres.`.
    pub const WORDS: [&'static str; 9] = [
        "promote",
        "fence",
        "unfence",
        "terminate",
        "revoke_writes",
        "grant_writes",
        "reindex",
        "checkpoint",
        "switch_wal",
    ];

    /// Reads the table behind `postgres.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let target = read::target(reader, table, "target", "pg-west");
        match word {
            "promote" => Some(PgAct::Promote { target: target? }),
            "fence" => Some(PgAct::Fence { target: target? }),
            "unfence" => Some(PgAct::Unfence { target: target? }),
            "checkpoint" => Some(PgAct::Checkpoint { target: target? }),
            "switch_wal" => Some(PgAct::SwitchWal { target: target? }),
            "terminate" => {
                let database = read::value(reader, table, "database");
                let role = read::value(reader, table, "role");
                Some(PgAct::Terminate {
                    target: target?,
                    database,
                    role,
                })
            }
            "reindex" => {
                let table = read::required(reader, table, "table", "table = \"public.orders\"");
                Some(PgAct::Reindex {
                    target: target?,
                    table: table?,
                })
            }
            "revoke_writes" | "grant_writes" => {
                let database = read::required(reader, table, "database", "database = \"app\"")?;
                let role = read::required(reader, table, "role", "role = \"app\"")?;
                let target = target?;
                Some(match word {
                    "revoke_writes" => PgAct::RevokeWrites {
                        target,
                        database,
                        role,
                    },
                    _ => PgAct::GrantWrites {
                        target,
                        database,
                        role,
                    },
                })
            }
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            PgAct::Promote { target }
            | PgAct::Fence { target }
            | PgAct::Unfence { target }
            | PgAct::Checkpoint { target }
            | PgAct::SwitchWal { target } => vec![&mut target.0],
            PgAct::Terminate {
                target,
                database,
                role,
            } => [Some(&mut target.0), database.as_mut(), role.as_mut()]
                .into_iter()
                .flatten()
                .collect(),
            PgAct::RevokeWrites {
                target,
                database,
                role,
            }
            | PgAct::GrantWrites {
                target,
                database,
                role,
            } => vec![&mut target.0, database, role],
            PgAct::Reindex { target, table } => vec![&mut target.0, table],
        }
    }

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

impl PgCondition {
    /// Every condition word of PostgreSQL.
    pub const WORDS: [&'static str; 6] = [
        "writable",
        "read_only",
        "fenced",
        "loss",
        "same_timeline",
        "row_counts",
    ];

    /// Reads what stands behind one of [`PgCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        match word {
            "writable" => read::each_target(reader, card, word, |target| Self::Writable { target }),
            "read_only" => {
                read::each_target(reader, card, word, |target| Self::ReadOnly { target })
            }
            "fenced" => read::each_target(reader, card, word, |target| Self::Fenced { target }),
            "same_timeline" => same_timeline(reader, card).into_iter().collect(),
            "loss" => read::each_table(reader, card, word, |reader, table| {
                let (of, under, under_bytes) = read::bounded(reader, table)?;
                Some(Self::Loss {
                    of,
                    under,
                    under_bytes,
                })
            }),
            "row_counts" => read::each_table(reader, card, word, row_counts),
            _ => Vec::new(),
        }
    }

    /// The servers it asks.
    pub fn targets(&self) -> Vec<&TargetId> {
        match self {
            PgCondition::Writable { target }
            | PgCondition::ReadOnly { target }
            | PgCondition::Fenced { target } => vec![target],
            PgCondition::Loss { of, .. } | PgCondition::RowCounts { of, .. } => vec![of],
            PgCondition::SameTimeline { targets } => targets.iter().collect(),
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            PgCondition::Writable { target }
            | PgCondition::ReadOnly { target }
            | PgCondition::Fenced { target } => vec![&mut target.0],
            PgCondition::Loss { of, .. } => vec![&mut of.0],
            PgCondition::SameTimeline { targets } => targets.iter_mut().map(|t| &mut t.0).collect(),
            PgCondition::RowCounts {
                of,
                database,
                baseline,
                ..
            } => [Some(&mut of.0), database.as_mut(), Some(baseline)]
                .into_iter()
                .flatten()
                .collect(),
        }
    }
}

fn same_timeline(reader: &mut Reader<'_>, card: &mut Table) -> Option<PgCondition> {
    let at = card.key_at("same_timeline");
    let targets: Vec<TargetId> = read::each_target(reader, card, "same_timeline", |target| target);
    if targets.len() == 1 {
        let example = "name two or more, same_timeline = [\"pg-east\", \"pg-west\"]";
        reader.fault(&at, "same_timeline names one server", example);
    }
    (targets.len() > 1).then_some(PgCondition::SameTimeline { targets })
}

fn row_counts(reader: &mut Reader<'_>, table: &mut Table) -> Option<PgCondition> {
    let of = read::target(reader, table, "of", "pg-east");
    let database = read::value(reader, table, "database");
    let baseline = read::required(
        reader,
        table,
        "baseline",
        "baseline = \"/backups/app.counts.json\"",
    );
    let tolerance = table.integer(reader, "tolerance").unwrap_or(0);
    Some(PgCondition::RowCounts {
        of: of?,
        database,
        baseline: baseline?,
        tolerance,
    })
}

impl fmt::Display for PgAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.target())?;
        match self {
            PgAct::Terminate { database, role, .. } => {
                if let Some(database) = database {
                    write!(f, " sessions on {database}")?;
                }
                role.as_ref().map_or(Ok(()), |role| write!(f, " of {role}"))
            }
            PgAct::RevokeWrites { database, role, .. }
            | PgAct::GrantWrites { database, role, .. } => write!(f, " on {database} of {role}"),
            PgAct::Reindex { table, .. } => write!(f, " table {table}"),
            PgAct::Promote { .. }
            | PgAct::Fence { .. }
            | PgAct::Unfence { .. }
            | PgAct::Checkpoint { .. }
            | PgAct::SwitchWal { .. } => Ok(()),
        }
    }
}

impl fmt::Display for PgCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PgCondition::Writable { target } => write!(f, "writable {target}"),
            PgCondition::ReadOnly { target } => write!(f, "read_only {target}"),
            PgCondition::Fenced { target } => write!(f, "fenced {target}"),
            PgCondition::Loss {
                of,
                under,
                under_bytes,
            } => {
                write!(f, "loss of {of} < {}", limit(*under))?;
                under_bytes.map_or(Ok(()), |bytes| write!(f, " and < {}", Size(bytes)))
            }
            PgCondition::SameTimeline { targets } => {
                let names: Vec<&str> = targets.iter().map(TargetId::as_str).collect();
                write!(f, "same_timeline {}", names.join(", "))
            }
            PgCondition::RowCounts {
                of,
                database,
                baseline,
                tolerance,
            } => {
                write!(f, "row_counts of {of}")?;
                if let Some(database) = database {
                    write!(f, " database {database}")?;
                }
                write!(f, " = {baseline} ± {tolerance}%")
            }
        }
    }
}
