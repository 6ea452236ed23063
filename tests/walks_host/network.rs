//! Third parties can't be reached: each time another layer is broken, and only that one is mended.

use std::fs;

use crate::common::walk::wait_until;
use crate::host::Host;
use crate::shop::{FOLDER, asked};

const PAYS: [&str; 2] = ["--request", "POST"];

#[test]
fn the_layer_that_is_broken_is_mended_and_no_other() {
    let mut host = Host::with_shop();
    let prometheus = host.prometheus(&[(
        "limited",
        "sum(rate(http_requests_total{code=\"429\"}[5m]))",
    )]);
    let (folder, smoke) = (host.path(FOLDER), host.path("srv/shop/smoke"));
    let values = [
        ("HOST", "compose-host"),
        ("FOLDER", folder.as_str()),
        ("SERVICE", "app"),
        ("NETWORK", "shop_default"),
        ("PROVIDER", "payments.example"),
        ("OTHER", "reserve.example"),
        ("LIMITED", "limited"),
        ("API", "shop"),
        ("SMOKE", &smoke),
    ];
    let by = host.hands();
    let (at, place, resolver) = (by.clone(), folder.clone(), host.address(54));
    host.walker().by_hand(move |step, item| {
        let done = match (step, item) {
            ("resolver", _) => format!("sed -i 's/^RESOLVER=.*/RESOLVER={resolver}/' {place}/.env"),
            ("fallback", _) => {
                format!("sed -i 's/^PROVIDER=.*/PROVIDER=reserve.example/' {place}/.env")
            }
            ("firewall-change", 1) => format!("iptables-save >{place}/rules.before"),
            ("firewall-change", _) => {
                "iptables -D OUTPUT 1 && iptables -D DOCKER-USER 1".to_owned()
            }
            _ => return,
        };
        at.run(&done);
    });

    // The container's resolver is one that nobody answers at.
    let nobody = host.address(99);
    by.run(&format!(
        "cd {folder} && sed -i 's/^RESOLVER=.*/RESOLVER={nobody}/' .env && docker compose up --detach --wait app"
    ));
    assert_eq!(host.status(&PAYS, "/order"), "502");
    let walked = host.walks("network", &values, &[("layer", "Names do not resolve")]);
    let way = [
        "diagnose",
        "layer",
        "resolver",
        "resolver-apply",
        "smoke",
        "after",
    ];
    assert_eq!(walked.steps("network"), way);
    assert_eq!(host.status(&PAYS, "/order"), "201");

    // The container is in no network.
    let before = by.run("docker network inspect --format '{{.Id}}' shop_default");
    by.run("docker network disconnect shop_default shop-app-1");
    let walked = host.walks(
        "network",
        &values,
        &[("layer", "Only the container is cut off")],
    );
    let way = [
        "diagnose",
        "layer",
        "network-look",
        "network-recreate",
        "smoke",
        "after",
    ];
    assert_eq!(walked.steps("network"), way);
    let after = by.run("docker network inspect --format '{{.Id}}' shop_default");
    assert_ne!(after, before, "it is another network");
    let kept = fs::read_to_string(host.file("srv/shop/shop_default.before.json")).unwrap();
    assert!(kept.contains(&before));
    assert_eq!(host.sql("SELECT count(*) FROM customers"), "40");

    // A rule of the host's firewall.
    by.run(
        "for chain in OUTPUT DOCKER-USER; do
           iptables -I $chain -p tcp --dport 443 -j REJECT --reject-with tcp-reset
         done",
    );
    assert_eq!(host.status(&PAYS, "/order"), "502");
    let walked = host.walks("network", &values, &[("layer", "The host is cut off too")]);
    let way = [
        "diagnose",
        "layer",
        "firewall",
        "firewall-change",
        "smoke",
        "after",
    ];
    assert_eq!(walked.steps("network"), way);
    let rules = fs::read_to_string(host.file("srv/shop/rules.before")).unwrap();
    assert!(rules.contains("--reject-with tcp-reset"), "{rules}");

    // The provider limits the account.
    fs::write(host.file("payments.example.limited"), "").unwrap();
    // A count that nobody saw at nought does not grow.
    let counts = format!("{prometheus}/api/v1/query?query=http_requests_total");
    wait_until("Prometheus reads the shop", || {
        asked(&counts).contains("429")
    });
    for _ in 0..40 {
        assert_eq!(host.status(&PAYS, "/order"), "429");
    }
    let ways = [("layer", "Only the provider fails"), ("rate-limit", "fail")];
    let walked = host.walks("network", &values, &ways);
    let way = [
        "diagnose",
        "layer",
        "rate-limit",
        "fallback",
        "fallback-apply",
        "smoke",
        "after",
    ];
    assert_eq!(walked.steps("network"), way);
    assert_eq!(host.status(&PAYS, "/order"), "201");
    let before = by.run(&format!("grep ^PROVIDER= {folder}/.env.before"));
    assert_eq!(before, "PROVIDER=payments.example");
}
