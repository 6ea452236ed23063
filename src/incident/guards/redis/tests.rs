//! Each guard red by itself.

use std::time::Duration;

use super::*;
use crate::incident::clean::Clean;
use crate::incident::judge::sights::{redis_master, redis_replica, sentinel_sight};
use crate::incident::reading::{Failure, FailureKind, HostWord};
use crate::incident::replication::LastKnown;
use crate::incident::site::Link;

fn now() -> Now {
    Now {
        wall: chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        boot: Duration::from_secs(100_000),
        boot_id: "boot".into(),
    }
}

fn reading(value: Result<Sight, Failure>) -> Reading {
    let at = now();
    let host = None;
    Reading { at, value, host }
}

fn refused() -> Result<Sight, Failure> {
    Err(Failure::new(
        FailureKind::Refused,
        "redis-east (h:6379)",
        "refused",
        "",
    ))
}

fn red(guards: &[Guard]) -> Vec<(&str, &str)> {
    let red = guards
        .iter()
        .filter(|guard| guard.verdict.holds != Holds::Yes);
    red.map(|guard| (guard.name.as_str(), guard.verdict.saw.as_str()))
        .collect()
}

#[test]
fn a_failover_by_sentinels() {
    type Change = fn(&mut SentinelSight);
    let within = || Verdict::measured(true, "within");
    type Red = &'static [(&'static str, &'static str)];
    let table: [(Change, Vec<Verdict>, Red); 8] = [
        (|_| {}, vec![within()], &[]),
        (
            |seen| seen.agreed = false,
            vec![within()],
            &[("Sentinels agree", "not all of 3 say 10.0.0.1:6379")],
        ),
        (
            |seen| (seen.can_fail_over, seen.answered) = (false, 1),
            vec![within()],
            &[("quorum", "1 of 3 answer, quorum 2")],
        ),
        (
            |seen| seen.replicas_ok = 0,
            vec![within()],
            &[("a usable replica", "0 of 1 usable")],
        ),
        (
            |seen| seen.flags.push("failover_in_progress".into()),
            vec![within()],
            &[(
                "nothing under way",
                "the master is master, failover_in_progress",
            )],
        ),
        (
            |_| {},
            vec![within(), Verdict::measured(false, "over")],
            &[("loss known and under its gate", "over")],
        ),
        (
            |_| {},
            vec![],
            &[(
                "loss known and under its gate",
                "the master 10.0.0.1:6379 is no target of the site: what would be lost can't be known",
            )],
        ),
        (
            |seen| seen.master_target = Some("redis-east".into()),
            vec![],
            &[(
                "loss known and under its gate",
                "no link of the site begins at redis-east: what would be lost can't be known",
            )],
        ),
    ];
    for (change, losses, wanted) in table {
        let mut seen = sentinel_sight();
        change(&mut seen);
        let reading = reading(Ok(Sight::Sentinel(seen)));
        let guards = failover((&"sentinel".into(), Some(&reading)), losses, &now());
        assert_eq!(red(&guards), wanted);
    }
    let silent = reading(refused());
    let guards = failover((&"sentinel".into(), Some(&silent)), vec![within()], &now());
    assert_eq!(red(&guards).len(), guards.len(), "{guards:?}");
}

/// The old master died at 5,000 bytes, and its host has stopped it for good.
fn dead_and_fenced() -> Reading {
    let mut dead = reading(refused());
    dead.host = Some(HostWord {
        fenced: true,
        stopped_at: Some(now().wall),
        said: Clean::new("stopped"),
    });
    dead
}

#[test]
fn a_promotion_past_the_sentinels() {
    let link = Link {
        id: "redis".into(),
        from: "redis-east".into(),
        to: "redis-west".into(),
        target: Duration::from_secs(1),
        gate: Duration::from_secs(30),
        gate_bytes: None,
    };
    let known = LastKnown {
        lsn: crate::incident::measure::Lsn(5_000),
        at: now().wall,
        system: "one".into(),
        timeline: 0,
    };
    let judged = |master: Reading, replica: Sight, watchers: &[TargetId]| {
        let replica = reading(Ok(replica));
        let facts = PromotionFacts {
            now: &now(),
            link: &link,
            interval: Duration::from_secs(2),
            standby: Some(&replica),
            primary: Some(&master),
            last_known: Some(&known),
            rpo: None,
            last_promotion: None,
        };
        let guards = promotion(&facts, watchers);
        let red = red(&guards).into_iter();
        red.map(|(name, saw)| (name.to_owned(), saw.to_owned()))
            .collect::<Vec<_>>()
    };
    let follows = || redis_replica(5_000, false);
    let names =
        |red: Vec<(String, String)>| red.into_iter().map(|(name, _)| name).collect::<Vec<_>>();

    assert_eq!(judged(dead_and_fenced(), follows(), &[]), []);
    assert_eq!(
        judged(dead_and_fenced(), follows(), &["sentinel".into()]),
        [(
            "no Sentinel watches".to_owned(),
            "sentinel watches this pair and would undo it: use redis.failover".to_owned()
        )]
    );
    assert_eq!(
        names(judged(reading(refused()), follows(), &[])),
        ["old master fenced"],
        "unreachable is not fenced"
    );
    assert_eq!(
        names(judged(
            reading(Ok(redis_master(5_000))),
            redis_replica(5_000, true),
            &[]
        )),
        ["old master fenced"]
    );
    assert!(
        names(judged(dead_and_fenced(), redis_master(5_000), &[]))
            .contains(&"still a replica".into())
    );
}
