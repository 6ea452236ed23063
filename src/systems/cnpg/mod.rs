//! A cluster of CloudNativePG: its phase, primary, instances, archive and last backup, as its operator writes them.

mod acts;

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;

use super::wire;
use super::wire::kube::{Clusters, Objects, time};
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::cnpg::CnpgSight;
use crate::incident::acts::orders::words_to;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::runbook;
use crate::incident::site::{KubeEndpoint, Target};

/// The annotation that fences instances: a JSON list of names, `*` for all.
const FENCED: &str = "cnpg.io/fencedInstances";

/// One cluster.
pub struct Cnpg {
    id: TargetId,
    name: String,
    objects: Objects,
}

impl Cnpg {
    /// The cluster of `target`; nothing is connected yet.
    pub fn new(target: &Target, (at, name): (&KubeEndpoint, &str), clusters: &Clusters) -> Self {
        let kind = ("postgresql.cnpg.io", "v1", "Cluster", "clusters");
        Self {
            id: target.id.clone(),
            name: name.to_owned(),
            objects: Objects::new(target, (at, clusters), kind),
        }
    }

    async fn look(&self) -> Result<CnpgSight, Failure> {
        Ok(sight(&self.objects.get(&self.name).await?))
    }
}

/// What a cluster's object says.
fn sight(cluster: &DynamicObject) -> CnpgSight {
    let (spec, status) = (&cluster.data["spec"], &cluster.data["status"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let count = |value: &Value| {
        value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    };
    let conditions = || status["conditions"].as_array().into_iter().flatten();
    let condition = |name: &str| conditions().find(|one| one["type"] == name);
    let reported = status["instancesReportedState"]
        .as_object()
        .into_iter()
        .flatten();
    let timelines: BTreeMap<String, u32> = reported
        .map(|(name, state)| (name.clone(), count(&state["timeLineID"])))
        .collect();
    let healthy = status["instancesStatus"]["healthy"]
        .as_array()
        .into_iter()
        .flatten();
    CnpgSight {
        phase: text(&status["phase"]),
        instances: count(&spec["instances"]),
        ready: count(&status["readyInstances"]),
        primary: text(&status["currentPrimary"]),
        target_primary: text(&status["targetPrimary"]),
        timelines,
        healthy: healthy.map(text).collect(),
        fenced: fenced(cluster),
        archiving: condition("ContinuousArchiving").map(|one| one["status"] == "True"),
        last_backup: time(&status["lastSuccessfulBackup"]),
    }
}

fn fenced(cluster: &DynamicObject) -> Vec<String> {
    let text = cluster.annotations().get(FENCED);
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

impl System for Cnpg {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = self.look().map_ok(Sight::Cnpg);
        let look = wire::within(&self.objects.on, self.objects.timeout, look);
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        let verbs: BTreeSet<_> = words_to(acts, runbook::System::Cnpg)
            .map(|word| match word {
                "promote" => ("patch", Some("status")),
                "recover" => ("create", None),
                _ => ("patch", None),
            })
            .collect();
        async move { self.objects.forbidden(&Vec::from_iter(verbs)).await }.boxed()
    }
}
