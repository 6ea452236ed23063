//! What can be done to a workload or a node: one request each, done when the API server took it and its controller saw it.
//! Whether the replicas come up is for the step's verification to ask, for it may take long, or never be so.

use std::time::Duration;

use chrono::Utc;
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams};
use kube::{Api, Client, ResourceExt};
use serde_json::{Value, json};

use super::workload::{self, revision};
use super::{Kubernetes, Workload};
use crate::incident::acts::Act;
use crate::incident::acts::kube::KubeAct;
use crate::incident::reading::{Failure, FailureKind};
use crate::systems::Output;
use crate::systems::wire::kube::sorted;
use crate::systems::wire::watched::{Look, watched};
use crate::systems::wire::{self, Wrong};

/// How often a controller is asked whether it has seen a change.
const EVERY: Duration = Duration::from_millis(250);

/// Longer than this, and the controller does not work.
const SEEN_WITHIN: Duration = Duration::from_secs(30);

/// What kubectl writes for a restart; the same, so that both are read as one.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

impl Kubernetes {
    pub(super) async fn carry_out(&self, act: &Act, out: &Output) -> Result<String, Wrong> {
        match act {
            Act::Kube(act) if act.target() == &self.id => self.kube(act, out).await,
            other => Err(Wrong::Undone(wire::not_known(&self.on, other.word()))),
        }
    }

    async fn kube(&self, act: &KubeAct, out: &Output) -> Result<String, Wrong> {
        let client = self.cluster.client(&self.on).await.map_err(Wrong::Undone)?;
        match act {
            KubeAct::Scale { replicas, .. } => {
                let replicas = self.number(replicas)?;
                let patch = json!({ "spec": { "replicas": replicas } });
                let said = format!("to {replicas} replicas");
                self.change(act.word(), &Patch::Merge(patch), &said, out)
                    .await
            }
            KubeAct::Restart { .. } => {
                let at = Utc::now().to_rfc3339();
                let meta = json!({ "metadata": { "annotations": { RESTARTED: at } } });
                let patch = json!({ "spec": { "template": meta } });
                self.change(act.word(), &Patch::Strategic(patch), "anew", out)
                    .await
            }
            KubeAct::SetEnv { name, value, .. } => {
                let containers = self.containers().await?;
                let env = json!([{ "name": name, "value": value }]);
                let with = |container: String| json!({ "name": container, "env": env });
                let containers: Vec<Value> = containers.into_iter().map(with).collect();
                let spec = json!({ "template": { "spec": { "containers": containers } } });
                let patch = Patch::Strategic(json!({ "spec": spec }));
                self.change(act.word(), &patch, &format!("with {name}={value}"), out)
                    .await
            }
            KubeAct::Undo { to_revision, .. } => {
                let wanted = to_revision
                    .as_deref()
                    .map(|text| self.number(text))
                    .transpose()?;
                self.undo(client, wanted.map(u64::from), out).await
            }
            KubeAct::Patch { patch, .. } => {
                let read = serde_json::from_str(patch);
                let change: Value = read
                    .map_err(|why| self.undone(format!("{patch}: {why}"), "write a JSON object"))?;
                self.change(
                    act.word(),
                    &Patch::Strategic(change),
                    &format!("by {patch}"),
                    out,
                )
                .await
            }
            KubeAct::Apply { file, .. } => self.apply(client, file, out).await,
            KubeAct::Cordon { node, .. } => self.cordon(client, node, out).await,
            KubeAct::DeletePod { pod, .. } => self.delete_pod(client, pod, out).await,
        }
    }

    /// Patches the workload, and waits until its controller has seen it.
    async fn change(
        &self,
        word: &str,
        patch: &Patch<Value>,
        said: &str,
        out: &Output,
    ) -> Result<String, Wrong> {
        let workload = self.needs_workload(word)?;
        let (kind, name) = (workload.kind(), &workload.name);
        out.line(format!("{word} {kind}/{name} {said}"));
        let api = workload.objects.api().await.map_err(Wrong::Undone)?;
        let sent = api.patch(name, &PatchParams::default(), patch).await;
        let what = format!("patch {kind} {name}");
        let sent = sent.map_err(|error| sorted((&self.on, &what), &error))?;
        let generation = sent.metadata.generation.unwrap_or(0);
        let look = || async move {
            let seen = workload.objects.get(name).await;
            let observed = seen
                .ok()
                .and_then(|it| it.data["status"]["observedGeneration"].as_i64());
            match observed.is_some_and(|observed| observed >= generation) {
                true => Look::Done(format!(
                    "{kind}/{name} goes on {said}, and its controller has seen it"
                )),
                false => Look::Still(format!("{kind} {name}: its controller has not seen it")),
            }
        };
        let advice = "the change is stored: look at the controller manager";
        let lost = |what: String| workload.objects.lost(what, advice);
        watched(out, (SEEN_WITHIN, EVERY), lost, look).await
    }

    /// The names of the workload's containers.
    async fn containers(&self) -> Result<Vec<String>, Wrong> {
        let workload = self.needs_workload("set_env")?;
        let seen = workload
            .objects
            .get(&workload.name)
            .await
            .map_err(Wrong::Undone)?;
        let containers = seen.data["spec"]["template"]["spec"]["containers"].as_array();
        let names = containers
            .into_iter()
            .flatten()
            .filter_map(|one| one["name"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    async fn undo(
        &self,
        client: &Client,
        wanted: Option<u64>,
        out: &Output,
    ) -> Result<String, Wrong> {
        let workload = self.needs_workload("undo")?;
        let (kind, name) = (workload.kind(), &workload.name);
        let template = match workload.stateful {
            true => self.revision_of_set(client, name, wanted).await?,
            false => self.revision_of_deployment(client, name, wanted).await?,
        };
        let Some((number, patch)) = template else {
            let what = match wanted {
                Some(number) => format!("undo: {kind} {name} has no revision {number}"),
                None => format!("undo: {kind} {name} has no revision before this one"),
            };
            return Err(self.undone(what, "see kubectl rollout history"));
        };
        self.change("undo", &patch, &format!("as of revision {number}"), out)
            .await
    }

    /// The pods' template of a revision: the one asked for, else the newest before the current.
    async fn revision_of_deployment(
        &self,
        client: &Client,
        name: &str,
        wanted: Option<u64>,
    ) -> Result<Option<(u64, Patch<Value>)>, Wrong> {
        let now: Deployment = self.got(client, "deployment", name).await?;
        if now
            .spec
            .as_ref()
            .and_then(|spec| spec.paused)
            .unwrap_or(false)
        {
            let what = format!("undo: deployment {name} is paused");
            return Err(self.undone(what, "resume it first"));
        }
        let current = revision(&now.metadata);
        let api: Api<ReplicaSet> = Api::namespaced(client.clone(), &self.namespace);
        let labels = now
            .spec
            .as_ref()
            .map(|spec| workload::selector(&spec.selector));
        let params = ListParams::default().labels(&labels.unwrap_or_default());
        let sets = api.list(&params).await;
        let sets = sets.map_err(|error| {
            Wrong::Undone(sorted((&self.on, "list replicasets"), &error).into_failure())
        })?;
        let mine = sets
            .items
            .into_iter()
            .filter(|set| owned(set, now.uid().as_deref()));
        let fits = |number: u64| match wanted {
            Some(wanted) => number == wanted,
            None => number < current,
        };
        let fitting = mine.filter(|set| fits(revision(&set.metadata)));
        let Some(set) = fitting.max_by_key(|set| revision(&set.metadata)) else {
            return Ok(None);
        };
        let number = revision(&set.metadata);
        let mut template = serde_json::to_value(set.spec.and_then(|spec| spec.template))
            .map_err(|why| self.undone(format!("undo: {why}"), ""))?;
        // The controller's own mark of the replica set; with it the new one would never be matched.
        if let Some(labels) = template
            .pointer_mut("/metadata/labels")
            .and_then(Value::as_object_mut)
        {
            labels.remove("pod-template-hash");
        }
        // Refused when somebody changed the deployment since it was read.
        let patch = json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": now.resource_version() },
            { "op": "replace", "path": "/spec/template", "value": template },
        ]);
        let patch = serde_json::from_value(patch).map(Patch::Json::<()>);
        let patch = patch.map_err(|why| self.undone(format!("undo: {why}"), ""))?;
        Ok(Some((number, retyped(patch))))
    }

    async fn revision_of_set(
        &self,
        client: &Client,
        name: &str,
        wanted: Option<u64>,
    ) -> Result<Option<(u64, Patch<Value>)>, Wrong> {
        let now: StatefulSet = self.got(client, "statefulset", name).await?;
        let current = now
            .status
            .as_ref()
            .and_then(|status| status.update_revision.clone());
        let api: Api<ControllerRevision> = Api::namespaced(client.clone(), &self.namespace);
        let all = api.list(&ListParams::default()).await;
        let all = all.map_err(|error| {
            Wrong::Undone(sorted((&self.on, "list controllerrevisions"), &error).into_failure())
        })?;
        let mut mine: Vec<ControllerRevision> = all.items;
        mine.retain(|one| owned(one, now.uid().as_deref()));
        let of_now = mine.iter().find(|one| Some(one.name_any()) == current);
        let before = of_now.map_or(i64::MAX, |one| one.revision);
        let fits = |number: i64| match wanted {
            Some(wanted) => u64::try_from(number) == Ok(wanted),
            None => number < before,
        };
        let fitting = mine.iter().filter(|one| fits(one.revision));
        let Some(found) = fitting.max_by_key(|one| one.revision) else {
            return Ok(None);
        };
        let data = found
            .data
            .as_ref()
            .map(|data| data.0.clone())
            .unwrap_or_default();
        Ok(Some((
            u64::try_from(found.revision).unwrap_or(0),
            Patch::Strategic(data),
        )))
    }

    async fn cordon(&self, client: &Client, node: &str, out: &Output) -> Result<String, Wrong> {
        if self.workload.is_some() {
            return Err(Wrong::Undone(self.wrong_kind("cordon", "cluster")));
        }
        out.line(format!("cordon {node}: no new pods from now on"));
        let api: Api<Node> = Api::all(client.clone());
        let patch = Patch::Merge(json!({ "spec": { "unschedulable": true } }));
        let what = format!("patch node {node}");
        let done = api.patch(node, &PatchParams::default(), &patch).await;
        done.map_err(|error| sorted((&self.on, &what), &error))?;
        Ok(format!("{node} takes no new pods; those it has stay"))
    }

    async fn delete_pod(&self, client: &Client, pod: &str, out: &Output) -> Result<String, Wrong> {
        let what = format!("delete pod {pod}");
        let api: Api<Pod> = Api::namespaced(client.clone(), &self.namespace);
        let seen: Pod = self.got(client, "pod", pod).await?;
        let uid = seen.uid().unwrap_or_default();
        out.line(format!("{what}, which is {uid}"));
        // The very pod that was seen: one of the same name may stand in its place by now.
        let params = DeleteParams {
            preconditions: Some(kube::api::Preconditions {
                uid: seen.uid(),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        let sent = api.delete(pod, &params).await;
        sent.map_err(|error| sorted((&self.on, &what), &error))?;
        Ok(format!(
            "pod {pod} is being ended; its workload starts another"
        ))
    }

    /// An object, looked at before it is changed: what can't be seen is not touched.
    async fn got<K>(&self, client: &Client, kind: &str, name: &str) -> Result<K, Wrong>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + for<'de> serde::Deserialize<'de>,
    {
        self.get(client.clone(), kind, name)
            .await
            .map_err(Wrong::Undone)
    }

    fn needs_workload(&self, act: &str) -> Result<&Workload, Wrong> {
        let wrong = || Wrong::Undone(self.wrong_kind(act, "workload"));
        self.workload.as_ref().ok_or_else(wrong)
    }

    fn number(&self, text: &str) -> Result<u32, Wrong> {
        text.parse()
            .map_err(|_| self.undone(format!("{text:?} is no whole number"), "write a number"))
    }

    pub(super) fn undone(&self, what: String, advice: &str) -> Wrong {
        Wrong::Undone(Failure::new(FailureKind::BadAnswer, &self.on, what, advice))
    }
}

fn owned<K: kube::Resource>(one: &K, uid: Option<&str>) -> bool {
    let owners = one.meta().owner_references.as_deref().unwrap_or_default();
    owners.iter().any(|owner| Some(owner.uid.as_str()) == uid)
}

/// A JSON patch carries no object, whatever its type parameter says.
fn retyped(patch: Patch<()>) -> Patch<Value> {
    match patch {
        Patch::Json(patch) => Patch::Json(patch),
        _ => Patch::Merge(Value::Null),
    }
}
