//! Where a record leads: real resolvers are asked, and their addresses are those of the record's sets; and what keeps a set from
//! being answered.

use std::path::Path;

use serde_json::{Value, json};

use crate::aws::{Aws, with_credentials};
use crate::server::{Server, free_port};
use warroom::incident::acts::{Condition, route53::DnsSight};
use warroom::incident::reading::{Holds, Outcome, Sight, Verdict};
use warroom::incident::site::Site;
use warroom::incident::sitefile;
use warroom::systems::registry;
use warroom::world::Systems;
use warroom::world::judging::Judge;

/// A resolver that gives the record this address, and its own.
fn resolver(address: &str) -> (Server, String) {
    let port = free_port();
    let args = [
        "--no-daemon".to_owned(),
        "--no-resolv".to_owned(),
        "--no-hosts".to_owned(),
        "--conf-file=/dev/null".to_owned(),
        "--listen-address=127.0.0.1".to_owned(),
        "--bind-interfaces".to_owned(),
        format!("--port={port}"),
        format!("--host-record=www.harbour.example,{address}"),
    ];
    let server = Server::start("/usr/sbin/dnsmasq", &args, port);
    (server, format!("127.0.0.1:{port}"))
}

/// The lab's site with those resolvers for the record `public`.
fn site(aws: &Aws, resolvers: &[&str]) -> Site {
    let record = "record = \"www.harbour.example\"\n";
    let asked = format!("{record}resolvers = {resolvers:?}\n");
    let text = aws.site_text().replace(record, &asked);
    let (site, faults) = sitefile::parse("site.toml", &text, Path::new("/"));
    assert!(faults.is_empty(), "{faults:#?}");
    site.unwrap()
}

async fn seen(aws: &Aws, resolvers: &[&str]) -> DnsSight {
    let system = registry::open(&site(aws, resolvers)).remove(&"public".into());
    match system.unwrap().observe().await.value {
        Ok(Sight::Dns(seen)) => seen,
        other => panic!("{other:?}"),
    }
}

async fn leads_west(aws: &Aws, resolvers: &[&str]) -> Verdict {
    let site = site(aws, resolvers);
    let systems = Systems::real(registry::open(&site));
    let condition =
        crate::act::condition("resolves = { of = \"public\", to = \"us-west-2\", at_least = 95 }");
    assert!(matches!(condition, Condition::Dns(_)));
    Judge::plain(&site, &systems).condition(&condition).await
}

#[test]
fn resolvers_tell_where_the_record_leads_whatever_its_weights_say() {
    with_credentials(
        "resolves::resolvers_tell_where_the_record_leads_whatever_its_weights_say",
        async {
            let aws = Aws::up();
            let (_one, old) = resolver("192.0.2.1");
            let (_other, new) = resolver("198.51.100.1");
            let (mut third, elsewhere) = resolver("203.0.113.9");
            let shares = |seen: DnsSight| seen.resolves.unwrap().into_values().collect::<Vec<_>>();
            // Weights say east, and half of the resolvers are ahead of that.
            let half = seen(&aws, &[&old, &new]).await;
            assert_eq!(
                (half.set[&"us-east-1".into()], shares(half)),
                (100, vec![50, 50])
            );
            // What leads elsewhere, and what is silent, leads to no region.
            assert_eq!(shares(seen(&aws, &[&new, &elsewhere]).await), [0, 50]);
            third.kill();
            assert_eq!(shares(seen(&aws, &[&new, &elsewhere]).await), [0, 50]);
            let verdict = leads_west(&aws, &[&old, &new]).await;
            assert_eq!(verdict.holds, Holds::No, "{verdict:?}");
            let verdict = leads_west(&aws, &[&new]).await;
            assert_eq!(verdict.holds, Holds::Yes, "{verdict:?}");
            let verdict = leads_west(&aws, &[]).await;
            assert_eq!(verdict.holds, Holds::Unknown, "{verdict:?}");
            assert!(
                verdict.saw.to_string().contains("no resolver is asked"),
                "{verdict:?}"
            );
        },
    );
}

#[test]
fn a_set_whose_health_check_fails_is_said_to_be_sick() {
    with_credentials(
        "resolves::a_set_whose_health_check_fails_is_said_to_be_sick",
        async {
            let aws = Aws::up();
            let config = json!({ "Type": "HTTPS", "FullyQualifiedDomainName": "east.harbour.example", "Port": 443 });
            let make = json!({ "CallerReference": "east", "HealthCheckConfig": config });
            let made = aws.boto("route53", "create_health_check", &make);
            let check = made["HealthCheck"]["Id"].as_str().unwrap();
            let zone = aws.fact("zone");
            let list = json!({ "HostedZoneId": zone });
            let all = aws.boto("route53", "list_resource_record_sets", &list);
            let sets = all["ResourceRecordSets"].as_array().unwrap().iter();
            let changes: Vec<Value> = sets
                .filter(|set| set["SetIdentifier"] == "blue")
                .map(|set| {
                    let mut set = set.clone();
                    set["HealthCheckId"] = json!(check);
                    json!({ "Action": "UPSERT", "ResourceRecordSet": set })
                })
                .collect();
            assert_eq!(changes.len(), 2);
            let change = json!({ "HostedZoneId": zone, "ChangeBatch": { "Changes": changes } });
            aws.boto("route53", "change_resource_record_sets", &change);
            assert_eq!(seen(&aws, &[]).await.sick, [].into());
            aws.order(&json!({ "sick": [check] }));
            let sick = seen(&aws, &[]).await.sick;
            let why = &sick[&"us-east-1".into()];
            assert!(
                why.starts_with("0 of 1 checkers reach it: Failure: Connection timed out"),
                "{why}"
            );
            assert_eq!(sick.len(), 1);
            // A shift leaves the check where it is.
            let (_, outcome) = aws
                .act("route53.shift = { target = \"public\", to = \"us-west-2\", percent = 100 }")
                .await;
            assert!(matches!(outcome, Outcome::Done { .. }), "{outcome:?}");
            let after = aws.boto("route53", "list_resource_record_sets", &list);
            let sets = after["ResourceRecordSets"].as_array().unwrap().iter();
            let checked = sets.filter(|set| set["HealthCheckId"] == check);
            assert_eq!(checked.count(), 2);
        },
    );
}
