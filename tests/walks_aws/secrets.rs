//! Secrets: one is rotated, all are compromised, a drill. The application takes logins signed with the keys of Secrets Manager.

use serde_json::{Value, json};

use crate::world::{World, minutes_ago};

/// The stages of the key's versions as boto3 reads them.
fn stages(world: &World) -> Vec<Value> {
    let asked = json!({ "SecretId": "app/production/session-key" });
    let found = world.aws.boto("secretsmanager", "describe_secret", &asked);
    let versions = found["VersionIdsToStages"].as_object().unwrap();
    versions.values().cloned().collect()
}

/// What the application says to a token.
fn answer(world: &World, token: &str) -> Value {
    let bearer = format!("Authorization: Bearer {token}");
    world.curl("/api/v1/auth/me", &["--header", &bearer])
}

/// One version is given out, and every service was deployed once since.
fn is_rotated(world: &World, old: &str) {
    let given_out = stages(world)
        .into_iter()
        .filter(|of| of.as_array().is_some_and(|of| !of.is_empty()));
    assert_eq!(given_out.collect::<Vec<_>>(), [json!(["AWSCURRENT"])]);
    assert_eq!(world.aws.count("UpdateService"), 3);
    assert_eq!(answer(world, old), json!({ "error": "log in" }));
    assert_eq!(answer(world, &world.logs_in()), json!({ "id": "ana" }));
}

#[test]
fn a_secret_is_rotated_with_all_who_read_it_and_the_old_one_refused() {
    let world = World::up(1);
    let old = world.logs_in();
    let mut walker = world.declares("A key was mailed");
    let own = [("OLD_LOGIN", old.as_str())];
    let walked = world.walks(
        &mut walker,
        "secret-rotation",
        &own,
        &[("overlap", "Only one at a time")],
    );
    let steps = [
        "scope",
        "consumers",
        "overlap",
        "tell",
        "rotate",
        "restart",
        "current",
        "login",
        "revoke",
        "old-refused",
        "after",
    ];
    assert_eq!(walked.steps("secret-rotation"), steps);
    assert_eq!(
        walked.kept("secret-rotation", "CONSUMERS"),
        "gateway processor workers"
    );
    is_rotated(&world, &old);
}

#[test]
fn compromised_secrets_are_all_newer_than_the_moment() {
    let world = World::up(1);
    let old = world.logs_in();
    let since = minutes_ago(0);
    let walker = world.declares("Strangers use our keys");
    let mut walker = world.gives(walker, "secret-rotation", &[("OLD_LOGIN", &old)]);
    let ways = [("overlap", "Only one at a time")];
    let walked = world.walks(
        &mut walker,
        "secrets-compromise",
        &[("SINCE", &since)],
        &ways,
    );
    let steps = [
        "declare", "evidence", "list", "lock-out", "tokens", "others", "all-new", "api-keys",
        "sessions", "health", "audit", "close",
    ];
    assert_eq!(walked.steps("secrets-compromise"), steps);
    assert_eq!(walked.steps("secret-rotation").last(), Some(&"after"));
    let kept = std::fs::read_to_string(world.path("folder/secretsmanager-events.json")).unwrap();
    assert!(kept.contains("GetSecretValue"), "{kept}");
    is_rotated(&world, &old);
}

#[test]
fn a_drill_rotates_a_secret_and_nobody_notices() {
    let world = World::up(2);
    world.shortens("drill-secret-rotation", "2m");
    let old = world.logs_in();
    let mut walker = world.declares("The monthly drill");
    let own = [("OLD_LOGIN", old.as_str())];
    let walked = world.walks(
        &mut walker,
        "drill-secret-rotation",
        &own,
        &[("which", "Two keys are accepted")],
    );
    let steps = [
        "which",
        "before",
        "consumers",
        "rotate",
        "restart",
        "current",
        "login",
        "revoke",
        "old-refused",
        "record",
    ];
    assert_eq!(walked.steps("drill-secret-rotation"), steps);
    is_rotated(&world, &old);
}
