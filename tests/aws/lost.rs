//! The worst moment of every order: it arrives, and its answer is lost. It is unknown then, was sent once, and what it changed
//! is there to be found: by boto3, and by the condition that verifies the step where one can tell.

use serde_json::{Value, json};
use warroom::incident::acts::Condition;
use warroom::incident::acts::secrets::SecretCondition;
use warroom::incident::reading::{Holds, Outcome};

use crate::act::condition;
use crate::aws::{Aws, with_credentials};
use crate::{instance, stages, weights, writer};

/// One order.
struct Lost {
    act: String,
    /// The request of which one is counted.
    action: &'static str,
    happened: fn(&Aws) -> bool,
    /// What a runbook would verify it by.
    verify: Option<Condition>,
}

impl Lost {
    async fn is_found(&self, aws: &Aws) {
        let before = aws.count(self.action);
        aws.order(&json!({ "fault": { "action": self.action, "drop": true } }));
        let (_, outcome) = aws.act(&self.act).await;
        assert!(
            matches!(outcome, Outcome::Unknown { .. }),
            "{}: {outcome:?}",
            self.act
        );
        assert_eq!(aws.count(self.action), before + 1, "{}", self.act);
        // Some take their time, as the real ones do.
        let found = (0..20).any(|_| (self.happened)(aws));
        assert!(found, "{}", self.act);
        let Some(verify) = &self.verify else {
            return;
        };
        for _ in 0..100 {
            if aws.judged(verify).await.holds == Holds::Yes {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("{}: {:?}", self.act, aws.judged(verify).await);
    }
}

fn lost(
    act: impl Into<String>,
    action: &'static str,
    happened: fn(&Aws) -> bool,
    verify: Option<&str>,
) -> Lost {
    Lost {
        act: act.into(),
        action,
        happened,
        verify: verify.map(condition),
    }
}

fn exists(aws: &Aws, name: &str) -> bool {
    instance(aws, name)["DBInstanceIdentifier"] == name
}

#[test]
fn of_rds() {
    with_credentials("lost::of_rds", async {
        let aws = Aws::up();
        let zone = instance(&aws, "orders-db")["AvailabilityZone"].clone();
        let zone = zone.as_str().unwrap();
        let then = (chrono::Utc::now() - chrono::TimeDelta::minutes(30)).to_rfc3339();
        let table = [
            lost(
                "aurora.switchover = { target = \"orders-global\", to = \"us-west-2\" }",
                "SwitchoverGlobalCluster",
                |aws| writer(aws).contains(":us-west-2:"),
                Some("primary_is = { of = \"orders-global\", instance = \"us-west-2\" }"),
            ),
            lost(
                "aurora.failover = { target = \"orders-global\", to = \"us-east-1\", data_loss = \"allowed\" }",
                "FailoverGlobalCluster",
                |aws| writer(aws).contains(":us-east-1:"),
                Some("primary_is = { of = \"orders-global\", instance = \"us-east-1\" }"),
            ),
            lost(
                "rds.failover = { target = \"orders\" }",
                "RebootDBInstance",
                |aws| instance(aws, "orders-db")["AvailabilityZone"] == "us-east-1b",
                Some(&format!(
                    "zone_changed = {{ of = \"orders\", from = \"{zone}\" }}"
                )),
            ),
            lost(
                "rds.promote = { target = \"replica\" }",
                "PromoteReadReplica",
                |aws| {
                    let source = &instance(aws, "orders-db-replica")["ReadReplicaSourceDBInstanceIdentifier"];
                    source.as_str().is_none_or(str::is_empty)
                },
                Some("available = \"replica\""),
            ),
            lost(
                "rds.snapshot = { target = \"reports\", name = \"lost\" }",
                "CreateDBSnapshot",
                |aws| {
                    let ask = json!({ "DBSnapshotIdentifier": "lost" });
                    let made = aws.boto("rds", "describe_db_snapshots", &ask);
                    made["DBSnapshots"][0]["DBInstanceIdentifier"] == "reports-db"
                },
                None,
            ),
            lost(
                "rds.restore_snapshot = { target = \"orders\", snapshot = \"orders-db-first\", as = \"lost-copy\" }",
                "RestoreDBInstanceFromDBSnapshot",
                |aws| exists(aws, "lost-copy"),
                None,
            ),
            lost(
                format!(
                    "rds.restore_to_time = {{ target = \"orders\", time = \"{then}\", as = \"lost-then\" }}"
                ),
                "RestoreDBInstanceToPointInTime",
                |aws| exists(aws, "lost-then"),
                None,
            ),
        ];
        for lost in &table {
            lost.is_found(&aws).await;
        }
    });
}

fn old_is_kept(aws: &Aws) -> bool {
    let all = stages(aws, "harbour/api-keys");
    let old = |(_, stages): &(String, Vec<String>)| stages.contains(&"AWSPREVIOUS".to_owned());
    all.iter().any(old)
}

#[test]
fn of_names_and_secrets() {
    with_credentials("lost::of_names_and_secrets", async {
        let aws = Aws::up();
        let shift = |percent: u8| {
            format!(
                "route53.shift = {{ target = \"public\", to = \"us-west-2\", percent = {percent} }}"
            )
        };
        lost(
            shift(100),
            "ChangeResourceRecordSets",
            |aws| weights(aws).contains(&("A".into(), "green".into(), 100)),
            Some("weight = { of = \"public\", region = \"us-west-2\", at_least = 100 }"),
        )
        .is_found(&aws)
        .await;
        // A server that broke while it worked may have done it, too.
        let fault = json!({ "action": "ChangeResourceRecordSets", "status": 500, "code": "InternalFailure" });
        aws.order(&json!({ "fault": fault }));
        let (_, outcome) = aws.act(&shift(50)).await;
        assert!(matches!(outcome, Outcome::Unknown { .. }), "{outcome:?}");
        lost(
            "route53.point = { target = \"public\", to = \"us-east-1=100,us-west-2=0\" }",
            "ChangeResourceRecordSets",
            |aws| weights(aws).contains(&("A".into(), "blue".into(), 100)),
            Some("weight = { of = \"public\", region = \"us-east-1\", at_least = 100 }"),
        )
        .is_found(&aws)
        .await;
        let first = stages(&aws, "harbour/api-keys")[0].0.clone();
        // A runbook has the version before in a variable.
        let verify = Condition::Secret(SecretCondition::VersionIsNew {
            of: "keys".into(),
            than: first,
        });
        let rotate = Lost {
            verify: Some(verify),
            ..lost(
                "secrets.rotate = { target = \"keys\" }",
                "PutSecretValue",
                old_is_kept,
                None,
            )
        };
        rotate.is_found(&aws).await;
        lost(
            "secrets.revoke_old = { target = \"keys\" }",
            "UpdateSecretVersionStage",
            |aws| !old_is_kept(aws),
            Some("old_refused = \"keys\""),
        )
        .is_found(&aws)
        .await;
    });
}

/// The node of the cache that is the primary; the first one is at the beginning.
fn primary(aws: &Aws) -> String {
    let group = aws.boto("elasticache", "describe_replication_groups", &json!({}));
    let nodes = &group["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupMembers"];
    let mut nodes = nodes.as_array().unwrap().iter();
    let primary = nodes.find(|node| node["CurrentRole"] == "primary");
    primary.map_or(String::new(), |node| {
        node["CacheClusterId"].as_str().unwrap().to_owned()
    })
}

#[test]
fn of_services_and_caches() {
    fn service(aws: &Aws) -> Value {
        let ask = json!({ "cluster": "main", "services": ["web"] });
        aws.boto("ecs", "describe_services", &ask)["services"][0].clone()
    }
    with_credentials("lost::of_services_and_caches", async {
        let aws = Aws::up();
        let group = aws.boto("elasticache", "describe_replication_groups", &json!({}));
        let shard = &group["ReplicationGroups"][0]["NodeGroups"][0]["NodeGroupId"];
        let shard = shard.as_str().unwrap();
        let table = [
            lost(
                "ecs.scale = { target = \"web\", tasks = 7 }",
                "UpdateService",
                |aws| service(aws)["desiredCount"] == 7,
                Some("healthy = \"web\""),
            ),
            lost(
                "ecs.redeploy = { target = \"web\" }",
                "UpdateService",
                |aws| {
                    service(aws)["taskDefinition"]
                        .as_str()
                        .unwrap()
                        .ends_with("web:2")
                },
                Some("healthy = \"web\""),
            ),
            lost(
                "ecs.undo = { target = \"web\" }",
                "UpdateService",
                |aws| {
                    service(aws)["taskDefinition"]
                        .as_str()
                        .unwrap()
                        .ends_with("web:1")
                },
                Some("healthy = \"web\""),
            ),
            lost(
                format!("elasticache.failover = {{ target = \"sessions\", shard = \"{shard}\" }}"),
                "TestFailover",
                |aws| primary(aws).ends_with("002"),
                Some("healthy = \"sessions\""),
            ),
        ];
        for lost in &table {
            lost.is_found(&aws).await;
        }
    });
}
