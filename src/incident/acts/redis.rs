//! Redis and Sentinel: what a probe sees, what can be done, what can be asked.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::runbook::Danger;
use super::super::strict::{Reader, Table};
use super::read;

/// A Redis server as one probe saw it (`INFO`, `ROLE`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedisSight {
    /// `redis_version`.
    pub version: String,
    /// `run_id`: changes at every start.
    pub run_id: String,
    /// `master_replid`: two servers of one history share it.
    pub replid: String,
    /// Master or replica.
    pub role: RedisRole,
    /// Keys in the target's database.
    pub keys: u64,
    /// A dataset is being loaded: it answers, but not with data.
    pub loading: bool,
    /// `rdb_last_save_time`; a server that never saved gives its start time, so it counts only with `saved`.
    pub last_save: Option<DateTime<Utc>>,
    /// It has saved since it started, or loaded a dump at its start.
    pub saved: bool,
}

/// What a Redis server is at the moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum RedisRole {
    /// It takes writes.
    Master {
        /// `master_repl_offset`, in bytes.
        offset: u64,
        /// Replicas that are connected.
        replicas: Vec<RedisReplica>,
    },
    /// It follows a master.
    Replica {
        /// `host:port` of its master.
        of: String,
        /// `slave_repl_offset`, in bytes.
        offset: u64,
        /// `master_link_status` is up.
        link_up: bool,
        /// `master_last_io_seconds_ago`; absent while the link is down.
        last_io: Option<Duration>,
        /// `master_link_down_since_seconds`.
        down_for: Option<Duration>,
    },
}

/// A replica as its master sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RedisReplica {
    /// `host:port`.
    pub addr: String,
    /// `online`, `wait_bgsave`, …
    pub state: String,
    /// Acknowledged offset, in bytes.
    pub offset: u64,
    /// Seconds since its last ACK (`lag=`): not a lag of data.
    pub last_ack: Duration,
}

/// A master as its Sentinels see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentinelSight {
    /// `host:port` the Sentinels give out.
    pub master: String,
    /// The site's target at that address.
    #[serde(default)]
    pub master_target: Option<TargetId>,
    /// `flags`: `master`, `s_down`, `o_down`, … An address is given out even when every Redis is dead.
    pub flags: Vec<String>,
    /// Replicas known, and how many of them are usable.
    pub replicas: u32,
    /// Replicas that are neither down nor disconnected.
    pub replicas_ok: u32,
    /// Sentinels known, the one asked included.
    pub sentinels: u32,
    /// Sentinels of the site that answered.
    pub answered: u32,
    /// Votes needed.
    pub quorum: u32,
    /// Every Sentinel that answered gives out the same address.
    pub agreed: bool,
    /// `SENTINEL CKQUORUM` says a failover can be authorised.
    pub can_fail_over: bool,
}

/// What can be done to Redis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisAct {
    /// `SENTINEL FAILOVER` on a Sentinel target; done when every Sentinel gives out another master.
    Failover {
        /// The Sentinel target.
        target: TargetId,
    },
    /// `REPLICAOF NO ONE`.
    Promote {
        /// The replica.
        target: TargetId,
    },
    /// `REPLICAOF host port`.
    Follow {
        /// The server that becomes a replica.
        target: TargetId,
        /// The target to follow.
        of: TargetId,
    },
    /// `BGSAVE`, done when it has saved.
    Save {
        /// The server.
        target: TargetId,
    },
    /// `BGREWRITEAOF`.
    Bgrewriteaof {
        /// The server.
        target: TargetId,
    },
}

impl RedisAct {
    /// Every word behind `redis.`.
    pub const WORDS: [&'static str; 5] = ["failover", "promote", "follow", "save", "bgrewriteaof"];

    /// Reads the table behind `redis.WORD =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, word: &str, table: &mut Table) -> Option<Self> {
        let example = if word == "failover" {
            "sentinel"
        } else {
            "redis-west"
        };
        let target = read::target(reader, table, "target", example);
        match word {
            "failover" => Some(RedisAct::Failover { target: target? }),
            "promote" => Some(RedisAct::Promote { target: target? }),
            "save" => Some(RedisAct::Save { target: target? }),
            "bgrewriteaof" => Some(RedisAct::Bgrewriteaof { target: target? }),
            "follow" => {
                let of = read::target(reader, table, "of", "redis-east");
                Some(RedisAct::Follow {
                    target: target?,
                    of: of?,
                })
            }
            _ => None,
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            RedisAct::Failover { target }
            | RedisAct::Promote { target }
            | RedisAct::Save { target }
            | RedisAct::Bgrewriteaof { target } => vec![&mut target.0],
            RedisAct::Follow { target, of } => vec![&mut target.0, &mut of.0],
        }
    }

    /// The word behind `redis.`.
    pub fn word(&self) -> &'static str {
        match self {
            RedisAct::Failover { .. } => "failover",
            RedisAct::Promote { .. } => "promote",
            RedisAct::Follow { .. } => "follow",
            RedisAct::Save { .. } => "save",
            RedisAct::Bgrewriteaof { .. } => "bgrewriteaof",
        }
    }

    /// The target it changes.
    pub fn target(&self) -> &TargetId {
        match self {
            RedisAct::Failover { target }
            | RedisAct::Promote { target }
            | RedisAct::Follow { target, .. }
            | RedisAct::Save { target }
            | RedisAct::Bgrewriteaof { target } => target,
        }
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        match self {
            RedisAct::Promote { .. } => Danger::OneWay,
            // Following throws the server's own data away.
            RedisAct::Failover { .. } | RedisAct::Follow { .. } => Danger::Destructive,
            RedisAct::Save { .. } | RedisAct::Bgrewriteaof { .. } => Danger::Change,
        }
    }
}

/// What can be asked of Redis beyond the shared words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RedisCondition {
    /// `role = { of = "redis-west", is = "master" }`.
    Role {
        /// The server.
        of: TargetId,
        /// What it must be.
        is: RoleWord,
    },
    /// `keys = { of = "redis-west", at_least = 1 }`.
    Keys {
        /// The server.
        of: TargetId,
        /// How many keys there must be.
        at_least: u64,
    },
    /// `master_is = { of = "sentinel", target = "redis-west" }`: the Sentinels give out that target's address.
    MasterIs {
        /// The Sentinel target.
        of: TargetId,
        /// The Redis target.
        target: TargetId,
    },
}

/// `master` or `replica`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleWord {
    /// Takes writes.
    Master,
    /// Follows a master.
    Replica,
}

impl RedisCondition {
    /// Every condition word of Redis.
    pub const WORDS: [&'static str; 3] = ["role", "keys", "master_is"];

    /// Reads what stands behind one of [`RedisCondition::WORDS`]: several conditions when it is a list.
    pub fn read(reader: &mut Reader<'_>, word: &str, card: &mut Table) -> Vec<Self> {
        match word {
            "role" => read::each_table(reader, card, word, role),
            "keys" => read::each_table(reader, card, word, keys),
            "master_is" => read::each_table(reader, card, word, |reader, table| {
                let of = read::target(reader, table, "of", "sentinel");
                let target = read::target(reader, table, "target", "redis-west");
                Some(Self::MasterIs {
                    of: of?,
                    target: target?,
                })
            }),
            _ => Vec::new(),
        }
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        match self {
            RedisCondition::Role { of, .. } | RedisCondition::Keys { of, .. } => vec![&mut of.0],
            RedisCondition::MasterIs { of, target } => vec![&mut of.0, &mut target.0],
        }
    }
}

fn role(reader: &mut Reader<'_>, table: &mut Table) -> Option<RedisCondition> {
    let of = read::target(reader, table, "of", "redis-west");
    if !table.has("is") {
        table.missing(reader, "is", "is = \"master\"");
    }
    let words = [("master", RoleWord::Master), ("replica", RoleWord::Replica)];
    let is = table.choice(reader, "is", &words);
    Some(RedisCondition::Role { of: of?, is: is? })
}

fn keys(reader: &mut Reader<'_>, table: &mut Table) -> Option<RedisCondition> {
    let of = read::target(reader, table, "of", "redis-west");
    if !table.has("at_least") {
        table.missing(reader, "at_least", "at_least = 1");
    }
    let at_least = table.integer(reader, "at_least");
    Some(RedisCondition::Keys {
        of: of?,
        at_least: at_least?,
    })
}

impl fmt::Display for RedisAct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedisAct::Follow { target, of } => write!(f, "follow {target} of {of}"),
            _ => write!(f, "{} {}", self.word(), self.target()),
        }
    }
}

impl fmt::Display for RedisCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedisCondition::Role { of, is } => write!(f, "role of {of} is {is}"),
            RedisCondition::Keys { of, at_least } => write!(f, "keys of {of} ≥ {at_least}"),
            RedisCondition::MasterIs { of, target } => write!(f, "master_is {target} by {of}"),
        }
    }
}

impl fmt::Display for RoleWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            RoleWord::Master => "master",
            RoleWord::Replica => "replica",
        })
    }
}
