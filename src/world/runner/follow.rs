//! The console's side of a running step: its output as it comes, its end, or that there is none.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

pub use super::cancel::cancel;
use super::{Running, end, evidence, output_file};
use crate::incident::clean::Clean;
use crate::incident::journal::fold::{Attempt, Phase};
use crate::incident::journal::{Incident, Report};
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::runbook::ActionRef;
use crate::world::ledger::look;
use crate::world::{clock, proc};

/// How often it is looked for more.
const LOOK: Duration = Duration::from_millis(150);

/// At most this much of an output is shown at once; what is skipped stands in its file.
const BATCH: u64 = 64 << 10;

/// What following a runner tells.
#[derive(Debug, Clone, PartialEq)]
pub enum RunnerEvent {
    /// A line of its output: action, attempt, line.
    Output(ActionRef, u32, Clean),
    /// Its end, to be put into the ledger. Nothing comes behind it.
    Ended(Box<Report>),
}

/// Every attempt that the journal says is running, to be followed again: by its own pid, start time and boot, so that
/// another process with that pid is not taken for it.
pub fn adopt(incident: &Incident, dir: &Path) -> Vec<Running> {
    let steps = incident.walks.iter().flat_map(|walk| walk.steps.values());
    let attempts = steps
        .flat_map(|step| step.actions.values())
        .flat_map(|action| &action.attempts);
    let running = attempts.filter(|attempt| attempt.phase() == Phase::Running);
    running
        .filter_map(|attempt| of_attempt(attempt, dir))
        .collect()
}

fn of_attempt(attempt: &Attempt, dir: &Path) -> Option<Running> {
    let (_, pid, start_time, boot_id) = attempt.started.clone()?;
    Some(Running {
        incident: dir.to_owned(),
        seq: attempt.intent_seq,
        action: attempt.intent.resolved.action.clone(),
        attempt: attempt.intent.resolved.attempt,
        pid,
        start_time,
        boot_id,
    })
}

/// Follows a runner until its end, or until nobody listens any more; the runner does not notice either way.
pub fn follow(running: Running, events: Sender<RunnerEvent>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut tail = Tail::new(output_file(&running.incident, running.seq));
        loop {
            // Whether it lives is asked before its end is looked for: one that ends in between has left it.
            let lives = proc::runs(running.pid, running.start_time, &running.boot_id);
            let end = the_end(&running);
            for line in tail.lines(end.is_some() || !lives) {
                let event = RunnerEvent::Output(running.action.clone(), running.attempt, line);
                if events.send(event).await.is_err() {
                    return;
                }
            }
            let end = match (end, lives) {
                (None, true) => {
                    tokio::time::sleep(LOOK).await;
                    continue;
                }
                (Some(end), _) => end,
                (None, false) => gone(&running),
            };
            let _ = events.send(RunnerEvent::Ended(Box::new(end))).await;
            return;
        }
    })
}

/// The end of this very attempt.
fn the_end(running: &Running) -> Option<Report> {
    end::read(&running.incident, running.seq).filter(|report| match report {
        Report::Ended {
            action, attempt, ..
        } => *action == running.action && *attempt == running.attempt,
        Report::Started { .. } => false,
    })
}

fn gone(running: &Running) -> Report {
    let log = format!("{}/runner.log", evidence(running.seq));
    let failure = Failure::new(
        FailureKind::Local,
        &running.action,
        format!("its runner (pid {}) is gone and left no end", running.pid),
        format!("see {log}; look how far it came, then say how it ended"),
    );
    Report::Ended {
        action: running.action.clone(),
        attempt: running.attempt,
        at: clock::now(),
        outcome: Outcome::Unknown { failure },
        excerpt: Clean::default(),
        evidence: format!("{}/output", evidence(running.seq)),
        kept: Vec::new(),
        verified: Vec::new(),
    }
}

/// A file that grows, read line by line.
pub(super) struct Tail {
    path: PathBuf,
    file: Option<File>,
    partial: Vec<u8>,
}

impl Tail {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            file: None,
            partial: Vec::new(),
        }
    }

    /// What was written since; `last` says that no more comes, so a line without its newline is one too.
    pub(super) fn lines(&mut self, last: bool) -> Vec<Clean> {
        let mut lines = Vec::new();
        match self.read() {
            Some((0, bytes)) => self.partial.extend(bytes),
            Some((skipped, bytes)) => {
                lines.push(Clean::new(&format!("[{skipped} bytes are not shown here]")));
                let line = bytes.iter().position(|b| *b == b'\n').map_or(0, |n| n + 1);
                self.partial = bytes.get(line..).unwrap_or_default().to_vec();
            }
            None => {}
        }
        let whole = match last {
            true => self.partial.len(),
            false => self
                .partial
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |n| n + 1),
        };
        let rest = self.partial.split_off(whole);
        let text = std::mem::replace(&mut self.partial, rest);
        lines.extend(String::from_utf8_lossy(&text).lines().map(Clean::new));
        lines
    }

    /// How many bytes were skipped, and the bytes behind them.
    fn read(&mut self) -> Option<(u64, Vec<u8>)> {
        if self.file.is_none() {
            self.file = look(&self.path).ok();
        }
        let file = self.file.as_mut()?;
        let (at, length) = (file.stream_position().ok()?, file.metadata().ok()?.len());
        let skipped = length.saturating_sub(at).saturating_sub(BATCH);
        if skipped > 0 {
            file.seek(SeekFrom::Start(at + skipped)).ok()?;
        }
        let mut bytes = Vec::new();
        file.take(BATCH).read_to_end(&mut bytes).ok()?;
        Some((skipped, bytes))
    }
}
