//! RDS, Route 53 and Secrets Manager against an API server, read back through boto3: what is seen, what each act does, what is
//! refused.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

mod access;
#[path = "../common/act.rs"]
mod act;
#[path = "../common/again.rs"]
mod again;
#[path = "../common/aws.rs"]
mod aws;
mod lost;
mod rds;
mod resolves;
#[path = "../common/server.rs"]
#[allow(dead_code, reason = "other tests send signals")]
mod server;

use act::{done, refused};
use aws::{Aws, with_credentials};
use serde_json::{Value, json};
use warroom::incident::acts::check::{CheckSight, CheckState};
use warroom::incident::reading::{FailureKind, Sight};

fn instance(aws: &Aws, name: &str) -> Value {
    let found = aws.boto(
        "rds",
        "describe_db_instances",
        &json!({ "DBInstanceIdentifier": name }),
    );
    found["DBInstances"][0].clone()
}

/// The weights of the record as boto3 reads them: type and set, weight.
fn weights(aws: &Aws) -> Vec<(String, String, i64)> {
    let found = aws.boto(
        "route53",
        "list_resource_record_sets",
        &json!({ "HostedZoneId": aws.fact("zone") }),
    );
    let sets = found["ResourceRecordSets"].as_array().unwrap().iter();
    let weighted = sets.filter(|set| set["Weight"].is_number());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut all: Vec<_> = weighted
        .map(|set| {
            (
                text(&set["Type"]),
                text(&set["SetIdentifier"]),
                set["Weight"].as_i64().unwrap(),
            )
        })
        .collect();
    all.sort();
    all
}

/// The ARN of the cluster that takes writes.
fn writer(aws: &Aws) -> String {
    let found = aws.boto("rds", "describe_global_clusters", &json!({}));
    let members = &found["GlobalClusters"][0]["GlobalClusterMembers"];
    let mut members = members.as_array().unwrap().iter();
    let writer = members.find(|member| member["IsWriter"] == true).unwrap();
    writer["DBClusterArn"].as_str().unwrap().to_owned()
}

fn stages(aws: &Aws, secret: &str) -> Vec<(String, Vec<String>)> {
    let found = aws.boto(
        "secretsmanager",
        "describe_secret",
        &json!({ "SecretId": secret }),
    );
    let versions = found["VersionIdsToStages"].as_object().unwrap().iter();
    let stages = |all: &Value| {
        let all = all.as_array().unwrap().iter();
        all.map(|stage| stage.as_str().unwrap().to_owned())
            .collect()
    };
    versions
        .map(|(id, all)| (id.clone(), stages(all)))
        .collect()
}

#[test]
fn what_is_there_is_seen_as_boto_sees_it() {
    with_credentials("what_is_there_is_seen_as_boto_sees_it", async {
        let aws = Aws::up();
        let Sight::Rds(orders) = aws.see("orders").await.unwrap() else {
            panic!()
        };
        let by_boto = instance(&aws, "orders-db");
        assert_eq!(orders.status, "available");
        assert_eq!(
            Some(orders.zone.as_str()),
            by_boto["AvailabilityZone"].as_str()
        );
        assert!(
            orders.multi_az
                && orders.newest_snapshot.is_some()
                && orders.latest_restorable.is_some()
        );
        let Sight::Rds(replica) = aws.see("replica").await.unwrap() else {
            panic!()
        };
        assert_eq!(
            (replica.replica_of.as_deref(), replica.lag),
            (Some("orders-db"), None)
        );
        let lag = json!({ "MetricName": "ReplicaLag", "Value": 7.0,
            "Dimensions": [{ "Name": "DBInstanceIdentifier", "Value": "orders-db-replica" }] });
        let put = json!({ "Namespace": "AWS/RDS", "MetricData": [lag] });
        aws.boto("cloudwatch", "put_metric_data", &put);
        let Sight::Rds(replica) = aws.see("replica").await.unwrap() else {
            panic!()
        };
        assert_eq!(replica.lag, Some(std::time::Duration::from_secs(7)));
        let Sight::Dns(public) = aws.see("public").await.unwrap() else {
            panic!()
        };
        assert_eq!(public.weights, "us-east-1=100,us-west-2=0");
        assert_eq!((public.ttl.as_secs(), public.resolves), (60, None));
        let Sight::Secret(keys) = aws.see("keys").await.unwrap() else {
            panic!()
        };
        let stages = stages(&aws, "harbour/api-keys");
        assert_eq!(stages, [(keys.version, vec!["AWSCURRENT".to_owned()])]);
        assert!(!keys.old_accepted);
    });
}

#[test]
fn weights_are_shifted_for_every_type_and_put_back() {
    with_credentials("weights_are_shifted_for_every_type_and_put_back", async {
        let aws = Aws::up();
        let is = |blue: i64, green: i64| {
            let one = |kind: &str, set: &str, weight| (kind.to_owned(), set.to_owned(), weight);
            vec![
                one("A", "blue", blue),
                one("A", "green", green),
                one("AAAA", "blue", blue),
                one("AAAA", "green", green),
            ]
        };
        assert_eq!(weights(&aws), is(100, 0));
        let (lines, outcome) = aws
            .act("route53.shift = { target = \"public\", to = \"us-west-2\", percent = 10 }")
            .await;
        assert!(
            done(&outcome).contains("it was us-east-1=100,us-west-2=0"),
            "{outcome:?}"
        );
        assert_eq!(weights(&aws), is(90, 10));
        // The way back stands first, and the change was waited for.
        assert!(
            lines[0].ends_with("before: us-east-1=100,us-west-2=0"),
            "{lines:?}"
        );
        assert!(
            lines.iter().any(|line| line.contains("PENDING")),
            "{lines:?}"
        );
        let (_, outcome) = aws
            .act("route53.point = { target = \"public\", to = \"us-east-1=100,us-west-2=0\" }")
            .await;
        done(&outcome);
        assert_eq!(weights(&aws), is(100, 0));
        let (_, outcome) = aws
            .act("route53.shift = { target = \"public\", to = \"mars\", percent = 10 }")
            .await;
        assert!(
            refused(&outcome).contains("known: us-east-1, us-west-2"),
            "{outcome:?}"
        );
        assert_eq!(aws.count("ChangeResourceRecordSets"), 2);
        let failure = aws.see("unweighted").await.unwrap_err();
        assert!(failure.to_string().contains("has no weights"), "{failure}");
    });
}

#[test]
fn a_secret_is_rotated_and_the_version_before_taken_away() {
    with_credentials(
        "a_secret_is_rotated_and_the_version_before_taken_away",
        async {
            let aws = Aws::up();
            let first = stages(&aws, "harbour/api-keys")[0].0.clone();
            let (lines, outcome) = aws.act("secrets.rotate = { target = \"keys\" }").await;
            done(&outcome);
            let Sight::Secret(seen) = aws.see("keys").await.unwrap() else {
                panic!()
            };
            assert_ne!(seen.version, first);
            assert!(seen.old_accepted);
            // 32 bytes in base64, which nobody printed.
            let value = aws.boto(
                "secretsmanager",
                "get_secret_value",
                &json!({ "SecretId": "harbour/api-keys" }),
            );
            let value = value["SecretString"].as_str().unwrap();
            assert_eq!(value.len(), 44);
            assert!(lines.iter().all(|line| !line.contains(value)), "{lines:?}");
            let (_, outcome) = aws.act("secrets.revoke_old = { target = \"keys\" }").await;
            assert!(done(&outcome).contains(&first), "{outcome:?}");
            let now = stages(&aws, "harbour/api-keys");
            assert!(
                now.iter()
                    .all(|(_, stages)| !stages.contains(&"AWSPREVIOUS".to_owned())),
                "{now:?}"
            );
            // Without a rotation function and without `generate` nothing is made up.
            let (_, outcome) = aws.act("secrets.rotate = { target = \"plain\" }").await;
            assert!(refused(&outcome).contains("generate = 32"), "{outcome:?}");
            assert_eq!(aws.count("PutSecretValue"), 1);
        },
    );
}

fn check(sight: Sight) -> CheckSight {
    match sight {
        Sight::Check(check) => check,
        other => panic!("{other:?}"),
    }
}

#[test]
fn objects_alarms_and_images_are_seen() {
    with_credentials("objects_alarms_and_images_are_seen", async {
        let aws = Aws::up();
        let Sight::Files(dumps) = aws.see("dumps").await.unwrap() else {
            panic!()
        };
        // What is empty is no backup, and what lies elsewhere none of these.
        assert_eq!((dumps.count, dumps.incomplete), (2, 1));
        assert_eq!(dumps.newest.unwrap().size.unwrap().0, 1000);
        assert_eq!(
            aws.see("no-bucket").await.unwrap_err().kind,
            FailureKind::Missing
        );
        let quiet = check(aws.see("alarms").await.unwrap());
        assert_eq!(
            (quiet.state, quiet.words.as_str()),
            (CheckState::Fine, "2 alarms, none red")
        );
        let set =
            json!({ "AlarmName": "db-storage", "StateValue": "ALARM", "StateReason": "full" });
        aws.boto("cloudwatch", "set_alarm_state", &set);
        let red = check(aws.see("alarms").await.unwrap());
        assert_eq!(
            (red.state, red.words.as_str()),
            (CheckState::Breach, "1 of 2 in alarm: db-storage")
        );
        assert_eq!(
            check(aws.see("image").await.unwrap()).state,
            CheckState::Fine
        );
        // The standby region could not start it.
        let west = check(aws.see("image-west").await.unwrap());
        assert_eq!(
            (west.state, west.words.as_str()),
            (CheckState::Breach, "no image web:v1")
        );
    });
}

#[test]
fn a_service_is_scaled_redeployed_and_put_back() {
    with_credentials("a_service_is_scaled_redeployed_and_put_back", async {
        let aws = Aws::up();
        let service = || {
            let ask = json!({ "cluster": "main", "services": ["web"] });
            aws.boto("ecs", "describe_services", &ask)["services"][0].clone()
        };
        let seen = check(aws.see("web").await.unwrap());
        assert_eq!(
            (seen.state, seen.value),
            (CheckState::Fine, Some(3.0)),
            "{seen:?}"
        );
        let (lines, outcome) = aws.act("ecs.scale = { target = \"web\", tasks = 5 }").await;
        done(&outcome);
        assert_eq!(service()["desiredCount"], 5);
        assert!(
            lines
                .iter()
                .any(|line| line.contains("rollout in_progress")),
            "{lines:?}"
        );
        done(&aws.act("ecs.redeploy = { target = \"web\" }").await.1);
        let (_, outcome) = aws.act("ecs.undo = { target = \"web\" }").await;
        done(&outcome);
        assert!(
            service()["taskDefinition"]
                .as_str()
                .unwrap()
                .ends_with("web:1"),
            "{}",
            service()
        );
        let (_, outcome) = aws.act("ecs.undo = { target = \"web\" }").await;
        assert!(
            refused(&outcome).contains("no active revision before 1"),
            "{outcome:?}"
        );
        assert_eq!(aws.count("UpdateService"), 3);
    });
}

#[test]
fn a_shard_is_failed_over_to_its_replica() {
    with_credentials("a_shard_is_failed_over_to_its_replica", async {
        let aws = Aws::up();
        let group = aws.boto("elasticache", "describe_replication_groups", &json!({}));
        let shard = group["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupId"]
            .as_str()
            .unwrap()
            .to_owned();
        let seen = check(aws.see("sessions").await.unwrap());
        assert_eq!(
            (seen.state, seen.words.as_str()),
            (CheckState::Fine, "available, 1 shards, 2 nodes")
        );
        let failover = |shard: &str| {
            format!("elasticache.failover = {{ target = \"sessions\", shard = \"{shard}\" }}")
        };
        let (_, outcome) = aws.act(&failover(&shard)).await;
        assert!(
            done(&outcome).contains("is the primary of shard"),
            "{outcome:?}"
        );
        let (_, outcome) = aws.act(&failover("9999")).await;
        assert!(refused(&outcome).contains("no shard 9999"), "{outcome:?}");
    });
}

#[test]
fn an_object_is_fetched_whole_or_not_at_all() {
    with_credentials("an_object_is_fetched_whole_or_not_at_all", async {
        let aws = Aws::up();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("app.dump");
        let fetch = |more: &str| {
            let to = to.display();
            format!("s3.fetch = {{ target = \"dumps\", to = \"{to}\"{more} }}")
        };
        // The newest, when none is named.
        let (_, outcome) = aws.act(&fetch("")).await;
        let said = done(&outcome);
        // `head -c 1000 /dev/zero | tr '\\0' x | sha256sum`
        let sum = "44f8354494a5ba03ba1792a8d3e9c534c47a9181980fde7a3f44b06ef2ae7c7f";
        assert!(said.ends_with(&format!("SHA-256 {sum}")), "{said}");
        assert_eq!(std::fs::read(&to).unwrap(), vec![b'x'; 1000]);
        let ask = json!({ "Bucket": "harbour-backups", "Prefix": "db/" });
        let listed = aws.boto("s3", "list_objects_v2", &ask);
        let sizes = listed["Contents"].as_array().unwrap().iter();
        assert!(
            sizes.clone().any(|object| object["Size"] == 1000),
            "{listed}"
        );
        // What is there already stays.
        let (_, outcome) = aws.act(&fetch("")).await;
        assert!(
            refused(&outcome).contains("is there already"),
            "{outcome:?}"
        );
        std::fs::remove_file(&to).unwrap();
        let (_, outcome) = aws.act(&fetch(", object = \"db/none.dump\"")).await;
        assert!(refused(&outcome).contains("NoSuchKey"), "{outcome:?}");
        // Nor does what another one has begun go away.
        let part = folder.path().join("app.dump.part");
        std::fs::write(&part, "half").unwrap();
        let (_, outcome) = aws.act(&fetch("")).await;
        let said = refused(&outcome);
        assert!(said.contains("app.dump.part is there already"), "{said}");
        assert_eq!(std::fs::read(&part).unwrap(), b"half");
        std::fs::remove_file(&part).unwrap();
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}
