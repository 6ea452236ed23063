//! A post-mortem is a fold of the journal: the same entries give the same Markdown. `WARROOM_BLESS=1` writes it anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use warroom::incident::acts::Act;
use warroom::incident::acts::postgres::PgAct;
use warroom::incident::clean::Clean;
use warroom::incident::journal::{
    Actor, Added, Chosen, Declaration, Entry, Fact, Incident, Intent, Mode, Note, Override, Place,
    Report, Resolved, Seq,
};
use warroom::incident::names::{IncidentId, RunbookId, StepId};
use warroom::incident::now::Now;
use warroom::incident::postmortem::{Template, postmortem};
use warroom::incident::reading::{Failure, FailureKind, Outcome, Verdict};
use warroom::incident::runbook::{ActionRef, Code, Danger, Role, Shell, Vars};
use warroom::incident::site::{Objectives, Severity, Site};

fn at(seconds: i64) -> Now {
    let start: DateTime<Utc> = "2026-11-21T14:00:00Z".parse().unwrap();
    let boot = Duration::from_secs(1_000 + seconds.unsigned_abs());
    Now {
        wall: start + TimeDelta::seconds(seconds),
        boot,
        boot_id: "b".into(),
    }
}

fn site() -> Site {
    Site {
        name: "aragora".into(),
        objectives: Objectives {
            rto: Some(Duration::from_secs(3_600)),
            rpo: Some(Duration::from_secs(300)),
        },
        severities: vec![Severity {
            id: "SEV-1".into(),
            title: "Critical | complete outage".into(),
            response: None,
            rto: None,
        }],
        ..Site::empty()
    }
}

fn action(step: &str) -> ActionRef {
    ActionRef {
        walk: 1,
        step: step.into(),
        index: 1,
        role: Role::Run,
    }
}

fn resolved(step: &str, title: &str, attempt: u32, code: Code) -> Resolved {
    Resolved {
        action: action(step),
        step_title: title.into(),
        attempt,
        mode: Mode::Real,
        site: "aragora".into(),
        site_digest: "s".into(),
        runbook: "regional-failover".into(),
        runbook_digest: "r".into(),
        code,
        targets: vec![Place {
            target: "pg-west".into(),
            region: None,
            place: "db-west:5432".into(),
        }],
        vars: [("DR".to_owned(), "us-west-2".to_owned())].into(),
        secrets: Default::default(),
        with: Vec::new(),
        expect: None,
        keep_as: None,
        path: None,
        keep_secret: false,
        guards: None,
        danger: Danger::OneWay,
        phrase: Some("FAILOVER".into()),
        checks: Vec::new(),
        verify: Vec::new(),
        every: Duration::from_secs(2),
        timeout: Duration::from_secs(600),
        estimate: None,
        capture: Vec::new(),
        changed: Vec::new(),
        hold: None,
        last_known: None,
        rto_ends: None,
        last_promotion: None,
    }
}

/// A failover in which a check script failed once, the fence was overridden, and the promotion was done.
fn entries() -> Vec<Entry> {
    let ana = Actor {
        name: "ana".into(),
        host: "bastion".into(),
    };
    let promote = Code::Act {
        act: Act::Postgres(PgAct::Promote {
            target: "pg-west".into(),
        }),
    };
    let script = Code::Shell {
        shell: Shell::Sh,
        script: "./verify".into(),
        host: None,
    };
    let planned = [
        ("verify", "Verify the standby", 2),
        ("promote", "Promote the standby", 1),
        ("dns", "Point DNS at it", 2),
        ("tell", "Tell customers", 1),
    ];
    let steps: Vec<(StepId, String)> = planned
        .map(|(id, title, _)| (id.into(), title.into()))
        .into();
    let parts: BTreeMap<StepId, usize> = planned.map(|(id, _, n)| (id.into(), n)).into();
    let loss = Verdict::measured(true, "loss ≤ 2.1 s, 31 MB, under 30 s").with_badness(2_100);
    let fenced = Verdict::measured(false, "pg-east is not proven fenced: no answer");
    let overridden = Override {
        name: "old primary fenced".into(),
        verdict: fenced.clone(),
        reason: Clean::new("the provider confirmed the rack is dark"),
        phrase: "OVERRIDE:pg-west".into(),
    };
    let intent =
        |resolved: Resolved, verdicts: Vec<(String, Verdict)>, overrides: Vec<Override>| {
            Fact::Intent(Box::new(Intent {
                digest: resolved.digest(),
                resolved,
                nonce_hash: "n".into(),
                verdicts,
                overrides,
            }))
        };
    let started = |step: &str, attempt| {
        let action = action(step);
        Fact::Report(Report::Started {
            action,
            attempt,
            pid: 7,
            start_time: 9,
            boot_id: "b".into(),
        })
    };
    let ended = |step: &str, attempt, seconds, outcome, excerpt: &str| {
        let (action, excerpt) = (action(step), Clean::new(excerpt));
        let (kept, verified) = (Vec::new(), Vec::new());
        Fact::Report(Report::Ended {
            action,
            attempt,
            at: at(seconds),
            outcome,
            excerpt,
            evidence: "evidence/4/output".into(),
            kept,
            verified,
        })
    };
    let failed = Outcome::Failed {
        failure: Failure::new(FailureKind::Local, "sh", "exit 3", "see its output"),
        exit: Some(3),
    };
    let facts = vec![
        (
            0,
            Fact::Declared(Declaration {
                id: IncidentId("INC-2026-0007".into()),
                mode: Mode::Real,
                site: "aragora".into(),
                title: "Primary region lost".into(),
                severity: "SEV-1".into(),
                category: Some("infrastructure".into()),
                detected: at(-120).wall,
            }),
        ),
        (
            20,
            Fact::Note(Note::Role {
                role: "Incident commander".into(),
                who: "ana".into(),
            }),
        ),
        (
            40,
            Fact::Note(Note::Chosen(Box::new(Chosen {
                walk: 1,
                runbook: RunbookId("regional-failover".into()),
                title: "Regional failover".into(),
                digest: "abc123".into(),
                vars: [("DR".to_owned(), "us-west-2".to_owned())].into(),
                secrets: Vec::new(),
                steps,
                parts,
                parent: None,
                added: None,
            }))),
        ),
        (
            60,
            intent(
                resolved("verify", "Verify the standby", 1, script),
                Vec::new(),
                Vec::new(),
            ),
        ),
        (61, started("verify", 1)),
        (
            65,
            ended(
                "verify",
                1,
                64,
                failed,
                "standby: 3 of 4 ready\n```\nnot a fence\n<script>alert(1)</script>",
            ),
        ),
        (
            100,
            Fact::Note(Note::Said {
                text: Clean::new("provider confirms the [impairment](http://x) | rack dark"),
                step: None,
            }),
        ),
        (
            120,
            intent(
                resolved("promote", "Promote the standby", 1, promote),
                vec![
                    ("loss known and under its gate".into(), loss),
                    ("old primary fenced".into(), fenced),
                ],
                vec![overridden],
            ),
        ),
        (121, started("promote", 1)),
        (
            125,
            ended(
                "promote",
                1,
                124,
                Outcome::Done {
                    said: Clean::new("pg-west is primary on timeline 2"),
                },
                "promoted",
            ),
        ),
        (
            200,
            Fact::Note(Note::Ticked {
                walk: 1,
                step: "dns".into(),
                index: 1,
                note: Some(Clean::new("change 4711")),
            }),
        ),
        (
            220,
            Fact::Note(Note::Skipped {
                walk: 1,
                step: "tell".into(),
                reason: Clean::new("customers were told by phone"),
            }),
        ),
        (
            240,
            Fact::Note(Note::Chosen(Box::new(Chosen {
                walk: 2,
                runbook: RunbookId("typed-0123456789ab".into()),
                title: "sh with=pg-west: df -h | tee *disk*".into(),
                digest: "def456".into(),
                vars: Vars::new(),
                secrets: Vec::new(),
                steps: vec![("typed".into(), "df".into())],
                parts: [("typed".into(), 1)].into(),
                parent: None,
                added: Some(Added {
                    fence: "```sh run with=pg-west\ndf -h | tee *disk*\n```\n".into(),
                    amid: Some((1, "dns".into())),
                }),
            }))),
        ),
        (
            300,
            Fact::Note(Note::Mitigated {
                how: Clean::new("api-west healthy for 3 probes"),
            }),
        ),
        (
            900,
            Fact::Note(Note::Due {
                rung: "vp@30m".into(),
                words: "VP Engineering: phone".into(),
            }),
        ),
        (
            1_000,
            Fact::Note(Note::Resolved {
                summary: Clean::new("Served from us-west-2."),
                waived: Vec::new(),
            }),
        ),
    ];
    let number = |n: usize| Seq(u64::try_from(n).unwrap() + 1);
    let entry = |(n, (seconds, fact)): (usize, (i64, Fact))| Entry {
        seq: number(n),
        at: at(seconds),
        actor: ana.clone(),
        fact,
        prev: "p".into(),
    };
    facts.into_iter().enumerate().map(entry).collect()
}

#[test]
fn the_report_says_what_the_journal_says() {
    let incident = Incident::fold(&entries()).unwrap();
    let report = postmortem(&incident, &site(), &Template::default(), "f00d").unwrap();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/postmortem.md");
    if std::env::var_os("WARROOM_BLESS").is_some() {
        std::fs::create_dir_all(golden.parent().unwrap()).unwrap();
        std::fs::write(&golden, &report).unwrap();
    }
    assert_eq!(report, std::fs::read_to_string(&golden).unwrap());
    for wanted in [
        "| RTO | 1 h 00 m | 5 m 00 s | met |",
        "exit 3",
        "the provider confirmed the rack is dark",
        "not acknowledged",
    ] {
        assert!(report.contains(wanted), "{wanted:?} is not in the report");
    }
}

#[test]
fn a_fold_refuses_a_journal_that_is_not_one_story() {
    let whole = entries();
    let broken: Vec<(&str, Vec<Entry>)> = vec![
        ("empty", Vec::new()),
        ("no declaration", whole[1..].to_vec()),
        ("a hole", [&whole[..3], &whole[4..]].concat()),
        (
            "an end before its intent",
            vec![
                whole[0].clone(),
                whole[1].clone(),
                whole[2].clone(),
                Entry {
                    seq: Seq(4),
                    ..whole[5].clone()
                },
            ],
        ),
        (
            "two ends",
            [
                &whole[..6],
                &[Entry {
                    seq: Seq(7),
                    ..whole[5].clone()
                }],
            ]
            .concat(),
        ),
    ];
    for (name, entries) in broken {
        assert!(Incident::fold(&entries).is_err(), "{name} was folded");
    }
}
