//! The simulated site: a state machine that is looked at and acted upon like real systems.
//!
//! Consequences follow from what was done, not from a script: promote an unfenced pair and both sides take writes; move
//! traffic before there are replicas and requests fail; restore, and what came after the backup is lost.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::happening::Happening;
use super::scenario::{Grade, Wiring};
use crate::incident::acts::{Act, Condition};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Verdict};
use crate::incident::site::Site;

/// A consequence that somebody brought about.
#[derive(Debug, Clone, PartialEq)]
pub struct Harm {
    /// When it began, from the beginning of the exercise.
    pub at: Duration,
    /// In words: `both pg-east and pg-west took writes for 40 s`.
    pub words: String,
    /// What it makes of the result.
    pub makes: Grade,
}

/// An act that was begun.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// What is done.
    pub act: Act,
    /// How long it takes.
    pub takes: Duration,
    /// What it prints as it begins.
    pub says: Vec<String>,
}

/// What was lost for good, or may have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lost {
    /// Committed writes that are in no server that is in use, in time.
    pub span: Duration,
    /// In bytes.
    pub bytes: u64,
}

/// The simulated site.
#[derive(Debug, Clone)]
pub struct World {
    begins: DateTime<Utc>,
    at: Duration,
}

impl World {
    /// The site as it is before anything happens; `begins` is the wall clock then. The same seed gives the same world.
    pub fn new(site: &Site, wiring: &Wiring, seed: u64, begins: DateTime<Utc>) -> Self {
        let _ = (site, wiring, seed);
        Self {
            begins,
            at: Duration::ZERO,
        }
    }

    /// Lets time pass up to `to`, counted from the beginning. It never runs backwards.
    pub fn advance(&mut self, to: Duration) {
        self.at = self.at.max(to);
    }

    /// What a probe of a target sees now.
    pub fn observe(&self, target: &TargetId) -> Observation {
        let _ = (target, self.begins);
        todo!()
    }

    /// Conditions that need more than sights.
    ///
    /// # Errors
    /// When the target can't be asked.
    pub fn holds(&self, condition: &Condition) -> Result<Verdict, Failure> {
        let _ = condition;
        todo!()
    }

    /// Begins an act: how long it takes, or the outcome it has at once (refused connection, wrong target).
    ///
    /// # Errors
    /// The outcome of an act that can't even begin.
    pub fn begin(&mut self, act: &Act) -> Result<Job, Outcome> {
        let _ = act;
        todo!()
    }

    /// Ends an act that was begun, once its time has passed: its consequences come about now.
    pub fn finish(&mut self, job: &Job) -> Outcome {
        let _ = job;
        todo!()
    }

    /// Something happens.
    pub fn happen(&mut self, what: &Happening) {
        let _ = what;
        todo!()
    }

    /// The next attempt at that step fails with these words, where an inject said so; asked once, it is forgotten.
    pub fn fails_next(&mut self, step: &str) -> Option<String> {
        let _ = step;
        todo!()
    }

    /// The harm done so far, in the order in which it began.
    pub fn harms(&self) -> Vec<Harm> {
        todo!()
    }

    /// What was lost so far.
    pub fn lost(&self) -> Lost {
        todo!()
    }

    /// How things really are, a line each: for the facilitator.
    pub fn truth(&self) -> Vec<String> {
        todo!()
    }
}
