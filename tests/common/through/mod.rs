//! A runbook walked to its end at the real console: what comes next is read from the journal as the product folds it, and
//! answered with the keys a person would press.

mod acting;
mod opening;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use warroom::console::keymap::Keymap;
use warroom::console::road::{Next, Road, StepStatus};
use warroom::console::state::State;
use warroom::incident::journal::fold::Phase;
use warroom::incident::journal::{Attempt, Entry, Fact, Incident, Mode};
use warroom::incident::names::StepId;
use warroom::incident::postmortem::rows::line;
use warroom::incident::runbook::ActionRef;
use warroom::incident::site::Site;
use warroom::incident::sitefile;
use warroom::world::{actor, clock, incidents};

use super::operator::{declare, dialog};
use super::pty::Console;

/// Large enough that no dialog cuts its words off.
const SIZE: (u16, u16) = (200, 60);

/// How long an act or a check may take: generous, for a busy machine is no fault.
const PATIENCE: Duration = Duration::from_secs(180);

/// What a key opens is open by then; else the key came while the console was busy, and is pressed again.
const OPENS: Duration = Duration::from_millis(700);

/// What an answer closes is closed by then.
const CLOSES: Duration = Duration::from_secs(3);

/// What is written where a note, evidence or a reason is asked for.
const NOTE: &str = "seen with my own eyes";

/// Values of a runbook's variables, by name; the others are as proposed.
pub type Values<'a> = &'a [(&'a str, &'a str)];

/// Ways taken, by step: a decision's words, `ok`, `fail` or `unknown` of a branch, `go to TITLE` after a failure, `skip`; and
/// `it happened` or `it did not`, beside those, where nobody knows how an act ended.
pub type Ways<'a> = &'a [(&'a str, &'a str)];

/// What a person does by hand before they tick an item of a step: the step's id, and which of its parts that is, from 1 on.
type ByHand = Box<dyn FnMut(&str, usize) + Send>;

/// A person who walks runbooks on a site.
pub struct Walker {
    /// Their terminal.
    pub console: Console,
    site: Arc<Site>,
    mode: Mode,
    root: PathBuf,
    /// What is typed into the variables of a runbook that another one opens, by its id.
    subs: BTreeMap<String, Vec<(String, String)>>,
    by_hand: ByHand,
}

/// A walk that is at its end.
pub struct Walked {
    /// The incident as its journal tells it.
    pub incident: Incident,
    /// Steps in the order their turns came, those of sub-runbooks included: the runbook's id and the step's.
    pub way: Vec<(String, String)>,
}

impl Walked {
    /// Steps of one runbook, in the order their turns came.
    pub fn steps(&self, runbook: &str) -> Vec<&str> {
        let of = self.way.iter().filter(|(id, _)| id == runbook);
        of.map(|(_, step)| step.as_str()).collect()
    }

    /// A value that a step of the newest walk of a runbook kept.
    pub fn kept(&self, runbook: &str, name: &str) -> &str {
        let mut walks = self.incident.walks.iter().rev();
        let walk = walks.find(|walk| walk.chosen.runbook.as_str() == runbook);
        &walk.unwrap().captured[name]
    }
}

/// What the journal says now, as a console that takes the incident up sees it.
struct Sight {
    incident: Incident,
    state: State,
}

impl Sight {
    /// The walk that is open; of several the newest, as the console shows it.
    fn road(&self) -> Option<Road<'_>> {
        let mut open = self.incident.walks.iter().rev();
        let walk = open.find(|walk| walk.ended.is_none())?;
        Road::of(&self.state, walk.chosen.walk)
    }

    /// An action's newest attempt.
    fn attempt(&self, action: &ActionRef) -> Option<&Attempt> {
        let step = self.incident.walk(action.walk)?.steps.get(&action.step)?;
        step.actions.get(action)?.attempts.last()
    }
}

impl Walker {
    /// A console on a site file, with a home of its own, in which an incident of that title is declared. Programs in the
    /// home's `bin` come before the machine's.
    pub fn declares(home: &Path, site: &Path, title: &str) -> Self {
        Self::begins(home, site, title, Mode::Real)
    }

    /// The same in a live drill, which touches only what the site file marks for drills.
    pub fn drills(home: &Path, site: &Path, title: &str) -> Self {
        Self::begins(home, site, title, Mode::Drill)
    }

    fn begins(home: &Path, site: &Path, title: &str, mode: Mode) -> Self {
        let (columns, rows) = SIZE;
        let file = site.display().to_string();
        let args: &[&str] = match mode {
            Mode::Drill => &["drill", "--live", "--site", &file],
            Mode::Real | Mode::Tabletop => &["--site", &file],
        };
        let mut console = Console::start(home, columns, rows, args);
        console.wait_for("Regions");
        declare(&mut console, title);
        let site = read_site(site);
        let root = site.state_dir.clone();
        let root = root.unwrap_or_else(|| home.join("state/warroom"));
        Self {
            console,
            site,
            mode,
            root,
            subs: BTreeMap::new(),
            by_hand: Box::new(|_, _| {}),
        }
    }

    /// What is done by hand, before an item of a step is ticked: a rule changed, a file edited, a record moved.
    pub fn by_hand(&mut self, does: impl FnMut(&str, usize) + Send + 'static) {
        self.by_hand = Box::new(does);
    }

    /// What is typed into a runbook that another one opens, beside what that one gives it.
    #[must_use]
    pub fn gives(mut self, runbook: &str, values: Values<'_>) -> Self {
        let owned = values.iter().map(|(n, v)| ((*n).into(), (*v).into()));
        self.subs.insert(runbook.into(), owned.collect());
        self
    }

    /// Opens a runbook and walks it to its end. Fails where a step is not done.
    pub fn walks(&mut self, runbook: &str, values: Values<'_>, ways: Ways<'_>) -> Walked {
        self.choose(runbook, values);
        let mut way: Vec<(String, String)> = Vec::new();
        loop {
            let sight = self.sight();
            let Some(road) = sight.road() else { break };
            match road.next() {
                Next::Done => self.ends(&sight, road.number()),
                Next::Running(..) => thread::sleep(Duration::from_millis(100)),
                next => {
                    let step = next.step().unwrap();
                    let place = (road.runbook.id.to_string(), step.to_string());
                    if self.applies(&road, step) {
                        self.answers(&next, ways);
                    }
                    if way.last() != Some(&place) {
                        way.push(place);
                    }
                }
            }
        }
        let sight = self.sight();
        for (id, step) in &way {
            self.is_settled(&sight, id, step, ways);
        }
        let incident = sight.incident;
        Walked { incident, way }
    }

    /// Whether a step's turn has come: one that is for certain cases only is looked at first, and passed over by itself.
    fn applies(&self, road: &Road<'_>, step: &StepId) -> bool {
        if road.runbook.step(step).unwrap().card.when.is_none() {
            return true;
        }
        self.console.arm();
        self.console.wait_gone("whether the step applies");
        let now = self.sight();
        now.road()
            .is_some_and(|road| road.next().step() == Some(step))
    }

    /// A step of the way is done, not applicable, or a test says what was done after its failure.
    fn is_settled(&self, sight: &Sight, id: &str, step: &str, ways: Ways<'_>) {
        let mut walks = sight.incident.walks.iter().rev();
        let walk = walks.find(|walk| walk.chosen.runbook.as_str() == id);
        let road = Road::of(&sight.state, walk.unwrap().chosen.walk).unwrap();
        let status = road.status(road.runbook.step(&StepId(step.into())).unwrap());
        let told = ways.iter().any(|(of, _)| *of == step);
        let fine = matches!(status, StepStatus::Done | StepStatus::NotApplicable);
        let entries = sight.incident.entries.iter();
        let lines: Vec<String> = entries.filter_map(line).collect();
        assert!(
            fine || told,
            "{id} #{step} is {status:?}:\n{}",
            lines.join("\n")
        );
    }

    /// The journal's folder.
    pub fn folder(&self) -> PathBuf {
        let mut all = incidents::list(&self.root);
        assert_eq!(all.len(), 1, "one incident was declared: {all:?}");
        all.remove(0).1
    }

    fn sight(&self) -> Sight {
        let folder = self.folder();
        let text = fs::read_to_string(folder.join("journal.jsonl")).unwrap();
        // A line that is being written is not there yet.
        let lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let entries: Vec<Entry> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
        let incident = Incident::fold(&entries).unwrap();
        let mut state = State::new(
            Arc::clone(&self.site),
            self.mode,
            actor(),
            Keymap::default(),
            Arc::default(),
            SIZE,
            clock::now(),
        );
        state.resume(&incident, incidents::runbooks(&folder, &incident).unwrap());
        Sight { incident, state }
    }

    /// Waits until the journal is as `so` says.
    fn until(&self, what: &str, so: impl Fn(&Sight) -> bool) -> Sight {
        let end = Instant::now() + PATIENCE;
        let mut known = None;
        loop {
            let length = fs::metadata(self.folder().join("journal.jsonl"))
                .unwrap()
                .len();
            // Folding costs more than looking whether there is anything new.
            if known != Some(length) {
                let sight = self.sight();
                if so(&sight) {
                    return sight;
                }
                known = Some(length);
            }
            let screen = self.console.screen();
            assert!(Instant::now() < end, "waited for {what}; screen:\n{screen}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the screen is as `so` says, or not long enough.
    fn becomes(&self, within: Duration, so: impl Fn(&str) -> bool) -> bool {
        let end = Instant::now() + within;
        while !so(&self.console.screen()) {
            if Instant::now() > end {
                return false;
            }
            thread::sleep(Duration::from_millis(30));
        }
        true
    }

    /// Presses enter until a dialog is open.
    fn opens(&mut self) {
        for _ in 0..20 {
            self.console.press("enter");
            if self.becomes(OPENS, dialog) {
                return;
            }
        }
        panic!("no dialog opens:\n{}", self.console.screen());
    }

    /// Types an answer and presses enter, until the screen is as it then should be.
    fn gives_answer(&mut self, typed: &str, done: impl Fn(&str) -> bool) {
        for _ in 0..8 {
            self.console.arm();
            self.console.type_text(typed);
            // An enter right behind a key is a paste to the console.
            thread::sleep(Duration::from_millis(150));
            self.console.press("enter");
            if self.becomes(CLOSES, &done) {
                return;
            }
            if !typed.is_empty() {
                self.console.arm();
                self.console.press("ctrl-u");
            }
        }
        panic!("it is not taken as meant:\n{}", self.console.screen());
    }

    /// Moves to the answer that begins with `words`.
    fn selects(&mut self, words: &str) {
        let stands = format!("▶ {words}");
        for _ in 0..100 {
            if self.becomes(OPENS, |screen| screen.contains(&stands)) {
                return;
            }
            self.console.press("down");
        }
        panic!("there is no {words:?}:\n{}", self.console.screen());
    }

    /// Opens what is next, and answers what then stands there.
    fn answers(&mut self, next: &Next, ways: Ways<'_>) {
        let before = self.sight();
        match next {
            Next::AfterFailure(step) => self.explains_failure(&before, step, ways),
            Next::Settle(action, _) => self.explains_failure(&before, &action.step, ways),
            Next::Tick(step, item) => (self.by_hand)(step.as_str(), *item),
            _ => {}
        }
        if ways.contains(&(next.step().unwrap().as_str(), "skip")) {
            return self.skips(&before);
        }
        self.opens();
        let sight = self.sight();
        let road = sight.road().unwrap();
        assert_eq!(road.next(), *next, "the console went on by itself");
        match next {
            Next::Action(action) => return self.acts(&sight, action),
            Next::Tick(..) | Next::Acknowledge(_) => self.gives_answer(NOTE, |s| !dialog(s)),
            Next::Look(_) | Next::Verify(_) => self.looks(),
            Next::Branch(step) => {
                let stands = format!("▶ {}:", way_of(ways, step));
                self.console
                    .wait(&stands, PATIENCE, |s| s.contains(&stands));
                self.gives_answer("", |s| !dialog(s));
            }
            Next::Decide(step) | Next::AfterFailure(step) => {
                self.selects(way_of(ways, step));
                self.gives_answer("", |s| s.contains("enter writes it"));
                self.gives_answer(NOTE, |s| !dialog(s));
            }
            Next::Settle(action, _) => {
                self.selects(settled(ways, &action.step));
                self.gives_answer("", |s| s.contains("enter writes it"));
                self.gives_answer(NOTE, |s| !dialog(s));
            }
            Next::Nothing | Next::Running(..) | Next::Done => {}
        }
        let head = before.incident.head();
        self.until("the answer in the journal", |now| {
            let entries = &now.incident.entries;
            entries.iter().any(|entry| entry.seq > head && moves(entry))
        });
    }

    /// Skips the step whose turn it is, with a reason.
    fn skips(&mut self, sight: &Sight) {
        self.console.arm();
        self.console.press("s");
        self.console.wait_for("skipped?");
        self.gives_answer(NOTE, |screen| !dialog(screen));
        let head = sight.incident.head();
        self.until("the skip in the journal", |now| now.incident.head() > head);
    }

    /// A failure that the test does not expect is shown with all that is known of it.
    fn explains_failure(&self, sight: &Sight, step: &StepId, ways: Ways<'_>) {
        if ways.iter().any(|(of, _)| *of == step.as_str()) {
            return;
        }
        let road = sight.road().unwrap();
        let state = &road.walk.steps[step];
        let attempts = state.actions.values().filter_map(|a| a.attempts.last());
        let failed = attempts.filter(|a| matches!(a.phase(), Phase::Failed | Phase::Unknown));
        let said = failed.map(|attempt| self.told(attempt));
        let said: Vec<String> = said.collect();
        panic!("{} #{step} failed: {}", road.runbook.id, said.join("\n"));
    }

    /// How an attempt ended, and what it printed.
    fn told(&self, attempt: &Attempt) -> String {
        let Some(ended) = &attempt.ended else {
            return format!("{:?}", attempt.phase());
        };
        let output = fs::read_to_string(self.folder().join(&ended.evidence));
        format!("{:?}\n{}", ended.outcome, output.unwrap_or_default())
    }

    /// Closes a walk that is at its end.
    fn ends(&mut self, sight: &Sight, number: u32) {
        let left = |sight: &Sight| sight.incident.walk(number).unwrap().ended.is_some();
        for _ in 0..20 {
            self.console.arm();
            self.console.press("enter");
            let end = Instant::now() + CLOSES;
            while Instant::now() < end {
                if left(&self.sight()) {
                    return;
                }
                thread::sleep(Duration::from_millis(100));
            }
        }
        let road = Road::of(&sight.state, number).unwrap();
        let screen = self.console.screen();
        panic!("{} does not end:\n{screen}", road.runbook.id);
    }
}

/// What is answered where nobody knows how an act ended.
const SETTLED: [&str; 2] = ["it happened", "it did not"];

/// The test's word for a fork.
fn way_of<'a>(ways: Ways<'a>, step: &StepId) -> &'a str {
    told(ways, step, |words| !SETTLED.contains(&words))
}

/// The test's word for how an act ended.
fn settled<'a>(ways: Ways<'a>, step: &StepId) -> &'a str {
    told(ways, step, |words| SETTLED.contains(&words))
}

fn told<'a>(ways: Ways<'a>, step: &StepId, is: impl Fn(&str) -> bool) -> &'a str {
    let mut all = ways.iter().filter(|(of, _)| *of == step.as_str());
    let way = all.find(|(_, words)| is(words));
    way.unwrap_or_else(|| panic!("no way is given at #{step}"))
        .1
}

/// Whether an entry moves a walk on.
fn moves(entry: &Entry) -> bool {
    match &entry.fact {
        Fact::Note(note) => note.moves().is_some(),
        _ => false,
    }
}

/// A site file as the console reads it.
fn read_site(path: &Path) -> Arc<Site> {
    let text = fs::read_to_string(path).unwrap();
    let name = path.display().to_string();
    let (site, faults) = sitefile::parse(&name, &text, path.parent().unwrap());
    Arc::new(site.unwrap_or_else(|| panic!("{faults:#?}")))
}
