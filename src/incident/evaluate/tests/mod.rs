//! Tables: what was seen, what is asked, what is said.

mod cloud;
mod lag;

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::incident::acts::files::{Checksum, FilesSight, Proof};
use crate::incident::acts::redis::RoleWord;
use crate::incident::judge::sights::*;
use crate::incident::reading::{Failure, FailureKind, Holds};
use crate::incident::site::Backup;

use Holds::{No, Unknown, Yes};

type Value = Result<Sight, Failure>;
type Row = (Vec<(&'static str, Value)>, Holds, &'static str);

const HOUR: Duration = Duration::from_secs(3_600);

fn whole_site() -> Site {
    let mut site = site(vec![
        pg_target("pg-east", "east"),
        pg_target("pg-west", "west"),
        redis_target("redis-east", "east", "10.0.0.1"),
        redis_target("redis-west", "west", "cache-west"),
        http_target("api-west", "west"),
        sentinel_target(),
        files_target("dumps"),
    ]);
    site.links = vec![
        link("pg", "pg-east", "pg-west"),
        link("redis", "redis-east", "redis-west"),
    ];
    let backup = |id: &str, of: Option<&str>| Backup {
        id: id.into(),
        of: of.map(Into::into),
        intended: of.is_some(),
        younger: 25 * HOUR,
        size_change: 30,
        restore_test: None,
    };
    site.backups = vec![backup("dump", Some("dumps")), backup("cache", None)];
    site
}

fn seen(values: Vec<(&str, Value)>) -> BTreeMap<TargetId, Reading> {
    let readings = values
        .into_iter()
        .map(|(id, value)| (id.into(), reading(0, value)));
    readings.collect()
}

fn judged(
    condition: &Condition,
    values: Vec<(&str, Value)>,
    second: u64,
) -> Option<(Holds, String)> {
    let verdict = from_sights(condition, &seen(values), &whole_site(), None, &at(second))?;
    Some((verdict.holds, verdict.saw.to_string()))
}

fn check(condition: Condition, table: Vec<Row>) {
    for (values, holds, saw) in table {
        let found = judged(&condition, values, 1);
        assert_eq!(found, Some((holds, saw.to_owned())), "{condition:?}");
    }
}

fn lag_of(of: &str, under: u64, under_bytes: Option<u64>) -> Condition {
    Condition::Lag {
        of: of.into(),
        under: Duration::from_secs(under),
        under_bytes,
    }
}

fn other_timeline(lsn: u64) -> Sight {
    let Sight::Postgres(mut sight) = pg_primary(lsn) else {
        unreachable!()
    };
    sight.timeline = 2;
    Sight::Postgres(sight)
}

#[test]
fn old_readings_and_failures_are_unknown_but_reachable_is_answered_by_them() {
    let writable = Condition::Postgres(PgCondition::Writable {
        target: "pg-east".into(),
    });
    let primary = || vec![("pg-east", Ok(pg_primary(9)))];
    let table = [
        (primary(), 10, Yes, "pg-east is primary, writable"),
        (
            primary(),
            11,
            Unknown,
            "pg-east was last looked at 11.0 s ago",
        ),
        (
            vec![("pg-east", refused())],
            1,
            Unknown,
            "pg-east: connect: connection refused",
        ),
        (
            vec![("pg-east", Ok(redis_master(1)))],
            1,
            Unknown,
            "pg-east is no PostgreSQL server",
        ),
        (vec![], 1, Unknown, "pg-east was not looked at yet"),
    ];
    for (values, second, holds, saw) in table {
        assert_eq!(
            judged(&writable, values, second),
            Some((holds, saw.to_owned()))
        );
    }
    check(
        Condition::Reachable {
            target: "pg-east".into(),
        },
        vec![
            (primary(), Yes, "pg-east answers"),
            (
                vec![("pg-east", refused())],
                No,
                "pg-east: connect: connection refused",
            ),
            (
                vec![("pg-east", failure(FailureKind::Local))],
                Unknown,
                "pg-east: connect: connection refused",
            ),
        ],
    );
    check(
        Condition::Reachable {
            target: "pg-north".into(),
        },
        vec![(vec![], Unknown, "pg-north is no target of this site")],
    );
}

#[test]
fn postgres_roles_and_timelines() {
    let one = |sight| vec![("pg-west", Ok(sight))];
    check(
        Condition::Postgres(PgCondition::Writable {
            target: "pg-west".into(),
        }),
        vec![
            (one(pg_primary(1)), Yes, "pg-west is primary, writable"),
            (
                one(pg_read_only(1)),
                No,
                "pg-west is primary, read-only by default",
            ),
            (one(pg_standby(1, None)), No, "pg-west is standby"),
        ],
    );
    check(
        Condition::Postgres(PgCondition::ReadOnly {
            target: "pg-west".into(),
        }),
        vec![
            (one(pg_primary(1)), No, "pg-west is primary, writable"),
            (
                one(pg_read_only(1)),
                Yes,
                "pg-west is primary, read-only by default",
            ),
            (one(pg_standby(1, None)), Yes, "pg-west is standby"),
        ],
    );
    let pair = |one, two| vec![("pg-east", Ok(one)), ("pg-west", Ok(two))];
    let stranger = || {
        let Sight::Postgres(sight) = pg_primary(1) else {
            unreachable!()
        };
        Sight::Postgres(PgSight {
            system_id: 8,
            ..sight
        })
    };
    let targets = vec!["pg-east".into(), "pg-west".into()];
    check(
        Condition::Postgres(PgCondition::SameTimeline { targets }),
        vec![
            (
                pair(pg_primary(1), pg_standby(1, None)),
                Yes,
                "pg-east, pg-west: timeline 1",
            ),
            (
                pair(other_timeline(1), pg_standby(1, None)),
                No,
                "pg-east is on timeline 2, pg-west on 1",
            ),
            (
                pair(stranger(), pg_standby(1, None)),
                No,
                "pg-east and pg-west are not of one cluster",
            ),
            (
                vec![("pg-east", Ok(pg_primary(1)))],
                Unknown,
                "pg-west was not looked at yet",
            ),
        ],
    );
}

#[test]
fn redis_roles_and_keys() {
    let one = |sight| vec![("redis-west", Ok(sight))];
    let of: TargetId = "redis-west".into();
    check(
        Condition::Redis(RedisCondition::Role {
            of: of.clone(),
            is: RoleWord::Master,
        }),
        vec![
            (one(redis_master(1)), Yes, "redis-west is master"),
            (
                one(redis_replica(1, true)),
                No,
                "redis-west is replica of 10.0.0.1:6379",
            ),
        ],
    );
    check(
        Condition::Redis(RedisCondition::Keys { of, at_least: 402 }),
        vec![
            (one(redis_master(1)), Yes, "redis-west has 402 keys ≥ 402"),
            (
                one(redis_loading()),
                Unknown,
                "redis-west is loading its dataset",
            ),
        ],
    );
}

#[test]
fn the_master_is_the_address_all_sentinels_give_out_and_it_is_not_down() {
    let one = |change: &dyn Fn(&mut SentinelSight)| {
        let mut sight = sentinel_sight();
        change(&mut sight);
        vec![("sentinel", Ok(Sight::Sentinel(sight)))]
    };
    let is = |target: &str| {
        let (of, target) = ("sentinel".into(), target.into());
        Condition::Redis(RedisCondition::MasterIs { of, target })
    };
    check(
        is("redis-east"),
        vec![
            (
                one(&|_| ()),
                Yes,
                "sentinel gives out 10.0.0.1:6379 (redis-east)",
            ),
            (
                one(&|s| s.master = "10.0.0.2:6379".into()),
                No,
                "sentinel gives out 10.0.0.2:6379, not redis-east",
            ),
            (
                one(&|s| s.agreed = false),
                No,
                "the Sentinels of sentinel disagree",
            ),
            (
                one(&|s| s.flags.push("o_down".into())),
                No,
                "sentinel gives out 10.0.0.1:6379, which is down (redis-east)",
            ),
        ],
    );
    // A name against a number has to be resolved: that is the system's to do.
    assert_eq!(judged(&is("redis-west"), one(&|_| ()), 1), None);
    let by_name = one(&|s| s.master = "cache-west:6379".into());
    let found = judged(&is("redis-west"), by_name, 1).unwrap();
    assert_eq!(found.0, Yes);
}

#[test]
fn health_and_regions() {
    let api = |sight: Value| vec![("api-west", sight)];
    check(
        Condition::Healthy {
            target: "api-west".into(),
        },
        vec![
            (
                api(Ok(http(200, true))),
                Yes,
                "api-west answers 200, database.status ok",
            ),
            (
                api(Ok(http(503, false))),
                No,
                "api-west answers 503, database.status down",
            ),
            (
                api(refused()),
                Unknown,
                "api-west: connect: connection refused",
            ),
        ],
    );
    let west = |pg: Value, api: Value| {
        vec![
            ("pg-west", pg),
            ("redis-west", Ok(redis_replica(1, true))),
            ("api-west", api),
        ]
    };
    let standby = || Ok(pg_standby(1, None));
    check(
        Condition::Region {
            healthy: "west".into(),
        },
        vec![
            (west(standby(), Ok(http(200, true))), Yes, "west 3/3"),
            (
                west(standby(), Ok(http(503, false))),
                No,
                "west 2/3: api-west 503",
            ),
            (
                west(refused(), Ok(http(503, false))),
                No,
                "west 1/3: pg-west: connect: connection refused, api-west 503",
            ),
            (
                vec![("pg-west", standby()), ("api-west", Ok(http(200, true)))],
                Unknown,
                "west 2/3: redis-west was not looked at yet",
            ),
        ],
    );
    check(
        Condition::Region {
            healthy: "north".into(),
        },
        vec![(vec![], Unknown, "north 0/0")],
    );
}

#[test]
fn backups_by_the_sites_rule_or_the_conditions() {
    let dump = |age: i64, checksum| vec![("dumps", Ok(files(Some(file(-age, 100, checksum)))))];
    let of = |id: &str, younger: Option<u64>, verified| Condition::Backup {
        of: id.into(),
        younger: younger.map(Duration::from_secs),
        verified,
    };
    check(
        of("dump", None, false),
        vec![
            (dump(3_599, Checksum::NotAsked), Yes, "dump 1 h 00 m < 25 h"),
            (dump(100_799, Checksum::NotAsked), No, "dump 1 d 4 h ≥ 25 h"),
            (
                vec![("dumps", Ok(files(None)))],
                No,
                "dump: there is no complete backup",
            ),
            (
                dump(-60, Checksum::Right),
                Unknown,
                "dump: app.dump is dated in the future",
            ),
            (
                vec![("dumps", failure(FailureKind::Missing))],
                Unknown,
                "dumps: connect: connection refused",
            ),
        ],
    );
    check(
        of("dump", Some(60), true),
        vec![
            (
                dump(9, Checksum::Right),
                Yes,
                "dump 10.0 s < 1 m, checksum right",
            ),
            (
                dump(9, Checksum::Wrong),
                No,
                "dump 10.0 s < 1 m, checksum wrong",
            ),
            (
                dump(9, Checksum::Missing),
                No,
                "dump 10.0 s < 1 m, no checksum",
            ),
            (
                dump(9, Checksum::Pending),
                Unknown,
                "dump 10.0 s < 1 m, checksum being computed",
            ),
            (dump(99, Checksum::Pending), No, "dump 1 m 40 s ≥ 1 m"),
        ],
    );
    let read = |proof: Proof, gap: Option<&str>| {
        let Sight::Files(seen) = files(Some(file(-9, 100, Checksum::Right))) else {
            unreachable!()
        };
        let gap = gap.map(str::to_owned);
        vec![("dumps", Ok(Sight::Files(FilesSight { proof, gap, ..seen })))]
    };
    // A checksum says that it is what was written; only reading it says that it is a backup.
    check(
        of("dump", Some(60), true),
        vec![
            (
                read(Proof::Whole, None),
                Yes,
                "dump 10.0 s < 1 m, read through",
            ),
            (
                read(Proof::Pending, None),
                Unknown,
                "dump 10.0 s < 1 m, being read through",
            ),
            (
                read(Proof::Damaged("end of file".into()), None),
                No,
                "dump 10.0 s < 1 m, damaged: end of file",
            ),
            (
                read(Proof::Unread("no such program".into()), None),
                No,
                "dump 10.0 s < 1 m, not read through: no such program",
            ),
            (
                read(Proof::Whole, Some("2 is missing")),
                No,
                "dump 10.0 s < 1 m, 2 is missing",
            ),
        ],
    );
    check(
        of("cache", None, false),
        vec![(vec![], Unknown, "cache: none is intended")],
    );
    check(
        of("tapes", None, false),
        vec![(vec![], Unknown, "tapes is no backup of this site")],
    );
}

#[test]
fn the_objective_needs_a_clock_that_runs() {
    let condition = Condition::Objective {
        rto_left: Duration::from_secs(600),
    };
    let table = [
        (None, Unknown, "no recovery time is running"),
        (Some(2_249), Yes, "RTO 37 m 29 s left ≥ 10 m"),
        (Some(90), No, "RTO 1 m 30 s left < 10 m"),
    ];
    for (left, holds, saw) in table {
        let left = left.map(Duration::from_secs);
        let verdict = from_sights(&condition, &seen(vec![]), &whole_site(), left, &at(1)).unwrap();
        assert_eq!((verdict.holds, verdict.saw.as_str()), (holds, saw));
    }
}

#[test]
fn what_needs_a_question_of_its_own_is_left_to_the_systems() {
    let target = || TargetId::from("pg-east");
    let sum = Condition::Sum {
        file: "/x".into(),
        sha256: None,
    };
    let fenced = Condition::Postgres(PgCondition::Fenced { target: target() });
    for condition in [sum, fenced] {
        assert_eq!(judged(&condition, vec![], 1), None, "{condition:?}");
    }
}

#[test]
fn a_condition_names_the_targets_it_is_judged_by() {
    let table = [
        (lag_of("pg-west", 30, None), vec!["pg-west", "pg-east"]),
        (
            Condition::Region {
                healthy: "west".into(),
            },
            vec!["pg-west", "redis-west", "api-west"],
        ),
        (
            Condition::Backup {
                of: "dump".into(),
                younger: None,
                verified: true,
            },
            vec!["dumps"],
        ),
        (
            Condition::Backup {
                of: "cache".into(),
                younger: None,
                verified: true,
            },
            vec![],
        ),
        (
            Condition::Healthy {
                target: "api-west".into(),
            },
            vec!["api-west"],
        ),
        (Condition::Objective { rto_left: HOUR }, vec![]),
    ];
    for (condition, targets) in table {
        let found = targets_of(&condition, &whole_site());
        let found: Vec<&str> = found.iter().map(TargetId::as_str).collect();
        assert_eq!(found, targets, "{condition:?}");
    }
}
