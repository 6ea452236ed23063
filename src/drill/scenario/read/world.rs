//! `[world]`: how the parts of the simulated site hang together. On a built-in site its usual wiring holds, and a scenario
//! writes only what differs.

use std::ops::Range;

use crate::incident::names::TargetId;
use crate::incident::strict::{Reader, Table, Value};

use super::super::{MaybeClient, Record, Service, Wiring, Workload};
use super::names::{ANY, ENDPOINT, Names, RECORD, WORKLOAD};
use super::{required, text_of};

/// Reads `[world]` of a scenario over what is usual on its site.
pub(super) fn read(
    reader: &mut Reader<'_>,
    scenario: &mut Table,
    names: &Names<'_>,
    usual: Wiring,
) -> Wiring {
    match scenario.table(reader, "world", "world") {
        Some(table) => parts(reader, table, names, usual),
        None => {
            if usual == Wiring::default() && names.site.is_some() {
                let example = "[world], and [world.services.NAME]: what each endpoint needs";
                scenario.missing(reader, "world", example);
            }
            usual
        }
    }
}

/// Reads the keys of `[world]`: what is written replaces what was usual.
pub(super) fn parts(
    reader: &mut Reader<'_>,
    mut table: Table,
    names: &Names<'_>,
    usual: Wiring,
) -> Wiring {
    let mut wiring = usual;
    set(&mut wiring.rps, table.integer(reader, "rps"));
    set(
        &mut wiring.per_replica,
        table.integer(reader, "per_replica"),
    );
    set(
        &mut wiring.replica_start,
        table.span(reader, "replica_start"),
    );
    set(&mut wiring.wal_rate, table.bytes(reader, "wal_rate"));
    set(&mut wiring.usual_lag, table.span(reader, "usual_lag"));
    for (at, name, table) in table.named(reader, "services", "service") {
        let service = service(reader, &at, &name, table, names);
        replace(&mut wiring.services, service, |one| &one.target);
    }
    for (at, name, table) in table.named(reader, "workloads", "workload") {
        let workload = workload(reader, &at, &name, table, names);
        replace(&mut wiring.workloads, workload, |one| &one.target);
    }
    for (at, name, table) in table.named(reader, "records", "record") {
        let record = record(reader, &at, &name, table, names);
        replace(&mut wiring.records, record, |one| &one.target);
    }
    for (at, name, table) in table.named(reader, "backups", "backup") {
        let made = made(reader, &at, &name, table, names);
        replace(&mut wiring.backups, made, |one| &one.target);
    }
    table.finish(reader);
    wiring
}

fn set<T>(field: &mut T, written: Option<T>) {
    if let Some(written) = written {
        *field = written;
    }
}

/// Puts `one` where the one of its name was, else at the end.
fn replace<T, K: PartialEq>(all: &mut Vec<T>, one: Option<T>, key: fn(&T) -> &K) {
    let Some(one) = one else { return };
    match all.iter().position(|other| key(other) == key(&one)) {
        Some(place) => all[place] = one,
        None => all.push(one),
    }
}

fn service(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    name: &str,
    mut table: Table,
    names: &Names<'_>,
) -> Option<Service> {
    let owner = table.name.clone();
    let target = names.target_at(reader, at, &owner, name, ENDPOINT);
    let workload = names.may_target(reader, &mut table, "workload", WORKLOAD);
    let needs = needs(reader, &mut table, names);
    let record = names.may_target(reader, &mut table, "record", RECORD);
    let public = table.flag(reader, "public").unwrap_or(false);
    if public && record.is_none() {
        table.missing(
            reader,
            "record",
            "record = \"public\": where its name leads",
        );
    }
    table.finish(reader);
    Some(Service {
        target: target?,
        workload,
        needs,
        record,
        public,
    })
}

/// `needs = [["pg-east", "pg-west"], "redis"]`: one of each.
fn needs(reader: &mut Reader<'_>, table: &mut Table, names: &Names<'_>) -> Vec<Vec<TargetId>> {
    let owner = table.name.clone();
    let Some(item) = table.take("needs") else {
        return Vec::new();
    };
    let all = match item.value {
        Value::List(all) => all,
        one => vec![(item.at, one)],
    };
    let mut found = Vec::new();
    for (at, value) in all {
        let of = match value {
            Value::List(of) => of,
            one => vec![(at, one)],
        };
        let one_of = of.iter().filter_map(|(at, value)| match text_of(value) {
            Some(name) => names.target_at(reader, at, &owner, name, ANY),
            None => {
                let example = "write targets, [[\"pg-east\", \"pg-west\"], \"redis-east\"]";
                reader.fault(at, format!("{owner}: needs holds no name"), example);
                None
            }
        });
        found.push(one_of.collect());
    }
    found
}

fn workload(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    name: &str,
    mut table: Table,
    names: &Names<'_>,
) -> Option<Workload> {
    let owner = table.name.clone();
    let target = names.target_at(reader, at, &owner, name, WORKLOAD);
    let replicas = required(reader, &mut table, "replicas", "10", Table::integer);
    table.finish(reader);
    Some(Workload {
        target: target?,
        replicas: replicas?,
    })
}

fn record(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    name: &str,
    mut table: Table,
    names: &Names<'_>,
) -> Option<Record> {
    let owner = table.name.clone();
    let target = names.target_at(reader, at, &owner, name, RECORD);
    let example = "{ us-east-1 = 100 }";
    let shares = required(
        reader,
        &mut table,
        "weights",
        example,
        |table, reader, key| table.table(reader, key, key),
    );
    let mut weights = Vec::new();
    if let Some(mut shares) = shares {
        let total_at = shares.at.clone();
        for name in shares.keys() {
            let at = shares.key_at(&name);
            let region = names.region_at(reader, &at, &owner, &name);
            let share = super::percent(&mut shares, reader, &name);
            weights.extend(region.zip(share));
        }
        shares.finish(reader);
        let total: u64 = weights.iter().map(|(_, share)| u64::from(*share)).sum();
        if total != 100 && !weights.is_empty() {
            let what = format!("{owner}: its weights add up to {total}");
            reader.fault(&total_at, what, "let them add up to 100");
        }
    }
    let ttl = required(reader, &mut table, "ttl", "\"60s\"", Table::span);
    table.finish(reader);
    Some(Record {
        target: target?,
        weights,
        ttl: ttl?,
    })
}

/// A backup by its name; what is kept of it is the target it lies in.
fn made(
    reader: &mut Reader<'_>,
    at: &Range<usize>,
    name: &str,
    mut table: Table,
    names: &Names<'_>,
) -> Option<MaybeClient> {
    let owner = table.name.clone();
    let backup = names.backup_at(reader, at, &owner, name);
    let age = required(reader, &mut table, "age", "\"4h\"", Table::span);
    let every = table.span(reader, "every");
    let size = required(reader, &mut table, "size", "\"2300MB\"", Table::bytes);
    table.finish(reader);
    let site = names.site?;
    let backup = site
        .backups
        .iter()
        .find(|one| Some(&one.id) == backup.as_ref())?;
    Some(MaybeClient {
        target: backup.of.clone()?,
        age: age?,
        every,
        size: size?,
    })
}
