//! Kubernetes against a real API server with its controllers and its scheduler, on hollow nodes, read back by kubectl: what is
//! seen, what each act does, what is refused, and what is left open when an answer gets lost.

use crate::act::{act, done, refused};
use crate::kube::{DOOR, Kube, cluster};
use chrono::Utc;
use serde_json::{Value, json};
use warroom::incident::acts::kube::{KubeSight, WorkloadSight};
use warroom::incident::reading::{FailureKind, Outcome, Sight};

fn workload(sight: &Sight) -> &WorkloadSight {
    match sight {
        Sight::Kube(KubeSight::Workload(seen)) => seen,
        other => panic!("{other:?}"),
    }
}

pub fn target(namespace: &str, workload: &str) -> String {
    format!("system = \"kubernetes\"\nnamespace = \"{namespace}\"\nworkload = \"{workload}\"")
}

/// A field of the deployment, as kubectl reads it.
fn field(cluster: &Kube, namespace: &str, path: &str) -> String {
    cluster.kubectl(&[
        "-n",
        namespace,
        "get",
        "deployment",
        "web",
        &format!("-o=jsonpath={{{path}}}"),
    ])
}

fn stateful_set(namespace: &str) -> Value {
    let labels = json!({ "app": "db" });
    let container = json!({ "name": "db", "image": "db:1" });
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": "db", "namespace": namespace },
        "spec": {
            "replicas": 2, "serviceName": "db", "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_and_a_cluster_are_seen_as_they_are() {
    let (cluster, begun) = (cluster(), Utc::now());
    cluster.web("seen");
    let sight = cluster
        .see("admin", &target("seen", "deployment/web"))
        .await
        .unwrap();
    let web = workload(&sight);
    assert_eq!(
        (web.desired, web.ready, web.updated, web.old, web.crashing),
        (3, 3, 3, 0, 0)
    );
    assert_eq!((web.revision, web.image.as_str()), (1, "web:1"));
    assert!(
        web.rolled_out() && web.started.unwrap() >= begun - chrono::TimeDelta::seconds(2),
        "{web:?}"
    );
    cluster.apply(&stateful_set("seen"));
    let ready = |sight: &Sight| workload(sight).rolled_out();
    let sight = cluster
        .settled(&target("seen", "statefulset/db"), ready)
        .await;
    assert_eq!(
        (workload(&sight).desired, workload(&sight).image.as_str()),
        (2, "db:1")
    );
    let sight = cluster
        .see("admin", "system = \"kubernetes\"")
        .await
        .unwrap();
    let Sight::Kube(KubeSight::Cluster { nodes, version, .. }) = sight else {
        panic!("{sight:?}")
    };
    assert!(nodes == 3 && version.starts_with("v"), "{nodes} {version}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_falls_silent_is_not_ready_and_comes_back() {
    let cluster = cluster();
    let nodes = |wanted: u32| move |sight: &Sight| matches!(sight, Sight::Kube(KubeSight::Cluster { nodes_ready, .. }) if *nodes_ready == wanted);
    cluster.settled("system = \"kubernetes\"", nodes(3)).await;
    cluster.signal("node-3", "STOP");
    cluster.settled("system = \"kubernetes\"", nodes(2)).await;
    cluster.signal("node-3", "CONT");
    cluster.settled("system = \"kubernetes\"", nodes(3)).await;
    // Cordoned, it is ready still: what runs there goes on.
    let (_, outcome) = cluster
        .act(
            "admin",
            "system = \"kubernetes\"",
            &act("kube.cordon = { target = \"x\", node = \"node-3\" }"),
        )
        .await;
    done(&outcome);
    assert_eq!(
        cluster.kubectl(&["get", "node", "node-3", "-o=jsonpath={.spec.unschedulable}"]),
        "true"
    );
    cluster.settled("system = \"kubernetes\"", nodes(3)).await;
    cluster.kubectl(&["uncordon", "node-3"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_and_environment_are_set_and_the_controller_has_seen_it() {
    let cluster = cluster();
    cluster.web("set");
    let web = target("set", "deployment/web");
    let (_, outcome) = cluster
        .act(
            "admin",
            &web,
            &act("kube.scale = { target = \"x\", replicas = 5 }"),
        )
        .await;
    done(&outcome);
    assert_eq!(field(cluster, "set", ".spec.replicas"), "5");
    cluster
        .settled(&web, |sight| workload(sight).ready == 5)
        .await;
    let before = workload(&cluster.see("admin", &web).await.unwrap()).clone();
    let set = "kube.set_env = { target = \"x\", name = \"PROVIDER\", value = \"second\" }";
    let (_, outcome) = cluster.act("admin", &web, &act(set)).await;
    done(&outcome);
    let env = ".spec.template.spec.containers[0].env[?(@.name==\"PROVIDER\")].value";
    assert_eq!(field(cluster, "set", env), "second");
    let after = cluster
        .settled(&web, |sight| workload(sight).rolled_out())
        .await;
    // The same pods with another environment are other pods.
    assert_eq!(workload(&after).revision, before.revision + 1);
    assert!(workload(&after).started.unwrap() >= before.started.unwrap());
    let (_, outcome) = cluster
        .act("admin", &web, &act("kube.restart = { target = \"x\" }"))
        .await;
    done(&outcome);
    let restarted = ".spec.template.metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt";
    assert!(!field(cluster, "set", restarted).is_empty());
    let again = cluster
        .settled(&web, |sight| workload(sight).rolled_out())
        .await;
    assert_eq!(workload(&again).revision, before.revision + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_is_undone_to_the_revision_before_or_to_any() {
    let cluster = cluster();
    cluster.web("undo");
    let web = target("undo", "deployment/web");
    let undo = |more: &str| act(&format!("kube.undo = {{ target = \"x\"{more} }}"));
    let (_, outcome) = cluster.act("admin", &web, &undo("")).await;
    assert!(
        refused(&outcome).contains("no revision before this one"),
        "{outcome:?}"
    );
    for image in ["web=web:2", "web=web:3"] {
        cluster.kubectl(&["-n", "undo", "set", "image", "deployment/web", image]);
        cluster
            .settled(&web, |sight| workload(sight).rolled_out())
            .await;
    }
    let (_, outcome) = cluster.act("admin", &web, &undo("")).await;
    assert!(done(&outcome).contains("revision 2"), "{outcome:?}");
    assert_eq!(
        field(cluster, "undo", ".spec.template.spec.containers[0].image"),
        "web:2"
    );
    let now = cluster
        .settled(&web, |sight| workload(sight).rolled_out())
        .await;
    assert_eq!(workload(&now).image, "web:2");
    let (_, outcome) = cluster.act("admin", &web, &undo(", to_revision = 1")).await;
    done(&outcome);
    assert_eq!(
        field(cluster, "undo", ".spec.template.spec.containers[0].image"),
        "web:1"
    );
    let (_, outcome) = cluster
        .act("admin", &web, &undo(", to_revision = 99"))
        .await;
    assert!(refused(&outcome).contains("no revision 99"), "{outcome:?}");
    cluster.kubectl(&["-n", "undo", "rollout", "pause", "deployment/web"]);
    let (_, outcome) = cluster.act("admin", &web, &undo("")).await;
    assert!(refused(&outcome).contains("is paused"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stateful_set_is_undone_too_and_a_pod_of_it_replaced() {
    let cluster = cluster();
    cluster.kubectl(&["create", "namespace", "sets"]);
    cluster.apply(&stateful_set("sets"));
    let db = target("sets", "statefulset/db");
    cluster
        .settled(&db, |sight| workload(sight).rolled_out())
        .await;
    cluster.kubectl(&["-n", "sets", "set", "image", "statefulset/db", "db=db:2"]);
    let new = cluster
        .settled(&db, |sight| workload(sight).rolled_out())
        .await;
    assert_eq!(workload(&new).image, "db:2");
    let (_, outcome) = cluster
        .act("admin", &db, &act("kube.undo = { target = \"x\" }"))
        .await;
    done(&outcome);
    let old = cluster
        .settled(&db, |sight| workload(sight).rolled_out())
        .await;
    assert_eq!(workload(&old).image, "db:1");
    let uid = || {
        cluster.kubectl(&[
            "-n",
            "sets",
            "get",
            "pod",
            "db-0",
            "-o=jsonpath={.metadata.uid}",
        ])
    };
    let before = uid();
    let (lines, outcome) = cluster
        .act(
            "admin",
            &db,
            &act("kube.delete_pod = { target = \"x\", pod = \"db-0\" }"),
        )
        .await;
    done(&outcome);
    assert!(lines[0].contains(&before), "{lines:?}");
    let mut waited = 0;
    while cluster
        .kubectl(&[
            "-n",
            "sets",
            "get",
            "pods",
            "-o=jsonpath={.items[*].metadata.uid}",
        ])
        .contains(&before)
    {
        waited += 1;
        assert!(waited < 300, "{before} is there still");
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    cluster
        .settled(&db, |sight| workload(sight).rolled_out())
        .await;
    assert_ne!(uid(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_unknown_and_nothing_is_sent_twice() {
    let cluster = cluster();
    cluster.web("lost");
    let _alone = DOOR.lock().await;
    let web = target("lost", "deployment/web");
    let patches = || cluster.order(&json!({}))["PATCH"].as_u64().unwrap_or(0);
    let before = patches();
    cluster.order(&json!({ "fault": { "method": "PATCH", "drop": true } }));
    let scale = act("kube.scale = { target = \"x\", replicas = 4 }");
    let (_, outcome) = cluster.act("door", &web, &scale).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(patches(), before + 1);
    // It had happened all the same, and a look says so.
    assert_eq!(field(cluster, "lost", ".spec.replicas"), "4");
    cluster.order(&json!({ "fault": { "method": "PATCH", "status": 503 } }));
    let (_, outcome) = cluster.act("door", &web, &scale).await;
    assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
    assert_eq!(patches(), before + 2);
    cluster.order(&json!({ "fault": { "method": "GET", "status": 429 } }));
    assert_eq!(
        cluster.see("door", &web).await.unwrap_err().kind,
        FailureKind::Busy
    );
    cluster.order(&json!({ "fault": { "method": "GET", "delay": 8 } }));
    assert_eq!(
        cluster.see("door", &web).await.unwrap_err().kind,
        FailureKind::TimedOut
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_name_the_permission_and_what_is_missing() {
    let cluster = cluster();
    cluster.web("refused");
    let web = target("refused", "deployment/web");
    // Whoever may only read sees, and changes nothing.
    cluster.see("reader", &web).await.unwrap();
    let (_, outcome) = cluster
        .act(
            "reader",
            &web,
            &act("kube.scale = { target = \"x\", replicas = 9 }"),
        )
        .await;
    let said = refused(&outcome);
    assert!(
        said.contains("cannot patch resource \"deployments\"")
            && said.contains("ask for this permission"),
        "{said}"
    );
    assert_eq!(field(cluster, "refused", ".spec.replicas"), "3");
    let failure = cluster.see("nobody", &web).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Denied, "{failure}");
    let failure = cluster
        .see("admin", &target("refused", "deployment/wbe"))
        .await
        .unwrap_err();
    assert_eq!(failure.kind, FailureKind::Missing, "{failure}");
    let (_, outcome) = cluster
        .act(
            "admin",
            &web,
            &act("kube.cordon = { target = \"x\", node = \"node-1\" }"),
        )
        .await;
    assert!(refused(&outcome).contains("no cluster"), "{outcome:?}");
    let (_, outcome) = cluster
        .act(
            "admin",
            "system = \"kubernetes\"",
            &act("kube.restart = { target = \"x\" }"),
        )
        .await;
    assert!(refused(&outcome).contains("no workload"), "{outcome:?}");
    let elsewhere = cluster.see("admin", "system = \"kubernetes\"").await;
    elsewhere.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_login_may_not_do_is_known_before() {
    let cluster = cluster();
    cluster.web("rights");
    let table = [
        (
            target("rights", "deployment/web"),
            "kube.scale = { target = \"x\", replicas = 4 }",
            "patch deployments.apps in rights",
        ),
        (
            target("rights", "deployment/web"),
            "kube.delete_pod = { target = \"x\", pod = \"web-1\" }",
            "delete pods in rights",
        ),
        (
            "system = \"kubernetes\"".to_owned(),
            "kube.cordon = { target = \"x\", node = \"node-1\" }",
            "patch nodes",
        ),
        (
            "system = \"cnpg\"\nnamespace = \"rights\"\ncluster = \"pg\"".to_owned(),
            "cnpg.promote = { target = \"x\", instance = \"pg-2\" }",
            "patch clusters.postgresql.cnpg.io/status in rights",
        ),
        (
            "system = \"velero\"\nnamespace = \"rights\"".to_owned(),
            "velero.restore = { target = \"x\", backup = \"b\", as = \"r\" }",
            "create restores.velero.io in rights",
        ),
        (
            "system = \"argocd\"\nnamespace = \"rights\"\napplication = \"web\"".to_owned(),
            "argocd.sync = { target = \"x\" }",
            "patch applications.argoproj.io in rights",
        ),
    ];
    for (target, text, right) in table {
        let acts = [act(text)];
        let forbidden = async |who: &str| cluster.system(who, &target).forbidden(&acts).await;
        assert_eq!(forbidden("admin").await, [], "{text}");
        let reader = forbidden("reader").await;
        assert_eq!(reader.len(), 1, "{text}: {reader:?}");
        let wanted = format!("this login may not {right} — ask for this permission");
        assert!(reader[0].saw.as_str().ends_with(&wanted), "{reader:?}");
        // It is asked what the act does: without the act nothing is missing.
        assert_eq!(cluster.system("nobody", &target).forbidden(&[]).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn part_of_a_workload_is_patched_and_a_file_applied_or_nothing_of_it() {
    let cluster = cluster();
    cluster.web("applied");
    let web = target("applied", "deployment/web");
    let patch =
        act("kube.patch = { target = \"x\", patch = '{\"spec\": {\"minReadySeconds\": 2}}' }");
    done(&cluster.act("admin", &web, &patch).await.1);
    assert_eq!(field(cluster, "applied", ".spec.minReadySeconds"), "2");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.yaml");
    let write = |mode: &str, kind: &str| {
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: first }}\ndata: {{ mode: {mode} }}\n---\n\
             apiVersion: v1\nkind: {kind}\nmetadata: {{ name: second }}\ndata: {{ mode: {mode} }}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    let apply = act(&format!(
        "kube.apply = {{ target = \"x\", file = \"{}\" }}",
        file.display()
    ));
    let mode = |name: &str| {
        let get = [
            "-n",
            "applied",
            "get",
            "configmap",
            name,
            "-o=jsonpath={.data.mode}",
        ];
        cluster.kubectl(&get)
    };
    write("one", "ConfigMap");
    let (lines, outcome) = cluster.act("admin", &web, &apply).await;
    assert_eq!(done(&outcome), "applied: ConfigMap first, ConfigMap second");
    assert_eq!(
        lines,
        ["ConfigMap first applied", "ConfigMap second applied"]
    );
    assert_eq!(
        (mode("first"), mode("second")),
        ("one".into(), "one".into())
    );
    // Whoever may not write changes nothing, nor does a file of which one object is refused.
    write("two", "ConfigMap");
    let (_, outcome) = cluster.act("reader", &web, &apply).await;
    assert!(
        refused(&outcome).contains("cannot patch resource \"configmaps\""),
        "{outcome:?}"
    );
    write("two", "Teapot");
    let (_, outcome) = cluster.act("admin", &web, &apply).await;
    assert!(refused(&outcome).contains("Teapot second"), "{outcome:?}");
    // A field that somebody else manages is a conflict.
    write("two", "ConfigMap");
    let theirs = folder.path().join("theirs.yaml");
    let text =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: second }\ndata: { mode: theirs }\n";
    std::fs::write(&theirs, text).unwrap();
    let theirs = theirs.to_str().unwrap();
    let force = [
        "-n",
        "applied",
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=them",
        "-f",
        theirs,
    ];
    cluster.kubectl(&force);
    let (_, outcome) = cluster.act("admin", &web, &apply).await;
    let said = refused(&outcome);
    assert!(said.contains("conflict with \"them\""), "{said}");
    assert_eq!(
        (mode("first"), mode("second")),
        ("one".into(), "theirs".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_complains_of_is_shown() {
    let cluster = cluster();
    cluster.web("complaints");
    let web = target("complaints", "deployment/web");
    let quiet = cluster.see("admin", &web).await.unwrap();
    assert_eq!(workload(&quiet).warnings, None);
    // No node is as large as that: the scheduler says so by itself.
    let huge = json!({ "spec": { "template": { "spec": { "containers": [
        { "name": "web", "resources": { "requests": { "cpu": "9000" } } },
    ] } } } });
    let patch = huge.to_string();
    cluster.kubectl(&[
        "-n",
        "complaints",
        "patch",
        "deployment",
        "web",
        "-p",
        &patch,
    ]);
    let seen = cluster
        .settled(&web, |sight| workload(sight).warnings.is_some())
        .await;
    let warnings = workload(&seen).warnings.clone().unwrap();
    assert_eq!(warnings.reason, "FailedScheduling");
    assert!(warnings.count >= 1, "{warnings:?}");
    assert!(
        warnings.message.contains("Insufficient cpu"),
        "{warnings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_without_a_volume_is_named() {
    let cluster = cluster();
    cluster.web("claims");
    let web = target("claims", "deployment/web");
    let fine = cluster.see("admin", &web).await.unwrap();
    assert_eq!(workload(&fine).unbound, []);
    let data = json!({ "spec": { "template": { "spec": {
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
    } } } });
    let patch = data.to_string();
    cluster.kubectl(&["-n", "claims", "patch", "deployment", "web", "-p", &patch]);
    let named = |phase: &'static str| {
        move |sight: &Sight| {
            let mut unbound = workload(sight).unbound.iter();
            unbound.any(|claim| claim.name == "data" && claim.phase == phase)
        }
    };
    cluster.settled(&web, named("Missing")).await;
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" }, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } }, "storageClassName": "none",
    } });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("claim.json");
    std::fs::write(&file, claim.to_string()).unwrap();
    cluster.kubectl(&["-n", "claims", "create", "-f", file.to_str().unwrap()]);
    cluster.settled(&web, named("Pending")).await;
}
