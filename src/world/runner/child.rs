//! The runner's own side: what happens behind the gate, from the nonce to the end on disk.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use secrecy::SecretString;

use super::{Gate, end, evidence, lock};
use crate::incident::clean::Clean;
use crate::incident::exercise::touchable;
use crate::incident::journal::fold::Attempt;
use crate::incident::journal::{Entry, Fact, Incident, Intent, Mode, Report, Seq, digest};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Failure, FailureKind, Outcome, Verdict};
use crate::incident::redact::Redactor;
use crate::incident::site::Site;
use crate::systems::Shared;
use crate::world::exec::env::{Scratch, Tools, tools};
use crate::world::exec::sink::Sink;
use crate::world::{Systems, clock, ledger, places, proc};

pub(super) mod steps;

/// No more is read from the gate.
const GATE: u64 = 1 << 20;

/// How a runner comes by what other rooms know; the hall wires it.
#[derive(Clone, Copy)]
pub struct Wiring {
    /// Reads a site file: its path and its bytes.
    pub site: fn(&Path, &str) -> Result<Site, Failure>,
    /// The site's targets, live.
    pub systems: fn(&Site) -> BTreeMap<TargetId, Shared>,
}

/// One attempt at one action, allowed to be made.
pub(super) struct Case {
    pub(super) incident: PathBuf,
    pub(super) seq: Seq,
    pub(super) intent: Intent,
    pub(super) secrets: BTreeMap<String, SecretString>,
    pub(super) site: Site,
    pub(super) systems: Systems,
}

/// What became of a case; its report lacks only the instant.
pub(super) struct Closed {
    outcome: Outcome,
    excerpt: Clean,
    kept: Vec<(String, Option<Clean>)>,
    verified: Vec<Verdict>,
}

impl From<Outcome> for Closed {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            excerpt: Clean::default(),
            kept: Vec::new(),
            verified: Vec::new(),
        }
    }
}

/// Runs what the arguments behind [`super::RUN`] name: `INCIDENT_DIR SEQ SITE_FILE`. Exit 0 says that an end was written.
pub fn run(args: &[OsString], wiring: &Wiring) -> ExitCode {
    // First of all: nothing that happens to the console's session reaches this process from here on. It fails only for
    // a process that leads a group, which the console does not make it.
    let _ = rustix::process::setsid();
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    let none = rustix::process::Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
    match begin(args, wiring) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // The runner's log; there is no terminal.
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                format!("{failure}\n").as_bytes(),
            );
            ExitCode::from(3)
        }
    }
}

/// Everything up to the point from which an end is written whatever happens.
fn begin(args: &[OsString], wiring: &Wiring) -> Result<(), Failure> {
    let fail = |what: &str| Failure::new(FailureKind::Local, "runner", what, "nothing ran");
    let [incident, seq, site_file] = args else {
        return Err(fail("wants INCIDENT_DIR SEQ SITE_FILE"));
    };
    let incident = PathBuf::from(incident);
    let seq = seq.to_str().and_then(|text| text.parse().ok()).map(Seq);
    let seq = seq.ok_or_else(|| fail("SEQ is no number"))?;
    let gate = gate().ok_or_else(|| fail("the gate was closed without being opened"))?;
    let (entries, _) = ledger::read(&incident)?;
    let intent = intent(&entries, seq).ok_or_else(|| fail("there is no such intent"))?;
    if digest(gate.nonce.as_bytes()) != intent.nonce_hash {
        return Err(fail("the nonce is not the intent's"));
    }
    if !ours(&entries, seq) {
        return Err(fail("this intent was not started as this process"));
    }
    let secrets = gate.secrets.into_iter();
    let secrets = secrets.map(|(name, value)| (name, SecretString::from(value)));
    let closed = match allowed(&incident, seq, intent.clone(), Path::new(site_file), wiring) {
        Ok(case) => runtime(Case {
            secrets: secrets.collect(),
            ..case
        }),
        Err(why) => refused(&why).into(),
    };
    let report = report(&intent, seq, closed, clock::now());
    end::write(&incident, seq, &report).map_err(|e| {
        let path = incident.join(evidence(seq)).join("end.json");
        places::local(&path, &format!("write: {e}"), "the attempt is unknown")
    })
}

fn gate() -> Option<Gate> {
    let mut line = String::new();
    std::io::stdin().take(GATE).read_to_string(&mut line).ok()?;
    serde_json::from_str(&line).ok()
}

fn intent(entries: &[Entry], seq: Seq) -> Option<Intent> {
    match &entries.iter().find(|entry| entry.seq == seq)?.fact {
        Fact::Intent(intent) => Some((**intent).clone()),
        _ => None,
    }
}

/// Whether the journal says that this attempt was started as this very process, and nothing more. A nonce that is
/// played again finds another pid.
fn ours(entries: &[Entry], seq: Seq) -> bool {
    let Ok(incident) = Incident::fold(entries) else {
        return false;
    };
    let me = std::process::id();
    let mine = |attempt: &Attempt| {
        let started = attempt.started.as_ref();
        let me = started.is_some_and(|(_, pid, start_time, boot_id)| {
            *pid == me && proc::runs(me, *start_time, boot_id)
        });
        me && attempt.ended.is_none() && attempt.voided.is_none() && attempt.settled.is_none()
    };
    let steps = incident.walks.iter().flat_map(|walk| walk.steps.values());
    let mut attempts = steps
        .flat_map(|step| step.actions.values())
        .flat_map(|action| &action.attempts);
    attempts.any(|attempt| attempt.intent_seq == seq && mine(attempt))
}

/// Compares all that was confirmed with all that is there now.
fn allowed(
    incident: &Path,
    seq: Seq,
    intent: Intent,
    site_file: &Path,
    wiring: &Wiring,
) -> Result<Case, String> {
    let resolved = &intent.resolved;
    if resolved.digest() != intent.digest {
        return Err("the intent is not what was confirmed: its digest differs".into());
    }
    if resolved.mode == Mode::Tabletop {
        return Err("a tabletop's steps touch nothing real".into());
    }
    let shown = site_file.display();
    let text = std::fs::read_to_string(site_file).map_err(|e| format!("{shown}: {e}"))?;
    if digest(text.as_bytes()) != resolved.site_digest {
        return Err(format!("{shown} was changed since the step was confirmed"));
    }
    let copy = ledger::runbook_copy(incident, &resolved.runbook, &resolved.runbook_digest);
    let runbook = std::fs::read(&copy).map_err(|e| format!("{}: {e}", copy.display()))?;
    if digest(&runbook) != resolved.runbook_digest {
        return Err(format!(
            "{} was changed since it was chosen",
            copy.display()
        ));
    }
    let site = (wiring.site)(site_file, &text).map_err(|failure| failure.to_string())?;
    if resolved.mode == Mode::Drill {
        touchable(resolved, &site)?;
    }
    Ok(Case {
        incident: incident.to_owned(),
        seq,
        secrets: BTreeMap::new(),
        systems: Systems::real((wiring.systems)(&site)),
        site,
        intent,
    })
}

fn runtime(case: Case) -> Closed {
    let built = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match built {
        Ok(runtime) => runtime.block_on(locked(case)),
        Err(e) => refused(&format!("the runner can't start its runtime: {e}")).into(),
    }
}

/// Takes the locks, fetches what the act is given, and goes through its steps.
async fn locked(case: Case) -> Closed {
    let root = case.incident.parent().and_then(Path::parent);
    let root = root.unwrap_or(&case.incident);
    let _held = match lock::take(root, &case.incident, &case.intent.resolved) {
        Ok(held) => held,
        Err(lock::NotHeld::Taken(of)) => {
            let why = format!(
                "{of} is locked: another step runs on it, or something an earlier attempt started still lives"
            );
            return refused(&why).into();
        }
        Err(lock::NotHeld::Failed(failure)) => return refused(&failure.to_string()).into(),
    };
    match prepared(&case).await {
        Ok((tools, scratch, sink)) => {
            steps::go(&case, &tools, &scratch, &sink, steps::terminated()).await
        }
        Err(failure) => refused(&failure.to_string()).into(),
    }
}

async fn prepared(case: &Case) -> Result<(Tools, Scratch, Sink), Failure> {
    let tools = tools(&case.intent.resolved.with, &case.site).await?;
    let scratch = Scratch::default();
    let known = case.secrets.values().chain(tools.secret.values()).cloned();
    let path = super::output_file(&case.incident, case.seq);
    let sink = Sink::create(&path, Redactor::new(known))
        .map_err(|e| places::local(&path, &format!("create: {e}"), "free the disk"))?;
    Ok((tools, scratch, sink))
}

pub(super) fn refused(why: &str) -> Outcome {
    Outcome::Refused {
        verdicts: vec![Verdict::measured(false, why)],
    }
}

pub(super) fn report(intent: &Intent, seq: Seq, closed: Closed, at: Now) -> Report {
    Report::Ended {
        action: intent.resolved.action.clone(),
        attempt: intent.resolved.attempt,
        at,
        outcome: closed.outcome,
        excerpt: closed.excerpt,
        evidence: format!("{}/output", evidence(seq)),
        kept: closed.kept,
        verified: closed.verified,
    }
}
