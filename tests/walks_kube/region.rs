//! The primary region is lost: its database is fenced or handed over, the standby region's promoted by its CloudNativePG cluster, and
//! only then traffic moves.

use std::fs;

use chrono::Utc;
use serde_json::json;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::common::walk::wait_until;
use crate::company::Company;
use crate::database::psql;
use crate::handover::{Kept, Operator, clusters};
use crate::kube::cluster;
use crate::names::{Resolver, weights};
use crate::place::Place;
use crate::statuspage::{HOST, StatusPage, TOKEN};

const NAME: &str = "shop.harbour.example";
const OLD: Kept = ("pg-old", "pg-east");
const STANDBY: Kept = ("pg-new", "pg-west");

/// A load balancer in each region, and the public name that leads to the first one's; gives their names.
fn balancers(aws: &Aws) -> [String; 2] {
    let made = ["us-east-1", "us-west-2"].map(|region| {
        let subnets = aws.boto(&format!("ec2:{region}"), "describe_subnets", &json!({}));
        let subnets = subnets["Subnets"].as_array().unwrap().iter();
        let two: Vec<_> = subnets.take(2).map(|one| &one["SubnetId"]).collect();
        let asked = json!({ "Name": "web", "Subnets": two });
        let made = aws.boto(&format!("elbv2:{region}"), "create_load_balancer", &asked);
        made["LoadBalancers"][0].clone()
    });
    let sets = [("blue", 100), ("green", 0)].into_iter().zip(&made);
    let changes: Vec<_> = sets
        .map(|((set, weight), balancer)| {
            let (name, zone) = (&balancer["DNSName"], &balancer["CanonicalHostedZoneId"]);
            let alias = json!({ "HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": false });
            let set = json!({ "Name": NAME, "Type": "A", "SetIdentifier": set, "Weight": weight, "AliasTarget": alias });
            json!({ "Action": "CREATE", "ResourceRecordSet": set })
        })
        .collect();
    let order = json!({ "HostedZoneId": aws.fact("zone"), "ChangeBatch": { "Changes": changes } });
    aws.boto("route53", "change_resource_record_sets", &order);
    made.map(|balancer| balancer["DNSName"].as_str().unwrap().to_owned())
}

/// The image of the API lies in the other region's registry too.
fn pushes_the_image(aws: &Aws) {
    let asked = json!({ "repositoryName": "web", "imageIds": [{ "imageTag": "v1" }] });
    let found = aws.boto("ecr", "batch_get_image", &asked);
    let manifest = &found["images"][0]["imageManifest"];
    let image = json!({ "repositoryName": "web", "imageTag": "v1", "imageManifest": manifest });
    aws.boto("ecr:us-west-2", "put_image", &image);
}

/// What the standby region has, and what of the primary one is known.
fn place(namespace: &str, lab: &Lab, aws: &Aws, resolver: u16) -> Place {
    let mut place = Place::new(cluster(), namespace);
    place.aws_cli();
    place.of_lab(lab, &["pg-east", "pg-west", "redis-east"]);
    place.kubernetes("nodes", "kubernetes", "");
    place.deployment("web");
    clusters(&mut place, OLD, STANDBY);
    place.record("name", aws, resolver, NAME);
    pushes_the_image(aws);
    let endpoint = aws.fact("endpoint");
    let image = "system = \"ecr\"\nrepository = \"web\"\ntag = \"v1\"\naws_region = \"us-west-2\"";
    place.target("image", &format!("{image}\nendpoint = \"{endpoint}\""));
    let health = place.url("health");
    place.target("public", &format!("system = \"http\"\nurl = \"{health}\""));
    logs(&place);
    place.prometheus(&[
        ("samples", "time() - timestamp(newest_line)"),
        ("lines", "time() - newest_line"),
    ]);
    place.hurries(
        "region-failover-kubernetes",
        &[
            ("for = \"1m\"", "for = \"5s\""),
            ("every    = \"10s\"", "every    = \"1s\""),
        ],
    );
    place
}

/// The log aggregator has just taken a line in.
fn logs(place: &Place) {
    place.metrics(&format!("newest_line {}\n", Utc::now().timestamp()));
}

const VALUES: [(&str, &str); 17] = [
    ("OLD_PG", "pg-east"),
    ("STANDBY_PG", "pg-west"),
    ("OLD_DB", "pg-old"),
    ("STANDBY_DB", "pg-new"),
    ("OLD_NAME", "pg-old"),
    ("STANDBY_NAME", "pg-new"),
    ("CLUSTER", "nodes"),
    ("WEB", "web"),
    ("REPLICAS", "5"),
    ("IMAGE", "image"),
    ("API", "api"),
    ("PUBLIC", "public"),
    ("RECORD", "name"),
    ("REGION", "us-west-2"),
    ("STATUS_HOST", HOST),
    ("STATUS_INCIDENT", "now"),
    ("STATUS_TOKEN", TOKEN),
];

/// The ten things, but the provider's checkers: the lab's name has no health check, and the step is skipped for it.
const VERIFIED: [&str; 12] = [
    "api", "checkers", "database", "cache", "login", "create", "read", "socket", "limits",
    "metrics", "logs", "said",
];

/// What comes before the database moves, and what comes behind it.
const BEFORE: [&str; 7] = [
    "confirm-loss",
    "time",
    "inputs",
    "ready",
    "balancer",
    "loss",
    "way",
];
const BEHIND: [&str; 9] = [
    "scale",
    "health",
    "traffic",
    "public",
    "verify-all",
    "status-page",
    "page-seen",
    "notify",
    "way-back",
];

/// Walks it on a pair of regions that users write to all the time: the ways at its forks, the steps that move the database, and
/// what happens to the old region meanwhile.
fn fails_over(
    namespace: &str,
    ways: &[(&str, &str)],
    moves: &[&str],
    mut happens: impl FnMut(&Place, &Lab) + Send,
) -> Lab {
    let (lab, aws) = (Lab::up(), Aws::up());
    let names = balancers(&aws);
    let folder = tempfile::tempdir().unwrap();
    let aliases = [(&*names[0], "192.0.2.1"), (&*names[1], "198.51.100.1")];
    let mut resolver = Resolver::new(&aws, NAME, &aliases, folder.path().join("hosts"));
    let mut place = place(namespace, &lab, &aws, resolver.port);
    let page = StatusPage::of(&place);
    let company = Company::of(&mut place, &lab);
    let socket = company.https("/socket");
    place.gives("failover-verification", &verification(&socket));
    lab.cmd(&["traffic", "start"]);
    let mut operator = Operator::of(&place, &lab, OLD, STANDBY);
    let others = || {
        resolver.follows();
        logs(&place);
        happens(&place, &lab);
        operator.works();
    };
    let usual = [("time", "ok"), ("checkers", "skip")];
    let ways = [&usual[..], ways].concat();
    let walked = place.walk_beside(others, "region-failover-kubernetes", &VALUES, &ways);
    walked.went(&[&BEFORE[..], moves, &BEHIND].concat());
    walked.went_in("failover-verification", &VERIFIED);
    assert_eq!(place.get("deployment/web", "{.status.readyReplicas}"), "5");
    assert_eq!(weights(&aws, NAME), (0, 100));
    assert_eq!(page.says(), "monitoring");
    users_write_to_the_standby(&lab);
    lab
}

/// What is typed into the verification. The lab's name has no health check of a provider's.
fn verification(socket: &str) -> [(&str, &str); 10] {
    [
        ("API", "api"),
        ("PUBLIC", "public"),
        ("DB", "pg-west"),
        ("OLD_DB", "pg-east"),
        ("CACHE", "redis-east"),
        ("LOGIN", "login"),
        ("SOCKET", socket),
        ("RECORD", "name"),
        ("SAMPLE_AGE", "samples"),
        ("LOG_AGE", "lines"),
    ]
}

/// What a user was told last is stored where the service runs now.
fn users_write_to_the_standby(lab: &Lab) {
    lab.cmd(&["traffic", "stop"]);
    let lines = fs::read_to_string(lab.path("traffic.acked")).unwrap();
    let (_, last) = lines.lines().next_back().unwrap().split_once(' ').unwrap();
    let asked = format!("SELECT pg_is_in_recovery(), count(*) FROM messages WHERE id = {last}");
    assert_eq!(psql(lab, "pg-west", &asked), "f|1");
}

#[test]
fn the_standby_region_takes_over_database_first_and_traffic_last() {
    let mut lost = false;
    let happens = |place: &Place, lab: &Lab| {
        if !lost && place.done("confirm-loss") {
            lab.cmd(&["kill", "pg-east"]);
            lost = true;
        }
    };
    let ways = [
        ("way", "It is lost or does not obey"),
        ("means", "CloudNativePG"),
    ];
    let moves = ["fence", "means", "promote-cnpg"];
    let lab = fails_over("region", &ways, &moves, happens);
    // The old primary can't come back by itself.
    lab.cmd(&["fenced", "pg-east"]);
}

#[test]
fn a_region_that_still_answers_hands_over_and_loses_nothing() {
    let ways = [("way", "It answers, and CloudNativePG can hand over")];
    let moves = ["demote", "promote-planned"];
    let lab = fails_over("region-planned", &ways, &moves, |_, _| ());
    // Everything that anybody was told is stored is there, and the old primary follows.
    let told = fs::read_to_string(lab.path("traffic.acked")).unwrap();
    let ids: Vec<&str> = told
        .lines()
        .map(|line| line.split_once(' ').unwrap().1)
        .collect();
    let there = format!(
        "SELECT count(*) FROM messages WHERE id IN ({})",
        ids.join(", ")
    );
    assert_eq!(psql(&lab, "pg-west", &there), ids.len().to_string());
    wait_until("the old primary has it too", || {
        psql(&lab, "pg-east", &there) == ids.len().to_string()
    });
}
