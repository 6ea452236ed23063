//! A pair of servers as tests describe them, second by second.

use std::time::Duration;

use chrono::DateTime;

use super::super::acts::postgres::{PgPrimary, PgReplica, PgRole, PgSight, PgStandby};
use super::super::acts::redis::{RedisRole, RedisSight};
use super::super::clean::Clean;
use super::super::judge::Standing;
use super::super::measure::{Lag, Lsn};
use super::super::now::Now;
use super::super::reading::{Failure, FailureKind, HostWord, Reading, Sight};
use super::super::site::Link;
use super::{End, LinkHistory, LinkState, LinkVital};

pub(super) const KB: u64 = 1_000;

/// `millis` after the beginning.
pub(super) fn at(millis: i64) -> Now {
    Now {
        wall: wall(millis),
        boot: Duration::from_millis(u64::try_from(millis).unwrap() + 5_000_000),
        boot_id: "boot".into(),
    }
}

pub(super) fn wall(millis: i64) -> DateTime<chrono::Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 + millis).unwrap()
}

pub(super) fn ms(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

pub(super) fn link() -> Link {
    Link {
        id: "pg".into(),
        from: "pg-east".into(),
        to: "pg-west".into(),
        target: Duration::from_secs(5),
        gate: Duration::from_secs(30),
        gate_bytes: None,
    }
}

/// A primary as a test describes it; instants in milliseconds after the beginning.
#[derive(Clone, Copy)]
pub(super) struct P {
    pub(super) lsn: u64,
    pub(super) heartbeat: Option<i64>,
    /// The standby's row, by the age of its reply.
    pub(super) reply: Option<i64>,
    pub(super) timeline: u32,
    pub(super) system: u64,
}

pub(super) const P0: P = P {
    lsn: 1_000 * KB,
    heartbeat: None,
    reply: Some(500),
    timeline: 1,
    system: 7,
};

/// A standby.
#[derive(Clone, Copy)]
pub(super) struct S {
    pub(super) replay: Option<u64>,
    pub(super) told: u64,
    pub(super) heartbeat: Option<i64>,
    pub(super) commit: Option<i64>,
    pub(super) paused: bool,
    pub(super) receiving: bool,
    pub(super) quiet: Option<i64>,
    pub(super) timeline: u32,
    pub(super) system: u64,
}

pub(super) const S0: S = S {
    replay: Some(1_000 * KB),
    told: 1_000 * KB,
    heartbeat: None,
    commit: None,
    paused: false,
    receiving: true,
    quiet: Some(100),
    timeline: 1,
    system: 7,
};

pub(super) fn reading(
    now: &Now,
    system_id: u64,
    timeline: u32,
    beat: Option<i64>,
    role: PgRole,
) -> Reading {
    Reading {
        at: now.clone(),
        value: Ok(Sight::Postgres(PgSight {
            system_id,
            timeline,
            version: 150_018,
            clock: now.wall,
            default_read_only: false,
            heartbeat: beat.map(wall),
            role,
        })),
        host: None,
    }
}

pub(super) fn primary(millis: i64, p: P) -> Reading {
    let replica = p.reply.map(|age| PgReplica {
        name: "pg-west".into(),
        state: "streaming".into(),
        replay: Some(Lsn(1_000 * KB)),
        reply_age: Some(ms(age)),
    });
    let role = PgRole::Primary(PgPrimary {
        lsn: Lsn(p.lsn),
        replicas: replica.into_iter().collect(),
        backup_running: false,
        archived_at: None,
        archive_failing: false,
    });
    reading(&at(millis), p.system, p.timeline, p.heartbeat, role)
}

pub(super) fn standby(millis: i64, s: S) -> Reading {
    let role = PgRole::Standby(PgStandby {
        receive: Some(Lsn(s.told)),
        replay: s.replay.map(Lsn),
        replay_paused: s.paused,
        last_commit: s.commit.map(wall),
        receiving: s.receiving,
        last_message_age: s.quiet.map(ms),
        told: Some(Lsn(s.told)),
    });
    reading(&at(millis), s.system, s.timeline, s.heartbeat, role)
}

pub(super) fn silent(millis: i64, host: Option<HostWord>) -> Reading {
    Reading {
        at: at(millis),
        value: Err(Failure::new(FailureKind::Refused, "pg-east", "refused", "")),
        host,
    }
}

pub(super) fn stopped(millis: i64) -> Option<HostWord> {
    Some(HostWord {
        fenced: true,
        stopped_at: Some(wall(millis)),
        said: Clean::new("stopped"),
    })
}

/// Both ends probed once a second for `seconds`, the standby at .0 and the primary at .4; the vital at the end.
pub(super) fn run(
    seconds: i64,
    from: impl Fn(i64) -> Reading,
    to: impl Fn(i64) -> Reading,
) -> LinkVital {
    let mut history = LinkHistory::new(Duration::from_secs(1));
    let mut last = None;
    for second in 0..=seconds {
        let (t, f) = (second * 1_000, second * 1_000 + 400);
        let (to, from) = (to(t), from(f));
        history.observe(End::To, &to);
        history.observe(End::From, &from);
        let now = at(f + 300);
        last = Some(history.vital(&link(), Some(&from), Some(&to), &now));
    }
    last.unwrap()
}

/// A primary that writes 10 kB a second, with a heartbeat every 200 ms where `beats`.
pub(super) fn busy(t: i64, beats: bool) -> P {
    P {
        lsn: 1_000 * KB + wrote(t),
        heartbeat: beats.then(|| t - t % 200),
        ..P0
    }
}

pub(super) fn wrote(t: i64) -> u64 {
    u64::try_from(t.max(0)).unwrap() * 10
}

/// A standby that had all that was written until `t`.
pub(super) fn caught_up(t: i64, beats: bool) -> S {
    S {
        replay: Some(1_000 * KB + wrote(t)),
        told: 1_000 * KB + wrote(t),
        heartbeat: beats.then(|| t - t % 200),
        commit: Some(t),
        ..S0
    }
}

pub(super) fn secs(vital: &LinkVital) -> Option<f64> {
    vital.lag.map(|Lag(lag)| lag.as_secs_f64())
}

#[track_caller]
pub(super) fn is(vital: &LinkVital, state: LinkState, standing: Standing, lag: f64, within: f64) {
    assert_eq!(
        (vital.state, vital.standing),
        (state, standing),
        "{vital:?}"
    );
    let seen = secs(vital).unwrap_or_else(|| panic!("no lag: {vital:?}"));
    assert!(
        (seen - lag).abs() <= within,
        "{seen} s, not {lag} s: {vital:?}"
    );
}

pub(super) fn redis(millis: i64, replid: &str, role: RedisRole) -> Reading {
    Reading {
        at: at(millis),
        value: Ok(Sight::Redis(RedisSight {
            version: "7.0.15".into(),
            run_id: "r".into(),
            replid: replid.into(),
            role,
            keys: 402,
            loading: false,
            last_save: None,
            saved: false,
        })),
        host: None,
    }
}
