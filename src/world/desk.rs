//! The desk: the one place that writes an incident's journal and starts its steps, in the order it was asked to. What it
//! writes comes back to the console as entries; nothing on the screen is called saved before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};

use super::incidents;
use super::ledger::{self, Committed, FileLedger, Ledger, LedgerError};
use super::runner::Running;
use super::runner::follow::{self, RunnerEvent};
use super::runner::spawn::{self, Place};
use crate::console::confirm::Confirmed;
use crate::console::event::{Event, RequestId};
use crate::incident::clean::Clean;
use crate::incident::journal::{Actor, Declaration, Entry, Fact, Incident, Note, Report, Seq};
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::runbook::{ActionRef, Runbook};
use crate::incident::site::Site;

/// How often the journal is looked at for what another console wrote.
const NEWS: Duration = Duration::from_secs(1);

/// How much of a step's output is shown at once; the rest is in its file.
const SHOWN_OUTPUT: usize = 4 << 20;

/// Room for orders. The console never waits: an order that finds no room is a refusal it is told of.
const ORDERS: usize = 4_096;

/// What a desk works with.
#[derive(Debug, Clone)]
pub struct Context {
    /// Where state is kept.
    pub root: PathBuf,
    /// The site.
    pub site: Arc<Site>,
    /// Its file: what a runner reads anew and compares.
    pub site_file: PathBuf,
    /// Who sits here.
    pub actor: Actor,
}

/// What the desk is asked to do. See [`crate::console::event::Effect`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "an order is carried out at once")]
pub enum Order {
    /// Open an incident.
    Declare(RequestId, Declaration),
    /// Add to the journal.
    Append(RequestId, Note),
    /// Copy a runbook's bytes, then add its note.
    Choose(RequestId, Note, Arc<str>),
    /// Record and start a confirmed act.
    Perform(RequestId, Confirmed),
    /// End a running step.
    Cancel(RequestId, ActionRef, u32),
    /// Read an attempt's whole output.
    ReadOutput(RequestId, String),
    /// Write the post-mortem.
    Export(RequestId),
}

/// A hand that gives orders to the desk's task.
#[derive(Debug)]
pub struct Desk {
    orders: mpsc::Sender<Order>,
    events: mpsc::Sender<Event>,
    task: JoinHandle<()>,
}

/// An incident that was found again.
#[derive(Debug)]
pub struct Resumed {
    /// As its journal tells it.
    pub incident: Incident,
    /// The runbooks of its walks, from the bytes that were copied into it.
    pub runbooks: BTreeMap<u32, Arc<Runbook>>,
    /// What is wrong with its journal.
    pub trouble: Option<Clean>,
}

impl Desk {
    /// A desk without an incident: the first order has to be a declaration.
    pub fn start(context: Context, events: mpsc::Sender<Event>) -> Self {
        Self::with(context, events, None, Seq(0), Vec::new())
    }

    /// A desk at an incident that exists: the one named, else the newest that is open. Steps that run are watched again.
    ///
    /// # Errors
    /// When there is no such incident, or its journal can't be read: in a sentence.
    pub async fn resume(
        context: Context,
        name: Option<&str>,
        events: mpsc::Sender<Event>,
    ) -> Result<(Self, Resumed), String> {
        let dir = incidents::find(&context.root, name)?;
        let (ledger, entries, troubles) =
            ledger::open(&dir, context.actor.clone()).map_err(|f| f.to_string())?;
        let incident = Incident::fold(&entries)
            .map_err(|gap| format!("{}: {gap} — warroom incident verify", dir.display()))?;
        let runbooks = incidents::runbooks(&dir, &incident)?;
        let words: Vec<String> = troubles.iter().map(ToString::to_string).collect();
        let trouble = (!words.is_empty()).then(|| Clean::new(&words.join("; ")));
        let adopted = follow::adopt(&incident, &dir);
        let desk = Self::with(context, events, Some(ledger), incident.head(), adopted);
        Ok((
            desk,
            Resumed {
                incident,
                runbooks,
                trouble,
            },
        ))
    }

    fn with(
        context: Context,
        events: mpsc::Sender<Event>,
        ledger: Option<FileLedger>,
        head: Seq,
        adopted: Vec<Running>,
    ) -> Self {
        let (orders, incoming) = mpsc::channel(ORDERS);
        let (reports, reported) = mpsc::channel(ORDERS);
        let work = Work {
            context,
            events: events.clone(),
            ledger,
            head,
            running: BTreeMap::new(),
            reports,
        };
        let task = tokio::spawn(work.run(incoming, reported, adopted));
        Self {
            orders,
            events,
            task,
        }
    }

    /// Gives an order. A desk with no room left says so to the console; nothing is lost in silence.
    pub fn send(&self, order: Order) {
        if self.orders.try_send(order).is_err() {
            let words =
                Clean::new("the journal can't keep up: what was just asked for was not done");
            let _ = self.events.try_send(Event::Trouble(words));
        }
    }

    /// Waits until everything that was ordered is written.
    pub async fn close(self) {
        drop(self.orders);
        let _ = self.task.await;
    }
}

/// The desk's task.
struct Work {
    context: Context,
    events: mpsc::Sender<Event>,
    ledger: Option<FileLedger>,
    head: Seq,
    running: BTreeMap<(ActionRef, u32), Running>,
    reports: mpsc::Sender<RunnerEvent>,
}

impl Work {
    async fn run(
        mut self,
        mut orders: mpsc::Receiver<Order>,
        mut reported: mpsc::Receiver<RunnerEvent>,
        adopted: Vec<Running>,
    ) {
        for running in adopted {
            self.follow(running);
        }
        let mut news = interval(NEWS);
        news.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(order) => self.carry_out(order).await,
                    None => break,
                },
                Some(event) = reported.recv() => self.reported(event).await,
                _ = news.tick() => self.news().await,
            }
        }
    }

    async fn carry_out(&mut self, order: Order) {
        match order {
            Order::Declare(request, declaration) => self.declare(request, declaration).await,
            Order::Append(request, note) => self.append(request, note).await,
            Order::Choose(request, note, text) => self.choose(request, note, &text).await,
            Order::Perform(request, confirmed) => self.perform(request, confirmed).await,
            Order::Cancel(request, action, attempt) => self.cancel(request, &action, attempt).await,
            Order::ReadOutput(request, evidence) => self.read_output(request, &evidence).await,
            Order::Export(request) => self.export(request).await,
        }
    }

    async fn tell(&self, event: Event) {
        // A console that has gone needs to be told nothing.
        let _ = self.events.send(event).await;
    }

    async fn declare(&mut self, request: RequestId, declaration: Declaration) {
        let (root, actor) = (self.context.root.clone(), self.context.actor.clone());
        let declared =
            tokio::task::spawn_blocking(move || ledger::declare(&root, declaration, actor)).await;
        match declared {
            Ok(Ok((ledger, entry))) => {
                self.ledger = Some(ledger);
                self.appended(Some(request), entry).await;
            }
            Ok(Err(failure)) => self.tell(Event::NotAppended(request, failure)).await,
            Err(_) => {
                self.tell(Event::NotAppended(
                    request,
                    local("declare: the writer ended early"),
                ))
                .await;
            }
        }
    }

    async fn appended(&mut self, request: Option<RequestId>, entry: Entry) {
        self.head = entry.seq;
        self.tell(Event::Appended(request, Box::new(entry))).await;
    }

    /// Appends; what another console wrote first is told to this one, and the note follows it.
    async fn append(&mut self, request: RequestId, note: Note) {
        loop {
            let head = self.head;
            let Some(ledger) = &mut self.ledger else {
                return self.tell(Event::NotAppended(request, no_incident())).await;
            };
            match ledger.append(head, note.clone()).await {
                Ok(entry) => {
                    self.appended(Some(request), entry).await;
                    return self.troubles().await;
                }
                Err(LedgerError::Conflict(entries)) => self.caught_up(entries).await,
                Err(LedgerError::Failed(failure)) => {
                    self.tell(Event::NotAppended(request, failure)).await;
                    return self.troubles().await;
                }
            }
        }
    }

    /// Takes in what another console wrote: its entries, the runbooks it chose, the steps it started.
    async fn caught_up(&mut self, entries: Vec<Entry>) {
        let mut started = false;
        for entry in entries {
            if entry.seq <= self.head {
                continue;
            }
            let chosen = match &entry.fact {
                Fact::Note(Note::Chosen(chosen)) => Some(chosen.clone()),
                _ => None,
            };
            started |= matches!(entry.fact, Fact::Report(Report::Started { .. }));
            self.appended(None, entry).await;
            let dir = self.ledger.as_ref().map(|ledger| ledger.dir().to_owned());
            if let (Some(chosen), Some(dir)) = (chosen, dir)
                && let Ok(runbook) = incidents::runbook_of(&dir, &chosen)
            {
                self.tell(Event::Walked(chosen.walk, Arc::new(runbook)))
                    .await;
            }
        }
        if started {
            self.adopt();
        }
    }

    /// Follows every step that runs and is not followed yet.
    fn adopt(&mut self) {
        let Some(dir) = self.ledger.as_ref().map(|ledger| ledger.dir().to_owned()) else {
            return;
        };
        let entries = ledger::read(&dir)
            .map(|(entries, _)| entries)
            .unwrap_or_default();
        let Ok(incident) = Incident::fold(&entries) else {
            return;
        };
        for running in follow::adopt(&incident, &dir) {
            if !self
                .running
                .contains_key(&(running.action.clone(), running.attempt))
            {
                self.follow(running);
            }
        }
    }

    async fn troubles(&mut self) {
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        for words in ledger.troubles().await {
            self.tell(Event::Trouble(words)).await;
        }
    }

    async fn news(&mut self) {
        let head = self.head;
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        if let Ok(entries) = ledger.news(head).await {
            self.caught_up(entries).await;
        }
    }

    async fn choose(&mut self, request: RequestId, note: Note, text: &str) {
        if let (Some(ledger), Note::Chosen(chosen)) = (&self.ledger, &note)
            && let Err(failure) = ledger::copy_runbook(ledger.dir(), &chosen.runbook, text)
        {
            return self.tell(Event::NotAppended(request, failure)).await;
        }
        self.append(request, note).await;
    }

    /// Records the intent, then starts its runner. On a conflict the question is to be asked anew: what another console
    /// did may have changed the answer.
    async fn perform(&mut self, request: RequestId, confirmed: Confirmed) {
        let head = self.head;
        let Some(ledger) = &mut self.ledger else {
            return self.tell(Event::NotStarted(request, no_incident())).await;
        };
        match ledger.commit(head, confirmed).await {
            Ok(committed) => {
                self.appended(Some(request), committed.entry().clone())
                    .await;
                self.start(request, committed).await;
            }
            Err(LedgerError::Conflict(entries)) => {
                self.caught_up(entries).await;
                let what = "confirm: another console wrote first, so nothing was started";
                let failure = Failure::new(
                    FailureKind::Local,
                    "journal",
                    what,
                    "look at the timeline, and confirm again",
                );
                self.tell(Event::NotStarted(request, failure)).await;
            }
            Err(LedgerError::Failed(failure)) => {
                self.tell(Event::NotStarted(request, failure)).await;
            }
        }
        self.troubles().await;
    }

    /// Starts the runner; without `Started` on disk its gate stays shut, and nothing runs.
    async fn start(&mut self, request: RequestId, committed: Committed) {
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        let place = Place::new(ledger.dir(), &self.context.site_file);
        match spawn::start(committed, &place, ledger).await {
            Ok((running, entry)) => {
                self.appended(None, entry).await;
                self.follow(running);
            }
            Err(failure) => self.tell(Event::NotStarted(request, failure)).await,
        }
    }

    fn follow(&mut self, running: Running) {
        self.running
            .insert((running.action.clone(), running.attempt), running.clone());
        follow::follow(running, self.reports.clone());
    }

    async fn reported(&mut self, event: RunnerEvent) {
        match event {
            RunnerEvent::Output(action, attempt, line) => {
                self.tell(Event::Output(action, attempt, line)).await;
            }
            RunnerEvent::Ended(report) => self.ended(*report).await,
        }
    }

    /// Records an end. Another console may have recorded it already: one end an attempt.
    async fn ended(&mut self, report: Report) {
        if let Report::Ended {
            action, attempt, ..
        } = &report
        {
            self.running.remove(&(action.clone(), *attempt));
        }
        let Some(ledger) = &mut self.ledger else {
            return;
        };
        match ledger.report(report).await {
            Ok(entry) => self.appended(None, entry).await,
            Err(LedgerError::Conflict(entries)) => self.caught_up(entries).await,
            Err(LedgerError::Failed(failure)) => {
                self.tell(Event::Trouble(Clean::new(&failure.to_string())))
                    .await;
            }
        }
    }

    async fn cancel(&mut self, request: RequestId, action: &ActionRef, attempt: u32) {
        let ended = match self.running.get(&(action.clone(), attempt)) {
            Some(running) => follow::cancel(running),
            None => Err(local(&format!("cancel {action}: it does not run here"))),
        };
        if let Err(failure) = ended {
            self.tell(Event::NotAppended(request, failure)).await;
        }
    }

    async fn read_output(&self, request: RequestId, evidence: &str) {
        let path = self
            .ledger
            .as_ref()
            .map(|l| l.dir().join(evidence))
            .unwrap_or_default();
        let read = tokio::task::spawn_blocking(move || tail(&path)).await;
        let text = read.unwrap_or_default();
        self.tell(Event::WholeOutput(request, text)).await;
    }

    async fn export(&mut self, request: RequestId) {
        let Some(ledger) = &self.ledger else {
            return self
                .tell(Event::Exported(request, Err(no_incident())))
                .await;
        };
        let (dir, site) = (ledger.dir().to_owned(), Arc::clone(&self.context.site));
        let written =
            tokio::task::spawn_blocking(move || incidents::write_postmortem(&dir, &site)).await;
        let written = written.unwrap_or_else(|_| Err(local("post-mortem: the writer ended early")));
        if let Ok((path, head)) = &written {
            self.append(
                request,
                Note::PostMortem {
                    path: path.clone(),
                    head: head.clone(),
                },
            )
            .await;
        }
        self.tell(Event::Exported(request, written.map(|(path, _)| path)))
            .await;
    }
}

/// The end of a file, cleaned.
fn tail(path: &Path) -> Clean {
    match fs::read(path) {
        Ok(bytes) => Clean::from_bytes(&bytes[bytes.len().saturating_sub(SHOWN_OUTPUT)..]),
        Err(e) => Clean::new(&format!("{}: {e}", path.display())),
    }
}

fn local(what: &str) -> Failure {
    Failure::new(FailureKind::Local, "journal", what, "")
}

fn no_incident() -> Failure {
    Failure::new(
        FailureKind::Local,
        "journal",
        "write: no incident is open",
        "declare one first",
    )
}
