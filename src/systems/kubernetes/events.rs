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

/// What the namespace complains of; nothing where that may not be read.
pub async fn warnings(client: Client, namespace: &str) -> Vec<Event> {
    let api: Api<Event> = Api::namespaced(client, namespace);
    let params = ListParams::default().fields("type=Warning").limit(MOST);
    let all = api.list(&params).await;
    all.map_or_else(|_| Vec::new(), |all| all.items)
}

/// What is complained of lately about a workload, by its name and its pods' names.
pub fn lately(all: &[Event], name: &str, pods: &[&str], now: DateTime<Utc>) -> Option<Warnings> {
    let own = |event: &&Event| {
        let about = event.involved_object.name.as_deref().unwrap_or_default();
        // A claim ends in its pod's name: data-db-0.
        let of_pod = |pod: &&str| about == *pod || about.ends_with(&format!("-{pod}"));
        about == name || is_replica_set(about, name) || pods.iter().any(of_pod)
    };
    let mut lately: Vec<(DateTime<Utc>, &Event)> = all
        .iter()
        .filter(own)
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

/// `web-7d4b9c6f58` of `web`: Kubernetes writes such hashes without vowels, so that they are no words, as `admin` is one.
fn is_replica_set(about: &str, name: &str) -> bool {
    let rest = about
        .strip_prefix(name)
        .and_then(|rest| rest.strip_prefix('-'));
    let hash = |c: char| "bcdfghjklmnpqrstvwxz2456789".contains(c);
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(hash))
}

/// When it happened last.
fn at(event: &Event) -> Option<DateTime<Utc>> {
    let made = event.metadata.creation_timestamp.as_ref();
    let time = event.last_timestamp.as_ref().or(made)?;
    DateTime::from_timestamp(time.0.as_second(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_about_another_workload_is_none_of_this_one() {
        let now = Utc::now();
        let event = |about: &str, minutes: i64| {
            let mut event = Event::default();
            event.involved_object.name = Some(about.to_owned());
            event.reason = Some(about.to_owned());
            let at = (now - TimeDelta::minutes(minutes)).to_rfc3339();
            let stamp = serde_json::from_value(serde_json::json!(at));
            event.last_timestamp = stamp.unwrap();
            event
        };
        let pods = ["web-7d4b9c6f58-x2x4z", "db-0"];
        for (about, minutes, ours) in [
            ("web", 1, true),
            ("web-7d4b9c6f58", 1, true),
            ("web-7d4b9c6f58-x2x4z", 1, true),
            ("data-db-0", 1, true),
            ("web", 16, false),
            ("web-admin", 1, false),
            ("web-admin-7d4b9c6f58", 1, false),
            ("admin-web", 1, false),
        ] {
            let seen = lately(&[event(about, minutes)], "web", &pods, now);
            assert_eq!(seen.is_some(), ours, "{about} {minutes}");
        }
        let both = [event("web-7d4b9c6f58", 2), event("web", 9)];
        let seen = lately(&both, "web", &[], now).unwrap();
        assert_eq!((seen.count, seen.reason.as_str()), (2, "web-7d4b9c6f58"));
    }
}
