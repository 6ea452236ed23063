//! A release that is taken back, and an application that is made again on a database that was restored.

use std::fs;

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::database::psql;
use crate::kube::cluster;
use crate::place::Place;

/// A deployment with three releases, the last of which is bad.
fn released(namespace: &str) -> Place {
    let mut place = Place::new(cluster(), namespace);
    place.deployment("web");
    place.released("web", "web:2");
    place.released("web", "web:3");
    place
}

fn image(place: &Place) -> String {
    place.get(
        "deployment/web",
        "{.spec.template.spec.containers[0].image}",
    )
}

#[test]
fn a_release_is_taken_back_to_the_one_before() {
    let place = released("rollback");
    let walked = place.walk(
        "application-rollback",
        &[("WEB", "web"), ("SELECTOR", "app=web"), ("API", "api")],
        &[
            ("schema", "No migration, or one the old code lives with"),
            ("which", "The one before"),
        ],
    );
    walked.went(&[
        "look", "freeze", "schema", "which", "undo", "health", "image", "again",
    ]);
    assert_eq!(image(&place), "web:2");
    assert!(
        walked
            .printed("look")
            .contains("no error in the last ten minutes")
    );
    assert!(walked.printed("image").contains("web web:2"));
}

#[test]
fn a_release_is_taken_back_to_the_one_that_was_asked_for() {
    let place = released("rollback-to");
    let walked = place.walk(
        "application-rollback",
        &[
            ("WEB", "web"),
            ("SELECTOR", "app=web"),
            ("REVISION", "1"),
            ("API", "api"),
        ],
        &[
            ("schema", "No migration, or one the old code lives with"),
            ("which", "The one that was asked for at the start"),
        ],
    );
    walked.went(&[
        "look", "freeze", "schema", "which", "undo-to", "health", "image", "again",
    ]);
    assert_eq!(image(&place), "web:1");
}

/// A folder with Terraform's configuration: one resource is there, two are wanted.
pub fn infrastructure(place: &Place) -> String {
    let folder = place.home.path("infrastructure");
    fs::create_dir(&folder).unwrap();
    for (file, text) in [
        ("main.tf", "aws_vpc.main\naws_eks_cluster.main\n"),
        ("state", "aws_vpc.main\n"),
        ("serial", "7\n"),
        ("workspaces", "production\n"),
    ] {
        fs::write(folder.join(file), text).unwrap();
    }
    place.stands_in("terraform", include_str!("standins/terraform"));
    folder.display().to_string()
}

fn manifest(name: &str) -> Value {
    let labels = json!({ "app": name, "part-of": "shop" });
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "replicas": 2, "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": name, "image": "web:7" }] } },
        },
    })
}

/// A smoke test that writes to the database as the application does.
fn smoke(place: &Place, lab: &Lab) -> String {
    let text = format!(
        "#!/bin/sh\nset -eu\n[ \"$1 $2\" = \"--env production\" ]\nPGPASSWORD=$(cat {}) psql -X -h 127.0.0.1 -p {} -U app -d app -v ON_ERROR_STOP=1 \\\n  -c 'CREATE TABLE smoke (id int)' -c 'INSERT INTO smoke VALUES (1)'\n",
        lab.path("secrets/pg-app").display(),
        lab.port("pg-east"),
    );
    place.stands_in("smoke", &text);
    place.home.path("bin/smoke").display().to_string()
}

#[test]
fn an_application_is_made_again_from_its_plan_and_its_manifests() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let mut place = Place::new(cluster(), "recovery");
    place.of_lab(&lab, &["pg-east"]);
    place.bucket("state", &aws, "harbour-backups");
    for name in ["web", "workers"] {
        place.kubernetes(
            name,
            "kubernetes",
            &format!("workload = \"deployment/{name}\""),
        );
        let file = place.home.path(&format!("manifests/{name}.json"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, manifest(name).to_string()).unwrap();
    }
    let (folder, smoke) = (infrastructure(&place), smoke(&place, &lab));
    let file = |name: &str| place.home.path(name).display().to_string();
    let walked = place.walk(
        "application-recovery",
        &[
            ("STATE", "state"),
            ("FOLDER", &folder),
            ("WORKSPACE", "production"),
            ("PLAN", &file("plan")),
            ("MANIFESTS", &file("manifests")),
            ("WEB", "web"),
            ("WORKERS", "workers"),
            ("SELECTOR", "part-of=shop"),
            ("DB", "pg-east"),
            ("API", "api"),
            ("SMOKE", &smoke),
            ("ENVIRONMENT", "production"),
        ],
        &[],
    );
    walked.went(&[
        "database",
        "state",
        "plan",
        "read-plan",
        "apply",
        "tidy",
        "diff",
        "manifests",
        "rollout",
        "rollout-workers",
        "pods",
        "health",
        "smoke",
        "before-traffic",
    ]);
    let state = fs::read_to_string(place.home.path("infrastructure/state")).unwrap();
    assert_eq!(state, "aws_vpc.main\naws_eks_cluster.main\n");
    assert!(!place.home.path("plan").exists(), "the plan holds secrets");
    for name in ["web", "workers"] {
        assert_eq!(
            place.get(&format!("deployment/{name}"), "{.status.readyReplicas}"),
            "2",
            "{name}"
        );
    }
    assert_eq!(psql(&lab, "pg-east", "SELECT count(*) FROM smoke"), "1");
}
