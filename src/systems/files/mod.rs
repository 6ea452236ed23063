//! A folder of backup files: which is the newest whole one, how large they usually are, what its checksum says.

mod folder;
mod sum;
mod wal;

use std::time::Duration;

use chrono::Utc;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

pub use self::sum::sum;
use self::sum::{Newest, Sums};
use super::wire;
use super::wire::proof::{Proofs, by_exit};
use super::{Output, System};
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::acts::{Act, Condition};
use crate::incident::evaluate;
use crate::incident::measure::{Size, Span};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{Backup, FilesEndpoint, Site, Target};

/// One folder of the site.
pub struct Files {
    id: TargetId,
    on: String,
    endpoint: FilesEndpoint,
    timeout: Duration,
    /// What the site asks of the backups in this folder.
    rules: Vec<Backup>,
    /// The look that is under way: a mount that hangs holds one thread, not one more at each probe.
    looking: Mutex<Option<JoinHandle<Result<FilesSight, Failure>>>>,
    sums: Sums,
    proofs: Proofs<Newest>,
}

impl Files {
    /// The folder of `target`; nothing is read yet.
    pub fn new(target: &Target, endpoint: &FilesEndpoint, site: &Site) -> Self {
        let rules = site.backups.iter();
        let mine = |rule: &&Backup| rule.of.as_ref() == Some(&target.id);
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            endpoint: endpoint.clone(),
            timeout: target.timeout,
            rules: rules.filter(mine).cloned().collect(),
            looking: Mutex::new(None),
            sums: Sums::default(),
            proofs: Proofs::default(),
        }
    }

    async fn look(&self) -> Result<FilesSight, Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut seen = self.list(deadline).await?;
        if let Some(newest) = &mut seen.newest {
            newest.checksum = self.checksum(newest, deadline).await?;
        }
        if let (Some(argv), Some(newest)) = (&self.endpoint.proof, &seen.newest) {
            let file = self.file(newest);
            let mut argv = argv.clone();
            argv.push(file.path.display().to_string());
            seen.proof = self.proofs.of(file, deadline, argv, by_exit).await;
        }
        Ok(seen)
    }

    async fn list(&self, deadline: Instant) -> Result<FilesSight, Failure> {
        let mut looking = self.looking.lock().await;
        let task = looking.get_or_insert_with(|| {
            let (on, endpoint) = (self.on.clone(), self.endpoint.clone());
            tokio::task::spawn_blocking(move || folder::list(&endpoint, &on, Utc::now()))
        });
        match timeout_at(deadline, &mut *task).await {
            Ok(ended) => {
                *looking = None;
                ended.map_err(|error| self.local(error.to_string()))?
            }
            Err(_) => {
                let what = format!("read the folder: not done within {}", Span(self.timeout));
                let advice = "does its mount hang?";
                Err(Failure::new(FailureKind::TimedOut, &self.on, what, advice))
            }
        }
    }

    async fn checksum(&self, file: &BackupFile, deadline: Instant) -> Result<Checksum, Failure> {
        if !self.endpoint.checksum {
            return Ok(Checksum::NotAsked);
        }
        let compared = self.sums.compare(self.file(file), deadline).await;
        compared.map_err(|error| self.local(format!("checksum of {}: {error}", file.name)))
    }

    /// The file as it is.
    fn file(&self, file: &BackupFile) -> Newest {
        Newest {
            path: self.endpoint.path.join(&file.name),
            at: file.at,
            size: file.size.unwrap_or(Size(0)),
        }
    }

    fn local(&self, what: impl AsRef<str>) -> Failure {
        Failure::new(FailureKind::Local, &self.on, what, "")
    }

    async fn judged(&self, condition: &Condition) -> Result<Verdict, Failure> {
        match condition {
            Condition::Sum { file, sha256 } => sum(file, sha256.as_deref()).await,
            Condition::Reachable { target } => Ok(evaluate::reachable(
                target,
                self.look().await.as_ref().err(),
            )),
            Condition::Backup {
                of,
                younger,
                verified,
            } => {
                let Some(rule) = self.rules.iter().find(|rule| &rule.id == of) else {
                    return Err(wire::not_known(&self.on, format!("backup {of}")));
                };
                let seen = self.look().await?;
                Ok(evaluate::backup(
                    rule,
                    *younger,
                    *verified,
                    &seen,
                    Utc::now(),
                ))
            }
            _ => Err(wire::not_known(&self.on, "this condition")),
        }
    }
}

impl System for Files {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Files);
        wire::observed(&self.id, look).boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        self.judged(condition).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, _: &'a Output) -> BoxFuture<'a, Outcome> {
        async move { wire::failed(wire::not_known(&self.on, act.word())) }.boxed()
    }
}
