//! The primary region is lost: its database is fenced, the standby region's promoted by its CloudNativePG cluster, and only then
//! traffic moves. Both clusters' databases are the lab's two servers, and their operator is the test.

use std::fs;

use serde_json::json;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::database::psql;
use crate::kube::cluster;
use crate::names::{Resolver, weight};
use crate::place::Place;
use crate::statuspage::{HOST, StatusPage, TOKEN};

const NAME: &str = "shop.harbour.example";
const WEST: &str = "198.51.100.1";
const MANIFEST: &str = r#"{"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
"config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": "sha256:aa"}, "layers": []}"#;

/// A load balancer in each region, and the public name that leads to the first one's.
fn balancers(aws: &Aws) -> [String; 2] {
    let names = ["us-east-1", "us-west-2"].map(|region| {
        let subnets = aws.boto(&format!("ec2:{region}"), "describe_subnets", &json!({}));
        let ids: Vec<_> = subnets["Subnets"]
            .as_array()
            .unwrap()
            .iter()
            .take(2)
            .map(|one| one["SubnetId"].clone())
            .collect();
        let made = json!({ "Name": "web", "Subnets": ids });
        let made = aws.boto(&format!("elbv2:{region}"), "create_load_balancer", &made);
        let balancer = &made["LoadBalancers"][0];
        (
            balancer["DNSName"].as_str().unwrap().to_owned(),
            balancer["CanonicalHostedZoneId"].clone(),
        )
    });
    let sets = [("blue", 100), ("green", 0)].into_iter().zip(&names);
    let changes: Vec<_> = sets
        .map(|((set, weight), (name, zone))| {
            let alias = json!({ "HostedZoneId": zone, "DNSName": name, "EvaluateTargetHealth": false });
            let set = json!({ "Name": NAME, "Type": "A", "SetIdentifier": set, "Weight": weight, "AliasTarget": alias });
            json!({ "Action": "CREATE", "ResourceRecordSet": set })
        })
        .collect();
    let order = json!({ "HostedZoneId": aws.fact("zone"), "ChangeBatch": { "Changes": changes } });
    aws.boto("route53", "change_resource_record_sets", &order);
    names.map(|(name, _)| name)
}

/// Adds what the standby region has, and what of the primary one is known.
fn regions(place: &mut Place, lab: &Lab, aws: &Aws, resolver: u16) {
    place.of_lab(lab, &["pg-east", "pg-west"]);
    place.kubernetes("nodes", "kubernetes", "");
    place.deployment("web");
    for name in ["pg-old", "pg-new"] {
        place.kubernetes(name, "cnpg", &format!("cluster = \"{name}\""));
        place.kube.apply(&json!({
            "apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster",
            "metadata": { "name": name, "namespace": place.namespace },
            "spec": { "instances": 1, "replica": { "primary": "pg-old", "source": "pg-old" } },
        }));
    }
    place.record("name", aws, resolver, NAME);
    let image = json!({ "repositoryName": "web", "imageManifest": MANIFEST, "imageTag": "v1" });
    aws.boto("ecr:us-west-2", "put_image", &image);
    let endpoint = aws.fact("endpoint");
    place.target("image", &format!("system = \"ecr\"\nrepository = \"web\"\ntag = \"v1\"\naws_region = \"us-west-2\"\nendpoint = \"{endpoint}\""));
    place.target(
        "public",
        &format!("system = \"http\"\nurl = \"{}\"", place.url("health")),
    );
    place.hurries(
        "region-failover-kubernetes",
        &[
            ("for = \"1m\"", "for = \"5s\""),
            (
                "runbook = { file = \"failover-verification.md\" }",
                "runbook = { file = \"ten-things.md\" }",
            ),
        ],
    );
    // The verification has a walk of its own.
    let ten = "# Ten things\n\n## They work {#work}\n\n- [ ] Each was tried\n";
    fs::write(
        place.home.path("config/warroom/runbooks/ten-things.md"),
        ten,
    )
    .unwrap();
}

#[test]
fn the_standby_region_takes_over_database_first_and_traffic_last() {
    let (lab, aws) = (Lab::up(), Aws::up());
    let names = balancers(&aws);
    let folder = tempfile::tempdir().unwrap();
    let addresses = [("192.0.2.1", &*names[0]), (WEST, &*names[1])];
    let mut resolver = Resolver::new(&aws, NAME, &addresses, folder.path().join("hosts"));
    let mut place = Place::new(cluster(), "region");
    place.aws_cli();
    regions(&mut place, &lab, &aws, resolver.port);
    let page = StatusPage::of(&place);
    let path = "/apis/postgresql.cnpg.io/v1/namespaces/region/clusters/pg-new";
    let mut promoted = false;
    let others = || {
        resolver.follows();
        // What the operator does once the cluster is no replica of another any more.
        if !promoted && place.kube.read(path)["spec"]["replica"]["primary"] == "pg-new" {
            psql(&lab, "pg-west", "SELECT pg_promote()");
            promoted = true;
        }
    };
    let values = [
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
    let ways = [
        ("time", "ok"),
        ("way", "It is lost or does not obey"),
        ("means", "CloudNativePG"),
    ];
    let walked = place.walk_beside(others, "region-failover-kubernetes", &values, &ways);
    walked.went(&[
        "confirm-loss",
        "time",
        "inputs",
        "ready",
        "balancer",
        "loss",
        "way",
        "fence",
        "means",
        "promote-cnpg",
        "scale",
        "health",
        "traffic",
        "public",
        "verify-all",
        "status-page",
        "notify",
        "way-back",
    ]);
    assert!(lab.cmd(&["fenced", "pg-east"]).contains("fence"));
    assert_eq!(psql(&lab, "pg-west", "SELECT pg_is_in_recovery()"), "f");
    assert_eq!(place.get("deployment/web", "{.status.readyReplicas}"), "5");
    assert_eq!(
        (weight(&aws, NAME, "blue"), weight(&aws, NAME, "green")),
        (0, 100)
    );
    assert_eq!(page.says(), "monitoring");
}
