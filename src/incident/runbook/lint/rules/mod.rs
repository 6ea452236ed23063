//! The linter's rules: each has a code, a weight, what is wrong, what to write instead, and why it matters.
//!
//! Most are a pattern over what would run, a line in one of the tables below; the rest are found by reading the runbook as a
//! whole, and only their codes and reasons stand here. A comment `warroom: allow CODE — reason` allows one on a line.

mod cloud;
mod gates;
mod leaks;
mod postgres;
mod runbooks;
mod shells;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use regex::{Regex, RegexSet};

use super::super::super::fault::Weight;

/// Something a pattern finds in what would run.
#[derive(Debug)]
pub(super) struct Rule {
    /// Its code, which stands behind its faults and in allowances.
    pub code: &'static str,
    /// How much it weighs.
    pub weight: Weight,
    /// What it is looked for in.
    pub over: Over,
    /// A regular expression.
    pub pattern: &'static str,
    /// Nothing is wrong where this is found, too.
    pub unless: Unless,
    /// What is wrong.
    pub what: &'static str,
    /// What to write instead.
    pub instead: &'static str,
}

/// What a rule's pattern is looked for in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// Shell scripts, their comments blanked and their continued lines joined.
    Shell,
    /// Shell scripts as they are written.
    Written,
    /// Shell scripts and SQL.
    Query,
    /// Everything that runs, requests by their head.
    Code,
    /// The file as a whole, prose too.
    File,
}

/// What excuses a match.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unless {
    /// Nothing does.
    Never,
    /// Found in the same command: its line, with those that continue it.
    Command(&'static str),
    /// Found anywhere in the same script.
    Script(&'static str),
    /// The fence names its target, `with=`, or this is found in the same command.
    Named(&'static str),
}

/// A rule's code with the reason for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    /// `endless-watch`
    pub code: &'static str,
    /// Why it matters, one sentence.
    pub why: &'static str,
}

const fn why(code: &'static str, why: &'static str) -> Explained {
    Explained { code, why }
}

/// Every table of patterns.
const TABLES: [&[Rule]; 5] = [
    &shells::RULES,
    &postgres::RULES,
    &cloud::RULES,
    &gates::RULES,
    &leaks::RULES,
];

/// Every code there is with its reason, by code.
pub fn codes() -> BTreeMap<&'static str, &'static str> {
    let all: [&[Explained]; 6] = [
        &shells::WHY,
        &postgres::WHY,
        &cloud::WHY,
        &gates::WHY,
        &leaks::WHY,
        &runbooks::WHY,
    ];
    let all = all.into_iter().flatten();
    all.map(|explained| (explained.code, explained.why))
        .collect()
}

/// The rules with their patterns compiled.
struct Compiled {
    rules: Vec<(&'static Rule, Regex, Option<Regex>)>,
    /// All patterns at once: most scripts break no rule.
    any: RegexSet,
}

static COMPILED: LazyLock<Compiled> = LazyLock::new(|| {
    let rules = TABLES.into_iter().flatten().filter_map(|rule| {
        let excuse = match rule.unless {
            Unless::Command(pattern) | Unless::Script(pattern) | Unless::Named(pattern) => {
                Regex::new(&ascii(pattern)).ok()
            }
            Unless::Never => None,
        };
        // A pattern that does not compile is caught by this file's tests.
        Some((rule, Regex::new(&ascii(rule.pattern)).ok()?, excuse))
    });
    let rules: Vec<_> = rules.collect();
    let patterns = rules.iter().map(|(rule, ..)| ascii(rule.pattern));
    let any = RegexSet::new(patterns).unwrap_or_default();
    Compiled { rules, any }
});

/// The words of a command are ASCII. Where Unicode says what ends a word, one dash in a file makes all of it slow to search.
fn ascii(pattern: &str) -> String {
    pattern.replace(r"\b", r"(?-u:\b)")
}

/// Where rules over one of `over` are broken in `text`, and which; `with` when the fence names its target.
pub(super) fn broken(text: &str, over: &[Over], with: bool) -> Vec<(Range<usize>, &'static Rule)> {
    let Compiled { rules, any } = &*COMPILED;
    let mut found = Vec::new();
    for n in any.matches(text) {
        let Some((rule, pattern, excuse)) =
            rules.get(n).filter(|(rule, ..)| over.contains(&rule.over))
        else {
            continue;
        };
        // A pattern that needs what stands around marks what is wrong as its group.
        let matches = pattern
            .captures_iter(text)
            .filter_map(|found| Some(found.get(1).or(found.get(0))?.range()));
        let excused = |at: &Range<usize>| match (rule.unless, excuse) {
            (Unless::Named(_), _) if with => true,
            (Unless::Script(_), Some(excuse)) => excuse.is_match(text),
            (Unless::Command(_) | Unless::Named(_), Some(excuse)) => {
                excuse.is_match(command(text, at))
            }
            _ => false,
        };
        found.extend(
            matches
                .filter(|at| !excused(at))
                .map(|at| (trimmed(text, at), *rule)),
        );
    }
    found
}

/// The lines a match touches.
fn command<'t>(text: &'t str, at: &Range<usize>) -> &'t str {
    let start = text[..at.start].rfind('\n').map_or(0, |n| n + 1);
    // A pattern may begin with the line break before what it finds.
    let inner = at.end.saturating_sub(1).max(at.start);
    let inner = (inner..=at.end)
        .find(|n| text.is_char_boundary(*n))
        .unwrap_or(at.end);
    let end = text[inner..].find('\n').map_or(text.len(), |n| inner + n);
    &text[start..end.max(start)]
}

/// A pattern may begin with the space before what it finds.
fn trimmed(text: &str, at: Range<usize>) -> Range<usize> {
    let start = at.end - text[at.clone()].trim_start().len();
    start..at.end
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pattern_compiles_and_every_code_has_a_reason() {
        let all: Vec<&Rule> = TABLES.into_iter().flatten().collect();
        assert_eq!(COMPILED.rules.len(), all.len());
        assert_eq!(COMPILED.any.len(), all.len());
        let codes = codes();
        for rule in all {
            if let Unless::Command(pattern) | Unless::Script(pattern) | Unless::Named(pattern) =
                rule.unless
            {
                Regex::new(pattern).unwrap_or_else(|why| panic!("{}: {why}", rule.code));
            }
            assert!(codes.contains_key(rule.code), "{} has no reason", rule.code);
        }
        for (code, why) in codes {
            assert!(why.ends_with('.') && why.len() > 30, "{code}: {why}");
        }
    }

    #[test]
    fn every_pattern_is_broken_by_the_file_of_its_code() {
        for (rule, pattern, _) in &COMPILED.rules {
            let file = format!("{}/tests/lint/{}.md", env!("CARGO_MANIFEST_DIR"), rule.code);
            let text = std::fs::read_to_string(&file).unwrap();
            let text = match rule.over {
                Over::Written | Over::File => text,
                _ => super::super::commands::bare(&text),
            };
            let scripts = text.split("```").any(|part| {
                let code = part.split_once('\n').map_or("", |(_, code)| code);
                pattern.is_match(code) || rule.over == Over::File && pattern.is_match(part)
            });
            assert!(scripts, "{file} breaks nothing of {}", rule.pattern);
        }
    }

    #[test]
    fn no_code_is_explained_twice() {
        let all: [&[Explained]; 6] = [
            &shells::WHY,
            &postgres::WHY,
            &cloud::WHY,
            &gates::WHY,
            &leaks::WHY,
            &runbooks::WHY,
        ];
        let mut seen = BTreeSet::new();
        for explained in all.into_iter().flatten() {
            assert!(seen.insert(explained.code), "{} twice", explained.code);
        }
    }

    #[test]
    fn what_excuses_is_looked_for_in_the_command_or_in_the_script() {
        let broken = |text: &str| -> Vec<&str> {
            let found = broken(text, &[Over::Shell], false);
            found.into_iter().map(|(_, rule)| rule.code).collect()
        };
        assert_eq!(
            broken("curl --max-time 5 http://x\ncurl --fail http://y"),
            ["no-timeout", "curl-fail"]
        );
        assert_eq!(
            broken("aws ecs update-service --service a\n"),
            ["ecs-not-awaited"]
        );
        let awaited =
            "aws ecs update-service --service a\naws ecs wait services-stable --services a\n";
        assert_eq!(broken(awaited), Vec::<&str>::new());
    }
}
