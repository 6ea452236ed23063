//! Restores, and who is erased again after them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::lab::Lab;
use crate::common::pty::environment;
use crate::company::{Company, migrate};
use crate::damage::{deployment, workloads};

/// Two customers who asked to be forgotten, and one who did not, with rows that belong to them.
pub async fn people(company: &Company) {
    let admin = company.admin("pg-east", "app").await;
    admin
        .batch_execute(
            "INSERT INTO customers (name, email, plan, created_at)
             SELECT 'Person ' || n, 'p' || n || '@example.com', 'free', now() FROM generate_series(401, 403) n;
             CREATE TABLE profiles (customer_id bigint NOT NULL REFERENCES customers, words text NOT NULL);
             INSERT INTO profiles SELECT n, 'about ' || n FROM generate_series(401, 403) n;
             ALTER TABLE profiles OWNER TO app",
        )
        .await
        .unwrap();
    fs::write(company.keeps("erased.json"), r#"["401", "402"]"#).unwrap();
    let map = r#"[{"table": "profiles", "column": "customer_id"}, {"table": "customers", "column": "id"}]"#;
    fs::write(company.keeps("map.json"), map).unwrap();
}

/// Who of the three is still there, and has a profile.
pub const LEFT: &str = "SELECT sum(c.id)::bigint FROM customers c JOIN profiles p ON p.customer_id = c.id WHERE c.id > 400";

/// The only record in the register's audit.
pub fn audited(company: &Company) -> Value {
    let text = fs::read_to_string(company.keeps("audit.jsonl")).unwrap();
    serde_json::from_str(text.trim()).unwrap_or_else(|_| panic!("not one record: {text}"))
}

const ERASES: [&str; 10] = [
    "have",
    "fetch",
    "look",
    "restored",
    "close",
    "end-sessions",
    "erase",
    "beyond",
    "audit",
    "tidy",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asked_to_be_forgotten_is_erased_again_and_it_is_on_record() {
    let company = Company::up("");
    people(&company).await;
    let (register, audit) = (company.https("/erased"), company.https("/audit"));
    let (list, map) = (
        company.copy("erased.json"),
        company.keeps("map.json").display().to_string(),
    );
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("APP_ROLE", "app"),
        ("REGISTER", register.as_str()),
        ("EXCLUSIONS", &list),
        ("TABLE_MAP", &map),
        ("AUDIT", &audit),
        ("AUDIT_KEY", "audit-4711"),
    ];
    let ways = [("have", "Nothing is stopped yet")];
    let walked = company
        .walker("A backup was restored")
        .walks("gdpr-restore", &values, &ways);
    assert_eq!(walked.steps("gdpr-restore"), ERASES);
    assert_eq!(company.number("pg-east", "app", LEFT).await, 403);
    let record = audited(&company);
    assert_eq!(record["excluded_users"], serde_json::json!(["401", "402"]));
    assert_eq!(record["incident"], "INC-2026-0001");
    assert!(!Path::new(&list).exists(), "the list is personal data");
    let may = "SELECT has_database_privilege('app', 'app', 'CONNECT')::int::bigint";
    assert_eq!(
        company.number("pg-east", "app", may).await,
        0,
        "nobody is let in by it"
    );
}

/// The newest dump, encrypted for a key of the operator's; the rows of its own snapshot are in a file beside it.
fn encrypts_the_newest_dump(lab: &Lab) -> PathBuf {
    let dump = PathBuf::from(lab.cmd(&["backup"]).trim());
    let script = "
        gpg --batch --quiet --passphrase '' --quick-gen-key backups@example.com rsa3072 encr never
        gpg --batch --quiet --trust-model always --recipient backups@example.com --encrypt \"$1\"
        sha256sum \"$1.gpg\" >\"$1.gpg.sha256\"
    ";
    let mut command = Command::new("sh");
    command.env_clear().envs(environment(&lab.path("home")));
    let done = command
        .args(["-euc", script, "sh"])
        .arg(&dump)
        .output()
        .unwrap();
    assert!(done.status.success(), "{done:?}");
    dump.with_extension("dump.counts.json")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_database_is_restored_beside_itself_and_swapped_in() {
    let company = Company::up(&workloads("restore"));
    people(&company).await;
    // The API is what runs in the cluster; these are of the lab, and hold sessions of the application's role.
    company.lab.cmd(&["stop", "api-east"]);
    company.lab.cmd(&["stop", "api-west"]);
    let counts = encrypts_the_newest_dump(&company.lab).display().to_string();
    let admin = company.admin("pg-east", "app").await;
    admin.batch_execute("DROP TABLE messages").await.unwrap();
    drop(admin);
    let (register, audit, program) = (company.https("/erased"), company.https("/audit"), migrate());
    let (fetched, plain, list) = (
        company.copy("fetched"),
        company.copy("plain"),
        company.copy("erased.json"),
    );
    let map = company.keeps("map.json").display().to_string();
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("NEW_DATABASE", "app_new"),
        ("OLD_DATABASE", "app_lost"),
        ("OWNER", "app"),
        ("APP_ROLE", "app"),
        ("BACKUP", "pg-dump"),
        ("DUMPS", "dumps"),
        ("OBJECTS", "none"),
        ("FETCHED", &fetched),
        ("PLAIN", &plain),
        ("COUNTS", &counts),
        ("API", "web"),
        ("WORKERS", "workers"),
        ("MIGRATE", &program),
        ("REGISTER", &register),
        ("EXCLUSIONS", &list),
        ("TABLE_MAP", &map),
        ("HEALTH", "shop"),
    ];
    // The dump gives roles rights on functions of the server itself, which its owner can't: that is looked at, and harmless.
    let ways = [
        ("source", "The folder of this machine"),
        ("restore", "go to Are the errors harmless?"),
        ("classify", "All of them are harmless"),
        ("have", "It was fetched before the stop"),
    ];
    let walker = company.walker("The database is lost");
    let mut walker = walker.gives(
        "gdpr-restore",
        &[("AUDIT", &audit), ("AUDIT_KEY", "audit-4711")],
    );
    let walked = walker.walks("full-restore", &values, &ways);
    let way = [
        "source",
        "find",
        "prove",
        "exclusions",
        "replicas",
        "agree",
        "stop-api",
        "stop-workers",
        "create",
        "restore",
        "classify",
        "counts",
        "erase",
        "migrate",
        "swap",
        "open",
        "start-api",
        "start-workers",
        "health",
        "whole",
        "tidy",
    ];
    let mut steps = walked.steps("full-restore");
    steps.dedup();
    assert_eq!(steps, way);
    assert_eq!(
        walked.steps("gdpr-restore"),
        [&ERASES[..1], &ERASES[2..]].concat()
    );
    let messages = "SELECT count(*) FROM messages";
    assert_eq!(company.number("pg-east", "app", messages).await, 6_000);
    assert_eq!(company.number("pg-east", "app", LEFT).await, 403);
    let closed = "SELECT count(*) FROM pg_database WHERE datname = 'app_lost' AND NOT datallowconn";
    assert_eq!(company.number("pg-east", "app", closed).await, 1);
    assert_eq!(audited(&company)["database"], "app_new");
    assert!(!Path::new(&plain).exists());
    for (name, replicas) in [("web", 3), ("workers", 2)] {
        assert_eq!(
            deployment("restore", name)["status"]["readyReplicas"],
            replicas
        );
    }
}
