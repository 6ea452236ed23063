//! Sights, targets and a site for the tables of tests.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::incident::acts::files::{BackupFile, Checksum, FilesSight, Proof};
use crate::incident::acts::http::HttpSight;
use crate::incident::acts::postgres::{PgPrimary, PgRole, PgSight, PgStandby};
use crate::incident::acts::redis::{RedisRole, RedisSight, SentinelSight};
use crate::incident::clean::Clean;
use crate::incident::measure::{Lsn, Size};
use crate::incident::now::Now;
use crate::incident::reading::{Failure, FailureKind, Reading, Sight};
use crate::incident::site::{
    Endpoint, FilesEndpoint, HttpEndpoint, Link, Objectives, PgEndpoint, RedisEndpoint, Region,
    RegionRole, SentinelEndpoint, Site, Target, Tls,
};

pub fn wall(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

pub fn at(second: u64) -> Now {
    Now {
        wall: wall(i64::try_from(second).unwrap()),
        boot: Duration::from_secs(second),
        boot_id: "boot".into(),
    }
}

pub fn reading(second: u64, value: Result<Sight, Failure>) -> Reading {
    Reading {
        at: at(second),
        value,
        host: None,
    }
}

pub fn failure(kind: FailureKind) -> Result<Sight, Failure> {
    Err(Failure::new(
        kind,
        "x (x:1)",
        "connect: connection refused",
        "",
    ))
}

pub fn refused() -> Result<Sight, Failure> {
    failure(FailureKind::Refused)
}

pub fn http(status: u16, healthy: bool) -> Sight {
    Sight::Http(HttpSight {
        status,
        field: Some(Clean::new(if healthy { "ok" } else { "down" })),
        healthy,
        took: Duration::from_millis(12),
    })
}

fn postgres(default_read_only: bool, role: PgRole) -> Sight {
    Sight::Postgres(PgSight {
        system_id: 7,
        timeline: 1,
        version: 150_018,
        clock: wall(0),
        default_read_only,
        heartbeat: None,
        role,
    })
}

fn primary(lsn: u64) -> PgRole {
    PgRole::Primary(PgPrimary {
        lsn: Lsn(lsn),
        replicas: vec![],
        backup_running: false,
        archived_at: None,
        archive_failing: false,
    })
}

pub fn pg_primary(lsn: u64) -> Sight {
    postgres(false, primary(lsn))
}

pub fn pg_read_only(lsn: u64) -> Sight {
    postgres(true, primary(lsn))
}

/// A standby whose last replayed commit was `behind` seconds before its clock, which is second 0.
pub fn pg_standby(replay: u64, behind: Option<i64>) -> Sight {
    let standby = PgStandby {
        receive: Some(Lsn(replay)),
        replay: Some(Lsn(replay)),
        replay_paused: false,
        last_commit: behind.map(|seconds| wall(-seconds)),
        receiving: true,
        last_message_age: Some(Duration::from_millis(100)),
        told: Some(Lsn(replay)),
    };
    postgres(false, PgRole::Standby(standby))
}

pub fn redis(role: RedisRole, loading: bool) -> Sight {
    Sight::Redis(RedisSight {
        version: "7.0.15".into(),
        run_id: "run".into(),
        replid: "one".into(),
        role,
        keys: 402,
        loading,
        last_save: None,
        saved: false,
    })
}

pub fn redis_master(offset: u64) -> Sight {
    let replicas = vec![];
    redis(RedisRole::Master { offset, replicas }, false)
}

pub fn redis_loading() -> Sight {
    let (offset, replicas) = (0, vec![]);
    redis(RedisRole::Master { offset, replicas }, true)
}

/// A replica that heard from its master 2 s ago, or whose link is down for 40 s.
pub fn redis_replica(offset: u64, link_up: bool) -> Sight {
    let role = RedisRole::Replica {
        of: "10.0.0.1:6379".into(),
        offset,
        link_up,
        last_io: link_up.then_some(Duration::from_secs(2)),
        down_for: (!link_up).then_some(Duration::from_secs(40)),
    };
    redis(role, false)
}

pub fn sentinel_sight() -> SentinelSight {
    SentinelSight {
        master_target: None,
        master: "10.0.0.1:6379".into(),
        flags: vec!["master".into()],
        replicas: 1,
        replicas_ok: 1,
        sentinels: 3,
        answered: 3,
        quorum: 2,
        agreed: true,
        can_fail_over: true,
    }
}

pub fn file(at: i64, size: u64, checksum: Checksum) -> BackupFile {
    BackupFile {
        name: "app.dump".into(),
        at: wall(at),
        size: Some(Size(size)),
        checksum,
    }
}

pub fn files(newest: Option<BackupFile>) -> Sight {
    Sight::Files(FilesSight {
        count: if newest.is_some() { 7 } else { 0 },
        newest,
        usual_size: Some(Size(100)),
        incomplete: 0,
        proof: Proof::NotAsked,
        gap: None,
    })
}

fn target(id: &str, region: Option<&str>, endpoint: Endpoint) -> Target {
    Target {
        id: id.into(),
        region: region.map(Into::into),
        endpoint,
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(1),
        failures: 3,
        fence: None,
        env: BTreeMap::new(),
        drill: false,
    }
}

pub fn http_target(id: &str, region: &str) -> Target {
    let endpoint = HttpEndpoint {
        url: format!("http://{id}/health"),
        status: 200,
        field: Some("database.status".into()),
        equals: Some("ok".into()),
        bearer: None,
    };
    target(id, Some(region), Endpoint::Http(endpoint))
}

pub fn pg_target(id: &str, region: &str) -> Target {
    let endpoint = PgEndpoint {
        host: id.into(),
        port: 5432,
        user: "warroom".into(),
        dbname: "app".into(),
        password: None,
        tls: Tls::Off,
        heartbeat: None,
    };
    target(id, Some(region), Endpoint::Postgres(endpoint))
}

pub fn redis_target(id: &str, region: &str, host: &str) -> Target {
    let endpoint = RedisEndpoint {
        host: host.into(),
        port: 6379,
        user: None,
        password: None,
        db: 0,
        tls: Tls::Off,
    };
    target(id, Some(region), Endpoint::Redis(endpoint))
}

pub fn sentinel_target() -> Target {
    let endpoint = SentinelEndpoint {
        nodes: vec!["a:1".into(), "b:1".into(), "c:1".into()],
        master: "cache".into(),
        password: None,
        tls: Tls::Off,
    };
    target("sentinel", None, Endpoint::Sentinel(endpoint))
}

pub fn files_target(id: &str) -> Target {
    let endpoint = FilesEndpoint {
        proof: None,
        wal_segment: None,
        path: "/backups".into(),
        pattern: "*.dump".into(),
        checksum: true,
    };
    target(id, None, Endpoint::Files(endpoint))
}

pub fn link(id: &str, from: &str, to: &str) -> Link {
    Link {
        id: id.into(),
        from: from.into(),
        to: to.into(),
        target: Duration::from_secs(5),
        gate: Duration::from_secs(30),
        gate_bytes: None,
    }
}

/// A site of regions `east` (primary) and `west` (standby).
pub fn site(targets: Vec<Target>) -> Site {
    let region = |id: &str, role| Region {
        id: id.into(),
        role,
    };
    Site {
        name: "test".into(),
        digest: String::new(),
        regions: vec![
            region("east", RegionRole::Primary),
            region("west", RegionRole::Standby),
        ],
        targets,
        links: vec![],
        backups: vec![],
        drills: vec![],
        objectives: Objectives {
            rto: None,
            rpo: None,
        },
        severities: vec![],
        categories: vec![],
        ladder: vec![],
        contacts: vec![],
        theme: "default".into(),
        keymap: "default".into(),
        state_dir: None,
        runbooks: None,
        vars: BTreeMap::new(),
    }
}
