//! Redis in Kubernetes: its servers and Sentinels are the lab's, its pods those of a stateful set of hollow containers.

use redis::Value;
use serde_json::json;

use crate::common::cache::{master_port, redis};
use crate::common::lab::Lab;
use crate::kube::cluster;
use crate::place::Place;

/// A stateful set of two pods, and the lab's Redis behind it.
fn place(namespace: &str, lab: &Lab) -> Place {
    let mut place = Place::new(cluster(), namespace);
    place.kube.apply(&json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": "redis", "namespace": namespace },
        "spec": {
            "replicas": 2, "serviceName": "redis", "selector": { "matchLabels": { "app": "redis" } },
            "template": {
                "metadata": { "labels": { "app": "redis" } },
                "spec": { "containers": [{ "name": "redis", "image": "redis:7" }] },
            },
        },
    }));
    place.kubectl(&["rollout", "status", "statefulset/redis", "--timeout=120s"]);
    place.kubernetes(
        "redis-pods",
        "kubernetes",
        "workload = \"statefulset/redis\"",
    );
    place.of_lab(lab, &["redis-east", "redis-west", "sentinel"]);
    place
}

#[test]
fn the_sentinels_make_the_replica_the_master_and_clients_write_to_it() {
    let lab = Lab::up();
    let place = place("redis-failover", &lab);
    assert_eq!(master_port(&lab), lab.port("redis-east"));
    let walked = place.walk(
        "redis-kubernetes-failover",
        &[
            ("NODES", "redis-pods"),
            ("SELECTOR", "app=redis"),
            ("SENTINEL", "sentinel"),
            ("OLD_MASTER", "redis-east"),
            ("REPLICA", "redis-west"),
            ("HEALTH", "api"),
        ],
        &[],
    );
    walked.went(&[
        "pods",
        "quorum",
        "replica",
        "failover",
        "write",
        "old-master",
        "service",
        "clients",
    ]);
    assert_eq!(master_port(&lab), lab.port("redis-west"));
    let role = redis(&lab, "redis-east", &["ROLE"]);
    assert!(
        matches!(&role, Value::Array(row) if row[0] == Value::BulkString(b"slave".to_vec())),
        "{role:?}"
    );
    let written = redis(&lab, "redis-west", &["GET", "warroom:failover-test"]);
    assert_eq!(written, Value::BulkString(b"1".to_vec()));
}
