//! Acts of no system: waiting, and another runbook's steps.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::runbook::variable_name;
use super::super::strict::{Reader, Table, Value};
use super::{SubRunbook, Wait, read};

/// Reads `wait = { for = … }` and `wait = { until = … }`; faults go to the reader.
pub(super) fn wait(reader: &mut Reader<'_>, card: &mut Table) -> Option<Wait> {
    let mut table = card.table(reader, "wait", "wait")?;
    let both = table.has("for") && table.has("until");
    if both || !(table.has("for") || table.has("until")) {
        let what = "wait takes one of for and until";
        reader.fault(&table.at, what, "write wait = { for = \"30s\" }");
    }
    let span = table.span(reader, "for").map(Wait::For);
    let until = match table.take("until") {
        Some(item) => match item.value {
            Value::Table(mut inner) => {
                inner.name = "wait until".into();
                read::condition(reader, inner).map(|c| Wait::UntilHolds(Box::new(c)))
            }
            Value::Text(text) | Value::Date(text) => instant(reader, &item.at, &text),
            _ => instant(reader, &item.at, "this"),
        },
        None => None,
    };
    table.finish(reader);
    if both { None } else { span.or(until) }
}

fn instant(reader: &mut Reader<'_>, at: &Range<usize>, text: &str) -> Option<Wait> {
    let read = text.parse().map(Wait::Until);
    if read.is_err() {
        let what = format!("until: {text:?} is not an instant");
        let example = "write until = \"2026-11-21T14:00:00Z\" or a condition, until = { writable = \"pg-west\" }";
        reader.fault(at, what, example);
    }
    read.ok()
}

/// Reads `runbook = { file = …, vars = { … } }`; faults go to the reader.
pub(super) fn sub_runbook(reader: &mut Reader<'_>, card: &mut Table) -> Option<SubRunbook> {
    let mut table = card.table(reader, "runbook", "runbook")?;
    let example = "file = \"restore.md\"";
    if !table.has("file") {
        table.missing(reader, "file", example);
    }
    let file = table.read(reader, "file", |file| {
        match file.ends_with(".md") && !file.contains(['/', '\\', '$']) {
            true => Ok(file.to_owned()),
            false => Err(format!(
                "{file:?} is not the name of a runbook's file, such as restore.md, without a folder"
            )),
        }
    });
    let mut vars = BTreeMap::new();
    if let Some(mut given) = table.table(reader, "vars", "vars") {
        for name in given.keys() {
            if let Err(why) = variable_name(&name) {
                reader.fault(&given.key_at(&name), why, "");
            }
            if let Some(value) = read::value(reader, &mut given, &name) {
                vars.insert(name, value);
            }
        }
        given.finish(reader);
    }
    table.finish(reader);
    Some(SubRunbook { file: file?, vars })
}
