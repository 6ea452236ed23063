//! The step runner, driven as the console drives it: the real program behind its gate, killed at every point that matters.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::Utc;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryFutureExt};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::sync::mpsc;
use warroom::console::confirm::{Ask, Confirmed};
use warroom::console::event::{Evaluation, RequestId};
use warroom::incident::journal::fold::Phase;
use warroom::incident::journal::intent::Resolved;
use warroom::incident::journal::{
    Actor, Chosen, Declaration, Entry, Fact, Incident, Mode, Note, Report, Seq, digest,
};
use warroom::incident::names::{IncidentId, RunbookId, SeverityId, StepId};
use warroom::incident::reading::{Failure, FailureKind, Outcome};
use warroom::incident::runbook::{ActionRef, Code, Danger, Expect, Role, Shell, Vars};
use warroom::world::clock;
use warroom::world::ledger::{self, Committed, FileLedger, Ledger, LedgerError};
use warroom::world::runner::follow::{self, RunnerEvent};
use warroom::world::runner::spawn::{self, Place};
use warroom::world::runner::{RUN, Running};

const PROGRAM: &str = env!("CARGO_BIN_EXE_warroom");
const RUNBOOK: &str = "# Failover\n\n## Act {#act}\n";
const SITE: &str = "name = \"lab\"\n";

/// Set, this test program plays the console that is killed.
const PLAY_PARENT: &str = "WARROOM_TEST_PARENT";

/// An incident with a chosen runbook, in a folder of its own.
struct Bench {
    ledger: FileLedger,
    head: Seq,
    root: PathBuf,
    /// Goes with the test.
    _folder: Option<TempDir>,
}

fn actor() -> Actor {
    Actor {
        name: "ana".into(),
        host: "ops-1".into(),
    }
}

impl Bench {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let mut bench = Self::at(&root).await;
        bench._folder = Some(folder);
        bench
    }

    async fn at(root: &Path) -> Self {
        fs::write(root.join("site.toml"), SITE).unwrap();
        let declaration = Declaration {
            id: IncidentId(String::new()),
            mode: Mode::Real,
            site: "lab".into(),
            title: "gone".into(),
            severity: SeverityId::from("SEV-1"),
            category: None,
            detected: Utc::now(),
        };
        let (mut ledger, first) =
            ledger::declare(&root.join("state"), declaration, actor()).unwrap();
        let id = RunbookId::from("failover");
        ledger::copy_runbook(ledger.dir(), &id, RUNBOOK).unwrap();
        let chosen = Note::Chosen(Box::new(Chosen {
            walk: 1,
            runbook: id,
            title: "Failover".into(),
            digest: digest(RUNBOOK.as_bytes()),
            vars: Vars::new(),
            secrets: Vec::new(),
            steps: vec![(StepId::from("act"), "Act".into())],
            parts: [(StepId::from("act"), 1)].into(),
            parent: None,
            added: None,
        }));
        let head = ledger.append(first.seq, chosen).await.unwrap().seq;
        Self {
            ledger,
            head,
            root: root.to_owned(),
            _folder: None,
        }
    }

    fn dir(&self) -> PathBuf {
        self.ledger.dir().to_owned()
    }

    fn place(&self) -> Place {
        Place {
            program: PROGRAM.into(),
            incident: self.dir(),
            site: self.root.join("site.toml"),
        }
    }

    async fn commit(&mut self, confirmed: Confirmed) -> Committed {
        let committed = self.ledger.commit(self.head, confirmed).await.unwrap();
        self.head = committed.entry().seq;
        committed
    }

    async fn start(&mut self, resolved: Resolved) -> Running {
        self.start_with(resolved, BTreeMap::new()).await
    }

    async fn start_with(
        &mut self,
        resolved: Resolved,
        secrets: BTreeMap<String, SecretString>,
    ) -> Running {
        let committed = self.commit(confirmed(resolved, secrets)).await;
        let place = self.place();
        let (running, entry) = spawn::start(committed, &place, &mut self.ledger)
            .await
            .unwrap();
        self.head = entry.seq;
        running
    }

    /// Follows to the end and records it.
    async fn end(&mut self, running: Running) -> (Vec<String>, End) {
        let (lines, report) = to_the_end(running).await;
        let entry = self.ledger.report(report.clone()).await.unwrap();
        self.head = entry.seq;
        (lines, End::of(report))
    }

    async fn run(&mut self, resolved: Resolved) -> (Vec<String>, End) {
        let running = self.start(resolved).await;
        self.end(running).await
    }

    fn incident(&self) -> Incident {
        let (entries, troubles) = ledger::read(&self.dir()).unwrap();
        assert_eq!(troubles, []);
        Incident::fold(&entries).unwrap()
    }

    fn phase(&self) -> Phase {
        self.incident().walks[0].steps[&StepId::from("act")].actions[&action()].phase()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// What an end says.
#[derive(Debug)]
struct End {
    outcome: Outcome,
    excerpt: String,
    kept: Vec<(String, Option<String>)>,
}

impl End {
    fn of(report: Report) -> Self {
        let Report::Ended {
            outcome,
            excerpt,
            kept,
            ..
        } = report
        else {
            panic!("an end is an end")
        };
        Self {
            outcome,
            excerpt: excerpt.to_string(),
            kept: kept
                .into_iter()
                .map(|(name, value)| (name, value.map(|value| value.to_string())))
                .collect(),
        }
    }

    fn word(&self) -> &'static str {
        match self.outcome {
            Outcome::Done { .. } => "done",
            Outcome::Failed { .. } => "failed",
            Outcome::Unknown { .. } => "unknown",
            Outcome::Refused { .. } => "refused",
        }
    }

    fn says(&self, words: &str) -> bool {
        format!("{:?}", self.outcome).contains(words)
    }
}

async fn to_the_end(running: Running) -> (Vec<String>, Report) {
    let (sender, mut events) = mpsc::channel(16);
    follow::follow(running, sender);
    let mut lines = Vec::new();
    while let Some(event) = events.recv().await {
        match event {
            RunnerEvent::Output(_, _, line) => lines.push(line.to_string()),
            RunnerEvent::Ended(report) => return (lines, *report),
        }
    }
    panic!("following ended without an end")
}

fn action() -> ActionRef {
    ActionRef {
        walk: 1,
        step: StepId::from("act"),
        index: 1,
        role: Role::Run,
    }
}

fn script(shell: Shell, text: &str, vars: &[(&str, &str)]) -> Resolved {
    Resolved {
        action: action(),
        step_title: "Act".into(),
        attempt: 1,
        mode: Mode::Real,
        site: "lab".into(),
        site_digest: digest(SITE.as_bytes()),
        runbook: RunbookId::from("failover"),
        runbook_digest: digest(RUNBOOK.as_bytes()),
        code: Code::Shell {
            shell,
            script: text.into(),
            host: None,
        },
        targets: Vec::new(),
        vars: vars
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        secrets: BTreeMap::new(),
        with: Vec::new(),
        expect: None,
        keep_as: None,
        path: None,
        keep_secret: false,
        guards: None,
        danger: Danger::Change,
        phrase: None,
        checks: Vec::new(),
        verify: Vec::new(),
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(60),
        estimate: None,
        capture: Vec::new(),
        changed: Vec::new(),
        hold: None,
        last_known: None,
        rto_ends: None,
        last_promotion: None,
    }
}

/// A script that says it is there and waits until it is let go.
fn waiting(bench: &Bench) -> Resolved {
    let text =
        "touch \"$DIR/there\"\nwhile [ ! -e \"$DIR/go\" ]; do sleep 0.05; done\necho went on\n";
    script(Shell::Sh, text, &[("DIR", bench.root.to_str().unwrap())])
}

fn confirmed(resolved: Resolved, secrets: BTreeMap<String, SecretString>) -> Confirmed {
    let now = clock::now();
    let mut earlier = now.clone();
    earlier.boot -= Duration::from_secs(1);
    let mut ask = Ask::new(RequestId(1), resolved, secrets, &earlier);
    ask.evaluation = Some(Evaluation::default());
    ask.confirm(&now).unwrap()
}

/// Waits for what another process does; a test that waits in vain fails with its name.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..1200 {
        if holds() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("waited in vain until {what}");
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_step_runs_and_its_output_and_end_are_kept() {
    let mut bench = Bench::new().await;
    let mut resolved = script(
        Shell::Bash,
        "echo one\necho two >&2\n[ ! -t 0 ] && ! read -r x",
        &[],
    );
    resolved.expect = Some(Expect::Equals("one".into()));
    resolved.keep_as = Some("WORD".into());
    let (lines, end) = bench.run(resolved).await;
    assert_eq!(end.word(), "done", "{end:?}");
    assert!(lines.contains(&"one".to_owned()) && lines.contains(&"two".to_owned()));
    assert_eq!(end.kept, [("WORD".to_owned(), Some("one".to_owned()))]);
    assert!(end.excerpt.contains("two"));
    assert_eq!(bench.phase(), Phase::Done);
}

#[tokio::test]
async fn errors_are_fatal_and_an_expectation_decides() {
    for (shell, text, expect, word) in [
        (Shell::Sh, "false\necho not reached", None, "failed"),
        (Shell::Bash, "false | cat\necho not reached", None, "failed"),
        (Shell::Sh, "echo $NOT_SET", None, "failed"),
        (Shell::Sh, "exit 7", None, "failed"),
        (Shell::Sh, "echo t", Some("t"), "done"),
        (Shell::Sh, "echo f", Some("t"), "failed"),
        (Shell::Sh, "true", Some("t"), "failed"),
    ] {
        let mut bench = Bench::new().await;
        let mut resolved = script(shell, text, &[]);
        resolved.expect = expect.map(|value| Expect::Equals(value.into()));
        let (lines, end) = bench.run(resolved).await;
        assert_eq!(end.word(), word, "{text}: {end:?}");
        assert!(!lines.contains(&"not reached".to_owned()), "{text}");
    }
}

#[tokio::test]
async fn a_console_that_is_killed_leaves_a_step_that_ends_and_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut console = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "plays_the_console_that_is_killed", "--ignored"])
        .env(PLAY_PARENT, folder.path())
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .unwrap();
    let there = folder.path().join("there");
    until("the step runs", || there.exists()).await;
    console.kill().unwrap();
    console.wait().unwrap();

    let state = folder.path().join("state/incidents");
    let dir = fs::read_dir(state).unwrap().next().unwrap().unwrap().path();
    let (ledger, entries, troubles) = ledger::open(&dir, actor()).unwrap();
    assert_eq!(troubles, []);
    let mut bench = Bench {
        ledger,
        head: entries.last().unwrap().seq,
        root: folder.path().to_owned(),
        _folder: None,
    };
    assert_eq!(bench.phase(), Phase::Running);
    let mut running = follow::adopt(&bench.incident(), &dir);
    assert_eq!(running.len(), 1);
    fs::write(folder.path().join("go"), "").unwrap();
    let (lines, end) = bench.end(running.remove(0)).await;
    assert_eq!(end.word(), "done");
    assert_eq!(lines, ["went on"]);
    assert_eq!(bench.phase(), Phase::Done);
}

#[tokio::test]
#[ignore = "the console of the test above, which runs it in a process of its own"]
async fn plays_the_console_that_is_killed() {
    let root = std::env::var_os(PLAY_PARENT).expect("is run by the test above");
    let mut bench = Bench::at(Path::new(&root)).await;
    let resolved = waiting(&bench);
    bench.start(resolved).await;
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_runner_that_is_killed_too_leaves_unknown_and_its_orphan_keeps_a_retry_out() {
    let mut bench = Bench::new().await;
    let first = waiting(&bench);
    let running = bench.start(first).await;
    until("the step runs", || bench.path("there").exists()).await;
    kill(running.pid);
    let (_, end) = bench.end(running).await;
    assert_eq!(end.word(), "unknown");
    assert!(end.says("is gone and left no end"), "{end:?}");
    assert_eq!(bench.phase(), Phase::Unknown);

    // What it had started still lives, with the lock.
    let retry = |attempt| Resolved {
        attempt,
        ..script(Shell::Sh, "echo again", &[])
    };
    let (_, end) = bench.run(retry(2)).await;
    assert_eq!(end.word(), "refused");
    assert!(end.says("is locked"), "{end:?}");
    fs::write(bench.path("go"), "").unwrap();
    let lock = bench.dir().join("locks/1-act-Run-1");
    until("the orphan ended", || {
        let file = fs::File::open(&lock).unwrap();
        let try_lock = rustix::fs::FlockOperation::NonBlockingLockExclusive;
        rustix::fs::flock(&file, try_lock).is_ok()
    })
    .await;
    let (lines, end) = bench.run(retry(3)).await;
    assert_eq!(
        (end.word(), lines.as_slice()),
        ("done", &["again".to_owned()][..])
    );
}

#[tokio::test]
async fn an_attempt_is_not_started_twice() {
    let mut bench = Bench::new().await;
    let counting = |bench: &Bench| {
        let root = bench.root.to_str().unwrap().to_owned();
        script(Shell::Sh, "echo ran >>\"$DIR/runs\"", &[("DIR", &root)])
    };
    let resolved = counting(&bench);
    assert_eq!(bench.run(resolved).await.1.word(), "done");
    let again = confirmed(counting(&bench), BTreeMap::new());
    let committed = bench.commit(again).await;
    let place = bench.place();
    let refused = spawn::start(committed, &place, &mut bench.ledger).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("was started before")
    );
    assert_eq!(fs::read_to_string(bench.path("runs")).unwrap(), "ran\n");
}

#[tokio::test]
async fn a_reused_pid_is_not_taken_for_the_runner() {
    let mut bench = Bench::new().await;
    let resolved = waiting(&bench);
    let running = bench.start(resolved).await;
    let other = Running {
        start_time: running.start_time + 1,
        ..running.clone()
    };
    let (_, report) = to_the_end(other.clone()).await;
    assert_eq!(End::of(report).word(), "unknown");
    assert!(follow::cancel(&other).is_err());
    fs::write(bench.path("go"), "").unwrap();
    assert_eq!(bench.end(running).await.1.word(), "done");
}

#[tokio::test]
async fn without_the_nonce_nothing_runs() {
    for gate in ["", "{", "{\"nonce\":\"0000\",\"secrets\":{}}\n"] {
        let mut bench = Bench::new().await;
        let ran = bench.path("ran");
        let resolved = script(
            Shell::Sh,
            "touch \"$RAN\"",
            &[("RAN", ran.to_str().unwrap())],
        );
        let committed = bench.commit(confirmed(resolved, BTreeMap::new())).await;
        let seq = committed.entry().seq;
        fs::create_dir(bench.dir().join(format!("evidence/{seq}"))).unwrap();
        let mut runner = Command::new(PROGRAM)
            .arg(RUN)
            .arg(bench.dir())
            .arg(seq.to_string())
            .arg(bench.path("site.toml"))
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut pipe = runner.stdin.take().unwrap();
        std::io::Write::write_all(&mut pipe, gate.as_bytes()).unwrap();
        drop(pipe);
        assert_eq!(runner.wait().unwrap().code(), Some(3), "{gate:?}");
        assert!(!ran.exists(), "{gate:?}");
        let left = fs::read_dir(bench.dir().join(format!("evidence/{seq}"))).unwrap();
        assert_eq!(left.count(), 0, "{gate:?}");
        // The intent stands alone, which proves that it never ran.
        assert_eq!(bench.phase(), Phase::Intended);
        assert_eq!(follow::adopt(&bench.incident(), &bench.dir()), []);
    }
}

/// A ledger that loses its console right after `Started` is on disk.
struct Crashing<'a>(&'a mut FileLedger);

impl Ledger for Crashing<'_> {
    fn append(&mut self, after: Seq, note: Note) -> BoxFuture<'_, Result<Entry, LedgerError>> {
        self.0.append(after, note)
    }

    fn commit(
        &mut self,
        after: Seq,
        step: Confirmed,
    ) -> BoxFuture<'_, Result<Committed, LedgerError>> {
        self.0.commit(after, step)
    }

    fn report(&mut self, report: Report) -> BoxFuture<'_, Result<Entry, LedgerError>> {
        let crash = |_| async {
            let failure = Failure::new(FailureKind::Local, "console", "crashed", "");
            Err(LedgerError::Failed(failure))
        };
        self.0.report(report).and_then(crash).boxed()
    }
}

#[tokio::test]
async fn a_crash_between_started_and_the_gate_is_unknown_and_nothing_ran() {
    let mut bench = Bench::new().await;
    let ran = bench.path("ran");
    let resolved = script(
        Shell::Sh,
        "touch \"$RAN\"",
        &[("RAN", ran.to_str().unwrap())],
    );
    let committed = bench.commit(confirmed(resolved, BTreeMap::new())).await;
    let place = bench.place();
    let started = spawn::start(committed, &place, &mut Crashing(&mut bench.ledger)).await;
    assert!(started.is_err());
    assert_eq!(bench.phase(), Phase::Running);
    let mut running = follow::adopt(&bench.incident(), &bench.dir());
    let (_, end) = bench.end(running.remove(0)).await;
    assert_eq!(end.word(), "unknown");
    assert_eq!(bench.phase(), Phase::Unknown);
    assert!(!ran.exists());
}

#[tokio::test]
async fn what_was_changed_since_the_confirmation_is_refused() {
    for (name, change) in [
        ("site.toml", None),
        ("runbook", Some("# Another\n")),
        ("runbook gone", None),
    ] {
        let mut bench = Bench::new().await;
        let copy = ledger::runbook_copy(
            &bench.dir(),
            &RunbookId::from("failover"),
            &digest(RUNBOOK.as_bytes()),
        );
        match (name, change) {
            ("site.toml", _) => fs::write(bench.path("site.toml"), "name = \"other\"\n").unwrap(),
            (_, Some(text)) => fs::write(&copy, text).unwrap(),
            (_, None) => fs::remove_file(&copy).unwrap(),
        }
        let ran = bench.path("ran");
        let resolved = script(
            Shell::Sh,
            "touch \"$RAN\"",
            &[("RAN", ran.to_str().unwrap())],
        );
        let (_, end) = bench.run(resolved).await;
        assert_eq!(end.word(), "refused", "{name}");
        assert!(!ran.exists(), "{name}");
        assert_eq!(bench.phase(), Phase::Refused);
    }
}

#[tokio::test]
async fn values_arrive_literally_and_nothing_else_of_the_environment_does() {
    let nasty = "x; rm -rf \"$HOME\" `id` $(id) '";
    let mut bench = Bench::new().await;
    let text = "tr '\\0' '\\n' </proc/$$/cmdline\necho =\nprintf '%s\\n' \"$NASTY\"\necho =\necho $WARROOM_MODE $WARROOM_INCIDENT\necho =\nenv | cut -d= -f1 | sort";
    let resolved = script(Shell::Sh, text, &[("NASTY", nasty), ("OPT", "-x")]);
    let (lines, end) = bench.run(resolved).await;
    assert_eq!(end.word(), "done", "{end:?}");
    let parts: Vec<_> = lines.split(|line| line == "=").collect();
    assert_eq!(parts[0][..2], ["sh", "-eu"]);
    assert!(parts[0][2].ends_with("/script-1"), "{:?}", parts[0]);
    assert_eq!(parts[1], [nasty]);
    let incident = bench.dir();
    let incident = incident.file_name().unwrap().to_str().unwrap();
    assert_eq!(parts[2], [format!("REAL {incident}")]);
    let known = [
        "HOME",
        "LANG",
        "LC_ALL",
        "LOGNAME",
        "NASTY",
        "OPT",
        "PATH",
        "PWD",
        "TERM",
        "TZ",
        "USER",
        "OLDPWD",
        "_",
        "SHLVL",
        "WARROOM_INCIDENT",
        "WARROOM_MODE",
    ];
    for name in parts[3] {
        assert!(
            known.contains(&name.as_str()),
            "{name} is in the environment"
        );
    }
    assert!(parts[3].contains(&"NASTY".to_owned()));
}

#[tokio::test]
async fn a_secret_reaches_the_script_and_no_record() {
    let secret = "hunter2-Zx9!q";
    let mut bench = Bench::new().await;
    // Printed whole, and in two writes that a reader may see apart.
    let text = "[ \"$TOKEN\" = 'hunter2''-Zx9!q' ]\necho \"token $TOKEN\"\nprintf hunter2\nsleep 0.2\nprintf -- '-Zx9!q\\n'\ntouch \"$DIR/there\"\nwhile [ ! -e \"$DIR/go\" ]; do sleep 0.05; done";
    let text = text.replace("'hunter2''-Zx9!q'", "hunter2-\"Zx9!q\"");
    let root = bench.root.to_str().unwrap().to_owned();
    let resolved = script(Shell::Bash, &text, &[("DIR", &root)]);
    let secrets = BTreeMap::from([("TOKEN".to_owned(), SecretString::from(secret))]);
    let running = bench.start_with(resolved, secrets).await;
    until("the step runs", || bench.path("there").exists()).await;
    // Not in any command line while it runs.
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let holds = line.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!holds, "{:?}", process.path());
    }
    fs::write(bench.path("go"), "").unwrap();
    let (lines, end) = bench.end(running).await;
    assert_eq!(end.word(), "done", "{end:?}");
    assert_eq!(lines, ["token [redacted]", "[redacted]"]);
    let mut folders = vec![bench.path("state")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = fs::read(entry.path()).unwrap();
            let holds = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!holds, "{:?}", entry.path());
            files += 1;
        }
    }
    assert!(files >= 5, "journal, output, end, script, log: {files}");
}

#[tokio::test]
async fn an_output_without_end_is_bounded_in_memory_and_on_disk() {
    for flood in [
        "yes \"$(printf '%01000d' 0)\" | head -c 90000000",
        "head -c 90000000 /dev/zero | tr '\\0' x",
    ] {
        let mut bench = Bench::new().await;
        let root = bench.root.to_str().unwrap().to_owned();
        let text = format!(
            "{flood}\necho\ntouch \"$DIR/there\"\nwhile [ ! -e \"$DIR/go\" ]; do sleep 0.05; done\necho the end"
        );
        let running = bench
            .start(script(Shell::Sh, &text, &[("DIR", &root)]))
            .await;
        until("it has printed all", || bench.path("there").exists()).await;
        let status = fs::read_to_string(format!("/proc/{}/status", running.pid)).unwrap();
        let kilobytes = |key: &str| -> u64 {
            let line = status.lines().find(|line| line.starts_with(key)).unwrap();
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        // The pages of the program's own file are no memory of the output.
        let most = kilobytes("VmHWM") - kilobytes("RssFile");
        assert!(most < 30_000, "{flood}: {most} kB");
        fs::write(bench.path("go"), "").unwrap();
        let output = bench.dir().join(format!("evidence/{}/output", running.seq));
        let (_, end) = bench.end(running).await;
        assert_eq!(end.word(), "done", "{end:?}");
        assert!(end.excerpt.ends_with("the end"));
        let kept = fs::read(output).unwrap();
        assert!(kept.len() < 66 << 20, "{}", kept.len());
        assert!(kept.ends_with(b"\nthe end\n"));
    }
}

#[tokio::test]
async fn a_time_out_ends_nothing_and_a_cancellation_ends_the_whole_group() {
    let mut bench = Bench::new().await;
    let root = bench.root.to_str().unwrap().to_owned();
    let text = "sleep 1000 &\necho $! >\"$DIR/pid\"\ntouch \"$DIR/there\"\nwait";
    let resolved = Resolved {
        timeout: Duration::from_millis(300),
        ..script(Shell::Sh, text, &[("DIR", &root)])
    };
    let running = bench.start(resolved).await;
    until("the step runs", || bench.path("there").exists()).await;
    let output = bench.dir().join(format!("evidence/{}/output", running.seq));
    until("its time has passed", || {
        fs::read_to_string(&output).is_ok_and(|text| text.contains("have passed"))
    })
    .await;
    let pid: u32 = fs::read_to_string(bench.path("pid"))
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    let alive = || {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.contains("(sleep) S")
    };
    assert!(alive());
    follow::cancel(&running).unwrap();
    let (lines, end) = bench.end(running).await;
    assert_eq!(end.word(), "unknown");
    assert!(end.says("cancelled: ended"), "{end:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.contains(&format!("sleep ({pid})"))),
        "{lines:?}"
    );
    assert!(!alive());
}

#[tokio::test]
async fn a_secret_that_is_kept_stays_off_every_record() {
    let mut bench = Bench::new().await;
    let resolved = Resolved {
        keep_as: Some("TOKEN".into()),
        keep_secret: true,
        ..script(Shell::Sh, "echo fresh-\"token\"", &[])
    };
    let (lines, end) = bench.run(resolved).await;
    assert_eq!(end.word(), "done");
    assert_eq!(end.kept, [("TOKEN".to_owned(), None)]);
    assert!(!lines.concat().contains("fresh-token"));
    let (entries, _) = ledger::read(&bench.dir()).unwrap();
    let end = entries
        .iter()
        .rfind(|entry| matches!(entry.fact, Fact::Report(Report::Ended { .. })));
    assert!(!serde_json::to_string(&end).unwrap().contains("fresh-token"));
}
