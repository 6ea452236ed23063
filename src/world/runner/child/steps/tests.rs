//! A runner's steps on a system that answers by script.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::super::Case;
use super::go;
use crate::incident::acts::postgres::{PgAct, PgCondition};
use crate::incident::acts::{Act, Condition};
use crate::incident::clean::Clean;
use crate::incident::journal::{Intent, Mode, Override, Resolved, ResolvedCheck, Seq};
use crate::incident::names::{RunbookId, StepId, TargetId};
use crate::incident::reading::{Failure, FailureKind, Observation, Outcome, Verdict};
use crate::incident::redact::Redactor;
use crate::incident::runbook::{ActionRef, Code, Danger, Role, Vars};
use crate::incident::site::Site;
use crate::systems::{Output, Shared, System};
use crate::world::Systems;
use crate::world::exec::env::{Scratch, Tools};
use crate::world::exec::sink::Sink;

/// A server whose answers are given beforehand; the last one is repeated.
struct Scripted {
    verdicts: Mutex<Vec<Verdict>>,
    outcome: Outcome,
    performed: Mutex<u32>,
}

impl System for Scripted {
    fn observe(&self) -> BoxFuture<'_, Observation> {
        let failure = Failure::new(FailureKind::Refused, "pg-west", "connect", "");
        let observation = Observation {
            target: target(),
            value: Err(failure),
            host: None,
            took: Duration::ZERO,
        };
        futures_util::future::ready(observation).boxed()
    }

    fn holds<'a>(&'a self, _: &'a Condition) -> BoxFuture<'a, Result<Verdict, Failure>> {
        let mut verdicts = self.verdicts.lock().unwrap();
        let verdict = match verdicts.len() {
            1 => verdicts[0].clone(),
            _ => verdicts.remove(0),
        };
        futures_util::future::ready(Ok(verdict)).boxed()
    }

    fn perform<'a>(&'a self, _: &'a Act, out: &'a Output) -> BoxFuture<'a, Outcome> {
        *self.performed.lock().unwrap() += 1;
        out.line("promoting");
        futures_util::future::ready(self.outcome.clone()).boxed()
    }
}

fn target() -> TargetId {
    TargetId::from("pg-west")
}

fn fenced() -> Condition {
    Condition::Postgres(PgCondition::Fenced { target: target() })
}

fn resolved(checks: usize, verify: usize, timeout: Duration) -> Resolved {
    let check = || ResolvedCheck::Condition(fenced());
    Resolved {
        action: ActionRef {
            walk: 1,
            step: StepId::from("promote"),
            index: 1,
            role: Role::Run,
        },
        step_title: "Promote".into(),
        attempt: 1,
        mode: Mode::Real,
        site: "lab".into(),
        site_digest: String::new(),
        runbook: RunbookId::from("failover"),
        runbook_digest: String::new(),
        code: Code::Act {
            act: Act::Postgres(PgAct::Checkpoint { target: target() }),
        },
        targets: Vec::new(),
        vars: Vars::new(),
        secrets: BTreeMap::new(),
        with: Vec::new(),
        expect: None,
        keep_as: None,
        path: None,
        keep_secret: false,
        guards: None,
        danger: Danger::OneWay,
        phrase: None,
        checks: std::iter::repeat_with(check).take(checks).collect(),
        verify: std::iter::repeat_with(check).take(verify).collect(),
        every: Duration::from_millis(1),
        timeout,
        estimate: None,
        capture: vec!["postgres.timeline(pg-west)".into()],
        hold: None,
        last_known: None,
        changed: Vec::new(),
        rto_ends: None,
        last_promotion: None,
    }
}

fn site() -> Site {
    Site {
        name: "lab".into(),
        ..Site::empty()
    }
}

/// Goes through the steps; gives the end's word, how often the act was performed, and the output.
async fn gone(
    resolved: Resolved,
    overrides: Vec<Override>,
    outcome: Outcome,
    verdicts: Vec<Verdict>,
) -> (&'static str, u32, String) {
    let folder = tempfile::tempdir().unwrap();
    let system = Arc::new(Scripted {
        verdicts: Mutex::new(verdicts),
        outcome,
        performed: Mutex::new(0),
    });
    let case = Case {
        incident: folder.path().to_owned(),
        seq: Seq(3),
        intent: Intent {
            digest: resolved.digest(),
            resolved,
            nonce_hash: String::new(),
            verdicts: Vec::new(),
            overrides,
        },
        secrets: BTreeMap::new(),
        site: site(),
        systems: Systems::real(BTreeMap::from([(target(), Arc::clone(&system) as Shared)])),
    };
    let path = folder.path().join("output");
    let sink = Sink::create(&path, Redactor::new([])).unwrap();
    let closed = go(
        &case,
        &Tools::default(),
        &Scratch::default(),
        &sink,
        std::future::pending(),
    )
    .await;
    let word = match closed.outcome {
        Outcome::Done { .. } => "done",
        Outcome::Failed { .. } => "failed",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Refused { .. } => "refused",
    };
    let performed = *system.performed.lock().unwrap();
    (word, performed, std::fs::read_to_string(path).unwrap())
}

fn done() -> Outcome {
    Outcome::Done {
        said: Clean::new("promoted"),
    }
}

fn lost() -> Outcome {
    Outcome::Unknown {
        failure: Failure::new(FailureKind::TimedOut, "pg-west", "promote: no answer", ""),
    }
}

fn says(truth: bool) -> Verdict {
    Verdict::measured(truth, format!("fenced {truth}"))
}

#[tokio::test]
async fn verification_is_polled_until_it_holds_or_the_time_has_passed() {
    let long = Duration::from_secs(60);
    let short = Duration::from_millis(250);
    for (outcome, timeout, verdicts, end) in [
        (
            done(),
            long,
            vec![says(false), says(false), says(true)],
            "done",
        ),
        (
            lost(),
            long,
            vec![Verdict::unknown("silent"), says(true)],
            "done",
        ),
        (done(), short, vec![says(false)], "failed"),
        (lost(), short, vec![says(false)], "unknown"),
        (done(), short, vec![Verdict::unknown("silent")], "unknown"),
    ] {
        // The evaluation before the act looks at the verification too: that verdict decides nothing.
        let script = std::iter::once(says(false))
            .chain(verdicts.clone())
            .collect();
        let (word, performed, output) =
            gone(resolved(0, 1, timeout), vec![], outcome, script).await;
        assert_eq!((word, performed), (end, 1), "{verdicts:?}\n{output}");
        assert!(output.contains("[before: postgres.timeline(pg-west) = unknown]\npromoting\n"));
    }
}

#[tokio::test]
async fn a_red_check_refuses_unless_it_was_overridden_and_is_no_worse() {
    let overridden = |badness| Override {
        name: "check 1: fenced pg-west".into(),
        verdict: says(false).with_badness(badness),
        reason: Clean::new("there is no other way"),
        phrase: "OVERRIDE:pg-west".into(),
    };
    let red = says(false).with_badness(5);
    for (overrides, verdict, end, performed) in [
        (vec![], says(true), "done", 1),
        (vec![], red.clone(), "refused", 0),
        (vec![], Verdict::unknown("silent"), "refused", 0),
        (vec![overridden(5)], red.clone(), "done", 1),
        (vec![overridden(4)], red.clone(), "refused", 0),
    ] {
        let resolved = resolved(1, 0, Duration::from_secs(1));
        let (word, count, output) = gone(resolved, overrides, done(), vec![verdict]).await;
        assert_eq!((word, count), (end, performed), "{output}");
    }
}
