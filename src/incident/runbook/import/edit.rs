//! Changes to a text, each at its place; what is not changed stays byte for byte.

use std::ops::Range;

/// Replacements that do not overlap.
#[derive(Debug, Default)]
pub(super) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    /// Puts `text` in place of `at`.
    pub(super) fn replace(&mut self, at: Range<usize>, text: impl Into<String>) {
        self.0.push((at, text.into()));
    }

    /// Puts `text` before the byte at `at`; of two at one place the first stays first.
    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    /// Nothing is to be changed.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with every change made.
    pub(super) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(at, _)| at.start);
        let mut out = String::with_capacity(text.len() + 1024);
        let mut done = 0;
        for (at, new) in self.0 {
            if at.start < done {
                continue;
            }
            out.push_str(&text[done..at.start]);
            out.push_str(&new);
            done = at.end;
        }
        out.push_str(&text[done..]);
        out
    }
}
