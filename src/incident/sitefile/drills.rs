//! `[drills.NAME]`: what is drilled, and when it is due again.

use std::ops::Range;
use std::time::Duration;

use chrono::Month;

use super::super::drills::Kind;
use super::super::fault::nearest;
use super::super::names::DrillId;
use super::super::site::{Drill, Rhythm};
use super::super::strict::{Reader, Table};
use super::fields::{self, required, text};

/// More often than this nobody holds a drill.
const SHORTEST_EVERY: Duration = Duration::from_secs(86_400);

/// Months as they are written.
const MONTHS: [(&str, Month); 12] = [
    ("jan", Month::January),
    ("feb", Month::February),
    ("mar", Month::March),
    ("apr", Month::April),
    ("may", Month::May),
    ("jun", Month::June),
    ("jul", Month::July),
    ("aug", Month::August),
    ("sep", Month::September),
    ("oct", Month::October),
    ("nov", Month::November),
    ("dec", Month::December),
];

/// The schedule of drills.
pub(super) fn read(reader: &mut Reader<'_>, site: &mut Table) -> Vec<Drill> {
    let mut found = Vec::new();
    for (at, name, mut table) in site.named(reader, "drills", "drill") {
        fields::name(reader, &at, "drill", &name);
        found.extend(drill(reader, &at, name, &mut table));
        table.finish(reader);
    }
    found
}

fn drill(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    name: String,
    table: &mut Table,
) -> Option<Drill> {
    let what = required(
        reader,
        table,
        "what",
        "what = \"region-lost\", what = \"runbook:ID\" or words",
    );
    if !table.has("kind") {
        table.missing(reader, "kind", "kind = \"component-failover\"");
    }
    let kinds = Kind::ALL.map(|kind| (kind.word(), kind));
    let kind = table.choice(reader, "kind", &kinds);
    let rhythm = rhythm(reader, at, table);
    let live = table.flag(reader, "live").unwrap_or(false);
    if live && kind == Some(Kind::Tabletop) {
        let what = format!("{} is a tabletop, yet live", table.name);
        reader.fault(at, what, "take live out, or name another kind");
    }
    let takes = table.span(reader, "takes");
    let rto = table.span(reader, "rto");
    let owner = text(reader, table, "owner");
    Some(Drill {
        id: DrillId(name),
        what: what?,
        kind: kind?,
        rhythm: rhythm?,
        live,
        takes,
        rto,
        owner,
    })
}

/// An interval or named months: one of them.
fn rhythm(reader: &mut Reader<'_>, at: &Range<usize>, table: &mut Table) -> Option<Rhythm> {
    let given = (table.has("every"), table.has("months"));
    let every = every(reader, table);
    let months = months(reader, at, table);
    let one = "write every = \"30d\" or months = [\"feb\", \"aug\"]";
    match given {
        (true, true) => {
            let what = format!("{} has every and months", table.name);
            reader.fault(at, what, "take one out");
            None
        }
        (false, false) => {
            let what = format!("{} does not say when it is due", table.name);
            reader.fault(at, what, one);
            None
        }
        (true, false) => every.map(Rhythm::Every),
        (false, true) => months.map(Rhythm::Months),
    }
}

fn every(reader: &mut Reader<'_>, table: &mut Table) -> Option<Duration> {
    let (at, every) = fields::span_at(reader, table, "every")?;
    if every < SHORTEST_EVERY {
        let what = format!("{} comes again in less than a day", table.name);
        reader.fault(&at, what, "write every = \"7d\"");
        return None;
    }
    Some(every)
}

/// Months in the calendar's order; none when something is wrong with them, or none is named.
fn months(reader: &mut Reader<'_>, at: &Range<usize>, table: &mut Table) -> Option<Vec<Month>> {
    if !table.has("months") {
        table.know(&["months"]);
        return None;
    }
    let faults = reader.faults.len();
    let mut found = Vec::new();
    for (at, word) in table.texts(reader, "months") {
        match MONTHS.iter().find(|(name, _)| *name == word) {
            Some((_, month)) if found.contains(month) => {
                let what = format!("{}: {word} stands twice", table.name);
                reader.fault(&at, what, "take one out");
            }
            Some((_, month)) => found.push(*month),
            None => unknown_month(reader, &at, &table.name, &word),
        }
    }
    if found.is_empty() && reader.faults.len() == faults {
        let what = format!("{}: months names none", table.name);
        reader.fault(at, what, "write months = [\"feb\", \"aug\"]");
    }
    found.sort();
    (reader.faults.len() == faults).then_some(found)
}

fn unknown_month(reader: &mut Reader<'_>, at: &Range<usize>, owner: &str, word: &str) {
    let names = MONTHS.map(|(name, _)| name);
    // `february` and `Feb` mean what they say, and a file is written one way.
    let short: String = word.to_lowercase().chars().take(3).collect();
    let near = names.into_iter().find(|name| *name == short);
    let instead = match near.or_else(|| nearest(word, names)) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("write one of {}", names.join(", ")),
    };
    reader.fault(at, format!("{owner}: no month {word:?}"), instead);
}
