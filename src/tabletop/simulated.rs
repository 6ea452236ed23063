//! A target of the simulated site as the rest of the program sees any target.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::SharedWorld;
use crate::incident::acts::{Act, Condition};
use crate::incident::measure::Span;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, Observation, Outcome, Verdict};
use crate::systems::{Output, System};
use crate::world::clock::{Clock, Played};

/// One target of a world that is not there.
pub struct Simulated {
    /// Which.
    pub target: TargetId,
    /// The world.
    pub world: SharedWorld,
    /// Its clock.
    pub clock: Arc<Played>,
}

impl System for Simulated {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        ready(self.world.lock().observe(&self.target)).boxed()
    }

    fn holds<'a>(&'a self, condition: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        ready(self.world.lock().holds(condition)).boxed()
    }

    fn perform<'a>(&'a self, act: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        async move {
            let job = match self.world.lock().begin(act) {
                Ok(job) => job,
                Err(outcome) => return outcome,
            };
            out.line(format!("[simulated: takes {}]", Span(job.takes)));
            let clock = Clock::Played(Arc::clone(&self.clock));
            clock.sleep(job.takes).await;
            self.world.lock().finish(&job)
        }
        .boxed()
    }
}
