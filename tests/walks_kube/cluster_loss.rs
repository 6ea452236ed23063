//! The cluster is lost, and made again: from Terraform's plan, Vault's snapshot, a dump in a bucket, and what Git says. Argo CD's
//! objects are real ones; its controller is the test. Its database is the lab's server, which is empty when it is started again.

use std::fs;
use std::path::Path;
use std::process::Command;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::application::infrastructure;
use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::database::{psql, psql_as};
use crate::kube::cluster;
use crate::names::{Resolver, weights};
use crate::place::Place;
use crate::vault::{self, Vault};

const NAME: &str = "www.harbour.example";

/// What Argo CD's controller does when it is asked for a sync.
struct Argo<'a> {
    place: &'a Place,
    lab: &'a Lab,
}

impl Argo<'_> {
    fn path(&self, name: &str) -> String {
        let namespace = &self.place.namespace;
        format!("/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications/{name}")
    }

    /// Does what it is asked for by objects.
    fn serves(&self) {
        let all = self.place.kube.read(self.path("").trim_end_matches('/'));
        let asked = all["items"].as_array().into_iter().flatten();
        for app in asked.filter(|app| app["operation"].is_object()) {
            match app["metadata"]["name"].as_str().unwrap() {
                "data" => self.starts_the_database(),
                "root" => self.makes_the_others(),
                other => panic!("nobody asked for {other}"),
            }
            self.is_synced(app["metadata"]["name"].as_str().unwrap());
        }
    }

    fn is_synced(&self, name: &str) {
        let at = Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true);
        self.place.kube.write(&self.path(name), |app| {
            app.as_object_mut().unwrap().remove("operation");
            app["status"] = json!({
                "health": { "status": "Healthy" }, "sync": { "status": "Synced" },
                "operationState": { "phase": "Succeeded", "startedAt": at, "message": "successfully synced" },
            });
        });
    }

    /// A new database for the application, with the roles that Git says, and nothing in it.
    fn starts_the_database(&self) {
        self.lab.cmd(&["start", "pg-east"]);
        for order in [
            "DROP DATABASE app WITH (FORCE)",
            "CREATE DATABASE app OWNER app TEMPLATE template0",
        ] {
            psql_as(
                self.lab,
                "pg-east",
                ("postgres", "pg-admin", "postgres"),
                order,
            );
        }
    }

    /// The application of the API, which is healthy once it is rolled out.
    fn makes_the_others(&self) {
        let namespace = &self.place.namespace;
        self.place.kube.apply(&application("web", namespace));
        self.place.kube.apply(&deployment("web", namespace));
        self.place.rolled_out("web");
        self.is_synced("web");
        self.place.healthy(true);
    }
}

fn application(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": { "name": name, "namespace": namespace }, "spec": { "project": "default" },
    })
}

fn deployment(name: &str, namespace: &str) -> Value {
    let labels = json!({ "app": name });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": name, "image": "web:7" }] } },
        },
    })
}

/// Argo CD and Vault, and the applications that nobody has synced yet.
fn bootstrap(place: &Place) -> String {
    let namespace = &place.namespace;
    let all = json!({ "apiVersion": "v1", "kind": "List", "items": [
        deployment("argocd-server", namespace), deployment("vault", namespace),
        application("root", namespace), application("data", namespace),
    ] });
    let file = place.home.path("bootstrap.json");
    fs::write(&file, all.to_string()).unwrap();
    file.display().to_string()
}

/// Puts a dump into a bucket outside of the cluster, by the real AWS command line.
fn uploads(place: &Place, aws: &Aws, dump: &Path) {
    aws.boto("s3", "create_bucket", &json!({ "Bucket": "harbour-dumps" }));
    let mut copy = Command::new(place.home.path("bin/aws"));
    copy.env("HOME", place.home.path(""))
        .env("AWS_ENDPOINT_URL", aws.fact("endpoint"))
        .args(["--region", "us-east-1", "s3", "cp", "--only-show-errors"])
        .arg(dump)
        .arg("s3://harbour-dumps/app.dump");
    assert!(copy.status().unwrap().success());
}

/// The site of a new cluster: the context that leads there is not in the kubeconfig before the cluster is.
fn place(namespace: &str, lab: &Lab, aws: &Aws, resolver: u16) -> Place {
    let mut place = Place::new(cluster(), namespace);
    let config = place.home.path("new-cluster").display().to_string();
    for (id, kind, keys) in [
        ("nodes", "kubernetes", ""),
        ("root", "argocd", "application = \"root\""),
        ("data", "argocd", "application = \"data\""),
    ] {
        place.kubernetes_by(&config, id, kind, keys);
    }
    place.database_admin("db", lab, lab.port("pg-east"));
    place.bucket("bucket", aws, "harbour-backups");
    place.bucket("dumps", aws, "harbour-dumps");
    place.site("\n[backups.dump]\nof = \"dumps\"\nyounger = \"7h\"\n");
    place.record("name", aws, resolver, NAME);
    place.aws_cli();
    place.hurries(
        "cluster-loss",
        &[
            ("every     = \"30s\"", "every     = \"1s\""),
            ("every    = \"10s\"", "every    = \"1s\""),
        ],
    );
    place
}

const STEPS: [&str; 19] = [
    "assess",
    "inputs",
    "plan",
    "read-plan",
    "apply",
    "bootstrap",
    "vault",
    "vault-open",
    "data-app",
    "fetch",
    "empty",
    "restore",
    "other-data",
    "apps",
    "wait-apps",
    "validate",
    "cutover",
    "backups",
    "tidy",
];

#[test]
fn a_lost_cluster_is_built_again_with_its_secrets_and_its_data() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let folder = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, &[], folder.path().join("hosts"));
    let mut place = place("cluster-loss", &lab, &aws, resolver.port);
    let safe = Vault::of(&mut place);
    let dump = lab.cmd(&["backup"]);
    let dump = Path::new(dump.trim());
    uploads(&place, &aws, dump);
    let keys = vault::values(&place);
    let keys: Vec<(&str, &str)> = keys.iter().map(|(name, value)| (*name, &**value)).collect();
    // The Vault is named by the runbook that opens this one.
    place.gives("vault-snapshot", &keys[1..]);
    let (state, bootstrap) = (infrastructure(&place), bootstrap(&place));
    let file = |name: &str| place.home.path(name).display().to_string();
    place.walk("vault-snapshot", &keys, &[("way", "Take a snapshot")]);

    // The cluster is gone, with its Vault, its database, and what was written since the dump.
    vault::write(
        &place,
        &json!({ "initialized": false, "sealed": true, "keys": [], "secrets": {} }),
    );
    psql(&lab, "pg-east", "DELETE FROM messages WHERE id > 10");
    lab.cmd(&["stop", "pg-east"]);
    place.healthy(false);

    let argo = Argo {
        place: &place,
        lab: &lab,
    };
    let (mut built, mut installed) = (false, false);
    let others = || {
        resolver.follows();
        // What Terraform makes can be reached by the context that its operator then asks the provider for.
        let made = fs::read_to_string(place.home.path("infrastructure/state")).unwrap();
        if !built && made.contains("aws_eks_cluster.main") {
            fs::copy(place.kube.config("admin"), place.home.path("new-cluster")).unwrap();
            built = true;
        }
        if !installed && place.done("bootstrap") {
            let new =
                json!({ "initialized": true, "sealed": false, "keys": ["new-1"], "secrets": {} });
            vault::write(&place, &new);
            installed = true;
        }
        if vault::held(&place)["sealed"] == true && place.done("unseal") {
            safe.unseal(&place);
        }
        argo.serves();
    };
    let counts = dump
        .with_extension("dump.counts.json")
        .display()
        .to_string();
    let values = [
        ("CLUSTER", "nodes"),
        ("STATE", &state),
        ("WORKSPACE", "production"),
        ("BOOTSTRAP", &bootstrap),
        ("VAULT", "vault"),
        ("ARGOCD", "root"),
        ("DATA_APP", "data"),
        ("SERVER", "db"),
        ("DATABASE", "app"),
        ("DUMPS", "dumps"),
        ("BACKUP", "dump"),
        ("DUMP", &file("folder/app.dump")),
        ("COUNTS", &counts),
        ("API", "api"),
        ("RECORD", "name"),
        ("REGION", "us-west-2"),
        ("FOLDER", &file("folder")),
    ];
    let walked = place.walk_beside(others, "cluster-loss", &values, &[("way", "Restore one")]);
    walked.went(&STEPS);
    walked.went_in(
        "vault-snapshot",
        &[
            "way", "fetch", "open", "ready", "keep", "restore", "unseal", "unsealed", "canary",
            "tidy", "end",
        ],
    );
    is_there_again(&place, &lab);
    assert_eq!(weights(&aws, NAME), (0, 100));
}

/// Secrets and data are those of before, the application may use them, and nothing secret is left on the operator's machine.
fn is_there_again(place: &Place, lab: &Lab) {
    assert_eq!(
        vault::held(place)["secrets"]["secret/canary"]["sings"],
        "yes"
    );
    let writes = "INSERT INTO messages (debate_id, agent, body) VALUES (1, 'ana', 'here again') RETURNING id";
    assert_eq!(
        psql_as(lab, "pg-east", ("app", "pg-app", "app"), writes),
        "6001\nINSERT 0 1"
    );
    for name in ["argocd-server", "vault", "web"] {
        let ready = place.get(&format!("deployment/{name}"), "{.status.readyReplicas}");
        assert_eq!(ready, "2", "{name}");
    }
    for name in ["cluster.tfplan", "app.dump", "restore.snap"] {
        assert!(!place.home.path("folder").join(name).exists(), "{name}");
    }
}
