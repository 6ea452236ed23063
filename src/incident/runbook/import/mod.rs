//! From a runbook that somebody has to a draft in our format.
//!
//! The text stays as it is, word for word; what is added is what a person would have to write by hand: ids, cards, variables,
//! a step for each numbered comment of a long script and for each item of a list of commands. No command is invented. Every guess is marked, and so is every fault that
//! `warroom check` finds, so that the draft passes but for its marks.

mod edit;
mod guess;
mod lists;
mod marks;
mod reads;
mod split;
mod steps;

use std::collections::{BTreeMap, BTreeSet};

use super::super::fault::{Fault, Source, Weight};
use super::super::names::RunbookId;
use super::attributes::words;
use super::fence::{has_executor, is_ours};
use super::outline::{Content, Fence, Section, front_matter, newlines, outline};
use super::parse::read;
use super::{Runbook, Step};
use edit::Edits;

/// What a mark of an import begins with: a guess, or a fault, that nobody has looked at yet.
pub const REVIEW: &str = "warroom: review";

/// A draft of a plain runbook.
///
/// # Errors
/// Why none is made: the file is in our format already, or can't be read.
pub fn draft(file: &str, text: &str, id: RunbookId) -> Result<String, String> {
    // A byte order mark would stand in the way of the card.
    let bare = text.trim_start_matches('\u{feff}');
    let text = newlines(bare.to_owned());
    let sections = outline(&text);
    // What a line that ends in a carriage return alone belongs to is only known as it stands.
    let as_it_stands = if text == bare {
        Vec::new()
    } else {
        outline(bare)
    };
    if sections
        .iter()
        .chain(&as_it_stands)
        .any(|s| s.holds(is_ours))
    {
        return Err(format!(
            "{file}: it has cards or roles already — warroom check {file}"
        ));
    }
    let parted = lists::parted(&text, &sections);
    let (text, sections) = parted.unwrap_or((text, sections));
    let text = text.as_str();
    let (runbook, _) = read(file, text, id.clone());
    let source = Source::new(file, text);
    let mut edits = Edits::default();
    let actions = runbook.steps.iter().flat_map(Step::all_actions);
    let run: BTreeSet<usize> = actions.map(|action| action.line).collect();
    for fence in sections.iter().flat_map(fences) {
        // What is not run stays what it was: a card would ask it for a server, or for its end.
        let (words, _) = words(fence);
        let Some(language) = words.first().filter(|word| has_executor(&word.key)) else {
            continue;
        };
        let shown = words.get(1).is_some_and(|word| word.key == "show");
        if !shown && !run.contains(&source.place(fence.at.start).0) {
            edits.insert(language.at.end, " show");
            unserved(&mut edits, text, fence, &language.key);
        }
    }
    ids_once(&mut edits, &source, &sections, &runbook);
    let variables = steps::steps(&mut edits, &source, &sections, &runbook);
    let cut = edits.apply(text);
    // What the steps use and nobody sets is only known once constants have become variables.
    let (as_cut, _) = read(file, &cut, id.clone());
    let card = guess::card(&as_cut, &variables, several(&runbook));
    let carded = with_card(&cut, &card);
    let draft = reviewed(file, carded, &id);
    match super::parse(file, &draft, id) {
        (Some(_), _) => Ok(draft),
        (None, faults) => Err(first(file, text, &faults)),
    }
}

/// With a mark for every fault. A mark may end a paragraph or a comment that was left open, and then what stands behind it is read
/// for the first time: it is looked at again, a few times at most.
fn reviewed(file: &str, text: String, id: &RunbookId) -> String {
    const LOOKS: usize = 4;
    let mut draft = text;
    let mut known = Vec::new();
    for _ in 0..LOOKS {
        match marks::marked(file, &draft, id) {
            // More marks for the same would help nobody.
            Some((marked, found)) if found != known => (draft, known) = (marked, found),
            _ => break,
        }
    }
    draft
}

/// A mark above a statement that is shown only because it names no server.
fn unserved(edits: &mut Edits, text: &str, fence: &Fence, language: &str) {
    let at = text[..fence.info_at.start].rfind('\n').map_or(0, |n| n + 1);
    let line = &text[at..fence.info_at.start];
    let indent = &line[..line.len() - line.trim_start().len()];
    // In a quote it would end the quote.
    let free = line[indent.len()..].starts_with(['`', '~']);
    if free && matches!(language, "sql" | "redis") {
        let words =
            "guessed: shown and not run, as it names no server; say on=TARGET instead of show";
        edits.insert(at, format!("{indent}{}", guess::mark(words)));
    }
}

/// Of ids that stand twice one is kept, the step's that is known by it, else the first: another step gets the one it is known
/// by, any other heading loses its own.
fn ids_once(edits: &mut Edits, source: &Source<'_>, sections: &[Section], runbook: &Runbook) {
    let steps: BTreeMap<usize, &Step> = runbook.steps.iter().map(|s| (s.line, s)).collect();
    let mut owners: BTreeSet<&str> = runbook.steps.iter().map(|s| s.id.as_str()).collect();
    for section in sections {
        let Some(id) = &section.id else { continue };
        let step = steps.get(&source.place(section.at.start).0);
        let known_by_it = step.is_some_and(|step| step.id.as_str() == id);
        if known_by_it || owners.insert(id) {
            continue;
        }
        let written = format!("{{#{id}}}");
        let Some(at) = source.text[section.at.clone()].rfind(&written) else {
            continue;
        };
        let at = section.at.start + at;
        let new = step.map_or(String::new(), |step| format!("{{#{}}}", step.id));
        edits.replace(at..at + written.len(), new);
    }
}

/// The file holds several procedures: sections of their own, each with steps.
fn several(runbook: &Runbook) -> bool {
    let mut tops: Vec<&str> = runbook.steps.iter().filter_map(top).collect();
    tops.dedup();
    tops.len() > 1
}

fn top(step: &Step) -> Option<&str> {
    step.phase.first().map(String::as_str)
}

/// The card stands below the title, else below the front matter, else first.
fn with_card(text: &str, card: &str) -> String {
    let sections = outline(text);
    let title = sections.iter().find(|section| section.level == 1);
    let front = || front_matter(text);
    let at = title.map_or_else(front, |title| title.at.end);
    let (before, after) = text.split_at(at.min(text.len()));
    let gap = if before.is_empty() || before.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{before}{gap}\n{card}\n{}", after.trim_start_matches('\n'))
}

/// Why there is no draft. A comment that is never closed ends in the first mark, and what stood in it is read.
fn first(file: &str, text: &str, faults: &[Fault]) -> String {
    if text.rfind("<!--") > text.rfind("-->") {
        return format!(
            "{file}: no draft can be made — a comment is never closed: end it with -->"
        );
    }
    let grave = faults.iter().find(|fault| fault.weight == Weight::Fault);
    let why = grave.map_or("it holds no runbook".into(), ToString::to_string);
    format!("{file}: no draft can be made — {why}")
}

/// Every fence of a section, those in its items too, in the file's order.
fn fences(section: &Section) -> Vec<&Fence> {
    fn of<'s>(content: &'s [Content], out: &mut Vec<&'s Fence>) {
        for content in content {
            match content {
                Content::Fence(fence) => out.push(fence),
                Content::Item(item) => of(&item.content, out),
                Content::Prose(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    of(&section.content, &mut found);
    found.sort_by_key(|fence| fence.info_at.start);
    found
}

#[cfg(test)]
mod tests;
