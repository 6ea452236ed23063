//! The step runner: this same program once more, detached, behind a gate. It can run nothing that was not confirmed and
//! recorded, and nothing twice; and it goes on when the console is gone.

mod cancel;
pub mod child;
mod end;
pub mod follow;
mod lock;
pub mod played;
pub mod spawn;
mod verdict;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::incident::journal::Seq;
use crate::incident::runbook::ActionRef;

/// The hidden word of the command line that starts a runner: `__run INCIDENT_DIR SEQ SITE_FILE`.
pub const RUN: &str = "__run";

/// What opens a runner's gate: one line of JSON on its standard input.
#[derive(Serialize, Deserialize)]
struct Gate {
    /// Its hash stands in the intent.
    nonce: String,
    /// Values of secret variables; recorded nowhere.
    secrets: BTreeMap<String, String>,
}

/// A runner that was started, as a console watches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The incident's folder.
    pub incident: PathBuf,
    /// The intent's entry.
    pub seq: Seq,
    /// The action.
    pub action: ActionRef,
    /// The attempt.
    pub attempt: u32,
    /// Its process id.
    pub pid: u32,
    /// Its start time in clock ticks since boot.
    pub start_time: u64,
    /// Its boot.
    pub boot_id: String,
}

/// An attempt's evidence folder, relative to the incident's.
fn evidence(seq: Seq) -> String {
    format!("evidence/{seq}")
}

/// The file that holds an attempt's end.
fn end_file(incident: &Path, seq: Seq) -> PathBuf {
    incident.join(evidence(seq)).join("end.json")
}

/// The file that holds an attempt's output.
fn output_file(incident: &Path, seq: Seq) -> PathBuf {
    incident.join(evidence(seq)).join("output")
}
