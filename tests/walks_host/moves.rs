//! A host is lost, and the shop goes to a new one: from its repository and a backup in S3, which the AWS lab keeps.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::aws::Aws;
use crate::host::{Host, lab};
use crate::server::Server;

const KEYS: &str = "[default]\naws_access_key_id = lab\naws_secret_access_key = lab\n";

/// A new host on which nothing is yet. What there is of the old one, which was this machine too: a repository on the git server, a
/// full backup in the bucket.
fn after_a_loss(aws: &Aws) -> Host {
    let mut host = Host::bare();
    host.third_parties();
    host.sources(&host.file("old/shop"));
    host.settings("old/shop");
    host.starts_shop("old/shop");
    host.redis(&["SET", "session:1", "ana"]);
    host.redis(&["SAVE"]);
    let (old, backup, git) = (
        host.path("old/shop"),
        host.path("backup"),
        host.path("git/shop.git"),
    );
    host.hands().run(&format!(
        "git clone --quiet --bare {old} {git}
         mkdir -p {backup}/postgres {backup}/config && cd {old}
         docker compose exec -T db pg_dump -U postgres app | gzip >{backup}/postgres/app.sql.gz
         place=$(docker volume inspect --format '{{{{.Mountpoint}}}}' shop_sessions)
         cp -R $place {backup}/redis && cp .env {backup}/config
         cd {backup} && find . -type f ! -name SHA256SUMS | xargs sha256sum >SHA256SUMS
         cd {old} && docker compose down --volumes --rmi all && cd / && rm -r {old}"
    ));
    for home in [host.home.path(".aws"), host.file("root/.aws")] {
        fs::create_dir(&home).unwrap();
        fs::write(home.join("credentials"), KEYS).unwrap();
    }
    uploads(&host, aws);
    host
}

/// The backup into the bucket by the real AWS command line; the host gets the same one, and a way to the bucket.
fn uploads(host: &Host, aws: &Aws) {
    let program = lab("bin/aws").display().to_string();
    let mut sync = Command::new(&program);
    sync.args([
        "s3",
        "sync",
        "--only-show-errors",
        &host.path("backup"),
        "s3://harbour-backups/full",
    ]);
    let keys = [
        ("AWS_ACCESS_KEY_ID", "lab"),
        ("AWS_SECRET_ACCESS_KEY", "lab"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", aws.fact("endpoint")),
    ];
    let done = sync.envs(keys).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    std::os::unix::fs::symlink(program, host.file("bin/aws")).unwrap();
    let stored = aws.boto(
        "s3",
        "list_objects_v2",
        &json!({ "Bucket": "harbour-backups", "Prefix": "full/" }),
    );
    assert!(stored["KeyCount"].as_u64().unwrap() > 5, "{stored}");
}

/// A tunnel, by which the host reaches the AWS lab where this machine does: at its own loopback.
fn tunnel(host: &Host, aws: &Aws) -> Server {
    let port = aws.fact("endpoint").rsplit(':').next().unwrap().to_owned();
    let args = [
        "-N",
        "-o",
        "BatchMode=yes",
        "-o",
        "ExitOnForwardFailure=yes",
        "-R",
    ]
    .map(str::to_owned);
    let mut args = args.to_vec();
    args.extend([
        format!("{port}:127.0.0.1:{port}"),
        "compose-host".to_owned(),
    ]);
    let tunnel = Server::launch(&host.path("bin/ssh"), &args);
    host.hands().run(&format!(
        "for try in $(seq 100); do if (: <>/dev/tcp/127.0.0.1/{port}) 2>/dev/null; then exit 0; fi; sleep 0.1; done; exit 1"
    ));
    tunnel
}

/// What the site file says beside the shop.
fn targets(host: &mut Host, aws: &Aws) {
    let endpoint = aws.fact("endpoint");
    host.targets();
    host.target(
        "store",
        &format!("system = \"s3\"\nbucket = \"harbour-backups\"\nprefix = \"full/\"\naws_region = \"us-east-1\"\nendpoint = \"{endpoint}\""),
    );
    host.site("\n[backups.full]\nof = \"store\"\nyounger = \"25h\"\n");
    let key = host.home.path("login.secret").display().to_string();
    let url = format!("http://{}/login", host.address(2));
    host.target(
        "login",
        &format!("system = \"http\"\nurl = \"{url}\"\nbearer = {{ file = \"{key}\" }}"),
    );
    host.prometheus(&[
        ("errors", "sum(rate(http_requests_total{code=~\"5..\"}[20s])) / sum(rate(http_requests_total[20s]))"),
        ("jobs", "time() - job_last_success_timestamp_seconds"),
    ]);
}

/// Walks the whole way, with Redis restored from `source`, and gives the host.
fn walk(source: &str, step: &str) -> Host {
    let aws = Aws::up();
    let mut host = after_a_loss(&aws);
    let _tunnel = tunnel(&host, &aws);
    targets(&mut host, &aws);
    host.hurries("new-host", &[("for = \"30m\"", "for = \"5s\"")]);
    host.names()(&[
        ("payments.example", 10),
        ("git.shop.example", 5),
        ("shop.example", 200),
    ]);
    let (address, net) = (host.address(2), |last| host.address(last));
    let resolvers = format!("{} {}", net(53), net(54));
    let repository = format!("ssh://git.shop.example{}", host.path("git/shop.git"));
    let (checkout, backups) = (host.path("srv/shop"), host.path("downloaded"));
    let smoke = host.path("srv/shop/smoke");
    let values = [
        ("HOST", "compose-host"),
        ("ADDRESS", address.as_str()),
        ("REPOSITORY", &repository),
        ("RELEASE", "v1"),
        ("CHECKOUT", &checkout),
        ("FOLDER", &checkout),
        ("BACKUPS", &backups),
        ("SOURCE", "s3://harbour-backups/full"),
        ("STORE", "store"),
        ("BACKUP", "full"),
        ("DB", "db"),
        ("CACHE", "cache"),
        ("PROVIDER", "payments.example"),
        ("NAME", "shop.example"),
        ("RESOLVERS", &resolvers),
        ("SMOKE", &smoke),
        ("PUBLIC", "shop"),
        ("ERRORS", "errors"),
    ];
    let names = host.names();
    host.walker().by_hand(move |step, item| {
        if (step, item) == ("cutover", 2) {
            names(&[("payments.example", 10), ("shop.example", 2)]);
        }
    });
    let baseline = host.path("counts.json");
    fs::write(
        &baseline,
        json!({ "public.customers": 40, "public.profiles": 40 }).to_string(),
    )
    .unwrap();
    let moment = (chrono::Utc::now() - chrono::TimeDelta::minutes(30))
        .format("%FT%TZ")
        .to_string();
    let socket = format!("https://{address}/socket");
    let verified = [
        ("DB", "pg"),
        ("BASELINE", baseline.as_str()),
        ("TABLE", "customers"),
        ("TIME_COLUMN", "created_at"),
        ("RECOVERED_TO", &moment),
        ("LOGIN", "login"),
        ("API", "shop"),
        ("SOCKET", &socket),
        ("JOBS", "jobs"),
        ("JOB_INTERVAL", "3600"),
    ];
    host.gives("data-verification", &verified);
    let ways = [("time", "ok"), ("source", "S3"), ("cache-source", source)];
    let walked = host.walks("new-host", &values, &ways);
    let way = [
        "time",
        "old-host",
        "prerequisites",
        "clone",
        "source",
        "download-s3",
        "sums",
        "configuration",
        "settings",
        "start-database",
        "restore-database",
        "erased",
        "cache-source",
        step,
        "start-cache",
        "start",
        "smoke",
        "data",
        "cutover",
        "monitor",
        "after",
    ];
    assert_eq!(walked.steps("new-host"), way);
    let proofs = ["counts", "recent", "login", "api", "socket", "jobs", "said"];
    assert_eq!(walked.steps("data-verification"), proofs);
    host
}

/// The shop serves on the new host, with what it had.
fn serves(host: &Host) {
    assert_eq!(
        host.sql("SELECT count(*), max(name) FROM customers"),
        "40|Customer 9"
    );
    assert_eq!(host.redis(&["GET", "session:1"]), "ana");
    assert_eq!(host.status(&["--request", "POST"], "/order"), "201");
    let mut dig = Command::new("dig");
    let found = dig
        .args(["+short", &format!("@{}", host.address(54)), "shop.example"])
        .output()
        .unwrap();
    assert_eq!(
        String::from_utf8(found.stdout).unwrap().trim(),
        host.address(2)
    );
    let settings = host
        .hands()
        .run(&format!("stat --format=%a {}", host.path("srv/shop/.env")));
    assert_eq!(settings, "600");
}

#[test]
fn a_lost_host_is_made_anew_with_the_append_only_files_of_its_cache() {
    let host = walk("Append-only files", "cache-aof");
    serves(&host);
}

#[test]
fn a_lost_host_is_made_anew_with_a_dump_of_its_cache() {
    let host = walk("A dump, RDB", "cache-rdb");
    serves(&host);
}
