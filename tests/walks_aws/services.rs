//! A service that fails after a release, and the proofs that a recovery worked.

use serde_json::json;

use crate::world::World;

/// The task definition of the service and how many of its tasks run, by boto3.
fn gateway(world: &World) -> (String, i64) {
    let asked = json!({ "cluster": "production", "services": ["gateway"] });
    let found = world.aws.boto("ecs", "describe_services", &asked);
    let service = &found["services"][0];
    let definition = service["taskDefinition"].as_str().unwrap();
    let name = definition.rsplit('/').next().unwrap();
    (name.to_owned(), service["runningCount"].as_i64().unwrap())
}

#[test]
fn a_service_goes_back_to_the_release_before() {
    let world = World::up(1);
    world.shortens("ecs-service", "3m");
    world.aws.order(&json!({ "broken": ["gateway:2"] }));
    assert_eq!(gateway(&world), ("gateway:2".into(), 0));
    let mut walker = world.declares("No healthy tasks");
    let walked = world.walks(
        &mut walker,
        "ecs-service",
        &[],
        &[("cause", "It began with a release")],
    );
    let steps = [
        "state", "stopped", "logs", "cause", "freeze", "schema", "before", "undo", "stable",
        "health", "after",
    ];
    assert_eq!(walked.steps("ecs-service"), steps);
    assert_eq!(gateway(&world), ("gateway:1".into(), 2));
}

#[test]
fn a_recovery_passes_all_its_proofs() {
    let world = World::up(1);
    world.counts();
    let login = world.logs_in();
    let mut walker = world.declares("Is it over?");
    let walked = world.walks(
        &mut walker,
        "recovery-verification",
        &[("LOGIN", &login)],
        &[],
    );
    let steps = [
        "health",
        "database",
        "auth",
        "triggers",
        "events",
        "workers",
        "limits",
        "monitoring",
        "storage",
        "over",
    ];
    assert_eq!(walked.steps("recovery-verification"), steps);
}
