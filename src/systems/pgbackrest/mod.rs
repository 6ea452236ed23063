//! pgBackRest's backups of a stanza, by `info --output=json`. It exits 0 whatever it finds: only what it prints counts, and it says
//! nothing of damage inside the repository, which `pgbackrest verify` and a restore find.

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use super::probe::Probe;
use super::wire::{self, program};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
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
}

impl Pgbackrest {
    /// The stanza of `target`, asked by the program `run`.
    pub fn new(target: &Target, stanza: &str, run: &[String]) -> Self {
        let ask = [
            format!("--stanza={stanza}"),
            "--output=json".into(),
            "info".into(),
        ];
        Self {
            on: wire::on(target),
            stanza: stanza.to_owned(),
            argv: run.iter().cloned().chain(ask).collect(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
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
            Some(0 | NO_BACKUP) => Ok(Sight::Files(backups(stanza))),
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
        self.ask().boxed()
    }
}
