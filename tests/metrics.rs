//! Metrics out: read by promtool, kept by a real Pushgateway, whole in a collector's folder; and failures are metrics too.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that can't set up its world has failed"
)]

#[path = "common/server.rs"]
#[allow(dead_code, reason = "other tests send signals")]
mod server;

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server::{Server, free_port};

/// A folder with a dump of an hour ago, a port that nobody listens on, and a drill that was never held.
fn site(folder: &Path) -> PathBuf {
    let dumps = folder.join("dumps");
    fs::create_dir(&dumps).unwrap();
    let dump = fs::File::create(dumps.join("app.dump")).unwrap();
    (&dump).write_all(&[7; 2_048]).unwrap();
    // What was written to just now may be half of one.
    let made = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    dump.set_modified(made).unwrap();
    let text = format!(
        "name = \"a shop\"\nstate_dir = \"state\"\n[regions.east]\nrole = \"primary\"\n\
         [targets.dumps]\nsystem = \"files\"\npath = \"{}\"\nregion = \"east\"\n\
         [targets.gone]\nsystem = \"tcp\"\nhost = \"127.0.0.1\"\nport = {}\n\
         [backups.nightly]\nof = \"dumps\"\nyounger = \"25h\"\n\
         [drills.restore]\nwhat = \"restore\"\nkind = \"backup-restoration\"\nevery = \"30d\"\n",
        dumps.display(),
        free_port()
    );
    let path = folder.join("site.toml");
    fs::write(&path, text).unwrap();
    path
}

/// Its exit code, and what it printed.
fn metrics(site: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    command.arg("metrics").arg("--site").arg(site).args(more);
    let done = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (done.status.code(), text(done.stdout), text(done.stderr))
}

fn promtool_finds_no_fault_in(text: &str) {
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}{text}");
}

#[test]
fn what_is_up_and_what_is_not_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (code, text, said) = metrics(&site(folder.path()), &[]);
    assert_eq!(code, Some(0), "{said}");
    promtool_finds_no_fault_in(&text);
    for line in [
        "warroom_site_readable 1",
        "warroom_target_up{target=\"dumps\",system=\"files\",region=\"east\"} 1",
        "warroom_target_up{target=\"gone\",system=\"tcp\",region=\"\"} 0",
        "warroom_standing{kind=\"backup\",name=\"nightly\"} ",
        "warroom_backup_size_bytes{backup=\"nightly\"} 2048",
        "warroom_incident_open 0",
        "warroom_drill_next_due_timestamp_seconds{drill=\"restore\"} ",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let made = fs::metadata(folder.path().join("dumps/app.dump")).unwrap();
    let made = made.modified().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap();
    let line = format!(
        "warroom_backup_last_success_timestamp_seconds{{backup=\"nightly\"}} {}\n",
        made.as_secs()
    );
    assert!(text.contains(&line), "{line}: {text}");
    // What never was is absent, not 0: 1970 would be an age.
    assert!(
        !text.contains("warroom_restore_test_timestamp_seconds{"),
        "{text}"
    );
    assert!(
        !text.contains("warroom_drill_last_timestamp_seconds{"),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[test]
fn a_collector_sees_a_whole_file_and_a_gateway_keeps_what_is_put() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let port = free_port();
    let args = [format!("--web.listen-address=127.0.0.1:{port}")];
    let mut gateway = Server::start("prometheus-pushgateway", &args, port);
    let file = folder.path().join("warroom.prom");
    let url = format!("http://127.0.0.1:{port}/");
    let to = ["--textfile", file.to_str().unwrap(), "--push", &url];
    let (code, out, said) = metrics(&site, &to);
    assert_eq!((code, out.as_str()), (Some(0), ""), "{said}");
    let written = fs::read_to_string(&file).unwrap();
    promtool_finds_no_fault_in(&written);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o644
    );
    let kept = scraped(port);
    let line = "job=\"warroom\",region=\"\",site=\"site\",system=\"tcp\",target=\"gone\"} 0";
    assert!(kept.contains(line), "{kept}");
    // A site that can't be read any more says so where it is watched.
    fs::write(&site, "name = ").unwrap();
    let (code, _, _) = metrics(&site, &to);
    assert_eq!(code, Some(1));
    let written = fs::read_to_string(&file).unwrap();
    assert!(written.contains("warroom_site_readable 0\n"), "{written}");
    let kept = scraped(port);
    let readable = kept
        .lines()
        .filter(|line| line.starts_with("warroom_site_readable{"));
    let readable: Vec<_> = readable.map(|line| line.ends_with("} 0")).collect();
    assert_eq!(readable, [true], "it stands where it stood: {kept}");
    gateway.kill();
    let (code, _, said) = metrics(&site, &to);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains(&format!(
            "http://127.0.0.1:{port}/metrics/job/warroom: push: "
        )),
        "{said}"
    );
}

/// What the gateway shows to Prometheus.
fn scraped(port: u16) -> String {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let url = format!("http://127.0.0.1:{port}/metrics");
        let answer = reqwest::get(url).await.unwrap();
        answer.text().await.unwrap()
    })
}
