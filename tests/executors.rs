//! Executors against real services: what arrives, what stops, what is unknown.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use secrecy::SecretString;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use warroom::incident::names::TargetId;
use warroom::incident::reading::{Holds, Outcome};
use warroom::incident::redact::Redactor;
use warroom::incident::runbook::{Code, Expect, Shell, Vars};
use warroom::incident::site::{
    Endpoint, KubeEndpoint, PgEndpoint, RedisEndpoint, SecretRef, Site, Target, Tls,
};
use warroom::world::Systems;
use warroom::world::exec::env::{Scratch, tools};
use warroom::world::exec::sink::Sink;
use warroom::world::exec::{self, Context, Group, Ran};

const NASTY: &str = "x'; DROP TABLE customers; -- \" $$ \\ :N";

/// A lab of real services, taken down with the test.
struct Lab {
    dir: PathBuf,
    folder: TempDir,
}

impl Lab {
    fn up() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The servers run as another user, who must be able to come through.
        let open = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let dir = folder.path().join("lab");
        lab(&["up", dir.to_str().unwrap()]);
        Self { dir, folder }
    }

    fn port(&self, target: &str) -> u16 {
        let text = std::fs::read_to_string(self.dir.join("site.toml")).unwrap();
        let site: toml::Table = text.parse().unwrap();
        let port = site["targets"][target]["port"].as_integer().unwrap();
        port.try_into().unwrap()
    }

    fn secret(&self, name: &str) -> Option<SecretRef> {
        Some(SecretRef::File(self.dir.join("secrets").join(name)))
    }

    fn site(&self) -> Site {
        let pg = Endpoint::Postgres(PgEndpoint {
            host: "127.0.0.1".into(),
            port: self.port("pg-east"),
            user: "app".into(),
            dbname: "app".into(),
            password: self.secret("pg-app"),
            tls: Tls::Off,
            heartbeat: None,
        });
        let redis = Endpoint::Redis(RedisEndpoint {
            host: "127.0.0.1".into(),
            port: self.port("redis-east"),
            user: None,
            password: self.secret("redis"),
            db: 0,
            tls: Tls::Off,
        });
        site(vec![target("pg", pg), target("redis", redis)])
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        lab(&["down", self.dir.to_str().unwrap(), "--rm"]);
        assert!(self.folder.path().exists());
    }
}

fn lab(args: &[&str]) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
    let output = Command::new(program).args(args).output().unwrap();
    assert!(output.status.success(), "lab {args:?}: {output:?}");
}

fn target(id: &str, endpoint: Endpoint) -> Target {
    Target {
        id: TargetId::from(id),
        region: None,
        endpoint,
        interval: Duration::from_secs(5),
        timeout: Duration::from_secs(5),
        failures: 3,
        fence: None,
        env: BTreeMap::new(),
        drill: false,
    }
}

fn site(targets: Vec<Target>) -> Site {
    Site {
        name: "lab".into(),
        targets,
        ..Site::empty()
    }
}

fn vars() -> Vars {
    let pairs = [("N", "7"), ("V", NASTY), ("T", "odd \"name")];
    pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// Runs a fence; also gives what its evidence says.
async fn run(site: &Site, code: Code, expect: Option<Expect>) -> (Ran, String) {
    run_with(site, code, expect, &[]).await
}

async fn run_with(
    site: &Site,
    code: Code,
    expect: Option<Expect>,
    with: &[TargetId],
) -> (Ran, String) {
    let folder = tempfile::tempdir().unwrap();
    let tools = tools(with, site).await.unwrap();
    let known: Vec<SecretString> = tools.secret.values().cloned().collect();
    let sink = Sink::create(&folder.path().join("output"), Redactor::new(known)).unwrap();
    let cx = Context {
        site,
        systems: &Systems::default(),
        vars: &vars(),
        secrets: &BTreeMap::new(),
        tools: &tools,
        scratch: &Scratch::default(),
        evidence: folder.path(),
        sink: &sink,
        group: &Group::default(),
    };
    let ran = exec::run(&cx, &code, expect.as_ref()).await;
    sink.finish().unwrap();
    let output = std::fs::read_to_string(folder.path().join("output")).unwrap();
    (ran, output)
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done { .. } => "done",
        Outcome::Failed { .. } => "failed",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Refused { .. } => "refused",
    }
}

#[tokio::test]
async fn sql_takes_values_literally_stops_at_an_error_and_knows_what_it_does_not_know() {
    let lab = Lab::up();
    let site = lab.site();
    let sql = |text: &str, tx| Code::Sql {
        on: TargetId::from("pg"),
        text: text.to_owned(),
        tx,
    };
    // In order: later statements see what earlier ones left.
    for (text, tx, expect, end, output) in [
        ("SELECT :V", false, None, "done", NASTY),
        (
            "SELECT count(*) > 0 FROM customers",
            false,
            Some("t"),
            "done",
            "t",
        ),
        ("SELECT :N::int + 1", false, Some("8"), "done", "8"),
        ("SELECT NULL", false, Some("t"), "failed", "NULL"),
        ("SELECT 1 WHERE false", false, Some("t"), "failed", ""),
        (
            "CREATE TABLE kept (a int); SELECT 1/0; CREATE TABLE not_reached (a int)",
            false,
            None,
            "failed",
            "",
        ),
        (
            "SELECT to_regclass('kept') IS NOT NULL AND to_regclass('not_reached') IS NULL",
            false,
            Some("t"),
            "done",
            "t",
        ),
        (
            "CREATE TABLE \"undone\" (a int); SELECT 1/0",
            true,
            None,
            "failed",
            "",
        ),
        (
            "SELECT to_regclass('undone') IS NULL",
            false,
            Some("t"),
            "done",
            "t",
        ),
        (
            "CREATE TABLE :\"T\" (a text); INSERT INTO :\"T\" VALUES (:V)",
            true,
            None,
            "done",
            "",
        ),
        ("SELECT a FROM :\"T\"", false, None, "done", NASTY),
        (
            "SELECT pg_terminate_backend(pg_backend_pid())",
            false,
            None,
            "unknown",
            "t",
        ),
        ("select PG_PROMOTE ()", false, None, "refused", ""),
        ("VACUUM :N", false, None, "failed", ""),
    ] {
        let expect = expect.map(|value: &str| Expect::Equals(value.into()));
        let (ran, evidence) = run(&site, sql(text, tx), expect).await;
        assert_eq!(
            word(&ran.outcome),
            end,
            "{text}: {:?}\n{evidence}",
            ran.outcome
        );
        assert_eq!(ran.output, output, "{text}");
    }
    let (_, evidence) = run(&site, sql("VALUES ('a', 1), ('bbb', 22)", false), None).await;
    assert_eq!(
        evidence,
        "column1 | column2\na       | 1\nbbb     | 22\n(2 rows)\n"
    );
}

#[tokio::test]
async fn a_check_can_look_and_change_nothing() {
    let lab = Lab::up();
    let site = lab.site();
    for (text, holds) in [
        ("SELECT :V IS NOT NULL", Holds::Yes),
        ("SELECT false", Holds::No),
        ("SELECT NULL", Holds::No),
        (
            "WITH x AS (DELETE FROM customers RETURNING 1) SELECT true FROM x",
            Holds::Unknown,
        ),
        ("COMMIT; DELETE FROM customers", Holds::Unknown),
        (
            "SELECT set_config('transaction_read_only', 'off', false); SELECT true",
            Holds::Unknown,
        ),
        ("SELECT pg_sleep(60)", Holds::Unknown),
    ] {
        let code = Code::Sql {
            on: TargetId::from("pg"),
            text: text.into(),
            tx: false,
        };
        let expect = Expect::Equals("t".into());
        let verdict = exec::check(&site, &vars(), &code, Some(&expect))
            .await
            .unwrap();
        assert_eq!(verdict.holds, holds, "{text}: {}", verdict.saw);
    }
    let shell = Code::Shell {
        shell: Shell::Sh,
        script: "true".into(),
        host: None,
    };
    assert_eq!(exec::check(&site, &vars(), &shell, None).await, None);
}

#[tokio::test]
async fn redis_takes_a_variable_as_one_argument_and_stops_at_an_error_reply() {
    let lab = Lab::up();
    let site = lab.site();
    for (text, end, output) in [
        ("SET k $V\nGET k", "done", NASTY),
        ("SET a 1\nINCR k\nSET b 1", "failed", "OK"),
        ("EXISTS a b", "done", "1"),
        ("GET none", "done", "NULL"),
        (
            "RPUSH l 1 'two words'\nLRANGE l 0 -1",
            "done",
            "1\ntwo words",
        ),
        ("GET $NOT_SET", "failed", ""),
    ] {
        let code = Code::Redis {
            on: TargetId::from("redis"),
            text: text.into(),
        };
        let (ran, evidence) = run(&site, code, None).await;
        assert_eq!(
            word(&ran.outcome),
            end,
            "{text}: {:?}\n{evidence}",
            ran.outcome
        );
        assert_eq!(ran.output, output, "{text}");
    }
}

#[tokio::test]
async fn a_redis_command_whose_reply_is_lost_is_unknown() {
    let lab = Lab::up();
    let code = Code::Redis {
        on: TargetId::from("redis"),
        text: "SET lost 1\nSHUTDOWN NOSAVE".into(),
    };
    let (ran, _) = run(&lab.site(), code, None).await;
    assert_eq!(word(&ran.outcome), "unknown", "{:?}", ran.outcome);
}

#[tokio::test]
async fn a_shell_gets_the_targets_it_was_given_and_their_passwords_off_the_record() {
    let lab = Lab::up();
    let site = lab.site();
    let script = "psql -XAtc 'select current_user'\nredis-cli -h $REDIS_HOST -p $REDIS_PORT ping\nstat -c %a $PGPASSFILE\ncat $PGPASSFILE\nenv | grep -c PGPASSWORD || true";
    let code = Code::Shell {
        shell: Shell::Bash,
        script: script.into(),
        host: None,
    };
    let with = [TargetId::from("pg"), TargetId::from("redis")];
    let (ran, evidence) = run_with(&site, code, None, &with).await;
    assert_eq!(word(&ran.outcome), "done", "{:?}\n{evidence}", ran.outcome);
    let lines: Vec<_> = evidence.lines().collect();
    assert_eq!(lines[..3], ["app", "PONG", "600"]);
    assert!(lines[3].ends_with(":app:[redacted]"), "{}", lines[3]);
    assert_eq!(lines[4], "0");
}

/// A server that counts requests and answers each with `answer`, or hangs up.
async fn counting(answer: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/act", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    (url, count)
}

#[tokio::test]
async fn http_sends_one_request_and_a_lost_answer_to_a_change_is_unknown() {
    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"ok\": \"yes\"}";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
    const GONE: &str = "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n";
    const MOVED: &str = "HTTP/1.1 307 Moved\r\nLocation: /act\r\nContent-Length: 0\r\n\r\n";
    let json = || Expect::Json {
        path: "$.ok".into(),
        equals: "yes".into(),
    };
    for (method, answer, expect, end) in [
        ("POST", OK, None, "done"),
        ("GET", OK, Some(json()), "done"),
        ("POST", BUSY, None, "unknown"),
        ("POST", GONE, None, "failed"),
        ("GET", BUSY, None, "failed"),
        ("POST", BUSY, Some(Expect::Contains("busy".into())), "done"),
        ("POST", MOVED, None, "failed"),
        ("POST", "", None, "unknown"),
        (
            "DELETE",
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort",
            None,
            "unknown",
        ),
        ("GET", "", None, "failed"),
    ] {
        let (url, count) = counting(answer).await;
        let text = format!("{method} {url}?v={{{{V}}}}\n");
        let (ran, _) = run(&site(Vec::new()), Code::Http { text }, expect).await;
        assert_eq!(
            word(&ran.outcome),
            end,
            "{method} {answer:?}: {:?}",
            ran.outcome
        );
        assert_eq!(count.load(Ordering::SeqCst), 1, "{method} {answer:?}");
    }
    // Nothing listens: it was never sent.
    let text = "POST http://127.0.0.1:1/\n".to_owned();
    let (ran, _) = run(&site(Vec::new()), Code::Http { text }, None).await;
    assert_eq!(word(&ran.outcome), "failed");
}

#[tokio::test]
async fn a_host_that_ssh_can_not_reach_leaves_unknown_and_an_option_is_no_host() {
    for (host, end) in [
        ("warroom.invalid", "unknown"),
        ("-oProxyCommand=true", "failed"),
    ] {
        let code = Code::Shell {
            shell: Shell::Bash,
            script: "true".into(),
            host: Some(host.into()),
        };
        let (ran, _) = run(&site(Vec::new()), code, None).await;
        assert_eq!(word(&ran.outcome), end, "{host}: {:?}", ran.outcome);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_knows_the_one_context_of_kubernetes_that_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let two = r#"{"apiVersion": "v1", "kind": "Config", "current-context": "west",
        "clusters": [{"name": "e", "cluster": {"server": "https://e:6443"}}, {"name": "w", "cluster": {"server": "https://w:6443"}}],
        "users": [{"name": "ue", "user": {"token": "east-token"}}, {"name": "uw", "user": {"token": "west-token"}}],
        "contexts": [{"name": "east", "context": {"cluster": "e", "user": "ue"}},
            {"name": "west", "context": {"cluster": "w", "user": "uw"}}]}"#;
    std::fs::write(&config, two).unwrap();
    let kube = |context: &str| {
        Endpoint::Kube(KubeEndpoint {
            context: context.into(),
            kubeconfig: Some(config.clone()),
            namespace: "shop".into(),
            workload: Some("deployment/web".into()),
        })
    };
    let site = site(vec![
        target("web", kube("east")),
        target("gone", kube("north")),
    ]);
    let given = tools(&["web".into()], &site).await.unwrap();
    let scratch = Scratch::default();
    let local = given.local(&scratch).unwrap();
    let path = secrecy::ExposeSecret::expose_secret(&local["KUBECONFIG"]).to_owned();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let narrowed: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(narrowed["current-context"], "east");
    assert_eq!(narrowed["contexts"][0]["context"]["namespace"], "shop");
    let text = narrowed.to_string();
    assert!(
        text.contains("east-token") && text.contains("https://e:6443"),
        "{text}"
    );
    assert!(
        !text.contains("west-token") && !text.contains("https://w:6443"),
        "{text}"
    );
    drop(scratch);
    assert!(!Path::new(&path).exists(), "the login is left behind");
    let failure = tools(&["gone".into()], &site).await.unwrap_err();
    assert!(
        failure.to_string().contains("no context north"),
        "{failure}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_workloads_in_one_cluster_a_shell_is_told_the_cluster() {
    let kube = |workload: &str| {
        Endpoint::Kube(KubeEndpoint {
            context: "in-cluster".into(),
            kubeconfig: None,
            namespace: "shop".into(),
            workload: Some(workload.into()),
        })
    };
    let site = site(vec![
        target("web", kube("deployment/web")),
        target("jobs", kube("deployment/jobs")),
    ]);
    let one = tools(&["web".into()], &site).await.unwrap();
    assert_eq!(one.plain["KUBE_WORKLOAD"], "deployment/web");
    let both = tools(&["web".into(), "jobs".into()], &site).await.unwrap();
    assert_eq!(both.plain["KUBE_NAMESPACE"], "shop");
    assert!(
        !both.plain.contains_key("KUBE_WORKLOAD"),
        "{:?}",
        both.plain
    );
}
