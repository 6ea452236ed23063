//! Keepers of backups as they are, whole and harmed, and a pooler of connections.

use super::*;

#[tokio::test]
async fn the_last_commit_and_the_last_success_are_backups_too() {
    let folder = tempfile::tempdir().unwrap();
    let git = |args: &[&str]| run("git", args, folder.path());
    git(&["init", "-q", "-b", "main"]);
    let target = format!(
        "system = \"git\"\npath = \"{}\"\nbranch = \"main\"",
        folder.path().display()
    );
    assert_eq!(failure(&target).await.kind, FailureKind::BadAnswer);
    fs::write(folder.path().join("app.env"), "A=1\n").unwrap();
    git(&["add", "."]);
    let commit = [
        "-c",
        "user.name=ana",
        "-c",
        "user.email=ana@example.net",
        "commit",
        "-qm",
        "one",
        "--date=2020-01-01T00:00:00Z",
    ];
    git(&commit);
    let seen = backups(&target).await.newest.unwrap();
    // The committer's time: the author may have written it years ago.
    assert!((Utc::now() - seen.at).num_minutes() < 5, "{seen:?}");

    let port = free_port();
    let args = [format!("--web.listen-address=127.0.0.1:{port}")];
    let _gateway = Server::start("prometheus-pushgateway", &args, port);
    let push = |job: &str, text: String| {
        let url = format!("http://127.0.0.1:{port}/metrics/job/{job}");
        async move {
            let request = reqwest::Client::new().post(url).body(text).send();
            request.await.unwrap().error_for_status().unwrap();
        }
    };
    let metric = "backup_last_success_timestamp_seconds";
    let target = |more: &str| {
        format!("system = \"metrics\"\nurl = \"http://127.0.0.1:{port}/metrics\"\n{more}")
    };
    assert_eq!(failure(&target("")).await.kind, FailureKind::Missing);
    push("nightly", format!("{metric} 1.7e9\n")).await;
    push("hourly", format!("{metric} 1.7001e9\n")).await;
    let of = |seen: FilesSight| seen.newest.unwrap().at.timestamp();
    assert_eq!(
        of(backups(&target("labels = { job = \"hourly\" }")).await),
        1_700_100_000
    );
    // Of several jobs the one that has been silent longest counts.
    assert_eq!(of(backups(&target("")).await), 1_700_000_000);
    push("never", format!("{metric} 0\n")).await;
    assert_eq!(
        backups(&target("labels = { job = \"never\" }"))
            .await
            .newest,
        None
    );
}

/// A server with pgBackRest and Barman that goes away with the test.
struct Tools(tempfile::TempDir);

impl Tools {
    fn up() -> Self {
        let tools = Self(tempfile::tempdir().unwrap());
        // The server's own user goes through.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(tools.0.path(), open).unwrap();
        tools.run("up");
        tools
    }

    fn run(&self, command: &str) {
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/tools");
        let done = Command::new(program)
            .arg(self.0.path())
            .arg(command)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(
            done.status.success(),
            "{command}: {said}{}",
            String::from_utf8_lossy(&done.stdout)
        );
    }

    /// A target that asks by a program of the server's own user.
    fn target(&self, system: &str, key: &str, program: &[&str]) -> String {
        let become_it: &[&str] = match rustix::process::geteuid().is_root() {
            true => &["runuser", "-u", "postgres", "--"],
            false => &[],
        };
        let run = [become_it, program].concat();
        format!("system = \"{system}\"\n{key}\nrun = {run:?}")
    }
}

impl Drop for Tools {
    fn drop(&mut self) {
        self.run("down");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn backups_by_pgbackrest_and_barman_are_found_when_they_are_whole() {
    let tools = Tools::up();
    let config = |file: &str| tools.0.path().join(file).display().to_string();
    let pgbackrest = format!("--config={}", config("pgbackrest.conf"));
    let stanza = |name: &str| {
        let key = format!("stanza = \"{name}\"");
        tools.target("pgbackrest", &key, &["pgbackrest", &pgbackrest])
    };
    let barman = config("barman.conf");
    let server = |name: &str| {
        let key = format!("server = \"{name}\"");
        tools.target("barman", &key, &["barman", "-c", &barman])
    };
    let begun = Utc::now() - chrono::TimeDelta::seconds(1);
    for target in [stanza("main"), server("main")] {
        let nothing = backups(&target).await;
        assert_eq!((nothing.newest, nothing.count), (None, 0), "{target}");
    }
    // The tool's exit code says success of a stanza that is not there.
    let absent = failure(&stanza("other")).await;
    assert!(absent.to_string().contains("missing stanza"), "{absent}");
    assert_eq!(failure(&server("other")).await.kind, FailureKind::BadAnswer);
    tools.run("pgbackrest");
    tools.run("barman");
    for target in [stanza("main"), server("main")] {
        let seen = backups(&target).await;
        let newest = seen.newest.unwrap();
        assert_eq!((seen.count, seen.incomplete), (1, 0), "{target}");
        assert!(newest.at >= begun && newest.at <= Utc::now(), "{newest:?}");
        assert!(newest.size.unwrap().0 > 10_000_000, "{newest:?}");
    }
    // A byte of the repository changes: both tools go on to succeed, and only what verify prints tells.
    let verified = format!(
        "{}\nverify = true\ninterval = \"60s\"\ntimeout = \"60s\"",
        stanza("main")
    );
    assert_eq!(backups(&verified).await.proof, Proof::Whole);
    tools.run("harm");
    assert_eq!(backups(&stanza("main")).await.count, 1);
    let Proof::Damaged(why) = backups(&verified).await.proof else {
        panic!("{:?}", backups(&verified).await)
    };
    assert!(
        why.contains("status: invalid") && why.contains("checksum invalid: 1"),
        "{why}"
    );
}

#[tokio::test]
async fn a_pooler_tells_what_is_paused_and_who_waits() {
    let folder = tempfile::tempdir().unwrap();
    let (port, nobody) = (free_port(), free_port());
    // As root it runs as somebody else, who has to read its files.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path(), open).unwrap();
    let users = folder.path().join("users");
    fs::write(&users, "\"boss\" \"b\"\n\"warroom\" \"w\"\n\"app\" \"a\"\n").unwrap();
    let config = folder.path().join("pgbouncer.ini");
    let text = format!(
        "[databases]\napp = host=127.0.0.1 port={nobody} dbname=app\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         auth_type = plain\nauth_file = {}\nadmin_users = boss\nstats_users = warroom\nunix_socket_dir =\n",
        users.display()
    );
    fs::write(&config, text).unwrap();
    let mut args = vec![config.display().to_string()];
    if rustix::process::geteuid().is_root() {
        args.extend(["-u".to_owned(), "postgres".to_owned()]);
    }
    let _pooler = Server::start("/usr/sbin/pgbouncer", &args, port);
    let psql = |user: &str, password: &str, database: &str, sql: &str| {
        let mut psql = Command::new("psql");
        psql.env("PGPASSWORD", password)
            .env("PGCONNECT_TIMEOUT", "30");
        let to = format!("host=127.0.0.1 port={port} user={user} dbname={database}");
        psql.args(["-XAtd", &to, "-c", sql]);
        psql
    };
    let target = |password: &str| {
        let file = folder.path().join("password");
        fs::write(&file, password).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(&file, private).unwrap();
        format!(
            "system = \"pgbouncer\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"warroom\"\ntls = \"off\"\npassword = {{ file = \"{}\" }}",
            file.display()
        )
    };
    let seen = check(&target("w")).await;
    assert_eq!(
        (seen.state, seen.words.as_str()),
        (Fine, "0 clients, none waits")
    );
    // The database behind it is dead: its clients wait.
    let mut client = psql("app", "a", "app", "SELECT 1").spawn().unwrap();
    let waits = settled(&target("w"), |seen| seen.state != Fine).await;
    assert_eq!(waits.value, Some(1.0));
    assert!(
        waits.words.as_str().starts_with("1 client waits"),
        "{waits:?}"
    );
    client.kill().unwrap();
    client.wait().unwrap();
    let paused = psql("boss", "b", "pgbouncer", "PAUSE app")
        .output()
        .unwrap();
    assert!(paused.status.success(), "{paused:?}");
    let paused = settled(&target("w"), |seen| seen.words.as_str() == "paused: app").await;
    assert_eq!(paused.state, Watch);
    assert_eq!(failure(&target("wrong")).await.kind, FailureKind::Denied);
}
