//! The storage that a workload's pods ask for.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::api::ListParams;
use kube::{Api, Client};

use crate::incident::acts::kube::Claim;

/// Claims of the pods that have no volume; none where claims may not be read.
pub async fn unbound(client: Client, namespace: &str, pods: &[Pod]) -> Vec<Claim> {
    let wanted = wanted(pods);
    if wanted.is_empty() {
        return Vec::new();
    }
    let api: Api<PersistentVolumeClaim> = Api::namespaced(client, namespace);
    let there = api.list(&ListParams::default()).await;
    there.map_or_else(
        |_| Vec::new(),
        |there| without_volume(&wanted, &there.items),
    )
}

/// The names of the claims that pods mount.
fn wanted(pods: &[Pod]) -> BTreeSet<&str> {
    let specs = pods.iter().filter_map(|pod| pod.spec.as_ref());
    let volumes = specs.flat_map(|spec| spec.volumes.iter().flatten());
    let claims = volumes.filter_map(|volume| volume.persistent_volume_claim.as_ref());
    claims.map(|claim| claim.claim_name.as_str()).collect()
}

fn without_volume(wanted: &BTreeSet<&str>, there: &[PersistentVolumeClaim]) -> Vec<Claim> {
    let phase = |claim: &PersistentVolumeClaim| {
        let phase = claim
            .status
            .as_ref()
            .and_then(|status| status.phase.clone());
        Some((
            claim.metadata.name.clone()?,
            phase.unwrap_or_else(|| "Pending".into()),
        ))
    };
    let phases: BTreeMap<String, String> = there.iter().filter_map(phase).collect();
    let seen = wanted.iter().map(|name| Claim {
        name: (*name).to_owned(),
        phase: phases
            .get(*name)
            .cloned()
            .unwrap_or_else(|| "Missing".into()),
    });
    seen.filter(|claim| claim.phase != "Bound").collect()
}
