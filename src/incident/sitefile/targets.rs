//! `[targets.NAME]`: what can be looked at and acted upon, by system.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::super::fault::nearest;
use super::super::measure::Span;
use super::super::names::{RegionId, TargetId};
use super::super::runbook::System;
use super::super::site::{Endpoint, Fence, Target};
use super::super::strict::{Reader, Table, Value};
use super::defaults;
use super::endpoints;
use super::fields::{self, Folder};

/// Less is a load on what is being looked at.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(100);

/// Reads one target; `regions` are the names the site knows.
pub(super) fn read(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    name_at: &Range<usize>,
    name: &str,
    mut table: Table,
    regions: &[String],
) -> Option<Target> {
    fields::name(reader, name_at, "target", name);
    let region = table.text_at(reader, "region").map(|(at, region)| {
        if !regions.contains(&region) {
            fields::unknown(
                reader,
                &at,
                &table.name,
                "region",
                &region,
                regions.iter().map(String::as_str),
            );
        }
        RegionId(region)
    });
    let system = system(reader, &mut table);
    let pace = defaults::pace(system);
    let interval = interval(reader, &mut table, pace.interval);
    let timeout = timeout(reader, &mut table, interval, pace.timeout);
    let failures = failures(reader, &mut table);
    let env = env(reader, folder, &mut table);
    let drill = table.flag(reader, "drill").unwrap_or(false);
    let system = system?;
    let fence = fence(reader, folder, &mut table, system);
    let endpoint: Option<Endpoint> = endpoints::read(reader, folder, &mut table, system);
    table.finish(reader);
    Some(Target {
        id: TargetId::from(name),
        region,
        endpoint: endpoint?,
        interval,
        timeout,
        failures,
        fence,
        env,
        drill,
    })
}

/// The system's word. Without one nothing more is read of the target: no key of it could be called unknown.
pub(super) fn system(reader: &mut Reader<'_>, table: &mut Table) -> Option<System> {
    if !table.has("system") {
        table.missing(
            reader,
            "system",
            &format!("system = \"postgres\", or one of {}", systems().join(", ")),
        );
        return None;
    }
    let (at, word) = table.text_at(reader, "system")?;
    let known = System::named(&word);
    if known.is_none() {
        let instead = match nearest(&word, systems()) {
            Some(near) => format!("did you mean {near}?"),
            None => format!("write one of {}", systems().join(", ")),
        };
        reader.fault(&at, format!("{}: no system {word:?}", table.name), instead);
    }
    known
}

/// The words for `system`.
fn systems() -> [&'static str; System::ALL.len()] {
    System::ALL.map(System::word)
}

fn interval(reader: &mut Reader<'_>, table: &mut Table, default: Duration) -> Duration {
    match fields::span_at(reader, table, "interval") {
        None => default,
        Some((at, interval)) if interval < SHORTEST_INTERVAL => {
            let what = format!("{}: interval is {}", table.name, Span(interval));
            reader.fault(&at, what, "write 100ms or more: a probe is a load too");
            default
        }
        Some((_, interval)) => interval,
    }
}

fn timeout(
    reader: &mut Reader<'_>,
    table: &mut Table,
    interval: Duration,
    default: Duration,
) -> Duration {
    let most = interval.saturating_mul(10);
    let default = default.min(most);
    let Some((at, timeout)) = fields::span_at(reader, table, "timeout") else {
        return default;
    };
    let owner = &table.name;
    if timeout.is_zero() {
        let what = format!("{owner}: timeout is {}", Span(timeout));
        reader.fault(&at, what, "write 1s or more: no probe ends in no time");
        return default;
    }
    if timeout > most {
        let (timeout, interval) = (Span(timeout), Span(interval));
        let what = format!("{owner}: timeout {timeout} is over ten intervals of {interval}");
        reader.fault(&at, what, "write less, or probe less often");
        return default;
    }
    timeout
}

fn failures(reader: &mut Reader<'_>, table: &mut Table) -> u32 {
    let at = table.at.clone();
    match table.integer::<u32>(reader, "failures") {
        Some(0) => {
            reader.fault(
                &at,
                format!("{}: failures is 0", table.name),
                "write 1 or more: failures in a row that make it red",
            );
            defaults::FAILURES
        }
        given => given.unwrap_or(defaults::FAILURES),
    }
}

/// Variables for the programs of `sh` fences. They stand in the site file, so they hold no secret; and none that changes
/// which program runs.
fn env(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
) -> BTreeMap<String, String> {
    let name = format!("env of {}", table.name);
    let mut found = BTreeMap::new();
    let Some(mut env) = table.table(reader, "env", &name) else {
        return found;
    };
    for item in env.take_all() {
        let Value::Text(value) = item.value else {
            reader.fault(
                &item.at,
                format!("{name}: {} is no text", item.key),
                "write text in quotes",
            );
            continue;
        };
        let key = item.key;
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let dangerous = matches!(
            key.as_str(),
            "PATH" | "BASH_ENV" | "ENV" | "IFS" | "SHELLOPTS"
        ) || key.starts_with("LD_");
        if !key.chars().all(word) || key.starts_with(|c: char| c.is_ascii_digit()) {
            reader.fault(
                &item.key_at,
                format!("{name}: {key:?} is no name of a variable"),
                "use letters, digits and _",
            );
        } else if dangerous {
            reader.fault(
                &item.key_at,
                format!("{name}: {key} decides which programs run"),
                "take it out",
            );
        } else if folder.is_secret(&key, &value) {
            reader.fault(
                &item.key_at,
                format!("{name}: {key} holds a secret in plain text"),
                "take it out, give the target's password by reference, and change it",
            );
        }
        found.insert(key, value);
    }
    found
}

fn fence(
    reader: &mut Reader<'_>,
    folder: &Folder<'_>,
    table: &mut Table,
    system: System,
) -> Option<Fence> {
    let name = format!("fence of {}", table.name);
    let mut fence = table.table(reader, "fence", &name)?;
    if !matches!(system, System::Postgres | System::Redis) {
        reader.fault(
            &fence.at,
            format!("{}: {system} can't be fenced", table.name),
            "fence the postgres or redis target behind it",
        );
    }
    for (key, example) in [
        (
            "run",
            "run = [\"PROGRAM\"]: it stops the server and disables its start",
        ),
        (
            "proof",
            "proof = [\"PROGRAM\"]: it exits 0 only when the server is stopped and can't start",
        ),
    ] {
        if !fence.has(key) {
            fence.missing(reader, key, example);
        }
    }
    let run = folder.argv(reader, &mut fence, "run");
    let proof = folder.argv(reader, &mut fence, "proof");
    let undo = folder.argv(reader, &mut fence, "undo");
    fence.finish(reader);
    Some(Fence {
        run: run?,
        proof: proof?,
        undo,
    })
}
