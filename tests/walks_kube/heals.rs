//! What the platform does by itself, only watched: pods that failed are replaced, and a zone that is lost is left.

use std::sync::OnceLock;

use serde_json::json;

use crate::common::lab::Lab;
use crate::kube::{Kube, cluster};
use crate::place::Place;

#[test]
fn failed_pods_are_replaced_while_nobody_touches_anything() {
    let mut place = Place::new(cluster(), "heals");
    place.deployment("web");
    place.prometheus(&[
        ("errors", "vector(0.02)"),
        ("latency", "vector(0.4)"),
        ("breakers", "vector(0)"),
    ]);
    // No pod may be made in the place of those that are gone, until there is room again.
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": { "name": "room", "namespace": "heals" }, "spec": { "hard": { "pods": "0" } },
    });
    place.kube.apply(&quota);
    place.kubectl(&["delete", "pods", "--selector=app=web", "--wait=true"]);
    place.healthy(false);
    let mut room = false;
    let autoscaler = || {
        if !room && place.done("look") {
            place.kubectl(&["delete", "resourcequota", "room"]);
            // A set that could make no pod tries again later and later: a change of it is looked at at once.
            place.kubectl(&[
                "annotate",
                "replicasets",
                "--selector=app=web",
                "room=again",
            ]);
            place.rolled_out("web");
            place.healthy(true);
            room = true;
        }
    };
    let vars = [
        ("WEB", "web"),
        ("SELECTOR", "app=web"),
        ("API", "api"),
        ("ERRORS", "errors"),
        ("LATENCY", "latency"),
        ("BREAKERS", "breakers"),
    ];
    let walked = place.walk_beside(autoscaler, "automatic-failover", &vars, &[]);
    walked.went(&[
        "alert", "look", "pods", "load", "breakers", "service", "after",
    ]);
    assert_eq!(place.get("deployment/web", "{.status.readyReplicas}"), "3");
}

/// A cluster of three zones, one node each, that only this test stops nodes of.
fn zones() -> &'static Kube {
    static ZONES: OnceLock<Kube> = OnceLock::new();
    ZONES.get_or_init(|| {
        let kube = Kube::up();
        let third = "topology.kubernetes.io/zone=us-east-1c";
        kube.kubectl(&["label", "node", "node-3", third, "--overwrite"]);
        kube
    })
}

/// A deployment with a pod in each zone, that leaves a node as soon as it is silent.
fn spread(place: &mut Place) {
    let leaves = |what: &str| json!({ "key": format!("node.kubernetes.io/{what}"), "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 1 });
    let labels = json!({ "app": "web" });
    place.kube.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": "web", "namespace": place.namespace },
        "spec": {
            "replicas": 3, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": {
                "containers": [{ "name": "web", "image": "web:1" }],
                "tolerations": [leaves("unreachable"), leaves("not-ready")],
                "topologySpreadConstraints": [{
                    "maxSkew": 1, "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": { "matchLabels": labels },
                }],
            } },
        },
    }));
    place.rolled_out("web");
    place.kubernetes("web", "kubernetes", "workload = \"deployment/web\"");
}

#[test]
fn a_zone_is_lost_and_its_replicas_come_back_in_the_others() {
    let lab = Lab::up();
    let mut place = Place::new(zones(), "zone-loss");
    spread(&mut place);
    place.of_lab(&lab, &["pg-east"]);
    place.kubernetes("nodes", "kubernetes", "");
    place.kube.signal("node-2", "STOP");
    let ready = "{.status.conditions[?(@.type==\"Ready\")].status}";
    place.until("node-2 is not ready", || {
        place.get("node/node-2", ready) == "Unknown"
    });
    let provider = || {
        if place.done("spread") {
            place.kube.signal("node-2", "CONT");
        }
    };
    let vars = [
        ("CLUSTER", "nodes"),
        ("WEB", "web"),
        ("SELECTOR", "app=web"),
        ("API", "api"),
        ("PRIMARY", "pg-east"),
    ];
    let walked = place.walk_beside(provider, "zone-loss", &vars, &[]);
    walked.went(&[
        "one-zone", "replicas", "balancer", "database", "spread", "nodes", "done",
    ]);
    assert!(
        walked
            .printed("one-zone")
            .contains("us-east-1b: 0 of 1 nodes ready")
    );
    assert!(
        walked.printed("spread").starts_with("2\n"),
        "{}",
        walked.printed("spread")
    );
    assert_eq!(place.get("node/node-2", ready), "True");
}
