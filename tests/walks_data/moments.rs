//! Back to a moment: a copy of the database as it was is recovered beside it by pgBackRest, on a host that is reached by ssh. Rows
//! are taken out of it, or it is served, or it is discarded.

use std::fs;
use std::path::Path;

use crate::archive::{Archive, HOST};
use crate::company::{Company, beside};
use crate::damage::{deployment, workloads};
use crate::kube::cluster;
use crate::restores::{LEFT, audited, people};

/// A company whose messages were halved, and which has written since.
struct Past {
    archive: Archive,
    company: Company,
    /// The last second before that.
    moment: String,
}

const MESSAGES: &str = "SELECT count(*) FROM messages";

/// The customer who came after the damage.
const LATE: &str = "SELECT count(*) FROM customers WHERE name = 'Late'";

/// What must not be in the recovered data.
const ASSERTIONS: &str = "
DO $$ BEGIN
  IF (SELECT count(*) FROM messages) < 6000 THEN RAISE EXCEPTION 'messages are missing'; END IF;
END $$;
";

impl Past {
    async fn of(site: &str) -> Self {
        let company = Company::up(site);
        let archive = Archive::up(&company);
        archive.backup();
        people(&company).await;
        fs::write(company.keeps("right.sql"), ASSERTIONS).unwrap();
        let moment = moment(&company).await;
        let admin = company.admin("pg-east", "app").await;
        admin
            .batch_execute("DELETE FROM messages WHERE id % 2 = 0")
            .await
            .unwrap();
        admin
            .batch_execute(
                "INSERT INTO customers (name, email, plan, created_at) VALUES ('Late', 'late@example.com', 'free', now())",
            )
            .await
            .unwrap();
        Self {
            archive,
            company,
            moment,
        }
    }

    /// The values of the runbook's variables for pgBackRest, back to a moment; `api`: the workload that writes, and its secrets.
    fn values(&self, moment: &str, api: [&str; 3]) -> Vec<(&'static str, String)> {
        let company = &self.company;
        let [workload, old, new] = api;
        let named = [
            ("SERVER", "pg-east"),
            ("DATABASE", "app"),
            ("APP_ROLE", "app"),
            ("TARGET_TIME", moment),
            ("BACKUP", "archive"),
            ("RECOVERED", "none-recovered"),
            ("COPY", "copy"),
            ("CLUSTER", "none"),
            ("OBJECT_STORE", "none"),
            ("DB", "none"),
            ("RECOVERY_HOST", HOST),
            ("STANZA", "main"),
            ("TABLE", "messages"),
            ("API", workload),
            ("OLD_SECRET", old),
            ("NEW_SECRET", new),
            ("HEALTH", "shop"),
        ];
        let named = named.map(|(name, value)| (name, value.to_owned()));
        let made = [
            ("COPY_FOLDER", self.archive.folder()),
            ("COPY_PORT", self.archive.port.to_string()),
            ("SAFE_FOLDER", company.copy("")),
            (
                "ASSERTIONS",
                company.keeps("right.sql").display().to_string(),
            ),
            ("REGISTER", company.https("/erased")),
            ("EXCLUSIONS", company.copy("erased.json")),
            ("TABLE_MAP", company.keeps("map.json").display().to_string()),
        ];
        named.into_iter().chain(made).collect()
    }

    fn copy_says(&self, sql: &str) -> String {
        let port = self.archive.port;
        self.company.psql(port, "postgres", "app", sql)
    }

    /// The application writes where it was let in again.
    fn writes(&self, port: u16) {
        let sql = "INSERT INTO heartbeat VALUES (now())";
        self.company.psql(port, "app", "app", sql);
    }
}

/// The second that is over now, and in which nothing was written: what is written from now on is after it.
async fn moment(company: &Company) -> String {
    let admin = company.admin("pg-east", "app").await;
    let next = "SELECT to_char(date_trunc('second', clock_timestamp() + interval '1 second') AT TIME ZONE 'UTC',
        'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')";
    let moment = admin.query_one(next, &[]).await.unwrap().get(0);
    admin.execute("SELECT pg_sleep(1.1)", &[]).await.unwrap();
    moment
}

fn borrowed<'a>(values: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let pairs = values.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

const BEFORE: [&str; 9] = [
    "stop-writes",
    "end-sessions",
    "prove-stopped",
    "when",
    "switch-wal",
    "archive",
    "keep",
    "means",
    "pgbackrest",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_were_deleted_are_taken_out_of_the_past_and_nothing_else_is_lost() {
    let past = Past::of("").await;
    let audit = past.company.https("/audit");
    let walker = past.company.walker("Half of the messages are gone");
    let mut walker = walker.gives(
        "gdpr-restore",
        &[("AUDIT", &audit), ("AUDIT_KEY", "audit-4711")],
    );
    let ways = [
        ("means", "pgBackRest on a host"),
        ("choose", "Take the rows out of it"),
        ("have", "Nothing is stopped yet"),
    ];
    let values = past.values(&past.moment, ["none"; 3]);
    let walked = walker.walks("point-in-time-recovery", &borrowed(&values), &ways);
    let after = [
        "validate",
        "compare",
        "choose",
        "extract",
        "extract-gdpr",
        "extract-open",
        "health",
        "close",
    ];
    let mut steps = walked.steps("point-in-time-recovery");
    steps.dedup();
    assert_eq!(steps, [&BEFORE[..], &after].concat());
    let company = &past.company;
    assert_eq!(company.number("pg-east", "app", MESSAGES).await, 6_000);
    assert_eq!(company.number("pg-east", "app", LATE).await, 1);
    assert_eq!(company.number("pg-east", "app", LEFT).await, 403);
    past.writes(company.lab.port("pg-east"));
    // The copy is the past still, which nobody wrote to.
    assert_eq!(past.copy_says("SELECT pg_is_in_recovery()"), "t");
    assert_eq!(past.copy_says(LATE), "0");
}

/// The connection of the application, as a secret of its namespace.
fn secret(namespace: &str, name: &str, port: u16) {
    let conninfo = format!("host=127.0.0.1 port={port} user=app dbname=app connect_timeout=2");
    let literal = format!("--from-literal=DATABASE={conninfo}");
    cluster().kubectl(&[
        "-n", namespace, "create", "secret", "generic", name, &literal,
    ]);
}

/// The secret that the application's variable is of.
fn configured(namespace: &str) -> Option<String> {
    let web = deployment(namespace, "web");
    let env = &web["spec"]["template"]["spec"]["containers"][0]["env"][0];
    assert!(env["name"].is_null() || env["name"] == "DATABASE", "{env}");
    Some(
        env["valueFrom"]["secretKeyRef"]["name"]
            .as_str()?
            .to_owned(),
    )
}

/// What the nodes would do, which run no containers: the application connects as its secret says.
fn configures(company: &Company, namespace: &str) {
    let Some(name) = configured(namespace) else {
        return;
    };
    let template = "--output=go-template={{.data.DATABASE|base64decode}}";
    let conninfo = cluster().kubectl(&["-n", namespace, "get", "secret", &name, template]);
    fs::write(company.keeps("conninfo"), conninfo).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_past_is_served_and_what_came_after_it_is_lost_knowingly() {
    let past = Past::of(&workloads("past")).await;
    let company = &past.company;
    company.installs("kubectl", cluster().program());
    secret("past", "database-old", company.lab.port("pg-east"));
    secret("past", "database-new", past.archive.port);
    let audit = company.https("/audit");
    let walker = company.walker("Nothing since noon can be trusted");
    let mut walker = walker.gives(
        "gdpr-restore",
        &[("AUDIT", &audit), ("AUDIT_KEY", "audit-4711")],
    );
    let ways = [
        ("means", "pgBackRest on a host"),
        ("choose", "Serve the copy"),
        ("have", "Nothing is stopped yet"),
    ];
    let values = past.values(&past.moment, ["web", "database-old", "database-new"]);
    let walked = beside(
        || configures(company, "past"),
        || walker.walks("point-in-time-recovery", &borrowed(&values), &ways),
    );
    let after = [
        "validate",
        "compare",
        "choose",
        "end-recovery",
        "gdpr",
        "loss",
        "grant",
        "switch",
        "after-switch",
        "health",
        "close",
    ];
    let mut steps = walked.steps("point-in-time-recovery");
    steps.dedup();
    assert_eq!(steps, [&BEFORE[..], &after].concat());
    assert_eq!(configured("past").as_deref(), Some("database-new"));
    assert_eq!(past.copy_says(MESSAGES), "6000");
    assert_eq!(past.copy_says(LATE), "0");
    assert_eq!(past.copy_says(LEFT), "403");
    past.writes(past.archive.port);
    assert_eq!(audited(company)["database"], "app");
    // What is left behind takes nothing from the application, and is whole.
    let may = "SELECT has_database_privilege('app', 'app', 'CONNECT')::int::bigint";
    assert_eq!(company.number("pg-east", "app", may).await, 0);
    assert_eq!(company.number("pg-east", "app", LATE).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_past_that_is_as_wrong_is_discarded_and_all_is_opened_as_it_was() {
    let past = Past::of("").await;
    let company = &past.company;
    let too_late = moment(company).await;
    let values = past.values(&too_late, ["none"; 3]);
    let ways = [
        ("means", "pgBackRest on a host"),
        ("validate", "go to What is it for?"),
        ("choose", "Discard it"),
        ("discard", "pgBackRest"),
        ("again", "Leave it"),
    ];
    let walked = company.walker("Half of the messages are gone").walks(
        "point-in-time-recovery",
        &borrowed(&values),
        &ways,
    );
    let after = [
        "validate",
        "choose",
        "discard",
        "discard-pgbackrest",
        "again",
        "leave",
        "health",
        "close",
    ];
    let steps = walked.steps("point-in-time-recovery");
    assert_eq!(steps, [&BEFORE[..], &after].concat());
    assert!(!Path::new(&past.archive.folder()).exists());
    assert_eq!(company.number("pg-east", "app", MESSAGES).await, 3_000);
    past.writes(company.lab.port("pg-east"));
    let kept = company.copy("app-INC-2026-0001.dump");
    assert!(Path::new(&kept).exists(), "the damaged data were kept");
}
