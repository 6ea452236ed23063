//! What the console is told, and what it asks the hall to do. Every request carries an id, every answer returns it;
//! answers for a dialog that has gone are dropped.

use std::sync::Arc;
use std::time::Duration;

use super::confirm::Confirmed;
use super::key::Key;
use crate::incident::clean::Clean;
use crate::incident::journal::{Declaration, Entry, Note, Resolved};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Reading, Verdict};
use crate::incident::runbook::{ActionRef, Runbook};

/// Joins a request to its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RequestId(pub u64);

/// A look at a target.
#[derive(Debug, Clone)]
pub struct Look {
    /// The target.
    pub target: TargetId,
    /// What was seen, and when the look began.
    pub reading: Reading,
    /// How long it took.
    pub took: Duration,
}

/// What happened.
#[derive(Debug)]
pub enum Event {
    /// A second went by.
    Tick,
    /// A key was pressed.
    Key(Key),
    /// Text was pasted: goes into inputs, never into a confirmation.
    Pasted(String),
    /// The terminal has another size: columns, rows.
    Resized(u16, u16),
    /// Targets were looked at.
    Observed(Vec<Look>),
    /// Guards, checks and verification of an act that is being asked about, or what an operator's question is answered.
    Evaluated(RequestId, Box<Evaluation>),
    /// What a runbook needs was looked for: what, and whether it is there.
    Preflight(RequestId, Vec<(String, Verdict)>),
    /// An incident is opened: its whole journal, at once, so that nothing is taken to be due that a later entry saw to.
    Opened(Vec<Entry>),
    /// An entry is on disk. The incident's state comes from these alone.
    Appended(Option<RequestId>, Box<Entry>),
    /// An entry is not on disk.
    NotAppended(RequestId, Failure),
    /// The act was not started; its intent, if there is one, will never run.
    NotStarted(RequestId, Failure),
    /// A line of a running step's output: action, attempt, line.
    Output(ActionRef, u32, Clean),
    /// The whole output of an attempt, as asked for.
    WholeOutput(RequestId, Clean),
    /// The journal went elsewhere, or can't be written: a banner.
    Trouble(Clean),
    /// Somebody says something in an exercise: who, and what.
    Heard(String, Clean),
    /// A runbook file was loaded or changed.
    Library(Arc<Vec<Loaded>>),
    /// The post-mortem stands at this path.
    Exported(RequestId, Result<String, Failure>),
    /// A sub-runbook or a chosen runbook was copied into the incident.
    Copied(RequestId, Result<(), Failure>),
    /// The runbook of a walk, parsed from the bytes that were copied into the incident: when an incident is opened, or
    /// another console chose one.
    Walked(u32, Arc<Runbook>),
}

/// A runbook with its bytes, as it was read.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The runbook.
    pub runbook: Arc<Runbook>,
    /// The file's text: what is copied into the incident when it is chosen.
    pub text: Arc<str>,
    /// Where it came from: a path, or `built in`.
    pub origin: String,
    /// How near it is to what is going on.
    pub place: Place,
    /// Whether its file (or a folder above it) may be written by others: refused.
    pub refused: Option<String>,
}

/// How near a runbook is to what is going on; the nearest is offered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The exercise is its walk.
    Named,
    /// It was written for this site, or for this exercise.
    Own,
    /// It was written for any site.
    Any,
}

/// Verdicts by name.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Guards of the act itself.
    pub guards: Vec<(String, Verdict)>,
    /// Checks of the step.
    pub checks: Vec<(String, Verdict)>,
    /// Its verification, as it stands before the act.
    pub verify: Vec<(String, Verdict)>,
}

/// What the hall is to do.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "effects are few, and carried out at once"
)]
pub enum Effect {
    /// Open an incident: a folder, a journal, its first entry.
    Declare(RequestId, Declaration),
    /// Add to the journal.
    Append(RequestId, Note),
    /// Copy a runbook's bytes into the incident, then append its `Note::Chosen`.
    Choose(RequestId, Note, Arc<str>),
    /// Record and start a confirmed act.
    Perform(RequestId, Confirmed),
    /// Evaluate guards, checks and verification of an act.
    Evaluate(RequestId, Box<Resolved>),
    /// Answer what the operator asks: its checks, told whole, as [`Event::Evaluated`].
    Question(RequestId, Box<Resolved>),
    /// Look for programs and targets.
    Preflight(RequestId, Vec<String>),
    /// End a running step's process group: TERM, then KILL.
    Cancel(RequestId, ActionRef, u32),
    /// Read an attempt's whole output.
    ReadOutput(RequestId, String),
    /// Write the post-mortem.
    Export(RequestId),
    /// Put text on the terminal's clipboard (OSC 52).
    Copy(String),
    /// Probe everything now.
    Refresh,
    /// Let an exercise's time run so many times as fast; 0 pauses it.
    Pace(u32),
    /// Stop in the background.
    Suspend,
    /// Leave.
    Quit,
}
