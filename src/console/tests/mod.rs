//! The console as triples: what stands, what is pressed, what stands then and what is asked of the hall. The hall is played
//! here: it writes every entry, evaluates every check as the table says, and starts what was confirmed.

mod facilitator;
mod held;
mod keys;
mod quick;
mod road;
mod shipped;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;

use super::checklist::{Next, StepStatus, next_action, rows};
use super::event::{Effect, Evaluation, Event, Loaded, Place};
use super::key::{Code, Key};
use super::keymap::Keymap;
use super::state::{Dialog, State};
use super::update::update;
use crate::incident::clean::Clean;
use crate::incident::journal::{
    Actor, Entry, Fact, Incident, Intent, Mode, Note, Report, Resolved, ResolvedCheck, Seq,
};
use crate::incident::names::IncidentId;
use crate::incident::now::Now;
use crate::incident::reading::{Failure, FailureKind, Holds, Outcome, Verdict};
use crate::incident::runbook::parse;
use crate::incident::sitefile;

const SITE: &str = r#"
name = "aragora"
[objectives]
rto = "1h"
rpo = "5m"
[regions.us-east-1]
role = "primary"
[regions.us-west-2]
role = "standby"
[targets.pg-east]
system = "postgres"
region = "us-east-1"
host = "db-east"
user = "warroom"
dbname = "postgres"
[targets.pg-west]
system = "postgres"
region = "us-west-2"
host = "db-west"
user = "warroom"
dbname = "postgres"
[targets.api-west]
system = "http"
region = "us-west-2"
url = "https://api-west.example.net/health"
[targets.redis-east]
system = "redis"
region = "us-east-1"
host = "redis-east"
[targets.redis-west]
system = "redis"
region = "us-west-2"
host = "redis-west"
[targets.sentinel]
system = "sentinel"
nodes = ["s1", "s2", "s3"]
master = "cache"
[targets.dumps]
system = "files"
path = "/var/backups"
[backups.pg-dump]
of = "dumps"
younger = "25h"
[links.pg]
from = "pg-east"
to = "pg-west"
target = "1s"
gate = "30s"
"#;

/// A console with a hall that answers at once.
struct Desk {
    state: State,
    now: Now,
    journal: Vec<Entry>,
    /// What every check says; yes when it is not here.
    holds: BTreeMap<String, Holds>,
    /// Evaluations are kept back while this is set.
    slow: bool,
    /// Entries are on their way to disk while this is set.
    writing: bool,
    kept: Vec<Event>,
    /// What was confirmed, in order.
    performed: Vec<Resolved>,
    /// Effects that are not answered by the hall itself.
    others: Vec<Effect>,
}

fn start() -> Now {
    Now {
        wall: DateTime::from_timestamp(1_763_733_600, 0).unwrap(),
        boot: Duration::from_secs(1_000),
        boot_id: "boot".into(),
    }
}

fn loaded(id: &str, text: &str) -> Loaded {
    let (runbook, faults) = parse(&format!("{id}.md"), text, id.into());
    let runbook = runbook.unwrap_or_else(|| panic!("{id}: {faults:#?}"));
    Loaded {
        runbook: Arc::new(runbook),
        text: text.into(),
        origin: "test".into(),
        place: Place::Own,
        refused: None,
    }
}

fn ana() -> Actor {
    Actor {
        name: "ana".into(),
        host: "ops-1".into(),
    }
}

impl Desk {
    fn new(library: Vec<Loaded>) -> Desk {
        let (site, faults) = sitefile::parse("site.toml", SITE, Path::new("/"));
        let site = site.unwrap_or_else(|| panic!("{faults:#?}"));
        let now = start();
        let keymap = Keymap::built_in();
        let library = Arc::new(library);
        let state = State::new(
            Arc::new(site),
            Mode::Real,
            ana(),
            keymap,
            library,
            (120, 36),
            now.clone(),
        );
        Desk {
            state,
            now,
            journal: Vec::new(),
            holds: BTreeMap::new(),
            slow: false,
            writing: false,
            kept: Vec::new(),
            performed: Vec::new(),
            others: Vec::new(),
        }
    }

    /// An incident with that runbook chosen.
    fn on(text: &str) -> Desk {
        Desk::with(vec![loaded("book", text)])
    }

    /// An incident with the first runbook of the library chosen.
    fn with(library: Vec<Loaded>) -> Desk {
        let id = library[0].runbook.id.to_string();
        let mut desk = Desk::new(library);
        desk.declare();
        desk.choose(&id);
        desk
    }

    fn declare(&mut self) {
        self.press("d")
            .type_("it is down")
            .press("enter enter enter");
        self.wait(600).press("enter");
        assert!(self.state.incident.is_some(), "{:?}", self.state.message);
    }

    fn choose(&mut self, id: &str) {
        self.press("r")
            .type_(id)
            .press("enter")
            .wait(600)
            .press("enter");
        self.wait(600);
    }

    /// Keys by name, 40 ms apart.
    fn press(&mut self, keys: &str) -> &mut Self {
        for key in keys.split_whitespace() {
            self.key(key.parse().unwrap());
        }
        self
    }

    fn type_(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.key(Key::plain(Code::Char(c)));
        }
        self
    }

    fn key(&mut self, key: Key) {
        self.pass(40);
        self.tell(Event::Key(key));
    }

    fn pass(&mut self, millis: u64) {
        let span = Duration::from_millis(millis);
        self.now.boot += span;
        self.now.wall += span;
    }

    /// Time goes by without a key.
    fn wait(&mut self, millis: u64) -> &mut Self {
        self.pass(millis);
        self.tell(Event::Tick);
        self
    }

    /// Confirms what is asked: waits until it is armed, types, presses enter.
    fn confirm(&mut self, phrase: &str) -> &mut Self {
        self.wait(600).type_(phrase).press("enter")
    }

    /// Writes a reason into the form that is open.
    fn reason(&mut self, text: &str) -> &mut Self {
        self.type_(text).press("enter")
    }

    /// Chooses the answer that begins with `words`.
    fn answer(&mut self, words: &str) -> &mut Self {
        let Some(Dialog::Choice(form)) = self.state.dialogs.last() else {
            panic!("no choice is open: {:?}", self.state.dialogs);
        };
        let place = form.answers.iter().position(|(a, _)| a.starts_with(words));
        let place = place.unwrap_or_else(|| panic!("{words:?} is none of {:?}", form.answers));
        let selected = form.selected;
        for _ in selected..place {
            self.press("down");
        }
        for _ in place..selected {
            self.press("up");
        }
        self.wait(600).press("enter")
    }

    fn tell(&mut self, event: Event) {
        let effects = update(&mut self.state, self.now.clone(), event);
        for effect in effects {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Declare(request, mut declaration) => {
                declaration.id = IncidentId("INC-2025-0001".into());
                self.write(Some(request), Fact::Declared(declaration));
            }
            Effect::Append(request, note) | Effect::Choose(request, note, _) => {
                self.write(Some(request), Fact::Note(note));
            }
            Effect::Evaluate(request, resolved) | Effect::Question(request, resolved) => {
                let evaluation = Box::new(self.evaluate(&resolved));
                let event = Event::Evaluated(request, evaluation);
                match self.slow {
                    true => self.kept.push(event),
                    false => self.tell(event),
                }
            }
            Effect::Preflight(request, needs) => {
                let found = needs.into_iter();
                let found = found.map(|need| (need, Verdict::measured(true, "there")));
                self.tell(Event::Preflight(request, found.collect()));
            }
            Effect::Perform(request, confirmed) => {
                let resolved = confirmed.resolved().clone();
                let intent = Intent {
                    digest: resolved.digest(),
                    resolved: resolved.clone(),
                    nonce_hash: String::new(),
                    verdicts: confirmed.verdicts().to_vec(),
                    overrides: confirmed.overrides().to_vec(),
                };
                self.performed.push(resolved.clone());
                self.write(Some(request), Fact::Intent(Box::new(intent)));
                let started = Report::Started {
                    action: resolved.action,
                    attempt: resolved.attempt,
                    pid: 1,
                    start_time: 1,
                    boot_id: "boot".into(),
                };
                self.write(None, Fact::Report(started));
            }
            other => self.others.push(other),
        }
    }

    fn evaluate(&self, resolved: &Resolved) -> Evaluation {
        let verdicts = |checks: &[ResolvedCheck]| {
            let words = checks.iter().map(|check| match check {
                ResolvedCheck::Condition(condition) => condition.to_string(),
                ResolvedCheck::Code { code, .. } => super::asking::code_words(code),
            });
            words
                .map(|words| {
                    let holds = self.holds.get(&words).copied().unwrap_or(Holds::Yes);
                    let verdict = Verdict {
                        holds,
                        saw: Clean::new(&words),
                        badness: None,
                    };
                    (words, verdict)
                })
                .collect()
        };
        Evaluation {
            guards: Vec::new(),
            checks: verdicts(&resolved.checks),
            verify: verdicts(&resolved.verify),
        }
    }

    fn write(&mut self, request: Option<super::event::RequestId>, fact: Fact) {
        let entry = Entry {
            seq: Seq(self.journal.len() as u64 + 1),
            at: self.now.clone(),
            actor: ana(),
            fact,
            prev: String::new(),
        };
        self.journal.push(entry.clone());
        if self.writing {
            self.kept.push(Event::Appended(request, Box::new(entry)));
            return;
        }
        self.tell(Event::Appended(request, Box::new(entry)));
    }

    /// The newest performed act ends.
    fn ends(&mut self, outcome: Outcome) -> &mut Self {
        let resolved = self.performed.last().unwrap().clone();
        let output = || Some(Clean::new("/var/backups/app.dump"));
        let kept = resolved.keep_as.iter().map(|name| (name.clone(), output()));
        let kept = kept.collect();
        let ended = Report::Ended {
            action: resolved.action,
            attempt: resolved.attempt,
            at: self.now.clone(),
            outcome,
            excerpt: Clean::new(""),
            evidence: "evidence/1".into(),
            kept,
            verified: Vec::new(),
        };
        self.pass(1_000);
        self.write(None, Fact::Report(ended));
        self
    }

    fn done(&mut self) -> &mut Self {
        self.ends(Outcome::Done {
            said: Clean::new("so it is"),
        })
    }

    fn fails(&mut self) -> &mut Self {
        let failure = Failure::new(FailureKind::Local, "it", "exit 1", "");
        self.ends(Outcome::Failed {
            failure,
            exit: Some(1),
        })
    }

    fn unknown(&mut self) -> &mut Self {
        let failure = Failure::new(FailureKind::TimedOut, "it", "no answer", "");
        self.ends(Outcome::Unknown { failure })
    }

    /// The steps' standings in the list's order, a letter each.
    fn steps(&self) -> String {
        let rows = rows(&self.state).into_iter();
        rows.map(|row| match row.status {
            StepStatus::Waiting => '.',
            StepStatus::Next => '>',
            StepStatus::Running => 'r',
            StepStatus::Done => 'x',
            StepStatus::Failed => 'f',
            StepStatus::Unknown => '?',
            StepStatus::Refused => 'R',
            StepStatus::Skipped => 's',
            StepStatus::NotApplicable => 'n',
            StepStatus::RolledBack => 'u',
        })
        .collect()
    }

    fn next(&self) -> Next {
        next_action(&self.state)
    }

    fn message(&self) -> &str {
        self.state.message.as_ref().map_or("", |m| m.words.as_str())
    }

    fn notes(&self) -> impl Iterator<Item = &Note> {
        self.journal.iter().filter_map(|entry| match &entry.fact {
            Fact::Note(note) => Some(note),
            _ => None,
        })
    }

    /// Another console that opens the same journal.
    fn reopened(&self) -> Desk {
        let mut other = Desk::new(self.state.library.to_vec());
        other.now = self.now.clone();
        other.journal = self.journal.clone();
        other.tell(Event::Opened(self.journal.clone()));
        other
    }
}

#[test]
fn the_fold_of_the_journal_is_the_state() {
    let mut desk = Desk::on(road::PLAIN);
    desk.press("enter").confirm("run").done();
    let folded = Incident::fold(&desk.journal).unwrap();
    assert_eq!(desk.state.incident.as_ref(), Some(&folded));
}
