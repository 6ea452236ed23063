//! A journal told by the exercise's own time, and which steps were begun and done when.

use chrono::{DateTime, Utc};

use super::Mark;
use crate::incident::clean::Clean;
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{
    Attempt, Entry, Fact, Incident, Note, Report, Seq, StepState, Walk,
};
use crate::incident::names::StepId;
use crate::incident::runbook::Role;

/// An incident with the instant its exercise began.
#[derive(Debug, Clone, Copy)]
pub struct Story<'a> {
    /// The journal's fold.
    pub incident: &'a Incident,
    /// When the exercise began; without a word about that, when the incident was first seen.
    pub began: DateTime<Utc>,
}

impl<'a> Story<'a> {
    /// The story of an incident.
    pub fn new(incident: &'a Incident) -> Self {
        let seen = incident.declaration.detected.min(incident.declared.wall);
        Self {
            incident,
            began: incident.exercise.as_ref().map_or(seen, |e| e.began),
        }
    }

    /// An instant by the exercise's time.
    pub fn mark(&self, at: DateTime<Utc>) -> Mark {
        Mark(at - self.began)
    }

    /// When something was first seen to be wrong: by the declaration's word, never before the beginning.
    pub fn first_seen(&self) -> DateTime<Utc> {
        self.incident.declaration.detected.max(self.began)
    }

    /// A step's title, or its id where the walk does not tell.
    pub fn title<'b>(&self, walk: u32, step: &'b StepId) -> &'b str
    where
        'a: 'b,
    {
        let steps = self.incident.walk(walk).map(|w| w.chosen.steps.iter());
        let found = steps.and_then(|mut steps| steps.find(|(id, _)| id == step));
        found.map_or(step.as_str(), |(_, title)| title.as_str())
    }

    /// What became of a step, where it was touched.
    pub fn step(&self, walk: u32, step: &StepId) -> Option<&'a StepState> {
        self.incident.walk(walk)?.steps.get(step)
    }

    /// The walk that a step opened as a sub-runbook.
    pub fn opened_by(&self, walk: u32, step: &StepId) -> Option<&'a Walk> {
        self.incident.opened_by(walk, step)
    }

    /// How a walk was left: none while it is open, a reason where steps were left.
    pub fn left(&self, number: u32) -> Option<Option<&'a Clean>> {
        let mut notes = self.incident.entries.iter().rev();
        notes.find_map(|entry| match &entry.fact {
            Fact::Note(Note::WalkEnded { walk, reason }) if *walk == number => {
                Some(reason.as_ref())
            }
            _ => None,
        })
    }

    /// The first entry by which a step was begun: an act that ran, a tick, a sub-runbook that was opened.
    pub fn begun(&self, walk: u32, step: &StepId) -> Option<&'a Entry> {
        let mut entries = self.incident.entries.iter();
        entries.find(|entry| match &entry.fact {
            Fact::Intent(intent) => {
                let action = &intent.resolved.action;
                let here = action.walk == walk && action.step == *step;
                here && action.role == Role::Run && self.ran(walk, step, entry.seq)
            }
            Fact::Note(Note::Ticked {
                walk: w, step: s, ..
            }) => *w == walk && s == step,
            Fact::Note(Note::Chosen(chosen)) => {
                chosen.parent.as_ref() == Some(&(walk, step.clone()))
            }
            _ => false,
        })
    }

    /// Whether the attempt confirmed by that entry ever acted.
    fn ran(&self, walk: u32, step: &StepId, intent: Seq) -> bool {
        let state = self.step(walk, step);
        let mut attempts = state.into_iter().flat_map(attempts);
        let attempt = attempts.find(|attempt| attempt.intent_seq == intent);
        attempt
            .is_some_and(|attempt| attempt.started.is_some() && attempt.phase() != Phase::Refused)
    }

    /// The entry by which a step was done: its last act or tick, with no act of it left that is not done.
    pub fn done(&self, walk: u32, step: &StepId) -> Option<&'a Entry> {
        let done = match (self.opened_by(walk, step), self.step(walk, step)) {
            (Some(child), _) => self.left(child.chosen.walk) == Some(None),
            (None, Some(state)) => {
                let mut acts = state.actions.iter().filter(|(a, _)| a.role == Role::Run);
                acts.all(|(_, action)| action.phase() == Phase::Done)
            }
            (None, None) => false,
        };
        let child = self.opened_by(walk, step).map(|w| w.chosen.walk);
        let mut entries = self.incident.entries.iter().rev();
        let ends = |entry: &&Entry| match &entry.fact {
            Fact::Report(Report::Ended { action, .. })
            | Fact::Note(Note::Settled { action, .. }) => {
                action.walk == walk && action.step == *step && action.role == Role::Run
            }
            Fact::Note(Note::Ticked {
                walk: w, step: s, ..
            }) => *w == walk && s == step,
            Fact::Note(Note::WalkEnded { walk: w, .. }) => Some(*w) == child,
            _ => false,
        };
        entries.find(ends).filter(|_| done)
    }
}

/// Every attempt at anything of a step.
pub fn attempts(state: &StepState) -> impl Iterator<Item = &Attempt> {
    state.actions.values().flat_map(|action| &action.attempts)
}
