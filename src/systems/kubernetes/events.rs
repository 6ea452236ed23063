//! What the cluster complains of: events of type Warning about a workload, its replica sets, its pods, its claims.

use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::incident::acts::kube::Warnings;

/// An older complaint is history.
const LATELY: TimeDelta = TimeDelta::minutes(15);

/// As many are read: a namespace that complains more has something else to look at.
const MOST: u32 = 500;

/// What is complained of lately about what is called `name`, or begins so; nothing where it may not be read.
pub async fn warnings(client: Client, namespace: &str, name: &str) -> Option<Warnings> {
    let api: Api<Event> = Api::namespaced(client, namespace);
    let params = ListParams::default().fields("type=Warning").limit(MOST);
    let all = api.list(&params).await.ok()?;
    newest(&all.items, name, Utc::now())
}

fn newest(all: &[Event], name: &str, now: DateTime<Utc>) -> Option<Warnings> {
    let own = |event: &&Event| {
        let about = event.involved_object.name.as_deref().unwrap_or_default();
        // A claim of a stateful set is called data-db-0: its name is in the middle.
        let parts = format!("-{about}-");
        parts.contains(&format!("-{name}-"))
    };
    let of = all.iter().filter(own);
    let mut lately: Vec<(DateTime<Utc>, &Event)> = of
        .filter_map(|event| Some((at(event)?, event)))
        .filter(|(at, _)| now - *at <= LATELY)
        .collect();
    lately.sort_by_key(|(at, _)| *at);
    let (_, last) = lately.last()?;
    Some(Warnings {
        count: u32::try_from(lately.len()).unwrap_or(u32::MAX),
        reason: last.reason.clone().unwrap_or_default(),
        message: last.message.clone().unwrap_or_default(),
    })
}

/// When it happened last.
fn at(event: &Event) -> Option<DateTime<Utc>> {
    let made = event.metadata.creation_timestamp.as_ref();
    let time = event.last_timestamp.as_ref().or(made)?;
    DateTime::from_timestamp(time.0.as_second(), 0)
}
