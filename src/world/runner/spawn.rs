//! The console's side of the gate: start, record, open.

use std::fs::DirBuilder;
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use secrecy::{ExposeSecret, SecretString};

use super::{Gate, RUN, Running};
use crate::incident::journal::{Entry, Fact, Report};
use crate::incident::reading::{Failure, FailureKind};
use crate::world::ledger::{Committed, Disk, Ledger, LedgerError, RealDisk};
use crate::world::{clock, proc};

/// Where a runner starts from.
#[derive(Debug, Clone)]
pub struct Place {
    /// The program to start: `/proc/self/exe`, which is this one even after an upgrade replaced its file.
    pub program: PathBuf,
    /// The incident's folder.
    pub incident: PathBuf,
    /// The site's file.
    pub site: PathBuf,
}

impl Place {
    /// A runner of this program.
    pub fn new(incident: &Path, site: &Path) -> Self {
        Self {
            program: PathBuf::from("/proc/self/exe"),
            incident: incident.to_owned(),
            site: site.to_owned(),
        }
    }
}

/// Starts the runner of a committed intent: the process first, waiting; then `Started` on disk; then the gate opens. When
/// anything fails before, the gate closes unopened and the runner ends without having acted. Returns the runner and its
/// `Started` entry.
///
/// # Errors
/// Nothing ran then. After a failed `Started` the intent stands alone and proves it.
pub async fn start(
    committed: Committed,
    place: &Place,
    ledger: &mut dyn Ledger,
) -> Result<(Running, Entry), Failure> {
    let seq = committed.entry().seq;
    let resolved = committed.confirmed().resolved();
    let on = resolved.action.to_string();
    let fail = |what: String| Failure::new(FailureKind::Local, &on, what, "nothing ran; ask again");
    let (at, number) = (place.clone(), seq.to_string());
    let spawned = tokio::task::spawn_blocking(move || waiting(&at, &number)).await;
    let spawned = spawned.map_err(io::Error::other).flatten();
    let mut child = spawned.map_err(|e| fail(format!("start: {e}")))?;
    let pid = child.id();
    let Some(proc::Stat { start_time, .. }) = proc::stat(pid) else {
        close(child);
        return Err(fail("start: the runner ended at once".into()));
    };
    let running = Running {
        incident: place.incident.clone(),
        seq,
        action: resolved.action.clone(),
        attempt: resolved.attempt,
        pid,
        start_time,
        boot_id: clock::boot_id().to_owned(),
    };
    let entry = match ledger.report(started(&running)).await {
        // An attempt that was started before has another process: the ledger gives back that start.
        Ok(entry) if entry.fact != Fact::Report(started(&running)) => {
            close(child);
            return Err(fail("start: this attempt was started before".into()));
        }
        Ok(entry) => entry,
        Err(error) => {
            close(child);
            return Err(match error {
                LedgerError::Failed(failure) => failure,
                other @ LedgerError::Conflict(_) => fail(other.to_string()),
            });
        }
    };
    let line = gate(committed.nonce(), committed.confirmed().secrets());
    // A pipe that is broken says that the runner is gone; following it finds out how.
    if let Some(mut pipe) = child.stdin.take() {
        let _ = pipe.write_all(line.expose_secret().as_bytes());
    }
    reap(child);
    Ok((running, entry))
}

fn started(running: &Running) -> Report {
    Report::Started {
        action: running.action.clone(),
        attempt: running.attempt,
        pid: running.pid,
        start_time: running.start_time,
        boot_id: running.boot_id.clone(),
    }
}

/// A runner that waits at its gate.
fn waiting(place: &Place, seq: &str) -> io::Result<Child> {
    let folder = place.incident.join("evidence").join(seq);
    DirBuilder::new().mode(0o700).create(&folder)?;
    RealDisk.sync_dir(&place.incident.join("evidence"))?;
    let log = RealDisk.create(&folder.join("runner.log"))?;
    Command::new(&place.program)
        .arg(RUN)
        .arg(&place.incident)
        .arg(seq)
        .arg(&place.site)
        .stdin(Stdio::piped())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

fn gate(nonce: &str, secrets: &std::collections::BTreeMap<String, SecretString>) -> SecretString {
    let gate = Gate {
        nonce: nonce.to_owned(),
        secrets: secrets
            .iter()
            .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
            .collect(),
    };
    // A map of strings always is JSON.
    serde_json::to_string(&gate).unwrap_or_default().into()
}

/// Closes the gate unopened.
fn close(mut child: Child) {
    drop(child.stdin.take());
    reap(child);
}

/// Waits for the runner on a thread of its own, so that it does not stay a zombie of a living console.
fn reap(mut child: Child) {
    let waiting = std::thread::Builder::new().name("reaper".into());
    let _ = waiting.spawn(move || child.wait());
}
