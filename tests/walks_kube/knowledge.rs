//! A search index that is built anew by a job, with the feature off meanwhile.

use serde_json::json;

use crate::common::lab::Lab;
use crate::database::psql;
use crate::kube::cluster;
use crate::place::Place;

/// A suspended cron job, as the runbook takes a job from it.
fn rebuild(namespace: &str) -> serde_json::Value {
    let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "rebuild", "image": "web:1" }] });
    json!({
        "apiVersion": "batch/v1beta1", "kind": "CronJob",
        "metadata": { "name": "rebuild", "namespace": namespace },
        "spec": {
            "schedule": "0 0 1 1 *", "suspend": true,
            "jobTemplate": { "spec": { "backoffLimit": 0, "template": { "spec": pod } } },
        },
    })
}

#[test]
fn the_index_is_built_anew_with_the_feature_off() {
    let lab = Lab::up();
    let mut place = Place::new(cluster(), "knowledge");
    place.database("database", &lab, lab.port("pg-east"));
    place.deployment("web");
    place.kube.apply(&rebuild("knowledge"));
    let file = || {
        psql(
            &lab,
            "pg-east",
            "SELECT relfilenode FROM pg_class WHERE relname = 'customers_pkey'",
        )
    };
    let before = file();
    let vars = [
        ("API", "web"),
        ("SWITCH", "SEARCH"),
        ("SERVER", "database"),
        ("DATABASE", "app"),
        ("TABLE", "customers"),
        ("REBUILD", "rebuild"),
        ("HEALTH", "api"),
    ];
    // What the job's container does: it builds the index, and ends.
    let mut built = false;
    let container = || {
        let pods = "--output=jsonpath={.items[?(@.status.phase==\"Running\")].metadata.name}";
        let pod = place.kubectl(&["get", "pods", "--selector=job-name", pods]);
        if !built && !pod.is_empty() {
            assert_eq!(
                place.variable("web", "SEARCH"),
                "false",
                "it is off while the index is built"
            );
            psql(&lab, "pg-east", "REINDEX TABLE customers");
            let path = format!("/api/v1/namespaces/knowledge/pods/{pod}/status");
            place
                .kube
                .write(&path, |pod| pod["status"]["phase"] = json!("Succeeded"));
            built = true;
        }
    };
    let walked = place.walk_beside(container, "knowledge-recovery", &vars, &[]);
    walked.went(&["restored", "off", "rebuild", "on", "healthy", "search"]);
    assert_ne!(file(), before, "the index was not built anew");
    assert_eq!(place.variable("web", "SEARCH"), "true");
}
