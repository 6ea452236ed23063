//! The ledger: where a journal is kept. The file ledger is the truth.

mod direct;
mod disk;
mod file;
mod lines;
mod segments;
mod store;
#[cfg(test)]
mod tests;

pub use direct::DirectLedger;
pub use disk::{Disk, RealDisk, look, replace};
pub use file::{FileLedger, copy_runbook, declare, open, open_on, read, runbook_copy, verify};
pub use lines::Trouble;

use futures_util::future::BoxFuture;

use crate::console::confirm::Confirmed;
use crate::incident::journal::{Entry, Fact, Intent, Note, Report, Seq};
use crate::incident::reading::Failure;

/// Where a journal is kept. An entry that is returned is on disk.
pub trait Ledger: Send {
    /// Adds what a person states or the console saw.
    fn append(&mut self, after: Seq, note: Note) -> BoxFuture<'_, Result<Entry, LedgerError>>;

    /// Records a confirmed act as an intent; the only way to a [`Committed`].
    fn commit(
        &mut self,
        after: Seq,
        step: Confirmed,
    ) -> BoxFuture<'_, Result<Committed, LedgerError>>;

    /// Records what became of an intent.
    fn report(&mut self, report: Report) -> BoxFuture<'_, Result<Entry, LedgerError>>;
}

/// Why an entry is not in the journal.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Somebody else appended first: these entries came between.
    #[error("another console wrote {} entries first", .0.len())]
    Conflict(Vec<Entry>),
    /// It could not be written anywhere.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// An intent that is on disk, with what its runner needs. Only a ledger makes it; it is started once.
#[derive(Debug)]
pub struct Committed {
    entry: Entry,
    nonce: String,
    confirmed: Confirmed,
}

impl Committed {
    /// The intent's entry.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The intent as it is recorded.
    pub(in crate::world) fn intent(&self) -> Option<Intent> {
        match &self.entry.fact {
            Fact::Intent(intent) => Some((**intent).clone()),
            _ => None,
        }
    }

    /// What was confirmed.
    pub fn confirmed(&self) -> &Confirmed {
        &self.confirmed
    }

    /// What opens the gate of its runner; its hash stands in the intent.
    pub(in crate::world) fn nonce(&self) -> &str {
        &self.nonce
    }
}
