//! A tabletop under way: the console's state, the simulated site, and the time that passes between them.
//!
//! Everything that happens comes in one order, by the exercise's own clock, so that a session is a function of its
//! scenario, its seed and what the hands at the keyboard did: played again, it ends in the same report.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;

use super::agenda::{Agenda, Due};
use super::begin::{plan, systems};
use super::record::{Head, Recording};
use super::{Script, SharedWorld};
use crate::console::event::{Effect, Event, Loaded};
use crate::console::key::Key;
use crate::console::keymap::Keymap;
use crate::console::state::{Dialog, Pager, State};
use crate::console::update::update;
use crate::drill::scenario::Inject;
use crate::drill::score::Finding;
use crate::drill::world::World;
use crate::incident::clean::Clean;
use crate::incident::facilitation::Order;
use crate::incident::journal::{Actor, Mode, Note};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::Site;
use crate::world::clock::{Clock, Played};
use crate::world::ledger::DirectLedger;
use crate::world::runner::played::Playing;
use crate::world::{Systems, watch};

/// How often time passes for the console.
pub(super) const TICK: Duration = Duration::from_secs(1);

/// What hands do at a console.
#[derive(Debug, Clone, PartialEq)]
pub enum Hand {
    /// A key.
    Key(Key),
    /// A paste.
    Paste(String),
    /// Another size of the terminal: columns, rows.
    Size(u16, u16),
    /// The facilitator's hands, at another terminal.
    Order(Order),
}

/// What an exercise begins with.
pub struct Beginning {
    /// What is played.
    pub script: Script,
    /// What its chances follow from.
    pub seed: u64,
    /// The wall clock of the simulated site when it begins.
    pub begins: DateTime<Utc>,
    /// Where its incident is kept.
    /// Where its incident is kept.
    pub root: PathBuf,
    /// The state folder whose log of drills it goes into.
    pub log: PathBuf,
    /// How much faster than the hands' its time runs.
    pub speed: u32,
    /// Who sits here.
    pub actor: Actor,
    /// Their keys.
    pub keymap: Keymap,
    /// Runbooks that can be chosen.
    pub library: Vec<Loaded>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// What secrets are hashed with in intents.
    pub key: Vec<u8>,
}

/// An exercise under way.
pub struct Session {
    /// The console.
    pub state: State,
    pub(super) script: Script,
    pub(super) seed: u64,
    /// Where its incident is kept.
    pub root: PathBuf,
    pub(super) clock: Arc<Played>,
    pub(super) world: SharedWorld,
    pub(super) systems: Systems,
    pub(super) site: Arc<Site>,
    pub(super) ledger: Option<DirectLedger>,
    pub(super) actor: Actor,
    /// Injects that happened, and when.
    fired: BTreeMap<usize, Duration>,
    /// What was said before there was a journal.
    pub(super) before: Vec<Note>,
    /// A facilitator gave orders.
    pub(super) facilitated: bool,
    pub(super) record: Recording,
    /// How things stood at its end, once that has come.
    pub(super) finding: Option<Finding>,
    /// The state folder whose log of drills it goes into.
    pub(super) log: PathBuf,
    pub(super) attempts: Vec<Playing>,
    pub(super) agenda: Agenda,
    pub(super) queue: VecDeque<Event>,
    /// What only the hall can do.
    pub(super) asked: Vec<Effect>,
    hand: HandTime,
}

/// The time of the operator's hands. The world's may run faster, or stand.
#[derive(Debug, Clone, Copy)]
struct HandTime {
    /// Times the hands' time.
    speed: u32,
    /// The newest instant that is known of both.
    hand: Duration,
    world: Duration,
}

impl Session {
    /// An exercise that begins now.
    pub fn new(beginning: Beginning) -> Self {
        let Beginning {
            script,
            seed,
            speed,
            ..
        } = beginning;
        let head = Head {
            scenario: script.scenario.id.clone(),
            digest: script.digest.clone(),
            seed,
            size: beginning.size,
            speed,
        };
        let scenario = &script.scenario;
        let site = Arc::new(scenario.site.clone());
        let clock = Arc::new(Played::new(beginning.begins));
        let world = World::new(&site, &scenario.wiring, beginning.begins);
        let world = SharedWorld::new(world);
        let systems = systems(&script, &site, &world, &clock);
        let now = Clock::Played(Arc::clone(&clock)).now();
        let mut state = State::new(
            Arc::clone(&site),
            Mode::Tabletop,
            beginning.actor.clone(),
            beginning.keymap,
            Arc::new(beginning.library),
            beginning.size,
            now,
        );
        state.memory.key = beginning.key;
        state.pace = Some(speed);
        state.memory.talk = script.talk;
        let mut agenda = Agenda::default();
        plan(&mut agenda, &script, &site, seed);
        Self {
            state,
            script,
            seed,
            root: beginning.root,
            clock,
            world,
            systems,
            site,
            ledger: None,
            actor: beginning.actor,
            fired: BTreeMap::new(),
            before: Vec::new(),
            facilitated: false,
            record: Recording::new(head),
            finding: None,
            log: beginning.log,
            attempts: Vec::new(),
            agenda,
            queue: VecDeque::new(),
            asked: Vec::new(),
            hand: HandTime {
                speed,
                hand: Duration::ZERO,
                world: Duration::ZERO,
            },
        }
    }

    /// Time since the beginning, in the exercise.
    pub fn passed(&self) -> Duration {
        self.clock.passed()
    }

    /// Pairs of servers of which both take writes.
    pub fn split(&self) -> usize {
        self.world.lock().split().len()
    }

    /// The incident's folder, once one is declared.
    pub fn dir(&self) -> Option<&Path> {
        self.ledger.as_ref().map(DirectLedger::dir)
    }

    /// How fast its time runs.
    pub fn speed(&self) -> u32 {
        self.hand.speed
    }

    /// The instant of the exercise at an instant of the hands.
    pub fn world_at(&self, hand: Duration) -> Duration {
        let since = hand.saturating_sub(self.hand.hand);
        millis(self.hand.world + since.saturating_mul(self.hand.speed))
    }

    /// The hands' time now.
    pub fn hand_time(&self) -> Duration {
        self.hand_at(self.passed())
    }

    /// The next instant at which something happens by itself.
    pub fn next(&self) -> Option<Duration> {
        let waits = self.clock.next_wait();
        [self.agenda.next(), waits].into_iter().flatten().min()
    }

    /// Lets time pass up to `to`; everything that is due until then happens in its order. Whether anything did.
    pub fn advance(&mut self, to: Duration) -> bool {
        let mut something = false;
        while let Some(at) = self.next().filter(|at| *at <= to) {
            self.at(at.max(self.passed()));
            something = true;
        }
        self.set(to);
        something
    }

    /// Hands did something, at this instant of theirs; the exercise has come to the one that belongs to it.
    pub fn hands(&mut self, hand: Hand, at: Duration) {
        let at = millis(at);
        self.record.add(self.passed(), at, &hand);
        self.hand.hand = at;
        self.hand.world = self.passed();
        match hand {
            Hand::Key(key) => self.queue.push_back(Event::Key(key)),
            Hand::Paste(text) => self.queue.push_back(Event::Pasted(text)),
            Hand::Size(columns, rows) => self.queue.push_back(Event::Resized(columns, rows)),
            Hand::Order(order) => {
                self.facilitated = true;
                self.order(order);
            }
        }
        self.settle();
    }

    /// Tells the participants what they know before it begins.
    pub fn brief(&mut self) {
        let scenario = &self.script.scenario;
        let mut lines = scenario.briefing.clone();
        lines.push(String::new());
        lines.push("Nothing here is real. esc begins; q leaves.".into());
        self.state.dialogs.push(Dialog::Help(Pager {
            title: format!("Tabletop: {}", scenario.title),
            lines,
            top: 0,
            action: None,
        }));
    }

    /// What only the hall can do, since it was last asked.
    pub fn asked(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.asked)
    }

    /// Shows an instant of the hands on a screen whose world stands still. Nothing follows from it.
    pub fn show_hand(&mut self, hand: Duration) {
        self.state.hand = self.hand_now(millis(hand));
    }

    fn set(&mut self, at: Duration) {
        self.clock.set(at);
        self.world.lock().advance(self.clock.passed());
    }

    /// Everything that is due at one instant.
    fn at(&mut self, at: Duration) {
        self.set(at);
        while let Some(due) = self.agenda.take(at) {
            self.due(due);
            self.settle();
        }
        self.play();
        self.settle();
    }

    fn due(&mut self, due: Due) {
        match due {
            Due::Happens(what) => self.world.lock().happen(&what),
            Due::Inject(number) => self.inject(number),
            Due::Probe(target) => {
                let every = self.site.target(&target).map(|target| target.interval);
                self.probe(&target);
                if let Some(every) = every {
                    let next = self.passed() + every.max(TICK);
                    self.agenda.put(next, Due::Probe(target));
                }
            }
            Due::Tick => {
                self.queue.push_back(Event::Tick);
                self.agenda.put(self.passed() + TICK, Due::Tick);
            }
        }
    }

    pub(super) fn probe(&mut self, id: &TargetId) {
        let (Some(target), Some(system)) = (self.site.target(id), self.systems.get(id)) else {
            return;
        };
        let look = watch::look(target, system, &self.systems.clock);
        // In an exercise nothing is waited for.
        if let Some(look) = look.now_or_never() {
            self.queue.push_back(Event::Observed(vec![look]));
        }
    }

    /// Polls what runs until nothing moves any more.
    pub(super) fn play(&mut self) {
        let mut ended = Vec::new();
        for (number, playing) in self.attempts.iter_mut().enumerate() {
            let (lines, end) = playing.poll();
            for line in lines {
                let (action, attempt) = (playing.action.clone(), playing.attempt);
                self.queue.push_back(Event::Output(action, attempt, line));
            }
            if let Some(report) = end {
                ended.push((number, report));
            }
        }
        for (number, report) in ended.into_iter().rev() {
            drop(self.attempts.remove(number));
            let Some(ledger) = &mut self.ledger else {
                continue;
            };
            match ledger.report(report) {
                Ok(entry) => self.appended(None, entry),
                Err(error) => self.trouble(&error.to_string()),
            }
        }
    }

    /// Tells the console what there is to tell, and does what it asks for, until both are quiet.
    pub(super) fn settle(&mut self) {
        while let Some(event) = self.queue.pop_front() {
            let now = self.now();
            self.state.memory.hand = Some(self.hand_now(self.hand_at(now.boot)));
            for effect in update(&mut self.state, now, event) {
                self.carry_out(effect);
            }
        }
    }

    fn hand_at(&self, world: Duration) -> Duration {
        let since = world.saturating_sub(self.hand.world);
        self.hand.hand + since / self.hand.speed.max(1)
    }

    fn hand_now(&self, hand: Duration) -> Now {
        Now {
            boot: hand,
            ..self.now()
        }
    }

    fn now(&self) -> Now {
        self.systems.clock.now()
    }

    /// An inject happens, once.
    pub(super) fn inject(&mut self, number: usize) {
        let scenario = Arc::clone(&self.script.scenario);
        let Some(inject) = scenario.injects.get(number) else {
            return;
        };
        if self.fired.contains_key(&number) {
            return;
        }
        self.fired.insert(number, self.passed());
        self.agenda.strike(&Due::Inject(number));
        for what in &inject.what {
            self.world.lock().happen(what);
        }
        self.said(inject);
    }

    fn said(&mut self, inject: &Inject) {
        if inject.says.is_empty() {
            return;
        }
        self.hear(
            &inject.id,
            &Clean::new(&inject.from),
            &Clean::new(&inject.says),
        );
    }

    /// When an inject happened.
    pub(super) fn fired(&self, number: usize) -> Option<Duration> {
        self.fired.get(&number).copied()
    }

    /// The participants hear something, whether or not an incident is open.
    pub(super) fn hear(&mut self, id: &str, from: &Clean, says: &Clean) {
        let heard = Event::Heard(from.to_string(), says.clone());
        self.queue.push_back(heard);
        self.write_down(Note::Inject {
            id: id.to_owned(),
            from: from.to_string(),
            says: says.clone(),
        });
    }

    /// The exercise's time runs so much faster than the hands' from here on; 0 pauses it.
    pub(super) fn pace(&mut self, speed: u32) {
        self.hand = HandTime {
            speed,
            hand: self.hand_at(self.passed()),
            world: self.passed(),
        };
        self.state.pace = Some(speed);
        self.write_down(Note::Pace { speed });
    }

    /// Into the journal; what comes before there is one is written down once it is there.
    pub(super) fn write_down(&mut self, note: Note) {
        match self.ledger {
            Some(_) => self.append(None, note),
            None => self.before.push(note),
        }
    }

    pub(super) fn trouble(&mut self, words: &str) {
        self.queue.push_back(Event::Trouble(Clean::new(words)));
    }
}

/// Instants are kept in whole milliseconds, so that a recording of them is exact.
fn millis(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

pub(super) fn local(what: &str) -> Failure {
    Failure::new(FailureKind::Local, "exercise", what, "")
}
