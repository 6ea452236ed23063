//! The worst moment of every order: it arrives, and its answer is lost. It is unknown then, was sent once, and what it changed
//! is there to be found: by kubectl, and by the condition that verifies the step where one can tell.

use crate::act::{act, condition};
use crate::kube::{DOOR, Kube, cluster};
use crate::operators::{healthy, pg, postgres, status};
use crate::workloads::target;
use serde_json::{Value, json};
use warroom::incident::reading::{Holds, Outcome};

/// One order.
struct Lost {
    target: String,
    act: &'static str,
    method: &'static str,
    /// The change is in the last of so many requests of this method; those before it change nothing.
    requests: u64,
    /// The object in which it can be read back, and where.
    path: String,
    at: &'static str,
    wanted: fn(&Value) -> bool,
    /// What a runbook would verify it by.
    verify: Option<&'static str>,
}

impl Lost {
    async fn happens(&self, cluster: &Kube) {
        let sent = || {
            let counted = cluster.order(&json!({}));
            counted[self.method].as_u64().unwrap_or(0)
        };
        let before = sent();
        let fault = json!({ "method": self.method, "drop": true, "after": self.requests - 1 });
        cluster.order(&json!({ "fault": fault }));
        let (_, outcome) = cluster.act("door", &self.target, &act(self.act)).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{}: {outcome:?}",
            self.act
        );
        assert_eq!(sent(), before + self.requests, "{}", self.act);
        let found = |object: &Value| (self.wanted)(object.pointer(self.at).unwrap_or(&Value::Null));
        cluster.appears(&self.path, found).await;
    }

    /// Whether the step's verification comes to say yes.
    async fn resolves(&self, cluster: &Kube) {
        let Some(verify) = self.verify else {
            return;
        };
        let verify = condition(verify);
        let mut verdict = cluster.judged(&self.target, &verify).await;
        for _ in 0..300 {
            if verdict.holds == Holds::Yes {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            verdict = cluster.judged(&self.target, &verify).await;
        }
        panic!("{}: {verdict:?}", self.act);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_workload() {
    let cluster = cluster();
    cluster.web("lost-web");
    let _alone = DOOR.lock().await;
    let path = "/apis/apps/v1/namespaces/lost-web/deployments/web";
    let order = |act, at, wanted, verify| Lost {
        target: target("lost-web", "deployment/web"),
        act,
        method: "PATCH",
        requests: 1,
        path: path.into(),
        at,
        wanted,
        verify: Some(verify),
    };
    let rollout = "rollout = \"x\"";
    let table = [
        order(
            "kube.scale = { target = \"x\", replicas = 4 }",
            "/spec/replicas",
            |replicas| replicas == 4,
            "ready = { of = \"x\", at_least = 4 }",
        ),
        order(
            "kube.restart = { target = \"x\" }",
            "/spec/template/metadata/annotations",
            |notes| notes.to_string().contains("restartedAt"),
            rollout,
        ),
        order(
            "kube.set_env = { target = \"x\", name = \"MODE\", value = \"safe\" }",
            "/spec/template/spec/containers/0/env/0/value",
            |value| value == "safe",
            rollout,
        ),
        order(
            "kube.patch = { target = \"x\", patch = '{\"spec\": {\"minReadySeconds\": 1}}' }",
            "/spec/minReadySeconds",
            |seconds| seconds == 1,
            rollout,
        ),
        order(
            "kube.undo = { target = \"x\" }",
            "/spec/template/spec/containers/0",
            |container| container.get("env").is_none(),
            rollout,
        ),
    ];
    for lost in &table {
        lost.happens(cluster).await;
        lost.resolves(cluster).await;
    }
    a_pod(cluster).await;
    a_node(cluster).await;
    a_file(cluster).await;
}

async fn a_file(cluster: &Kube) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mode.yaml");
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: mode }\ndata: { mode: safe }\n";
    std::fs::write(&file, text).unwrap();
    let act = format!(
        "kube.apply = {{ target = \"x\", file = \"{}\" }}",
        file.display()
    );
    let lost = Lost {
        target: target("lost-web", "deployment/web"),
        act: act.leak(),
        method: "PATCH",
        // The first is a dry run.
        requests: 2,
        path: "/api/v1/namespaces/lost-web/configmaps/mode".into(),
        at: "/data/mode",
        wanted: |mode| mode == "safe",
        verify: None,
    };
    lost.happens(cluster).await;
}

async fn a_pod(cluster: &Kube) {
    let pods = cluster.kubectl(&["-n", "lost-web", "get", "pods", "-o", "name"]);
    let pod = pods.lines().next().unwrap().trim_start_matches("pod/");
    let act: &str = format!("kube.delete_pod = {{ target = \"x\", pod = \"{pod}\" }}").leak();
    let lost = Lost {
        target: target("lost-web", "deployment/web"),
        act,
        method: "DELETE",
        requests: 1,
        path: format!("/api/v1/namespaces/lost-web/pods/{pod}"),
        at: "",
        // Under way, or over.
        wanted: |pod| pod.is_null() || pod["metadata"]["deletionTimestamp"].is_string(),
        verify: Some("pods_ready = \"x\""),
    };
    lost.happens(cluster).await;
    lost.resolves(cluster).await;
}

async fn a_node(cluster: &Kube) {
    let lost = Lost {
        target: "system = \"kubernetes\"".into(),
        act: "kube.cordon = { target = \"x\", node = \"node-2\" }",
        method: "PATCH",
        requests: 1,
        path: "/api/v1/nodes/node-2".into(),
        at: "/spec/unschedulable",
        wanted: |cordoned| cordoned == true,
        verify: None,
    };
    lost.happens(cluster).await;
    cluster.kubectl(&["uncordon", "node-2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_database_cluster() {
    let cluster = cluster();
    let path = postgres(cluster, "lost-pg");
    let _alone = DOOR.lock().await;
    let order = |act, method, path: &str, at, wanted, verify| Lost {
        target: pg("lost-pg"),
        act,
        method,
        requests: 1,
        path: path.into(),
        at,
        wanted,
        verify,
    };
    let promote = order(
        "cnpg.promote = { target = \"x\", instance = \"pg-3\" }",
        "PATCH",
        &path,
        "/status/targetPrimary",
        |target| target == "pg-3",
        Some("primary_is = { of = \"x\", instance = \"pg-3\" }"),
    );
    promote.happens(cluster).await;
    status(cluster, &path, &healthy("pg-3"));
    promote.resolves(cluster).await;
    let fenced = "/metadata/annotations/cnpg.io~1fencedInstances";
    let fence = order(
        "cnpg.fence = { target = \"x\", instance = \"pg-1\" }",
        "PATCH",
        &path,
        fenced,
        |fenced| fenced == "[\"pg-1\"]",
        None,
    );
    fence.happens(cluster).await;
    let unfence = order(
        "cnpg.unfence = { target = \"x\", instance = \"pg-1\" }",
        "PATCH",
        &path,
        fenced,
        Value::is_null,
        Some("healthy = \"x\""),
    );
    unfence.happens(cluster).await;
    unfence.resolves(cluster).await;
    let recover = order(
        "cnpg.recover = { target = \"x\", time = \"2026-11-21T14:00:00Z\", as = \"pg-then\" }",
        "POST",
        "/apis/postgresql.cnpg.io/v1/namespaces/lost-pg/clusters/pg-then",
        "/spec/bootstrap/recovery/recoveryTarget/targetTime",
        |time| time == "2026-11-21T14:00:00Z",
        None,
    );
    recover.happens(cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_backups_and_applications() {
    let cluster = cluster();
    cluster.kubectl(&["create", "namespace", "lost-ops"]);
    cluster.apply(&json!({
        "apiVersion": "velero.io/v1", "kind": "Backup",
        "metadata": { "name": "good", "namespace": "lost-ops" },
        "spec": {}, "status": { "phase": "Completed", "completionTimestamp": "2026-11-20T02:00:00Z" },
    }));
    cluster.apply(&json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": "web", "namespace": "lost-ops" },
        "spec": { "project": "default" },
        "status": { "health": { "status": "Healthy" }, "sync": { "status": "Synced" } },
    }));
    let _alone = DOOR.lock().await;
    let of =
        |kind: &str, name: &str| format!("/apis/velero.io/v1/namespaces/lost-ops/{kind}/{name}");
    let velero = |act, path, at, wanted| Lost {
        target: "system = \"velero\"\nnamespace = \"lost-ops\"".into(),
        act,
        method: "POST",
        requests: 1,
        path,
        at,
        wanted,
        verify: None,
    };
    let backup = velero(
        "velero.backup = { target = \"x\", as = \"now\" }",
        of("backups", "now"),
        "/spec",
        Value::is_object,
    );
    backup.happens(cluster).await;
    let restore = velero(
        "velero.restore = { target = \"x\", backup = \"good\", as = \"back\" }",
        of("restores", "back"),
        "/spec/backupName",
        |name| name == "good",
    );
    restore.happens(cluster).await;
    let sync = Lost {
        target: "system = \"argocd\"\nnamespace = \"lost-ops\"\napplication = \"web\"".into(),
        act: "argocd.sync = { target = \"x\", revision = \"v2\" }",
        method: "PATCH",
        requests: 1,
        path: "/apis/argoproj.io/v1alpha1/namespaces/lost-ops/applications/web".into(),
        at: "/operation/sync/revision",
        wanted: |revision| revision == "v2",
        verify: Some("healthy = \"x\""),
    };
    sync.happens(cluster).await;
    sync.resolves(cluster).await;
}
