//! The confirmation: the only place where a [`Confirmed`] can be made.
//!
//! An [`Ask`] shows one act with its verdicts. It is armed after [`ARMED_AFTER`] without any key, each earlier key starts
//! the wait again, so a held key confirms nothing. Enter alone confirms only what is not dangerous; everything else asks
//! for its phrase, and what is red for a phrase and a reason.

use std::collections::BTreeMap;
use std::time::Duration;

use secrecy::SecretString;

use super::event::{Evaluation, RequestId};
use crate::incident::clean::Clean;
use crate::incident::journal::{Override, Resolved};
use crate::incident::now::Now;
use crate::incident::reading::{Holds, Verdict};
use crate::incident::runbook::Danger;

/// How long no key may come before a confirmation listens.
pub const ARMED_AFTER: Duration = Duration::from_millis(500);

/// An enter that follows another key faster than this was not pressed by a person: a terminal without bracketed paste
/// sends pasted text as keys, all of it within a millisecond or two. Fast typists take 60 ms and more from key to key.
pub const BY_HAND: Duration = Duration::from_millis(25);

/// How long a reason must be.
pub const REASON_LENGTH: usize = 10;

/// An act that a person confirmed: this act, on these targets, in this mode, once. It can be made only here and can't be
/// read from anywhere, so nothing that was not confirmed can be performed.
#[derive(Debug)]
pub struct Confirmed {
    resolved: Resolved,
    verdicts: Vec<(String, Verdict)>,
    overrides: Vec<Override>,
    secrets: BTreeMap<String, SecretString>,
}

impl Confirmed {
    /// What was confirmed.
    pub fn resolved(&self) -> &Resolved {
        &self.resolved
    }

    /// Guards and checks as they stood when it was confirmed.
    pub fn verdicts(&self) -> &[(String, Verdict)] {
        &self.verdicts
    }

    /// What the person took upon themselves.
    pub fn overrides(&self) -> &[Override] {
        &self.overrides
    }

    /// Values of the secret variables that reach it: handed to the runner through its gate pipe, recorded nowhere.
    pub fn secrets(&self) -> &BTreeMap<String, SecretString> {
        &self.secrets
    }
}

/// A question to the operator: run this act?
#[derive(Debug)]
pub struct Ask {
    /// Joins it to its evaluation.
    pub request: RequestId,
    /// What would run.
    pub resolved: Resolved,
    /// Guards, checks and verification; none while they are being evaluated.
    pub evaluation: Option<Evaluation>,
    /// What was typed as phrase.
    pub typed: String,
    /// What was typed as reason, once there is something to override.
    pub reason: String,
    /// Which of the two is being typed.
    pub at_reason: bool,
    secrets: BTreeMap<String, SecretString>,
    quiet_since: Now,
}

/// Why an ask did not become a confirmation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// A key came within half a second.
    #[error("wait half a second without a key")]
    NotArmed,
    /// The answer came faster than a person types.
    #[error("that came faster than typing: a confirmation is typed, not pasted")]
    Pasted,
    /// The checks are still being evaluated.
    #[error("the checks are still being evaluated")]
    Evaluating,
    /// The phrase is missing or wrong.
    #[error("type {0}")]
    Phrase(String),
    /// The reason is too short.
    #[error("give a reason of ten characters or more")]
    Reason,
}

impl Ask {
    /// A question that opens now; the key that opened it counts as a key.
    pub fn new(
        request: RequestId,
        resolved: Resolved,
        secrets: BTreeMap<String, SecretString>,
        now: &Now,
    ) -> Self {
        Self {
            request,
            resolved,
            evaluation: None,
            typed: String::new(),
            reason: String::new(),
            at_reason: false,
            secrets,
            quiet_since: now.clone(),
        }
    }

    /// Whether half a second went by without a key.
    pub fn armed(&self, now: &Now) -> bool {
        now.since(&self.quiet_since) >= ARMED_AFTER
    }

    /// Any key but typing into an armed ask starts the wait again; returns whether the ask was armed when it came.
    pub fn key_came(&mut self, now: &Now) -> bool {
        let armed = self.armed(now);
        if !armed {
            self.quiet_since = now.clone();
        }
        armed
    }

    /// Something came that no person types: the wait starts again, armed or not.
    pub fn disturbed(&mut self, now: &Now) {
        self.quiet_since = now.clone();
    }

    /// Guards and checks that do not hold; unknown counts as red.
    pub fn red(&self) -> Vec<&(String, Verdict)> {
        let Some(evaluation) = &self.evaluation else {
            return Vec::new();
        };
        evaluation
            .guards
            .iter()
            .chain(&evaluation.checks)
            .filter(|(_, v)| v.holds != Holds::Yes)
            .collect()
    }

    /// The phrase that must be typed: the act's own; with something red, `OVERRIDE` and what it is done to.
    pub fn phrase(&self) -> Option<String> {
        if self.red().is_empty() {
            return self.resolved.phrase.clone();
        }
        let target = self
            .resolved
            .targets
            .first()
            .map(|place| place.target.as_str());
        Some(format!(
            "OVERRIDE:{}",
            target.unwrap_or(self.resolved.action.step.as_str())
        ))
    }

    /// Enter alone is enough.
    pub fn enter_is_enough(&self) -> bool {
        self.phrase().is_none() && self.resolved.danger <= Danger::Change
    }

    /// What still stands between the question and its answer.
    ///
    /// # Errors
    /// The first thing missing.
    pub fn ready(&self, now: &Now) -> Result<(), NotYet> {
        if !self.armed(now) {
            return Err(NotYet::NotArmed);
        }
        if self.evaluation.is_none() {
            return Err(NotYet::Evaluating);
        }
        match self.phrase() {
            Some(phrase) if phrase != self.typed => return Err(NotYet::Phrase(phrase)),
            None if self.resolved.danger > Danger::Change => {
                // A dangerous act without a phrase is a fault of resolution; it is never run on Enter.
                return Err(NotYet::Phrase(
                    self.resolved.action.step.as_str().to_owned(),
                ));
            }
            _ => {}
        }
        if !self.red().is_empty() && self.reason.trim().chars().count() < REASON_LENGTH {
            return Err(NotYet::Reason);
        }
        Ok(())
    }

    /// The answer yes. Consumes the question: it can be answered once.
    ///
    /// # Errors
    /// The question back, with what is missing.
    pub fn confirm(self, now: &Now) -> Result<Confirmed, (Box<Ask>, NotYet)> {
        if let Err(why) = self.ready(now) {
            return Err((Box::new(self), why));
        }
        let reason = Clean::new(self.reason.trim());
        let overrides = self
            .red()
            .into_iter()
            .map(|(name, verdict)| Override {
                name: name.clone(),
                verdict: verdict.clone(),
                reason: reason.clone(),
                phrase: self.typed.clone(),
            })
            .collect();
        let evaluation = self.evaluation.unwrap_or_default();
        let verdicts = evaluation
            .guards
            .into_iter()
            .chain(evaluation.checks)
            .collect();
        Ok(Confirmed {
            resolved: self.resolved,
            verdicts,
            overrides,
            secrets: self.secrets,
        })
    }
}
