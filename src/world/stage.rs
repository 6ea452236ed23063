//! Who plays shells, programs and servers in an exercise, where there is nothing to touch.

use futures_util::future::BoxFuture;

use super::exec::Ran;
use crate::incident::journal::Resolved;
use crate::incident::reading::Verdict;
use crate::incident::runbook::{Code, Expect};

/// A stage: what real code is handed to instead of this machine.
pub trait Stage: Send + Sync {
    /// Plays what was confirmed. None: it is a typed act, and its target's system carries it out.
    fn run<'a>(&'a self, resolved: &'a Resolved) -> BoxFuture<'a, Option<Ran>>;

    /// What a check or verification in code says, as it would be evaluated freely.
    fn look(&self, resolved: &Resolved, code: &Code, expect: Option<&Expect>) -> Verdict;

    /// Whether there is a site on which the guards of acts can be judged.
    fn guarded(&self) -> bool {
        true
    }

    /// What a condition says that no target of the site can answer: a checksum, a walk without a site. None: it is judged as
    /// always.
    fn holds(&self, condition: &crate::incident::acts::Condition) -> Option<Verdict>;
}
