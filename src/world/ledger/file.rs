//! The file ledger: a folder an incident, a thread a journal. Callers wait for an answer; the screen waits for nobody.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use chrono::{Datelike, Utc};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::disk::{Disk, RealDisk, replace};
use super::lines::Trouble;
use super::segments;
use super::store::Store;
use super::{Committed, Ledger, LedgerError};
use crate::console::confirm::Confirmed;
use crate::incident::clean::Clean;
use crate::incident::digest::hex;
use crate::incident::journal::{
    Actor, Declaration, Entry, Fact, Intent, Note, Report, Seq, digest,
};
use crate::incident::names::{IncidentId, RunbookId};
use crate::incident::reading::Failure;
use crate::world::clock::Clock;
use crate::world::places;

/// A journal in a folder of its own: `journal.jsonl`, `evidence/`, `runbooks/`.
#[derive(Debug)]
pub struct FileLedger {
    dir: PathBuf,
    jobs: mpsc::Sender<Job>,
}

type Answer<T> = oneshot::Sender<Result<T, LedgerError>>;

/// What the journal's thread is asked to do.
enum Job {
    Append(Seq, Box<Fact>, Answer<Entry>),
    Report(Box<Report>, Answer<Entry>),
    News(Seq, Answer<Vec<Entry>>),
    Troubles(Answer<Vec<Clean>>),
}

/// Opens an incident: takes the next free number of the year, makes its folder and writes its first entry. The
/// declaration's id is set here. Blocks on the disk.
///
/// # Errors
/// When nothing can be written under the state root.
pub fn declare(
    root: &Path,
    declaration: Declaration,
    actor: Actor,
) -> Result<(FileLedger, Entry), Failure> {
    declare_on(
        root,
        declaration,
        actor,
        Arc::new(RealDisk),
        places::fallbacks(),
    )
}

/// [`declare`] on another disk, with other fallback folders.
pub(super) fn declare_on(
    root: &Path,
    declaration: Declaration,
    actor: Actor,
    disk: Arc<dyn Disk>,
    fallbacks: Vec<PathBuf>,
) -> Result<(FileLedger, Entry), Failure> {
    let clock = Clock::Real;
    let (dir, store, first) = begin(root, declaration, actor.clone(), disk, fallbacks, clock)?;
    Ok((FileLedger::over(dir, store, actor)?, first))
}

/// Makes an incident's folder and its journal with the first entry.
pub(super) fn begin(
    root: &Path,
    mut declaration: Declaration,
    actor: Actor,
    disk: Arc<dyn Disk>,
    fallbacks: Vec<PathBuf>,
    clock: Clock,
) -> Result<(PathBuf, Store, Entry), Failure> {
    places::shared_root(root)?;
    let incidents = places::incidents(root);
    make(&incidents)?;
    let (id, dir) = take_number(&incidents, declaration.mode.prefix())?;
    make(&dir.join("evidence"))?;
    make(&dir.join("runbooks"))?;
    let mut store = Store::create(&dir, Arc::clone(&disk), fallbacks)?.by(clock);
    for parent in [&incidents, root] {
        let synced = disk.sync_dir(parent);
        synced.map_err(|e| places::local(parent, &format!("sync: {e}"), "free the disk"))?;
    }
    declaration.id = id;
    let first = store.append(Seq(0), actor, Fact::Declared(declaration));
    let first = first.map_err(|error| match error {
        LedgerError::Failed(failure) => failure,
        LedgerError::Conflict(_) => places::local(&dir, "somebody else wrote into it", ""),
    })?;
    Ok((dir, store, first))
}

/// Opens the journal of an incident's folder, with its entries and what is wrong with it. A torn end is set aside and the
/// journal goes on; a bad line in the middle is flagged and stays. Blocks on the disk.
///
/// # Errors
/// When there is no journal, or nothing in it.
pub fn open(dir: &Path, actor: Actor) -> Result<(FileLedger, Vec<Entry>, Vec<Trouble>), Failure> {
    open_on(dir, actor, Arc::new(RealDisk), places::fallbacks())
}

/// [`open`] on another disk, with other fallback folders.
///
/// # Errors
/// As [`open`].
pub fn open_on(
    dir: &Path,
    actor: Actor,
    disk: Arc<dyn Disk>,
    fallbacks: Vec<PathBuf>,
) -> Result<(FileLedger, Vec<Entry>, Vec<Trouble>), Failure> {
    let (store, entries, troubles) = Store::open(dir, disk, fallbacks)?;
    let ledger = FileLedger::over(dir.to_owned(), store, actor)?;
    Ok((ledger, entries, troubles))
}

/// Reads a journal without its lock, changing nothing.
///
/// # Errors
/// When there is none.
pub fn read(dir: &Path) -> Result<(Vec<Entry>, Vec<Trouble>), Failure> {
    segments::read(dir, &places::fallbacks())
}

/// Checks a journal's chain: each break with its line. Empty when it is whole.
///
/// # Errors
/// When there is none.
pub fn verify(dir: &Path) -> Result<Vec<Trouble>, Failure> {
    read(dir).map(|(_, troubles)| troubles)
}

/// Where the bytes of a runbook lie that was chosen in an incident.
pub fn runbook_copy(dir: &Path, runbook: &RunbookId, digest: &str) -> PathBuf {
    let mark = digest.get(..12).unwrap_or(digest);
    dir.join("runbooks").join(format!("{runbook}-{mark}.md"))
}

/// Copies a runbook's bytes into an incident: what runs is what was shown. Blocks on the disk.
///
/// # Errors
/// What the disk says.
pub fn copy_runbook(dir: &Path, runbook: &RunbookId, text: &str) -> Result<(), Failure> {
    let path = runbook_copy(dir, runbook, &digest(text.as_bytes()));
    replace(&RealDisk, &path, text.as_bytes())
        .map_err(|e| places::local(&path, &format!("write: {e}"), "free the disk"))
}

impl FileLedger {
    fn over(dir: PathBuf, store: Store, actor: Actor) -> Result<Self, Failure> {
        let (jobs, queue) = mpsc::channel();
        std::thread::Builder::new()
            .name("journal".into())
            .spawn(move || work(store, &actor, &queue))
            .map_err(|e| places::local(&dir, &format!("start a thread: {e}"), ""))?;
        Ok(Self { dir, jobs })
    }

    /// The incident's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Entries behind `after`, those of other consoles too.
    pub fn news(&mut self, after: Seq) -> BoxFuture<'_, Result<Vec<Entry>, LedgerError>> {
        self.ask(|answer| Job::News(after, answer))
    }

    /// Words for the banner since they were last fetched: where the journal went, that there is nowhere left.
    pub fn troubles(&mut self) -> BoxFuture<'_, Vec<Clean>> {
        let asked = self.ask(Job::Troubles);
        asked.map(|words| words.unwrap_or_default()).boxed()
    }

    fn ask<'a, T: Send + 'a>(
        &self,
        job: impl FnOnce(Answer<T>) -> Job,
    ) -> BoxFuture<'a, Result<T, LedgerError>> {
        let (answer, answered) = oneshot::channel();
        let gone = places::local(&self.dir, "the journal's thread is gone", "start again");
        // A send that fails drops the answer's sender, which is seen below.
        let _ = self.jobs.send(job(answer));
        let wait = answered.map(|result| result.unwrap_or(Err(LedgerError::Failed(gone))));
        wait.boxed()
    }
}

impl Ledger for FileLedger {
    fn append(&mut self, after: Seq, note: Note) -> BoxFuture<'_, Result<Entry, LedgerError>> {
        let fact = Box::new(Fact::Note(note));
        self.ask(|answer| Job::Append(after, fact, answer))
    }

    fn commit(
        &mut self,
        after: Seq,
        step: Confirmed,
    ) -> BoxFuture<'_, Result<Committed, LedgerError>> {
        let (intent, nonce) = match intent(&step) {
            Ok(made) => made,
            Err(failure) => return futures_util::future::ready(Err(failure.into())).boxed(),
        };
        let fact = Box::new(Fact::Intent(Box::new(intent)));
        let written = self.ask(|answer| Job::Append(after, fact, answer));
        let committed = written.map(|entry| {
            entry.map(|entry| Committed {
                entry,
                nonce,
                confirmed: step,
            })
        });
        committed.boxed()
    }

    fn report(&mut self, report: Report) -> BoxFuture<'_, Result<Entry, LedgerError>> {
        let report = Box::new(report);
        self.ask(|answer| Job::Report(report, answer))
    }
}

/// The intent of a confirmation, and the nonce that opens its runner's gate.
pub(super) fn intent(step: &Confirmed) -> Result<(Intent, String), Failure> {
    let nonce =
        nonce().map_err(|e| places::local(Path::new("/dev/urandom"), &format!("read: {e}"), ""))?;
    let intent = Intent {
        resolved: step.resolved().clone(),
        digest: step.resolved().digest(),
        nonce_hash: digest(nonce.as_bytes()),
        verdicts: step.verdicts().to_vec(),
        overrides: step.overrides().to_vec(),
    };
    Ok((intent, nonce))
}

/// Who stands behind an entry: the person who sits here, or the program for what it saw by itself.
pub(super) fn author(fact: &Fact, actor: &Actor) -> Actor {
    match fact {
        Fact::Note(note) if note.seen_by_itself() => Actor {
            name: "warroom".into(),
            host: actor.host.clone(),
        },
        Fact::Note(note) if note.facilitators() => Actor {
            name: "facilitator".into(),
            host: actor.host.clone(),
        },
        _ => actor.clone(),
    }
}

/// The journal's thread: one job after the other, until nobody can ask any more.
fn work(mut store: Store, actor: &Actor, queue: &mpsc::Receiver<Job>) {
    for job in queue {
        // A caller that no longer waits for its answer is no fault of the journal.
        match job {
            Job::Append(after, fact, answer) => {
                let _ = answer.send(store.append(after, author(&fact, actor), *fact));
            }
            Job::Report(report, answer) => {
                let _ = answer.send(store.report(actor.clone(), *report));
            }
            Job::News(after, answer) => {
                let _ = answer.send(store.news(after));
            }
            Job::Troubles(answer) => {
                let _ = answer.send(Ok(store.troubles()));
            }
        }
    }
}

/// Makes a folder for its owner only; one that is there is fine.
fn make(dir: &Path) -> Result<(), Failure> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            Err(places::local(dir, &format!("mkdir: {e}"), "free the disk"))
        }
        _ => Ok(()),
    }
}

/// Takes the next number of the year by making its folder: two consoles never get the same.
fn take_number(incidents: &Path, prefix: &str) -> Result<(IncidentId, PathBuf), Failure> {
    let stem = format!("{prefix}-{:04}-", Utc::now().year());
    let names = std::fs::read_dir(incidents)
        .map_err(|e| places::local(incidents, &format!("read: {e}"), ""))?;
    let used = names.flatten().filter_map(|entry| {
        let name = entry.file_name();
        let number = name.to_string_lossy().strip_prefix(&stem)?.parse::<u32>();
        number.ok()
    });
    let mut number = used.max().unwrap_or(0) + 1;
    loop {
        let id = format!("{stem}{number:04}");
        let dir = incidents.join(&id);
        match DirBuilder::new().mode(0o700).create(&dir) {
            Ok(()) => return Ok((IncidentId(id), dir)),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(places::local(&dir, &format!("mkdir: {e}"), "free the disk")),
        }
    }
}

/// 32 random bytes in hexadecimal.
fn nonce() -> io::Result<String> {
    let mut bytes = [0_u8; 32];
    io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut bytes)?;
    Ok(hex(bytes))
}
