use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use chrono::Utc;
use tempfile::TempDir;

use super::disk::{Disk, RealDisk};
use super::file::{declare_on, open_on};
use super::lines::{cut, tell};
use super::segments::read;
use super::store::JOURNAL;
use super::{FileLedger, Ledger, LedgerError};
use crate::incident::clean::Clean;
use crate::incident::journal::{Actor, Declaration, Entry, Fact, Mode, Note, Report, Seq};
use crate::incident::names::{IncidentId, SeverityId, StepId};
use crate::incident::reading::Outcome;
use crate::incident::runbook::{ActionRef, Role};
use crate::world::clock;

/// One thing a journal asks of its disk.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Op {
    Create,
    Write,
    Sync,
}

/// What the disk does then.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Does {
    Fine,
    Fails(i32),
    /// Writes this many bytes, and says so.
    Short(usize),
    /// Writes this many bytes, then fails: what a full disk does.
    Tears(usize, i32),
}

type Plan = Box<dyn FnMut(Op) -> Does + Send>;

/// A real disk with a plan of faults. It remembers what was synced, so that a power loss can be played, and fails the
/// test when a file that failed is touched again.
struct FaultyDisk {
    plan: Mutex<Plan>,
    synced: Mutex<BTreeMap<u64, u64>>,
    failed: Mutex<Vec<u64>>,
}

impl FaultyDisk {
    fn new(plan: impl FnMut(Op) -> Does + Send + 'static) -> Arc<Self> {
        Arc::new(Self {
            plan: Mutex::new(Box::new(plan)),
            synced: Mutex::default(),
            failed: Mutex::default(),
        })
    }

    fn does(&self, op: Op, inode: Option<u64>) -> Does {
        let mut failed = self.failed.lock().unwrap();
        if let Some(inode) = inode {
            assert!(!failed.contains(&inode), "{op:?} on a file that had failed");
        }
        let does = match (self.plan.lock().unwrap())(op) {
            Does::Tears(..) | Does::Short(_) if op != Op::Write => Does::Fine,
            does => does,
        };
        if matches!(does, Does::Fails(errno) | Does::Tears(_, errno) if errno != EINTR) {
            failed.extend(inode);
        }
        does
    }

    /// The power goes: of each file only what was synced is left, and `more` bytes of what was not.
    fn power_loss(&self, path: &Path, more: u64) {
        let file = File::options().write(true).open(path).unwrap();
        let meta = file.metadata().unwrap();
        let synced = self.synced.lock().unwrap().get(&meta.ino()).copied();
        let kept = (synced.unwrap_or(0) + more).min(meta.len());
        file.set_len(kept).unwrap();
    }
}

const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn inode(file: &File) -> u64 {
    file.metadata().unwrap().ino()
}

impl Disk for FaultyDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        match self.does(Op::Create, None) {
            Does::Fails(errno) => Err(io::Error::from_raw_os_error(errno)),
            _ => {
                let file = RealDisk.create(path)?;
                // A number that a removed file had: this is another file.
                let number = inode(&file);
                self.failed
                    .lock()
                    .unwrap()
                    .retain(|failed| *failed != number);
                Ok(file)
            }
        }
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<usize> {
        match self.does(Op::Write, Some(inode(file))) {
            Does::Fine => RealDisk.write(file, bytes),
            Does::Fails(errno) => Err(io::Error::from_raw_os_error(errno)),
            Does::Short(count) => RealDisk.write(file, &bytes[..count.min(bytes.len())]),
            Does::Tears(count, errno) => {
                RealDisk.write(file, &bytes[..count.min(bytes.len())])?;
                Err(io::Error::from_raw_os_error(errno))
            }
        }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        if let Does::Fails(errno) = self.does(Op::Sync, Some(inode(file))) {
            return Err(io::Error::from_raw_os_error(errno));
        }
        let length = file.metadata()?.len();
        self.synced.lock().unwrap().insert(inode(file), length);
        Ok(())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        RealDisk.sync_dir(dir)
    }
}

fn actor() -> Actor {
    Actor {
        name: "ana".into(),
        host: "ops-1".into(),
    }
}

fn declaration() -> Declaration {
    Declaration {
        id: IncidentId(String::new()),
        mode: Mode::Real,
        site: "debates".into(),
        title: "us-east-1 is gone".into(),
        severity: SeverityId::from("SEV-1"),
        category: None,
        detected: Utc::now(),
    }
}

fn said(text: &str) -> Note {
    Note::Said {
        text: Clean::new(text),
        step: None,
    }
}

fn words(entries: &[Entry]) -> Vec<String> {
    let words = entries.iter().filter_map(|entry| match &entry.fact {
        Fact::Note(Note::Said { text, .. }) => Some(text.to_string()),
        _ => None,
    });
    words.collect()
}

/// A state root, two fallback folders, and a ledger on a disk.
struct Bench {
    root: TempDir,
    ledger: FileLedger,
    head: Seq,
}

impl Bench {
    fn new(disk: Arc<dyn Disk>) -> Self {
        let root = tempfile::tempdir().unwrap();
        let (ledger, first) = declare_on(
            &root.path().join("state"),
            declaration(),
            actor(),
            disk,
            fallbacks(root.path()),
        )
        .unwrap();
        Self {
            root,
            ledger,
            head: first.seq,
        }
    }

    fn fallbacks(&self) -> Vec<PathBuf> {
        fallbacks(self.root.path())
    }

    fn dir(&self) -> PathBuf {
        self.ledger.dir().to_owned()
    }

    fn say(&mut self, text: &str) -> Result<Entry, LedgerError> {
        let result = wait(self.ledger.append(self.head, said(text)));
        if let Ok(entry) = &result {
            self.head = entry.seq;
        }
        result
    }

    fn again(&self) -> (FileLedger, Vec<Entry>, Vec<super::Trouble>) {
        open_on(&self.dir(), actor(), Arc::new(RealDisk), self.fallbacks()).unwrap()
    }
}

fn fallbacks(root: &Path) -> Vec<PathBuf> {
    vec![root.join("run"), root.join("tmp")]
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn what_was_written_is_read_back_and_each_line_carries_the_digest_of_the_one_before() {
    let mut bench = Bench::new(Arc::new(RealDisk));
    for n in 0..20 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let (entries, troubles) = read(&bench.dir(), &bench.fallbacks()).unwrap();
    assert_eq!(troubles, []);
    assert_eq!(words(&entries).len(), 20);
    let bytes = std::fs::read(bench.dir().join(JOURNAL)).unwrap();
    let lines = cut(&bytes).lines;
    for (line, entry) in lines.iter().zip(&entries[1..]) {
        assert_eq!(entry.prev, crate::incident::journal::digest(line));
    }
    for (path, mode) in [("", 0o700), ("evidence", 0o700), (JOURNAL, 0o600)] {
        let meta = std::fs::metadata(bench.dir().join(path)).unwrap();
        assert_eq!(meta.mode() & 0o777, mode, "{path}");
    }
}

#[test]
fn numbers_are_taken_once_each_however_many_declare_at_once() {
    let root = tempfile::tempdir().unwrap();
    let state = root.path().join("state");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (state, fallbacks) = (state.clone(), fallbacks(root.path()));
            std::thread::spawn(move || {
                let disk = Arc::new(RealDisk);
                let (ledger, first) =
                    declare_on(&state, declaration(), actor(), disk, fallbacks).unwrap();
                let Fact::Declared(declaration) = first.fact else {
                    panic!("a journal begins with a declaration")
                };
                assert!(ledger.dir().ends_with(declaration.id.as_str()));
                declaration.id.0
            })
        })
        .collect();
    let mut ids: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
    ids.sort();
    let year = chrono::Datelike::year(&Utc::now());
    let expected: Vec<_> = (1..=8).map(|n| format!("INC-{year}-{n:04}")).collect();
    assert_eq!(ids, expected);
}

#[test]
fn of_two_consoles_one_append_wins_and_the_other_gets_what_came_between() {
    let mut first = Bench::new(Arc::new(RealDisk));
    let (mut second, entries, _) = first.again();
    let head = entries.last().unwrap().seq;
    first.say("by the first").unwrap();
    match wait(second.append(head, said("by the second"))) {
        Err(LedgerError::Conflict(between)) => assert_eq!(words(&between), ["by the first"]),
        other => panic!("{other:?}"),
    }
    wait(second.append(Seq(2), said("by the second"))).unwrap();
    let news = wait(first.ledger.news(first.head)).unwrap();
    assert_eq!(words(&news), ["by the second"]);
}

#[test]
fn an_end_that_two_consoles_report_is_written_once() {
    let bench = Bench::new(Arc::new(RealDisk));
    let (mut second, ..) = bench.again();
    let mut first = bench.ledger;
    let ended = Report::Ended {
        action: ActionRef {
            walk: 1,
            step: StepId::from("promote"),
            index: 1,
            role: Role::Run,
        },
        attempt: 1,
        at: clock::now(),
        outcome: Outcome::Done {
            said: Clean::new("promoted"),
        },
        excerpt: Clean::default(),
        evidence: String::new(),
        kept: Vec::new(),
        verified: Vec::new(),
    };
    let one = wait(first.report(ended.clone())).unwrap();
    let two = wait(second.report(ended)).unwrap();
    assert_eq!(one, two);
}

#[test]
fn every_truncation_keeps_the_whole_lines_sets_the_rest_aside_and_goes_on() {
    let mut bench = Bench::new(Arc::new(RealDisk));
    for n in 0..199 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let journal = bench.dir().join(JOURNAL);
    let bytes = std::fs::read(&journal).unwrap();
    let first = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    // Opening syncs; a prime step meets every place in a line without taking a minute.
    for length in (first..=bytes.len()).step_by(97).chain([bytes.len() - 1]) {
        let kept = &bytes[..length];
        std::fs::write(&journal, kept).unwrap();
        let (mut ledger, entries, troubles) = bench.again();
        let whole = cut(kept);
        let lacks_newline = bytes.get(length) == Some(&b'\n') && !whole.tail.is_empty();
        let expected = whole.lines.len() + usize::from(lacks_newline);
        assert_eq!(entries.len(), expected, "cut at {length}");
        let torn = !whole.tail.is_empty() && !lacks_newline;
        assert_eq!(troubles.len(), usize::from(torn), "{troubles:?}");
        let aside = bench.dir().join("journal.torn-1");
        if torn {
            assert_eq!(std::fs::read(&aside).unwrap(), whole.tail);
            std::fs::remove_file(&aside).unwrap();
        }
        let head = entries.last().unwrap().seq;
        wait(ledger.append(head, said("goes on"))).unwrap();
        let (entries, troubles) = read(&bench.dir(), &bench.fallbacks()).unwrap();
        assert_eq!((entries.len(), troubles.len()), (expected + 1, 0));
    }
}

#[test]
fn every_flipped_byte_is_flagged_and_the_rest_is_read() {
    let mut bench = Bench::new(Arc::new(RealDisk));
    for n in 0..6 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let bytes = std::fs::read(bench.dir().join(JOURNAL)).unwrap();
    let lines = cut(&bytes).lines;
    let last = bytes.len() - lines.last().unwrap().len() - 1;
    let first = lines[0].len();
    // The last line has no line after it to bear witness: the post-mortem's head does.
    for (at, mask) in (0..last).flat_map(|at| [(at, 0x01), (at, 0x40), (at, 0x80)]) {
        let mut flipped = bytes.clone();
        flipped[at] ^= mask;
        let told = tell(&cut(&flipped).lines);
        assert!(!told.troubles.is_empty(), "byte {at} ^ {mask:#x}");
        if at > first {
            assert!(words(&told.entries).len() >= 4, "byte {at} ^ {mask:#x}");
            let numbers: Vec<_> = told.entries.iter().map(|entry| entry.seq.0).collect();
            let counted: Vec<_> = (1..).take(numbers.len()).collect();
            assert_eq!(numbers, counted, "byte {at} ^ {mask:#x}");
        }
    }
}

#[test]
fn a_bad_line_in_the_middle_stays_where_it_is() {
    let mut bench = Bench::new(Arc::new(RealDisk));
    for n in 0..5 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let journal = bench.dir().join(JOURNAL);
    let mut bytes = std::fs::read(&journal).unwrap();
    let second = bytes.iter().position(|b| *b == b'\n').unwrap() + 3;
    bytes[second] = 0xff;
    std::fs::write(&journal, &bytes).unwrap();
    let (mut ledger, entries, troubles) = bench.again();
    assert_eq!(troubles[0].line, Some(2));
    assert_eq!(troubles[0].what, "can't be read");
    assert_eq!(words(&entries), ["note 1", "note 2", "note 3", "note 4"]);
    wait(ledger.append(entries.last().unwrap().seq, said("on"))).unwrap();
    let after = std::fs::read(&journal).unwrap();
    assert!(after.starts_with(&bytes));
}

#[test]
fn short_writes_and_interruptions_are_completed_without_a_duplicate() {
    let mut count = 0;
    let mut bench = Bench::new(FaultyDisk::new(move |op| {
        count += 1;
        match (op, count % 3) {
            (Op::Write, 0) => Does::Fails(EINTR),
            (Op::Write, _) => Does::Short(7),
            _ => Does::Fine,
        }
    }));
    for n in 0..5 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let (entries, troubles) = read(&bench.dir(), &bench.fallbacks()).unwrap();
    assert_eq!((entries.len(), troubles.len()), (6, 0));
}

/// Every operation in turn fails once, as each kind of disk fails; what was acknowledged is there, once, in order.
#[test]
fn a_fault_at_any_operation_moves_the_journal_on_and_loses_nothing() {
    for fault in [
        Does::Fails(EIO),
        Does::Fails(ENOSPC),
        Does::Tears(40, ENOSPC),
    ] {
        // Opening the journal takes a create, a write and a sync: the faults begin behind them.
        for at in 4..16 {
            let mut count = 0;
            let disk = FaultyDisk::new(move |_| {
                count += 1;
                if count == at { fault } else { Does::Fine }
            });
            let mut bench = Bench::new(disk);
            for n in 0..6 {
                bench.say(&format!("note {n}")).unwrap();
            }
            let expected: Vec<_> = (0..6).map(|n| format!("note {n}")).collect();
            let (entries, _) = read(&bench.dir(), &bench.fallbacks()).unwrap();
            assert_eq!(words(&entries), expected, "{fault:?} at {at}");
            let told = wait(bench.ledger.troubles());
            // Tearing a sync or a create means nothing: there the disk is fine.
            let moved = told
                .iter()
                .any(|words| words.as_str().contains("goes on in"));
            let tears = matches!(fault, Does::Tears(..));
            assert!(moved || tears, "{fault:?} at {at}: {told:?}");
            // Another console, or the next one, finds it all and brings it home.
            let (_, entries, _) = bench.again();
            assert_eq!(words(&entries), expected, "{fault:?} at {at}, opened again");
        }
    }
}

#[test]
fn a_journal_that_went_elsewhere_comes_home_when_its_folder_takes_entries_again() {
    let mut count = 0;
    let mut bench = Bench::new(FaultyDisk::new(move |op| {
        count += 1;
        match op {
            Op::Write if count == 6 => Does::Tears(30, ENOSPC),
            _ => Does::Fine,
        }
    }));
    for n in 0..4 {
        bench.say(&format!("note {n}")).unwrap();
    }
    let segments = || std::fs::read_dir(bench.root.path().join("run")).map_or(0, Iterator::count);
    assert_eq!(segments(), 1);
    let (_, before, _) = bench.again();
    assert_eq!(segments(), 0);
    let (after, troubles) = read(&bench.dir(), &[]).unwrap();
    assert_eq!((before.len(), troubles.len()), (5, 0));
    assert_eq!(before, after);
}

#[test]
fn with_nowhere_left_an_entry_is_refused_and_a_freed_disk_takes_the_next() {
    let full = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let seen = Arc::clone(&full);
    let mut bench = Bench::new(FaultyDisk::new(move |op| {
        match (op, seen.load(std::sync::atomic::Ordering::SeqCst)) {
            (Op::Write, true) => Does::Tears(10, ENOSPC),
            _ => Does::Fine,
        }
    }));
    bench.say("before").unwrap();
    full.store(true, std::sync::atomic::Ordering::SeqCst);
    for _ in 0..2 {
        assert!(matches!(bench.say("lost"), Err(LedgerError::Failed(_))));
    }
    full.store(false, std::sync::atomic::Ordering::SeqCst);
    bench.say("after").unwrap();
    let (entries, _) = read(&bench.dir(), &bench.fallbacks()).unwrap();
    assert_eq!(words(&entries), ["before", "after"]);
}

#[test]
fn a_power_loss_keeps_what_was_acknowledged() {
    for more in [0, 1, 100, 10_000] {
        let mut count = 0;
        // The ninth sync never returns to its caller as done: its line may or may not be on disk.
        let disk = FaultyDisk::new(move |op| {
            count += usize::from(op == Op::Sync);
            match (op, count) {
                (Op::Sync, 9..) | (Op::Create, 9..) => Does::Fails(EIO),
                _ => Does::Fine,
            }
        });
        let mut bench = Bench::new(Arc::clone(&disk) as Arc<dyn Disk>);
        let acknowledged: Vec<_> = (0..12)
            .map(|n| format!("note {n}"))
            .filter(|text| bench.say(text).is_ok())
            .collect();
        assert_eq!(acknowledged.len(), 7);
        disk.power_loss(&bench.dir().join(JOURNAL), more);
        let (_, entries, _) = bench.again();
        assert!(words(&entries).starts_with(&acknowledged), "{more}");
        assert!(words(&entries).len() <= acknowledged.len() + 1, "{more}");
    }
}

#[test]
fn a_folder_that_is_removed_leaves_the_whole_journal_elsewhere() {
    let mut bench = Bench::new(Arc::new(RealDisk));
    bench.say("before").unwrap();
    std::fs::remove_dir_all(bench.dir()).unwrap();
    bench.say("after").unwrap();
    bench.say("and on").unwrap();
    let (entries, _) = read(&bench.dir(), &bench.fallbacks()).unwrap();
    assert_eq!(words(&entries), ["before", "after", "and on"]);
    assert_eq!(entries.len(), 4);
}
