//! Lag: the situations in which the usual queries lie.

use super::*;
use crate::incident::clean::Clean;
use crate::incident::reading::HostWord;

/// A primary that does not answer, and what its host says: when it stopped.
fn silent(stopped_at: Option<i64>) -> Reading {
    let word = |second| HostWord {
        fenced: true,
        stopped_at: Some(wall(second)),
        said: Clean::new("stopped"),
    };
    Reading {
        host: stopped_at.map(word),
        ..reading(0, refused())
    }
}

#[test]
fn postgres_lag_is_none_at_the_same_position_and_else_at_most_the_last_commits_age() {
    let pair = |primary, standby| vec![("pg-east", Ok(primary)), ("pg-west", Ok(standby))];
    check(
        lag_of("pg-west", 30, None),
        vec![
            (
                pair(pg_primary(900), pg_standby(900, Some(3_600))),
                Yes,
                "lag of pg-west 0 ms < 30 s",
            ),
            (
                pair(pg_primary(948), pg_standby(900, Some(7))),
                Yes,
                "lag of pg-west 7.0 s < 30 s",
            ),
            (
                pair(pg_primary(948), pg_standby(900, Some(45))),
                No,
                "lag of pg-west 45.0 s ≥ 30 s",
            ),
            (
                pair(pg_primary(948), pg_standby(900, None)),
                Unknown,
                "lag of pg-west: it has replayed no commit yet",
            ),
            (
                pair(pg_primary(9), pg_primary(9)),
                Unknown,
                "pg-west is a primary",
            ),
            (
                pair(pg_standby(9, None), pg_standby(9, None)),
                Unknown,
                "pg-east is a standby too",
            ),
            (
                pair(other_timeline(9), pg_standby(9, Some(0))),
                Unknown,
                "pg-east and pg-west are not on one timeline",
            ),
            (
                vec![("pg-east", Ok(pg_primary(9)))],
                Unknown,
                "pg-west was not looked at yet",
            ),
        ],
    );
    check(
        lag_of("pg-west", 30, Some(64_000)),
        vec![
            (
                pair(pg_primary(33_000), pg_standby(1_000, Some(2))),
                Yes,
                "lag of pg-west 2.0 s < 30 s, 32 kB < 64 kB",
            ),
            (
                pair(pg_primary(90_000), pg_standby(1_000, Some(2))),
                No,
                "lag of pg-west 2.0 s < 30 s, 89 kB ≥ 64 kB",
            ),
        ],
    );
}

#[test]
fn a_silent_primary_makes_a_growing_bound_until_its_stop_is_proven() {
    let table = [
        (
            "12 s since the last commit",
            12,
            None,
            None,
            Yes,
            "lag of pg-west 12.0 s < 30 s",
        ),
        (
            "60 s, and nobody knows",
            60,
            None,
            None,
            Unknown,
            "lag of pg-west at most 1 m 00 s, pg-east is silent; limit 30 s",
        ),
        (
            "60 s, but it stopped 4 s after the commit",
            60,
            Some(-56),
            None,
            Yes,
            "lag of pg-west 4.0 s < 30 s",
        ),
        (
            "60 s, and it stopped 50 s after the commit",
            60,
            Some(-10),
            None,
            No,
            "lag of pg-west 50.0 s ≥ 30 s",
        ),
        (
            "bytes asked",
            12,
            None,
            Some(9),
            Unknown,
            "lag of pg-west 12.0 s < 30 s, bytes unknown: pg-east is silent",
        ),
    ];
    for (what, behind, stopped, bytes, holds, saw) in table {
        let mut sights = seen(vec![("pg-west", Ok(pg_standby(900, Some(behind))))]);
        sights.insert("pg-east".into(), silent(stopped));
        let condition = lag_of("pg-west", 30, bytes);
        let verdict = from_sights(&condition, &sights, &whole_site(), None, &at(1)).unwrap();
        assert_eq!(
            (verdict.holds, verdict.saw.as_str()),
            (holds, saw),
            "{what}"
        );
    }
}

#[test]
fn redis_lag_is_the_difference_of_offsets() {
    let pair = |master, replica| vec![("redis-east", master), ("redis-west", Ok(replica))];
    let foreign = || {
        let Sight::Redis(mut sight) = redis_master(9) else {
            unreachable!()
        };
        sight.replid = "two".into();
        Ok(Sight::Redis(sight))
    };
    check(
        lag_of("redis-west", 5, None),
        vec![
            (
                pair(Ok(redis_master(9)), redis_replica(9, true)),
                Yes,
                "lag of redis-west 0 ms < 5 s",
            ),
            (
                pair(Ok(redis_master(99)), redis_replica(9, true)),
                Yes,
                "lag of redis-west 3.0 s < 5 s",
            ),
            (
                pair(Ok(redis_master(99)), redis_replica(9, false)),
                No,
                "lag of redis-west 41.0 s ≥ 5 s",
            ),
            (
                pair(refused(), redis_replica(9, false)),
                Unknown,
                "lag of redis-west at most 41.0 s, redis-east is silent; limit 5 s",
            ),
            (
                pair(foreign(), redis_replica(9, true)),
                Unknown,
                "redis-west does not follow the history of redis-east",
            ),
            (
                pair(Ok(redis_master(9)), redis_master(9)),
                Unknown,
                "redis-west is a master",
            ),
        ],
    );
}

#[test]
fn a_worse_lag_has_a_higher_badness() {
    let of = |behind| {
        let values = vec![
            ("pg-east", Ok(pg_primary(948))),
            ("pg-west", Ok(pg_standby(900, Some(behind)))),
        ];
        let verdict = from_sights(
            &lag_of("pg-west", 30, None),
            &seen(values),
            &whole_site(),
            None,
            &at(1),
        );
        verdict.unwrap().badness
    };
    assert_eq!((of(7), of(45)), (Some(7_000), Some(45_000)));
}
