//! Workloads, records, instances and secrets: each condition held against a sight.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::incident::acts::Condition;
use crate::incident::acts::kube::{KubeSight, WorkloadSight};
use crate::incident::acts::rds::RdsSight;
use crate::incident::acts::read::conditions;
use crate::incident::acts::route53::DnsSight;
use crate::incident::acts::secrets::SecretSight;
use crate::incident::evaluate::from_sights;
use crate::incident::fault::Source;
use crate::incident::judge::sights::{at, http_target, reading, refused, site, wall};
use crate::incident::reading::{Holds, Sight};
use crate::incident::site::{AwsAccount, Endpoint, SecretEndpoint};
use crate::incident::strict::Reader;

fn condition(text: &str) -> Condition {
    let mut reader = Reader::new(Source::new("a", text));
    let card = reader.parse(0..text.len(), "the fence");
    let read = conditions(&mut reader, card);
    assert!(reader.faults.is_empty(), "{text}: {:?}", reader.faults);
    read.into_iter().next().unwrap()
}

fn workload(ready: u32, crashing: u32) -> Sight {
    Sight::Kube(KubeSight::Workload(WorkloadSight {
        desired: 10,
        ready,
        updated: 10,
        old: 0,
        crashing,
        revision: 41,
        image: "web:41".into(),
        started: Some(wall(0)),
        warnings: None,
        unbound: Vec::new(),
    }))
}

fn cluster(nodes_ready: u32) -> Sight {
    Sight::Kube(KubeSight::Cluster {
        nodes: 6,
        nodes_ready,
        version: "v1.34.1".into(),
    })
}

fn dns(west: u32) -> Sight {
    let shares: BTreeMap<_, _> = [("east".into(), 100 - west), ("west".into(), west)].into();
    Sight::Dns(DnsSight {
        weights: String::new(),
        set: shares.clone(),
        resolves: Some(shares),
        ttl: Duration::from_secs(60),
        in_sync: Some(true),
        sick: BTreeMap::new(),
    })
}

fn instance(status: &str) -> Sight {
    Sight::Rds(RdsSight {
        status: status.into(),
        zone: "us-east-1b".into(),
        multi_az: true,
        replica_of: None,
        lag: None,
        latest_restorable: None,
        newest_snapshot: None,
    })
}

fn secret(old_accepted: bool) -> Sight {
    Sight::Secret(SecretSight {
        version: "4".into(),
        changed: wall(0),
        old_accepted,
    })
}

#[test]
fn each_condition_holds_by_what_was_seen_and_by_nothing_else() {
    use Holds::{No, Unknown, Yes};
    let table = [
        (
            "ready = { of = \"x\", at_least = 10 }",
            workload(10, 0),
            Yes,
        ),
        ("ready = { of = \"x\", at_least = 10 }", workload(9, 0), No),
        ("ready = { of = \"x\", at_least = 10 }", dns(100), Unknown),
        (
            "ready = { of = \"x\", at_least = \"$N\" }",
            workload(10, 0),
            Unknown,
        ),
        ("rollout = \"x\"", workload(10, 0), Yes),
        ("rollout = \"x\"", workload(10, 1), No),
        ("pods_ready = \"x\"", workload(9, 0), No),
        ("nodes_ready = \"x\"", cluster(6), Yes),
        ("nodes_ready = \"x\"", cluster(5), No),
        ("nodes_ready = \"x\"", workload(10, 0), Unknown),
        (
            "weight = { of = \"x\", region = \"west\", at_least = 50 }",
            dns(50),
            Yes,
        ),
        (
            "weight = { of = \"x\", region = \"north\", at_least = 1 }",
            dns(50),
            No,
        ),
        (
            "resolves = { of = \"x\", to = \"west\", at_least = 95 }",
            dns(94),
            No,
        ),
        ("ttl_under = { of = \"x\", under = \"60s\" }", dns(0), Yes),
        ("ttl_under = { of = \"x\", under = \"59s\" }", dns(0), No),
        ("available = \"x\"", instance("available"), Yes),
        ("available = \"x\"", instance("rebooting"), No),
        (
            "zone_changed = { of = \"x\", from = \"us-east-1a\" }",
            instance("available"),
            Yes,
        ),
        (
            "zone_changed = { of = \"x\", from = \"us-east-1b\" }",
            instance("available"),
            No,
        ),
        (
            "version_is_new = { of = \"x\", than = 3 }",
            secret(true),
            Yes,
        ),
        (
            "version_is_new = { of = \"x\", than = \"$BEFORE\" }",
            secret(true),
            Unknown,
        ),
        (
            "version_is_new = { of = \"x\", than = 4 }",
            secret(true),
            No,
        ),
        // The site names no consumers of it.
        ("consumers_current = \"x\"", secret(true), Unknown),
        ("old_refused = \"x\"", secret(false), Yes),
        ("old_refused = \"x\"", secret(true), No),
    ];
    let site = site(vec![http_target("x", "east")]);
    for (text, sight, holds) in table {
        let condition = condition(text);
        let judged = |value, second| {
            let seen = [("x".into(), reading(0, value))].into();
            from_sights(&condition, &seen, &site, None, &at(second)).unwrap()
        };
        assert_eq!(judged(Ok(sight.clone()), 1).holds, holds, "{text}");
        assert_eq!(
            judged(Ok(sight), 60).holds,
            Unknown,
            "{text}, an old reading"
        );
        assert_eq!(judged(refused(), 1).holds, Unknown, "{text}, no reading");
    }
}

#[test]
fn consumers_are_current_that_started_after_the_secret_changed() {
    use Holds::{No, Unknown, Yes};
    let consumers = vec!["web".into(), "jobs".into()];
    let mut keys = http_target("keys", "east");
    keys.endpoint = Endpoint::Secret(SecretEndpoint {
        name: "keys".into(),
        account: AwsAccount {
            region: "east".into(),
            profile: None,
            endpoint: None,
        },
        consumers,
        generate: None,
    });
    let targets = vec![
        keys,
        http_target("web", "east"),
        http_target("jobs", "east"),
    ];
    let site = site(targets);
    let condition = condition("consumers_current = \"keys\"");
    let runs = |started: Option<i64>| match workload(10, 0) {
        Sight::Kube(KubeSight::Workload(seen)) => Sight::Kube(KubeSight::Workload(WorkloadSight {
            started: started.map(wall),
            warnings: None,
            unbound: Vec::new(),
            ..seen
        })),
        other => other,
    };
    // The secret changed at second 0.
    for (web, jobs, holds) in [
        (Ok(runs(Some(1))), Ok(runs(Some(5))), Yes),
        (Ok(runs(Some(1))), Ok(runs(Some(0))), No),
        (Ok(runs(Some(-60))), Ok(runs(Some(5))), No),
        (Ok(runs(None)), Ok(runs(Some(5))), No),
        (refused(), Ok(runs(Some(5))), Unknown),
        (Ok(instance("available")), Ok(runs(Some(5))), Unknown),
    ] {
        let seen = [
            ("keys".into(), reading(0, Ok(secret(true)))),
            ("web".into(), reading(0, web)),
            ("jobs".into(), reading(0, jobs)),
        ];
        let judged = from_sights(&condition, &seen.into(), &site, None, &at(1)).unwrap();
        assert_eq!(judged.holds, holds, "{}", judged.saw);
    }
}
