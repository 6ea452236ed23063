//! A cluster with something broken in it: one symptom a walk, and its own remedy.

use std::fs;

use serde_json::json;

use crate::kube::cluster;
use crate::place::Place;
use crate::server::{Server, free_port};

/// A place with an etcd of one member, which has its quorum.
fn place(namespace: &str) -> (Place, Server) {
    let mut place = Place::new(cluster(), namespace);
    place.kubernetes("nodes", "kubernetes", "");
    let (port, url) = (free_port(), |port: u16| format!("http://127.0.0.1:{port}"));
    let args = [
        format!("--data-dir={}", place.home.path("etcd").display()),
        format!("--listen-client-urls={}", url(port)),
        format!("--advertise-client-urls={}", url(port)),
        "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
    ];
    let etcd = Server::start("etcd", &args, port);
    place.target(
        "etcd",
        &format!("system = \"etcd\"\nmembers = [\"{}\"]", url(port)),
    );
    place.stands_in("smoke", "#!/bin/sh\necho \"$HOSTNAME is well\"\n");
    (place, etcd)
}

/// Walks one remedy while others work: `symptom` as the runbook names it, `pod` where it is one pod's.
fn mended(
    place: &Place,
    others: impl FnMut() + Send,
    (symptom, pod): (&str, &str),
    steps: &[&str],
) {
    let file = |name: &str| place.home.path(name).display().to_string();
    let walked = place.walk_beside(
        others,
        "cluster-recovery",
        &[
            ("CLUSTER", "nodes"),
            ("WEB", "web"),
            ("SELECTOR", "app=web"),
            ("POD", pod),
            ("MANIFESTS", &file("manifests")),
            ("API", "api"),
            ("SMOKE", &file("bin/smoke")),
            ("ETCD", "etcd"),
            ("SNAPSHOT", "/none"),
            ("HOST_1", "host-1"),
            ("HOST_2", "host-2"),
            ("HOST_3", "host-3"),
            (
                "MEMBERS",
                "a=https://127.0.0.1:2380,b=https://127.0.0.2:2380,c=https://127.0.0.3:2380",
            ),
        ],
        &[
            ("symptom", symptom),
            ("etcd", "ok"),
            ("left", "All is well"),
        ],
    );
    let all: Vec<&str> = [
        &["look", "symptom"],
        steps,
        &["health", "smoke", "left", "after"],
    ]
    .concat();
    walked.went(&all);
    assert!(walked.printed("smoke").contains(" is well"));
}

#[test]
fn pods_that_hang_are_restarted_one_by_one() {
    let (mut place, _etcd) = place("hang");
    place.deployment("web");
    let pods = |place: &Place| {
        place.kubectl(&["get", "pods", "--output=jsonpath={.items[*].metadata.uid}"])
    };
    let before = pods(&place);
    mended(&place, || (), ("Pods crash or hang", "none"), &["restart"]);
    let after = pods(&place);
    assert!(
        before.split(' ').all(|pod| !after.contains(pod)),
        "{before} {after}"
    );
}

#[test]
fn a_claim_that_waits_for_its_volume_is_bound_and_not_made_again() {
    let (mut place, _etcd) = place("claims");
    place.deployment("web");
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": "claims" },
        "spec": { "accessModes": ["ReadWriteOnce"], "storageClassName": "", "resources": { "requests": { "storage": "1Gi" } } },
    });
    place.kube.apply(&claim);
    let uid = || place.get("pvc/data", "{.metadata.uid}");
    let before = uid();
    let storage_team = || {
        if place.done("storage") {
            place.kube.apply(&json!({
                "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": "claims-data" },
                "spec": {
                    "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/nowhere" },
                    "claimRef": { "namespace": "claims", "name": "data" },
                },
            }));
        }
    };
    mended(
        &place,
        storage_team,
        ("A volume is not bound", "none"),
        &["volumes", "storage", "bound"],
    );
    assert_eq!(
        (place.get("pvc/data", "{.status.phase}"), uid()),
        ("Bound".into(), before)
    );
}

#[test]
fn a_pod_of_a_stateful_set_is_ended_and_comes_back_by_its_name() {
    let (mut place, _etcd) = place("stuck");
    let labels = json!({ "app": "web" });
    place.kube.apply(&json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": { "name": "web", "namespace": "stuck" },
        "spec": {
            "replicas": 2, "serviceName": "web", "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web", "image": "web:1" }] } },
        },
    }));
    place.kubectl(&["rollout", "status", "statefulset/web", "--timeout=120s"]);
    place.kubernetes("web", "kubernetes", "workload = \"statefulset/web\"");
    let uid = |pod: &str| place.get(pod, "{.metadata.uid}");
    let before = (uid("pod/web-0"), uid("pod/web-1"));
    mended(
        &place,
        || (),
        ("One pod of a stateful set is stuck", "web-1"),
        &["pod", "pod-end"],
    );
    assert_eq!(uid("pod/web-0"), before.0);
    assert_ne!(uid("pod/web-1"), before.1);
}

#[test]
fn objects_that_are_missing_are_made_again_from_their_manifests() {
    let (mut place, _etcd) = place("objects");
    place.deployment("web");
    let manifests = place.home.path("manifests");
    fs::create_dir(&manifests).unwrap();
    let prices = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "prices" }, "data": { "tea": "3" } });
    fs::write(manifests.join("prices.json"), prices.to_string()).unwrap();
    fs::write(
        manifests.join("kustomization.yaml"),
        "resources:\n- prices.json\n",
    )
    .unwrap();
    mended(
        &place,
        || (),
        ("Objects are missing or wrong", "none"),
        &["manifests", "apply"],
    );
    assert_eq!(place.get("configmap/prices", "{.data.tea}"), "3");
}

#[test]
fn an_api_server_whose_etcd_has_its_quorum_is_mended_and_etcd_left_alone() {
    let (mut place, _etcd) = place("quorum");
    place.deployment("web");
    mended(
        &place,
        || (),
        ("The API server does not answer", "none"),
        &["etcd", "control-plane", "nodes"],
    );
}
