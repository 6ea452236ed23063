//! Infrastructure that is gone: built again from Terraform and a snapshot, in its own region and in the other one.

use std::fs;

use serde_json::json;

use crate::common::through::Walked;
use crate::world::{COPIES, DRILL_ACCOUNT, World};

/// Everything is lost but a snapshot; the database behind the instance that will be made of it has its rows, and does not run yet.
fn loses_everything(world: &World, region: &str) {
    world.counts();
    world.lab.cmd(&["copy"]);
    world.lab.cmd(&["stop", "pg-copy"]);
    let name = json!({ "DBInstanceIdentifier": "app-db", "DBSnapshotIdentifier": "by-hand" });
    world.aws.boto("rds", "create_db_snapshot", &name);
    if region != "us-east-1" {
        let account = "123456789012";
        let from = format!("arn:aws:rds:us-east-1:{account}:snapshot:by-hand");
        let copied = json!({ "SourceDBSnapshotIdentifier": from, "TargetDBSnapshotIdentifier": "by-hand",
            "SourceRegion": "us-east-1", "KmsKeyId": world.key(region) });
        world
            .aws
            .boto(&format!("rds:{region}"), "copy_db_snapshot", &copied);
    }
    world.aws.boto(
        "rds",
        "delete_db_instance",
        &json!({ "DBInstanceIdentifier": "app-db", "SkipFinalSnapshot": true }),
    );
    world.lab.cmd(&["kill", "pg-east"]);
    world
        .aws
        .order(&json!({ "addresses": { "app-db": COPIES } }));
    world.serves_from(COPIES);
    world.knows_the_instance("", "app-db");
    world.starts_with_the_instance("pg-copy");
}

/// The application serves again, from a database that was made of the snapshot.
fn serves_again(world: &World, walked: &Walked, region: &str) {
    let steps = [
        "assess",
        "data",
        "inputs",
        "state",
        "plan",
        "gate",
        "read-plan",
        "apply",
        "complete",
        "restored",
        "images",
        "gateway",
        "processor",
        "workers",
        "health",
        "verify",
        "tidy",
    ];
    assert_eq!(walked.steps("infrastructure-recovery"), steps);
    assert_eq!(
        walked.kept("infrastructure-recovery", "SNAPSHOT"),
        "by-hand"
    );
    assert_eq!(world.curl("/health", &[])["host"], COPIES);
    let made = world.aws.boto(
        &format!("rds:{region}"),
        "describe_db_instances",
        &json!({}),
    );
    let made = made["DBInstances"].as_array().unwrap().iter();
    assert!(
        made.clone()
            .any(|one| one["DBInstanceIdentifier"] == "app-db")
    );
    let calls = fs::read_to_string(world.path("terraform/terraform.calls")).unwrap();
    assert_eq!(
        calls
            .lines()
            .filter(|call| call.starts_with("apply "))
            .count(),
        1,
        "{calls}"
    );
    assert!(
        !world.path("folder/recovery.tfplan").exists(),
        "the plan holds secrets"
    );
}

#[test]
fn infrastructure_is_built_again_with_its_data() {
    let world = World::up(1);
    let login = world.logs_in();
    loses_everything(&world, "us-east-1");
    let walker = world.declares("Somebody destroyed it");
    let own = [("SERVER", "pg-copy"), ("LOGIN", &login)];
    let mut walker = world.gives(walker, "recovery-verification", &own);
    let walked = world.walks(
        &mut walker,
        "infrastructure-recovery",
        &own[..1],
        &[("restored", "ok")],
    );
    serves_again(&world, &walked, "us-east-1");
}

#[test]
fn a_lost_region_is_built_in_the_other_one_and_traffic_moves() {
    let world = World::up(1);
    world.shortens("region-outage-aws", "3m");
    let login = world.logs_in();
    loses_everything(&world, "us-west-2");
    let state = json!({ "Bucket": "state-west", "CreateBucketConfiguration": { "LocationConstraint": "us-west-2" } });
    world.aws.boto("s3:us-west-2", "create_bucket", &state);
    world.could_move_to("us-west-2", "lab");
    world.pushes_the_image("us-west-2");
    let west = [
        ("DB", "app-db-west"),
        ("SERVER", "pg-copy"),
        ("IMAGE", "image-west"),
        ("GATEWAY", "gateway-west"),
        ("PROCESSOR", "processor-west"),
        ("WORKERS", "workers-west"),
    ];
    let walker = world.declares("The region is out");
    let walker = world.gives(walker, "infrastructure-recovery", &west);
    let proofs = [&west[..2], &west[3..], &[("LOGIN", login.as_str())]].concat();
    let mut walker = world.gives(walker, "recovery-verification", &proofs);
    let own = [
        ("REGION", "us-east-1"),
        ("STANDBY", "us-west-2"),
        ("STANDBY_NAME", "us-west-2"),
        ("LOST_INSTANCE", "app-db"),
        ("SECRET", "session-key-west"),
        ("STATE_BUCKET", "state-west"),
        ("OLD_API", "app"),
        ("RECORD", "public"),
    ];
    let own = [&west[..3], &own[..]].concat();
    let ways = [
        ("decide", "Recover in the other region"),
        ("in-time", "ok"),
        ("restored", "ok"),
    ];
    let walked = world.walks(&mut walker, "region-outage-aws", &own, &ways);
    let steps = [
        "confirm", "gates", "decide", "in-time", "build", "health", "shut-off", "traffic",
        "verify", "after",
    ];
    assert_eq!(walked.steps("region-outage-aws"), steps);
    serves_again(&world, &walked, "us-west-2");
    let sets = world.aws.boto(
        "route53",
        "list_resource_record_sets",
        &json!({ "HostedZoneId": world.aws.fact("zone") }),
    );
    let sets = sets["ResourceRecordSets"].as_array().unwrap().iter();
    for set in sets.filter(|set| set["Weight"].is_number()) {
        let wanted = if set["SetIdentifier"] == "green" {
            100
        } else {
            0
        };
        assert_eq!(set["Weight"], wanted, "{set}");
    }
}

#[test]
fn a_full_drill_builds_everything_in_an_account_of_its_own_and_takes_it_away() {
    let world = World::up(1);
    let login = world.logs_in();
    world.counts();
    world.lab.cmd(&["copy"]);
    world.lab.cmd(&["stop", "pg-copy"]);
    world.knows_the_instance("", "app-db");
    world.starts_with_the_instance("pg-copy");
    world.could_move_to("us-east-1", DRILL_ACCOUNT);
    let drill_key = ["kms", "create-key", "--query", "KeyMetadata.Arn"];
    let (shared_key, drill_key) = (world.key("us-east-1"), world.asks_as("drill", &drill_key));
    let there = [
        ("DB", "app-db-drill"),
        ("SERVER", "pg-copy"),
        ("GATEWAY", "gateway-drill"),
        ("PROCESSOR", "processor-drill"),
        ("WORKERS", "workers-drill"),
        ("WORKSPACE", "drill"),
    ];
    let walker = world.declares("The yearly drill");
    let walker = world.gives(walker, "infrastructure-recovery", &there);
    let proofs = [&there[..5], &[("LOGIN", login.as_str())]].concat();
    let mut walker = world.gives(walker, "recovery-verification", &proofs);
    let own = [
        ("PRODUCTION", "app-db"),
        ("ACCOUNT", DRILL_ACCOUNT),
        ("NAME", "drill-1"),
        ("SHARED_KEY", &shared_key),
        ("DRILL_KEY", &drill_key),
    ];
    let own = [&there[..2], &there[5..], &own].concat();
    let walked = world.walks(&mut walker, "drill-full", &own, &[("restored", "ok")]);
    let steps = [
        "prepare",
        "account",
        "nothing",
        "snapshot",
        "share",
        "take-over",
        "document",
        "start",
        "recover",
        "answers",
        "rto",
        "rpo",
        "verify", // the runbook it is, and then what is ticked
        "verify",
        "teardown",
        "remove-copies",
        "record",
    ];
    assert_eq!(walked.steps("drill-full"), steps);
    let left = [
        "rds",
        "describe-db-instances",
        "--query",
        "DBInstances[].DBInstanceIdentifier",
    ];
    assert_eq!(
        world.asks_as("drill", &left),
        "",
        "nothing stands in the drill's account"
    );
    let copies = [
        "rds",
        "describe-db-snapshots",
        "--snapshot-type",
        "manual",
        "--query",
        "DBSnapshots[].DBSnapshotIdentifier",
    ];
    assert_eq!(world.asks_as("drill", &copies), "");
    let kept = world.asks_as("default", &copies);
    assert!(
        kept.contains("drill-1") && !kept.contains("drill-1-shared"),
        "{kept}"
    );
    assert!(
        world.instances().contains(&"app-db".to_owned()),
        "production stays as it is"
    );
}
