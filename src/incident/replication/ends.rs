//! Both systems' sights in one vocabulary: somebody writes at a position, somebody follows up to one.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::super::acts::postgres::{PgPrimary, PgRole, PgSight, PgStandby};
use super::super::acts::redis::{RedisRole, RedisSight};
use super::super::reading::{Reading, Sight};

/// An end that was seen.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum View {
    Writer(Writer),
    Follower(Follower),
}

/// An end that takes writes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Writer {
    pub line: Line,
    pub position: u64,
    /// Its own clock, where it tells.
    pub clock: Option<DateTime<Utc>>,
    pub heartbeat: Option<DateTime<Utc>>,
    pub replicas: Vec<Replica>,
}

/// A replica by its writer's word.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Replica {
    pub name: String,
    pub position: Option<u64>,
    /// How long it has not replied.
    pub quiet: Option<Duration>,
}

/// An end that follows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Follower {
    pub line: Line,
    /// What it has applied; none when it does not say.
    pub position: Option<u64>,
    /// The furthest position it has heard of.
    pub told: Option<u64>,
    pub paused: bool,
    pub receiving: bool,
    /// How long nothing came; none when it does not say.
    pub quiet: Option<Duration>,
    pub clock: Option<DateTime<Utc>>,
    pub heartbeat: Option<DateTime<Utc>>,
    /// Commit time of the last transaction applied, by the writer's clock.
    pub last_commit: Option<DateTime<Utc>>,
}

/// Which history positions belong to: the cluster's identifier, and PostgreSQL's timeline (Redis has none: 0).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub system: String,
    pub timeline: u32,
}

/// What a reading shows; none when it failed, or is of something that does not replicate.
pub(super) fn view(reading: &Reading) -> Option<View> {
    match reading.value.as_ref().ok()? {
        Sight::Postgres(sight) => Some(postgres(sight)),
        Sight::Redis(sight) => Some(redis(sight)),
        Sight::Sentinel(_)
        | Sight::Http(_)
        | Sight::Files(_)
        | Sight::Kube(_)
        | Sight::Rds(_)
        | Sight::Dns(_)
        | Sight::Secret(_)
        | Sight::Check(_)
        | Sight::Cnpg(_)
        | Sight::Aurora(_) => None,
    }
}

fn postgres(sight: &PgSight) -> View {
    let line = Line {
        system: sight.system_id.to_string(),
        timeline: sight.timeline,
    };
    match &sight.role {
        PgRole::Primary(primary) => View::Writer(pg_writer(line, sight, primary)),
        PgRole::Standby(standby) => View::Follower(pg_follower(line, sight, standby)),
    }
}

fn pg_writer(line: Line, sight: &PgSight, primary: &PgPrimary) -> Writer {
    let replicas = primary.replicas.iter().map(|replica| Replica {
        name: replica.name.clone(),
        position: replica.replay.map(|lsn| lsn.0),
        quiet: replica.reply_age,
    });
    Writer {
        line,
        position: primary.lsn.0,
        clock: Some(sight.clock),
        heartbeat: sight.heartbeat,
        replicas: replicas.collect(),
    }
}

fn pg_follower(line: Line, sight: &PgSight, standby: &PgStandby) -> Follower {
    Follower {
        line,
        position: standby.replay.map(|lsn| lsn.0),
        told: standby.told.max(standby.receive).map(|lsn| lsn.0),
        paused: standby.replay_paused,
        receiving: standby.receiving,
        quiet: standby.last_message_age,
        clock: Some(sight.clock),
        heartbeat: sight.heartbeat,
        last_commit: standby.last_commit,
    }
}

/// `lag=` of a Redis replica is seconds since its last ACK, no lag of data: only offsets are.
fn redis(sight: &RedisSight) -> View {
    let line = Line {
        system: sight.replid.clone(),
        timeline: 0,
    };
    match &sight.role {
        RedisRole::Master { offset, replicas } => View::Writer(Writer {
            line,
            position: *offset,
            clock: None,
            heartbeat: None,
            replicas: replicas
                .iter()
                .map(|replica| Replica {
                    name: replica.addr.clone(),
                    position: Some(replica.offset),
                    quiet: Some(replica.last_ack),
                })
                .collect(),
        }),
        RedisRole::Replica {
            offset,
            link_up,
            last_io,
            down_for,
            ..
        } => View::Follower(Follower {
            line,
            position: Some(*offset),
            told: Some(*offset),
            paused: false,
            receiving: *link_up,
            quiet: last_io.or(*down_for),
            clock: None,
            heartbeat: None,
            last_commit: None,
        }),
    }
}
