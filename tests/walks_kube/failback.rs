//! The way back to the region that was lost: the database first, then a tenth of the traffic, and all of it back when that does not hold.

use std::fs;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::database::psql;
use crate::kube::cluster;
use crate::names::{Resolver, weight};
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
    fs::write(place.home.path("web/metrics"), format!("errors {share}\n")).unwrap();
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

#[test]
fn traffic_goes_back_to_where_it_came_from_when_a_stage_does_not_hold() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let resolver_place = tempfile::tempdir().unwrap();
    let mut resolver = Resolver::new(&aws, NAME, resolver_place.path().join("hosts"));
    let place = place("failback-back", &lab, &aws, &resolver);
    let page = StatusPage::of(&place);
    let others = || {
        // A tenth of the traffic, and errors rise.
        if resolver.follows() && weight(&aws, NAME, "green") == 10 {
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
    walked.went(&[
        "ready",
        "inputs",
        "rebuild",
        "synchronised",
        "capacity",
        "means",
        "fence",
        "how",
        "promote",
        "health",
        "canary-10",
        "back",
        "again",
        "stay",
        "close",
    ]);
    assert_eq!(
        (weight(&aws, NAME, "blue"), weight(&aws, NAME, "green")),
        (100, 0)
    );
    // The database stays where it is, and nobody says that it is over.
    assert_eq!(psql(&lab, "pg-west", "SELECT pg_is_in_recovery()"), "f");
    assert_eq!(page.says(), "investigating");
}
