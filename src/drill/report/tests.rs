//! The report as a whole, its fields, and what of it the wall clock has a hand in. `WARROOM_BLESS=1` writes it anew.

use std::path::Path;
use std::time::Duration;

use super::super::score::score;
use super::super::told::{Told, asked, done, failed, refused};
use super::super::world::Harm;
use super::*;
use crate::incident::clean::Clean;
use crate::incident::journal::Note;
use crate::incident::judge::Standing;

/// An exercise in which not everything went well, begun at that instant, and how it ended.
fn told(began: &str) -> (Told, Finding) {
    let mut told = Told::declared(began.parse().unwrap());
    told.note(160, inject("Customer", "Is it us? | [link](http://x)"));
    told.run(170, "fence", 1, Some((5, failed())));
    told.run(200, "fence", 2, Some((12, done())));
    told.note(220, Note::Pace { speed: 5 });
    told.run(280, "promote", 1, Some((1, refused())));
    told.overriding(300, "promote", 2, (150, done()));
    told.note(
        460,
        observation("they asked for the loss <b>before</b> promoting"),
    );
    told.tick(470, "dns");
    told.skip(480, "restore", "no time for it");
    told.leave(490, None);
    let words = format!(
        "pg-east stopped at {} and can't start",
        (told.now(200).wall + TimeDelta::milliseconds(250)).format("%H:%M:%S%.3f UTC")
    );
    let east = Note::Standing {
        subject: "target pg-east".into(),
        from: Standing::Breach,
        to: Standing::Watch,
        words,
    };
    told.note(500, east);
    told.over(900);
    let mut finding = told.finding();
    let harm = Harm {
        at: Duration::from_secs(310),
        words: "both pg-east and pg-west took writes for 40 s".into(),
        makes: Grade::Fail,
    };
    finding.harms.push(harm);
    finding.goals.push((
        "The old primary is fenced".into(),
        Verdict::unknown("pg-east does not answer"),
    ));
    (told, finding)
}

fn inject(from: &str, says: &str) -> Note {
    Note::Inject {
        id: "customer".into(),
        from: from.into(),
        says: Clean::new(says),
    }
}

fn observation(text: &str) -> Note {
    let text = Clean::new(text);
    Note::Observation { text }
}

fn rendered(told: &Told, finding: &Finding) -> String {
    let (asked, incident) = (asked(), told.incident());
    let score = score(&asked, Some(&incident), finding);
    render(&Held {
        asked: &asked,
        exercise: &told.exercise(),
        by: "ana",
        facilitator: Some("robin"),
        site: "harbour",
        incident: Some(&incident),
        finding,
        score: &score,
        head: "f00d",
    })
    .unwrap()
}

#[test]
fn the_report_has_every_field_of_a_drill_report() {
    let (told, finding) = told("2026-11-21T14:00:00Z");
    let report = rendered(&told, &finding);
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/drill-report.md");
    if std::env::var_os("WARROOM_BLESS").is_some() {
        std::fs::write(&golden, &report).unwrap();
    }
    assert_eq!(report, std::fs::read_to_string(&golden).unwrap());
    let fields = [
        // What the documentation of a test must hold.
        "| Participants | ana (Incident commander), ben |",
        "| Scenario | region-lost: Primary region lost — us-east-1 stops answering",
        "| Engineering lead | | |",
        // Summary: date, type, duration, result.
        "# Drill report: Primary region lost (TABLETOP)",
        "| Date | 2026-11-21, 14:00:00 to 14:16:40 UTC |",
        "| Type | Regional Failover |",
        "| Duration | 16 m 40 s |",
        "| Result | **FAIL** |",
        "| Seed | 7 |",
        "| To play it again | `warroom drill region-lost --seed 7` |",
        // Objectives, numbered.
        "1. Declare within 15 minutes of the first red",
        // Timeline.
        "| Time | Event | Notes |",
        "| T+00:00 | **Drill began** |",
        "| T+01:00 | **First breach** | region us-east-1: 2 of 2 down |",
        "| T+02:00 | **Drill declared**: Primary region lost (SEV-1) |",
        "| T+02:50 | **Failover initiated**: ",
        "| T+15:00 | **Service restored (RTO: 13 m 00 s)**: ",
        "| T+16:40 | **Drill completed** | FAIL after 16 m 40 s |",
        // Metrics.
        "| Metric | Target | Actual | Status |",
        "| RTO | ≤ 10 m | 13 m 00 s | FAIL |",
        "| RPO | ≤ 30 s | writes of 2.1 s, 31 MB | PASS |",
        "| Data integrity | 100 % | 100 % | PASS |",
        // What good looks like, harm, and the checklist during.
        "- ✔ Writes are taken in us-west-2: ",
        "- ? nobody can say: The old primary is fenced: ",
        "- T+05:10: both pg-east and pg-west took writes for 40 s (FAIL)",
        "- ✔ drill declared and logged",
        "- – failback executed",
        "- ✖ all health checks pass",
        // Issues with their resolutions.
        "attempt 1, failed: pg-west: no answer in 5 s**: tried again: attempt 2 was done at T+03:32",
        "**T+02:40: Customer: Is it us? \\|",
        "- T+07:40: they asked for the loss",
        // Action items, recommendations, sign-off.
        "| Action | Owner | Due | Status |",
        "| | P1: within 1 week | Open |",
        "| | P2: within 1 month | Open |",
        "| | P3: within 1 quarter | Open |",
        "## Recommendations",
        "- [ ] document the RTO reached against its target",
        "| Drill lead | | |",
        "- PARTIAL: the RTO was missed by less",
    ];
    for field in fields {
        assert!(report.contains(field), "{field:?} is not in the report");
    }
}

#[test]
fn the_time_of_day_stands_in_three_lines_only() {
    // Over midnight, too.
    let starts = [
        "2026-11-21T14:00:00Z",
        "2026-12-31T23:55:00Z",
        "2027-03-01T08:30:07Z",
    ];
    let reports = starts.map(|began| {
        let (told, finding) = told(began);
        let finding = Finding {
            ended: told.now(1_000),
            ..finding
        };
        rendered(&told, &finding)
    });
    let told = |line: &&str| {
        let clocks = ["| Date |", "| Incident |"];
        clocks.iter().any(|row| line.starts_with(row)) || line.contains("journal entries; SHA-256")
    };
    for report in &reports[1..] {
        let differing = reports[0].lines().zip(report.lines());
        let differing = differing.filter(|(one, other)| one != other && !told(one));
        let differing: Vec<_> = differing.collect();
        assert!(differing.is_empty(), "{differing:#?}");
        assert_eq!(reports[0].lines().count(), report.lines().count());
    }
    assert!(reports[0].contains("pg-east stopped at T+03:20 and can't start"));
}

#[test]
fn an_exercise_in_which_nothing_was_declared_has_a_report() {
    let (told, finding) = told("2026-11-21T14:00:00Z");
    let asked = asked();
    let score = score(&asked, None, &finding);
    let held = Held {
        asked: &asked,
        exercise: &told.exercise(),
        by: "ana",
        facilitator: None,
        site: "harbour",
        incident: None,
        finding: &finding,
        score: &score,
        head: "",
    };
    let report = render(&held).unwrap();
    for wanted in [
        "- nothing was declared",
        "| Incident | none: nothing was declared |",
        "| Participants | ana |",
        "- ✖ drill declared and logged",
        "| Time to declare, from what was first seen | – | nothing was declared | – |",
    ] {
        assert!(report.contains(wanted), "{wanted:?}: {report}");
    }
    assert_eq!(held.record(), None);
}

#[test]
fn the_log_gets_what_the_report_says() {
    let (told, finding) = told("2026-11-21T14:00:00Z");
    let (asked, incident) = (asked(), told.incident());
    let score = score(&asked, Some(&incident), &finding);
    let held = Held {
        asked: &asked,
        exercise: &told.exercise(),
        by: "ben",
        facilitator: None,
        site: "harbour",
        incident: Some(&incident),
        finding: &finding,
        score: &score,
        head: "f00d",
    };
    let record = held.record().unwrap();
    assert_eq!(record.grade, Grade::Fail);
    assert_eq!(record.tester, "ana", "the incident commander leads");
    assert_eq!(record.rto_actual, Some(Duration::from_secs(780)));
    assert_eq!(record.rpo_actual, Some(Duration::from_millis(2_100)));
    assert_eq!(record.seed, Some(7));
    assert_eq!(record.notes, score.reasons());
}

#[test]
fn only_instants_of_systems_are_told_by_the_exercises_time() {
    let began = "2026-11-21T23:59:00.500Z".parse().unwrap();
    let table = [
        (
            "stopped at 00:01:01.250 UTC, by its host",
            "stopped at T+02:00, by its host",
        ),
        ("until 14:00 UTC", "until 14:00 UTC"),
        ("seen 14:05:11 UTC", "seen 14:05:11 UTC"),
        (" UTC UTC", " UTC UTC"),
        ("é…é…é…é… UTC", "é…é…é…é… UTC"),
        (
            "23:58:59.000 UTC and 23:59:00.500 UTC",
            "T-00:02 and T+00:00",
        ),
    ];
    for (words, told) in table {
        assert_eq!(relative(words, began), told);
    }
}
