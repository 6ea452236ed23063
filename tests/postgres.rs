//! PostgreSQL as it really behaves: a failover seen from its first frozen process to the swapped roles, and every act.

mod common;

use std::time::Duration;

use chrono::Utc;
use common::lab::Lab;
use tokio::time::sleep;
use tokio_postgres::{Client, Config, NoTls};
use warroom::incident::acts::postgres::{PgAct, PgCondition, PgRole, PgSight};
use warroom::incident::acts::{Act, Condition};
use warroom::incident::guards::{PromotionFacts, promotion, refuses};
use warroom::incident::judge::Standing;
use warroom::incident::measure::Lag;
use warroom::incident::now::Now;
use warroom::incident::reading::{FailureKind, Holds, Observation, Outcome, Reading, Sight};
use warroom::incident::replication::{End, Known, LinkHistory, LinkState, LinkVital};
use warroom::incident::site::{Endpoint, Link, PgEndpoint, SecretRef, Target, Tls};
use warroom::systems::postgres::Postgres;
use warroom::systems::{Output, System};

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
            east: Postgres::new(&lab.postgres("pg-east")),
            west: Postgres::new(&lab.postgres("pg-west")),
            history: LinkHistory::new(SECOND),
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

async fn perform(server: &Postgres, act: PgAct) -> Outcome {
    let (out, _lines) = Output::new();
    server.perform(&Act::Postgres(act), &out).await
}

#[track_caller]
fn done(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done { said } => said.to_string(),
        other => panic!("not done: {other:?}"),
    }
}

#[track_caller]
fn failed(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { failure, .. } => failure.to_string(),
        other => panic!("not failed: {other:?}"),
    }
}

async fn asked(server: &Postgres, condition: PgCondition) -> (Holds, String) {
    let verdict = server.holds(&Condition::Postgres(condition)).await.unwrap();
    (verdict.holds, verdict.saw.to_string())
}

fn sight(seen: &Observation) -> &PgSight {
    match &seen.value {
        Ok(Sight::Postgres(sight)) => sight,
        other => panic!("no sight: {other:?}"),
    }
}

/// A connection of somebody else's.
async fn session(lab: &Lab, server: &str, user: &str, dbname: &str) -> Client {
    let file = match user {
        "postgres" => "secrets/pg-admin",
        _ => "secrets/pg-app",
    };
    let password = std::fs::read_to_string(lab.path(file)).unwrap();
    let (client, connection) = Config::new()
        .host("127.0.0.1")
        .port(lab.port(server))
        .user(user)
        .dbname(dbname)
        .password(password.trim())
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

fn east() -> warroom::incident::names::TargetId {
    "pg-east".into()
}

fn west() -> warroom::incident::names::TargetId {
    "pg-west".into()
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
    assert!(later.lag < Some(Lag(4 * SECOND)) && later.lag <= first.lag.map(|l| Lag(l.0 + SECOND)));
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
    assert!(
        frozen.lag < Some(Lag(SECOND)),
        "a heartbeat beats every 0.2 s: {frozen:?}"
    );
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

/// A target of the lab with another way in.
fn with(target: &Target, change: impl Fn(&mut PgEndpoint)) -> Postgres {
    let mut target = target.clone();
    if let Endpoint::Postgres(endpoint) = &mut target.endpoint {
        change(endpoint);
    }
    target.fence = None;
    Postgres::new(&target)
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_say_what_to_do_and_acts_say_what_they_did() {
    let lab = Lab::up();
    let target = lab.postgres("pg-east");

    let app = SecretRef::File(lab.path("secrets/pg-app"));
    let admin = SecretRef::File(lab.path("secrets/pg-admin"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = free.local_addr().unwrap().port();
    drop(free);
    let table = [
        (
            with(&target, |e| e.password = Some(app.clone())),
            FailureKind::Denied,
            "check user and password",
        ),
        (
            with(&target, |e| e.port = nobody),
            FailureKind::Refused,
            "nothing listens there",
        ),
        (
            with(&target, |e| e.heartbeat = Some("beats".into())),
            FailureKind::Missing,
            "CREATE TABLE beats",
        ),
        (
            with(&target, |e| e.dbname = "nowhere".into()),
            FailureKind::Missing,
            "check dbname",
        ),
        (
            with(&target, |e| e.tls = Tls::Verify),
            FailureKind::Tls,
            "tls = \"off\"",
        ),
        (
            with(&target, |e| e.host = "no-such-host.invalid".into()),
            FailureKind::Unreachable,
            "host's name",
        ),
        (
            with(&target, |e| {
                e.password = Some(SecretRef::Env("WARROOM_NOT_SET".into()))
            }),
            FailureKind::Local,
            "set it",
        ),
    ];
    for (server, kind, advice) in table {
        let failure = server.observe().await.value.unwrap_err();
        let sentence = failure.to_string();
        assert_eq!(failure.kind, kind, "{sentence}");
        assert!(
            sentence.contains(advice) && sentence.starts_with("pg-east ("),
            "{sentence}"
        );
    }

    // Who may not see replication sees that something is there, and nothing that looks like zero.
    let unprivileged = |e: &mut PgEndpoint| {
        e.user = "app".into();
        e.password = Some(app.clone());
    };
    let seen = with(&lab.postgres("pg-west"), unprivileged).observe().await;
    match &sight(&seen).role {
        PgRole::Standby(standby) => {
            assert_eq!((standby.receiving, standby.last_message_age), (true, None));
            assert!(standby.replay.is_some());
        }
        other => panic!("{other:?}"),
    }
    let seen = with(&target, unprivileged).observe().await;
    match &sight(&seen).role {
        PgRole::Primary(primary) => assert_eq!(primary.replicas[0].state, "unknown"),
        other => panic!("{other:?}"),
    }

    upkeep(
        &lab,
        &with(&target, |e| {
            e.user = "postgres".into();
            e.password = Some(admin.clone());
        }),
    )
    .await;
    soft_fence(&lab, &with(&target, |_| {})).await;
    row_counts(&lab, &Postgres::new(&target)).await;
}

async fn upkeep(lab: &Lab, admin: &Postgres) {
    let target = east();
    let table = |table: &str| PgAct::Reindex {
        target: east(),
        table: table.into(),
    };
    done(perform(admin, table("public.messages")).await);
    done(perform(admin, table("messages_debate")).await);
    assert!(failed(perform(admin, table("nothing")).await).contains("no table and no index"));
    let said = done(
        perform(
            admin,
            PgAct::SwitchWal {
                target: target.clone(),
            },
        )
        .await,
    );
    assert!(said.starts_with("WAL file 00000001"), "{said}");

    let (database, role) = ("app".to_owned(), "app".to_owned());
    let revoke = PgAct::RevokeWrites {
        target: target.clone(),
        database: database.clone(),
        role: role.clone(),
    };
    let grant = PgAct::GrantWrites {
        target,
        database,
        role,
    };
    let may = "SELECT has_database_privilege('app', 'app', 'CONNECT'), has_database_privilege('warroom', 'app', 'CONNECT')";
    let other = session(lab, "pg-east", "postgres", "postgres").await;
    let may = async || {
        let row = other.query_one(may, &[]).await.unwrap();
        (row.get::<_, bool>(0), row.get::<_, bool>(1))
    };
    done(perform(admin, revoke).await);
    assert_eq!(may().await, (false, false));
    done(perform(admin, grant).await);
    assert_eq!(may().await, (true, true));
}

async fn soft_fence(lab: &Lab, server: &Postgres) {
    let writer = session(lab, "pg-east", "app", "app").await;
    let said = done(perform(server, PgAct::Fence { target: east() }).await);
    assert!(
        said.starts_with("soft fence only: ") && said.contains("BEGIN READ WRITE"),
        "{said}"
    );
    assert!(
        writer.batch_execute("SELECT 1").await.is_err(),
        "its session was ended"
    );
    assert!(sight(&server.observe().await).default_read_only);
    assert_eq!(
        asked(server, PgCondition::Writable { target: east() })
            .await
            .0,
        Holds::No
    );
    assert_eq!(
        asked(server, PgCondition::ReadOnly { target: east() })
            .await
            .0,
        Holds::Yes
    );
    assert_eq!(
        asked(server, PgCondition::Fenced { target: east() })
            .await
            .0,
        Holds::No
    );
    let writer = session(lab, "pg-east", "app", "app").await;
    let write = "UPDATE heartbeat SET at = now()";
    assert!(writer.batch_execute(write).await.is_err());
    // Why it is soft.
    writer
        .batch_execute(&format!("BEGIN READ WRITE; {write}; COMMIT"))
        .await
        .unwrap();
    done(perform(server, PgAct::Unfence { target: east() }).await);
    assert_eq!(
        asked(server, PgCondition::Writable { target: east() })
            .await
            .0,
        Holds::Yes
    );

    let writer = session(lab, "pg-east", "app", "app").await;
    let end = PgAct::Terminate {
        target: east(),
        database: Some("app".into()),
        role: Some("app".into()),
    };
    done(perform(server, end).await);
    assert!(writer.batch_execute("SELECT 1").await.is_err());
}

async fn row_counts(lab: &Lab, server: &Postgres) {
    let admin = session(lab, "pg-east", "postgres", "postgres").await;
    admin
        .batch_execute("CREATE DATABASE scratch OWNER app")
        .await
        .unwrap();
    let mut dumps: Vec<_> = std::fs::read_dir(lab.path("backups"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "dump"))
        .collect();
    dumps.sort();
    let dump = dumps.pop().unwrap();
    let restored = std::process::Command::new("pg_restore")
        .args(["-h", "127.0.0.1", "-U", "postgres", "-d", "scratch", "-p"])
        .arg(lab.port("pg-east").to_string())
        .arg(&dump)
        .env("PGPASSFILE", lab.path("secrets/pgpass"))
        .output()
        .unwrap();
    assert!(restored.status.success(), "{restored:?}");
    let counts = PgCondition::RowCounts {
        of: east(),
        database: Some("scratch".into()),
        baseline: format!("{}.counts.json", dump.display()),
        tolerance: 0,
    };
    let (holds, saw) = asked(server, counts.clone()).await;
    assert_eq!(
        (holds, saw.as_str()),
        (Holds::Yes, "scratch: 4 tables as in the baseline")
    );
    let scratch = session(lab, "pg-east", "app", "scratch").await;
    let damage =
        "DROP TABLE heartbeat; DELETE FROM messages WHERE id <= 100; CREATE TABLE stray ();
        GRANT SELECT ON stray TO warroom";
    scratch.batch_execute(damage).await.unwrap();
    let (holds, saw) = asked(server, counts).await;
    assert_eq!(holds, Holds::No);
    assert_eq!(
        saw,
        "scratch: heartbeat is missing, messages has 5900 rows, not 6000; not in the baseline: stray"
    );
}
