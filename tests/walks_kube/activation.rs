//! No region serves, and none can take over: a dump is restored, and one tier after the other brought up. The database is the lab's
//! server, the restore and what is looked at after it are runbooks of their own, walked within this one.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::company::Company;
use crate::database::psql;
use crate::kube::cluster;
use crate::names::{Resolver, weights};
use crate::place::Place;

const NAME: &str = "www.harbour.example";

/// Two customers came, and one has asked to be forgotten since the newest dump; what is left of the service does not run, and its
/// messages are gone on both sides. Gives the dump's counts.
fn loses_everything(lab: &Lab) -> String {
    let came = "INSERT INTO customers (name, email, plan, created_at)
        SELECT 'Person ' || n, 'p' || n || '@example.com', 'free', now() FROM generate_series(401, 402) n";
    psql(lab, "pg-east", came);
    let dump = lab.cmd(&["backup"]);
    psql(lab, "pg-east", "DROP TABLE messages");
    for server in ["pg-west", "redis-west", "api-east", "api-west"] {
        lab.cmd(&["kill", server]);
    }
    let counts = Path::new(dump.trim()).with_extension("dump.counts.json");
    counts.display().to_string()
}

/// An archive of WAL that nothing has come into for two hours.
fn silent_archive(place: &mut Place) {
    let folder = place.home.path("wal");
    fs::create_dir(&folder).unwrap();
    let segment = File::create(folder.join("000000010000000000000003")).unwrap();
    let then = SystemTime::now() - Duration::from_secs(7_200);
    segment.set_modified(then).unwrap();
    let keys = format!(
        "system = \"files\"\npath = \"{}\"\npattern = \"0*\"",
        folder.display()
    );
    place.target("archive", &keys);
    place.site("\n[backups.wal]\nof = \"archive\"\nyounger = \"1h\"\n");
}

fn place(namespace: &str, lab: &Lab, aws: &Aws, resolver: u16) -> Place {
    let mut place = Place::new(cluster(), namespace);
    place.deployment("web");
    place.deployment("workers");
    place.of_lab(lab, &["redis-east", "dumps"]);
    place.database_admin("db", lab, lab.port("pg-east"));
    place.site("\n[backups.pg-dump]\nof = \"dumps\"\nyounger = \"25h\"\n");
    silent_archive(&mut place);
    place.record("name", aws, resolver, NAME);
    let now = Utc::now().timestamp();
    place.metrics(&format!(
        "errors 0.001\njob_last_success_timestamp_seconds {now}\n"
    ));
    // A scrape that a busy machine misses is no change of what is measured.
    place.prometheus(&[
        ("errors", "last_over_time(errors[1m])"),
        (
            "jobs",
            "time() - last_over_time(job_last_success_timestamp_seconds[1m])",
        ),
    ]);
    place.hurries(
        "full-activation",
        &[
            ("for = \"10m\"", "for = \"5s\""),
            ("every    = \"10s\"", "every    = \"1s\""),
        ],
    );
    place
}

/// What is typed into the restore, into the erasure within it, and into the look at the data behind it.
fn gives(place: &mut Place, company: &Company, counts: &str, safe: &TempDir) {
    let copy = |name: &str| safe.path().join(name).display().to_string();
    let map = company.keeps("map.json").display().to_string();
    fs::write(&map, r#"[{"table": "customers", "column": "id"}]"#).unwrap();
    fs::write(company.keeps("erased.json"), r#"["401"]"#).unwrap();
    let migrate = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/walks_data/migrate");
    place.gives(
        "full-restore",
        &[
            ("SERVER", "db"),
            ("DATABASE", "app"),
            ("NEW_DATABASE", "app_new"),
            ("OLD_DATABASE", "app_lost"),
            ("OWNER", "app"),
            ("APP_ROLE", "app"),
            ("BACKUP", "pg-dump"),
            ("DUMPS", "dumps"),
            ("OBJECTS", "none"),
            ("FETCHED", &copy("fetched")),
            ("PLAIN", &copy("plain")),
            ("COUNTS", counts),
            ("API", "web"),
            ("WORKERS", "workers"),
            ("MIGRATE", migrate),
            ("REGISTER", &company.https("/erased")),
            ("EXCLUSIONS", &copy("erased.json")),
            ("TABLE_MAP", &map),
            ("HEALTH", "api"),
        ],
    );
    let audit = company.https("/audit");
    place.gives(
        "gdpr-restore",
        &[("AUDIT", &audit), ("AUDIT_KEY", "audit-4711")],
    );
    let moment = Utc::now() - TimeDelta::hours(1);
    place.gives(
        "data-verification",
        &[
            ("DB", "db"),
            ("BASELINE", counts),
            ("TABLE", "messages"),
            ("TIME_COLUMN", "created_at"),
            ("RECOVERED_TO", &moment.format("%FT%TZ").to_string()),
            ("LOGIN", "login"),
            ("API", "api"),
            ("SOCKET", &company.https("/socket")),
            ("JOBS", "jobs"),
            ("JOB_INTERVAL", "3600"),
        ],
    );
}

const VALUES: [(&str, &str); 13] = [
    ("DB", "db"),
    ("CACHE", "redis-east"),
    ("WEB", "web"),
    ("WEB_REPLICAS", "4"),
    ("WORKERS", "workers"),
    ("WORKER_REPLICAS", "2"),
    ("WAL", "wal"),
    ("DUMP", "pg-dump"),
    ("API", "api"),
    ("PUBLIC", "api"),
    ("RECORD", "name"),
    ("REGION", "us-west-2"),
    ("ERRORS", "errors"),
];

/// API and workers are down before the restore begins, and come up after it, by this runbook: as it says, the restore's own steps
/// for them are skipped. The dump gives roles rights on functions of the server itself, which its owner can't: that is looked at.
const WAYS: [(&str, &str); 13] = [
    ("time", "ok"),
    ("recovery-point", "fail"),
    ("choose-backup", "The newest good dump"),
    ("source", "The folder of this machine"),
    ("replicas", "skip"),
    ("stop-api", "skip"),
    ("stop-workers", "skip"),
    ("restore", "go to Are the errors harmless?"),
    ("classify", "All of them are harmless"),
    ("have", "It was fetched before the stop"),
    ("start-api", "skip"),
    ("start-workers", "skip"),
    ("health", "skip"),
];

const STEPS: [&str; 18] = [
    "war-room",
    "damage",
    "time",
    "hold-traffic",
    "stop-writers",
    "recovery-point",
    "choose-backup",
    "restore-dump",
    "database",
    "cache",
    "api",
    "integrity",
    "workers",
    "lead",
    "open",
    "resume",
    "second-copy",
    "review",
];

#[test]
fn everything_comes_back_from_a_dump_one_tier_after_the_other() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let folder = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, &[], folder.path().join("hosts"));
    let mut place = place("activation", &lab, &aws, resolver.port);
    let company = Company::of(&mut place, &lab);
    let counts = loses_everything(&lab);
    // Copies of the data lie outside of /tmp, as the runbooks ask.
    let safe = tempfile::tempdir_in("/var/tmp").unwrap();
    gives(&mut place, &company, &counts, &safe);
    place.healthy(false);
    let replicas = |name: &str| place.get(&format!("deployment/{name}"), "{.spec.replicas}");
    let (mut restoring, mut serves) = (false, false);
    let others = || {
        resolver.follows();
        if !restoring && place.done("create") {
            assert_eq!(
                (replicas("web"), replicas("workers")),
                ("0".into(), "0".into())
            );
            restoring = true;
        }
        // The API answers when one of its pods is there, and not before it was asked for.
        if !serves && restoring && replicas("web") == "4" {
            place.rolled_out("web");
            assert_eq!(
                replicas("workers"),
                "0",
                "the data are verified before the workers"
            );
            place.healthy(true);
            serves = true;
        }
    };
    let walked = place.walk_beside(others, "full-activation", &VALUES, &WAYS);
    walked.went(&STEPS);
    let restored = [
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
    walked.went_in("full-restore", &restored);
    let verified = ["counts", "recent", "login", "api", "socket", "jobs", "said"];
    walked.went_in("data-verification", &verified);
    assert_eq!(
        (replicas("web"), replicas("workers")),
        ("4".into(), "2".into())
    );
    assert_eq!(weights(&aws, NAME), (0, 100));
    has_its_data(&lab, &company, &safe);
}

/// All messages are there again, who asked to be forgotten is not, and the lost database is kept and closed.
fn has_its_data(lab: &Lab, company: &Company, safe: &TempDir) {
    let asked = "SELECT (SELECT count(*) FROM messages), (SELECT count(*) FROM customers),
        (SELECT count(*) FROM customers WHERE id = 401)";
    assert_eq!(psql(lab, "pg-east", asked), "6000|401|0");
    let closed = "SELECT count(*) FROM pg_database WHERE datname = 'app_lost' AND NOT datallowconn";
    assert_eq!(psql(lab, "pg-east", closed), "1");
    let audit = fs::read_to_string(company.keeps("audit.jsonl")).unwrap();
    let record: Value = serde_json::from_str(audit.trim()).unwrap();
    assert_eq!(record["excluded_users"], json!(["401"]));
    for name in ["plain", "erased.json"] {
        assert!(!safe.path().join(name).exists(), "{name}");
    }
}
