//! Decisions of a runner, as arithmetic: whether verdicts refuse, and what act and verification say together.

use crate::incident::clean::Clean;
use crate::incident::journal::Override;
use crate::incident::reading::{Failure, FailureKind, Holds, Outcome, Verdict};

/// Verdicts that refuse the act: not yes, and not what a person took upon themselves, or worse than that.
pub(super) fn refusing(found: &[(String, Verdict)], overrides: &[Override]) -> Vec<Verdict> {
    let refuses = |(name, verdict): &&(String, Verdict)| {
        let covers = |o: &&Override| o.name == *name && !worse(verdict, &o.verdict);
        verdict.holds != Holds::Yes && !overrides.iter().any(|o| covers(&o))
    };
    let named = |(name, verdict): &(String, Verdict)| Verdict {
        saw: Clean::new(&format!("{name}: {}", verdict.saw)),
        ..verdict.clone()
    };
    found.iter().filter(refuses).map(named).collect()
}

/// Whether `now` is worse than `then`: a higher figure, a figure lost, or another answer.
fn worse(now: &Verdict, then: &Verdict) -> bool {
    match (now.badness, then.badness) {
        (Some(now), Some(then)) => now > then,
        (None, Some(_)) => true,
        (_, None) => now.holds != then.holds,
    }
}

/// All verifications together: unknown unless all were measured, no if one says so; none where there is none.
pub(super) fn together(verdicts: &[(String, Verdict)]) -> Option<Holds> {
    let any = |holds| verdicts.iter().any(|(_, verdict)| verdict.holds == holds);
    match (verdicts.is_empty(), any(Holds::No), any(Holds::Unknown)) {
        (true, ..) => None,
        (_, true, _) => Some(Holds::No),
        (_, _, true) => Some(Holds::Unknown),
        _ => Some(Holds::Yes),
    }
}

/// How verification decides (see the runbook format): it can confirm what nobody saw, and take back what seemed done.
pub(super) fn decide(act: Outcome, verified: Option<Holds>) -> Outcome {
    let failure =
        |what: &str, advice: &str| Failure::new(FailureKind::BadAnswer, "verify", what, advice);
    match (act, verified) {
        (Outcome::Done { .. }, Some(Holds::No)) => Outcome::Failed {
            failure: failure(
                "the act ended well, and its verification does not hold",
                "look at its verdicts",
            ),
            exit: None,
        },
        (Outcome::Done { .. }, Some(Holds::Unknown)) => Outcome::Unknown {
            failure: failure(
                "the act ended well, and its verification can't be measured",
                "look yourself, then say how it ended",
            ),
        },
        (Outcome::Failed { failure: why, .. }, Some(Holds::Yes)) => Outcome::Unknown {
            failure: failure(
                &format!("the act failed, yet its verification holds: {why}"),
                "say how it ended",
            ),
        },
        (Outcome::Unknown { .. }, Some(Holds::Yes)) => Outcome::Done {
            said: Clean::new("its answer was lost; its verification holds"),
        },
        (act, _) => act,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(holds: Holds, badness: Option<u64>) -> Verdict {
        Verdict {
            holds,
            saw: Clean::new("saw"),
            badness,
        }
    }

    #[test]
    fn red_refuses_unless_it_was_overridden_and_is_not_worse() {
        use Holds::{No, Unknown, Yes};
        for (now, then, refuses) in [
            ((Yes, None), None, false),
            ((No, None), None, true),
            ((Unknown, None), None, true),
            ((No, Some(5)), Some((No, Some(5))), false),
            ((No, Some(6)), Some((No, Some(5))), true),
            ((No, None), Some((No, Some(5))), true),
            ((No, None), Some((No, None)), false),
            ((Unknown, None), Some((No, None)), true),
            ((Unknown, None), Some((Unknown, None)), false),
        ] {
            let overrides: Vec<_> = then
                .map(|(holds, badness)| Override {
                    name: "lag".into(),
                    verdict: verdict(holds, badness),
                    reason: Clean::new("no other way"),
                    phrase: "OVERRIDE:pg-west".into(),
                })
                .into_iter()
                .collect();
            let found = [("lag".to_owned(), verdict(now.0, now.1))];
            assert_eq!(
                refusing(&found, &overrides).len(),
                usize::from(refuses),
                "{now:?} {then:?}"
            );
            let other = [("loss".to_owned(), verdict(No, None))];
            assert_eq!(refusing(&other, &overrides).len(), 1);
        }
    }

    #[test]
    fn verification_decides_by_its_table() {
        use Holds::{No, Unknown, Yes};
        let failure = || Failure::new(FailureKind::Local, "x", "y", "");
        let done = || Outcome::Done {
            said: Clean::new(""),
        };
        let failed = || Outcome::Failed {
            failure: failure(),
            exit: Some(1),
        };
        let unknown = || Outcome::Unknown { failure: failure() };
        let word = |outcome: &Outcome| match outcome {
            Outcome::Done { .. } => "done",
            Outcome::Failed { .. } => "failed",
            Outcome::Unknown { .. } => "unknown",
            Outcome::Refused { .. } => "refused",
        };
        for (act, verified, end) in [
            (done(), None, "done"),
            (done(), Some(Yes), "done"),
            (done(), Some(No), "failed"),
            (done(), Some(Unknown), "unknown"),
            (failed(), None, "failed"),
            (failed(), Some(Yes), "unknown"),
            (failed(), Some(No), "failed"),
            (failed(), Some(Unknown), "failed"),
            (unknown(), None, "unknown"),
            (unknown(), Some(Yes), "done"),
            (unknown(), Some(No), "unknown"),
            (unknown(), Some(Unknown), "unknown"),
        ] {
            assert_eq!(
                word(&decide(act.clone(), verified)),
                end,
                "{act:?} {verified:?}"
            );
        }
    }
}
