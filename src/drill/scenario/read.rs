//! Reads a scenario: TOML, strictly, all faults at once, onto [`Scenario`].
//!
//! Nothing is looked up or opened here. What can be wrong within one file is found; whether the steps it names stand in
//! their runbooks is found by whoever has the runbooks.

use std::ops::Range;

use super::{Event, Goal, Grade, Hands, Harmful, Inject, Kind, Scenario, Wiring};
use crate::incident::acts::read as acts;
use crate::incident::fault::{Fault, Source, Weight};
use crate::incident::names::{SeverityId, StepId};
use crate::incident::runbook::wrong_names;
use crate::incident::strict::{Reader, Table, Value};

use self::moves::Walks;
use self::names::Names;
use self::site::Played;

mod happening;
mod moves;
mod names;
mod site;
mod world;

/// The words for `kind`.
const KINDS: [(&str, Kind); 7] = [
    ("backup-restoration", Kind::BackupRestoration),
    ("component-failover", Kind::ComponentFailover),
    ("regional-failover", Kind::RegionalFailover),
    ("full-dr", Kind::FullDr),
    ("tabletop", Kind::Tabletop),
    ("secret-rotation", Kind::SecretRotation),
    ("cluster-rebuild", Kind::ClusterRebuild),
];

/// What an exercise, or a harmful order, may come to.
const GRADES: [(&str, Grade); 3] = [
    ("PASS", Grade::Pass),
    ("PARTIAL", Grade::Partial),
    ("FAIL", Grade::Fail),
];

/// Reads a scenario's text. `file` is its name for faults, `id` the file's stem.
///
/// The scenario is given when nothing but warnings was found.
pub fn parse(file: &str, id: &str, text: &str) -> (Option<Scenario>, Vec<Fault>) {
    let mut reader = Reader::new(Source::new(file, text));
    let table = reader.parse(0..text.len(), "the scenario");
    let unreadable = std::mem::take(&mut reader.faults);
    let scenario = scenario(&mut reader, table, id);
    let mut faults = reader.faults;
    // What the parser made of a line it could not read is no fault of its own.
    faults.retain(|fault| unreadable.iter().all(|other| other.line != fault.line));
    faults.extend(unreadable);
    faults.sort_by_key(|fault| (fault.line, fault.col));
    let usable = faults.iter().all(|fault| fault.weight == Weight::Warning);
    (scenario.filter(|_| usable), faults)
}

fn scenario(reader: &mut Reader<'_>, mut table: Table, id: &str) -> Option<Scenario> {
    let title = table.required_text(reader, "title", "title = \"Primary region lost\"");
    let summary = table.required_text(reader, "summary", "summary = \"One sentence.\"");
    let kind = required_choice(reader, &mut table, "kind", &KINDS);
    let played = site::read(reader, &mut table);
    let names = Names::of(played.as_ref().and_then(|played| played.site.as_ref()));
    let severity = severity(reader, &mut table, &names);
    let takes = required(reader, &mut table, "takes", "\"30m\"", Table::span);
    let briefing = required_texts(reader, &mut table, "briefing");
    let objectives = required_texts(reader, &mut table, "objectives");
    let rto = table.span(reader, "rto");
    let rpo = table.span(reader, "rpo");
    let usual = played.as_ref().map(|played| played.usual.clone());
    let wiring = world::read(reader, &mut table, &names, usual.unwrap_or_default());
    let runbooks = runbooks(reader, &mut table);
    let events = events(reader, &mut table, &names);
    let injects = injects(reader, &mut table, &names);
    let hands = hands(reader, &mut table, &names, &runbooks);
    let goals = goals(reader, &mut table, &names);
    let harmful = harmful(reader, &mut table);
    let debrief = texts(reader, &mut table, "debrief");
    let walks = Walks {
        names: &names,
        runbooks: &runbooks,
    };
    let solution = walks.solution(reader, &mut table);
    let losing = walks.losing(reader, &mut table);
    table.finish(reader);
    let Played { site, text, .. } = played?;
    Some(Scenario {
        id: id.to_owned(),
        title: title?,
        summary: summary?,
        kind: kind?,
        severity: severity?,
        takes: takes?,
        briefing,
        objectives,
        rto,
        rpo,
        site: site?,
        site_text: text,
        wiring,
        runbooks,
        events,
        injects,
        hands,
        goals,
        harmful,
        debrief,
        solution,
        losing,
    })
}

/// One of the given words, that must be there.
fn required_choice<T: Clone>(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    choices: &[(&str, T)],
) -> Option<T> {
    if !table.has(key) {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let example = format!("{key}, one of {}", words.join(", "));
        table.missing(reader, key, &example);
    }
    table.choice(reader, key, choices)
}

fn severity(reader: &mut Reader<'_>, table: &mut Table, names: &Names<'_>) -> Option<SeverityId> {
    if !table.has("severity") {
        table.missing(reader, "severity", "severity = \"SEV-1\"");
    }
    names.severity(reader, table, "severity")
}

fn texts(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Vec<String> {
    let found = table.texts(reader, key).into_iter();
    found.map(|(_, text)| text).collect()
}

fn required_texts(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Vec<String> {
    if !table.has(key) {
        table.missing(reader, key, &format!("{key} = [\"One sentence.\"]"));
    }
    texts(reader, table, key)
}

/// Runbooks by id, each once.
fn runbooks(reader: &mut Reader<'_>, table: &mut Table) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (at, id) in table.texts(reader, "runbooks") {
        if let Some(stem) = id.strip_suffix(".md") {
            let what = format!("runbooks names a file, {id}");
            reader.fault(&at, what, format!("write its id, {stem:?}"));
        }
        if found.contains(&id) {
            let what = format!("runbook {id} stands twice");
            reader.fault(&at, what, "take one out");
        }
        found.push(id);
    }
    found
}

fn events(reader: &mut Reader<'_>, table: &mut Table, names: &Names<'_>) -> Vec<Event> {
    let mut found = Vec::new();
    for mut event in table.tables(reader, "events", "event") {
        let at = required(reader, &mut event, "at", "\"2m\"", Table::span);
        let within = event.span(reader, "within").unwrap_or_default();
        let what = happening::read(reader, event, names);
        if let (Some(at), Some(what)) = (at, what) {
            found.push(Event { at, within, what });
        }
    }
    found
}

fn injects(reader: &mut Reader<'_>, table: &mut Table, names: &Names<'_>) -> Vec<Inject> {
    let mut found: Vec<Inject> = Vec::new();
    for mut inject in table.tables(reader, "injects", "inject") {
        let id_at = inject.key_at("id");
        let id = inject.required_text(reader, "id", "id = \"customer\"");
        if let Some(id) = id.as_ref().filter(|id| found.iter().any(|i| i.id == **id)) {
            let what = format!("inject {id} stands twice");
            reader.fault(&id_at, what, "give each its own id");
        }
        let title = inject.required_text(reader, "title", "title = \"A customer asks\"");
        let at = inject.span(reader, "at");
        let from = inject.text(reader, "from").unwrap_or_default();
        let says = inject.text(reader, "says").unwrap_or_default();
        if from.is_empty() != says.is_empty() {
            let what = "an inject that is read has both from and says";
            let example = "add from = \"Customer\" and says = \"…\", or take both out";
            reader.fault(&inject.at, what, example);
        }
        let what = happening::list(reader, &mut inject, names);
        if says.is_empty() && what.is_empty() {
            let what = "an inject that says nothing and does nothing";
            reader.fault(&inject.at, what, "add says = \"…\" or what = [{ … }]");
        }
        inject.finish(reader);
        if let (Some(id), Some(title)) = (id, title) {
            found.push(Inject {
                id,
                title,
                at,
                from,
                says,
                what,
            });
        }
    }
    found
}

fn hands(
    reader: &mut Reader<'_>,
    table: &mut Table,
    names: &Names<'_>,
    runbooks: &[String],
) -> Vec<Hands> {
    let mut found = Vec::new();
    for mut hands in table.tables(reader, "hands", "hands") {
        let runbook = hands.text_at(reader, "runbook");
        if let Some((at, id)) = &runbook {
            names::listed(reader, at, id, runbooks);
        }
        let step = step(reader, &mut hands, "step");
        let index_at = hands.key_at("index");
        let index = hands.integer::<usize>(reader, "index");
        if index == Some(0) {
            let what = "index is 0, and a step's actions and items count from 1";
            reader.fault(&index_at, what, "write 1 or more, or leave it out");
        }
        let takes = hands.span(reader, "takes");
        let prints = texts(reader, &mut hands, "prints");
        let fails = hands.flag(reader, "fails").unwrap_or(false);
        let what = happening::list(reader, &mut hands, names);
        if takes.is_none() && prints.is_empty() && !fails && what.is_empty() {
            let what = "hands that take, print and do nothing";
            reader.fault(&hands.at, what, "add what = [{ … }], or take it out");
        }
        hands.finish(reader);
        let Some(step) = step else { continue };
        found.push(Hands {
            runbook: runbook.map(|(_, id)| id),
            step,
            index,
            takes,
            prints,
            fails,
            what,
        });
    }
    found
}

/// A step's id that must be there, without the `#`.
fn step(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<StepId> {
    if !table.has(key) {
        table.missing(reader, key, &format!("{key} = \"promote\""));
    }
    let (at, id) = table.text_at(reader, key)?;
    names::step(reader, &at, key, id)
}

fn goals(reader: &mut Reader<'_>, table: &mut Table, names: &Names<'_>) -> Vec<Goal> {
    if !table.has("goals") {
        table.missing(reader, "goals", "[[goals]]: what must hold at the end");
    }
    let mut found = Vec::new();
    for mut goal in table.tables(reader, "goals", "goal") {
        let words =
            goal.required_text(reader, "words", "words = \"Writes are taken in us-west-2\"");
        if !goal.has("holds") {
            goal.missing(reader, "holds", "holds = { writable = \"pg-west\" }");
        }
        let holds = goal.table(reader, "holds", "holds").and_then(|holds| {
            let at = holds.at.clone();
            let condition = acts::condition(reader, holds)?;
            if let Some(site) = names.site {
                for wrong in wrong_names(&condition, site) {
                    let at = within(reader, &at, &wrong.name);
                    reader.fault(&at, wrong.what, wrong.instead);
                }
            }
            Some(condition)
        });
        goal.finish(reader);
        if let (Some(words), Some(holds)) = (words, holds) {
            found.push(Goal { words, holds });
        }
    }
    found
}

/// The place of a quoted name within a part of the file; the part's own when it is not there.
fn within(reader: &Reader<'_>, part: &Range<usize>, name: &str) -> Range<usize> {
    let text = reader.source.text.get(part.clone()).unwrap_or_default();
    let found = text.find(&format!("\"{name}\""));
    let start = part.start + found.unwrap_or_default();
    start..part.end
}

fn harmful(reader: &mut Reader<'_>, table: &mut Table) -> Vec<Harmful> {
    let mut found = Vec::new();
    for mut order in table.tables(reader, "harmful", "harmful order") {
        let words = order.required_text(
            reader,
            "words",
            "words = \"Traffic was moved before there was anything to answer it\"",
        );
        let first = step(reader, &mut order, "step");
        let before = order.text_at(reader, "before");
        let before = before.and_then(|(at, id)| names::step(reader, &at, "before", id));
        if first.is_some() && first == before {
            let what = "a step can't come before itself";
            reader.fault(&order.at, what, "name another step in before");
        }
        let makes_at = order.key_at("makes");
        let makes = required_choice(reader, &mut order, "makes", &GRADES);
        if makes == Some(Grade::Pass) {
            let what = "an order that makes a PASS does no harm";
            reader.fault(&makes_at, what, "write PARTIAL or FAIL");
        }
        order.finish(reader);
        let (Some(words), Some(step), Some(makes)) = (words, first, makes) else {
            continue;
        };
        found.push(Harmful {
            words,
            step,
            before,
            makes,
        });
    }
    found
}

/// The one key of a table that says what it is, and the keys that say so too.
fn only_one(
    reader: &mut Reader<'_>,
    table: &mut Table,
    words: &[&'static str],
    example: &str,
) -> Option<&'static str> {
    let found: Vec<&'static str> = words.iter().copied().filter(|w| table.has(w)).collect();
    match found.as_slice() {
        [one] => Some(one),
        [] => {
            // A slip of the pen is told by its own name.
            table.know(words);
            let what = format!("{} says nothing that is known", table.name);
            if table.keys().is_empty() {
                reader.fault(&table.at, what, format!("write one, such as {example}"));
            }
            None
        }
        [_, second, ..] => {
            let what = format!("{} says {}", table.name, found.join(" and "));
            reader.fault(&table.key_at(second), what, "keep one of them");
            for word in found {
                table.take(word);
            }
            None
        }
    }
}

/// A value that must be there.
fn required<T>(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
    read: fn(&mut Table, &mut Reader<'_>, &str) -> Option<T>,
) -> Option<T> {
    if !table.has(key) {
        table.missing(reader, key, &format!("{key} = {example}"));
    }
    read(table, reader, key)
}

/// A whole number of percent.
fn percent(table: &mut Table, reader: &mut Reader<'_>, key: &str) -> Option<u32> {
    let at = table.key_at(key);
    let share = table.integer::<u32>(reader, key)?;
    if share > 100 {
        let what = format!("{key} is {share}, of a hundred");
        reader.fault(&at, what, "write 0 to 100");
    }
    Some(share)
}

/// The value of an item as text, where it is one.
fn text_of(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

/// The wiring of a built-in site, from a text of its own, and what is wrong with it.
pub(super) fn wiring(file: &str, text: &str, site_text: &str) -> (Wiring, Vec<Fault>) {
    let (site, mut faults) = site::parse(file, site_text);
    let mut reader = Reader::new(Source::new(file, text));
    let table = reader.parse(0..text.len(), "the world");
    let names = Names::of(site.as_ref());
    let wiring = world::parts(&mut reader, table, &names, Wiring::default());
    faults.extend(reader.faults);
    (wiring, faults)
}
