//! Velero, installed into a namespace, backs another one up and brings it back. Its objects are real ones; its server is the test,
//! which keeps the deployments and config maps of a namespace in the test's own memory instead of a bucket.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::aws::Aws;
use crate::kube::{Kube, cluster};
use crate::place::Place;

/// What Velero's server knows: what each backup holds, by its name.
struct Server<'a> {
    kube: &'a Kube,
    namespace: &'a str,
    backups: BTreeMap<String, Vec<Value>>,
}

impl Server<'_> {
    /// Does what it is asked for by objects.
    fn serves(&mut self) {
        for (plural, status) in [
            ("backupstoragelocations", "Available"),
            ("schedules", "Enabled"),
        ] {
            for object in self.unseen(plural) {
                let path = format!("{}/status", self.path(plural, name(&object)));
                self.kube.write(&path, |object| {
                    object["status"] = json!({ "phase": status });
                });
            }
        }
        for backup in self.unseen("backups") {
            let kept = self.saved(&backup["spec"]["includedNamespaces"]);
            self.backups.insert(name(&backup).to_owned(), kept);
            self.completes("backups", &backup);
        }
        for restore in self.unseen("restores") {
            self.restores(&restore["spec"]);
            self.completes("restores", &restore);
        }
    }

    fn path(&self, plural: &str, name: &str) -> String {
        format!(
            "/apis/velero.io/v1/namespaces/{}/{plural}/{name}",
            self.namespace
        )
    }

    /// The objects of a kind that have no status yet.
    fn unseen(&self, plural: &str) -> Vec<Value> {
        let all = self.kube.read(self.path(plural, "").trim_end_matches('/'));
        let items = all["items"].as_array().cloned().unwrap_or_default();
        items
            .into_iter()
            .filter(|one| one["status"]["phase"].is_null())
            .collect()
    }

    fn completes(&self, plural: &str, object: &Value) {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        self.kube.write(&self.path(plural, name(object)), |object| {
            object["status"] = json!({ "phase": "Completed", "completionTimestamp": at });
        });
    }

    /// Deployments and config maps of namespaces, as they can be made again. A backup that names none takes in all of them; of
    /// those only the shop is of interest here.
    fn saved(&self, namespaces: &Value) -> Vec<Value> {
        let mut kept = Vec::new();
        let all = vec![json!("shop")];
        for namespace in namespaces.as_array().unwrap_or(&all) {
            let namespace = namespace.as_str().unwrap();
            let kinds = [
                "get",
                "deployments,configmaps",
                "--namespace",
                namespace,
                "--output=json",
            ];
            let all: Value = serde_json::from_str(&self.kube.kubectl(&kinds)).unwrap();
            for mut object in all["items"].as_array().unwrap().clone() {
                let meta = json!({ "name": object["metadata"]["name"], "namespace": namespace });
                object["metadata"] = meta;
                object.as_object_mut().unwrap().remove("status");
                // Each namespace has one of its own.
                if name(&object) != "kube-root-ca.crt" {
                    kept.push(object);
                }
            }
        }
        kept
    }

    /// Makes what is not there, and leaves alone what is.
    fn restores(&self, spec: &Value) {
        for object in &self.backups[spec["backupName"].as_str().unwrap()] {
            let from = object["metadata"]["namespace"].as_str().unwrap();
            let to = spec["namespaceMapping"][from].as_str().unwrap_or(from);
            let mut object = object.clone();
            object["metadata"]["namespace"] = json!(to);
            let namespace =
                json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": to } });
            self.kube.apply(&namespace);
            let there = [
                "get",
                object["kind"].as_str().unwrap(),
                name(&object),
                "-n",
                to,
                "--ignore-not-found",
                "-oname",
            ];
            if self.kube.kubectl(&there).is_empty() {
                self.kube.apply(&object);
            }
        }
    }
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

#[test]
fn velero_is_installed_and_a_namespace_comes_back_out_of_its_first_backup() {
    let aws = Aws::up();
    let mut place = Place::new(cluster(), "velero-walk");
    place.kube.kubectl(&["create", "namespace", "shop"]);
    place.kube.kubectl(&[
        "-n",
        "shop",
        "create",
        "deployment",
        "web",
        "--image=web:1",
        "--replicas=2",
    ]);
    place.kube.kubectl(&[
        "-n",
        "shop",
        "create",
        "configmap",
        "prices",
        "--from-literal=tea=3",
    ]);
    place.kubernetes("velero", "velero", "");
    place.bucket("bucket", &aws, "harbour-backups");
    place.site("\n[backups.cluster]\nof = \"velero\"\nyounger = \"25h\"\n");
    place.aws_cli();
    place.stands_in("velero", include_str!("standins/velero"));
    let key = place.home.path("key");
    fs::write(&key, "[default]\naws_access_key_id = lab\n").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let key = key.display().to_string();
    let mut server = Server {
        kube: place.kube,
        namespace: "velero-walk",
        backups: BTreeMap::new(),
    };
    let mut damaged = false;
    let platform = || {
        server.serves();
        if !damaged && place.done("first") {
            place
                .kube
                .kubectl(&["-n", "shop", "delete", "deployment/web", "configmap/prices"]);
            damaged = true;
        }
    };
    let walked = place.walk_beside(
        platform,
        "velero",
        &[
            ("VELERO", "velero"),
            ("BACKUP", "cluster"),
            ("BUCKET", "bucket"),
            ("BUCKET_NAME", "harbour-backups"),
            ("BUCKET_REGION", "us-east-1"),
            ("CREDENTIALS", &key),
            ("PLUGIN", "velero/velero-plugin-for-aws:v1.8.0"),
            ("SCHEDULE", "nightly"),
            ("NAMESPACES", "shop"),
            ("NAMESPACE", "shop"),
            ("RUN", "first"),
        ],
        &[
            ("way", "Install and schedule"),
            ("for-real", "Bring the namespace back"),
        ],
    );
    walked.went(&[
        "way",
        "preflight",
        "install",
        "schedule",
        "first",
        "list",
        "trial",
        "look",
        "for-real",
        "keep",
        "restore",
        "verify",
        "remove-trial",
    ]);
    let shop = |what: &str| {
        place.kube.kubectl(&[
            "-n",
            "shop",
            "get",
            what,
            "--output=jsonpath={.data.tea}{.status.readyReplicas}",
        ])
    };
    assert_eq!(
        (shop("configmap/prices"), shop("deployment/web")),
        ("3".into(), "2".into())
    );
    let trial = [
        "get",
        "namespace",
        "trial-first",
        "--ignore-not-found",
        "-oname",
    ];
    assert_eq!(place.kube.kubectl(&trial), "");
    assert_eq!(
        place.get("schedules.velero.io/nightly", "{.spec.schedule}"),
        "0 2 * * *"
    );
}
