//! The application's container crashes: its own file is damaged, its image is, or its memory is too little.

use warroom::incident::names::StepId;

use crate::common::through::Walked;
use crate::host::Host;
use crate::shop::FOLDER;

/// What the acts of a step printed.
fn printed(walked: &Walked, step: &str) -> String {
    let walk = walked.incident.walks.last().unwrap();
    let actions = walk.steps[&StepId(step.to_owned())].actions.values();
    let attempts = actions.flat_map(|action| &action.attempts);
    let ended = attempts.filter_map(|attempt| attempt.ended.as_ref());
    ended.map(|ended| ended.excerpt.to_string()).collect()
}

#[test]
fn a_container_comes_back_by_the_rung_that_helps() {
    let mut host = Host::with_shop();
    let (folder, smoke) = (host.path(FOLDER), host.path("srv/shop/smoke"));
    let values = [
        ("HOST", "compose-host"),
        ("FOLDER", folder.as_str()),
        ("SERVICE", "app"),
        ("API", "shop"),
        ("SMOKE", &smoke),
    ];
    let by = host.hands();

    // What it wrote itself is damaged: started again it would end again.
    by.run("docker exec shop-app-1 sh -c 'echo { >/srv/own.json' && docker kill shop-app-1");
    let walked = host.walks("container-crash", &values, &[]);
    let way = ["logs", "recreate", "smoke", "after"];
    assert_eq!(walked.steps("container-crash"), way);

    // Its image is damaged: a new container is no better.
    by.run(
        "docker exec shop-app-1 sh -c 'echo } >>/srv/shop.py'
         docker commit shop-app-1 shop/app:1 && docker kill shop-app-1",
    );
    let damaged = by.run("docker image inspect --format '{{.Id}}' shop/app:1");
    let ways = [("recreate", "go to Keep the image that runs")];
    let walked = host.walks("container-crash", &values, &ways);
    let way = [
        "logs",
        "recreate",
        "keep-image",
        "rebuild",
        "smoke",
        "after",
    ];
    assert_eq!(deduped(&walked), way);
    let kept = by.run("docker image inspect --format '{{.Id}}' shop/app:1-before");
    assert_eq!(kept, damaged, "the way back");

    // It has less memory than it needs, and the kernel ends it.
    by.run(&format!(
        "cd {folder} && sed -i 's/mem_limit: .*/mem_limit: 24m/' compose.yaml
         docker compose up --detach --no-deps app
         docker wait shop-app-1"
    ));
    let (at, place) = (by.clone(), folder.clone());
    host.walker().by_hand(move |step, _| {
        if step == "limit" {
            at.run(&format!(
                "sed -i 's/mem_limit: .*/mem_limit: 512m/' {place}/compose.yaml"
            ));
        }
    });
    let ways = [
        ("recreate", "go to Keep the image that runs"),
        ("rebuild", "go to What is short?"),
        ("shortage", "Memory is short"),
    ];
    let walked = host.walks("container-crash", &values, &ways);
    let way = [
        "logs",
        "recreate",
        "keep-image",
        "rebuild",
        "resources",
        "shortage",
        "limit",
        "apply",
        "smoke",
        "after",
    ];
    assert_eq!(deduped(&walked), way);
    let logs = printed(&walked, "logs");
    assert!(logs.contains("exit 137, killed for memory true"), "{logs}");
    let limit = by.run("docker inspect --format '{{.HostConfig.Memory}}' shop-app-1");
    assert_eq!(limit, (512 << 20).to_string());
    let before = by.run(&format!("grep mem_limit: {folder}/compose.yaml.before"));
    assert_eq!(before, "mem_limit: 24m");
    assert_eq!(host.status(&[], "/health"), "200");
    assert_eq!(host.sql("SELECT count(*) FROM customers"), "40");
}

/// The steps of the walk. One that failed has its turn twice.
fn deduped(walked: &Walked) -> Vec<&str> {
    let mut steps = walked.steps("container-crash");
    steps.dedup();
    steps
}
