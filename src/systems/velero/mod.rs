//! Velero: the backups it made, one more, and a restore of one.

use std::time::Duration;

use std::collections::BTreeSet;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::wire::kube::{Clusters, Objects, time};
use super::wire::watched::{Look, watched};
use super::wire::{self, Wrong};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::files::{BackupFile, Checksum, FilesSight};
use crate::incident::acts::orders::words_to;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{KubeEndpoint, Target};

/// How often a backup or a restore is asked for while it runs, and for how long.
const EVERY: Duration = Duration::from_secs(2);
const DONE_WITHIN: Duration = Duration::from_secs(4 * 3_600);

/// The backups of one Velero, or of one of its schedules.
pub struct Velero {
    id: TargetId,
    schedule: Option<String>,
    backups: Objects,
    restores: Objects,
    schedules: Objects,
}

impl Velero {
    /// The backups of `target`; nothing is connected yet.
    pub fn new(
        target: &Target,
        (at, schedule): (&KubeEndpoint, Option<&str>),
        clusters: &Clusters,
    ) -> Self {
        let kind = |kind: &str, plural: &str| {
            Objects::new(target, (at, clusters), ("velero.io", "v1", kind, plural))
        };
        Self {
            id: target.id.clone(),
            schedule: schedule.map(str::to_owned),
            backups: kind("Backup", "backups"),
            restores: kind("Restore", "restores"),
            schedules: kind("Schedule", "schedules"),
        }
    }

    async fn look(&self) -> Result<FilesSight, Failure> {
        let schedule = self.schedule.iter();
        let labels: String = schedule
            .map(|name| format!("velero.io/schedule-name={name}"))
            .collect();
        let all = self.backups.list(&labels).await?;
        let whole: Vec<BackupFile> = all.iter().filter_map(whole).collect();
        let incomplete = all.len() - whole.len();
        Ok(FilesSight::of(whole, incomplete))
    }

    async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        let Act::Order(order) = act else {
            return Err(Wrong::Undone(wire::not_known(&self.backups.on, act.word())));
        };
        let name = order.arg("as");
        match order.word.as_str() {
            "backup" => {
                let spec = self.template().await?;
                out.line(format!("backup {name}"));
                self.backups.create(name, spec).await?;
                self.completed(&self.backups, name, out).await?;
                Ok(format!("backup {name} is complete"))
            }
            "restore" => {
                let backup = order.arg("backup");
                let seen = self.backups.get(backup).await.map_err(Wrong::Undone)?;
                if whole(&seen).is_none() {
                    let what = format!("restore: backup {backup} is {}", phase(&seen));
                    return Err(self.backups.undone(what, "restore a complete one"));
                }
                out.line(format!("restore {name} of backup {backup}"));
                self.restores
                    .create(name, json!({ "backupName": backup }))
                    .await?;
                self.completed(&self.restores, name, out).await?;
                Ok(format!("backup {backup} is restored, as {name}"))
            }
            _ => Err(Wrong::Undone(wire::not_known(&self.backups.on, act.word()))),
        }
    }

    /// What a backup of the schedule takes in; everything without one.
    async fn template(&self) -> Result<Value, Wrong> {
        match &self.schedule {
            Some(name) => {
                let schedule = self.schedules.get(name).await.map_err(Wrong::Undone)?;
                Ok(schedule.data["spec"]["template"].clone())
            }
            None => Ok(json!({})),
        }
    }

    async fn completed(&self, of: &Objects, name: &str, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            let seen = match of.get(name).await {
                Ok(seen) => seen,
                Err(failure) => return Look::Still(failure.what.to_string()),
            };
            match phase(&seen) {
                "Completed" => Look::Done(String::new()),
                phase @ ("Failed" | "PartiallyFailed" | "FailedValidation") => {
                    let what = format!("{name}: {phase}, {}", complaint(&seen));
                    Look::Failed(of.undone(what, "see velero describe"))
                }
                phase => Look::Still(format!("{name}: {phase}")),
            }
        };
        let lost = |what: String| of.lost(what, "the order stands: look at Velero's log");
        watched(out, (DONE_WITHIN, EVERY), lost, look).await
    }
}

/// What Velero has against it.
fn complaint(object: &DynamicObject) -> String {
    let status = &object.data["status"];
    let errors = status["validationErrors"].as_array().into_iter().flatten();
    let words: Vec<&str> = errors.filter_map(Value::as_str).collect();
    match words.as_slice() {
        [] => format!("{} errors", status["errors"].as_u64().unwrap_or(0)),
        words => words.join(", "),
    }
}

/// `New` until Velero has looked at it.
fn phase(object: &DynamicObject) -> &str {
    object.data["status"]["phase"].as_str().unwrap_or("New")
}

fn whole(backup: &DynamicObject) -> Option<BackupFile> {
    let done = phase(backup) == "Completed";
    let at = time(&backup.data["status"]["completionTimestamp"]).filter(|_| done)?;
    Some(BackupFile {
        name: backup.name_any(),
        at,
        size: None,
        checksum: Checksum::NotAsked,
    })
}

impl System for Velero {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Files);
        let look = wire::within(&self.backups.on, self.backups.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let words: BTreeSet<_> = words_to(acts, runbook::System::Velero).collect();
        async move {
            let mut forbidden = Vec::new();
            for (word, objects) in [("backup", &self.backups), ("restore", &self.restores)] {
                if words.contains(word) {
                    forbidden.extend(objects.forbidden(&[("create", None)]).await);
                }
            }
            forbidden
        }
        .boxed()
    }
}
