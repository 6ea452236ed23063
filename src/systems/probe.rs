//! What is only looked at: a probe as a system that takes no act and answers no condition of its own.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};

use super::{Output, System, wire};
use crate::incident::acts::Act;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Sight};
use crate::incident::site::Target;

/// How one thing is looked at.
pub trait Probe: Send + Sync {
    /// Looks once; the target's time-out is kept for it.
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>>;
}

/// A target that is only looked at.
pub struct Probed<P> {
    id: TargetId,
    on: String,
    timeout: Duration,
    probe: P,
}

impl<P: Probe> Probed<P> {
    /// The target, looked at by `probe`.
    pub fn new(target: &Target, probe: P) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            timeout: target.timeout,
            probe,
        }
    }
}

impl<P: Probe> System for Probed<P> {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let look = wire::within(&self.on, self.timeout, self.probe.look());
        wire::observed(&self.id, look).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, _: &'a Output) -> BoxFuture<'a, Outcome> {
        async { wire::failed(wire::not_known(&self.on, act.word())) }.boxed()
    }
}
