//! What stands for a system that this build was made without: it says so wherever it is asked.

use futures_util::future::{BoxFuture, FutureExt};

use super::{Output, System, wire};
use crate::incident::acts::{Act, Condition};
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Verdict};
use crate::incident::site::Target;

/// A target whose client was left out.
pub struct Absent {
    id: TargetId,
    on: String,
    feature: &'static str,
}

impl Absent {
    /// A target that needs `feature`.
    pub fn new(target: &Target, feature: &'static str) -> Self {
        Self {
            id: target.id.clone(),
            on: wire::on(target),
            feature,
        }
    }

    fn failure(&self) -> Failure {
        let what = format!("this warroom was built without {}", self.feature);
        let advice = format!("build it with --features {}", self.feature);
        Failure::new(FailureKind::Unsupported, &self.on, what, advice)
    }
}

impl System for Absent {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        wire::observed(&self.id, async { Err(self.failure()) }).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        async { Err(self.failure()) }.boxed()
    }

    fn perform<'a>(&'a self, _: &'a Act, _: &'a Output) -> BoxFuture<'a, Outcome> {
        async { wire::failed(self.failure()) }.boxed()
    }
}
