//! Kubernetes: a workload's replicas or a cluster's nodes, and what the API server can do to them.

mod acts;
mod workload;

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt, TryFutureExt};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Node, Pod};
use kube::api::ListParams;
use kube::{Api, Client};

use super::wire;
use super::wire::kube::{Cluster, ask};
use super::{Output, System};
use crate::incident::acts::kube::{KubeSight, WorkloadSight};
use crate::incident::acts::{Act, Condition};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight, Verdict};
use crate::incident::site::{KubeEndpoint, Target};

pub use super::wire::kube::Clusters;

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
#[derive(Debug, Clone, PartialEq, Eq)]
enum Workload {
    Deployment(String),
    StatefulSet(String),
}

impl Workload {
    /// Reads `deployment/web`, which the site file has checked.
    fn read(text: &str) -> Self {
        match text.split_once('/') {
            Some(("statefulset", name)) => Workload::StatefulSet(name.to_owned()),
            Some((_, name)) => Workload::Deployment(name.to_owned()),
            None => Workload::Deployment(text.to_owned()),
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
            workload: endpoint.workload.as_deref().map(Workload::read),
            timeout: target.timeout,
            cluster: clusters.of(endpoint),
        }
    }

    async fn look(&self) -> Result<KubeSight, Failure> {
        let client = self.cluster.client(&self.on).await?.clone();
        match &self.workload {
            Some(Workload::Deployment(name)) => {
                let seen: Deployment = self.get(client.clone(), "deployment", name).await?;
                let (sight, selector) = workload::deployment(&seen);
                self.with_pods(client, sight, &selector).await
            }
            Some(Workload::StatefulSet(name)) => {
                let seen: StatefulSet = self.get(client.clone(), "statefulset", name).await?;
                let (sight, selector) = workload::stateful_set(&seen);
                self.with_pods(client, sight, &selector).await
            }
            None => self.look_at_nodes(client).await,
        }
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
        ask((&self.on, &what), self.timeout, api.get(name)).await
    }

    async fn with_pods(
        &self,
        client: Client,
        mut sight: WorkloadSight,
        selector: &str,
    ) -> Result<KubeSight, Failure> {
        let api: Api<Pod> = Api::namespaced(client, &self.namespace);
        let params = ListParams::default().labels(selector);
        let what = format!("list pods {selector}");
        let pods = ask((&self.on, &what), self.timeout, api.list(&params)).await?;
        workload::add_pods(&mut sight, &pods.items);
        Ok(KubeSight::Workload(sight))
    }

    async fn look_at_nodes(&self, client: Client) -> Result<KubeSight, Failure> {
        let api: Api<Node> = Api::all(client.clone());
        let params = ListParams::default();
        let nodes = ask((&self.on, "list nodes"), self.timeout, api.list(&params)).await?;
        let version = ask(
            (&self.on, "get version"),
            self.timeout,
            client.apiserver_version(),
        );
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
            version: version.await?.git_version,
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

impl System for Kubernetes {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        wire::observed(&self.id, self.look().map_ok(Sight::Kube)).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async move { Err(wire::not_known(&self.on, "this condition")) }.boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        self.carry_out(act, out).boxed()
    }
}
