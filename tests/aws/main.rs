//! RDS, Route 53 and Secrets Manager against an API server, read back through boto3: what is seen, what each act does, what is
//! refused.

#![cfg(feature = "aws")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/act.rs"]
mod act;
#[path = "../common/again.rs"]
mod again;
#[path = "../common/aws.rs"]
mod aws;
mod lost;

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
fn a_failover_is_done_when_the_instance_is_in_another_zone() {
    with_credentials(
        "a_failover_is_done_when_the_instance_is_in_another_zone",
        async {
            let aws = Aws::up();
            let before = instance(&aws, "orders-db")["AvailabilityZone"].clone();
            let (lines, outcome) = aws.act("rds.failover = { target = \"orders\" }").await;
            let after = instance(&aws, "orders-db")["AvailabilityZone"].clone();
            assert_ne!(before, after);
            assert!(
                done(&outcome).contains(after.as_str().unwrap()),
                "{outcome:?}"
            );
            assert!(
                lines.iter().any(|line| line.contains("rebooting")),
                "{lines:?}"
            );
            assert_eq!(aws.count("RebootDBInstance"), 1);
            // An instance without a standby is not rebooted for nothing.
            let (_, outcome) = aws.act("rds.failover = { target = \"reports\" }").await;
            assert!(refused(&outcome).contains("not Multi-AZ"), "{outcome:?}");
            assert_eq!(aws.count("RebootDBInstance"), 1);
        },
    );
}

#[test]
fn a_replica_is_promoted_once() {
    with_credentials("a_replica_is_promoted_once", async {
        let aws = Aws::up();
        let (_, outcome) = aws.act("rds.promote = { target = \"replica\" }").await;
        assert!(
            done(&outcome).contains("no longer follows orders-db"),
            "{outcome:?}"
        );
        let now = instance(&aws, "orders-db-replica");
        assert!(
            now["ReadReplicaSourceDBInstanceIdentifier"]
                .as_str()
                .is_none_or(str::is_empty),
            "{now}"
        );
        let (_, again) = aws.act("rds.promote = { target = \"replica\" }").await;
        assert!(done(&again).contains("nothing was sent"), "{again:?}");
        assert_eq!(aws.count("PromoteReadReplica"), 1);
    });
}

#[test]
fn a_snapshot_is_waited_for_and_restored_beside_the_instance() {
    with_credentials(
        "a_snapshot_is_waited_for_and_restored_beside_the_instance",
        async {
            let aws = Aws::up();
            let (lines, outcome) = aws
                .act("rds.snapshot = { target = \"orders\", name = \"before\" }")
                .await;
            done(&outcome);
            assert!(
                lines.iter().any(|line| line.contains("creating, 40 %")),
                "{lines:?}"
            );
            let made = aws.boto(
                "rds",
                "describe_db_snapshots",
                &json!({ "DBSnapshotIdentifier": "before" }),
            );
            assert_eq!(made["DBSnapshots"][0]["DBInstanceIdentifier"], "orders-db");
            let text = "rds.restore_snapshot = { target = \"orders\", snapshot = \"before\", as = \"orders-copy\" }";
            let (_, outcome) = aws.act(text).await;
            done(&outcome);
            assert_eq!(
                instance(&aws, "orders-copy")["DBInstanceStatus"],
                "available"
            );
            let text = "rds.restore_snapshot = { target = \"orders\", snapshot = \"nothing\", as = \"x\" }";
            let (_, outcome) = aws.act(text).await;
            assert!(
                refused(&outcome).contains("DBSnapshotNotFound"),
                "{outcome:?}"
            );
        },
    );
}

#[test]
fn a_time_outside_of_what_can_be_restored_is_refused() {
    with_credentials("a_time_outside_of_what_can_be_restored_is_refused", async {
        let aws = Aws::up();
        let to = |time: String| {
            format!(
                "rds.restore_to_time = {{ target = \"orders\", time = \"{time}\", as = \"orders-then\" }}"
            )
        };
        let (_, outcome) = aws.act(&to("2001-01-01T00:00:00Z".into())).await;
        assert!(
            refused(&outcome).contains("restorable range"),
            "{outcome:?}"
        );
        let (_, outcome) = aws.act(&to("yesterday".into())).await;
        assert!(
            refused(&outcome).contains("write 2026-11-21T14:00:00Z"),
            "{outcome:?}"
        );
        let then = chrono::Utc::now() - chrono::TimeDelta::minutes(30);
        let (_, outcome) = aws.act(&to(then.to_rfc3339())).await;
        done(&outcome);
        assert_eq!(
            instance(&aws, "orders-then")["DBInstanceStatus"],
            "available"
        );
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

#[test]
fn refusals_say_which_permission_is_missing_and_what_to_do() {
    with_credentials(
        "refusals_say_which_permission_is_missing_and_what_to_do",
        async {
            let aws = Aws::up();
            let fault = |action: &str, status: u16, code: &str, message: &str| {
                let fault =
                    json!({ "action": action, "status": status, "code": code, "message": message });
                aws.order(&json!({ "fault": fault }));
            };
            let arn = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
            let words = format!(
                "User: arn:aws:iam::123456789012:user/ana is not authorized to perform: rds:RebootDBInstance on resource: {arn}"
            );
            fault("RebootDBInstance", 403, "AccessDenied", &words);
            let (_, outcome) = aws.act("rds.failover = { target = \"orders\" }").await;
            let said = refused(&outcome);
            assert!(
                said.contains("rds:RebootDBInstance") && said.contains(arn),
                "{said}"
            );
            for (target, action, status, code, kind, words) in [
                (
                    "orders",
                    "DescribeDBInstances",
                    403,
                    "ExpiredToken",
                    FailureKind::Denied,
                    "log in again",
                ),
                (
                    "orders",
                    "DescribeDBInstances",
                    400,
                    "Throttling",
                    FailureKind::Busy,
                    "probe less often",
                ),
                (
                    "keys",
                    "DescribeSecret",
                    400,
                    "ThrottlingException",
                    FailureKind::Busy,
                    "probe less often",
                ),
                (
                    "keys",
                    "DescribeSecret",
                    400,
                    "AccessDeniedException",
                    FailureKind::Denied,
                    "permission",
                ),
                (
                    "public",
                    "ListResourceRecordSets",
                    400,
                    "Throttling",
                    FailureKind::Busy,
                    "probe less often",
                ),
            ] {
                fault(action, status, code, "no");
                let failure = aws.see(target).await.unwrap_err();
                assert_eq!(failure.kind, kind, "{failure}");
                assert!(failure.to_string().contains(words), "{failure}");
            }
            let failure = aws.see("gone").await.unwrap_err();
            assert_eq!(failure.kind, FailureKind::Missing, "{failure}");
            assert!(
                failure
                    .to_string()
                    .contains("check the name and the region"),
                "{failure}"
            );
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
fn a_check_finds_what_is_missing_before_an_incident_does() {
    with_credentials(
        "a_check_finds_what_is_missing_before_an_incident_does",
        async {
            let aws = Aws::up();
            let folder = tempfile::tempdir().unwrap();
            let site = folder.path().join("site.toml");
            std::fs::write(&site, aws.site_text()).unwrap();
            let arn = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
            let words = format!(
                "User: ana is not authorized to perform: rds:DescribeDBInstances on resource: {arn}"
            );
            let fault = json!({ "action": "DescribeDBInstances", "times": 4, "status": 403, "code": "AccessDenied", "message": words });
            aws.order(&json!({ "fault": fault }));
            let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
            let done = check
                .args(["check", "--live", "--site"])
                .arg(&site)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&done.stdout).into_owned();
            assert_eq!(done.status.code(), Some(2), "{said}");
            for line in [
                "✖ orders: orders (orders-db in us-east-1): DescribeDBInstances orders-db: AccessDenied: User: ana is not \
             authorized to perform: rds:DescribeDBInstances on resource: arn:aws:rds:us-east-1:123456789012:db:orders-db",
                "✖ no-bucket: ",
                "✖ unweighted: ",
                "✔ public: answers",
            ] {
                assert!(said.contains(line), "{line}: {said}");
            }
        },
    );
}

#[test]
fn a_check_finds_what_the_runbooks_may_not_do() {
    with_credentials("a_check_finds_what_the_runbooks_may_not_do", async {
        let aws = Aws::up();
        let denied = ["rds:RebootDBInstance", "secretsmanager:PutSecretValue"];
        aws.order(&json!({ "deny": denied }));
        let (status, said) = checked(&aws);
        assert_eq!(status, Some(2), "{said}");
        let user = "arn:aws:iam::123456789012:user/moto";
        let orders = "arn:aws:rds:us-east-1:123456789012:db:orders-db";
        let keys = "arn:aws:secretsmanager:us-east-1:123456789012:secret:harbour/api-keys-??????";
        for line in [
            format!(
                "✖ orders: orders (orders-db in us-east-1): {user} may not rds:RebootDBInstance on {orders} — ask for this permission"
            ),
            format!(
                "{user} may not secretsmanager:PutSecretValue on {keys} — ask for this permission"
            ),
        ] {
            assert!(said.contains(&line), "{line}: {said}");
        }
        let refusals = |said: &str| said.matches(" may not ").count();
        assert_eq!(refusals(&said), 2, "{said}");
        // What the simulator denies is denied.
        let (_, outcome) = aws.act("rds.failover = { target = \"orders\" }").await;
        assert!(
            refused(&outcome).contains("not authorized to perform: rds:RebootDBInstance"),
            "{outcome:?}"
        );
        // Who may not ask is told so, and it counts as no fault of its own.
        aws.order(&json!({ "deny": ["iam:SimulatePrincipalPolicy"] }));
        let (_, said) = checked(&aws);
        assert_eq!(refusals(&said), 0, "{said}");
        assert!(
            said.contains(
                "? orders: orders (orders-db in us-east-1): SimulatePrincipalPolicy: AccessDenied"
            ),
            "{said}"
        );
    });
}

/// `check --live` of the seeded site with a runbook that changes three of its targets: its exit code, and what it says.
fn checked(aws: &Aws) -> (Option<i32>, String) {
    const RUNBOOK: &str = "# Orders\n\n## Fail over {#over}\n\n```toml\nrds.failover = { target = \"orders\" }\n```\n\n\
        ## Rotate {#rotate}\n\n```toml\nsecrets.rotate = { target = \"keys\" }\n```\n\n\
        ## Scale {#scale}\n\n```toml\necs.scale = { target = \"web\", tasks = 5 }\n```\n";
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site.toml");
    std::fs::create_dir(folder.path().join("books")).unwrap();
    std::fs::write(folder.path().join("books/orders.md"), RUNBOOK).unwrap();
    std::fs::write(&site, format!("runbooks = \"books\"\n{}", aws.site_text())).unwrap();
    let mut check = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
    let done = check
        .args(["check", "--live", "--site"])
        .arg(&site)
        .output()
        .unwrap();
    (
        done.status.code(),
        String::from_utf8_lossy(&done.stdout).into_owned(),
    )
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
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn a_first_site_file_has_what_the_login_can_see() {
    with_credentials("a_first_site_file_has_what_the_login_can_see", async {
        let aws = Aws::up();
        let folder = tempfile::tempdir().unwrap();
        let (site, kubeconfig) = (
            folder.path().join("site.toml"),
            folder.path().join("kubeconfig"),
        );
        let contexts = "apiVersion: v1\nkind: Config\ncontexts:\n- { name: east, context: { cluster: c, user: u } }\n";
        std::fs::write(&kubeconfig, contexts).unwrap();
        let init = || {
            let mut init = std::process::Command::new(env!("CARGO_BIN_EXE_warroom"));
            init.args(["init", "--region", "us-east-1", "--region", "eu-west-1"]);
            init.args([
                "--endpoint",
                aws.fact("endpoint"),
                "--sentinel",
                "127.0.0.1:1",
            ]);
            init.arg("--kubeconfig")
                .arg(&kubeconfig)
                .arg("--site")
                .arg(&site);
            init.output().unwrap()
        };
        let done = init();
        let text = std::fs::read_to_string(&site).unwrap_or_default();
        assert!(done.status.success(), "{done:?}");
        for line in [
            "[targets.east] # its nodes",
            "[targets.orders-db] # postgres",
            "instance = \"orders-db-replica\"",
            "bucket = \"harbour-backups\"",
            &format!(
                "# harbour.example.: system = \"route53\", zone = \"{}\"",
                aws.fact("zone")
            ),
            "# RDS in eu-west-1: nothing",
            "# Sentinel at 127.0.0.1:1: connect: Connection refused",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        // It is a site file, and what is there stays there.
        let (read, faults) = warroom::incident::sitefile::parse("site.toml", &text, folder.path());
        assert!(read.is_some() && faults.is_empty(), "{faults:#?}");
        let again = init();
        assert!(!again.status.success(), "{again:?}");
        assert_eq!(std::fs::read_to_string(&site).unwrap(), text);
    });
}

#[test]
fn another_region_of_a_global_database_is_made_the_writer() {
    with_credentials(
        "another_region_of_a_global_database_is_made_the_writer",
        async {
            let aws = Aws::up();
            let writer = || {
                let found = aws.boto("rds", "describe_global_clusters", &json!({}));
                let members = found["GlobalClusters"][0]["GlobalClusterMembers"]
                    .as_array()
                    .unwrap();
                let writes = members
                    .iter()
                    .find(|member| member["IsWriter"] == true)
                    .unwrap();
                writes["DBClusterArn"].as_str().unwrap().to_owned()
            };
            assert!(writer().contains(":us-east-1:"), "{}", writer());
            let lag = json!({ "Namespace": "AWS/RDS", "MetricData": [{
            "MetricName": "AuroraGlobalDBReplicationLag", "Value": 250.0, "Unit": "Milliseconds",
            "Dimensions": [
                { "Name": "DBClusterIdentifier", "Value": "orders-west" },
                { "Name": "SourceRegion", "Value": "us-east-1" },
            ],
        }] });
            aws.boto("cloudwatch:us-west-2", "put_metric_data", &lag);
            let Sight::Aurora(seen) = aws.see("orders-global").await.unwrap() else {
                panic!()
            };
            assert_eq!(seen.words(), "writer us-east-1, us-west-2 250 ms behind");
            // One that loses nothing, and back with a loss allowed.
            let to = |word: &str, region: &str, more: &str| {
                format!("aurora.{word} = {{ target = \"orders-global\", to = \"{region}\"{more} }}")
            };
            let (lines, outcome) = aws.act(&to("switchover", "us-west-2", "")).await;
            assert!(
                done(&outcome).contains("us-west-2 takes writes; it was us-east-1"),
                "{outcome:?}"
            );
            assert!(
                lines.iter().any(|line| line.contains("switching-over")),
                "{lines:?}"
            );
            assert!(writer().contains(":us-west-2:"), "{}", writer());
            let (_, outcome) = aws
                .act(&to("failover", "us-east-1", ", data_loss = \"allowed\""))
                .await;
            done(&outcome);
            assert!(writer().contains(":us-east-1:"), "{}", writer());
            let (_, again) = aws.act(&to("switchover", "us-east-1", "")).await;
            assert!(done(&again).contains("nothing was sent"), "{again:?}");
            let (_, nowhere) = aws.act(&to("switchover", "eu-west-1", "")).await;
            assert!(
                refused(&nowhere).contains("no cluster in eu-west-1"),
                "{nowhere:?}"
            );
            let counts = (
                aws.count("SwitchoverGlobalCluster"),
                aws.count("FailoverGlobalCluster"),
            );
            assert_eq!(counts, (1, 1));
        },
    );
}
