//! A journal's lines: whether each can be read and follows from the one before. Pure.

use std::collections::VecDeque;
use std::fmt;

use crate::incident::journal::{Actor, Entry, Fact, Note, Seq, digest};

/// What is wrong with a journal, where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The line, from 1 over all of its segments; none when it is not about one.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "journal line {line}: {}", self.what),
            None => write!(f, "journal: {}", self.what),
        }
    }
}

/// A file's bytes as whole lines (without their newlines) and a tail that has none.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Cut {
    pub lines: Vec<Vec<u8>>,
    pub tail: Vec<u8>,
    /// Length of the whole lines with their newlines.
    pub whole: u64,
}

/// Cuts at newlines.
pub(super) fn cut(bytes: &[u8]) -> Cut {
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
    let (whole, tail) = bytes.split_at(end);
    Cut {
        lines: whole
            .split_inclusive(|b| *b == b'\n')
            .map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec())
            .collect(),
        tail: tail.to_vec(),
        whole: u64::try_from(end).unwrap_or(u64::MAX),
    }
}

/// Sets a segment's lines behind those it follows. Lines between were never acknowledged (their sync failed, which is why
/// there is a segment); a line that stands in both is kept once.
pub(super) fn graft(lines: &mut Vec<Vec<u8>>, segment: Vec<Vec<u8>>) {
    let Some(first) = segment.first() else { return };
    let prev = serde_json::from_slice::<Entry>(first).map(|entry| entry.prev);
    let place = match prev {
        Ok(prev) if prev == digest(b"") => Some(0),
        Ok(prev) => lines
            .iter()
            .rposition(|line| digest(line) == prev)
            .map(|n| n + 1),
        Err(_) => None,
    };
    // A segment that follows from nothing is shown at the end, where its broken chain is flagged.
    lines.truncate(place.unwrap_or(lines.len()));
    lines.extend(segment);
}

/// What a journal's lines say.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Told {
    pub entries: Vec<Entry>,
    pub troubles: Vec<Trouble>,
}

/// Reads lines. One that can't be read, or does not fit its number, becomes a note of trouble in its place, so that the
/// rest can still be folded.
pub(super) fn tell(lines: &[Vec<u8>]) -> Told {
    let mut told = Told::default();
    let mut prev = digest(b"");
    let mut unread = 0;
    let mut parsed: VecDeque<Option<Entry>> = lines
        .iter()
        .map(|line| serde_json::from_slice::<Entry>(line).ok())
        .collect();
    for (number, line) in (1..).zip(lines) {
        let entry = parsed.pop_front().flatten();
        let following = parsed.iter().flatten().next().map(|next| next.seq);
        match entry {
            Some(entry) if fits(&told, &entry, unread, following) => {
                if entry.prev != prev {
                    let what = "does not carry the digest of the line before it";
                    told.trouble(number, what);
                }
                told.fill(entry.seq);
                told.entries.push(entry);
                unread = 0;
            }
            found => {
                let what = match found {
                    Some(entry) => format!("has the number {} out of order", entry.seq),
                    None => "can't be read".to_owned(),
                };
                told.trouble(number, &what);
                unread += 1;
            }
        }
        prev = digest(line);
    }
    if unread > 0 {
        told.fill(Seq(told.head().0 + 2));
    }
    told
}

/// Whether an entry may stand here: it is the next, or as many lines before it could not be read, or the one behind it
/// bears it out.
fn fits(told: &Told, entry: &Entry, unread: u64, following: Option<Seq>) -> bool {
    let Some(ahead) = entry.seq.0.checked_sub(told.head().0 + 1) else {
        return false;
    };
    let followed = following == Some(Seq(entry.seq.0.saturating_add(1)));
    // A line that can't be read may be two whose newline was lost.
    ahead <= 2 * unread || (followed && ahead <= MOST_MISSING)
}

/// More entries than this are not made up for, whatever a line's number says.
const MOST_MISSING: u64 = 1000;

impl Told {
    fn head(&self) -> Seq {
        self.entries.last().map_or(Seq(0), |entry| entry.seq)
    }

    fn trouble(&mut self, line: u64, what: &str) {
        self.troubles.push(Trouble {
            line: Some(line),
            what: what.to_owned(),
        });
    }

    /// Notes of trouble in place of the entries missing before `next`.
    fn fill(&mut self, next: Seq) {
        for seq in self.head().0 + 1..next.0 {
            let Some(before) = self.entries.last() else {
                return; // Without its declaration a journal is no story; the fold says so.
            };
            let standin = Entry {
                seq: Seq(seq),
                at: before.at.clone(),
                actor: Actor {
                    name: "warroom".into(),
                    host: before.actor.host.clone(),
                },
                fact: Fact::Note(Note::Trouble {
                    words: format!("entry {seq} can't be read"),
                }),
                prev: String::new(),
            };
            self.entries.push(standin);
        }
    }
}
