//! What shells, programs and hands do in an exercise: what the scenario says of the step, else nothing after the step's
//! estimate. Nothing is executed, and nothing of this can reach a network.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::SharedWorld;
use crate::drill::scenario::{Hands, Scenario};
use crate::incident::acts::Condition;
use crate::incident::clean::Clean;
use crate::incident::journal::Resolved;
use crate::incident::names::StepId;
use crate::incident::reading::{Failure, FailureKind, Outcome, Verdict};
use crate::incident::runbook::{Code, Expect, Role};
use crate::world::clock::{Clock, Played};
use crate::world::exec::Ran;
use crate::world::exec::expect;
use crate::world::stage::Stage;

/// How long a step takes whose runbook does not say.
const USUAL: Duration = Duration::from_secs(20);

/// A step that an inject lets fail does so after this long.
const FAILS_AFTER: Duration = Duration::from_secs(2);

/// The stage of a simulated site.
pub struct Scripted {
    /// What hands do.
    pub scenario: Arc<Scenario>,
    /// The world they do it to.
    pub world: SharedWorld,
    /// Its clock.
    pub clock: Arc<Played>,
}

/// What hands do at a step: of its runbook, and of its action or item where the scenario tells them apart.
pub fn hands<'a>(
    scenario: &'a Scenario,
    runbook: &str,
    step: &StepId,
    index: Option<usize>,
) -> Option<&'a Hands> {
    let of_step = |hands: &&Hands| {
        hands.step == *step
            && hands.runbook.as_deref().is_none_or(|id| id == runbook)
            && hands.index == index
    };
    scenario.hands.iter().find(of_step)
}

impl Scripted {
    async fn play(&self, resolved: &Resolved) -> Option<Ran> {
        let clock = Clock::Played(Arc::clone(&self.clock));
        let fails = self.world.lock().fails_next(resolved.action.step.as_str());
        if let Some(says) = fails {
            clock.sleep(FAILS_AFTER).await;
            return Some(failed(resolved, &says, String::new()));
        }
        if matches!(resolved.code, Code::Act { .. }) {
            return None;
        }
        let hands = self.hands_of(resolved);
        let takes = hands.and_then(|hands| hands.takes);
        let usual = resolved.estimate.unwrap_or(USUAL);
        clock.sleep(takes.unwrap_or(usual)).await;
        let prints = hands.map(|hands| hands.prints.join("\n"));
        let output = prints.unwrap_or_default();
        if hands.is_some_and(|hands| hands.fails) {
            let last = output.lines().last().unwrap_or("exit 1").to_owned();
            return Some(failed(resolved, &last, output));
        }
        for what in hands.iter().flat_map(|hands| &hands.what) {
            self.world.lock().happen(what);
        }
        let said = Clean::new("played: nothing was executed");
        let outcome = Outcome::Done { said };
        Some(Ran { outcome, output })
    }

    fn hands_of(&self, resolved: &Resolved) -> Option<&Hands> {
        let (runbook, action) = (resolved.runbook.as_str(), &resolved.action);
        if action.role != Role::Run {
            return None;
        }
        let of = |index| hands(&self.scenario, runbook, &action.step, index);
        of(Some(action.index)).or_else(|| of(None))
    }
}

fn failed(resolved: &Resolved, says: &str, output: String) -> Ran {
    let advice = "read its output";
    let failure = Failure::new(FailureKind::BadAnswer, &resolved.action, says, advice);
    let outcome = Outcome::Failed {
        failure,
        exit: Some(1),
    };
    Ran { outcome, output }
}

impl Stage for Scripted {
    fn run<'a>(&'a self, resolved: &'a Resolved) -> BoxFuture<'a, Option<Ran>> {
        self.play(resolved).boxed()
    }

    fn look(&self, resolved: &Resolved, _: &Code, expect: Option<&Expect>) -> Verdict {
        let prints = self.hands_of(resolved).map(|hands| hands.prints.join("\n"));
        match (prints.filter(|text| !text.is_empty()), expect) {
            (Some(text), Some(expect)) => expect::judge(expect, &text),
            _ => Verdict::measured(true, "taken to hold: there is no server to ask"),
        }
    }

    fn holds(&self, condition: &Condition) -> Option<Verdict> {
        matches!(condition, Condition::Sum { .. })
            .then(|| Verdict::measured(true, "taken to be right: there is no file to read"))
    }
}

/// The stage of a walk without a site: every act is described, nothing is done, and the talk is what is kept.
pub struct Talk {
    /// The exercise's clock.
    pub clock: Arc<Played>,
}

impl Stage for Talk {
    fn run<'a>(&'a self, _: &'a Resolved) -> BoxFuture<'a, Option<Ran>> {
        async move {
            let clock = Clock::Played(Arc::clone(&self.clock));
            clock.sleep(Duration::from_secs(1)).await;
            let said = Clean::new("described: nothing was executed");
            Some(Ran {
                outcome: Outcome::Done { said },
                output: String::new(),
            })
        }
        .boxed()
    }

    fn look(&self, _: &Resolved, _: &Code, _: Option<&Expect>) -> Verdict {
        assumed()
    }

    fn guarded(&self) -> bool {
        false
    }

    fn holds(&self, _: &Condition) -> Option<Verdict> {
        Some(assumed())
    }
}

fn assumed() -> Verdict {
    Verdict::measured(true, "taken to hold: this walk has no site")
}
