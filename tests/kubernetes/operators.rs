//! CloudNativePG, Velero and Argo CD: their objects are real ones of a real API server, with locks, conflicts and permissions; the
//! operators can't be had here, so the tests write the status in their stead.

use crate::act::{act, done, refused};
use crate::kube::{Kube, cluster};
use serde_json::{Value, json};
use warroom::incident::acts::check::CheckState;
use warroom::incident::acts::cnpg::{CnpgSight, HEALTHY};
use warroom::incident::acts::files::FilesSight;
use warroom::incident::reading::{FailureKind, Sight};

/// A cluster of three in a namespace of its own, `pg-1` its primary; gives the path of its object.
pub fn postgres(cluster: &Kube, namespace: &str) -> String {
    cluster.kubectl(&["create", "namespace", namespace]);
    cluster.apply(&json!({
        "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
        "metadata": { "name": "pg", "namespace": namespace },
        "spec": {
            "instances": 3, "imageName": "postgres:16", "storage": { "size": "10Gi" },
            "backup": { "barmanObjectStore": { "destinationPath": "s3://backups/pg" } },
        },
    }));
    let path = format!("/apis/postgresql.cnpg.io/v1/namespaces/{namespace}/clusters/pg");
    status(cluster, &path, &healthy("pg-1"));
    path
}

pub fn healthy(primary: &str) -> Value {
    let state = |name: &str| json!({ "isPrimary": name == primary, "timeLineID": 4 });
    json!({
        "phase": HEALTHY, "readyInstances": 3, "currentPrimary": primary, "targetPrimary": primary,
        "instancesStatus": { "healthy": ["pg-1", "pg-2", "pg-3"] },
        "instancesReportedState": { "pg-1": state("pg-1"), "pg-2": state("pg-2"), "pg-3": state("pg-3") },
        "conditions": [{ "type": "ContinuousArchiving", "status": "True" }],
        "lastSuccessfulBackup": "2026-11-20T02:00:10Z",
    })
}

/// Writes a status as the operator does.
pub fn status(cluster: &Kube, path: &str, status: &Value) {
    cluster.write(&format!("{path}/status"), |object| {
        object["status"] = status.clone();
    });
}

pub fn pg(namespace: &str) -> String {
    format!("system = \"cnpg\"\nnamespace = \"{namespace}\"\ncluster = \"pg\"")
}

async fn seen(cluster: &Kube, namespace: &str) -> CnpgSight {
    match cluster.see("admin", &pg(namespace)).await {
        Ok(Sight::Cnpg(seen)) => seen,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_seen_and_promoted_by_its_status() {
    let cluster = cluster();
    let path = postgres(cluster, "promote");
    let before = seen(cluster, "promote").await;
    assert!(before.fine(), "{before:?}");
    assert_eq!(
        (before.primary.as_str(), before.timelines["pg-2"]),
        ("pg-1", 4)
    );
    assert_eq!(before.words(), "3 of 3 ready, primary pg-1");
    assert_eq!(
        before.last_backup.unwrap().to_rfc3339(),
        "2026-11-20T02:00:10+00:00"
    );
    let promote = |instance: &str| {
        act(&format!(
            "cnpg.promote = {{ target = \"x\", instance = \"{instance}\" }}"
        ))
    };
    let target = pg("promote");
    let (_, outcome) = cluster.act("admin", &target, &promote("pg-9")).await;
    assert!(
        refused(&outcome).contains("healthy: pg-1, pg-2, pg-3"),
        "{outcome:?}"
    );
    let (_, outcome) = cluster.act("admin", &target, &promote("pg-1")).await;
    assert!(
        done(&outcome).contains("nothing was written"),
        "{outcome:?}"
    );
    // The operator: sees the new target, switches over, says so.
    let operator = async {
        let asked = cluster
            .appears(&path, |object| object["status"]["targetPrimary"] == "pg-2")
            .await;
        assert_eq!(asked["status"]["phase"], "Switchover in progress");
        assert!(asked["status"]["targetPrimaryTimestamp"].is_string());
        status(cluster, &path, &healthy("pg-2"));
    };
    let order = promote("pg-2");
    let ((_, outcome), ()) = tokio::join!(cluster.act("admin", &target, &order), operator);
    assert!(
        done(&outcome).contains("pg-2 is the primary"),
        "{outcome:?}"
    );
    // While one is under way, another is refused.
    let mut under_way = healthy("pg-2");
    under_way["targetPrimary"] = json!("pg-3");
    status(cluster, &path, &under_way);
    let (_, outcome) = cluster.act("admin", &target, &promote("pg-1")).await;
    assert!(
        refused(&outcome).contains("a switchover to pg-3 is under way"),
        "{outcome:?}"
    );
    // Whoever may not write is refused, by name; who asks for a cluster that is not there, too.
    status(cluster, &path, &healthy("pg-2"));
    let (_, outcome) = cluster.act("nobody", &target, &promote("pg-1")).await;
    assert!(
        refused(&outcome).contains("clusters.postgresql.cnpg.io"),
        "{outcome:?}"
    );
    let absent = target.replace("\"pg\"", "\"gp\"");
    assert_eq!(
        cluster.see("admin", &absent).await.unwrap_err().kind,
        FailureKind::Missing
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_fenced_by_annotation_and_done_when_it_is_healthy_no_more() {
    let cluster = cluster();
    let path = postgres(cluster, "fence");
    let annotation =
        |object: &Value| object["metadata"]["annotations"]["cnpg.io/fencedInstances"].clone();
    let operator = async {
        cluster
            .appears(&path, |object| annotation(object) == "[\"pg-1\"]")
            .await;
        let mut fenced = healthy("pg-1");
        fenced["readyInstances"] = json!(2);
        fenced["instancesStatus"]["healthy"] = json!(["pg-2", "pg-3"]);
        status(cluster, &path, &fenced);
    };
    let target = pg("fence");
    let fence = act("cnpg.fence = { target = \"x\", instance = \"pg-1\" }");
    let ((_, outcome), ()) = tokio::join!(cluster.act("admin", &target, &fence), operator);
    assert!(done(&outcome).contains("is fenced"), "{outcome:?}");
    assert_eq!(seen(cluster, "fence").await.fenced, ["pg-1"]);
    let unfence = act("cnpg.unfence = { target = \"x\", instance = \"pg-1\" }");
    done(&cluster.act("admin", &target, &unfence).await.1);
    assert_eq!(annotation(&cluster.read(&path)), Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_is_a_new_cluster_that_writes_into_no_archive() {
    let cluster = cluster();
    postgres(cluster, "recover");
    let path = "/apis/postgresql.cnpg.io/v1/namespaces/recover/clusters/pg-then";
    let operator = async {
        cluster
            .appears(path, |object| object["spec"].is_object())
            .await;
        let mut one = healthy("pg-then-1");
        one["readyInstances"] = json!(1);
        status(cluster, path, &one);
    };
    let recover = act(
        "cnpg.recover = { target = \"x\", time = \"2026-11-21T15:00:00+01:00\", as = \"pg-then\" }",
    );
    let target = pg("recover");
    let ((_, outcome), ()) = tokio::join!(cluster.act("admin", &target, &recover), operator);
    done(&outcome);
    let spec = cluster.read(path)["spec"].clone();
    assert_eq!(
        spec["bootstrap"]["recovery"]["recoveryTarget"]["targetTime"],
        "2026-11-21T14:00:00Z"
    );
    assert_eq!(
        spec["externalClusters"][0]["barmanObjectStore"]["serverName"],
        "pg"
    );
    assert_eq!(
        (&spec["instances"], &spec["backup"]),
        (&json!(1), &Value::Null)
    );
    assert_eq!(spec["storage"]["size"], "10Gi");
    // A name that is taken is refused.
    let (_, outcome) = cluster.act("admin", &target, &recover).await;
    assert!(refused(&outcome).contains("already exists"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_of_a_schedule_are_counted_made_and_restored() {
    let cluster = cluster();
    cluster.kubectl(&["create", "namespace", "velero"]);
    let object = |kind: &str, name: &str, schedule: &str, more: Value| {
        let mut object = json!({
            "apiVersion": "velero.io/v1", "kind": kind,
            "metadata": { "name": name, "namespace": "velero", "labels": { "velero.io/schedule-name": schedule } },
        });
        object
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        cluster.apply(&object);
    };
    let ended = |phase: &str, at: &str| json!({ "spec": {}, "status": { "phase": phase, "completionTimestamp": at } });
    object(
        "Schedule",
        "daily",
        "",
        json!({ "spec": { "template": { "includedNamespaces": ["app"] } } }),
    );
    object(
        "Backup",
        "daily-1",
        "daily",
        ended("Completed", "2026-11-19T02:00:00Z"),
    );
    object(
        "Backup",
        "daily-2",
        "daily",
        ended("Completed", "2026-11-20T02:00:00Z"),
    );
    object(
        "Backup",
        "daily-3",
        "daily",
        ended("PartiallyFailed", "2026-11-21T02:00:00Z"),
    );
    object(
        "Backup",
        "other",
        "weekly",
        ended("Completed", "2026-11-22T02:00:00Z"),
    );
    let target = "system = \"velero\"\nschedule = \"daily\"";
    let Sight::Files(FilesSight {
        newest,
        count,
        incomplete,
        ..
    }) = cluster.see("admin", target).await.unwrap()
    else {
        panic!()
    };
    // One that failed in part is none.
    assert_eq!(
        (newest.unwrap().name.as_str(), count, incomplete),
        ("daily-2", 2, 1)
    );

    let path = "/apis/velero.io/v1/namespaces/velero/backups/now";
    let operator = async {
        let asked = cluster
            .appears(path, |object| object["spec"].is_object())
            .await;
        assert_eq!(asked["spec"]["includedNamespaces"], json!(["app"]));
        cluster.write(path, |object| {
            object["status"] = json!({ "phase": "InProgress" });
        });
        cluster.write(path, |object| {
            object["status"] =
                json!({ "phase": "Completed", "completionTimestamp": "2026-11-25T10:00:00Z" });
        });
    };
    let backup = act("velero.backup = { target = \"x\", as = \"now\" }");
    let ((_, outcome), ()) = tokio::join!(cluster.act("admin", target, &backup), operator);
    done(&outcome);
    let restore = |backup: &str, name: &str| {
        act(&format!(
            "velero.restore = {{ target = \"x\", backup = \"{backup}\", as = \"{name}\" }}"
        ))
    };
    let (_, outcome) = cluster
        .act("admin", target, &restore("daily-3", "r0"))
        .await;
    assert!(
        refused(&outcome).contains("daily-3 is PartiallyFailed"),
        "{outcome:?}"
    );
    let path = "/apis/velero.io/v1/namespaces/velero/restores/r1";
    let operator = async {
        cluster
            .appears(path, |object| object["spec"]["backupName"] == "now")
            .await;
        cluster.write(path, |object| {
            object["status"] = json!({ "phase": "PartiallyFailed", "errors": 2 });
        });
    };
    let order = restore("now", "r1");
    let ((_, outcome), ()) = tokio::join!(cluster.act("admin", target, &order), operator);
    assert!(
        refused(&outcome).contains("PartiallyFailed, 2 errors"),
        "{outcome:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_judged_by_health_and_sync_and_synced_once_at_a_time() {
    let cluster = cluster();
    cluster.kubectl(&["create", "namespace", "argocd"]);
    let app = |health: &str, sync: &str| {
        cluster.apply(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "web", "namespace": "argocd" },
            "spec": { "project": "default" },
            "status": { "health": { "status": health }, "sync": { "status": sync } },
        }));
    };
    let target = "system = \"argocd\"\napplication = \"web\"";
    for (health, sync, state) in [
        ("Healthy", "Synced", CheckState::Fine),
        ("Progressing", "Synced", CheckState::Watch),
        ("Healthy", "OutOfSync", CheckState::Watch),
        ("Degraded", "Synced", CheckState::Breach),
    ] {
        app(health, sync);
        let Sight::Check(seen) = cluster.see("admin", target).await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (seen.state, seen.words.as_str()),
            (state, format!("{health}, {sync}").as_str())
        );
    }
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/web";
    let end = |phase: &'static str, begun: &'static str| async move {
        cluster
            .appears(path, |object| {
                object["operation"]["sync"]["revision"] == "v2"
            })
            .await;
        cluster.write(path, |object| {
            object.as_object_mut().unwrap().remove("operation");
            object["status"]["operationState"] =
                json!({ "phase": phase, "startedAt": begun, "message": "one hook" });
        });
    };
    let sync = act("argocd.sync = { target = \"x\", revision = \"v2\" }");
    let ((_, outcome), ()) = tokio::join!(
        cluster.act("admin", target, &sync),
        end("Succeeded", "2026-11-25T10:00:00Z")
    );
    assert!(done(&outcome).contains("one hook"), "{outcome:?}");
    let ((_, outcome), ()) = tokio::join!(
        cluster.act("admin", target, &sync),
        end("Failed", "2026-11-25T10:05:00Z")
    );
    assert!(
        refused(&outcome).contains("Failed: one hook"),
        "{outcome:?}"
    );
    cluster.write(path, |object| object["operation"] = json!({ "sync": {} }));
    let (_, outcome) = cluster.act("admin", target, &sync).await;
    assert!(refused(&outcome).contains("under way"), "{outcome:?}");
}
