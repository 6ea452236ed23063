//! Backups: one made by hand, with a copy at another provider.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use crate::aws::Aws;
use crate::company::Company;

/// What the company keeps at the provider, and the backups that lead to any moment.
fn keepers(aws: &Aws, folder: &Path) -> String {
    let (endpoint, folder) = (aws.fact("endpoint"), folder.display());
    format!(
        r#"
[targets.objects]
system = "s3"
bucket = "harbour-backups"
aws_region = "us-east-1"
endpoint = "{endpoint}"

[targets.base-folder]
system = "files"
path = "{folder}/base"
pattern = "base.tar.gz"

[targets.wal-folder]
system = "files"
path = "{folder}/wal"

[backups.base]
of = "base-folder"
younger = "8d"

[backups.wal]
of = "wal-folder"
younger = "1h"
"#
    )
}

/// A base backup of the primary, and the WAL that is open now archived.
async fn base_backup(company: &Company) {
    let folder = company.lab.path("base");
    let port = company.lab.port("pg-east");
    let mut made = Command::new("pg_basebackup");
    made.env("PGPASSFILE", company.lab.path("secrets/pgpass"));
    made.args([
        "--format=tar",
        "--gzip",
        "--checkpoint=fast",
        "--wal-method=fetch",
        "--pgdata",
    ])
    .arg(&folder);
    made.arg(format!("--dbname=host=127.0.0.1 port={port} user=postgres"));
    let made = made.output().unwrap();
    assert!(made.status.success(), "{made:?}");
    let admin = company.admin("pg-east", "app").await;
    admin.execute("SELECT pg_switch_wal()", &[]).await.unwrap();
}

/// The real AWS command line on the operator's path, kept in the cache of whoever runs the tests, and its credentials.
pub fn command_line(home: &Path) {
    let cache = directories::BaseDirs::new().unwrap();
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/bin/aws");
    let (cache, program) = (cache.cache_dir().display(), program.display());
    let script = format!("#!/bin/sh\nXDG_CACHE_HOME='{cache}' exec '{program}' \"$@\"\n");
    fs::write(home.join("bin/aws"), script).unwrap();
    fs::set_permissions(home.join("bin/aws"), Permissions::from_mode(0o700)).unwrap();
    fs::create_dir(home.join(".aws")).unwrap();
    let keys = "[default]\naws_access_key_id = lab\naws_secret_access_key = lab\n";
    fs::write(home.join(".aws/credentials"), keys).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_by_hand_is_proven_and_copied() {
    let aws = Aws::up();
    let company = Company::up("");
    let site = company.lab.path("company.toml");
    let text = fs::read_to_string(&site).unwrap() + &keepers(&aws, &company.lab.path(""));
    fs::write(&site, text).unwrap();
    command_line(&company.lab.path("home"));
    base_backup(&company).await;
    let folder = company.copy("");
    let values = [
        ("SERVER", "pg-east"),
        ("DATABASE", "app"),
        ("FOLDER", folder.as_str()),
        ("OBJECTS", "objects"),
        ("BUCKET", "harbour-backups"),
        ("PREFIX", "by-hand"),
        ("KMS_KEY", "alias/backups"),
        ("BASE", "base"),
        ("WAL", "wal"),
    ];
    let walked = company
        .walker("Before the upgrade")
        .walks("manual-backup", &values, &[]);
    let way = ["room", "dump", "prove", "upload", "wal", "job"];
    assert_eq!(walked.steps("manual-backup"), way);
    let dump = Path::new(walked.kept("manual-backup", "DUMP"));
    let counts = fs::read_to_string(format!("{}.counts.json", dump.display())).unwrap();
    let counts: BTreeMap<String, i64> = serde_json::from_str(&counts).unwrap();
    for table in ["public.customers", "public.debates", "public.messages"] {
        let asked = format!("SELECT count(*) FROM {table}");
        assert_eq!(
            counts[table],
            company.number("pg-east", "app", &asked).await,
            "{table}"
        );
    }
    let asked = json!({"Bucket": "harbour-backups", "Prefix": "by-hand/"});
    let there = aws.boto("s3", "list_objects_v2", &asked);
    let there = there["Contents"].as_array().unwrap();
    assert_eq!(
        there.len(),
        3,
        "the dump, its checksum, its counts: {there:?}"
    );
    let size = fs::metadata(dump).unwrap().len();
    assert!(
        there.iter().any(|object| object["Size"] == size),
        "{size}: {there:?}"
    );
}
