//! The database of a compose project: its process dies, its files are damaged.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::host::{Hands, Host};
use crate::server::free_port;
use crate::shop::{FOLDER, ours};

/// An erasure register of the company's, on this machine: the address that it is asked at.
fn register(host: &mut Host) -> String {
    for (name, text) in [
        ("erased.json", "[\"3\", \"4\"]"),
        ("audit.key", "audit-4711"),
    ] {
        fs::write(host.file(name), text).unwrap();
    }
    let (port, tls_port) = (free_port(), free_port());
    let args = [
        ours("walks_data/company.py").display().to_string(),
        host.path(""),
        port.to_string(),
        tls_port.to_string(),
        "connect_timeout=1".to_owned(),
        "/dev/null".to_owned(),
    ];
    host.server("python3", &args, port);
    format!("https://localhost:{tls_port}")
}

/// Dumps of now: one that is whole, and a newer one that can't be restored, for it names a role that a fresh volume lacks.
fn dumps(host: &Host) -> String {
    let folder = host.path("dumps");
    host.hands().run(&format!(
        "mkdir {folder} && cd {}
         docker compose exec -T db pg_dump -U postgres app >{folder}/whole
         cd {folder}
         gzip --stdout whole >app-1.sql.gz
         sed '/dump complete/i GRANT SELECT ON customers TO reporting;' whole | gzip >app-0.sql.gz
         touch --date='1 minute ago' app-1.sql.gz
         rm whole
         for dump in *.gz; do sha256sum $dump >$dump.sha256; done",
        host.path(FOLDER)
    ));
    folder
}

/// Somebody fetches a better dump when the old volume was put back: its container is made again, and not started.
fn fetches_when_put_back(by: Hands, dumps: &str) -> JoinHandle<()> {
    let put_back = "docker inspect --format '{{.State.Status}}' shop-db-1 2>/dev/null || true";
    let touched = format!("touch {dumps}/app-1.sql.gz");
    thread::spawn(move || {
        let end = Instant::now() + Duration::from_secs(600);
        while by.run(put_back) != "created" {
            assert!(Instant::now() < end, "the volume is never put back");
            thread::sleep(Duration::from_millis(200));
        }
        by.run(&touched);
    })
}

#[test]
fn a_database_is_started_again_or_restored_into_a_fresh_volume() {
    let mut host = Host::with_shop();
    host.hurries(
        "compose-database",
        &[(
            "timeout    = \"5m\"\nevery      = \"2s\"",
            "timeout    = \"15s\"\nevery      = \"2s\"",
        )],
    );
    let register = register(&mut host);
    let dumps = dumps(&host);
    host.target(
        "dumps",
        &format!("system = \"files\"\npath = \"{dumps}\"\npattern = \"*.sql.gz\""),
    );
    host.site("\n[backups.dump]\nof = \"dumps\"\nyounger = \"2h\"\n");
    let map = r#"[{"table": "profiles", "column": "customer_id"}, {"table": "customers", "column": "id"}]"#;
    fs::write(host.file("map.json"), map).unwrap();
    let (folder, map, safe) = (
        host.path(FOLDER),
        host.path("map.json"),
        host.safe.path().display().to_string(),
    );
    let (list, erased) = (format!("{safe}/erased.json"), format!("{register}/erased"));
    let values = [
        ("COMPOSE", "project"),
        ("PROJECT_FOLDER", folder.as_str()),
        ("SERVICE", "db"),
        ("SERVER", "pg"),
        ("OWNER", "postgres"),
        ("DATABASE", "app"),
        ("DUMPS", "dumps"),
        ("BACKUP", "dump"),
        ("SAFE_FOLDER", &safe),
        ("APP_ROLE", "app"),
        ("EXCLUSIONS", &list),
        ("REGISTER", &erased),
        ("TABLE_MAP", &map),
        ("HEALTH", "shop"),
    ];
    let by = host.hands();

    // It is gone, and replays its own log.
    host.sql("INSERT INTO customers VALUES (41, 'after the dump')");
    by.run("docker kill shop-db-1");
    let walked = host.walks(
        "compose-database",
        &values,
        &[("way", "It takes writes again")],
    );
    assert_eq!(
        walked.steps("compose-database"),
        ["look", "restart", "way", "health", "whole"]
    );
    assert_eq!(host.sql("SELECT count(*) FROM customers"), "41");

    // What it can't start without is damaged.
    by.run(
        "docker stop shop-db-1
         place=$(docker volume inspect --format '{{.Mountpoint}}' shop_data)
         echo damaged >$place/global/pg_control",
    );
    let audit = format!("{register}/audit");
    host.gives(
        "gdpr-restore",
        &[("AUDIT", &audit), ("AUDIT_KEY", "audit-4711")],
    );
    let fetched = fetches_when_put_back(by, &dumps);
    let ways = [
        ("restart", "it did not"),
        ("restart", "go to What now?"),
        ("way", "Restore a dump"),
        ("restore", "go to Put the old volume back"),
        ("have", "It was fetched before the stop"),
    ];
    let walked = host.walks("compose-database", &values, &ways);
    fetched.join().unwrap();
    let tries = [
        "way",
        "find",
        "prove",
        "exclusions",
        "volume",
        "stop",
        "copy",
        "remove",
        "start",
        "restore",
    ];
    let way = [
        &["look", "restart"][..],
        &tries,
        &["put-back"],
        &tries,
        &["erase", "open", "start-all", "health", "whole"],
    ];
    let mut steps = walked.steps("compose-database");
    steps.dedup();
    assert_eq!(steps, way.concat());
    assert_eq!(
        walked.kept("compose-database", "DUMP"),
        format!("{dumps}/app-1.sql.gz")
    );
    let left = "SELECT count(*), count(*) FILTER (WHERE id IN (3, 4)), max(id) FROM customers";
    assert_eq!(
        host.sql(left),
        "38|0|40",
        "of the dump, less who was erased"
    );
    let audited = fs::read_to_string(host.file("audit.jsonl")).unwrap();
    let audited: Value = serde_json::from_str(audited.trim()).unwrap();
    assert_eq!(audited["excluded_users"], serde_json::json!(["3", "4"]));
    assert!(!Path::new(&list).exists(), "the list is personal data");
    let mut tar = Command::new("tar");
    let copy = tar.arg("--extract").arg("--to-stdout").arg("--file");
    let copy = copy
        .arg(walked.kept("compose-database", "SAFE"))
        .arg("./global/pg_control");
    assert_eq!(
        copy.output().unwrap().stdout,
        b"damaged\n",
        "what was there is kept as it was"
    );
    assert_eq!(host.status(&["--request", "POST"], "/order"), "201");
}
