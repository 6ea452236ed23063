//! pgBackRest's backups of a stanza, by `info --output=json`. It exits 0 whatever it finds: only what it prints counts, and it says
//! nothing of damage inside the repository. `verify` finds that, and exits 0 as well.

use std::process::Output;
use std::time::Duration;

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;
use tokio::time::Instant;

use super::probe::Probe;
use super::wire::proof::Proofs;
use super::wire::{self, program};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight, Proof};
use crate::incident::clean::Clean;
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// `status.code` of a stanza that has no backup yet.
const NO_BACKUP: i64 = 2;

/// One stanza.
pub struct Pgbackrest {
    on: String,
    stanza: String,
    argv: Vec<String>,
    timeout: Duration,
    /// How the repository is read through, where that is asked.
    verify: Option<Vec<String>>,
    /// By the label of the newest backup.
    proofs: Proofs<String>,
}

impl Pgbackrest {
    /// The stanza of `target`, asked by the program `run`.
    pub fn new(target: &Target, stanza: &str, run: &[String], verify: bool) -> Self {
        let ask = [
            format!("--stanza={stanza}"),
            "--output=json".into(),
            "info".into(),
        ];
        let read = [
            format!("--stanza={stanza}"),
            "--output=text".into(),
            // Otherwise it says nothing when all is well, as it does when it looked at nothing.
            "--verbose".into(),
            "verify".into(),
        ];
        Self {
            on: wire::on(target),
            stanza: stanza.to_owned(),
            argv: run.iter().cloned().chain(ask).collect(),
            timeout: target.timeout,
            verify: verify.then(|| run.iter().cloned().chain(read).collect()),
            proofs: Proofs::default(),
        }
    }

    async fn seen(&self) -> Result<Sight, Failure> {
        // Some of the time-out is left for what the proof has to say.
        let deadline = Instant::now() + wire::share(self.timeout);
        let mut seen = self.ask().await?;
        if let (Some(argv), Some(newest)) = (&self.verify, &seen.newest) {
            let label = newest.name.clone();
            let proof = self.proofs.of(label, deadline, argv.clone(), verified);
            seen.proof = proof.await;
        }
        Ok(Sight::Files(seen))
    }

    async fn ask(&self) -> Result<FilesSight, Failure> {
        let text = program::output(&self.argv, &self.on).await?;
        let wrong = |what: String, advice: &str| {
            Failure::new(FailureKind::BadAnswer, &self.on, what, advice)
        };
        let answer: Value = serde_json::from_str(&text)
            .map_err(|why| wrong(format!("info: no JSON: {why}"), "run it by hand to see"))?;
        let stanzas = answer.as_array().into_iter().flatten();
        let mut mine = stanzas.filter(|one| one["name"].as_str() == Some(&self.stanza));
        let stanza = mine.next().ok_or_else(|| {
            let what = format!("info: no stanza {}", self.stanza);
            Failure::new(FailureKind::Missing, &self.on, what, "check its name")
        })?;
        match stanza["status"]["code"].as_i64() {
            Some(0 | NO_BACKUP) => Ok(backups(stanza)),
            code => {
                let said = stanza["status"]["message"].as_str().unwrap_or("unknown");
                let code = code.map_or("none".to_owned(), |code| code.to_string());
                Err(wrong(
                    format!("info: status {code}: {said}"),
                    "run pgbackrest check",
                ))
            }
        }
    }
}

/// What `verify` printed: its exit says nothing of what it found.
fn verified(done: &Output) -> Proof {
    let said = String::from_utf8_lossy(&done.stdout);
    let mut lines = said.lines().map(str::trim);
    let status = lines.find_map(|line| line.strip_prefix("status: "));
    let wrong: Vec<&str> = lines
        .flat_map(|line| line.split(", "))
        .filter(|part| faulty(part))
        .collect();
    match status {
        _ if !done.status.success() => Proof::Unread(format!("verify: {}", done.status)),
        Some("ok") => Proof::Whole,
        Some(status) if wrong.is_empty() => Proof::Damaged(format!("verify says {status}")),
        Some(_) => Proof::Damaged(Clean::new(&wrong.join(", ")).to_string()),
        None => Proof::Unread("verify does not say how the repository is".into()),
    }
}

/// `status: invalid` of a backup, or a count of files that is not 0.
fn faulty(part: &str) -> bool {
    const COUNTED: [&str; 4] = ["missing", "checksum invalid", "size invalid", "other"];
    match part.split_once(": ") {
        Some(("status", status)) => status != "valid",
        Some((what, count)) => COUNTED.contains(&what) && count != "0",
        None => false,
    }
}

fn backups(stanza: &Value) -> FilesSight {
    let all = stanza["backup"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    // Page checksums that did not fit: the backup is there, and what is in it is damaged.
    let damaged = |backup: &&Value| backup["error"].as_bool() == Some(true);
    let whole = all
        .iter()
        .filter(|backup| !damaged(backup))
        .filter_map(|backup| {
            let at = DateTime::from_timestamp(backup["timestamp"]["stop"].as_i64()?, 0)?;
            Some(BackupFile {
                name: backup["label"].as_str().unwrap_or("unnamed").to_owned(),
                at,
                // The whole database, whatever an incremental one had to copy.
                size: backup["info"]["size"].as_u64().map(Size),
                checksum: Checksum::NotAsked,
            })
        });
    FilesSight::of(whole.collect(), all.iter().filter(damaged).count())
}

impl Probe for Pgbackrest {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.seen().boxed()
    }
}
