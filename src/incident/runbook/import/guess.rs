//! What a draft's cards say, guessed from the text: dangers from commands, durations and roles from prose, variables from what
//! scripts use and nobody sets.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use super::super::ids::variable_name;
use super::super::lint::{bare, destructive_command, unset};
use super::super::{Block, Danger, Runbook, Step};
use super::REVIEW;
use super::reads::only_reads;

/// `Estimated Recovery Time: 15-45 minutes`, `takes about 5 min`: a number or two with their unit.
static DURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:estimated?|expected|duration|recovery time|takes|time to \w+)\b[^\n.]{0,40}?(\d+)\s*(?:(?:-|–|to)\s*(\d+)\s*)?(s|secs?|seconds?|m|mins?|minutes?|h|hours?)\b").ok()
});
/// `Run by: Database Admin`
static ROLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:run by|performed by|executed by|done by|responsible|role)\s*:\s*([A-Za-z][\w /&-]{1,38}\w)").ok()
});
/// `Owner: Platform`
static OWNER: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\bowner\s*:\s*([A-Za-z][\w /&-]{1,38}\w)").ok());
static SECRET: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)password|passwd|secret|token|api_?key|credential|_url$|_dsn$|encryption_key")
        .ok()
});

/// `Rollback`, `4. Roll back the migration`, `Back-out plan`
static WAY_BACK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)^(?:\W|\d|step\b)*(?:roll(?:ing)?[ -]?back|back(?:ing)?[ -]?out|undo|revert)\b",
    )
    .ok()
});

/// A mark on a step that seems to undo the ones before it: as a step it is offered behind them like any other.
pub(super) fn way_back(title: &str) -> Option<String> {
    let words = "guessed: a way back, which stands here as the next step; \
        make its commands the rollback fences of what they undo, or lead past it with next";
    let found = WAY_BACK.as_ref()?.is_match(title);
    found.then(|| mark(words))
}

/// How dangerous a script seems, and by what.
pub(super) fn danger(script: &str) -> (Danger, String) {
    match destructive_command(script) {
        Some(found) => (
            Danger::Destructive,
            format!("danger from {:?}", found.trim()),
        ),
        None if only_reads(&bare(script)) => (Danger::None, "it only looks".to_owned()),
        None => (Danger::Change, "it changes something".to_owned()),
    }
}

/// A step card, with a mark above it that says what was guessed; nothing when there is nothing to say.
pub(super) fn step_card(danger: Option<(Danger, String)>, why: &[Block], whole: bool) -> String {
    let text = prose(why);
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut guessed = Vec::new();
    if let Some((danger, reason)) = danger {
        rows.push(("danger", format!("\"{danger}\"")));
        if danger == Danger::Change {
            // As the plain file asks: a guess makes nothing easier to confirm.
            rows.push(("confirm", "\"run\"".to_owned()));
        }
        guessed.push(reason);
    }
    if let Some((span, words)) = duration(&text).filter(|_| whole) {
        rows.push(("estimate", format!("\"{span}\"")));
        guessed.push(format!("estimate from {words:?}"));
    }
    if let Some(role) = first(&ROLE, &text) {
        rows.push(("role", format!("{role:?}")));
        guessed.push("role from the text".to_owned());
    }
    if rows.is_empty() {
        return String::new();
    }
    let width = rows.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    let mut card = mark(&format!("guessed: {}", guessed.join(", ")));
    card.push_str("```toml step\n");
    for (key, value) in rows {
        let _ = writeln!(card, "{key:<width$} = {value}");
    }
    card.push_str("```\n");
    card
}

/// A mark of a guess, on a line of its own.
pub(super) fn mark(words: &str) -> String {
    // What stands in a comment may not end it.
    format!("<!-- {REVIEW} — {} -->\n", words.replace("--", "- -"))
}

/// The runbook card: what it is for, its owner, and its variables.
pub(super) fn card(runbook: &Runbook, constants: &[(String, String)], several: bool) -> String {
    let text = prose(&runbook.intro);
    let summary = sentence(&text).unwrap_or_else(|| runbook.title.clone());
    let mut card = mark(
        "guessed: the card, from the text; say which severities it is for, and how often it is drilled",
    );
    let _ = writeln!(card, "```toml runbook\nsummary = {}", quoted(&summary));
    if let Some(owner) = first(&OWNER, &text) {
        let _ = writeln!(card, "owner   = {}", quoted(&owner));
    }
    if several {
        card.push_str("several = true\n");
    }
    for (name, value) in variables(runbook, constants) {
        let secret = SECRET.as_ref().is_some_and(|secret| secret.is_match(&name));
        let _ = writeln!(
            card,
            "\n[vars.{name}]\nprompt = {}",
            quoted(&name.replace('_', " ").to_lowercase())
        );
        match value {
            Some(value) if !secret => {
                let _ = writeln!(card, "default = {}", quoted(&value));
            }
            _ if secret => card.push_str("secret = true\n"),
            _ => {}
        }
    }
    card.push_str("```\n");
    card
}

/// Constants of scripts with their values, and what is used and never set.
fn variables(
    runbook: &Runbook,
    constants: &[(String, String)],
) -> BTreeMap<String, Option<String>> {
    let mut values: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for (name, value) in constants {
        values.entry(name.clone()).or_default().insert(value);
    }
    let mut variables: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (_, name) in unset(runbook, None) {
        if variable_name(&name).is_ok() {
            variables.insert(name, None);
        }
    }
    for (name, values) in values {
        // Two scripts that do not agree leave it to whoever runs it.
        let one = values.first().filter(|_| values.len() == 1);
        variables.insert(name, one.map(|value| (*value).to_owned()));
    }
    variables
}

/// The prose of a step or an introduction as one text.
fn prose(blocks: &[Block]) -> String {
    let texts = blocks.iter().map(|block| match block {
        Block::Text(text)
        | Block::Item(_, text)
        | Block::Quote(text)
        | Block::Admonition(_, text) => text.as_str(),
        Block::Code(..) | Block::Row(_) => "",
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The upper end of a duration in prose, `45m`, and the words it was found in.
fn duration(text: &str) -> Option<(String, String)> {
    let found = DURATION.as_ref()?.captures(text)?;
    let number = found
        .get(2)
        .or(found.get(1))?
        .as_str()
        .trim_start_matches('0');
    let unit = found.get(3)?.as_str().chars().next()?.to_ascii_lowercase();
    (!number.is_empty() && number.len() < 6)
        .then(|| (format!("{number}{unit}"), found[0].to_owned()))
}

fn first(pattern: &Option<Regex>, text: &str) -> Option<String> {
    let found = pattern.as_ref()?.captures(text)?;
    Some(found.get(1)?.as_str().trim().to_owned())
}

/// The first sentence of a text, when it is one.
fn sentence(text: &str) -> Option<String> {
    let line = text
        .lines()
        .map(str::trim)
        .find(|line| line.ends_with('.') || line.contains(". "))?;
    let end = line.find(". ").map_or(line.len(), |at| at + 1);
    (12..=160).contains(&end).then(|| line[..end].to_owned())
}

/// A text as TOML writes it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// How dangerous a step's own scripts are at worst, with the reason; none when it runs none.
pub(super) fn worst(step: &Step, scripts: &[&str]) -> Option<(Danger, String)> {
    let dangers = scripts.iter().map(|script| danger(script));
    dangers
        .max_by_key(|(danger, _)| *danger)
        .filter(|_| !step.parts.is_empty())
}
