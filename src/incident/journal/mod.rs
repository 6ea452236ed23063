//! The journal: what happened, in order, each entry carrying the digest of the one before it. The state of an incident
//! is what its journal says ([`fold`]), and nothing else.

pub mod fold;
pub mod intent;

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use fold::{ActionState, Attempt, Gap, Incident, StepState, Walk};
pub use intent::{Intent, Override, Place, Resolved, ResolvedCheck};

use super::acts::Act;
use super::acts::postgres::PgSight;
use super::clean::Clean;
pub use super::digest::digest;
use super::judge::Standing;
use super::names::{IncidentId, RunbookId, SeverityId, StepId};
use super::now::Now;
use super::reading::{Outcome, Verdict};
use super::runbook::{ActionRef, Code, Part, Runbook, Step, Vars};

/// An entry's number, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether what is done here is done to the real world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The real thing.
    #[default]
    Real,
    /// Real targets that are marked for drills.
    Drill,
    /// A world that is not there.
    Tabletop,
}

impl Mode {
    /// What an incident's id begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Mode::Real => "INC",
            Mode::Drill => "DRL",
            Mode::Tabletop => "TTX",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Mode::Real => "REAL",
            Mode::Drill => "DRILL",
            Mode::Tabletop => "TABLETOP",
        })
    }
}

/// Who did it, on which machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The person's login name, or `warroom` for what the program saw itself.
    pub name: String,
    /// The machine.
    pub host: String,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// When, by both clocks.
    pub at: Now,
    /// By whom.
    pub actor: Actor,
    /// What.
    pub fact: Fact,
    /// SHA-256 of the line before, in hexadecimal; of the empty text for the first.
    pub prev: String,
}

impl Entry {
    /// It resolves the incident though this, a step's title or more, was not done.
    pub fn waives(&self, what: &str) -> bool {
        match &self.fact {
            Fact::Note(Note::Resolved { waived, .. }) => {
                waived.iter().any(|(waived, _)| waived.starts_with(what))
            }
            _ => false,
        }
    }
}

/// Everything an entry may say. What a person may state stands in [`Note`]; what a runner reports in [`Report`];
/// intents come only from a confirmation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// The incident began to be recorded.
    Declared(Declaration),
    /// Stated by a person, or seen by the console.
    Note(Note),
    /// A step was confirmed and is about to be started. Alone it proves that nothing ran.
    Intent(Box<Intent>),
    /// What became of it.
    Report(Report),
}

/// How an incident begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// Its id.
    pub id: IncidentId,
    /// Real, drill or tabletop.
    pub mode: Mode,
    /// The site's name.
    pub site: String,
    /// In a few words.
    pub title: String,
    /// How bad.
    pub severity: SeverityId,
    /// What it is about.
    pub category: Option<String>,
    /// When it was first seen.
    pub detected: DateTime<Utc>,
}

/// What may be added to the journal without a confirmation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Note {
    /// Free words.
    Said {
        /// The words.
        text: Clean,
        /// The step they belong to.
        step: Option<(u32, StepId)>,
    },
    /// The severity changed.
    Severity {
        /// To what.
        to: SeverityId,
        /// Why.
        reason: Clean,
    },
    /// Somebody took a role: `incident commander`.
    Role {
        /// Which.
        role: String,
        /// Who.
        who: String,
    },
    /// A rung of the ladder was done.
    Acknowledged {
        /// The rung's key.
        rung: String,
    },
    /// A rung of the ladder became due and nobody had done it; each key at most once.
    Due {
        /// The rung's key.
        rung: String,
        /// What it asks for, in words.
        words: String,
    },
    /// A runbook was chosen; its bytes were copied into the incident.
    Chosen(Box<Chosen>),
    /// A walk was left: done, or not to be gone on with.
    WalkEnded {
        /// Which.
        walk: u32,
        /// Why, when steps are left.
        reason: Option<Clean>,
    },
    /// A manual item was ticked.
    Ticked {
        /// The walk.
        walk: u32,
        /// The step.
        step: StepId,
        /// The item's number; 0 acknowledges a step of prose.
        index: usize,
        /// The evidence, where some was given.
        note: Option<Clean>,
    },
    /// A step was skipped.
    Skipped {
        /// The walk.
        walk: u32,
        /// The step.
        step: StepId,
        /// Why.
        reason: Clean,
    },
    /// A fork was taken, by checks or by a decision.
    Branched {
        /// The walk.
        walk: u32,
        /// The step with the fork.
        step: StepId,
        /// The answer: `ok`, `fail`, `unknown`, or the decision's words.
        way: String,
        /// Where it leads.
        to: StepId,
        /// Why, for a decision.
        reason: Option<Clean>,
        /// What the checks saw.
        verdicts: Vec<Verdict>,
    },
    /// The operator went to a step out of order.
    WentTo {
        /// The walk.
        walk: u32,
        /// The step.
        step: StepId,
        /// Why.
        reason: Clean,
    },
    /// An earlier intent will not be carried out; the question is asked anew.
    Voided {
        /// The intent's entry.
        intent: Seq,
        /// Why.
        reason: Clean,
    },
    /// The operator said how an unknown attempt ended.
    Settled {
        /// The action.
        action: ActionRef,
        /// The attempt.
        attempt: u32,
        /// It happened.
        done: bool,
        /// How that is known.
        reason: Clean,
    },
    /// A reading was kept before an act, or an output as a variable.
    Captured {
        /// The walk.
        walk: u32,
        /// `DNS_BEFORE`, `redis.master(sentinel)`.
        name: String,
        /// Its value; none when it is a secret.
        value: Option<Clean>,
    },
    /// A component, link, backup or region changed its standing.
    Standing {
        /// `target pg-east`, `region us-east-1`, `link pg`.
        subject: String,
        /// Before.
        from: Standing,
        /// Now.
        to: Standing,
        /// In words.
        words: String,
    },
    /// Vitals, once a minute: subject, standing, words.
    Vitals(Vec<(String, Standing, String)>),
    /// The primary of a link as it was last seen: what a loss is counted from.
    LastSeen {
        /// The link.
        link: String,
        /// The sight.
        sight: Box<PgSight>,
        /// When.
        at: DateTime<Utc>,
    },
    /// Maintenance mode.
    Maintenance {
        /// On or off.
        on: bool,
    },
    /// Users are served again, by a person's word or by probes.
    Mitigated {
        /// How that is known.
        how: Clean,
    },
    /// The incident is over.
    Resolved {
        /// In a few words.
        summary: Clean,
        /// What was left undone, and why that is right.
        waived: Vec<(String, Clean)>,
    },
    /// The post-mortem was written.
    PostMortem {
        /// Where.
        path: String,
        /// Digest of the journal's last line before this one.
        head: String,
    },
    /// The journal was moved, or a part of it could not be read: the banner's words.
    Trouble {
        /// What.
        words: String,
    },
    /// The exercise this is: with its seed, its world can be had again.
    Exercise(Box<Exercise>),
    /// Something the facilitator let happen, as the participants learn of it.
    Inject {
        /// Its id in the scenario.
        id: String,
        /// Who speaks.
        from: String,
        /// What is said.
        says: Clean,
    },
    /// What the facilitator observed. Participants see it in the report only.
    Observation {
        /// In words.
        text: Clean,
    },
    /// How fast an exercise's time runs: 0 is paused.
    Pace {
        /// Times the real time.
        speed: u32,
    },
}

/// An exercise as it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exercise {
    /// The scenario's id; of a walked runbook `walk:` and its id.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// SHA-256 of the scenario's text.
    pub digest: String,
    /// What its chances follow from.
    pub seed: u64,
    /// When its world began, before anything was declared.
    pub began: DateTime<Utc>,
}

impl Note {
    /// The console saw it by itself; nobody said it.
    pub fn seen_by_itself(&self) -> bool {
        matches!(
            self,
            Note::Standing { .. }
                | Note::Vitals(_)
                | Note::LastSeen { .. }
                | Note::Due { .. }
                | Note::Trouble { .. }
                | Note::Exercise(_)
                | Note::Pace { .. }
        )
    }

    /// The walk whose next step depends on it.
    pub fn moves(&self) -> Option<u32> {
        match self {
            Note::WalkEnded { walk, .. }
            | Note::Ticked { walk, .. }
            | Note::Skipped { walk, .. }
            | Note::Branched { walk, .. }
            | Note::WentTo { walk, .. } => Some(*walk),
            Note::Settled { action, .. } => Some(action.walk),
            _ => None,
        }
    }

    /// It is the facilitator's, whoever's console writes it down.
    pub fn facilitators(&self) -> bool {
        matches!(self, Note::Inject { .. } | Note::Observation { .. })
    }
}

/// A runbook as it was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chosen {
    /// The walk's number in the incident, from 1.
    pub walk: u32,
    /// The runbook.
    pub runbook: RunbookId,
    /// Its title.
    pub title: String,
    /// SHA-256 of its bytes.
    pub digest: String,
    /// Its variables; secrets are not here.
    pub vars: Vars,
    /// Names of its secret variables.
    pub secrets: Vec<String>,
    /// Its steps, so that the journal is readable alone.
    pub steps: Vec<(StepId, String)>,
    /// How many parts each of them has: acts, and items to tick. A runbook that is opened has steps of its own.
    #[serde(default)]
    pub parts: BTreeMap<StepId, usize>,
    /// The walk and step that opened it as a sub-runbook.
    pub parent: Option<(u32, StepId)>,
    /// An operator's own step, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub added: Option<Added>,
}

impl Chosen {
    /// The walk of that number through all steps of a runbook, no variable set.
    pub fn of(walk: u32, runbook: &Runbook) -> Self {
        let chosen = Self {
            walk,
            runbook: runbook.id.clone(),
            title: runbook.title.clone(),
            digest: runbook.digest.clone(),
            vars: Vars::new(),
            secrets: Vec::new(),
            steps: Vec::new(),
            parts: BTreeMap::new(),
            parent: None,
            added: None,
        };
        chosen.through(runbook.steps.iter())
    }

    /// The same walk through these steps only.
    pub fn through<'a>(self, steps: impl Iterator<Item = &'a Step> + Clone) -> Self {
        Self {
            steps: steps
                .clone()
                .map(|s| (s.id.clone(), s.title.clone()))
                .collect(),
            parts: steps.map(|s| (s.id.clone(), parts(s))).collect(),
            ..self
        }
    }
}

fn parts(step: &Step) -> usize {
    let opens = |part: &&Part| match part {
        Part::Action(action) => matches!(
            &action.code,
            Code::Act {
                act: Act::Runbook(_)
            }
        ),
        Part::Tick(_) => false,
    };
    step.parts.iter().filter(|part| !opens(part)).count()
}

/// A step that an operator added in the middle of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Added {
    /// As it would stand in a runbook: a fence of Markdown.
    pub fence: String,
    /// The walk it was added to and where that stood; none when no runbook was open.
    pub amid: Option<(u32, StepId)>,
}

/// What became of an intent.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one a step, and it lives as long as an entry"
)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// A process of its own is about to act.
    Started {
        /// The action.
        action: ActionRef,
        /// The attempt.
        attempt: u32,
        /// Its process id.
        pid: u32,
        /// Its start time in clock ticks since boot (`/proc/PID/stat` field 22): with the boot id, a pid's identity.
        start_time: u64,
        /// The boot.
        boot_id: String,
    },
    /// It ended. One end an attempt.
    Ended {
        /// The action.
        action: ActionRef,
        /// The attempt.
        attempt: u32,
        /// When it ended, by the runner's clock.
        at: Now,
        /// How.
        outcome: Outcome,
        /// The last lines of its output, redacted.
        excerpt: Clean,
        /// Its output, relative to the incident's folder.
        evidence: String,
        /// Outputs kept as variables: name and value; none for a secret.
        kept: Vec<(String, Option<Clean>)>,
        /// What its verification saw.
        verified: Vec<Verdict>,
    },
}
