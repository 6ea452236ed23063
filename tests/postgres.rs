//! A failover as it is really seen: from an idle pair and its first frozen process to the swapped roles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Duration;

use chrono::Utc;
use common::lab::Lab;
use common::pg::{asked, done, east, failed, perform, session, west};
use tokio::time::sleep;
use warroom::incident::acts::postgres::{PgAct, PgCondition};
use warroom::incident::guards::{PromotionFacts, promotion, refuses};
use warroom::incident::judge::Standing;
use warroom::incident::measure::Lag;
use warroom::incident::now::Now;
use warroom::incident::reading::{FailureKind, Holds, Outcome, Reading};
use warroom::incident::replication::{End, Known, LinkHistory, LinkState, LinkVital};
use warroom::incident::site::Link;
use warroom::systems::System;
use warroom::systems::postgres::Postgres;

const SECOND: Duration = Duration::from_secs(1);

fn now() -> Now {
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Now {
        wall: Utc::now(),
        boot: boot.try_into().unwrap(),
        boot_id: "this boot".into(),
    }
}

fn link() -> Link {
    Link {
        id: "pg".into(),
        from: "pg-east".into(),
        to: "pg-west".into(),
        target: 5 * SECOND,
        gate: 30 * SECOND,
        gate_bytes: None,
    }
}

/// Both ends of the lab's link, and what was seen of them.
struct Pair {
    east: Postgres,
    west: Postgres,
    history: LinkHistory,
    readings: Option<(Reading, Reading)>,
}

async fn read(server: &Postgres) -> Reading {
    let at = now();
    let seen = server.observe().await;
    Reading {
        at,
        value: seen.value,
        host: seen.host,
    }
}

impl Pair {
    fn new(lab: &Lab) -> Self {
        Pair {
            history: LinkHistory::between(&lab.postgres("pg-east"), &lab.postgres("pg-west")),
            east: Postgres::new(&lab.postgres("pg-east")),
            west: Postgres::new(&lab.postgres("pg-west")),
            readings: None,
        }
    }

    /// Looks at both ends once, as the watch loop does.
    async fn look(&mut self) -> LinkVital {
        let (from, to) = tokio::join!(read(&self.east), read(&self.west));
        self.history.observe(End::From, &from);
        self.history.observe(End::To, &to);
        let vital = self.history.vital(&link(), Some(&from), Some(&to), &now());
        self.readings = Some((from, to));
        vital
    }

    /// Looks every 400 ms until what is seen is as wanted.
    async fn until(&mut self, what: &str, wanted: impl Fn(&LinkVital) -> bool) -> LinkVital {
        for _ in 0..100 {
            let vital = self.look().await;
            if wanted(&vital) {
                return vital;
            }
            sleep(2 * SECOND / 5).await;
        }
        panic!("never seen: {what}; last: {:?}", self.look().await)
    }

    fn kind_of_east(&self) -> Option<FailureKind> {
        let (from, _) = self.readings.as_ref()?;
        from.value.as_ref().err().map(|failure| failure.kind)
    }

    fn refusing(&self) -> Vec<String> {
        let (from, to) = self.readings.as_ref().unwrap();
        let last_known = self.history.last_known();
        let now = now();
        let guards = promotion(&PromotionFacts {
            now: &now,
            link: &link(),
            interval: SECOND,
            standby: Some(to),
            primary: Some(from),
            last_known: last_known.as_ref(),
            rpo: Some(300 * SECOND),
            last_promotion: None,
        });
        refuses(&guards).iter().map(|g| g.name.clone()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_pair_is_in_sync_and_a_frozen_receiver_is_cut_off() {
    let lab = Lab::up();
    let mut pair = Pair::new(&lab);
    for _ in 0..12 {
        let vital = pair.look().await;
        assert_eq!(
            (vital.lag, vital.standing),
            (Some(Lag(Duration::ZERO)), Standing::Fine),
            "{vital:?}"
        );
        sleep(SECOND).await;
    }
    lab.cmd(&["traffic", "start"]);
    let fine = pair.until("traffic", |v| v.lag.is_some()).await;
    assert_eq!(fine.standing, Standing::Fine);

    let admin = session(&lab, "pg-west", "postgres", "app").await;
    let row = admin
        .query_one("SELECT pid FROM pg_stat_wal_receiver", &[])
        .await;
    let receiver = rustix::process::Pid::from_raw(row.unwrap().get(0)).unwrap();
    rustix::process::kill_process(receiver, rustix::process::Signal::STOP).unwrap();
    // The lag tells it at once, the state when silence can't be chance any more.
    let lagging = |v: &LinkVital| v.state == LinkState::Streaming && v.lag > Some(Lag(3 * SECOND));
    pair.until("a growing lag", lagging).await;
    let cut = pair
        .until("cut off", |v| v.state == LinkState::CutOff)
        .await;
    assert!(cut.lag > Some(Lag(14 * SECOND)), "{cut:?}");
    assert!(cut.words.starts_with("cut off 1"), "{}", cut.words);
    rustix::process::kill_process(receiver, rustix::process::Signal::CONT).unwrap();
    pair.until("caught up", |v| v.standing == Standing::Fine)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failover_from_the_first_silence_to_swapped_roles() {
    let lab = Lab::up();
    let mut pair = Pair::new(&lab);
    lab.cmd(&["traffic", "start"]);
    pair.until("traffic", |v| v.standing == Standing::Fine)
        .await;
    assert_eq!(pair.refusing(), ["old primary fenced"]);

    // Replay paused: seen, and no promotion.
    let admin = session(&lab, "pg-west", "postgres", "app").await;
    admin
        .batch_execute("SELECT pg_wal_replay_pause()")
        .await
        .unwrap();
    let two = |v: &LinkVital| v.lag > Some(Lag(2 * SECOND));
    let paused = pair.until("paused for 2 s", two).await;
    assert_eq!(paused.state, LinkState::Paused);
    assert_eq!(pair.refusing(), ["replay running", "old primary fenced"]);
    let refused = perform(&pair.west, PgAct::Promote { target: west() }).await;
    assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
    admin
        .batch_execute("SELECT pg_wal_replay_resume()")
        .await
        .unwrap();
    pair.until("caught up", |v| v.standing == Standing::Fine)
        .await;

    // Frozen: it accepts connections, and only the deadline finds it.
    lab.cmd(&["freeze", "pg-east"]);
    let silent = pair.look().await;
    assert_eq!(silent.state, LinkState::PrimarySilent);
    assert_eq!(pair.kind_of_east(), Some(FailureKind::TimedOut));
    assert!(pair.refusing().contains(&"old primary fenced".to_owned()));
    lab.cmd(&["thaw", "pg-east"]);
    pair.until("thawed", |v| v.standing == Standing::Fine).await;

    // Killed: last known, and it does not grow.
    lab.cmd(&["kill", "pg-east"]);
    let first = pair
        .until("killed", |v| v.state == LinkState::PrimarySilent)
        .await;
    assert_eq!(pair.kind_of_east(), Some(FailureKind::Refused));
    sleep(2 * SECOND).await;
    let later = pair.look().await;
    assert_eq!(later.loss.known, Known::LastKnown);
    assert!(later.lag <= first.lag.map(|l| Lag(l.0 + SECOND)));
    let (holds, saw) = asked(&pair.east, PgCondition::Fenced { target: east() }).await;
    assert_eq!(holds, Holds::No, "{saw}");

    // Fenced: proven, and the loss is frozen.
    let said = done(perform(&pair.east, PgAct::Fence { target: east() }).await);
    assert!(said.starts_with("pg-east is fenced: stopped at "), "{said}");
    assert_eq!(
        asked(&pair.east, PgCondition::Fenced { target: east() })
            .await
            .0,
        Holds::Yes
    );
    let frozen = pair.look().await;
    assert_eq!(
        (frozen.state, frozen.loss.known),
        (LinkState::PrimaryStopped, Known::Frozen)
    );
    assert!(frozen.lag < Some(Lag(5 * SECOND)), "{frozen:?}");
    sleep(SECOND).await;
    assert_eq!(pair.look().await.loss, frozen.loss);
    assert_eq!(pair.refusing(), Vec::<String>::new());

    // Promoted, once.
    let said = done(perform(&pair.west, PgAct::Promote { target: west() }).await);
    assert!(
        said.starts_with("pg-west is the primary, on timeline 2 (was 1)"),
        "{said}"
    );
    done(perform(&pair.west, PgAct::Checkpoint { target: west() }).await);
    let again = failed(perform(&pair.west, PgAct::Promote { target: west() }).await);
    assert!(
        again.contains("already a primary that takes writes on timeline 2"),
        "{again}"
    );
    let promoted = pair.look().await;
    assert_eq!(promoted.state, LinkState::Promoted, "{promoted:?}");
    assert_eq!(promoted.words, "promoted, timeline 2; pg-east is stopped");
    assert_eq!(
        asked(&pair.west, PgCondition::Writable { target: west() })
            .await
            .0,
        Holds::Yes
    );

    // The old primary comes back as if nothing had happened, then as a standby.
    done(perform(&pair.east, PgAct::Unfence { target: east() }).await);
    lab.cmd(&["start", "pg-east"]);
    assert_eq!(pair.look().await.state, LinkState::BothWritable);
    lab.cmd(&["stop", "pg-east"]);
    lab.cmd(&["rejoin", "pg-east"]);
    let back = |v: &LinkVital| v.state == LinkState::Reversed && v.lag < Some(Lag(5 * SECOND));
    let back = pair.until("swapped roles", back).await;
    assert!(back.words.starts_with("reversed: "), "{}", back.words);
    let (holds, saw) = asked(&pair.east, PgCondition::Fenced { target: east() }).await;
    assert_eq!(
        (holds, saw.as_str()),
        (Holds::Yes, "pg-east is a standby on timeline 2")
    );
}
