//! What the API server's objects say of a workload: replicas, revision, pods that crash.

use chrono::{DateTime, Utc};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{Node, Pod, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use crate::incident::acts::kube::WorkloadSight;

/// The annotation that numbers a deployment's revisions.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

/// A deployment, and the selector of its pods.
pub(super) fn deployment(seen: &Deployment) -> (WorkloadSight, String) {
    let (spec, status) = (seen.spec.as_ref(), seen.status.as_ref());
    // What the controller says of an older generation is no answer to what was asked since.
    let current = status.is_some_and(|status| {
        status.observed_generation.unwrap_or(0) >= seen.metadata.generation.unwrap_or(0)
    });
    let count = |value: Option<i32>| u32::try_from(value.unwrap_or(0)).unwrap_or(0);
    let updated = count(status.and_then(|status| status.updated_replicas));
    let sight = WorkloadSight {
        desired: spec.map_or(1, |spec| count(spec.replicas.or(Some(1)))),
        ready: count(status.and_then(|status| status.ready_replicas)),
        updated: if current { updated } else { 0 },
        old: count(status.and_then(|status| status.replicas)).saturating_sub(updated),
        crashing: 0,
        revision: revision(&seen.metadata),
        image: spec.map(|spec| image(&spec.template)).unwrap_or_default(),
        started: None,
        warnings: None,
        unbound: Vec::new(),
    };
    (
        sight,
        spec.map(|spec| selector(&spec.selector))
            .unwrap_or_default(),
    )
}

/// A stateful set, and the selector of its pods. Its revisions have no numbers: its generation stands for them.
pub(super) fn stateful_set(seen: &StatefulSet) -> (WorkloadSight, String) {
    let (spec, status) = (seen.spec.as_ref(), seen.status.as_ref());
    let current = status.is_some_and(|status| {
        status.observed_generation.unwrap_or(0) >= seen.metadata.generation.unwrap_or(0)
    });
    let count = |value: Option<i32>| u32::try_from(value.unwrap_or(0)).unwrap_or(0);
    let replicas = count(status.map(|status| status.replicas));
    let one_revision =
        status.is_some_and(|status| status.current_revision == status.update_revision);
    let updated = match one_revision {
        // The controller leaves the field out once all are of one revision.
        true => replicas,
        false => count(status.and_then(|status| status.updated_replicas)),
    };
    let sight = WorkloadSight {
        desired: spec.map_or(1, |spec| count(spec.replicas.or(Some(1)))),
        ready: count(status.and_then(|status| status.ready_replicas)),
        updated: if current { updated } else { 0 },
        old: replicas.saturating_sub(updated),
        crashing: 0,
        revision: seen
            .metadata
            .generation
            .and_then(|it| u64::try_from(it).ok())
            .unwrap_or(0),
        image: spec.map(|spec| image(&spec.template)).unwrap_or_default(),
        started: None,
        warnings: None,
        unbound: Vec::new(),
    };
    (
        sight,
        spec.map(|spec| selector(&spec.selector))
            .unwrap_or_default(),
    )
}

/// Adds what the pods say: which crash, and since when the oldest runs.
pub(super) fn add_pods(sight: &mut WorkloadSight, pods: &[Pod]) {
    let alive = |pod: &&Pod| {
        let phase = pod
            .status
            .as_ref()
            .and_then(|status| status.phase.as_deref());
        !matches!(phase, Some("Succeeded" | "Failed"))
    };
    let crashing = pods.iter().filter(alive).filter(|pod| crashes(pod)).count();
    sight.crashing = u32::try_from(crashing).unwrap_or(u32::MAX);
    let started = pods.iter().filter(alive).filter_map(|pod| {
        let at = pod.status.as_ref()?.start_time.as_ref()?;
        DateTime::<Utc>::from_timestamp(at.0.as_second(), 0)
    });
    sight.started = started.min();
}

fn crashes(pod: &Pod) -> bool {
    let status = pod.status.as_ref();
    let init = status.and_then(|status| status.init_container_statuses.as_deref());
    let main = status.and_then(|status| status.container_statuses.as_deref());
    let mut containers = init.into_iter().chain(main).flatten();
    containers.any(|container| {
        let waiting = container
            .state
            .as_ref()
            .and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref());
        matches!(
            reason,
            Some(
                "CrashLoopBackOff"
                    | "ImagePullBackOff"
                    | "ErrImagePull"
                    | "CreateContainerConfigError"
            )
        )
    })
}

/// Whether a node takes part: ready, whether or not new pods are kept off it.
pub(super) fn node_ready(node: &Node) -> bool {
    let conditions = node
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_deref());
    let mut conditions = conditions.unwrap_or_default().iter();
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

pub(super) fn revision(metadata: &ObjectMeta) -> u64 {
    let annotations = metadata.annotations.as_ref();
    let text = annotations.and_then(|all| all.get(REVISION));
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn image(template: &PodTemplateSpec) -> String {
    let containers = template
        .spec
        .as_ref()
        .map(|spec| spec.containers.as_slice());
    let first = containers.and_then(|containers| containers.first());
    first
        .and_then(|container| container.image.clone())
        .unwrap_or_default()
}

/// A selector as a list request takes it: `app=web,tier in (a,b)`.
pub(super) fn selector(selector: &LabelSelector) -> String {
    let labels = selector.match_labels.iter().flatten();
    let mut parts: Vec<String> = labels
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    for wanted in selector.match_expressions.iter().flatten() {
        let (key, values) = (
            &wanted.key,
            wanted.values.as_deref().unwrap_or_default().join(","),
        );
        parts.push(match wanted.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        });
    }
    parts.join(",")
}
