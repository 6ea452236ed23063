use super::*;

/// Both clocks at this many minutes; the wall clock begins at 2026-02-02 14:00.
fn at(minutes: u64) -> Now {
    off(minutes, 0)
}

/// The wall clock jumped by so many minutes.
fn off(minutes: u64, jump: i64) -> Now {
    let start: DateTime<Utc> = "2026-02-02T14:00:00Z".parse().unwrap();
    Now {
        wall: start + TimeDelta::minutes(i64::try_from(minutes).unwrap() + jump),
        boot: Duration::from_secs(minutes * 60 + 5_000),
        boot_id: "b".into(),
    }
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

fn rung(key: &str, after: u64, from: RungFrom, severities: &[&str], every: Option<u64>) -> Rung {
    Rung {
        key: key.into(),
        after: minutes(after),
        from,
        severities: severities.iter().map(|s| SeverityId::from(*s)).collect(),
        categories: Vec::new(),
        who: key.into(),
        what: "notify".into(),
        channel: None,
        every: every.map(minutes),
    }
}

fn ladder() -> Vec<Rung> {
    use RungFrom::{Declaration, Detection, Resolution};
    vec![
        rung("oncall", 0, Detection, &[], None),
        rung("lead", 15, Declaration, &["SEV-1", "SEV-2"], None),
        rung("execs", 30, Declaration, &["SEV-1"], None),
        rung("page", 60, Declaration, &[], Some(30)),
        rung("review", 60, Resolution, &[], None),
        Rung {
            categories: vec!["security".into()],
            ..rung("security", 0, Declaration, &[], None)
        },
    ]
}

/// One incident, detected at minute 10 and declared at minute 20, as words.
fn told(severity: &str, acks: &[(&str, u64)], resolved: Option<u64>, now: &Now) -> String {
    told_about(None, severity, acks, resolved, now)
}

fn told_about(
    category: Option<&str>,
    severity: &str,
    acks: &[(&str, u64)],
    resolved: Option<u64>,
    now: &Now,
) -> String {
    let acks: Vec<Ack> = acks
        .iter()
        .map(|(key, minute)| Ack {
            key: (*key).into(),
            at: at(*minute).wall,
            by: "ana".into(),
        })
        .collect();
    let (declared, resolved) = (at(20), resolved.map(at));
    let inputs = Clockwork {
        detected: at(10).wall,
        declared: &declared,
        resolved: resolved.as_ref(),
        severity: &severity.into(),
        category,
        acks: &acks,
    };
    let ladder = ladder();
    let words: Vec<String> = rungs(&ladder, &inputs, now)
        .iter()
        .map(|state| {
            let (key, due) = (&state.key, state.due.format("%H:%M"));
            let minutes = |time: &Duration| time.as_secs() / 60;
            match &state.standing {
                RungStanding::DueIn(left) => format!("{key} {due} in {}", minutes(left)),
                RungStanding::Due => format!("{key} {due} due"),
                RungStanding::OverdueBy(over) => format!("{key} {due} over {}", minutes(over)),
                RungStanding::Acknowledged { by, .. } => format!("{key} {due} {by}"),
            }
        })
        .collect();
    words.join(", ")
}

#[test]
fn rungs_become_due_overdue_and_acknowledged() {
    type Acks = &'static [(&'static str, u64)];
    let table: [(u64, Acks, &str); 5] = [
        (
            20,
            &[],
            "oncall 14:10 over 10, lead 14:35 in 15, execs 14:50 in 30, page#1 15:20 in 60",
        ),
        (
            35,
            &[("oncall", 21)],
            "oncall 14:10 ana, lead 14:35 due, execs 14:50 in 15, page#1 15:20 in 45",
        ),
        (
            36,
            &[("oncall", 21), ("lead", 36), ("lead", 40)],
            "oncall 14:10 ana, lead 14:35 ana, execs 14:50 in 14, page#1 15:20 in 44",
        ),
        (
            80,
            &[("oncall", 21), ("lead", 36), ("execs", 50)],
            "oncall 14:10 ana, lead 14:35 ana, execs 14:50 ana, page#1 15:20 due, page#2 15:50 in 30",
        ),
        (
            81,
            &[
                ("oncall", 21),
                ("lead", 36),
                ("execs", 50),
                ("page#1", 80),
                ("page#2", 81),
            ],
            "oncall 14:10 ana, lead 14:35 ana, execs 14:50 ana, page#1 15:20 ana, page#2 15:50 ana",
        ),
    ];
    for (minute, acks, told_so) in table {
        assert_eq!(
            told("SEV-1", acks, None, &at(minute)),
            told_so,
            "at {minute}"
        );
    }
}

#[test]
fn a_severity_that_changes_changes_the_ladder_and_keeps_what_was_acknowledged() {
    let now = at(55);
    assert_eq!(
        told("SEV-2", &[("oncall", 20)], None, &now),
        "oncall 14:10 ana, lead 14:35 over 20, page#1 15:20 in 25"
    );
    assert_eq!(
        told("SEV-1", &[("oncall", 20)], None, &now),
        "oncall 14:10 ana, lead 14:35 over 20, execs 14:50 over 5, page#1 15:20 in 25"
    );
    assert_eq!(
        told("SEV-4", &[("oncall", 20), ("lead", 30)], None, &now),
        "oncall 14:10 ana, lead 14:35 ana, page#1 15:20 in 25"
    );
}

#[test]
fn a_rung_for_a_category_holds_for_it_alone() {
    assert!(
        told_about(Some("security"), "SEV-4", &[], None, &at(20)).contains("security 14:20 due")
    );
    assert!(!told_about(Some("data"), "SEV-4", &[], None, &at(20)).contains("security"));
}

#[test]
fn a_day_asleep_surfaces_each_rung_once() {
    let day = 20 + 24 * 60;
    assert_eq!(
        told("SEV-1", &[("page#1", 85)], None, &at(day)),
        "oncall 14:10 over 1450, lead 14:35 over 1425, execs 14:50 over 1410, page#1 15:20 ana, page#47 14:20 due, \
         page#48 14:50 in 30"
    );
}

#[test]
fn after_the_resolution_only_what_counts_from_it_becomes_due() {
    assert_eq!(
        told("SEV-1", &[("oncall", 20)], Some(40), &at(90)),
        "oncall 14:10 ana, lead 14:35 over 5, review 15:40 in 10"
    );
}

#[test]
fn a_jump_of_the_wall_clock_changes_no_standing() {
    let acks = [("oncall", 20)];
    let told_so = told("SEV-1", &acks, None, &at(36));
    for jump in [-60, 60, 24 * 60] {
        assert_eq!(told("SEV-1", &acks, None, &off(36, jump)), told_so);
    }
    // Another boot knows only the wall clock.
    let rebooted = Now {
        boot: minutes(1),
        boot_id: "c".into(),
        ..at(36)
    };
    assert_eq!(told("SEV-1", &acks, None, &rebooted), told_so);
}

#[test]
fn detected_after_it_was_declared_counts_from_the_declaration() {
    let (declared, severity) = (at(20), SeverityId::from("SEV-1"));
    let inputs = Clockwork {
        detected: at(25).wall,
        declared: &declared,
        resolved: None,
        severity: &severity,
        category: None,
        acks: &[],
    };
    let ladder = ladder();
    let states = rungs(&ladder[..1], &inputs, &at(20));
    assert_eq!(
        (states[0].due, &states[0].standing),
        (at(20).wall, &RungStanding::Due)
    );
    assert!(states[0].calls());
}

#[test]
fn the_recovery_time_burns_from_the_declaration() {
    use BurnVerdict::{InTime, Met, Missed, NoEstimate, WillMiss};
    let by = minutes;
    let table = [
        // now, restored, remaining, used, left, finish, verdict
        (
            30,
            None,
            Some(20),
            10,
            50,
            Some(50),
            InTime { spare: by(30) },
        ),
        (30, None, None, 10, 50, None, NoEstimate),
        (
            70,
            None,
            Some(20),
            50,
            10,
            Some(90),
            WillMiss { by: by(10) },
        ),
        (
            70,
            None,
            Some(10),
            50,
            10,
            Some(80),
            InTime { spare: by(0) },
        ),
        (90, None, Some(20), 70, 0, Some(110), Missed { by: by(10) }),
        (300, Some(50), Some(20), 30, 30, None, Met),
        (300, Some(90), None, 70, 0, None, Missed { by: by(10) }),
    ];
    for (now, restored, remaining, used, left, finish, verdict) in table {
        let restored = restored.map(at);
        for jump in [0, 90, -90] {
            let now = off(now, jump);
            let burn = Burn::new(
                minutes(60),
                &at(20),
                restored.as_ref(),
                remaining.map(minutes),
                &now,
            );
            let finish = finish.map(|minute| off(minute, jump).wall);
            assert_eq!((burn.used, burn.left), (minutes(used), minutes(left)));
            assert_eq!((burn.projected_finish, burn.verdict), (finish, verdict));
        }
    }
    assert_eq!(Missed { by: by(1) }.standing(), Standing::Breach);
    assert_eq!(NoEstimate.standing(), Standing::Fine);
}

#[test]
fn the_nearest_recovery_time_holds() {
    let mut site = Site::empty();
    site.objectives.rto = Some(minutes(60));
    site.severities[1].rto = Some(minutes(240));
    let table = [
        ("SEV-1", None, 60),
        ("SEV-2", None, 240),
        ("SEV-2", Some(30), 30),
        ("P9", None, 60),
    ];
    for (severity, runbook, expected) in table {
        let found = rto(&site, &severity.into(), runbook.map(minutes));
        assert_eq!(found, Some(minutes(expected)), "{severity}");
    }
}
