//! An application of Argo CD: its health, whether it is what Git says, and a sync.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use kube::core::DynamicObject;
use serde_json::{Value, json};

use super::wire::kube::{Clusters, Custom};
use super::wire::{self, Patience, Wrong};
use super::{Output, System};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::acts::{Act, Condition};
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{KubeEndpoint, Target};

/// How often a sync is asked for while it runs, and for how long.
const EVERY: Duration = Duration::from_secs(1);
const SYNCED_WITHIN: Duration = Duration::from_secs(1_800);

/// One application.
pub struct Argocd {
    id: TargetId,
    name: String,
    objects: Custom,
}

impl Argocd {
    /// The application of `target`; nothing is connected yet.
    pub fn new(target: &Target, (at, name): (&KubeEndpoint, &str), clusters: &Clusters) -> Self {
        let who = (wire::on(target), target.timeout);
        let kind = ("argoproj.io", "v1alpha1", "Application", "applications");
        Self {
            id: target.id.clone(),
            name: name.to_owned(),
            objects: Custom::new(who, (at, clusters), kind),
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
        let (patience, mut before) = (Patience::new(SYNCED_WITHIN, EVERY), String::new());
        loop {
            let now = match self.objects.get(&self.name).await {
                Ok(app) => {
                    let state = &app.data["status"]["operationState"];
                    let ours = state["startedAt"].is_string() && state["startedAt"] != *earlier;
                    let message = state["message"].as_str().unwrap_or_default();
                    match state["phase"].as_str() {
                        Some("Succeeded") if ours => {
                            return Ok(format!("{} is synced: {message}", self.name));
                        }
                        Some(phase @ ("Failed" | "Error")) if ours => {
                            let what = format!("sync: {phase}: {message}");
                            return Err(self.objects.undone(what, "see argocd app get"));
                        }
                        phase if ours => format!("{}: {message}", phase.unwrap_or("waiting")),
                        _ => "waiting for Argo CD".to_owned(),
                    }
                }
                Err(failure) => failure.what.to_string(),
            };
            wire::progress(out, &mut before, format!("{}: {now}", self.name));
            if !patience.again().await {
                let what = format!("sync: {now} after {}", Span(SYNCED_WITHIN));
                return Err(self.objects.lost(what, "the order stands: look at Argo CD"));
            }
        }
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
        wire::observed(&self.id, self.look().map_ok(Sight::Check)).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move { Err(wire::not_known(&self.objects.on, "this condition")) }.boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }
}
