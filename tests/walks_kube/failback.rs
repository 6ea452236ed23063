//! The way back to the region that was lost: the database first, then the traffic in stages, and all of it back when one of them does
//! not hold.

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::database::psql;
use crate::handover::{Operator, clusters};
use crate::kube::cluster;
use crate::names::{Resolver, weights};
use crate::place::Place;
use crate::statuspage::{HOST, StatusPage, TOKEN};

const NAME: &str = "www.harbour.example";

/// East serves since the failover; west is its standby, and the region to go back to.
fn place(namespace: &str, lab: &Lab, aws: &Aws, resolver: &Resolver<'_>) -> Place {
    let mut place = Place::after_failover(cluster(), namespace);
    place.of_lab(lab, &["pg-east", "pg-west"]);
    // The way the data go once the roles are switched.
    place.site(
        "\n[links.back]\nfrom = \"pg-west\"\nto = \"pg-east\"\ntarget = \"5s\"\ngate = \"30s\"\n",
    );
    place.kubernetes("nodes", "kubernetes", "");
    place.deployment("web");
    place.deployment("web-east");
    place.record("name", aws, resolver.port, NAME);
    errors(&place, "0.001");
    // A scrape that a busy machine misses is no change of the errors.
    place.prometheus(&[("errors", "last_over_time(errors[1m])")]);
    place.hurries(
        "failback",
        &[
            ("for = \"5m\"", "for = \"4s\""),
            ("every      = \"10s\"", "every      = \"1s\""),
        ],
    );
    place
}

/// What the region's own metrics say of errors.
fn errors(place: &Place, share: &str) {
    place.metrics(&format!("errors {share}\n"));
}

const VALUES: [(&str, &str); 17] = [
    ("SERVING_PG", "pg-east"),
    ("RETURNING_PG", "pg-west"),
    ("SERVING_DB", "pg-east"),
    ("RETURNING_DB", "pg-west"),
    ("CLUSTER", "nodes"),
    ("WEB", "web"),
    ("REPLICAS", "4"),
    ("STANDBY_WEB", "web-east"),
    ("STANDBY_REPLICAS", "1"),
    ("API", "api"),
    ("RECORD", "name"),
    ("REGION", "us-west-2"),
    ("STANDBY_REGION", "us-east-1"),
    ("ERRORS", "errors"),
    ("STATUS_HOST", HOST),
    ("STATUS_INCIDENT", "now"),
    ("STATUS_TOKEN", TOKEN),
];

/// What comes before the roles of the database are switched.
const BEFORE: [&str; 6] = [
    "ready",
    "inputs",
    "rebuild",
    "synchronised",
    "capacity",
    "means",
];

/// What comes behind it when every stage holds.
const BEHIND: [&str; 10] = [
    "health",
    "canary-10",
    "canary-50",
    "all",
    "standby",
    "standby-follows",
    "scale-down",
    "resolved",
    "resolved-seen",
    "close",
];

/// The primary region serves, and the other one stands by.
fn is_back(place: &Place, lab: &Lab, aws: &Aws, page: &StatusPage) {
    assert_eq!(weights(aws, NAME), (0, 100));
    let replicas = |name: &str| {
        let path = "{.spec.replicas} {.status.readyReplicas}";
        place.get(&format!("deployment/{name}"), path)
    };
    assert_eq!((&*replicas("web"), &*replicas("web-east")), ("4 4", "1 1"));
    // What is written to the one is soon in the other.
    let write = "INSERT INTO heartbeat VALUES ('2026-01-01')";
    psql(lab, "pg-west", write);
    let read = "SELECT pg_is_in_recovery(), count(*) FROM heartbeat WHERE at = '2026-01-01'";
    place.until("the standby has it", || psql(lab, "pg-east", read) == "t|1");
    assert_eq!(page.says(), "resolved");
}

#[test]
fn the_region_serves_again_stage_by_stage_and_the_other_stands_by() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let folder = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, &[], folder.path().join("hosts"));
    let place = place("failback", &lab, &aws, &resolver);
    let page = StatusPage::of(&place);
    let mut follows = false;
    let others = || {
        resolver.follows();
        // What the database admin does: the server that was fenced is made a standby of the new primary.
        if !follows && place.done("all") {
            lab.cmd(&["unfence", "pg-east"]);
            lab.cmd(&["rejoin", "pg-east"]);
            follows = true;
        }
    };
    let ways = [("means", "RDS or PostgreSQL"), ("how", "PostgreSQL")];
    let walked = place.walk_beside(others, "failback", &VALUES, &ways);
    let roles = ["fence", "how", "promote"];
    walked.went(&[&BEFORE[..], &roles, &BEHIND].concat());
    is_back(&place, &lab, &aws, &page);
}

#[test]
fn the_clusters_hand_over_and_the_other_one_follows_by_itself() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let folder = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, &[], folder.path().join("hosts"));
    let mut place = place("failback-cnpg", &lab, &aws, &resolver);
    let (serving, returning) = (("pg-1", "pg-east"), ("pg-2", "pg-west"));
    clusters(&mut place, serving, returning);
    let page = StatusPage::of(&place);
    let mut operator = Operator::of(&place, &lab, serving, returning);
    let others = || {
        resolver.follows();
        operator.works();
    };
    let kept = [
        ("SERVING_DB", "pg-1"),
        ("RETURNING_DB", "pg-2"),
        ("SERVING_NAME", "pg-1"),
        ("RETURNING_NAME", "pg-2"),
    ];
    // The first of a name counts.
    let values = [&kept[..], &VALUES].concat();
    let walked = place.walk_beside(others, "failback", &values, &[("means", "CloudNativePG")]);
    let roles = ["demote", "promote-token"];
    walked.went(&[&BEFORE[..], &roles, &BEHIND].concat());
    is_back(&place, &lab, &aws, &page);
}

#[test]
fn traffic_goes_back_to_where_it_came_from_when_a_stage_does_not_hold() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let folder = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, &[], folder.path().join("hosts"));
    let place = place("failback-back", &lab, &aws, &resolver);
    let page = StatusPage::of(&place);
    let others = || {
        // A tenth of the traffic, and errors rise.
        if resolver.follows() && weights(&aws, NAME).1 == 10 {
            errors(&place, "0.2");
        }
    };
    let ways = [
        ("means", "RDS or PostgreSQL"),
        ("how", "PostgreSQL"),
        ("canary-10", "go to All traffic back"),
        ("again", "Stay where it works"),
    ];
    let walked = place.walk_beside(others, "failback", &VALUES, &ways);
    let roles = ["fence", "how", "promote"];
    let traffic = ["health", "canary-10", "back", "again", "stay", "close"];
    walked.went(&[&BEFORE[..], &roles, &traffic].concat());
    assert_eq!(weights(&aws, NAME), (100, 0));
    // The database stays where it is, and nobody says that it is over.
    assert_eq!(psql(&lab, "pg-west", "SELECT pg_is_in_recovery()"), "f");
    assert_eq!(page.says(), "investigating");
}
