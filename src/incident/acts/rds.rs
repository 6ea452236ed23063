//! RDS instances: what a probe sees, what can be done, what can be asked.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;

/// An instance as one probe saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RdsSight {
    /// `db_instance_status`: `available`, `rebooting`, `creating`.
    pub status: String,
    /// `availability_zone`
    pub zone: String,
    /// A standby waits in another zone.
    pub multi_az: bool,
    /// The instance it replicates from.
    pub replica_of: Option<String>,
    /// How far it is behind that one.
    pub lag: Option<Duration>,
    /// `latest_restorable_time`
    pub latest_restorable: Option<DateTime<Utc>>,
    /// `snapshot_create_time` of the newest snapshot that is available.
    pub newest_snapshot: Option<DateTime<Utc>>,
}

/// What can be done to an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RdsAct {
    /// Reboot with failover: the standby of the other zone takes over.
    Failover {
        /// The instance.
        target: TargetId,
    },
    /// A read replica becomes an instance of its own.
    Promote {
        /// The replica.
        target: TargetId,
    },
    /// A snapshot, waited for.
    Snapshot {
        /// The instance.
        target: TargetId,
        /// The snapshot's name.
        name: String,
    },
    /// A new instance from a snapshot.
    RestoreSnapshot {
        /// The instance whose snapshot it is.
        target: TargetId,
        /// The snapshot.
        snapshot: String,
        /// The new instance's name.
        instance: String,
    },
    /// A new instance as it was at an instant.
    RestoreToTime {
        /// The instance.
        target: TargetId,
        /// The instant, RFC 3339.
        time: String,
        /// The new instance's name.
        instance: String,
    },
}

impl RdsAct {
    /// Every word behind `rds.`.
    pub const WORDS: [&'static str; 5] = [
        "failover",
        "promote",
        "snapshot",
        "restore_snapshot",
        "restore_to_time",
    ];

    /// Reads the table behind `rds.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let target = read::target(reader, table, "target", "orders-db");
        let mut need = |key: &str, example: &str| read::required(reader, table, key, example);
        match word {
            "failover" => Some(RdsAct::Failover { target: target? }),
            "promote" => Some(RdsAct::Promote { target: target? }),
            "snapshot" => {
                let name = need("name", "name = \"before-the-change\"");
                Some(RdsAct::Snapshot {
                    target: target?,
                    name: name?,
                })
            }
            "restore_snapshot" => {
                let snapshot = need("snapshot", "snapshot = \"before-the-change\"");
                let instance = need("as", "as = \"orders-db-restored\"");
                Some(RdsAct::RestoreSnapshot {
                    target: target?,
                    snapshot: snapshot?,
                    instance: instance?,
                })
            }
            "restore_to_time" => {
                let time = need("time", "time = \"2026-11-21T14:00:00Z\"");
                let instance = need("as", "as = \"orders-db-restored\"");
                Some(RdsAct::RestoreToTime {
                    target: target?,
                    time: time?,
                    instance: instance?,
                })
            }
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            RdsAct::Failover { target } | RdsAct::Promote { target } => vec![&mut target.0],
            RdsAct::Snapshot { target, name } => vec![&mut target.0, name],
            RdsAct::RestoreSnapshot {
                target,
                snapshot: from,
                instance,
            }
            | RdsAct::RestoreToTime {
                target,
                time: from,
                instance,
            } => vec![&mut target.0, from, instance],
        }
    }

    /// The word behind `rds.`.
    pub fn word(&self) -> &'static str {
        match self {
            RdsAct::Failover { .. } => "failover",
            RdsAct::Promote { .. } => "promote",
            RdsAct::Snapshot { .. } => "snapshot",
            RdsAct::RestoreSnapshot { .. } => "restore_snapshot",
            RdsAct::RestoreToTime { .. } => "restore_to_time",
        }
    }

    /// The instance it changes, or makes another from.
    pub fn target(&self) -> &TargetId {
        match self {
            RdsAct::Failover { target }
            | RdsAct::Promote { target }
            | RdsAct::Snapshot { target, .. }
            | RdsAct::RestoreSnapshot { target, .. }
            | RdsAct::RestoreToTime { target, .. } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        match self {
            RdsAct::Promote { .. } => Danger::OneWay,
            // Sessions end and a minute or two of requests fail.
            RdsAct::Failover { .. } => Danger::Destructive,
            RdsAct::Snapshot { .. }
            | RdsAct::RestoreSnapshot { .. }
            | RdsAct::RestoreToTime { .. } => Danger::Change,
        }
    }
}

impl fmt::Display for RdsAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.word(), self.target())?;
        match self {
            RdsAct::Failover { .. } | RdsAct::Promote { .. } => Ok(()),
            RdsAct::Snapshot { name, .. } => write!(f, " as {name}"),
            RdsAct::RestoreSnapshot {
                snapshot: from,
                instance,
                ..
            }
            | RdsAct::RestoreToTime {
                time: from,
                instance,
                ..
            } => write!(f, " from {from} as {instance}"),
        }
    }
}

/// What can be asked of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RdsCondition {
    /// `available = "orders-db"`
    Available {
        /// The instance.
        target: TargetId,
    },
    /// `zone_changed = { of = "orders-db", from = "us-east-1a" }`
    ZoneChanged {
        /// The instance.
        of: TargetId,
        /// The zone it was in.
        from: String,
    },
}

impl RdsCondition {
    /// Every condition word of RDS.
    pub const WORDS: [&'static str; 2] = ["available", "zone_changed"];

    /// Reads what stands behind one of [`RdsCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        match word {
            "available" => {
                read::each_target(reader, card, word, |target| Self::Available { target })
            }
            _ => read::each_table(reader, card, word, |reader, table| {
                let of = read::target(reader, table, "of", "orders-db");
                let from = read::required(reader, table, "from", "from = \"us-east-1a\"");
                Some(Self::ZoneChanged {
                    of: of?,
                    from: from?,
                })
            }),
        }
    }

    /// The instance that is asked about.
    pub fn of(&self) -> &TargetId {
        match self {
            RdsCondition::Available { target } => target,
            RdsCondition::ZoneChanged { of, .. } => of,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            RdsCondition::Available { target } => vec![&mut target.0],
            RdsCondition::ZoneChanged { of, from } => vec![&mut of.0, from],
        }
    }
}

impl fmt::Display for RdsCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RdsCondition::Available { target } => write!(f, "{target} available"),
            RdsCondition::ZoneChanged { of, from } => write!(f, "{of} in another zone than {from}"),
        }
    }
}
