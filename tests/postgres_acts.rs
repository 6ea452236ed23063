//! What can go wrong on the way to a server, and every act, on real servers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::sync::atomic::Ordering;

use common::between::{Cut, between};
use common::lab::Lab;
use common::pg::{asked, done, east, failed, perform, session, sight, west, with};
use warroom::incident::acts::postgres::{PgAct, PgCondition, PgRole};
use warroom::incident::reading::{FailureKind, Holds, Outcome};
use warroom::incident::site::{PgEndpoint, SecretRef, Tls};
use warroom::systems::System;
use warroom::systems::postgres::Postgres;

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
                e.password = Some(SecretRef::Env("WARROOM_NOT_SET".into()));
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
    orders_whose_answer_is_lost(&lab, &admin).await;
    lost_answers(&lab).await;
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

/// Each order arrives, and its answer does not: it is unknown, and was sent once.
async fn orders_whose_answer_is_lost(lab: &Lab, password: &SecretRef) {
    let (database, role) = (|| "app".to_owned(), || "app".to_owned());
    // Somebody whose session can be ended.
    let _held = session(lab, "pg-east", "app", "app").await;
    let table = [
        (
            PgAct::Terminate {
                target: east(),
                database: Some(database()),
                role: None,
            },
            "pg_terminate_backend",
        ),
        (
            PgAct::RevokeWrites {
                target: east(),
                database: database(),
                role: role(),
            },
            "REVOKE",
        ),
        (
            PgAct::GrantWrites {
                target: east(),
                database: database(),
                role: role(),
            },
            "GRANT",
        ),
        (
            PgAct::Reindex {
                target: east(),
                table: "public.messages".into(),
            },
            "REINDEX",
        ),
        (PgAct::Checkpoint { target: east() }, "CHECKPOINT"),
        (PgAct::SwitchWal { target: east() }, "pg_switch_wal"),
        (PgAct::Fence { target: east() }, "ALTER SYSTEM"),
        (PgAct::Unfence { target: east() }, "ALTER SYSTEM"),
    ];
    let target = lab.postgres("pg-east");
    for (act, word) in table {
        let (port, asked) = between(lab.port("pg-east"), Cut::Answer, word).await;
        let server = with(&target, |endpoint| {
            endpoint.port = port;
            endpoint.user = "postgres".into();
            endpoint.password = Some(password.clone());
        });
        let shown = act.to_string();
        let outcome = perform(&server, act).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{shown}: {outcome:?}"
        );
        assert_eq!(asked.load(Ordering::SeqCst), 1, "{shown}");
    }
    // All of it happened: it may connect again, and nothing is read-only.
    let app = session(lab, "pg-east", "app", "app").await;
    let row = app
        .query_one("SHOW default_transaction_read_only", &[])
        .await
        .unwrap();
    assert_eq!(row.get::<_, &str>(0), "off");
}

/// One promotion is asked for, whatever becomes of its answer; what can't be seen afterwards is unknown.
async fn lost_answers(lab: &Lab) {
    let target = lab.postgres("pg-west");
    for cut in [Cut::All, Cut::Answer] {
        let (port, asked) = between(lab.port("pg-west"), cut, "pg_promote").await;
        let server = with(&target, |endpoint| endpoint.port = port);
        let outcome = perform(&server, PgAct::Promote { target: west() }).await;
        match cut {
            Cut::All => assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}"),
            Cut::Answer => assert!(done(outcome).ends_with("although its answer was lost")),
        }
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }
}
