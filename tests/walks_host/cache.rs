//! The cache of a compose project: its process dies, its file is damaged.

use std::process::Command;

use crate::host::Host;
use crate::shop::FOLDER;

#[test]
fn a_cache_is_started_again_or_emptied_and_warmed() {
    let mut host = Host::with_shop();
    host.hurries(
        "compose-cache",
        &[(
            "timeout  = \"2m\"\nevery    = \"1s\"\non_fail  = \"#way\"",
            "timeout  = \"15s\"\nevery    = \"1s\"\non_fail  = \"#way\"",
        )],
    );
    let folder = host.path(FOLDER);
    let safe = host.safe.path().display().to_string();
    let warm = format!("http://{}/warm", host.address(2));
    let values = [
        ("COMPOSE", "project"),
        ("PROJECT_FOLDER", folder.as_str()),
        ("SERVICE", "cache"),
        ("CACHE", "cache"),
        ("SAFE_FOLDER", &safe),
        ("HEALTH", "shop"),
        ("WARM_URL", &warm),
        ("WARM_KEY", "warm-4711"),
    ];
    let by = host.hands();

    // It is gone, and what it had is on its volume.
    host.redis(&["SET", "session:1", "ana"]);
    by.run("docker kill shop-cache-1");
    let ways = [("way", "It answers again")];
    let walked = host.walks("compose-cache", &values, &ways);
    let way = ["look", "restart", "way", "health", "watch"];
    assert_eq!(walked.steps("compose-cache"), way);
    assert_eq!(host.redis(&["GET", "session:1"]), "ana");

    // The file on the volume is damaged: Redis refuses it at every start.
    by.run(
        "docker stop shop-cache-1
         place=$(docker volume inspect --format '{{.Mountpoint}}' shop_sessions)
         echo damaged >$(echo $place/appendonlydir/*.base.rdb)",
    );
    let ways = [
        ("restart", "it did not"),
        ("restart", "go to What now?"),
        ("way", "Empty the cache"),
    ];
    let walked = host.walks("compose-cache", &values, &ways);
    let way = [
        "look", "restart", "way", "volume", "accept", "stop", "copy", "remove", "start", "warm",
        "write", "health", "watch",
    ];
    let mut steps = walked.steps("compose-cache");
    steps.dedup();
    assert_eq!(steps, way);
    assert_eq!(host.redis(&["EXISTS", "session:1"]), "0", "it was emptied");
    assert_eq!(
        host.redis(&["GET", "customer:7"]),
        "Customer 7",
        "it is warm"
    );
    let mut tar = Command::new("tar");
    let copy = tar
        .arg("--list")
        .arg("--file")
        .arg(walked.kept("compose-cache", "SAFE"));
    let copy = String::from_utf8(copy.output().unwrap().stdout).unwrap();
    assert!(
        copy.contains("appendonlydir/appendonly.aof.1.base.rdb"),
        "{copy}"
    );
}
