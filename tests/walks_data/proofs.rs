//! Backups are verified: restored, compared, recovered to six hours ago, and what came of it is told.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::archive::{Archive, HOST};
use crate::aws::Aws;
use crate::backups::command_line;
use crate::cache::rdb;
use crate::common::through::Walked;
use crate::company::Company;
use crate::metrics::{ALERT, Metrics};

/// A company with all that its backups are in, and a server to restore on.
struct Kept {
    archive: Archive,
    company: Company,
    aws: Aws,
    metrics: Metrics,
}

impl Kept {
    async fn up() -> Self {
        let (aws, metrics) = (Aws::up(), Metrics::up().await);
        let company = Company::up("");
        let archive = Archive::up(&company);
        archive.starts_scratch(&company);
        command_line(&company.lab.path("home"));
        rdb(&company);
        let (endpoint, wal) = (aws.fact("endpoint"), company.lab.path("wal"));
        company.adds(&format!(
            r#"
[targets.objects]
system = "s3"
bucket = "harbour-backups"
prefix = "nightly/"
aws_region = "us-east-1"
endpoint = "{endpoint}"

[targets.wals]
system = "files"
path = "{}"
wal_segment = "16MB"
proof = ["/usr/lib/postgresql/15/bin/pg_waldump", "--quiet"]

[backups.wal]
of = "wals"
younger = "5m"
"#,
            wal.display()
        ));
        let kept = Self {
            archive,
            company,
            aws,
            metrics,
        };
        kept.uploads(&kept.newest());
        kept
    }

    /// The newest dump of the folder.
    fn newest(&self) -> PathBuf {
        let files = fs::read_dir(self.company.lab.path("backups")).unwrap();
        let dumps = files.map(|file| file.unwrap().path());
        let dumps = dumps.filter(|path| path.extension().is_some_and(|ending| ending == "dump"));
        dumps.max().unwrap()
    }

    /// What the nightly job does with a dump.
    fn uploads(&self, dump: &Path) {
        let mut aws = Command::new(self.company.lab.path("home/bin/aws"));
        aws.env("HOME", self.company.lab.path("home"));
        aws.args(["s3", "cp", "--endpoint-url", self.aws.fact("endpoint")]);
        aws.args(["--region", "us-east-1"]).arg(dump);
        let done = aws.arg("s3://harbour-backups/nightly/").output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    /// The values of the runbook's variables.
    fn values(&self) -> Vec<(&'static str, String)> {
        let company = &self.company;
        let named = [
            ("PRODUCTION", "pg-east"),
            ("DATABASE", "app"),
            ("SCRATCH", "scratch"),
            ("TABLES", "customers,debates,messages"),
            ("DUMPS", "dumps"),
            ("BACKUP", "pg-dump"),
            ("OBJECTS", "objects"),
            ("BUCKET", "harbour-backups"),
            ("PREFIX", "nightly/"),
            ("RDBS", "rdbs"),
            ("RDB_BACKUP", "rdb"),
            ("WAL", "wal"),
            ("WALS", "wals"),
            ("RECOVERY_HOST", HOST),
            ("COPY", "copy"),
            ("STANZA", "main"),
            ("ALERT", ALERT),
        ];
        let named = named.map(|(name, value)| (name, value.to_owned()));
        let made = [
            ("FETCHED", company.copy("fetched.dump")),
            ("WORK", company.safe.path().display().to_string()),
            ("COPY_FOLDER", self.archive.folder()),
            ("COPY_PORT", self.archive.port.to_string()),
            ("PUSHGATEWAY", self.metrics.gateway("backups")),
            ("PROMETHEUS", self.metrics.prometheus()),
            ("HOOK", company.https("/hook")),
        ];
        named.into_iter().chain(made).collect()
    }

    /// Nothing is left of a verification.
    async fn is_tidy(&self) {
        let company = &self.company;
        let left = "SELECT count(*) FROM pg_database WHERE datname = 'warroom_verify'";
        let scratch = self.archive.scratch;
        assert_eq!(company.psql(scratch, "postgres", "postgres", left), "0");
        let files = fs::read_dir(company.safe.path()).unwrap();
        assert_eq!(files.count(), 0, "what was fetched, and counts");
        assert!(!Path::new(&self.archive.folder()).exists());
    }
}

fn borrowed<'a>(values: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    let pairs = values.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

const RESTORED: [&str; 6] = ["create", "restore", "tables", "count", "compare", "more"];

/// Owed whatever happened.
const TIDIES: [&str; 2] = ["drop", "tidy"];

/// The steps that were gone where nothing was recovered: what would remove it may have been passed over before anybody saw it.
fn gone(walked: &Walked) -> Vec<&str> {
    let mut steps = walked.steps("backup-verification");
    steps.retain(|step| *step != "drop-recovery");
    steps
}

const SUCCESS: &str = "backup_verification_success";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_sunday_all_kinds_of_backups_are_proven_and_one_is_recovered() {
    let kept = Kept::up().await;
    kept.archive.backup_of_earlier();
    let values = kept.values();
    let ways = [
        ("what", "Verify"),
        ("which", "The newest of the folder"),
        ("more", "Weekly: go on"),
    ];
    let walked = kept.company.walker("Sunday, 04:00").walks(
        "backup-verification",
        &borrowed(&values),
        &ways,
    );
    let first = ["what", "assume-failure", "which", "find", "size"];
    let weekly = ["rdb", "copies", "wal", "recover", "alarms", "report"];
    assert_eq!(
        walked.steps("backup-verification"),
        [
            &first[..],
            &RESTORED,
            &weekly,
            &TIDIES,
            &["drop-recovery", "inventory"]
        ]
        .concat()
    );
    kept.is_tidy().await;
    assert_eq!(kept.metrics.pushed(SUCCESS).await, Some(1.0));
    let at = kept
        .metrics
        .pushed("backup_verification_timestamp_seconds")
        .await;
    let began = "backup_verification_started_timestamp_seconds";
    assert!(at.unwrap() >= kept.metrics.pushed(began).await.unwrap());
    assert!(!kept.company.keeps("channel.jsonl").exists());
}

/// A newest dump whose data can't be read, though its size and its checksum are as they should be.
fn damages_the_newest(kept: &Kept) {
    let dump = PathBuf::from(kept.company.lab.cmd(&["backup"]).trim());
    let size = fs::metadata(&dump).unwrap().len();
    let file = OpenOptions::new().write(true).open(&dump).unwrap();
    file.write_all_at(&[0x55; 256], size / 2).unwrap();
    let script = "cd \"$(dirname \"$1\")\" && sha256sum \"$(basename \"$1\")\" >\"$1.sha256\"";
    let mut summed = Command::new("sh");
    let summed = summed.args(["-euc", script, "sh"]).arg(&dump).status();
    assert!(summed.unwrap().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_is_listed_the_bucket_is_proven_and_a_damaged_dump_is_told() {
    let kept = Kept::up().await;
    let values = kept.values();
    let values = borrowed(&values);
    let mut walker = kept.company.walker("A day's verification");

    let walked = walker.walks(
        "backup-verification",
        &values,
        &[("what", "Only list what there is")],
    );
    assert_eq!(
        gone(&walked),
        [&["what", "inventory"][..], &TIDIES].concat()
    );
    assert_eq!(kept.metrics.pushed(SUCCESS).await, None);

    let ways = [
        ("what", "Verify"),
        ("which", "The newest of the bucket"),
        ("more", "Daily, and all is well"),
    ];
    let walked = walker.walks("backup-verification", &values, &ways);
    let first = ["what", "assume-failure", "which", "fetch"];
    assert_eq!(
        gone(&walked),
        [&first[..], &RESTORED, &["report"], &TIDIES, &["inventory"]].concat()
    );
    kept.is_tidy().await;
    assert_eq!(kept.metrics.pushed(SUCCESS).await, Some(1.0));

    damages_the_newest(&kept);
    let ways = [
        ("what", "Verify"),
        ("which", "The newest of the folder"),
        ("restore", "go to Tell that it failed"),
    ];
    let walked = walker.walks("backup-verification", &values, &ways);
    let way = [
        "what",
        "assume-failure",
        "which",
        "find",
        "size",
        "create",
        "restore",
        "alert",
    ];
    assert_eq!(gone(&walked), [&way[..], &TIDIES, &["inventory"]].concat());
    kept.is_tidy().await;
    assert_eq!(kept.metrics.pushed(SUCCESS).await, Some(0.0));
    let told = fs::read_to_string(kept.company.keeps("channel.jsonl")).unwrap();
    let told: Value = serde_json::from_str(told.trim()).unwrap();
    let text = told["text"].as_str().unwrap();
    assert!(text.contains("failed (INC-2026-0001)"), "{text}");
}
