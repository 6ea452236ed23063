//! Allowances: `# warroom: allow CODE — reason` on a line, or alone on the line before, takes that rule's faults there.
//!
//! Marks for review: `<!-- warroom: review CODE — what -->`, as an import leaves them, stands for that rule's faults in the block
//! that follows, and is a warning until somebody has looked. Without a code it marks what was guessed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::super::super::fault::{Fault, Source, nearest};
use super::super::import::REVIEW;
use super::rules::codes;

/// An allowance or a mark as a comment says it, in whatever way the language marks one.
const SAID: &str = r"(?m)(?:#|--|//|<!--)[ \t]*warroom:[ \t]*(allow|review)(?:[ \t]+([a-z][\w-]*))?[ \t]*(?:—|–|--|:|-)?[ \t]*([^\n]*)";

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(SAID).ok());

/// A comment that speaks to the linter.
struct Said<'t> {
    /// The comment's place.
    at: usize,
    /// The place of its code, or of itself.
    code_at: Range<usize>,
    code: Option<&'t str>,
    /// What stands behind it.
    words: &'t str,
}

/// What is left of `faults` once those with an allowance or a mark are taken out, and what is wrong with these themselves.
pub(super) fn allowed(source: &Source<'_>, faults: Vec<Fault>) -> Vec<Fault> {
    let known = codes();
    let (mut left, mut told) = (faults, Vec::new());
    let found = PATTERN
        .iter()
        .flat_map(|pattern| pattern.captures_iter(source.text));
    for comment in found {
        let (Some(whole), Some(verb)) = (comment.get(0), comment.get(1)) else {
            continue;
        };
        let code = comment.get(2);
        let words = comment.get(3).map_or("", |words| words.as_str());
        let said = Said {
            at: whole.start(),
            code_at: code.map_or(whole.range(), |code| code.range()),
            code: code.map(|code| code.as_str()),
            words: words.trim().trim_end_matches("-->").trim(),
        };
        if let Some(code) = said.code.filter(|code| !known.contains_key(code)) {
            let what = format!("there is no rule {code}");
            let instead = match nearest(code, known.keys().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "warroom check --rules lists them".into(),
            };
            let fault = source.fault(&said.code_at, what, instead);
            told.push(coded("allow-unknown", fault));
            continue;
        }
        match verb.as_str() {
            "allow" => told.extend(allowance(source, &said, &mut left)),
            _ => told.push(mark(source, &said, &mut left)),
        }
    }
    left.extend(told);
    left
}

/// Takes what is allowed out of `left`; what is wrong with the allowance.
fn allowance(source: &Source<'_>, said: &Said<'_>, left: &mut Vec<Fault>) -> Option<Fault> {
    let code = said.code?;
    if said.words.chars().count() < 3 {
        let what = format!("{code} is allowed without a reason");
        let instead = format!("say why: warroom: allow {code} — REASON");
        let fault = source.fault(&said.code_at, what, instead);
        return Some(coded("allow-without-reason", fault));
    }
    if taken(left, code, &covered(source, said.at)) {
        return None;
    }
    let what = format!("{code} is allowed here, and nothing breaks it");
    let fault = source.warning(&said.code_at, what, "take it out");
    Some(coded("allow-unused", fault))
}

/// Takes what is marked out of `left`, and gives the warning that stands for it.
fn mark(source: &Source<'_>, said: &Said<'_>, left: &mut Vec<Fault>) -> Fault {
    let found = said
        .code
        .is_none_or(|code| taken(left, code, &block(source, said.at)));
    if !found {
        let what = "nothing is left to review here";
        let fault = source.warning(&said.code_at, what, "take the mark out");
        return coded("allow-unused", fault);
    }
    let what = match said.code {
        Some(code) => format!("{code} is to be reviewed: {}", said.words),
        None => format!("to be reviewed: {}", said.words),
    };
    let instead = "make it right, and take the mark out";
    coded("to-review", source.warning(&said.code_at, what, instead))
}

/// Takes the faults of a rule on these lines out; whether there were any.
fn taken(left: &mut Vec<Fault>, code: &str, lines: &BTreeSet<usize>) -> bool {
    let before = left.len();
    left.retain(|fault| fault.code != code || !lines.contains(&fault.line));
    left.len() < before
}

fn coded(code: &'static str, fault: Fault) -> Fault {
    Fault { code, ..fault }
}

/// The lines an allowance at `at` speaks of: its own, or, when it stands alone, the next command with what continues it.
fn covered(source: &Source<'_>, at: usize) -> BTreeSet<usize> {
    let (line, _) = source.place(at);
    let start = source.line_start(line);
    if !source.text[start..at].trim().is_empty() {
        return BTreeSet::from([line]);
    }
    let mut lines = BTreeSet::from([line]);
    for (n, text) in (line + 1..).zip(source.text[source.line_start(line + 1)..].lines()) {
        lines.insert(n);
        if !text.trim_end().ends_with('\\') {
            break;
        }
    }
    lines
}

/// The lines a mark at `at` speaks of: the block below it and below other marks, a fence to its end, else up to the next blank
/// line.
fn block(source: &Source<'_>, at: usize) -> BTreeSet<usize> {
    let (line, _) = source.place(at);
    let rest = source.text[source.line_start(line)..].lines();
    let mut lines = (line..).zip(rest).peekable();
    let above = |text: &str| text.trim().is_empty() || text.contains(REVIEW);
    while lines.next_if(|(_, text)| above(text)).is_some() {}
    let mut covered = BTreeSet::new();
    let Some((first, opening)) = lines.next() else {
        return covered;
    };
    covered.insert(first);
    // A fence in a quote ends in that quote, and one that stands in none does not.
    let quoted = opening.trim_start().starts_with('>');
    let bare = |text: &str| {
        let quote = |c: char| c == ' ' || c == '\t' || c == '>' && quoted;
        text.trim_start_matches(quote).trim_end().to_owned()
    };
    let fence: String = bare(opening)
        .chars()
        .take_while(|c| matches!(c, '`' | '~'))
        .collect();
    for (n, text) in lines {
        let bare = bare(text);
        let ends = match fence.len() {
            3.. => bare.starts_with(&fence) && bare.chars().all(|c| fence.starts_with(c)),
            _ => bare.is_empty(),
        };
        covered.insert(n);
        if ends {
            break;
        }
    }
    covered
}
