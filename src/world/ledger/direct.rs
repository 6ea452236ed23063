//! An exercise's ledger: each entry is in its file when the call returns, at once and in order, by the exercise's clock. The
//! same journal as every incident's, but not synced: it survives a console that is killed, not a machine that loses power.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::disk::{Disk, RealDisk};
use super::file::{author, begin, intent};
use super::store::Store;
use super::{Committed, LedgerError};
use crate::console::confirm::Confirmed;
use crate::incident::journal::{Actor, Declaration, Entry, Fact, Note, Report};
use crate::incident::reading::Failure;
use crate::world::clock::Clock;

/// The journal of an exercise.
pub struct DirectLedger {
    dir: PathBuf,
    store: Store,
    actor: Actor,
}

impl DirectLedger {
    /// Opens an incident, as [`super::declare`] does.
    ///
    /// # Errors
    /// When nothing can be written under the root.
    pub fn declare(
        root: &Path,
        declaration: Declaration,
        actor: Actor,
        clock: Clock,
    ) -> Result<(Self, Entry), Failure> {
        let disk = Arc::new(Unsynced);
        let (dir, store, first) = begin(root, declaration, actor.clone(), disk, vec![], clock)?;
        Ok((Self { dir, store, actor }, first))
    }

    /// The incident's folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds what a person states or the console saw.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn append(&mut self, note: Note) -> Result<Entry, LedgerError> {
        self.put(Fact::Note(note))
    }

    /// Records a confirmed act as an intent.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn commit(&mut self, step: Confirmed) -> Result<Committed, LedgerError> {
        let (intent, nonce) = intent(&step)?;
        let entry = self.put(Fact::Intent(Box::new(intent)))?;
        Ok(Committed {
            entry,
            nonce,
            confirmed: step,
        })
    }

    /// Records what became of an intent.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn report(&mut self, report: Report) -> Result<Entry, LedgerError> {
        self.store.report(self.actor.clone(), report)
    }

    fn put(&mut self, fact: Fact) -> Result<Entry, LedgerError> {
        let actor = author(&fact, &self.actor);
        self.store.append(self.store.newest(), actor, fact)
    }
}

/// The real disk, without waiting for it.
struct Unsynced;

impl Disk for Unsynced {
    fn create(&self, path: &Path) -> io::Result<File> {
        RealDisk.create(path)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        RealDisk.write(file, bytes)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}
