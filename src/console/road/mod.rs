//! The road through a runbook: which step is next, what of it is left to do, where a fork leads. Derived from the
//! journal's fold and the runbook alone, so that a console that comes back stands at the same step.

mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::answers::NOT_APPLICABLE;
use super::state::State;
use crate::incident::acts::Act;
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Attempt, Entry, Fact, Incident, Note, Seq, Walk};
use crate::incident::names::StepId;
use crate::incident::runbook::{Action, ActionRef, Code, Danger, Role, Runbook, Step};

pub use parts::{Item, Next, StepStatus, action_ref, free, items};

use super::resolving::danger_of;

/// A walk with its runbook.
#[derive(Debug, Clone, Copy)]
pub struct Road<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// The walk.
    pub walk: &'a Walk,
    /// Its runbook.
    pub runbook: &'a Runbook,
    state: &'a State,
}

/// Where the road stands.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    step: &'a Step,
    /// The road came back to a step that was settled: what was done before this entry does not count.
    afresh: Seq,
    /// A circle led back to a fork that was taken: it is asked again.
    fork_again: bool,
}

impl<'a> Road<'a> {
    /// The road of the walk with that number.
    pub fn of(state: &'a State, walk: u32) -> Option<Road<'a>> {
        let incident = state.incident.as_ref()?;
        Some(Road {
            incident,
            walk: incident.walk(walk)?,
            runbook: state.walks.get(&walk)?,
            state,
        })
    }

    /// The road of the walk that is shown.
    pub fn shown(state: &'a State) -> Option<Road<'a>> {
        Road::of(state, state.walk?)
    }

    /// The walk's number.
    pub fn number(&self) -> u32 {
        self.walk.chosen.walk
    }

    /// What is to be done next.
    pub fn next(&self) -> Next {
        let here = if self.walk.ended.is_some() {
            None
        } else {
            self.here()
        };
        match here {
            Some(here) => self.next_of(here),
            None => match self.always_left().first() {
                Some(step) => self.next_of(self.plainly(step)),
                None => Next::Done,
            },
        }
    }

    /// What is to be done of one step, whether or not its turn has come.
    pub fn next_in(&self, step: &'a Step) -> Next {
        match self.here() {
            Some(here) if here.step.id == step.id => self.next_of(here),
            _ => self.next_of(self.plainly(step)),
        }
    }

    /// How long a step should take: the median of what was measured, else what its author says.
    pub fn estimate(&self, step: &Step) -> Option<Duration> {
        let history = &self.state.memory.history;
        let usual = history.usual(&self.walk.chosen.runbook, &step.id);
        usual.map(|usual| usual.median).or(step.card.estimate)
    }

    /// Steps that are owed whatever happens, and not done yet.
    pub fn always_left(&self) -> Vec<&'a Step> {
        let owed = self.runbook.steps.iter().filter(|s| s.card.always);
        owed.filter(|s| !self.status(s).settled()).collect()
    }

    /// Whether a step may be run though it is not next: it is owed always, and the walk failed or was left.
    pub fn may_jump_queue(&self, step: &Step) -> bool {
        let failed = matches!(self.next(), Next::AfterFailure(_) | Next::Settle(..));
        step.card.always && (failed || self.walk.ended.is_some())
    }

    /// How a step stands, were its turn not come.
    pub fn status(&self, step: &Step) -> StepStatus {
        self.status_since(step, Seq(0))
    }

    /// How a step stands in the list: as [`Self::status`], and the next one marked.
    pub fn shown_status(&self, step: &Step, next: &Next) -> StepStatus {
        match next {
            Next::AfterFailure(_) | Next::Settle(..) | Next::Running(..) => self.status(step),
            _ if next.step() == Some(&step.id) => match self.status(step) {
                StepStatus::Refused => StepStatus::Refused,
                _ => StepStatus::Next,
            },
            _ => self.status(step),
        }
    }

    /// The next rollback action of a step: it was done or tried, it has a way back, and nothing that can't be undone came
    /// with it or after it.
    pub fn rollback_of(&self, step: &Step) -> Option<ActionRef> {
        let last = self.attempts(step, Role::Run).last().copied()?;
        if !matches!(last.phase(), Phase::Done | Phase::Failed) || self.one_way_since(step) {
            return None;
        }
        let undone_since = last.intent_seq;
        let left = step.rollback.iter().find(|action| {
            let state = self.action_attempt(&action_ref(self.number(), &step.id, action));
            !state.is_some_and(|a| a.intent_seq > undone_since && a.phase() == Phase::Done)
        });
        left.map(|action| action_ref(self.number(), &step.id, action))
    }

    /// Why an action may not be asked about now; none when it may.
    pub fn blocked(&self, step: &Step) -> Option<String> {
        if self.incident.resolved.is_some() {
            return Some("the incident is resolved".into());
        }
        if let Some(safety) = &step.card.safety {
            let done = self
                .runbook
                .step(safety)
                .is_some_and(|s| self.status(s) == StepStatus::Done);
            if !done {
                let title = self.title(safety);
                return Some(format!("{title} must be done first: it is the safety copy"));
            }
        }
        let running = self.walk.steps.values().flat_map(|s| s.actions.iter());
        running
            .filter(|(_, state)| state.phase() == Phase::Running)
            .map(|(action, _)| format!("{action} is still running"))
            .next()
    }

    /// A step's title, or its id when it is not there.
    pub fn title(&self, id: &StepId) -> String {
        self.runbook
            .step(id)
            .map_or_else(|| format!("#{id}"), |step| step.title.clone())
    }

    /// The newest attempt at an action.
    pub fn action_attempt(&self, action: &ActionRef) -> Option<&'a Attempt> {
        let state = self.walk.steps.get(&action.step)?.actions.get(action)?;
        state.attempts.last()
    }

    /// Every attempt at a step's actions of one role, in the journal's order.
    pub fn attempts(&self, step: &Step, role: Role) -> Vec<&'a Attempt> {
        let Some(state) = self.walk.steps.get(&step.id) else {
            return Vec::new();
        };
        let of_role = state.actions.iter().filter(|(a, _)| a.role == role);
        let mut attempts: Vec<&Attempt> = of_role.flat_map(|(_, s)| &s.attempts).collect();
        attempts.sort_by_key(|a| a.intent_seq);
        attempts
    }

    fn plainly(&self, step: &'a Step) -> Here<'a> {
        Here {
            step,
            afresh: Seq(0),
            fork_again: false,
        }
    }

    /// The step whose turn it is; none when the road is at its end.
    fn here(&self) -> Option<Here<'a>> {
        let first = self.walk.at.as_ref();
        let mut step = match first {
            Some(at) => self.runbook.step(at)?,
            None => self.runbook.steps.first()?,
        };
        let mut visited = BTreeSet::new();
        // On a road that was taken before, all of it is taken again: what was done before this entry does not count.
        let mut since = Seq(0);
        loop {
            if !visited.insert(&step.id) {
                return None;
            }
            let afresh = match Some(&step.id) == first {
                true => self.afresh(step),
                false => since,
            };
            if afresh != Seq(0) && self.by_fork() {
                since = afresh;
            }
            if !self.status_since(step, afresh).settled() {
                return Some(Here {
                    step,
                    afresh,
                    fork_again: false,
                });
            }
            let fork = self
                .walk
                .steps
                .get(&step.id)
                .and_then(|s| s.branched.as_ref());
            match fork {
                Some((_, to)) if visited.contains(to) => {
                    return Some(Here {
                        step,
                        afresh: Seq(0),
                        fork_again: true,
                    });
                }
                Some((_, to)) => step = self.runbook.step(to)?,
                None => {
                    let next = self.following(step)?;
                    if self.place(next) <= self.place(step) {
                        since = self.jump().map_or(Seq(0), |jump| jump.seq);
                    }
                    step = next;
                }
            }
        }
    }

    fn place(&self, step: &Step) -> Option<usize> {
        self.runbook.steps.iter().position(|s| s.id == step.id)
    }

    fn following(&self, step: &Step) -> Option<&'a Step> {
        if let Some(next) = &step.card.next {
            return self.runbook.step(next);
        }
        self.runbook.steps.get(self.place(step)? + 1)
    }

    /// The newest jump: a fork's, or an operator's.
    fn jump(&self) -> Option<&'a Entry> {
        let number = self.number();
        self.incident.entries.iter().rev().find(|e| match &e.fact {
            Fact::Note(Note::Branched { walk, .. } | Note::WentTo { walk, .. }) => *walk == number,
            _ => false,
        })
    }

    /// Whether the newest jump was a fork's. An operator who goes to a step means that step and no other.
    fn by_fork(&self) -> bool {
        let jump = self.jump().map(|jump| &jump.fact);
        matches!(jump, Some(Fact::Note(Note::Branched { .. })))
    }

    /// The jump that led to a step, when the step was settled before it: then what was done before does not count.
    fn afresh(&self, step: &Step) -> Seq {
        let number = self.number();
        let Some(jump) = self.jump() else {
            return Seq(0);
        };
        let before = items(step).iter().all(|item| match item {
            Item::Action(action) => self
                .walk
                .steps
                .get(&step.id)
                .and_then(|s| s.actions.get(&action_ref(number, &step.id, action)))
                .is_some_and(|s| s.attempts.iter().any(|a| a.intent_seq < jump.seq)),
            _ => true,
        });
        let state = self.walk.steps.get(&step.id);
        let skipped = state.is_some_and(|s| s.skipped.is_some());
        if state.is_some() && (before || skipped) && !self.skipped_since(step, jump.seq) {
            jump.seq
        } else {
            Seq(0)
        }
    }

    /// Whether a step was left out after an entry.
    fn skipped_since(&self, step: &Step, since: Seq) -> bool {
        let newest = self.incident.entries.iter().rev();
        newest
            .take_while(|e| e.seq > since)
            .any(|e| matches!(&e.fact, Fact::Note(Note::Skipped { walk, step: s, .. }) if *walk == self.number() && *s == step.id))
    }

    fn status_since(&self, step: &Step, since: Seq) -> StepStatus {
        let state = self.walk.steps.get(&step.id);
        let skipped = state.and_then(|s| s.skipped.as_ref());
        if let Some(reason) = skipped.filter(|_| self.skipped_since(step, since)) {
            return match reason.as_str().starts_with(NOT_APPLICABLE) {
                true => StepStatus::NotApplicable,
                false => StepStatus::Skipped,
            };
        }
        if since == Seq(0) && self.rolled_back(step) {
            return StepStatus::RolledBack;
        }
        let phases: Vec<Phase> = items(step)
            .iter()
            .map(|item| self.phase(step, item, since))
            .collect();
        let one = |phase| phases.contains(&phase);
        match () {
            () if one(Phase::Running) => StepStatus::Running,
            () if one(Phase::Unknown) => StepStatus::Unknown,
            () if one(Phase::Failed) => StepStatus::Failed,
            () if one(Phase::Refused) => StepStatus::Refused,
            () if phases.iter().any(|p| *p != Phase::Done) => StepStatus::Waiting,
            () if has_fork(step)
                && !(since == Seq(0) && state.is_some_and(|s| s.branched.is_some())) =>
            {
                StepStatus::Waiting
            }
            () => StepStatus::Done,
        }
    }

    fn rolled_back(&self, step: &Step) -> bool {
        let ran = self.attempts(step, Role::Run).last().map(|a| a.intent_seq);
        let Some(ran) = ran else { return false };
        !step.rollback.is_empty()
            && step.rollback.iter().all(|action| {
                self.action_attempt(&action_ref(self.number(), &step.id, action))
                    .is_some_and(|a| a.intent_seq > ran && a.phase() == Phase::Done)
            })
    }

    /// How one item stands; what ended before `since` counts as not done.
    fn phase(&self, step: &Step, item: &Item<'_>, since: Seq) -> Phase {
        match item {
            Item::Action(action) => self.action_phase(step, action, since),
            Item::Tick(tick) => self.tick_phase(step, tick.index, since),
            Item::Prose | Item::Look => self.tick_phase(step, 0, since),
        }
    }

    fn tick_phase(&self, step: &Step, index: usize, since: Seq) -> Phase {
        let tick = self
            .walk
            .steps
            .get(&step.id)
            .and_then(|s| s.ticks.get(&index));
        match tick {
            Some((at, ..)) if self.is_since(*at, since) => Phase::Done,
            _ => Phase::Waiting,
        }
    }

    /// Whether something was at an entry or after it.
    fn is_since(&self, at: DateTime<Utc>, since: Seq) -> bool {
        let mut entries = self.incident.entries.iter();
        let entry = entries.find(|entry| entry.seq == since);
        entry.is_none_or(|entry| at >= entry.at.wall)
    }

    fn action_phase(&self, step: &Step, action: &Action, since: Seq) -> Phase {
        if let Code::Act {
            act: Act::Runbook(sub),
        } = &action.code
        {
            return self.sub_phase(step, &sub.file, since);
        }
        let reference = action_ref(self.number(), &step.id, action);
        let performing = &self.state.memory.performing;
        if performing.values().any(|(a, _)| *a == reference) {
            return Phase::Running;
        }
        match self.action_attempt(&reference) {
            Some(a) if a.intent_seq < since && matches!(a.phase(), Phase::Done | Phase::Failed) => {
                Phase::Waiting
            }
            Some(a) => match a.phase() {
                // Confirmed and never started, or taken back: the question is asked anew.
                Phase::Intended | Phase::Voided => Phase::Waiting,
                phase => phase,
            },
            None => Phase::Waiting,
        }
    }

    /// A sub-runbook is done when its walk is at its end.
    fn sub_phase(&self, step: &Step, file: &str, since: Seq) -> Phase {
        let stem = file.strip_suffix(".md").unwrap_or(file);
        let parent = (self.number(), step.id.clone());
        let child = self.incident.walks.iter().rev().find(|w| {
            w.chosen.parent.as_ref() == Some(&parent)
                && w.chosen.runbook.as_str() == stem
                && self.is_since(w.since, since)
        });
        let done = child
            .and_then(|w| Road::of(self.state, w.chosen.walk))
            .is_some_and(|road| road.complete());
        if done { Phase::Done } else { Phase::Waiting }
    }

    /// How many steps of the runbook are not settled.
    pub fn left(&self) -> usize {
        let steps = self.runbook.steps.iter();
        steps.filter(|step| !self.status(step).settled()).count()
    }

    /// Every step on the road is settled.
    pub fn complete(&self) -> bool {
        self.here().is_none() && self.always_left().is_empty()
    }

    fn next_of(&self, here: Here<'a>) -> Next {
        let step = here.step;
        for item in items(step) {
            match (self.phase(step, &item, here.afresh), &item) {
                (Phase::Done, _) => {}
                (phase, Item::Action(action)) => return self.next_of_action(step, action, phase),
                (_, Item::Tick(tick)) => return Next::Tick(step.id.clone(), tick.index),
                (_, Item::Prose) => return Next::Acknowledge(step.id.clone()),
                (_, Item::Look) if step.card.runs_by_itself => {
                    return Next::Verify(step.id.clone());
                }
                (_, Item::Look) => return Next::Look(step.id.clone()),
            }
        }
        let state = self.walk.steps.get(&step.id);
        let taken = state.is_some_and(|s| s.branched.is_some()) && here.afresh == Seq(0);
        match step.card.branch {
            _ if taken && !here.fork_again => Next::Done,
            Some(_) => Next::Branch(step.id.clone()),
            None if !step.card.decide.is_empty() => Next::Decide(step.id.clone()),
            None => Next::Done,
        }
    }

    fn next_of_action(&self, step: &Step, action: &Action, phase: Phase) -> Next {
        let reference = action_ref(self.number(), &step.id, action);
        let attempt = self
            .action_attempt(&reference)
            .map_or(1, |a| a.intent.resolved.attempt);
        match phase {
            Phase::Running => Next::Running(reference, attempt),
            Phase::Unknown => Next::Settle(reference, attempt),
            Phase::Failed => Next::AfterFailure(step.id.clone()),
            Phase::Waiting | Phase::Intended | Phase::Refused | Phase::Voided | Phase::Done => {
                Next::Action(reference)
            }
        }
    }

    /// Something that can't be undone was done, or may have been, by this step or after it.
    fn one_way_since(&self, step: &Step) -> bool {
        let first = self.attempts(step, Role::Run).first().map(|a| a.intent_seq);
        let Some(first) = first else { return false };
        let dangers: BTreeMap<&StepId, Danger> = self
            .runbook
            .steps
            .iter()
            .map(|s| (&s.id, danger_of(s)))
            .collect();
        let states = self.walk.steps.iter();
        states
            .flat_map(|(id, s)| s.actions.values().map(move |a| (id, a)))
            .flat_map(|(id, a)| a.attempts.iter().map(move |a| (id, a)))
            .filter(|(_, a)| a.intent_seq >= first)
            .filter(|(_, a)| matches!(a.phase(), Phase::Done | Phase::Unknown | Phase::Running))
            .any(|(id, a)| {
                a.intent.resolved.danger == Danger::OneWay
                    || dangers.get(id) == Some(&Danger::OneWay)
            })
    }
}

fn has_fork(step: &Step) -> bool {
    step.card.branch.is_some() || !step.card.decide.is_empty()
}
