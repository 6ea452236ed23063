//! Faults in files people write: `FILE:LINE:COL: what is wrong — what to write instead`, all of them in one go.

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
        } = self;
        let word = if *weight == Weight::Warning {
            "warning: "
        } else {
            ""
        };
        match instead.as_str() {
            "" => write!(f, "{file}:{line}:{col}: {word}{what}"),
            instead => write!(f, "{file}:{line}:{col}: {word}{what} — {instead}"),
        }
    }
}

/// A file's text with its name: turns byte offsets into lines and columns.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// The file as it is named in faults.
    pub file: &'a str,
    /// Its whole text.
    pub text: &'a str,
}

impl Source<'_> {
    /// Line and column (in characters) of a byte offset, both from 1.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
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
