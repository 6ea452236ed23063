//! Clients and helpers that several systems share.

#[cfg(feature = "aws")]
pub mod aws;
pub mod causes;
pub mod host;
pub mod http;
#[cfg(feature = "kubernetes")]
pub mod kube;
#[cfg(feature = "aws")]
pub mod metric;
pub mod net;
pub mod pg;
#[cfg(feature = "aws")]
pub mod policy;
pub mod program;
pub mod proof;
pub mod redis;
pub mod resolver;
#[cfg(feature = "kubernetes")]
pub mod rights;
pub mod secret;
pub mod watched;

use std::time::Duration;

use tokio::time::Instant;

use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Sight};
use crate::incident::site::Target;

/// How failures name a target: `pg-west (db-west:5432)`.
pub fn on(target: &Target) -> String {
    format!("{} ({})", target.id, target.endpoint.place())
}

/// A look at `target` as an observation, with the time it took.
pub async fn observed(
    target: &TargetId,
    look: impl Future<Output = Result<Sight, Failure>>,
) -> Observation {
    let begun = Instant::now();
    let value = look.await;
    Observation {
        target: target.clone(),
        value,
        host: None,
        took: begun.elapsed(),
    }
}

/// A look within the target's time-out, however many questions it takes.
///
/// # Errors
/// Its own, or that it was not done in time.
pub async fn within<T>(
    on: &str,
    limit: Duration,
    look: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, look).await.unwrap_or_else(|_| {
        let what = format!("no answer within {}", Span(limit));
        Err(Failure::new(FailureKind::TimedOut, on, what, ""))
    })
}

/// What one of several askers may take, so that a look is done in time although that one is silent.
pub fn share(limit: Duration) -> Duration {
    limit * 9 / 10
}

/// An act that happened and was seen to have happened.
pub fn done(said: &str) -> Outcome {
    Outcome::Done {
        said: Clean::new(said),
    }
}

/// An act that did not happen.
pub fn failed(failure: Failure) -> Outcome {
    Outcome::Failed {
        failure,
        exit: None,
    }
}

/// What became of an act.
pub fn outcome(done: Result<String, Wrong>) -> Outcome {
    match done {
        Ok(said) => self::done(&said),
        Err(wrong) => wrong.outcome(),
    }
}

/// The failure of what a system does not know: a condition or an act of another one.
pub fn not_known(on: &str, what: impl std::fmt::Display) -> Failure {
    let what = format!("{what}: not known to this system");
    Failure::new(
        FailureKind::Unsupported,
        on,
        what,
        "name a target of the right system",
    )
}

/// How a change that was to be made went wrong.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It was never sent, or the server refused it: nothing happened.
    Undone(Failure),
    /// It was sent and the answer got lost: it may have happened, or happen yet.
    Lost(Failure),
}

impl Wrong {
    /// The act's outcome: a lost answer is unknown, never failed.
    pub fn outcome(self) -> Outcome {
        match self {
            Wrong::Undone(failure) => failed(failure),
            Wrong::Lost(failure) => Outcome::Unknown { failure },
        }
    }

    /// What went wrong, where it makes no difference whether it happened: nothing was to change.
    pub fn into_failure(self) -> Failure {
        match self {
            Wrong::Undone(failure) | Wrong::Lost(failure) => failure,
        }
    }
}

/// How long and how often something is looked for after an act.
pub struct Patience {
    until: Instant,
    every: Duration,
}

impl Patience {
    /// From now on for `within`, one look `every` so often.
    pub fn new(within: Duration, every: Duration) -> Self {
        Self {
            until: Instant::now() + within,
            every,
        }
    }

    /// Waits for the next look; false when there is no time left for one.
    pub async fn again(&self) -> bool {
        if Instant::now() >= self.until {
            return false;
        }
        tokio::time::sleep(self.every).await;
        true
    }
}
