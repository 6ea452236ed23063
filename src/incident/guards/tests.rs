//! Each guard red by itself, and what an override covers.

use super::super::acts::postgres::{PgPrimary, PgStandby};
use super::super::clean::Clean;
use super::super::measure::Lsn;
use super::super::reading::{Failure, FailureKind, HostWord};
use super::*;

/// What stands; the default is a promotion that nothing refuses: the primary died and is fenced.
#[derive(Clone)]
struct World {
    standby: Option<Reading>,
    primary: Option<Reading>,
    known: Option<LastKnown>,
    rpo: Option<Duration>,
    promoted: Option<u64>,
    gate_bytes: Option<u64>,
}

fn now() -> Now {
    Now {
        wall: ago(0),
        boot: Duration::from_secs(100_000),
        boot_id: "boot".into(),
    }
}

fn ago(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_800_000_000_000 - millis).unwrap()
}

fn read(millis_ago: u64, timeline: u32, role: PgRole) -> Reading {
    let at = Now {
        wall: ago(i64::try_from(millis_ago).unwrap()),
        boot: now().boot - Duration::from_millis(millis_ago),
        ..now()
    };
    let clock = at.wall;
    Reading {
        at,
        value: Ok(Sight::Postgres(PgSight {
            system_id: 7,
            timeline,
            version: 150_018,
            clock,
            default_read_only: false,
            heartbeat: None,
            role,
        })),
        host: None,
    }
}

fn standby(millis_ago: u64, timeline: u32, change: impl Fn(&mut PgStandby)) -> Option<Reading> {
    let mut standby = PgStandby {
        receive: Some(Lsn(5_000)),
        replay: Some(Lsn(5_000)),
        replay_paused: false,
        last_commit: Some(ago(20_500)),
        receiving: false,
        last_message_age: None,
        told: None,
    };
    change(&mut standby);
    Some(read(millis_ago, timeline, PgRole::Standby(standby)))
}

fn primary(backup_running: bool) -> Option<Reading> {
    let primary = PgPrimary {
        lsn: Lsn(5_000),
        replicas: vec![],
        backup_running,
        archived_at: None,
        archive_failing: false,
    };
    Some(read(500, 1, PgRole::Primary(primary)))
}

fn silent(millis_ago: u64, fenced: Option<bool>) -> Option<Reading> {
    let mut reading = primary(false)?;
    reading.at.boot = now().boot - Duration::from_millis(millis_ago);
    let refused = Failure::new(FailureKind::Refused, "pg-east (h:5432)", "refused", "");
    reading.value = Err(refused);
    reading.host = fenced.map(|fenced| HostWord {
        fenced,
        stopped_at: fenced.then(|| ago(20_000)),
        said: Clean::new("its own words"),
    });
    Some(reading)
}

fn dead_and_fenced() -> World {
    World {
        standby: standby(500, 1, |_| {}),
        primary: silent(500, Some(true)),
        known: Some(LastKnown {
            lsn: Lsn(5_000),
            at: ago(21_000),
            system: "7".into(),
            timeline: 1,
        }),
        rpo: Some(Duration::from_secs(300)),
        promoted: None,
        gate_bytes: None,
    }
}

fn judged(world: &World) -> Vec<Guard> {
    let link = Link {
        id: "pg".into(),
        from: "pg-east".into(),
        to: "pg-west".into(),
        target: Duration::from_secs(5),
        gate: Duration::from_secs(30),
        gate_bytes: world.gate_bytes,
    };
    let now = now();
    promotion(&PromotionFacts {
        now: &now,
        link: &link,
        interval: Duration::from_secs(1),
        standby: world.standby.as_ref(),
        primary: world.primary.as_ref(),
        last_known: world.known.as_ref(),
        rpo: world.rpo,
        last_promotion: world
            .promoted
            .map(|s| ago(i64::try_from(s * 1_000).unwrap())),
    })
}

const LOSS: &str = "loss known and under its gate";
const FENCED: &str = "old primary fenced";
const TIMELINE: &str = "same timeline";
const REPLAY: &str = "replay running";
const BACKUP: &str = "no backup running";

#[test]
fn each_guard_refuses_by_its_name() {
    let fine = dead_and_fenced();
    let with = |change: &dyn Fn(&mut World)| {
        let mut world = fine.clone();
        change(&mut world);
        world
    };
    let table: [(&str, World, &[&str]); 15] = [
        ("nothing", fine.clone(), &[]),
        (
            "old reading",
            with(&|w| w.standby = standby(10_500, 1, |_| {})),
            &["readings fresh", LOSS],
        ),
        (
            "old proof",
            with(&|w| w.primary = silent(10_500, Some(true))),
            &["readings fresh", LOSS],
        ),
        (
            "no reading",
            with(&|w| w.primary = None),
            &["readings fresh", LOSS, BACKUP, FENCED],
        ),
        ("never seen", with(&|w| w.known = None), &[TIMELINE]),
        (
            "5 kB too many",
            with(&|w| {
                w.gate_bytes = Some(4_000);
                w.known.as_mut().unwrap().lsn = Lsn(10_000);
            }),
            &[LOSS],
        ),
        (
            "over the gate",
            with(&|w| {
                w.standby = standby(500, 1, |s| {
                    s.last_commit = Some(ago(51_000));
                    s.replay = Some(Lsn(4_000));
                });
            }),
            &[LOSS],
        ),
        (
            "over the RPO",
            with(&|w| w.rpo = Some(Duration::from_millis(400))),
            &[LOSS],
        ),
        (
            "replay unknown",
            with(&|w| w.standby = standby(500, 1, |s| s.replay = None)),
            &[LOSS],
        ),
        (
            "other timeline",
            with(&|w| w.standby = standby(500, 2, |_| {})),
            &[LOSS, TIMELINE],
        ),
        (
            "paused",
            with(&|w| w.standby = standby(500, 1, |s| s.replay_paused = true)),
            &[REPLAY],
        ),
        ("alive", with(&|w| w.primary = primary(false)), &[FENCED]),
        (
            "alive, backup",
            with(&|w| w.primary = primary(true)),
            &[BACKUP, FENCED],
        ),
        (
            "unreachable is not fenced",
            with(&|w| w.primary = silent(500, None)),
            &[BACKUP, FENCED],
        ),
        (
            "the host says no",
            with(&|w| w.primary = silent(500, Some(false))),
            &[BACKUP, FENCED],
        ),
    ];
    for (what, world, names) in table {
        let guards = judged(&world);
        let refusing: Vec<_> = refuses(&guards).iter().map(|g| g.name.as_str()).collect();
        assert_eq!(refusing, names, "{what}: {guards:#?}");
    }
}

#[test]
fn two_writers_and_a_recent_promotion_refuse() {
    let mut world = dead_and_fenced();
    world.promoted = Some(3_599);
    assert_eq!(
        refuses(&judged(&world))[0].name,
        "no promotion within the hour"
    );
    world.promoted = Some(3_600);
    assert!(refuses(&judged(&world)).is_empty());
    world.primary = primary(false);
    world.standby = primary(false);
    let guards = judged(&world);
    assert!(
        refuses(&guards)
            .iter()
            .any(|g| g.name == "one side writable")
    );
}

#[test]
fn the_loss_of_a_proven_stop_is_what_was_committed_after_the_last_replay() {
    let guards = judged(&dead_and_fenced());
    let loss = guards.iter().find(|g| g.name == LOSS).unwrap();
    assert_eq!(
        loss.verdict.saw.as_str(),
        "loss of pg-west ≤ 500 ms, 0 B, within 30.0 s"
    );
    let dns = guards.iter().find(|g| g.name == "DNS TTL").unwrap();
    assert_eq!(dns.verdict.saw.as_str(), "not configured");
}

#[test]
fn an_override_covers_what_it_named_at_the_value_it_had() {
    let red = |name: &str, badness| Guard {
        name: name.into(),
        verdict: Verdict {
            badness,
            ..Verdict::measured(false, "red")
        },
    };
    let unknown = |name: &str| Guard {
        name: name.into(),
        verdict: Verdict::unknown("?"),
    };
    let overridden = [
        (LOSS.to_owned(), red(LOSS, Some(40_000)).verdict),
        (FENCED.to_owned(), unknown(FENCED).verdict),
    ];
    let table = [
        (vec![red(LOSS, Some(40_000)), unknown(FENCED)], true),
        (vec![red(LOSS, Some(39_000))], true),
        (vec![red(LOSS, Some(40_001))], false),
        (vec![unknown(LOSS)], false),
        (vec![red(FENCED, None)], false),
        (vec![red(LOSS, Some(1)), red(REPLAY, None)], false),
        (vec![], true),
    ];
    for (now, covered) in table {
        assert_eq!(still_covered(&overridden, &now), covered, "{now:?}");
    }
}
