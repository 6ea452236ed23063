//! A mark above each block in which `warroom check` finds something: the draft passes, and nothing is forgotten.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::super::super::fault::{Fault, Source};
use super::super::super::names::RunbookId;
use super::super::lint::check;
use super::super::outline::outline;
use super::edit::Edits;
use super::{REVIEW, fences, front_matter};

/// The draft with its marks, and what they stand for; none when nothing is left to be marked.
pub(super) fn marked(file: &str, text: &str, id: &RunbookId) -> Option<(String, Vec<String>)> {
    // Nothing is overdue on the day of its import.
    let today = NaiveDate::MIN;
    let mut faults = check(file, text, id.clone(), None, today);
    // Comments that speak to the linter are no part of what it reads.
    let ours = |code: &str| code.is_empty() || code == "to-review" || code.starts_with("allow-");
    faults.retain(|fault| !ours(fault.code));
    if faults.is_empty() {
        return None;
    }
    let source = Source::new(file, text);
    let blocks = Blocks::of(&source);
    let mut marks: BTreeMap<usize, BTreeMap<&str, String>> = BTreeMap::new();
    for fault in &faults {
        let at = blocks.above(fault.line);
        let said = marks.entry(at).or_default();
        said.entry(fault.code).or_insert_with(|| words(fault));
    }
    let mut edits = Edits::default();
    // Finding it reads the whole text.
    let front = front_matter(text);
    for (line, said) in marks {
        let at = source.line_start(line);
        let indent: String = text[at..]
            .chars()
            .take_while(|c| matches!(c, ' ' | '\t'))
            .collect();
        let in_front = at < front;
        for (code, words) in said {
            let mark = match in_front {
                true => format!("# {REVIEW} {code} — {words}\n"),
                false => format!("{indent}<!-- {REVIEW} {code} — {words} -->\n"),
            };
            edits.insert(at, mark);
        }
    }
    let found = faults.into_iter().map(|fault| fault.what).collect();
    Some((edits.apply(text), found))
}

/// What is wrong, as a comment may hold it.
fn words(fault: &Fault) -> String {
    fault.what.replace("--", "- -").replace('\n', " ")
}

/// Where blocks begin: a mark stands above the whole of one.
struct Blocks<'a> {
    source: &'a Source<'a>,
    /// Lines of fences, from the opening to the closing one, by their last line.
    fences: BTreeMap<usize, usize>,
    /// Lines that are headings.
    headings: BTreeSet<usize>,
    /// Lines of the front matter.
    front: usize,
}

impl<'a> Blocks<'a> {
    fn of(source: &'a Source<'a>) -> Self {
        let sections = outline(source.text);
        let mut lines = BTreeMap::new();
        for fence in sections.iter().flat_map(fences) {
            let (first, _) = source.place(fence.info_at.start);
            let (last, _) = source.place(fence.at.end);
            lines.insert(last, first);
        }
        let place = |at| source.place(at).0;
        Self {
            source,
            fences: lines,
            headings: sections.iter().skip(1).map(|s| place(s.at.start)).collect(),
            front: place(front_matter(source.text)),
        }
    }

    /// The line before which a mark for `line` stands.
    fn above(&self, line: usize) -> usize {
        let fence = self.fences.range(line..).next();
        if let Some((_, first)) = fence.filter(|(_, first)| **first <= line) {
            return *first;
        }
        if line < self.front {
            return line;
        }
        let mut at = line;
        while at > self.front.max(1) {
            let before = at - 1;
            let text = self.line(before);
            if text.trim_matches([' ', '\t', '\r', '>']).is_empty()
                || self.fences.contains_key(&before)
                || self.headings.contains(&at)
                || self.headings.contains(&before)
            {
                break;
            }
            at = before;
        }
        at
    }

    fn line(&self, line: usize) -> &str {
        let text = &self.source.text[self.source.line_start(line)..];
        text.lines().next().unwrap_or_default()
    }
}
