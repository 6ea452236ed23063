//! A journal on disk: one file, and segments of it in other folders once that file fails. All of it under one lock, held
//! for one entry at a time, so that several consoles can write one journal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FlockOperation;

use super::LedgerError;
use super::disk::{Disk, look, reopen, write_synced};
use super::lines::{Cut, Told, Trouble, cut, graft, tell};
use super::segments::{places_of, segments, whole_journal};
use crate::incident::clean::Clean;
use crate::incident::journal::{Actor, Entry, Fact, Report, Seq, digest};
use crate::incident::reading::Failure;
use crate::world::clock::Clock;
use crate::world::places;

/// The journal's name in its folder.
pub(super) const JOURNAL: &str = "journal.jsonl";

/// A file of the journal: the main one or a segment, with how long it was when it was read.
#[derive(Debug, Clone, PartialEq)]
struct Part {
    path: PathBuf,
    length: u64,
}

/// The journal of one incident, open for writing.
pub(super) struct Store {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    fallbacks: Vec<PathBuf>,
    /// The main file: its lock is the journal's, whatever became of its contents.
    main: File,
    /// Where the next entry goes; none when that file failed.
    writer: Option<(PathBuf, File)>,
    /// Files that failed. They are never written again.
    failed: BTreeSet<PathBuf>,
    /// What was read last: a difference says that somebody else wrote.
    seen: Vec<Part>,
    lines: Vec<Vec<u8>>,
    entries: Vec<Entry>,
    /// Words for the banner, not fetched yet.
    troubles: Vec<Clean>,
    /// What tells the time of its entries.
    clock: Clock,
}

/// Holds the journal's lock.
struct Lock(File);

impl Lock {
    fn take(main: &File) -> io::Result<Self> {
        let file = main.try_clone()?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Err(rustix::io::Errno::INTR) => {}
                result => return result.map(|()| Self(file)).map_err(io::Error::from),
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The clone shares its lock with the store's own descriptor: closing it alone would keep the lock.
        let _ = rustix::fs::flock(&self.0, FlockOperation::Unlock);
    }
}

impl Store {
    /// Makes a journal in a folder that has none.
    pub(super) fn create(
        dir: &Path,
        disk: Arc<dyn Disk>,
        fallbacks: Vec<PathBuf>,
    ) -> Result<Self, Failure> {
        let path = dir.join(JOURNAL);
        let fail = |e: io::Error| places::local(&path, &format!("create: {e}"), "free the disk");
        let main = disk.create(&path).map_err(fail)?;
        disk.sync_dir(dir).map_err(fail)?;
        Self::over(dir, disk, fallbacks, main)
    }

    /// Opens the journal of a folder. What is wrong with it comes along.
    pub(super) fn open(
        dir: &Path,
        disk: Arc<dyn Disk>,
        fallbacks: Vec<PathBuf>,
    ) -> Result<(Self, Vec<Entry>, Vec<Trouble>), Failure> {
        let path = dir.join(JOURNAL);
        let fail = |e: io::Error| places::local(&path, &format!("open: {e}"), "");
        let main = reopen(&path).map_err(fail)?;
        let mut store = Self::over(dir, disk, fallbacks, main)?;
        let lock = Lock::take(&store.main).map_err(fail)?;
        let mut troubles = store.refresh();
        store.bring_home();
        drop(lock);
        if store.entries.is_empty() {
            let advice = "its declaration was never saved; remove the folder";
            return Err(places::local(&path, "holds no entry", advice));
        }
        troubles.extend(
            store
                .troubles
                .drain(..)
                .map(|words| whole_journal(words.as_str())),
        );
        let entries = store.entries.clone();
        Ok((store, entries, troubles))
    }

    fn over(
        dir: &Path,
        disk: Arc<dyn Disk>,
        fallbacks: Vec<PathBuf>,
        main: File,
    ) -> Result<Self, Failure> {
        let path = dir.join(JOURNAL);
        let writer = main
            .try_clone()
            .map_err(|e| places::local(&path, &format!("open: {e}"), ""))?;
        Ok(Self {
            dir: dir.to_owned(),
            disk,
            fallbacks,
            main,
            writer: Some((path, writer)),
            failed: BTreeSet::new(),
            seen: Vec::new(),
            lines: Vec::new(),
            entries: Vec::new(),
            troubles: Vec::new(),
            clock: Clock::Real,
        })
    }

    /// The same, its entries stamped by another clock.
    pub(super) fn by(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The number of its newest entry.
    pub(super) fn newest(&self) -> Seq {
        self.head()
    }

    /// Words for the banner since they were last fetched.
    pub(super) fn troubles(&mut self) -> Vec<Clean> {
        std::mem::take(&mut self.troubles)
    }

    /// Entries behind `after`, also those another console wrote.
    pub(super) fn news(&mut self, after: Seq) -> Result<Vec<Entry>, LedgerError> {
        if self.seen != self.stamp() {
            let _lock = self.lock()?;
            self.refresh();
        }
        Ok(self.behind(after))
    }

    /// Appends what a report says. An end (or a start) that is there already is returned, not repeated: two consoles may
    /// watch one runner.
    pub(super) fn report(&mut self, actor: Actor, report: Report) -> Result<Entry, LedgerError> {
        let _lock = self.lock()?;
        self.refresh_if_changed();
        match self.reported(&report) {
            Some(entry) => Ok(entry.clone()),
            None => self.put(actor, Fact::Report(report)),
        }
    }

    /// Appends behind `after`, which must be the head.
    pub(super) fn append(
        &mut self,
        after: Seq,
        actor: Actor,
        fact: Fact,
    ) -> Result<Entry, LedgerError> {
        let _lock = self.lock()?;
        self.refresh_if_changed();
        if after != self.head() {
            return Err(LedgerError::Conflict(self.behind(after)));
        }
        self.put(actor, fact)
    }

    fn lock(&self) -> Result<Lock, LedgerError> {
        let fail = |e| places::local(&self.dir.join(JOURNAL), &format!("lock: {e}"), "");
        Lock::take(&self.main).map_err(|e| LedgerError::Failed(fail(e)))
    }

    fn head(&self) -> Seq {
        self.entries.last().map_or(Seq(0), |entry| entry.seq)
    }

    fn behind(&self, after: Seq) -> Vec<Entry> {
        let behind = self.entries.iter().filter(|entry| entry.seq > after);
        behind.cloned().collect()
    }

    fn reported(&self, report: &Report) -> Option<&Entry> {
        self.entries
            .iter()
            .find(|entry| match (&entry.fact, report) {
                (
                    Fact::Report(Report::Ended {
                        action: a,
                        attempt: n,
                        ..
                    }),
                    Report::Ended {
                        action, attempt, ..
                    },
                )
                | (
                    Fact::Report(Report::Started {
                        action: a,
                        attempt: n,
                        ..
                    }),
                    Report::Started {
                        action, attempt, ..
                    },
                ) => a == action && n == attempt,
                _ => false,
            })
    }

    /// Writes one entry and syncs it, in the next place where this one fails.
    fn put(&mut self, actor: Actor, fact: Fact) -> Result<Entry, LedgerError> {
        let entry = Entry {
            seq: Seq(self.head().0 + 1),
            at: self.clock.now(),
            actor,
            fact,
            prev: digest(self.lines.last().map_or(b"", Vec::as_slice)),
        };
        let line = serde_json::to_vec(&entry)
            .map_err(|e| places::local(&self.dir.join(JOURNAL), &format!("write: {e}"), ""))?;
        self.write(&line)?;
        self.lines.push(line);
        self.entries.push(entry.clone());
        self.seen = self.stamp();
        Ok(entry)
    }

    fn write(&mut self, line: &[u8]) -> Result<(), Failure> {
        let ended = [line, b"\n"].concat();
        let Some((path, file)) = self.writer.take() else {
            return self.write_elsewhere(&ended);
        };
        let written = match file.metadata().map(|meta| meta.nlink()) {
            Ok(0) => Err(io::Error::from(io::ErrorKind::NotFound)),
            _ => write_synced(&*self.disk, &file, &ended),
        };
        match written {
            Ok(()) => {
                self.writer = Some((path, file));
                Ok(())
            }
            Err(error) => {
                self.trouble(&format!("{}: {error}", path.display()));
                self.failed.insert(path);
                self.write_elsewhere(&ended)
            }
        }
    }

    /// Begins a segment in the first folder that takes it. It holds everything that may not be on disk elsewhere: as a
    /// rule this one line, and the whole journal when its own file is gone.
    fn write_elsewhere(&mut self, line: &[u8]) -> Result<(), Failure> {
        let gone = self.main.metadata().map_or(true, |meta| meta.nlink() == 0);
        let mut bytes = Vec::new();
        if gone {
            for before in &self.lines {
                bytes.extend_from_slice(before);
                bytes.push(b'\n');
            }
        }
        bytes.extend_from_slice(line);
        let mut last = String::new();
        for path in self.new_segments() {
            match self.begin(&path, &bytes) {
                Ok(file) => {
                    self.trouble(&format!("it goes on in {}", path.display()));
                    self.writer = Some((path, file));
                    return Ok(());
                }
                Err(error) => last = format!("{}: {error}", path.display()),
            }
        }
        self.trouble("there is nowhere left to write: entries stay in memory, steps are refused");
        let advice =
            "free a disk, then try again; what was not saved is in this console's memory only";
        Err(places::local(&self.dir.join(JOURNAL), &last, advice))
    }

    fn begin(&self, path: &Path, bytes: &[u8]) -> io::Result<File> {
        let dir = path.parent().unwrap_or(&self.dir);
        if dir != self.dir {
            places::private_dir(dir).map_err(|failure| io::Error::other(failure.to_string()))?;
        }
        let file = self.disk.create(path)?;
        let written = write_synced(&*self.disk, &file, bytes);
        match written.and_then(|()| self.disk.sync_dir(dir)) {
            Ok(()) => Ok(file),
            Err(error) => {
                let _ = std::fs::remove_file(path);
                Err(error)
            }
        }
    }

    /// Paths for a new segment, in the order they are tried; the journal's own folder last, for a bad file is not a bad
    /// disk.
    fn new_segments(&self) -> Vec<PathBuf> {
        let used = segments(&self.dir, &self.fallbacks);
        let number = used.last().map_or(1, |(number, _)| number + 1);
        places_of(&self.dir, &self.fallbacks)
            .into_iter()
            .map(|(folder, stem)| folder.join(format!("{stem}.{number}.jsonl")))
            .collect()
    }

    fn trouble(&mut self, words: &str) {
        self.troubles.push(Clean::new(words));
    }

    /// The files of the journal as they are now.
    fn stamp(&self) -> Vec<Part> {
        let main = Part {
            path: self.dir.join(JOURNAL),
            length: self.main.metadata().map_or(0, |meta| meta.len()),
        };
        let segments = segments(&self.dir, &self.fallbacks).into_iter();
        let segments = segments.map(|(_, path)| Part {
            length: std::fs::metadata(&path).map_or(0, |meta| meta.len()),
            path,
        });
        std::iter::once(main).chain(segments).collect()
    }

    fn refresh_if_changed(&mut self) {
        if self.seen != self.stamp() {
            for trouble in self.refresh() {
                self.trouble(&trouble.to_string());
            }
        }
    }

    /// Reads all of it again, under the lock: nobody is in the middle of a line, so a tail is torn.
    fn refresh(&mut self) -> Vec<Trouble> {
        let mut troubles = Vec::new();
        let stamp = self.stamp();
        let head = stamp.last().map(|part| part.path.clone());
        let mut lines = Vec::new();
        for part in &stamp {
            let read = self.read_part(&part.path, lines.is_empty() && stamp.first() == Some(part));
            match read {
                Ok(mut found) => {
                    if !found.tail.is_empty() && Some(&part.path) == head.as_ref() {
                        troubles.extend(self.mend(&part.path, &mut found));
                    }
                    graft(&mut lines, found.lines);
                }
                Err(error) => {
                    let what = format!("{}: read: {error}", part.path.display());
                    troubles.push(whole_journal(&what));
                }
            }
        }
        let Told {
            entries,
            troubles: found,
        } = tell(&lines);
        troubles.extend(found);
        // A file that vanished must not take back what was acknowledged from it.
        if entries.len() >= self.entries.len() {
            (self.lines, self.entries) = (lines, entries);
        }
        self.aim(head);
        self.seen = self.stamp();
        troubles
    }

    fn read_part(&self, path: &Path, is_main: bool) -> io::Result<Cut> {
        let mut bytes = Vec::new();
        let mut file = if is_main {
            self.main.try_clone()?
        } else {
            look(path)?
        };
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(cut(&bytes))
    }

    /// Sets the writer to the file that holds the head.
    fn aim(&mut self, head: Option<PathBuf>) {
        let Some(head) = head else { return };
        if self.failed.contains(&head) {
            self.writer = None;
            return;
        }
        if self.writer.as_ref().is_none_or(|(path, _)| *path != head) {
            self.writer = reopen(&head).ok().map(|file| (head, file));
        }
    }

    /// Sets a torn tail aside, so that the journal can go on. A whole entry that lacks only its newline gets it.
    fn mend(&mut self, path: &Path, found: &mut Cut) -> Option<Trouble> {
        let mended = if serde_json::from_slice::<Entry>(&found.tail).is_ok() {
            reopen(path)
                .and_then(|file| write_synced(&*self.disk, &file, b"\n"))
                .map(|()| {
                    found.lines.push(std::mem::take(&mut found.tail));
                    None
                })
        } else {
            self.set_aside(path, found).map(|aside| {
                let what = format!(
                    "its last {} bytes were torn; they are kept in {}",
                    found.tail.len(),
                    aside.display()
                );
                Some(whole_journal(&what))
            })
        };
        mended.unwrap_or_else(|error| {
            self.failed.insert(path.to_owned());
            let what = format!("{}: can't set its torn end aside: {error}", path.display());
            Some(whole_journal(&what))
        })
    }

    fn set_aside(&self, path: &Path, found: &Cut) -> io::Result<PathBuf> {
        let dir = path.parent().unwrap_or(&self.dir);
        let name = |n: u32| dir.join(format!("journal.torn-{n}"));
        let mut number = 1;
        let aside = loop {
            match self.disk.create(&name(number)) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                result => break result?,
            }
        };
        write_synced(&*self.disk, &aside, &found.tail)?;
        self.disk.sync_dir(dir)?;
        let file = reopen(path)?;
        file.set_len(found.whole)?;
        self.disk.sync(&file)?;
        Ok(name(number))
    }

    /// Brings segments back to the journal's own folder when its file takes entries again: what lies in a run-time folder
    /// is gone with the session.
    fn bring_home(&mut self) {
        let used = segments(&self.dir, &self.fallbacks);
        let path = self.dir.join(JOURNAL);
        if used.is_empty() || self.failed.contains(&path) {
            return;
        }
        let Ok(mut own) = self.read_part(&path, true) else {
            return;
        };
        if !own.tail.is_empty() {
            let mended = self.mend(&path, &mut own);
            self.troubles
                .extend(mended.map(|trouble| Clean::new(&trouble.what)));
        }
        if self.failed.contains(&path) || !self.lines.starts_with(&own.lines) {
            return;
        }
        let mut bytes = Vec::new();
        for line in self.lines.iter().skip(own.lines.len()) {
            bytes.extend_from_slice(line);
            bytes.push(b'\n');
        }
        let home = reopen(&path).and_then(|file| {
            write_synced(&*self.disk, &file, &bytes)?;
            Ok(file)
        });
        match home {
            Ok(file) => {
                for (_, segment) in used {
                    let _ = std::fs::remove_file(segment);
                }
                self.trouble("it is whole again in its own folder");
                self.writer = Some((path, file));
            }
            Err(_) => {
                self.failed.insert(path);
            }
        }
        self.seen = self.stamp();
    }
}
