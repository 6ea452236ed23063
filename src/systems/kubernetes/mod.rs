//! Kubernetes: a workload's replicas or a cluster's nodes, and what the API server can do to them.

mod acts;
mod claims;
mod events;
mod objects;
mod workload;

use std::time::Duration;

use chrono::Utc;
use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use k8s_openapi::api::authorization::v1::ResourceAttributes;
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client};

use super::wire;
use super::wire::kube::{Cluster, Clusters, Objects, ask};
use super::wire::rights;
use super::{Output, System};
use crate::incident::acts::Act;
use crate::incident::acts::kube::{KubeAct, KubeSight, WorkloadSight};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{KubeEndpoint, Target};

/// A workload or a cluster of the site.
pub struct Kubernetes {
    id: TargetId,
    on: String,
    namespace: String,
    workload: Option<Workload>,
    timeout: Duration,
    cluster: Cluster,
}

/// Which workload.
struct Workload {
    /// A stateful set, else a deployment.
    stateful: bool,
    name: String,
    objects: Objects,
}

impl Workload {
    /// `deployment/web`, which the site file has checked.
    fn new(text: &str, target: &Target, at: (&KubeEndpoint, &Clusters)) -> Self {
        let (kind, name) = text.split_once('/').unwrap_or(("deployment", text));
        let stateful = kind == "statefulset";
        let objects = match stateful {
            true => ("apps", "v1", "StatefulSet", "statefulsets"),
            false => ("apps", "v1", "Deployment", "deployments"),
        };
        Self {
            stateful,
            name: name.to_owned(),
            objects: Objects::new(target, at, objects),
        }
    }

    /// As kubectl calls it.
    fn kind(&self) -> &'static str {
        if self.stateful {
            "statefulset"
        } else {
            "deployment"
        }
    }
}

impl Kubernetes {
    /// The workload or the cluster of `target`; nothing is connected yet.
    pub fn new(target: &Target, endpoint: &KubeEndpoint, clusters: &Clusters) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            namespace: endpoint.namespace.clone(),
            workload: endpoint
                .workload
                .as_deref()
                .map(|text| Workload::new(text, target, (endpoint, clusters))),
            timeout: target.timeout,
            cluster: clusters.of(endpoint),
        }
    }

    async fn look(&self) -> Result<KubeSight, Failure> {
        let client = self.cluster.client(&self.on).await?.clone();
        let Some(workload) = &self.workload else {
            return self.look_at_nodes(client).await;
        };
        let (kind, name) = (workload.kind(), workload.name.as_str());
        let (sight, selector) = match workload.stateful {
            true => workload::stateful_set(&self.get(client.clone(), kind, name).await?),
            false => workload::deployment(&self.get(client.clone(), kind, name).await?),
        };
        self.with_pods(client, sight, &selector).await
    }

    async fn get<K>(&self, client: Client, kind: &str, name: &str) -> Result<K, Failure>
    where
        K: kube::Resource<Scope = kube::core::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + for<'de> serde::Deserialize<'de>,
    {
        let api: Api<K> = Api::namespaced(client, &self.namespace);
        let what = format!("get {kind} {name}");
        ask((&self.on, &what), api.get(name)).await
    }

    async fn with_pods(
        &self,
        client: Client,
        mut sight: WorkloadSight,
        selector: &str,
    ) -> Result<KubeSight, Failure> {
        let api: Api<Pod> = Api::namespaced(client.clone(), &self.namespace);
        let params = ListParams::default().labels(selector);
        let what = format!("list pods {selector}");
        let name = self.workload.as_ref().map_or("", |it| it.name.as_str());
        let pods = ask((&self.on, &what), api.list(&params));
        let warnings = events::warnings(client.clone(), &self.namespace);
        let (pods, warnings) = tokio::join!(pods, warnings);
        let pods = pods?.items;
        sight.unbound = claims::unbound(client, &self.namespace, &pods).await;
        workload::add_pods(&mut sight, &pods);
        let names = pods.iter().filter_map(|pod| pod.metadata.name.as_deref());
        let names: Vec<&str> = names.collect();
        sight.warnings = events::lately(&warnings, name, &names, Utc::now());
        Ok(KubeSight::Workload(sight))
    }

    async fn look_at_nodes(&self, client: Client) -> Result<KubeSight, Failure> {
        let api: Api<Node> = Api::all(client.clone());
        let params = ListParams::default();
        let nodes = ask((&self.on, "list nodes"), api.list(&params));
        let version = ask((&self.on, "get version"), client.apiserver_version());
        let (nodes, version) = tokio::try_join!(nodes, version)?;
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Ok(KubeSight::Cluster {
            nodes: count(nodes.items.len()),
            nodes_ready: count(
                nodes
                    .items
                    .iter()
                    .filter(|node| workload::node_ready(node))
                    .count(),
            ),
            version: version.git_version,
        })
    }

    fn wrong_kind(&self, act: &str, wanted: &str) -> Failure {
        let what = format!("{act}: the target is no {wanted}");
        Failure::new(
            FailureKind::Unsupported,
            &self.on,
            what,
            "name another target",
        )
    }
}

impl Kubernetes {
    /// What those of the acts do that are for it.
    fn rights(&self, acts: &[Act]) -> Vec<ResourceAttributes> {
        let mut rights = Vec::new();
        for act in acts {
            let Act::Kube(act) = act else {
                continue;
            };
            let (verb, group, resource) = match (act, &self.workload) {
                (KubeAct::Cordon { .. }, None) => ("patch", "", "nodes"),
                (KubeAct::Cordon { .. }, Some(_)) => continue,
                (KubeAct::DeletePod { .. }, _) => ("delete", "", "pods"),
                // What a file holds is not known before it is read.
                (KubeAct::Apply { .. }, _) => continue,
                (_, Some(workload)) if workload.stateful => ("patch", "apps", "statefulsets"),
                (_, Some(_)) => ("patch", "apps", "deployments"),
                (_, None) => continue,
            };
            let namespace = (resource != "nodes").then(|| self.namespace.clone());
            let right = ResourceAttributes {
                namespace,
                ..rights::right(verb, group, resource)
            };
            if !rights.contains(&right) {
                rights.push(right);
            }
        }
        rights
    }
}

impl System for Kubernetes {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = wire::within(&self.on, self.timeout, self.look().map_ok(Sight::Kube));
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).map(wire::outcome).boxed()
    }

    fn forbidden<'a>(&'a self, acts: &'a [Act]) -> BoxFuture<'a, Vec<Verdict>> {
        rights::forbidden(&self.cluster, &self.on, self.rights(acts)).boxed()
    }
}
