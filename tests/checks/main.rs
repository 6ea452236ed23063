//! What is only looked at, against the real thing: ports, certificates, resolvers, Prometheus, Alertmanager, etcd, programs, and
//! keepers of backups. Vault and the Docker engine can't be had here: what answers for them is a few lines of HTTP.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "../common/again.rs"]
mod again;
mod fakes;
mod keepers;
#[path = "../common/server.rs"]
mod server;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use CheckState::{Breach, Fine, Watch};
use chrono::Utc;
use serde_json::{Value, json};
use server::{Server, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use warroom::incident::acts::check::{CheckSight, CheckState};
use warroom::incident::acts::files::{FilesSight, Proof};
use warroom::incident::reading::{Failure, FailureKind, Sight};
use warroom::incident::sitefile;
use warroom::systems::registry;

/// One look at a target that the site file describes so.
async fn see(target: &str) -> Result<Sight, Failure> {
    let patience = match target.contains("timeout = ") {
        true => "",
        false => "timeout = \"3s\"\n",
    };
    let text = format!("name = \"x\"\n[targets.x]\n{patience}{target}\n");
    let (site, faults) = sitefile::parse("site.toml", &text, Path::new("/"));
    let site = site.unwrap_or_else(|| panic!("{target}: {faults:#?}"));
    registry::open(&site)
        .remove(&"x".into())
        .unwrap()
        .observe()
        .await
        .value
}

async fn check(target: &str) -> CheckSight {
    match see(target).await {
        Ok(Sight::Check(check)) => check,
        other => panic!("{target}: {other:?}"),
    }
}

async fn backups(target: &str) -> FilesSight {
    match see(target).await {
        Ok(Sight::Files(files)) => files,
        other => panic!("{target}: {other:?}"),
    }
}

async fn failure(target: &str) -> Failure {
    match see(target).await {
        Err(failure) => failure,
        other => panic!("{target}: {other:?}"),
    }
}

/// Looks until it is as it should be: a server that has just started may need a moment.
async fn settled(target: &str, wanted: impl Fn(&CheckSight) -> bool) -> CheckSight {
    for _ in 0..100 {
        if let Ok(Sight::Check(check)) = see(target).await
            && wanted(&check)
        {
            return check;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{target}: {:?}", see(target).await)
}

/// Runs a program, which must succeed.
fn run(program: &str, args: &[&str], folder: &Path) -> String {
    let done = Command::new(program)
        .args(args)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        done.status.success(),
        "{program} {args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8_lossy(&done.stdout).into_owned()
}

#[tokio::test]
async fn a_port_is_open_refused_or_silent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = |port| format!("system = \"tcp\"\nhost = \"127.0.0.1\"\nport = {port}");
    assert_eq!(check(&target(port)).await.state, Fine);
    assert_eq!(
        failure(&target(free_port())).await.kind,
        FailureKind::Refused
    );
}

/// A certificate authority and a certificate for `localhost` good for so many days each, made by openssl.
fn certificates(folder: &Path, days: &[&str]) {
    let openssl = |args: &[&str]| run("openssl", args, folder);
    let new = [
        "req",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ];
    let own = [
        "-x509", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650", "-subj", "/CN=lab",
    ];
    openssl(&[&new[..], &own[..]].concat());
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    for days in days {
        let file = |ending: &str| format!("{days}.{ending}");
        let (key, csr, pem) = (file("key"), file("csr"), file("pem"));
        openssl(
            &[
                &new[..],
                &["-keyout", &key, "-out", &csr, "-subj", "/CN=localhost"],
            ]
            .concat(),
        );
        let sign = [
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-extfile",
            "names",
        ];
        openssl(
            &[
                &["x509", "-req", "-in", &csr, "-out", &pem, "-days", days],
                &sign[..],
            ]
            .concat(),
        );
    }
}

/// Serves TLS with a certificate of the folder, for one connection after the other; gives its port.
async fn serve_tls(folder: &Path, days: &str) -> u16 {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let file = |ending: &str| folder.join(format!("{days}.{ending}"));
    let chain = vec![CertificateDer::from_pem_file(file("pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(chain, key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}

#[test]
fn a_certificate_is_judged_by_the_days_it_has_left() {
    // Only the process that makes them has a use for the folder; the other one finds it in its environment.
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), &["3", "20", "300"]);
    let ca = folder.path().join("ca.pem");
    let env = [
        ("SSL_CERT_FILE", ca.as_path()),
        ("CERTIFICATES", folder.path()),
    ];
    again::with_env(
        "a_certificate_is_judged_by_the_days_it_has_left",
        &env,
        async {
            let folder = std::env::var_os("CERTIFICATES").unwrap();
            let folder = Path::new(&folder);
            let target = |port: u16, host: &str| {
                format!("system = \"tls\"\nhost = \"{host}\"\nport = {port}")
            };
            for (days, state) in [("3", Breach), ("20", Watch), ("300", Fine)] {
                let port = serve_tls(folder, days).await;
                let seen = check(&target(port, "localhost")).await;
                assert_eq!(seen.state, state, "{seen:?}");
                assert!(seen.words.as_str().starts_with("expires in"), "{seen:?}");
                // Made for another name.
                assert_eq!(
                    failure(&target(port, "127.0.0.1")).await.kind,
                    FailureKind::Tls
                );
            }
            // Nobody this machine trusts has signed it.
            let stranger = tempfile::tempdir().unwrap();
            certificates(stranger.path(), &["300"]);
            let port = serve_tls(stranger.path(), "300").await;
            assert_eq!(
                failure(&target(port, "localhost")).await.kind,
                FailureKind::Tls
            );
            // A port that speaks something else.
            let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = plain.local_addr().unwrap().port();
            tokio::spawn(async move {
                let (mut stream, _) = plain.accept().await.unwrap();
                stream.write_all(b"220 mail ready\r\n").await.unwrap();
            });
            assert_eq!(
                failure(&target(port, "localhost")).await.kind,
                FailureKind::Tls
            );
        },
    );
}

#[tokio::test]
async fn a_programs_exit_is_its_verdict_and_its_first_line_says_why() {
    let target =
        |script: &str| format!("system = \"command\"\nrun = [\"sh\", \"-c\", \"{script}\"]");
    let fine = check(&target("echo 'RAID fine|disks=4'; echo more")).await;
    assert_eq!((fine.state, fine.words.as_str()), (Fine, "RAID fine"));
    assert_eq!(
        check(&target("echo one disk left; exit 1")).await.state,
        Watch
    );
    assert_eq!(check(&target("exit 2")).await.state, Breach);
    for script in ["echo what; exit 3", "kill -9 $$"] {
        assert_eq!(
            failure(&target(script)).await.kind,
            FailureKind::BadAnswer,
            "{script}"
        );
    }
    assert_eq!(
        failure(&target("sleep 60")).await.kind,
        FailureKind::TimedOut
    );
    let absent = failure("system = \"command\"\nrun = [\"/no/such/program\"]").await;
    assert!(absent.to_string().contains("is it installed"), "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn resolvers_are_asked_one_by_one_and_must_agree() {
    let dns = |address: &str, ttl: u32| {
        let port = free_port();
        let args = [
            "--no-daemon",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
            "--listen-address=127.0.0.1",
            "--bind-interfaces",
        ];
        let own = [
            format!("--port={port}"),
            format!("--host-record=www.harbour.test,{address}"),
            format!("--local-ttl={ttl}"),
        ];
        let args: Vec<String> = args.iter().map(ToString::to_string).chain(own).collect();
        (
            Server::start("/usr/sbin/dnsmasq", &args, port),
            format!("127.0.0.1:{port}"),
        )
    };
    let (_one, east) = dns("192.0.2.1", 30);
    let (mut other, west) = dns("198.51.100.1", 600);
    let target = |resolvers: &[&str], more: &str| {
        format!("system = \"dns\"\nname = \"www.harbour.test\"\nresolvers = {resolvers:?}\n{more}")
    };
    let alone = check(&target(&[&east], "ttl_under = \"60s\"")).await;
    assert_eq!((alone.state, alone.value), (Fine, Some(30.0)), "{alone:?}");
    assert!(alone.words.as_str().starts_with("192.0.2.1"), "{alone:?}");
    assert_eq!(
        check(&target(&[&west], "ttl_under = \"60s\"")).await.state,
        Watch
    );
    let both = check(&target(&[&east, &west], "")).await;
    assert_eq!(
        (both.state, both.words.as_str()),
        (Watch, "resolvers disagree")
    );
    let moved = check(&target(&[&east, &west], "points_to = [\"192.0.2.1\"]")).await;
    assert_eq!(moved.state, Breach);
    assert!(
        moved.words.as_str().ends_with("leads to 198.51.100.1"),
        "{moved:?}"
    );
    other.kill();
    let half = check(&target(&[&east, &west], "")).await;
    assert_eq!(
        (half.state, half.words.as_str()),
        (Watch, "1 of 2 resolvers are silent")
    );
    assert_eq!(
        failure(&target(&[&west], "")).await.kind,
        FailureKind::Unreachable
    );
    let absent = target(&[&east], "").replace("www.harbour", "nothing.harbour");
    assert_eq!(failure(&absent).await.kind, FailureKind::Unreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_held_against_its_limits_and_no_data_is_no_answer() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = folder.path().join("prometheus.yml");
    let scrape = format!(
        "scrape_configs:\n- job_name: self\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:{port}']\n"
    );
    fs::write(&config, scrape).unwrap();
    let args = [
        format!("--config.file={}", config.display()),
        format!(
            "--storage.tsdb.path={}",
            folder.path().join("data").display()
        ),
        format!("--web.listen-address=127.0.0.1:{port}"),
    ];
    let _prometheus = Server::start("prometheus", &args, port);
    let target = |query: &str, limits: &str| {
        format!(
            "system = \"prometheus\"\nurl = \"http://127.0.0.1:{port}\"\nquery = '{query}'\n{limits}"
        )
    };
    settled(&target("up", "breach = \"< 1\""), |check| {
        check.state == Fine
    })
    .await;
    let limits = "watch = \"> 0.005\"\nbreach = \"> 0.01\"";
    assert_eq!(check(&target("vector(0.001)", limits)).await.state, Fine);
    assert_eq!(
        check(&target("scalar(vector(0.007))", limits)).await.state,
        Watch
    );
    let wrong = check(&target("vector(0.25)", limits)).await;
    assert_eq!((wrong.state, wrong.value), (Breach, Some(0.25)));
    assert_eq!(wrong.words.as_str(), "0.2500 > 0.01");
    // Of several series the worst counts, on the side of the limit.
    let several = check(&target(
        "label_replace(vector(5), \"a\", \"b\", \"\", \"\") or vector(1)",
        "breach = \"< 3\"",
    ))
    .await;
    assert_eq!((several.state, several.value), (Breach, Some(1.0)));
    assert_eq!(
        failure(&target("absent_metric", limits)).await.kind,
        FailureKind::Missing
    );
    assert_eq!(
        failure(&target("vector(0)/vector(0)", limits)).await.kind,
        FailureKind::Missing
    );
    let wrong = failure(&target("sum(", limits)).await;
    assert_eq!(wrong.kind, FailureKind::BadAnswer);
    assert!(wrong.to_string().contains("parse error"), "{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_count_when_they_are_active_and_nobody_silenced_them() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let config = folder.path().join("alertmanager.yml");
    fs::write(
        &config,
        "route:\n  receiver: none\nreceivers:\n- name: none\n",
    )
    .unwrap();
    let args = [
        format!("--config.file={}", config.display()),
        format!("--storage.path={}", folder.path().display()),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
    ];
    let _alertmanager = Server::start("prometheus-alertmanager", &args, port);
    let url = format!("http://127.0.0.1:{port}");
    let target = |more: &str| format!("system = \"alertmanager\"\nurl = \"{url}\"\n{more}");
    let post = |path: &str, body: Value| {
        let request = reqwest::Client::new()
            .post(format!("{url}{path}"))
            .json(&body)
            .send();
        async move { request.await.unwrap().error_for_status().unwrap() }
    };
    let quiet = settled(&target(""), |_| true).await;
    assert_eq!((quiet.state, quiet.words.as_str()), (Fine, "no alerts"));
    let alert = |name: &str, severity: &str, minutes: i64| {
        let since = Utc::now() - chrono::TimeDelta::minutes(minutes);
        json!({ "labels": { "alertname": name, "severity": severity, "team": "db" }, "startsAt": since.to_rfc3339() })
    };
    post(
        "/api/v2/alerts",
        json!([alert("DiskFilling", "warning", 5)]),
    )
    .await;
    let one = settled(&target(""), |check| check.value == Some(1.0)).await;
    assert_eq!(
        (one.state, one.words.as_str()),
        (Watch, "1 alert: DiskFilling")
    );
    post(
        "/api/v2/alerts",
        json!([
            alert("PrimaryDown", "critical", 30),
            alert("ReplicaLag", "critical", 2)
        ]),
    )
    .await;
    let all = settled(&target(""), |check| check.value == Some(3.0)).await;
    assert_eq!(
        (all.state, all.words.as_str()),
        (Breach, "2 of 3 critical: PrimaryDown")
    );
    assert_eq!(
        check(&target("filter = [\"team=\\\"web\\\"\"]"))
            .await
            .state,
        Fine
    );
    let silence = json!({
        "matchers": [{ "name": "severity", "value": "critical", "isRegex": false }],
        "startsAt": Utc::now().to_rfc3339(), "endsAt": (Utc::now() + chrono::TimeDelta::hours(1)).to_rfc3339(),
        "createdBy": "ana", "comment": "known",
    });
    post("/api/v2/silences", silence).await;
    let silenced = settled(&target(""), |check| check.value == Some(1.0)).await;
    assert_eq!(silenced.state, Watch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_without_quorum_is_wrong_and_one_member_less_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let ports: Vec<(u16, u16)> = (0..3).map(|_| (free_port(), free_port())).collect();
    let url = |port: u16| format!("http://127.0.0.1:{port}");
    let cluster: Vec<String> = ports
        .iter()
        .enumerate()
        .map(|(n, (_, peer))| format!("m{n}={}", url(*peer)))
        .collect();
    let start = |n: usize| {
        let (client, peer) = ports[n];
        let args = [
            format!("--name=m{n}"),
            format!(
                "--data-dir={}",
                folder.path().join(format!("m{n}")).display()
            ),
            format!("--listen-client-urls={}", url(client)),
            format!("--advertise-client-urls={}", url(client)),
            format!("--listen-peer-urls={}", url(peer)),
            format!("--initial-advertise-peer-urls={}", url(peer)),
            format!("--initial-cluster={}", cluster.join(",")),
        ];
        Server::start("etcd", &args, client)
    };
    let starts: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3).map(|n| scope.spawn(move || start(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let mut members: Vec<Server> = starts;
    let urls: Vec<String> = ports.iter().map(|(client, _)| url(*client)).collect();
    let target = format!("system = \"etcd\"\nmembers = {urls:?}");
    let whole = settled(&target, |check| check.state == Fine).await;
    assert_eq!(whole.words.as_str(), "3 of 3 members");
    // A frozen member takes connections and answers nothing.
    members[0].signal("STOP");
    let two = settled(&target, |check| check.state == Watch).await;
    assert_eq!(two.words.as_str(), "2 of 3 members, quorum holds");
    members[1].kill();
    let one = settled(&target, |check| check.state == Breach).await;
    assert!(
        one.words.as_str().starts_with("1 of 3 members, no quorum"),
        "{one:?}"
    );
    members[2].kill();
    members[0].kill();
    assert_eq!(failure(&target).await.kind, FailureKind::Refused);
}
