//! What an incident is: the fold of its journal.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Actor, Chosen, Declaration, Entry, Exercise, Fact, Intent, Note, Report, Seq};
use crate::incident::clean::Clean;
use crate::incident::names::{SeverityId, StepId};
use crate::incident::now::Now;
use crate::incident::reading::Outcome;
use crate::incident::runbook::{ActionRef, Role, Vars};

/// An incident as its journal tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// How it began.
    pub declaration: Declaration,
    /// When it was declared.
    pub declared: Now,
    /// By whom.
    pub declared_by: Actor,
    /// Its severity now.
    pub severity: SeverityId,
    /// Roles and who has them.
    pub roles: BTreeMap<String, String>,
    /// Rungs that were done: key → when and by whom.
    pub acknowledged: BTreeMap<String, (DateTime<Utc>, Actor)>,
    /// Rungs that were surfaced as due.
    pub due: BTreeMap<String, DateTime<Utc>>,
    /// Runbooks in the order they were chosen.
    pub walks: Vec<Walk>,
    /// When users were served again, and how that is known.
    pub mitigated: Option<(DateTime<Utc>, Clean)>,
    /// When it was over, and its summary.
    pub resolved: Option<(DateTime<Utc>, Clean)>,
    /// Maintenance mode since.
    pub maintenance: Option<DateTime<Utc>>,
    /// The exercise it is; none for what is real.
    pub exercise: Option<Exercise>,
    /// Every entry, for the timeline and the post-mortem.
    pub entries: Vec<Entry>,
}

/// A runbook on its way through an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Walk {
    /// As it was chosen.
    pub chosen: Chosen,
    /// When it was chosen.
    pub since: DateTime<Utc>,
    /// What became of each step so far; a step that is not here has not been touched.
    pub steps: BTreeMap<StepId, StepState>,
    /// What was captured and kept: name → value; none for secrets.
    pub captured: Vars,
    /// Where the operator stands when it is not the next step in the file.
    pub at: Option<StepId>,
    /// It was left.
    pub ended: Option<DateTime<Utc>>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepState {
    /// Why it was skipped.
    pub skipped: Option<Clean>,
    /// Items that were ticked: number → when, by whom, with which note.
    pub ticks: BTreeMap<usize, (DateTime<Utc>, Actor, Option<Clean>)>,
    /// Its actions, checks that ran like acts, and rollbacks.
    pub actions: BTreeMap<ActionRef, ActionState>,
    /// The fork that was taken: way and where to.
    pub branched: Option<(String, StepId)>,
}

/// What became of an action: its attempts, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ActionState {
    /// The attempts.
    pub attempts: Vec<Attempt>,
}

/// One attempt at an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// The intent's entry.
    pub intent_seq: Seq,
    /// What was confirmed.
    pub intent: Intent,
    /// Who confirmed it.
    pub by: Actor,
    /// When.
    pub confirmed: DateTime<Utc>,
    /// The runner: process id, start time, boot.
    pub started: Option<(DateTime<Utc>, u32, u64, String)>,
    /// How it ended.
    pub ended: Option<Ended>,
    /// Why it was voided.
    pub voided: Option<Clean>,
    /// What the operator said of an unknown end.
    pub settled: Option<(bool, Clean)>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// When.
    pub at: DateTime<Utc>,
    /// How.
    pub outcome: Outcome,
    /// The last lines of its output.
    pub excerpt: Clean,
    /// Its output's file, relative to the incident's folder.
    pub evidence: String,
}

/// The states of an action (see the runbook format).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Not asked for yet.
    Waiting,
    /// Confirmed, not started: it never ran.
    Intended,
    /// Started, and its end is not known yet.
    Running,
    /// It happened.
    Done,
    /// It did not, or it failed.
    Failed,
    /// Nobody can say.
    Unknown,
    /// Its last check was red; it never ran.
    Refused,
    /// Its confirmation was taken back.
    Voided,
}

/// A journal that is not one story: an entry that does not follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq}: {what}")]
pub struct Gap {
    /// Where.
    pub seq: Seq,
    /// What is wrong.
    pub what: String,
}

impl Attempt {
    /// What state it is in.
    pub fn phase(&self) -> Phase {
        match (&self.settled, &self.ended, &self.started, &self.voided) {
            (Some((true, _)), ..) => Phase::Done,
            (Some((false, _)), ..) => Phase::Failed,
            (None, Some(ended), ..) => match ended.outcome {
                Outcome::Done { .. } => Phase::Done,
                Outcome::Failed { .. } => Phase::Failed,
                Outcome::Unknown { .. } => Phase::Unknown,
                Outcome::Refused { .. } => Phase::Refused,
            },
            (None, None, Some(_), _) => Phase::Running,
            (None, None, None, Some(_)) => Phase::Voided,
            (None, None, None, None) => Phase::Intended,
        }
    }
}

impl Walk {
    /// How many parts a step has; 0 where an old journal does not tell.
    pub fn parts(&self, step: &StepId) -> usize {
        self.chosen.parts.get(step).copied().unwrap_or(0)
    }

    /// An operator's own step that was typed, and then not run after all: nothing that is owed.
    pub fn taken_back(&self) -> bool {
        self.chosen.added.is_some() && self.steps.is_empty()
    }
}

impl StepState {
    /// How many of its parts are done: acts that happened, and items that were ticked.
    pub fn parts_done(&self) -> usize {
        let ticked = self.ticks.keys().filter(|index| **index > 0).count();
        let acts = self.actions.iter();
        let done = acts.filter(|(a, state)| a.role == Role::Run && state.phase() == Phase::Done);
        ticked + done.count()
    }
}

impl ActionState {
    /// The newest attempt's state; waiting without one.
    pub fn phase(&self) -> Phase {
        self.attempts.last().map_or(Phase::Waiting, Attempt::phase)
    }
}

impl Incident {
    /// Folds a journal.
    ///
    /// # Errors
    /// The first entry that does not follow from those before it.
    pub fn fold(entries: &[Entry]) -> Result<Incident, Gap> {
        let (first, rest) = entries.split_first().ok_or(Gap {
            seq: Seq(1),
            what: "the journal is empty".into(),
        })?;
        let Fact::Declared(declaration) = &first.fact else {
            return Err(Gap {
                seq: first.seq,
                what: "a journal begins with a declaration".into(),
            });
        };
        let mut incident = Incident {
            declaration: declaration.clone(),
            declared: first.at.clone(),
            declared_by: first.actor.clone(),
            severity: declaration.severity.clone(),
            roles: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            due: BTreeMap::new(),
            walks: Vec::new(),
            mitigated: None,
            resolved: None,
            maintenance: None,
            exercise: None,
            entries: vec![first.clone()],
        };
        for entry in rest {
            incident.apply(entry)?;
        }
        Ok(incident)
    }

    /// Takes one more entry in.
    ///
    /// # Errors
    /// When it does not follow: a wrong number, a walk or an intent that is not there, a second end.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), Gap> {
        let gap = |what: &str| Gap {
            seq: entry.seq,
            what: what.to_owned(),
        };
        if self.head() != Seq(entry.seq.0.wrapping_sub(1)) {
            return Err(gap(&format!("expected entry {}", self.head().0 + 1)));
        }
        match &entry.fact {
            Fact::Declared(_) => return Err(gap("a second declaration")),
            Fact::Note(note) => self.note(entry, note).map_err(|what| gap(&what))?,
            Fact::Intent(intent) => {
                let state = self
                    .action(&intent.resolved.action)
                    .map_err(|what| gap(&what))?;
                state.attempts.push(Attempt {
                    intent_seq: entry.seq,
                    intent: (**intent).clone(),
                    by: entry.actor.clone(),
                    confirmed: entry.at.wall,
                    started: None,
                    ended: None,
                    voided: None,
                    settled: None,
                });
            }
            Fact::Report(report) => self.report(entry, report).map_err(|what| gap(&what))?,
        }
        self.entries.push(entry.clone());
        Ok(())
    }

    /// The newest entry's number.
    pub fn head(&self) -> Seq {
        self.entries.last().map_or(Seq(0), |entry| entry.seq)
    }

    /// The walk of that number.
    pub fn walk(&self, number: u32) -> Option<&Walk> {
        self.walks.iter().find(|walk| walk.chosen.walk == number)
    }

    /// The walk that a step opened as a sub-runbook.
    pub fn opened_by(&self, walk: u32, step: &StepId) -> Option<&Walk> {
        let of = |(number, id): &(u32, StepId)| *number == walk && id == step;
        self.walks
            .iter()
            .find(|w| w.chosen.parent.as_ref().is_some_and(of))
    }

    /// The number of the walk that is chosen next.
    pub fn next_walk(&self) -> u32 {
        let numbers = self.walks.iter().map(|walk| walk.chosen.walk);
        numbers.max().unwrap_or(0) + 1
    }

    fn walk_mut(&mut self, number: u32) -> Result<&mut Walk, String> {
        let found = self
            .walks
            .iter_mut()
            .find(|walk| walk.chosen.walk == number);
        found.ok_or_else(|| format!("there is no walk {number}"))
    }

    fn step(&mut self, walk: u32, step: &StepId) -> Result<&mut StepState, String> {
        let walk = self.walk_mut(walk)?;
        if !walk.chosen.steps.iter().any(|(id, _)| id == step) {
            return Err(format!("{} has no step #{step}", walk.chosen.runbook));
        }
        Ok(walk.steps.entry(step.clone()).or_default())
    }

    fn action(&mut self, action: &ActionRef) -> Result<&mut ActionState, String> {
        let step = self.step(action.walk, &action.step)?;
        Ok(step.actions.entry(action.clone()).or_default())
    }

    fn attempt(&mut self, action: &ActionRef, number: u32) -> Result<&mut Attempt, String> {
        let state = self.action(action)?;
        let found = state
            .attempts
            .iter_mut()
            .find(|a| a.intent.resolved.attempt == number);
        found.ok_or_else(|| format!("{action} has no attempt {number}"))
    }

    fn note(&mut self, entry: &Entry, note: &Note) -> Result<(), String> {
        let at = entry.at.wall;
        match note {
            Note::Said { .. }
            | Note::Standing { .. }
            | Note::Vitals(_)
            | Note::LastSeen { .. }
            | Note::PostMortem { .. }
            | Note::Trouble { .. }
            | Note::Inject { .. }
            | Note::Observation { .. }
            | Note::Pace { .. } => {}
            Note::Exercise(exercise) => self.exercise = Some((**exercise).clone()),
            Note::Severity { to, .. } => self.severity = to.clone(),
            Note::Role { role, who } => {
                self.roles.insert(role.clone(), who.clone());
            }
            Note::Acknowledged { rung } => {
                self.acknowledged
                    .entry(rung.clone())
                    .or_insert_with(|| (at, entry.actor.clone()));
            }
            Note::Due { rung, .. } => {
                self.due.entry(rung.clone()).or_insert(at);
            }
            Note::Maintenance { on } => self.maintenance = on.then_some(at),
            Note::Mitigated { how } => {
                self.mitigated.get_or_insert_with(|| (at, how.clone()));
            }
            Note::Resolved { summary, .. } => self.resolved = Some((at, summary.clone())),
            Note::Chosen(chosen) => self.chosen(at, chosen)?,
            Note::WalkEnded { walk, .. } => self.walk_mut(*walk)?.ended = Some(at),
            Note::Ticked {
                walk,
                step,
                index,
                note,
            } => {
                let tick = (at, entry.actor.clone(), note.clone());
                self.step(*walk, step)?.ticks.insert(*index, tick);
            }
            Note::Skipped { walk, step, reason } => {
                self.step(*walk, step)?.skipped = Some(reason.clone());
            }
            Note::Branched {
                walk,
                step,
                way,
                to,
                ..
            } => {
                self.step(*walk, step)?.branched = Some((way.clone(), to.clone()));
                self.walk_mut(*walk)?.at = Some(to.clone());
            }
            Note::WentTo { walk, step, .. } => self.walk_mut(*walk)?.at = Some(step.clone()),
            Note::Voided { intent, reason } => self.voided(*intent, reason)?,
            Note::Settled {
                action,
                attempt,
                done,
                reason,
            } => {
                self.attempt(action, *attempt)?.settled = Some((*done, reason.clone()));
            }
            Note::Captured { walk, name, value } => {
                if let Some(value) = value {
                    let value = value.as_str().to_owned();
                    self.walk_mut(*walk)?.captured.insert(name.clone(), value);
                }
            }
        }
        Ok(())
    }

    fn chosen(&mut self, at: DateTime<Utc>, chosen: &Chosen) -> Result<(), String> {
        if self.walk(chosen.walk).is_some() {
            return Err(format!("walk {} was chosen before", chosen.walk));
        }
        self.walks.push(Walk {
            chosen: chosen.clone(),
            since: at,
            steps: BTreeMap::new(),
            captured: Vars::new(),
            at: None,
            ended: None,
        });
        Ok(())
    }

    fn voided(&mut self, intent: Seq, reason: &Clean) -> Result<(), String> {
        let attempts = self.walks.iter_mut().flat_map(|w| w.steps.values_mut());
        let mut attempts = attempts
            .flat_map(|s| s.actions.values_mut())
            .flat_map(|a| &mut a.attempts);
        let attempt = attempts.find(|a| a.intent_seq == intent);
        let attempt = attempt.ok_or_else(|| format!("entry {intent} is no intent"))?;
        if attempt.started.is_some() {
            return Err(format!(
                "the intent of entry {intent} was started and can't be voided"
            ));
        }
        attempt.voided = Some(reason.clone());
        Ok(())
    }

    fn report(&mut self, entry: &Entry, report: &Report) -> Result<(), String> {
        match report {
            Report::Started {
                action,
                attempt,
                pid,
                start_time,
                boot_id,
            } => {
                let found = self.attempt(action, *attempt)?;
                if found.started.is_some() {
                    return Err(format!("{action} attempt {attempt} was started twice"));
                }
                found.started = Some((entry.at.wall, *pid, *start_time, boot_id.clone()));
            }
            Report::Ended {
                action,
                attempt,
                at,
                outcome,
                excerpt,
                evidence,
                kept,
                ..
            } => {
                let found = self.attempt(action, *attempt)?;
                if found.ended.is_some() {
                    return Err(format!("{action} attempt {attempt} ended twice"));
                }
                let (outcome, excerpt, evidence) =
                    (outcome.clone(), excerpt.clone(), evidence.clone());
                found.ended = Some(Ended {
                    at: at.wall,
                    outcome,
                    excerpt,
                    evidence,
                });
                let walk = self.walk_mut(action.walk)?;
                for (name, value) in kept {
                    if let Some(value) = value {
                        walk.captured
                            .insert(name.clone(), value.as_str().to_owned());
                    }
                }
            }
        }
        Ok(())
    }
}
