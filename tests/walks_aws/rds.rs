//! RDS: a failover, a snapshot, a restore by time and by snapshot, damage, rows deleted by mistake.

use std::fs;

use serde_json::json;

use crate::common::through::Ways;
use crate::world::{COPIES, World, minutes_ago};

#[test]
fn the_standby_of_the_other_zone_takes_over() {
    let world = World::up(1);
    let before = world.instance("app-db")["AvailabilityZone"].clone();
    let mut walker = world.declares("The database hangs");
    let walked = world.walks(&mut walker, "rds-failover", &[], &[]);
    let steps = [
        "agree",
        "multi-az",
        "zone",
        "mark",
        "failover",
        "write",
        "mark-there",
        "application",
        "again",
    ];
    assert_eq!(walked.steps("rds-failover"), steps);
    assert_eq!(walked.kept("rds-failover", "ZONE"), before);
    assert_ne!(world.instance("app-db")["AvailabilityZone"], before);
    assert_eq!(world.aws.count("RebootDBInstance"), 1);
    let rows = world.psql(
        "127.0.0.1",
        "SELECT string_agg(id::text, ',' ORDER BY id) FROM warroom_write_test",
    );
    assert_eq!(rows, "1,2");
}

#[test]
fn a_snapshot_is_taken_copied_and_its_counts_kept() {
    let world = World::up(1);
    let key = world.key("us-west-2");
    let mut walker = world.declares("A migration tomorrow");
    let own = [
        ("NAME", "pre-migration"),
        ("ELSEWHERE", "us-west-2"),
        ("KEY_ELSEWHERE", &key),
        ("DAYS", "14"),
    ];
    // One day of retention is too little.
    let ways: Ways<'_> = &[("retention", "go to Keep automated backups longer")];
    let walked = world.walks(&mut walker, "rds-snapshot", &own, ways);
    let steps = [
        "look",
        "counts",
        "settings",
        "snapshot",
        "copy",
        "retention",
        "raise",
        "after",
    ];
    assert_eq!(walked.steps("rds-snapshot"), steps);
    for region in ["us-east-1", "us-west-2"] {
        let asked = json!({ "DBSnapshotIdentifier": "pre-migration" });
        let found = world
            .aws
            .boto(&format!("rds:{region}"), "describe_db_snapshots", &asked);
        assert_eq!(
            found["DBSnapshots"][0]["DBInstanceIdentifier"], "app-db",
            "{region}"
        );
    }
    assert_eq!(world.instance("app-db")["BackupRetentionPeriod"], 14);
    let counts = fs::read_to_string(world.path("folder/pre-migration.counts.json")).unwrap();
    let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(counts["public.customers"], 400);
}

/// Rows are lost, and a copy as of before them stands at the address where RDS makes copies.
fn loses_rows(world: &World) {
    world.counts();
    world.lab.cmd(&["copy"]);
    world.psql("127.0.0.1", "DELETE FROM messages WHERE id % 2 = 0");
    world.knows_the_instance("app-db", "app-db-new");
}

/// The copy serves: the application has its address, and all rows.
fn serves_from_the_copy(world: &World) {
    assert_eq!(world.curl("/health", &[])["host"], COPIES);
    assert_eq!(world.psql(COPIES, "SELECT count(*) FROM messages"), "6000");
    let copy = world.instance("app-db-new");
    assert_eq!(copy["DBSubnetGroup"]["DBSubnetGroupName"], "private");
    assert_eq!(
        (&copy["MultiAZ"], &copy["DeletionProtection"]),
        (&json!(true), &json!(true))
    );
    assert!(world.instances().contains(&"app-db-replaced".to_owned()));
    let state = fs::read_to_string(world.path("terraform/.stand-in/production.tfstate")).unwrap();
    assert!(state.contains("app-db-new"), "{state}");
}

/// The steps of a restore once the copy is there.
const BEHIND: [&str; 15] = [
    "settings",
    "reboot",
    "compare",
    "endpoint",
    "verify-copy",
    "look-at-data",
    "switch",
    "gateway",
    "processor",
    "workers",
    "old-writers",
    "rename",
    "state",
    "health",
    "verify",
];

fn restores(way: &str, time: &str, ways: Ways<'_>, steps: &[&str]) {
    let world = World::up(1);
    loses_rows(&world);
    let mut walker = world.declares("Rows are wrong");
    let own = [
        ("TARGET_TIME", time),
        ("COPY", "app-db-new"),
        ("SECRET", "database-secret"),
    ];
    let walked = world.walks(&mut walker, "rds-restore", &own, ways);
    let before = ["look", "stop-writes", "end-sessions", "like", "which"];
    let all: Vec<&str> = before.iter().chain(steps).chain(&BEHIND).copied().collect();
    assert_eq!(walked.steps("rds-restore"), all, "{way}");
    serves_from_the_copy(&world);
}

#[test]
fn a_restore_as_of_a_time_serves_in_the_end() {
    let ways = [("which", "As of the time")];
    restores("time", &minutes_ago(10), &ways, &["window", "to-time"]);
}

#[test]
fn a_restore_from_a_snapshot_serves_in_the_end() {
    let ways = [("which", "From a snapshot"), ("is-there", "It is there")];
    restores(
        "snapshot",
        &minutes_ago(-30),
        &ways,
        &["choose", "is-there", "from-snapshot"],
    );
}

#[test]
fn damage_is_stopped_kept_and_restored_from_before() {
    let world = World::up(1);
    loses_rows(&world);
    let login = world.logs_in();
    let time = minutes_ago(10);
    let walker = world.declares("Wrong rows");
    let own = [
        ("TARGET_TIME", time.as_str()),
        ("COPY", "app-db-new"),
        ("SECRET", "database-secret"),
    ];
    let walker = world.gives(walker, "rds-restore", &own);
    let own = [
        ("DB", "app-db-new"),
        ("SERVER", "pg-copy"),
        ("LOGIN", &login),
    ];
    let mut walker = world.gives(walker, "recovery-verification", &own);
    let ways: Ways<'_> = &[
        ("answers", "ok"),
        ("damage", "Rows are wrong or gone"),
        ("way", "Restore the database"),
        ("which", "As of the time"),
    ];
    let walked = world.walks(
        &mut walker,
        "rds-corruption",
        &[("EVIDENCE", "damaged-1")],
        ways,
    );
    let steps = [
        "look",
        "answers",
        "damage",
        "stop-writes",
        "end-sessions",
        "keep",
        "way",
        "restore",
        "health",
        "verify",
        "after",
    ];
    assert_eq!(walked.steps("rds-corruption"), steps);
    assert_eq!(walked.steps("recovery-verification").len(), 10);
    serves_from_the_copy(&world);
    let asked = json!({ "DBSnapshotIdentifier": "damaged-1" });
    let kept = world.aws.boto("rds", "describe_db_snapshots", &asked);
    assert_eq!(kept["DBSnapshots"][0]["Status"], "available");
    let may = "SELECT has_database_privilege('app', 'app', 'CONNECT')";
    assert_eq!(
        world.psql("127.0.0.1", may),
        "f",
        "the application can't reach the damaged side"
    );
}

#[test]
fn rows_deleted_by_mistake_are_put_back_and_newer_ones_stay() {
    let world = World::up(1);
    loses_rows(&world);
    world.psql(
        "127.0.0.1",
        "INSERT INTO messages (debate_id, agent, body) VALUES (1, 'ana', 'written since')",
    );
    let mut walker = world.declares("Messages are gone");
    let time = minutes_ago(10);
    let own = [
        ("DELETED_AT", time.as_str()),
        ("TABLES", "messages"),
        ("COPY", "app-before-1"),
        ("KEPT", "kept-1"),
    ];
    let walked = world.walks(
        &mut walker,
        "accidental-deletion",
        &own,
        &[("way", "Put the rows back")],
    );
    let steps = [
        "stop-cause",
        "when",
        "window",
        "to-time",
        "endpoint",
        "extract",
        "missing",
        "way",
        "keep",
        "put-back",
        "purposely",
        "verify",
        "remove",
        "close-hole",
    ];
    assert_eq!(walked.steps("accidental-deletion"), steps);
    assert_eq!(
        world.psql("127.0.0.1", "SELECT count(*) FROM messages"),
        "6001"
    );
    assert!(!world.instances().contains(&"app-before-1".to_owned()));
    assert!(
        !world.path("folder/messages.csv").exists(),
        "nobody's data are left behind"
    );
}
