//! Journals of exercises, written by hand for tests: the region was lost a minute after the beginning.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::scenario::{Grade, Harmful, Kind};
use super::score::{Asked, Finding};
use super::world::Lost;
use crate::incident::acts::Act;
use crate::incident::acts::postgres::PgAct;
use crate::incident::clean::Clean;
use crate::incident::journal::{
    Actor, Chosen, Declaration, Entry, Exercise, Fact, Incident, Intent, Mode, Note, Override,
    Report, Resolved, Seq,
};
use crate::incident::judge::Standing;
use crate::incident::names::{IncidentId, RunbookId, StepId};
use crate::incident::now::Now;
use crate::incident::reading::{Failure, FailureKind, Outcome, Verdict};
use crate::incident::runbook::{ActionRef, Code, Danger, Role};
use crate::incident::site::{Objectives, Site};

/// A journal under way. Times are seconds since the exercise began.
pub struct Told {
    pub began: DateTime<Utc>,
    pub entries: Vec<Entry>,
}

pub fn minutes(n: u64) -> Duration {
    Duration::from_secs(n * 60)
}

pub fn done() -> Outcome {
    Outcome::Done {
        said: Clean::new("pg-west is primary on timeline 2"),
    }
}

fn failure() -> Failure {
    Failure::new(FailureKind::TimedOut, "pg-west", "no answer in 5 s", "")
}

pub fn failed() -> Outcome {
    let failure = failure();
    Outcome::Failed {
        failure,
        exit: None,
    }
}

pub fn unknown() -> Outcome {
    Outcome::Unknown { failure: failure() }
}

pub fn refused() -> Outcome {
    let verdicts = vec![Verdict::measured(false, "lag of pg-west 48.1 s, over 30 s")];
    Outcome::Refused { verdicts }
}

pub fn action(step: &str) -> ActionRef {
    ActionRef {
        walk: 1,
        step: step.into(),
        index: 1,
        role: Role::Run,
    }
}

impl Told {
    /// Declared at T+02:00, the regional failover chosen at T+02:30.
    pub fn declared(began: DateTime<Utc>) -> Self {
        let mut told = Self {
            began,
            entries: Vec::new(),
        };
        let declaration = Declaration {
            id: IncidentId("TTX-2026-0001".into()),
            mode: Mode::Tabletop,
            site: "harbour".into(),
            title: "Primary region lost".into(),
            severity: "SEV-1".into(),
            category: None,
            detected: told.now(60).wall,
        };
        told.put(120, "ana", Fact::Declared(declaration));
        told.note(120, Note::Exercise(Box::new(told.exercise())));
        told.note(121, told.standing());
        let role = "Incident commander".to_owned();
        let who = "ana".to_owned();
        told.note(130, Note::Role { role, who });
        let steps = [
            ("fence", "Fence the old primary"),
            ("promote", "Promote the standby"),
            ("dns", "Point DNS at it"),
            ("restore", "Restore from the dump"),
        ];
        let chosen = Chosen {
            walk: 1,
            runbook: RunbookId("regional-failover".into()),
            title: "Regional failover".into(),
            digest: "abc123".into(),
            vars: Default::default(),
            secrets: Vec::new(),
            steps: steps.map(|(id, title)| (id.into(), title.into())).into(),
            parts: Default::default(),
            parent: None,
            added: None,
        };
        told.note(150, Note::Chosen(Box::new(chosen)));
        told
    }

    pub fn exercise(&self) -> Exercise {
        Exercise {
            scenario: "region-lost".into(),
            title: "Primary region lost".into(),
            digest: "f1e2".into(),
            seed: 7,
            began: self.began,
        }
    }

    /// A change from before the declaration, as the console writes it down after it.
    fn standing(&self) -> Note {
        Note::Standing {
            subject: "region us-east-1".into(),
            from: Standing::Fine,
            to: Standing::Breach,
            words: format!("at {}: 2 of 2 down", self.now(60).wall.format("%H:%M:%S")),
        }
    }

    pub fn now(&self, seconds: u64) -> Now {
        Now {
            wall: self.began + TimeDelta::seconds(seconds.try_into().unwrap()),
            boot: Duration::from_secs(seconds),
            boot_id: "b".into(),
        }
    }

    fn put(&mut self, seconds: u64, who: &str, fact: Fact) -> Seq {
        let seq = Seq(u64::try_from(self.entries.len()).unwrap() + 1);
        self.entries.push(Entry {
            seq,
            at: self.now(seconds),
            actor: Actor {
                name: who.into(),
                host: "bastion".into(),
            },
            fact,
            prev: "p".into(),
        });
        seq
    }

    /// A note by whom it belongs to.
    pub fn note(&mut self, seconds: u64, note: Note) -> &mut Self {
        let who = match () {
            () if note.seen_by_itself() => "warroom",
            () if note.facilitators() => "facilitator",
            () => "ana",
        };
        self.put(seconds, who, Fact::Note(note));
        self
    }

    /// An attempt that was confirmed and started, and ended so after so many seconds; none: it runs still.
    pub fn run(&mut self, at: u64, step: &str, attempt: u32, end: Option<(u64, Outcome)>) {
        self.attempt(at, step, attempt, Vec::new(), end);
    }

    /// The same with a red guard overridden.
    pub fn overriding(&mut self, at: u64, step: &str, attempt: u32, end: (u64, Outcome)) {
        let overridden = Override {
            name: "old primary fenced".into(),
            verdict: Verdict::measured(false, "pg-east | no answer"),
            reason: Clean::new("the provider says the rack is dark"),
            phrase: "OVERRIDE:pg-west".into(),
        };
        self.attempt(at, step, attempt, vec![overridden], Some(end));
    }

    fn attempt(
        &mut self,
        at: u64,
        step: &str,
        attempt: u32,
        overrides: Vec<Override>,
        end: Option<(u64, Outcome)>,
    ) {
        let resolved = resolved(step, attempt);
        let loss = Verdict::measured(true, "loss ≤ 2.1 s, 31 MB").with_badness(2_100);
        let intent = Intent {
            digest: resolved.digest(),
            resolved,
            nonce_hash: "n".into(),
            verdicts: vec![("loss known and under its gate".into(), loss)],
            overrides,
        };
        self.put(at, "ben", Fact::Intent(Box::new(intent)));
        let started = Report::Started {
            action: action(step),
            attempt,
            pid: 7,
            start_time: 9,
            boot_id: "b".into(),
        };
        self.put(at, "ben", Fact::Report(started));
        let Some((took, outcome)) = end else { return };
        let ended = Report::Ended {
            action: action(step),
            attempt,
            at: self.now(at + took),
            outcome,
            excerpt: Clean::default(),
            evidence: "evidence/4/output".into(),
            kept: Vec::new(),
            verified: Vec::new(),
        };
        self.put(at + took, "ben", Fact::Report(ended));
    }

    pub fn tick(&mut self, at: u64, step: &str) {
        let (walk, index, note) = (1, 1, None);
        let step = step.into();
        self.note(
            at,
            Note::Ticked {
                walk,
                step,
                index,
                note,
            },
        );
    }

    pub fn skip(&mut self, at: u64, step: &str, reason: &str) {
        let (walk, step, reason) = (1, step.into(), Clean::new(reason));
        self.note(at, Note::Skipped { walk, step, reason });
    }

    pub fn leave(&mut self, at: u64, reason: Option<&str>) {
        let (walk, reason) = (1, reason.map(Clean::new));
        self.note(at, Note::WalkEnded { walk, reason });
    }

    /// The walk as it ought to go; `restore` lies on a way that is not taken.
    pub fn walk(&mut self) {
        self.run(200, "fence", 1, Some((12, done())));
        self.run(300, "promote", 1, Some((60, done())));
        self.tick(400, "dns");
        self.leave(450, None);
    }

    /// Users are served again at so many seconds, and it is resolved after that.
    pub fn over(&mut self, served: u64) {
        let how = Clean::new("api-west is healthy");
        self.note(served, Note::Mitigated { how });
        let (summary, waived) = (Clean::new("Serving from us-west-2"), Vec::new());
        self.note(served + 100, Note::Resolved { summary, waived });
    }

    pub fn incident(&self) -> Incident {
        Incident::fold(&self.entries).unwrap()
    }

    /// An end at which all is well.
    pub fn finding(&self) -> Finding {
        let seen = Verdict::measured(true, "pg-west is a primary and takes writes");
        Finding {
            goals: vec![("Writes are taken in us-west-2".into(), seen)],
            harms: Vec::new(),
            lost: Some(Lost {
                span: Duration::from_millis(2_100),
                bytes: 31_000_000,
            }),
            integrity: Verdict::measured(true, "every row is right"),
            ended: self.now(1_000),
        }
    }
}

fn title(step: &str) -> &'static str {
    match step {
        "fence" => "Fence the old primary",
        "promote" => "Promote the standby",
        "dns" => "Point DNS at it",
        _ => "Restore from the dump",
    }
}

fn resolved(step: &str, attempt: u32) -> Resolved {
    let target = "pg-west".into();
    let act = Act::Postgres(PgAct::Promote { target });
    Resolved {
        action: action(step),
        step_title: title(step).into(),
        attempt,
        mode: Mode::Tabletop,
        site: "harbour".into(),
        site_digest: "s".into(),
        runbook: "regional-failover".into(),
        runbook_digest: "r".into(),
        code: Code::Act { act },
        targets: Vec::new(),
        vars: Default::default(),
        secrets: Default::default(),
        with: Vec::new(),
        expect: None,
        keep_as: None,
        path: None,
        keep_secret: false,
        guards: None,
        danger: Danger::OneWay,
        phrase: None,
        checks: Vec::new(),
        verify: Vec::new(),
        every: Duration::from_secs(2),
        timeout: Duration::from_secs(600),
        estimate: Some(Duration::from_secs(60)),
        capture: Vec::new(),
        changed: Vec::new(),
        hold: None,
        last_known: None,
        rto_ends: None,
        last_promotion: None,
    }
}

/// What is asked for: RTO of 10 minutes, RPO of 30 seconds, the fence before the promotion, no restore.
pub fn asked() -> Asked {
    let site = Site {
        objectives: Objectives {
            rto: Some(minutes(10)),
            rpo: Some(Duration::from_secs(30)),
        },
        ..Site::empty()
    };
    let harmful = |words: &str, step: &str, before: Option<StepId>, makes| Harmful {
        words: words.into(),
        step: step.into(),
        before,
        makes,
    };
    Asked {
        summary: "us-east-1 stops answering; the standby region can take over.".into(),
        objectives: vec![
            "Declare within 15 minutes of the first red".into(),
            "Fence the old primary before the standby is promoted".into(),
        ],
        debrief: vec!["What told you that it was the region?".into()],
        harmful: vec![
            harmful(
                "The standby was promoted before the old primary was fenced",
                "promote",
                Some("fence".into()),
                Grade::Fail,
            ),
            harmful(
                "Data that were whole were restored",
                "restore",
                None,
                Grade::Partial,
            ),
        ],
        ..Asked::of_site(
            "Primary region lost",
            Kind::RegionalFailover,
            Mode::Tabletop,
            &site,
        )
    }
}
