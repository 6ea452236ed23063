//! A repository that holds a configuration: when its branch got its last commit.

use chrono::DateTime;
use futures_util::future::{BoxFuture, FutureExt};
use std::path::Path;

use super::probe::Probe;
use super::wire::{self, program};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One branch of a repository on this machine.
pub struct Git {
    on: String,
    argv: Vec<String>,
}

impl Git {
    /// The branch of `target`.
    pub fn new(target: &Target, path: &Path, reference: &str) -> Self {
        let path = path.display().to_string();
        let argv = [
            "git",
            "-C",
            &path,
            "log",
            "-1",
            "--format=%ct %h",
            reference,
            "--",
        ];
        Self {
            on: wire::on(target),
            argv: argv.map(str::to_owned).to_vec(),
        }
    }

    async fn ask(&self) -> Result<Sight, Failure> {
        let text = program::output(&self.argv, &self.on).await?;
        let line = text.trim();
        let commit = line.split_once(' ').and_then(|(time, hash)| {
            let at = DateTime::from_timestamp(time.parse().ok()?, 0)?;
            Some(BackupFile {
                name: hash.to_owned(),
                at,
                size: None,
                checksum: Checksum::NotAsked,
            })
        });
        match commit {
            Some(commit) => Ok(Sight::Files(FilesSight::of(vec![commit], 0))),
            None if line.is_empty() => Ok(Sight::Files(FilesSight::of(vec![], 0))),
            None => {
                let what = format!("git log: {line:?} is no time and commit");
                Err(Failure::new(FailureKind::BadAnswer, &self.on, what, ""))
            }
        }
    }
}

impl Probe for Git {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.ask().boxed()
    }
}
