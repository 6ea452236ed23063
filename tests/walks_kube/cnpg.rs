//! A CloudNativePG cluster changes its primary. Its object is a real one; its operator is the test, which does with the lab's two
//! servers what the operator does with its instances: `pg-1` is `pg-east`, `pg-2` is `pg-west`.

use serde_json::{Value, json};

use crate::common::lab::Lab;
use crate::database::{Service, psql};
use crate::kube::cluster;
use crate::place::Place;

const VARS: [(&str, &str); 9] = [
    ("CLUSTER", "pg"),
    ("INSTANCE", "pg-2"),
    ("SERVER", "pg-rw"),
    ("REPLICA", "pg-west"),
    ("DATABASE", "app"),
    ("API", "web"),
    ("WORKERS", "workers"),
    ("SWITCH", "MAINTENANCE"),
    ("HEALTH", "api"),
];

/// The pair, and the operator that keeps it.
struct Kept {
    lab: Lab,
    place: Place,
    service: Service,
}

impl Kept {
    fn new(namespace: &str) -> Self {
        let lab = Lab::up();
        let mut place = Place::new(cluster(), namespace);
        place.deployment("web");
        place.deployment("workers");
        place.of_lab(&lab, &["pg-east", "pg-west"]);
        let service = Service::to(lab.port("pg-east"));
        place.database("pg-rw", &lab, service.port);
        place.kubernetes("pg", "cnpg", "cluster = \"pg\"");
        place.stands_in("kubectl-cnpg", include_str!("standins/kubectl-cnpg"));
        place.kube.apply(&json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
            "metadata": { "name": "pg", "namespace": namespace },
            "spec": { "instances": 2, "imageName": "postgres:15", "storage": { "size": "1Gi" } },
        }));
        let kept = Self {
            lab,
            place,
            service,
        };
        kept.says(&healthy("pg-1"));
        kept
    }

    fn path(&self) -> String {
        format!(
            "/apis/postgresql.cnpg.io/v1/namespaces/{}/clusters/pg",
            self.place.namespace
        )
    }

    fn says(&self, status: &Value) {
        let path = format!("{}/status", self.path());
        self.place
            .kube
            .write(&path, |object| object["status"] = status.clone());
    }

    fn asked(&self) -> String {
        let object = self.place.kube.read(&self.path());
        object["status"]["targetPrimary"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// What the operator does when the old primary is down: the other one is promoted, the service leads there, the old one follows.
    fn switches(&self) {
        psql(&self.lab, "pg-west", "SELECT pg_promote()");
        self.service.leads_to(self.lab.port("pg-west"));
        let mut one = healthy("pg-2");
        one["readyInstances"] = json!(1);
        one["instancesStatus"]["healthy"] = json!(["pg-2"]);
        self.says(&one);
        self.lab.cmd(&["rejoin", "pg-east"]);
        self.says(&healthy("pg-2"));
    }

    /// The new primary writes, the old one follows it, and nothing is in maintenance any more.
    fn is_switched(&self) {
        let (lab, place) = (&self.lab, &self.place);
        assert_eq!(psql(lab, "pg-west", "SELECT pg_is_in_recovery()"), "f");
        assert_eq!(
            psql(lab, "pg-west", "SELECT count(*) FROM warroom_write_test"),
            "1"
        );
        let followers = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'";
        assert_eq!(psql(lab, "pg-west", followers), "1");
        for workload in ["web", "workers"] {
            let switch = place.variable(workload, "MAINTENANCE");
            assert_eq!(switch, "false", "{workload}");
        }
    }
}

fn healthy(primary: &str) -> Value {
    json!({
        "phase": "Cluster in healthy state", "instances": 2, "readyInstances": 2,
        "currentPrimary": primary, "targetPrimary": primary,
        "instancesStatus": { "healthy": ["pg-1", "pg-2"] },
        "instancesReportedState": { "pg-1": { "timeLineID": 1 }, "pg-2": { "timeLineID": 1 } },
        "conditions": [{ "type": "ContinuousArchiving", "status": "True" }],
    })
}

#[test]
fn the_instance_that_was_named_becomes_the_primary() {
    let kept = Kept::new("cnpg-switch");
    let mut switched = false;
    let operator = || {
        if !switched && kept.asked() == "pg-2" {
            kept.lab.cmd(&["stop", "pg-east"]);
            kept.switches();
            switched = true;
        }
    };
    let walked = kept
        .place
        .walk_beside(operator, "cnpg-failover", &VARS, &[("alive", "ok")]);
    walked.went(&[
        "agree",
        "roles",
        "alive",
        "loss",
        "pause-api",
        "pause-workers",
        "promote",
        "unfence",
        "settle",
        "write",
        "resume-workers",
        "resume-api",
        "status",
    ]);
    assert!(walked.printed("status").contains("Primary instance: pg-2"));
    kept.is_switched();
}

#[test]
fn a_primary_that_died_is_replaced_by_the_operator_which_is_watched() {
    let kept = Kept::new("cnpg-dead");
    kept.lab.cmd(&["kill", "pg-east"]);
    let mut switched = false;
    let operator = || {
        if !switched && kept.place.done("alive") {
            kept.switches();
            switched = true;
        }
    };
    let walked = kept
        .place
        .walk_beside(operator, "cnpg-failover", &VARS, &[("alive", "unknown")]);
    walked.went(&[
        "agree",
        "roles",
        "alive",
        "watch",
        "settle",
        "write",
        "resume-workers",
        "resume-api",
        "status",
    ]);
    kept.is_switched();
}
