//! Drills of RDS: the newest snapshot restores, the other zone takes over.

use std::fs;

use serde_json::Value;

use crate::world::World;

#[test]
fn the_newest_snapshot_restores_is_proven_and_taken_away() {
    let world = World::up(1);
    world.lab.cmd(&["copy"]);
    let mut walker = world.declares("The quarterly restore");
    let walked = world.walks(&mut walker, "drill-rds-restore", &[], &[]);
    let steps = [
        "snapshot",
        "engine",
        "counts",
        "name",
        "restore",
        "network",
        "verify-counts",
        "damage",
        "measure",
        "remove",
        "record",
    ];
    assert_eq!(walked.steps("drill-rds-restore"), steps);
    let copy = walked.kept("drill-rds-restore", "COPY");
    assert!(copy.starts_with("app-db-dr-test-") && !world.instances().contains(&copy.to_owned()));
    let result = fs::read_to_string(world.path(&format!("folder/{copy}.result.json"))).unwrap();
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["rows"]["public.messages"], 6000);
    assert!(world.instances().contains(&"app-db".to_owned()));
}

#[test]
fn the_other_zone_takes_over_within_two_minutes_and_nothing_is_lost() {
    let world = World::up(1);
    let before = world.instance("app-db")["AvailabilityZone"].clone();
    let mut walker = world.declares("The quarterly failover");
    let walked = world.walks(
        &mut walker,
        "drill-rds-failover",
        &[("MARK", "drill-1")],
        &[],
    );
    let steps = [
        "window",
        "multi-az",
        "mark",
        "failover",
        "no-loss",
        "reconnected",
        "two-minutes",
        "watch",
        "unmark",
        "record",
    ];
    assert_eq!(walked.steps("drill-rds-failover"), steps);
    assert_ne!(world.instance("app-db")["AvailabilityZone"], before);
    assert_eq!(
        world.psql("127.0.0.1", "SELECT count(*) FROM warroom_drill_marks"),
        "0"
    );
    assert_eq!(
        world.aws.count("UpdateService"),
        0,
        "nobody restarted anything"
    );
}
