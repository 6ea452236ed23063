//! Barman's backups of a server, by `-f json list-backup`.

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};
use serde_json::Value;

use super::probe::Probe;
use super::wire::{self, program};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::measure::Size;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One server of Barman.
pub struct Barman {
    on: String,
    server: String,
    argv: Vec<String>,
}

impl Barman {
    /// The server of `target`, asked by the program `run`.
    pub fn new(target: &Target, server: &str, run: &[String]) -> Self {
        let ask = ["-f", "json", "list-backup", server].map(str::to_owned);
        Self {
            on: wire::on(target),
            server: server.to_owned(),
            argv: run.iter().cloned().chain(ask).collect(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let text = program::output(&self.argv, &self.on).await?;
        let answer: Value = serde_json::from_str(&text).map_err(|why| {
            let what = format!("list-backup: no JSON: {why}");
            Failure::new(
                FailureKind::BadAnswer,
                &self.on,
                what,
                "run it by hand to see",
            )
        })?;
        let all = answer[&self.server]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        Ok(Sight::Files(backups(all)))
    }
}

fn backups(all: &[Value]) -> FilesSight {
    // One that failed, or still runs, has no end.
    let whole: Vec<BackupFile> = all.iter().filter_map(whole).collect();
    let incomplete = all.len() - whole.len();
    FilesSight::of(whole, incomplete)
}

fn whole(backup: &Value) -> Option<BackupFile> {
    let done = backup["status"]
        .as_str()
        .is_none_or(|status| status == "DONE");
    // A number as text.
    let end = backup["end_time_timestamp"].as_str()?.parse().ok()?;
    let at = DateTime::from_timestamp(end, 0).filter(|_| done)?;
    Some(BackupFile {
        name: backup["backup_id"].as_str().unwrap_or("unnamed").to_owned(),
        at,
        size: backup["size_bytes"].as_u64().map(Size),
        checksum: Checksum::NotAsked,
    })
}

impl Probe for Barman {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
