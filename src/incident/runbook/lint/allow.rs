//! Allowances: `# warroom: allow CODE — reason` on a line, or alone on the line before, takes that rule's faults there.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::super::fault::{Fault, Source, nearest};
use super::rules::codes;

/// An allowance as a comment says it, in whatever way the language marks one.
const ALLOWED: &str = r"(?m)(?:#|--|//|<!--)[ \t]*warroom:[ \t]*allow[ \t]+([\w-]+)[ \t]*(?:—|–|--|:|-)?[ \t]*([^\n]*)";

static PATTERN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(ALLOWED).ok());

/// What is left of `faults` once those with an allowance are taken out, and what is wrong with the allowances themselves.
pub(super) fn allowed(source: &Source<'_>, faults: Vec<Fault>) -> Vec<Fault> {
    let known = codes();
    let (mut left, mut wrong) = (faults, Vec::new());
    let found = PATTERN
        .iter()
        .flat_map(|pattern| pattern.captures_iter(source.text));
    for allowance in found {
        let (Some(whole), Some(code)) = (allowance.get(0), allowance.get(1)) else {
            continue;
        };
        let at = code.range();
        let code = code.as_str();
        if !known.contains_key(code) {
            let what = format!("there is no rule {code}");
            let instead = match nearest(code, known.keys().copied()) {
                Some(meant) => format!("did you mean {meant}?"),
                None => "warroom check --rules lists them".into(),
            };
            wrong.push(coded("allow-unknown", source.fault(&at, what, instead)));
            continue;
        }
        let reason = allowance.get(2).map_or("", |reason| reason.as_str());
        if reason.trim_end_matches("-->").trim().chars().count() < 3 {
            let what = format!("{code} is allowed without a reason");
            let instead = format!("say why: warroom: allow {code} — REASON");
            wrong.push(coded(
                "allow-without-reason",
                source.fault(&at, what, instead),
            ));
            continue;
        }
        let lines = covered(source, whole.start());
        let before = left.len();
        left.retain(|fault| fault.code != code || !lines.contains(&fault.line));
        if left.len() == before {
            let what = format!("{code} is allowed here, and nothing breaks it");
            wrong.push(coded(
                "allow-unused",
                source.warning(&at, what, "take it out"),
            ));
        }
    }
    left.extend(wrong);
    left
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
