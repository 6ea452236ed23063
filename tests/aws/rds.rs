//! Instances of RDS and global databases of Aurora: what each order does to them.

use super::*;

#[test]
fn a_failover_is_done_when_the_instance_is_in_another_zone() {
    with_credentials(
        "rds::a_failover_is_done_when_the_instance_is_in_another_zone",
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
    with_credentials("rds::a_replica_is_promoted_once", async {
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
        "rds::a_snapshot_is_waited_for_and_restored_beside_the_instance",
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
    with_credentials(
        "rds::a_time_outside_of_what_can_be_restored_is_refused",
        async {
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
        },
    );
}

#[test]
fn another_region_of_a_global_database_is_made_the_writer() {
    with_credentials(
        "rds::another_region_of_a_global_database_is_made_the_writer",
        async {
            let aws = Aws::up();
            assert!(writer(&aws).contains(":us-east-1:"), "{}", writer(&aws));
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
            assert!(writer(&aws).contains(":us-west-2:"), "{}", writer(&aws));
            let (_, outcome) = aws
                .act(&to("failover", "us-east-1", ", data_loss = \"allowed\""))
                .await;
            done(&outcome);
            assert!(writer(&aws).contains(":us-east-1:"), "{}", writer(&aws));
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
