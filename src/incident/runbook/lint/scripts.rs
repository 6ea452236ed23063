//! Faults of a script that no single pattern finds: gates that let an error pass, loops without an end, counts with a gap.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::super::super::fault::Weight::{self, Fault, Warning};

/// A fault of a script, at its place there.
pub(super) struct Found {
    /// Where.
    pub at: Range<usize>,
    /// The rule's code.
    pub code: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// What is wrong.
    pub what: String,
    /// What to write instead.
    pub instead: &'static str,
}

/// Every such fault of a script, its comments blanked.
pub(super) fn faults(bare: &str) -> Vec<Found> {
    let mut found = open_gates(bare);
    found.extend(loops(bare));
    found.extend(counts(bare));
    found.extend(dates(bare));
    found
}

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static GATE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"\bif\s+\[\[?\s+"?\$\{?([A-Za-z_]\w*)\}?"?\s+-(?:gt|lt|ge|le|eq|ne)\s"#)
});
static FILLED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(r#"(?m)^\s*([A-Za-z_]\w*)="?\$\([^\n]*(?:psql|redis-cli|kubectl|aws|curl)\b"#)
});
static LOOP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"(?m)^for\s+\w+\s+in\s+(?:\$\(seq|\{1\.\.|1 2 3)(?s:.*?)\bbreak\b(?s:.*?)^done\b[^\n]*\n?",
    )
});
static STEP: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(r#"(?m)^\s*echo\s+["']\[(\d+)/(\d+)\]"#));
static STAMP: LazyLock<Option<Regex>> = LazyLock::new(|| pattern(r"\$\(date\s[^)\n]*%S[^)\n]*\)"));

/// `if [ "$LAG" -gt 30 ]` where LAG is what a server said, and nobody asks whether it said anything: an error is not true, and
/// the branch that stops is not taken.
fn open_gates(bare: &str) -> Vec<Found> {
    let names = FILLED.iter().flat_map(|filled| filled.captures_iter(bare));
    let filled: Vec<&str> = names
        .filter_map(|found| Some(found.get(1)?.as_str()))
        .collect();
    let gates = GATE.iter().flat_map(|gate| gate.captures_iter(bare));
    let open = gates.filter_map(|found| {
        let (whole, name) = (found.get(0)?, found.get(1)?.as_str());
        let asked = ["-z", "-n"].iter().any(|test| {
            [format!("{test} \"${name}"), format!("{test} \"${{{name}")]
                .iter()
                .any(|question| bare.contains(question.as_str()))
        });
        let required = bare.contains(&format!("${{{name}:?"));
        (filled.contains(&name) && !asked && !required).then(|| Found {
            at: whole.range(),
            code: "gate-open-on-empty",
            weight: Fault,
            what: format!("an empty ${name} lets the gate pass"),
            instead: "test for empty first, or use a typed condition",
        })
    });
    open.collect()
}

/// A loop that breaks on success, and nothing behind it looks whether it did.
fn loops(bare: &str) -> Vec<Found> {
    let loops = LOOP.iter().flat_map(|pattern| pattern.find_iter(bare));
    let open = loops.filter(|found| {
        let rest = bare[found.end()..].trim_start();
        let next = rest.lines().next().unwrap_or_default();
        let looks = ["if ", "[", "test ", "exit", "false", "return"];
        let before = found.as_str().contains("exit ") || found.as_str().contains("return ");
        !before && !looks.iter().any(|word| next.starts_with(word))
    });
    open.map(|found| Found {
        at: found.range(),
        code: "loop-falls-through",
        weight: Fault,
        what: "the loop ends without what it waits for, and the script goes on".into(),
        instead: "use a ```toml verify fence with a timeout, or fail behind the loop",
    })
    .collect()
}

/// `[1/4]`, `[3/4]`: the numbers that are printed leave one out.
fn counts(bare: &str) -> Vec<Found> {
    let steps = STEP.iter().flat_map(|pattern| pattern.captures_iter(bare));
    let mut wanted = 1;
    for step in steps {
        let number = |n| step.get(n).and_then(|m| m.as_str().parse::<u32>().ok());
        let (Some(whole), Some(this), Some(all)) = (step.get(0), number(1), number(2)) else {
            continue;
        };
        if this != wanted || this > all {
            return vec![Found {
                at: whole.range(),
                code: "step-count",
                weight: Warning,
                what: format!("step {this} of {all} follows step {}", wanted - 1),
                instead: "make each a step of its own: they are counted by themselves",
            }];
        }
        wanted += 1;
    }
    Vec::new()
}

/// The same call of `date`, to the second, in two places.
fn dates(bare: &str) -> Vec<Found> {
    let stamps = STAMP.iter().flat_map(|pattern| pattern.find_iter(bare));
    let stamps: Vec<_> = stamps.collect();
    let second = stamps.iter().enumerate().find(|(n, stamp)| {
        stamps[..*n]
            .iter()
            .any(|before| before.as_str() == stamp.as_str())
    });
    let twice = second.map(|(_, stamp)| Found {
        at: stamp.range(),
        code: "date-twice",
        weight: Fault,
        what: "date is called a second time, and gives another name".into(),
        instead: "keep it in a variable",
    });
    // A log line may well be stamped anew: only names of files are meant.
    twice
        .filter(|found| {
            let line = bare[found.at.end..].lines().next().unwrap_or_default();
            line.starts_with('.') || line.starts_with('-') || line.starts_with('_')
        })
        .into_iter()
        .collect()
}
