//! An application of Argo CD: its health, whether it is what Git says, and a sync.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::wire::kube::{Clusters, Objects};
use super::wire::watched::{Look, watched};
use super::wire::{self, Wrong};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::orders::words_to;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{KubeEndpoint, Target};

/// How often a sync is asked for while it runs, and for how long.
const EVERY: Duration = Duration::from_secs(1);
const SYNCED_WITHIN: Duration = Duration::from_secs(1_800);

/// One application.
pub struct Argocd {
    id: TargetId,
    name: String,
    objects: Objects,
}

impl Argocd {
    /// The application of `target`; nothing is connected yet.
    pub fn new(target: &Target, (at, name): (&KubeEndpoint, &str), clusters: &Clusters) -> Self {
        let kind = ("argoproj.io", "v1alpha1", "Application", "applications");
        Self {
            id: target.id.clone(),
            name: name.to_owned(),
            objects: Objects::new(target, (at, clusters), kind),
        }
    }

    async fn look(&self) -> Result<CheckSight, Failure> {
        Ok(judged(&self.objects.get(&self.name).await?))
    }

    async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        let Act::Order(order) = act else {
            return Err(Wrong::Undone(wire::not_known(&self.objects.on, act.word())));
        };
        let app = self.objects.get(&self.name).await.map_err(Wrong::Undone)?;
        let running = app.data["status"]["operationState"]["phase"] == "Running";
        if running || app.data["operation"].is_object() {
            let what = format!("sync: another operation of {} is under way", self.name);
            return Err(self.objects.undone(what, "wait for its end"));
        }
        let before = app.data["status"]["operationState"]["startedAt"].clone();
        let mut sync = json!({});
        if !order.arg("revision").is_empty() {
            sync["revision"] = json!(order.arg("revision"));
        }
        out.line(format!("sync {}", self.name));
        let operation = json!({ "sync": sync, "initiatedBy": { "username": "warroom" } });
        self.objects
            .patch(&app, json!({ "operation": operation }), false)
            .await?;
        self.synced(&before, out).await
    }

    /// Waits for an operation that began after the one before.
    async fn synced(&self, earlier: &Value, out: &Output) -> Result<String, Wrong> {
        let look = || async move {
            let app = match self.objects.get(&self.name).await {
                Ok(app) => app,
                Err(failure) => return Look::Still(failure.what.to_string()),
            };
            let state = &app.data["status"]["operationState"];
            if !state["startedAt"].is_string() || state["startedAt"] == *earlier {
                return Look::Still(format!("{}: waiting for Argo CD", self.name));
            }
            let message = state["message"].as_str().unwrap_or_default();
            match state["phase"].as_str().unwrap_or("waiting") {
                "Succeeded" => Look::Done(format!("{} is synced: {message}", self.name)),
                phase @ ("Failed" | "Error") => {
                    let what = format!("sync: {phase}: {message}");
                    Look::Failed(self.objects.undone(what, "see argocd app get"))
                }
                phase => Look::Still(format!("{}: {phase}: {message}", self.name)),
            }
        };
        let lost = |what: String| self.objects.lost(what, "the order stands: look at Argo CD");
        watched(out, (SYNCED_WITHIN, EVERY), lost, look).await
    }
}

fn judged(app: &DynamicObject) -> CheckSight {
    let status = &app.data["status"];
    let health = status["health"]["status"].as_str().unwrap_or("Unknown");
    let sync = status["sync"]["status"].as_str().unwrap_or("Unknown");
    let by_health = match health {
        "Healthy" => CheckState::Fine,
        "Progressing" | "Suspended" | "Unknown" => CheckState::Watch,
        _ => CheckState::Breach,
    };
    let by_sync = match sync {
        "Synced" => CheckState::Fine,
        _ => CheckState::Watch,
    };
    CheckSight::new(by_health.max(by_sync), format!("{health}, {sync}"))
}

impl System for Argocd {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Check);
        let look = wire::within(&self.objects.on, self.objects.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let verbs = words_to(acts, runbook::System::Argocd).map(|_| ("patch", None));
        let verbs = Vec::from_iter(verbs.take(1));
        async move { self.objects.forbidden(&verbs).await }.boxed()
    }
}
