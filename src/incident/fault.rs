//! Faults in files people write: `FILE:LINE:COL: what is wrong — what to write instead`, all of them in one go.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

/// One fault, at its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file as it was named.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub col: usize,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: String,
    /// Whether the file can't be used because of it.
    pub weight: Weight,
    /// The rule's code, `endless-watch`; empty for what the grammar itself refuses.
    pub code: &'static str,
}

/// How much a fault weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The file can't be used.
    Fault,
    /// It can be used; somebody should look.
    Warning,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            col,
            what,
            instead,
            weight,
            code,
        } = self;
        let word = if *weight == Weight::Warning {
            "warning: "
        } else {
            ""
        };
        write!(f, "{file}:{line}:{col}: {word}{what}")?;
        if !instead.is_empty() {
            write!(f, " — {instead}")?;
        }
        match *code {
            "" => Ok(()),
            code => write!(f, " [{code}]"),
        }
    }
}

/// A file's text with its name: turns byte offsets into lines and columns.
#[derive(Debug, Clone)]
pub struct Source<'a> {
    /// The file as it is named in faults.
    pub file: &'a str,
    /// Its whole text.
    pub text: &'a str,
    /// Where each line begins. A place is asked for at every step and fault: counting lines anew would be quadratic.
    starts: Vec<usize>,
    /// The line that was asked for last, from 1: the next one is mostly near.
    near: Cell<usize>,
}

impl<'a> Source<'a> {
    /// A file's name and text.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            starts: std::iter::once(0).chain(ends).collect(),
            near: Cell::new(1),
        }
    }

    /// Line and column (in characters) of a byte offset, both from 1.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line(offset);
        self.near.set(line);
        let start = self.line_start(line);
        (line, self.text[start..offset].chars().count() + 1)
    }

    /// The line of a byte, from 1: looked for behind the last one, and only then everywhere.
    fn line(&self, offset: usize) -> usize {
        const AHEAD: usize = 32;
        let from = self.near.get() - 1;
        let ahead = &self.starts[from..self.starts.len().min(from + AHEAD)];
        let found = ahead.partition_point(|start| *start <= offset);
        match found {
            1..AHEAD => from + found,
            _ => self.starts.partition_point(|start| *start <= offset),
        }
    }

    /// The byte offset at which a line, from 1, begins; the text's end beyond its last.
    pub fn line_start(&self, line: usize) -> usize {
        let start = self.starts.get(line.saturating_sub(1));
        start.copied().unwrap_or(self.text.len())
    }

    /// A fault at the start of `at`.
    pub fn fault(
        &self,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Fault {
        let (line, col) = self.place(at.start);
        Fault {
            file: self.file.to_owned(),
            line,
            col,
            what: what.into(),
            instead: instead.into(),
            weight: Weight::Fault,
            code: "",
        }
    }

    /// A warning at the start of `at`.
    pub fn warning(
        &self,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) -> Fault {
        Fault {
            weight: Weight::Warning,
            ..self.fault(at, what, instead)
        }
    }
}

/// The known word nearest to `word`, when it is near enough to be what was meant.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|k| (strsim::damerau_levenshtein(word, k), k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len() / 4)
        .map(|(_, k)| k)
}
