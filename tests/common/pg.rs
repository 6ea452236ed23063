//! PostgreSQL targets of a lab: asked, acted upon, and entered by others.

use tokio_postgres::{Client, Config, NoTls};
use warroom::incident::acts::postgres::{PgAct, PgCondition, PgSight};
use warroom::incident::acts::{Act, Condition};
use warroom::incident::names::TargetId;
use warroom::incident::reading::{Holds, Observation, Outcome, Sight};
use warroom::incident::site::{Endpoint, PgEndpoint, Target};
use warroom::systems::postgres::Postgres;
use warroom::systems::{Output, System};

use super::lab::Lab;

/// Carries an act out.
pub async fn perform(server: &Postgres, act: PgAct) -> Outcome {
    let (out, _lines) = Output::new();
    server.perform(&Act::Postgres(act), &out).await
}

/// What was said of an act that must be done.
#[track_caller]
pub fn done(outcome: Outcome) -> String {
    match outcome {
        Outcome::Done { said } => said.to_string(),
        other => panic!("not done: {other:?}"),
    }
}

/// Why an act failed that must fail.
#[track_caller]
pub fn failed(outcome: Outcome) -> String {
    match outcome {
        Outcome::Failed { failure, .. } => failure.to_string(),
        other => panic!("not failed: {other:?}"),
    }
}

/// A condition's answer.
pub async fn asked(server: &Postgres, condition: PgCondition) -> (Holds, String) {
    let verdict = server.holds(&Condition::Postgres(condition)).await.unwrap();
    (verdict.holds, verdict.saw.to_string())
}

/// The sight of an observation that must have one.
pub fn sight(seen: &Observation) -> &PgSight {
    match &seen.value {
        Ok(Sight::Postgres(sight)) => sight,
        other => panic!("no sight: {other:?}"),
    }
}

/// A connection of somebody else's.
pub async fn session(lab: &Lab, server: &str, user: &str, dbname: &str) -> Client {
    let file = match user {
        "postgres" => "secrets/pg-admin",
        _ => "secrets/pg-app",
    };
    let password = std::fs::read_to_string(lab.path(file)).unwrap();
    let (client, connection) = Config::new()
        .host("127.0.0.1")
        .port(lab.port(server))
        .user(user)
        .dbname(dbname)
        .password(password.trim())
        .connect(NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    client
}

/// The primary.
pub fn east() -> TargetId {
    "pg-east".into()
}

/// The standby.
pub fn west() -> TargetId {
    "pg-west".into()
}

/// A target of the lab with another way in.
pub fn with(target: &Target, change: impl Fn(&mut PgEndpoint)) -> Postgres {
    let mut target = target.clone();
    if let Endpoint::Postgres(endpoint) = &mut target.endpoint {
        change(endpoint);
    }
    target.fence = None;
    Postgres::new(&target)
}
