//! What is only looked at: a probe as a system that takes no act and answers no condition of its own.

use futures_util::future::{BoxFuture, FutureExt};

use super::{Output, System, wire};
use crate::incident::acts::{Act, Condition};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight, Verdict};
use crate::incident::site::Target;

/// How one thing is looked at.
pub trait Probe: Send + Sync {
    /// Looks once, within the target's time-out.
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>>;
}

/// A target that is only looked at.
pub struct Probed<P> {
    id: TargetId,
    on: String,
    probe: P,
}

impl<P: Probe> Probed<P> {
    /// The target, looked at by `probe`.
    pub fn new(target: &Target, probe: P) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            probe,
        }
    }
}

impl<P: Probe> System for Probed<P> {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        wire::observed(&self.id, self.probe.look()).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async { Err(wire::not_known(&self.on, "this condition")) }.boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, _: &'a Output) -> BoxFuture<'a, Outcome> {
        async { wire::failed(wire::not_known(&self.on, act.word())) }.boxed()
    }
}
