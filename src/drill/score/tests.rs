//! Journals, and what they come to.

use std::time::Duration;

use super::super::told::{Told, action, asked, done, failed, minutes, refused, unknown};
use super::super::world::Harm;
use super::*;
use crate::incident::journal::Note;
use crate::incident::names::{RunbookId, StepId};

fn began() -> chrono::DateTime<chrono::Utc> {
    "2026-11-21T14:00:00Z".parse().unwrap()
}

/// An exercise with this walk in it, resolved in time.
fn walked(walk: fn(&mut Told)) -> Told {
    let mut told = Told::declared(began());
    walk(&mut told);
    told.over(500);
    told
}

fn scored(told: &Told, finding: &Finding) -> Score {
    score(&asked(), Some(&told.incident()), finding)
}

/// What happens on the way; what it comes to; what a reason says; what a deviation says.
type Case = (
    &'static str,
    fn(&mut Told),
    Grade,
    &'static str,
    &'static str,
);

fn check(cases: &[Case]) {
    for (name, walk, grade, reason, deviation) in cases {
        let told = walked(*walk);
        let score = scored(&told, &told.finding());
        let reasons = score.reasons();
        let deviations: Vec<String> = score.deviations().iter().map(|d| d.line()).collect();
        assert_eq!(score.grade, *grade, "{name}: {reasons:#?}");
        match *reason {
            "" => assert_eq!(reasons, Vec::<String>::new(), "{name}"),
            reason => assert!(
                reasons.iter().any(|r| r.contains(reason)),
                "{name}: {reasons:#?}"
            ),
        }
        match *deviation {
            "" => assert_eq!(deviations, Vec::<String>::new(), "{name}"),
            deviation => assert!(
                deviations.iter().any(|d| d.contains(deviation)),
                "{name}: {deviations:#?}"
            ),
        }
    }
}

#[test]
fn attempts_count_by_how_they_ended_and_what_was_done_about_it() {
    check(&[
        ("as it ought to go", Told::walk, Grade::Pass, "", ""),
        (
            "a guard overridden",
            |told| {
                told.run(200, "fence", 1, Some((12, done())));
                told.overriding(300, "promote", 1, (60, done()));
                told.leave(450, None);
            },
            Grade::Partial,
            "T+05:00: old primary fenced was overridden before Promote the standby",
            "the provider says the rack is dark",
        ),
        (
            "failed",
            |told| {
                told.walk();
                told.run(460, "dns", 1, Some((5, failed())));
            },
            Grade::Partial,
            "T+07:40: Point DNS at it, attempt 1, failed: pg-west: no answer in 5 s",
            "failed",
        ),
        (
            "failed, and tried again",
            |told| {
                told.run(160, "fence", 1, Some((5, failed())));
                told.run(200, "fence", 2, Some((12, done())));
                told.run(300, "promote", 1, Some((60, done())));
                told.leave(450, None);
            },
            Grade::Pass,
            "",
            "attempt 1, failed",
        ),
        (
            "nobody knows",
            |told| {
                told.walk();
                told.run(460, "dns", 1, Some((5, unknown())));
            },
            Grade::Partial,
            "ended nobody knows how",
            "ended nobody knows how",
        ),
        (
            "nobody knew, and it was settled",
            |told| {
                told.walk();
                told.run(460, "dns", 1, Some((5, unknown())));
                let settled = Note::Settled {
                    action: action("dns"),
                    attempt: 1,
                    done: true,
                    reason: Clean::new("the record was asked for"),
                };
                told.note(470, settled);
            },
            Grade::Pass,
            "",
            "ended nobody knows how",
        ),
        (
            "failed, and a fork answers it",
            |told| {
                told.walk();
                told.run(460, "dns", 1, Some((5, failed())));
                let branched = Note::Branched {
                    walk: 1,
                    step: "dns".into(),
                    way: "fail".into(),
                    to: "restore".into(),
                    reason: None,
                    verdicts: Vec::new(),
                };
                told.note(470, branched);
            },
            Grade::Pass,
            "",
            "failed",
        ),
        (
            "refused",
            |told| {
                told.walk();
                told.run(460, "dns", 1, Some((1, refused())));
            },
            Grade::Pass,
            "",
            "was refused: lag of pg-west 48.1 s, over 30 s",
        ),
        (
            "running at the end",
            |told| {
                told.walk();
                told.run(460, "dns", 1, None);
            },
            Grade::Partial,
            "still running at the end",
            "still running",
        ),
    ]);
}

#[test]
fn steps_count_by_whether_and_in_which_order_they_were_done() {
    check(&[
        (
            "skipped",
            |told| {
                told.walk();
                told.skip(455, "restore", "no time");
            },
            Grade::Partial,
            "T+07:35: Restore from the dump was skipped: no time",
            "was skipped",
        ),
        (
            "skipped as not applicable",
            |told| {
                told.walk();
                told.skip(455, "restore", "Not applicable: nothing is lost");
            },
            Grade::Pass,
            "",
            "was skipped",
        ),
        (
            "skipped, and done later",
            |told| {
                told.skip(160, "dns", "later");
                told.walk();
            },
            Grade::Pass,
            "",
            "was skipped, and done later",
        ),
        (
            "left with steps undone",
            |told| {
                told.run(200, "fence", 1, Some((12, done())));
                told.leave(300, Some("everything is fine"));
            },
            Grade::Partial,
            "left with 3 steps undone: everything is fine (Promote the standby; Point DNS at it;",
            "3 steps undone",
        ),
        (
            "left, since the rest does not apply",
            |told| {
                told.run(200, "fence", 1, Some((12, done())));
                told.leave(300, Some("not applicable: it came back"));
            },
            Grade::Pass,
            "",
            "3 steps undone",
        ),
        (
            "never ended",
            |told| {
                told.run(200, "fence", 1, Some((12, done())));
                told.run(300, "promote", 1, Some((1, refused())));
            },
            Grade::Partial,
            "left with 3 steps undone: it was never ended (Promote",
            "was refused",
        ),
        (
            "in a harmful order",
            |told| {
                told.run(200, "promote", 1, Some((60, done())));
                told.run(300, "fence", 1, Some((12, done())));
                told.leave(450, None);
            },
            Grade::Fail,
            "T+03:20: The standby was promoted before the old primary was fenced",
            "before the old primary was fenced",
        ),
        (
            "in an order that was refused",
            |told| {
                told.run(160, "promote", 1, Some((1, refused())));
                told.run(200, "fence", 1, Some((12, done())));
                told.run(300, "promote", 2, Some((60, done())));
                told.leave(450, None);
            },
            Grade::Pass,
            "",
            "was refused",
        ),
        (
            "before a fence that failed",
            |told| {
                told.run(160, "fence", 1, Some((5, failed())));
                told.run(200, "promote", 1, Some((60, done())));
                told.run(300, "fence", 2, Some((12, done())));
                told.leave(450, None);
            },
            Grade::Fail,
            "before the old primary was fenced",
            "failed",
        ),
        (
            "a step that does harm at any time",
            |told| {
                told.walk();
                told.tick(460, "restore");
            },
            Grade::Partial,
            "Data that were whole were restored",
            "Data that were whole",
        ),
        (
            "slow",
            |told| {
                told.run(200, "fence", 1, Some((121, done())));
                told.run(330, "promote", 1, Some((60, done())));
                told.leave(450, None);
            },
            Grade::Pass,
            "",
            "T+03:20: Fence the old primary took 2 m 01 s: its estimate is 1 m 00 s",
        ),
        (
            "gone to out of order",
            |told| {
                let (walk, step, reason) = (1, "dns".into(), Clean::new("DNS is slow"));
                told.note(160, Note::WentTo { walk, step, reason });
                told.walk();
            },
            Grade::Pass,
            "",
            "T+02:40: Point DNS at it was gone to out of order: DNS is slow",
        ),
        (
            "something waived",
            |told| {
                told.walk();
                let waived = vec![("the checklist after".into(), Clean::new("it is a drill"))];
                let summary = Clean::new("over");
                told.note(460, Note::Resolved { summary, waived });
            },
            Grade::Pass,
            "",
            "the checklist after was waived: it is a drill",
        ),
    ]);
}

#[test]
fn the_end_counts_by_goals_harm_loss_and_the_data() {
    let harm = |makes| Harm {
        at: Duration::from_secs(310),
        words: "both pg-east and pg-west took writes for 40 s".into(),
        makes,
    };
    type End = Box<dyn Fn(&mut Finding)>;
    let table: Vec<(&str, End, Grade, &str)> = vec![
        ("all well", Box::new(|_| {}), Grade::Pass, ""),
        (
            "a goal that does not hold",
            Box::new(|f| f.goals[0].1 = Verdict::measured(false, "pg-west is read-only")),
            Grade::Fail,
            "Writes are taken in us-west-2: it is not so at the end: pg-west is read-only",
        ),
        (
            "a goal nobody can measure",
            Box::new(|f| f.goals[0].1 = Verdict::unknown("pg-west does not answer")),
            Grade::Fail,
            "nobody can say at the end: pg-west does not answer",
        ),
        (
            "harm that fails",
            Box::new(move |f| f.harms.push(harm(Grade::Fail))),
            Grade::Fail,
            "T+05:10: both pg-east and pg-west took writes for 40 s",
        ),
        (
            "harm that counts in part",
            Box::new(move |f| f.harms.push(harm(Grade::Partial))),
            Grade::Partial,
            "T+05:10: both",
        ),
        (
            "loss over the RPO",
            Box::new(|f| {
                f.lost = Some(Lost {
                    span: Duration::from_secs(31),
                    bytes: 9_000_000,
                });
            }),
            Grade::Fail,
            "RPO missed: writes of 31.0 s, 9.0 MB lost, 30.0 s asked for",
        ),
        (
            "loss as the promotion's guard measured it",
            Box::new(|f| f.lost = None),
            Grade::Pass,
            "",
        ),
        (
            "wrong data",
            Box::new(|f| f.integrity = Verdict::measured(false, "412 rows are wrong")),
            Grade::Fail,
            "the data are not whole: 412 rows are wrong",
        ),
        (
            "data nobody looked at",
            Box::new(|f| f.integrity = Verdict::unknown("nothing was counted")),
            Grade::Pass,
            "",
        ),
    ];
    let told = walked(Told::walk);
    for (name, end, grade, reason) in table {
        let mut finding = told.finding();
        end(&mut finding);
        let score = scored(&told, &finding);
        let reasons = score.reasons();
        assert_eq!(score.grade, grade, "{name}: {reasons:#?}");
        let told = reasons.iter().any(|r| r.contains(reason));
        assert!(told || reason.is_empty(), "{name}: {reasons:#?}");
    }
}

#[test]
fn the_declaration_its_end_and_the_recovery_time_count() {
    // Declared at 120 s; the RTO is 600 s.
    let table: [(&str, Option<u64>, Grade, &str); 5] = [
        ("in time", Some(720), Grade::Pass, ""),
        (
            "late by less than half",
            Some(1_000),
            Grade::Partial,
            "RTO missed by 4 m 40 s: 14 m 40 s of 10 m 00 s asked for",
        ),
        (
            "late by half",
            Some(1_020),
            Grade::Partial,
            "RTO missed by 5 m 00 s",
        ),
        (
            "late by more",
            Some(1_021),
            Grade::Fail,
            "RTO missed by 5 m 01 s",
        ),
        (
            "never over",
            None,
            Grade::Fail,
            "what was declared at T+02:00 was left unresolved",
        ),
    ];
    for (name, served, grade, reason) in table {
        let mut told = Told::declared(began());
        told.walk();
        served.into_iter().for_each(|at| told.over(at));
        let score = scored(&told, &told.finding());
        assert_eq!(score.grade, grade, "{name}");
        let reasons = score.reasons();
        let told = reasons.iter().any(|r| r.contains(reason));
        assert!(told || reason.is_empty(), "{name}: {reasons:#?}");
    }
    let nothing = score(&asked(), None, &Told::declared(began()).finding());
    assert_eq!(nothing.grade, Grade::Fail);
    assert_eq!(nothing.reasons(), ["nothing was declared"]);
    assert_eq!(nothing.rto.actual, None);
}

#[test]
fn metrics_say_target_actual_and_status() {
    let told = walked(Told::walk);
    let score = scored(&told, &told.finding());
    let rows: Vec<String> = score
        .metrics
        .iter()
        .map(|m| {
            format!(
                "{} | {} | {} | {}",
                m.name,
                m.target,
                m.actual,
                m.status.word()
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "RTO | ≤ 10 m | 6 m 20 s | PASS",
            "RPO | ≤ 30 s | writes of 2.1 s, 31 MB | PASS",
            "Data integrity | 100 % | 100 % | PASS",
            "Time to declare, from what was first seen | – | 1 m 00 s | –",
        ]
    );
}

#[test]
fn a_step_is_slow_against_history_where_there_is_one() {
    let told = walked(Told::walk);
    let mut asked = asked();
    let promote = (
        RunbookId::from("regional-failover"),
        StepId::from("promote"),
    );
    asked.usual.insert(promote, Duration::from_secs(50));
    let score = score(&asked, Some(&told.incident()), &told.finding());
    let deviations = score.deviations();
    assert_eq!(deviations.len(), 1);
    assert_eq!(
        deviations[0].line(),
        "T+05:00: Promote the standby took 1 m 00 s: nine in ten runs took at most 50.0 s"
    );
}

#[test]
fn the_recovery_time_is_the_exercises_then_the_severitys_then_the_sites() {
    let mut asked = asked();
    let severity = "SEV-1".into();
    assert_eq!(asked.rto(Some(&severity)), Some(minutes(10)));
    let known = asked.severities.iter_mut().find(|s| s.id == severity);
    known.unwrap().rto = Some(minutes(20));
    assert_eq!(asked.rto(Some(&severity)), Some(minutes(20)));
    assert_eq!(asked.rto(None), Some(minutes(10)));
    asked.own_rto = Some(minutes(5));
    assert_eq!(asked.rto(Some(&severity)), Some(minutes(5)));
}

#[test]
fn marks_count_from_the_beginning_in_whole_seconds() {
    let table = [
        (0, "T+00:00"),
        (751_999, "T+12:31"),
        (3_751_000, "T+1:02:31"),
        (-1, "T-00:01"),
        (-40_000, "T-00:40"),
    ];
    for (millis, shown) in table {
        assert_eq!(Mark(TimeDelta::milliseconds(millis)).to_string(), shown);
    }
}
