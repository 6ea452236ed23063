//! Orders to what something else runs: operators in Kubernetes (CloudNativePG, Velero, Argo CD) and services of AWS (ECS, ElastiCache, S3, Aurora).
//! They are a table: what each takes is one row, and what it does is its system's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::names::TargetId;
use super::super::runbook::{Danger, System};
use super::super::strict::{Reader, Table};
use super::Act;
use super::read;

/// One kind of order.
struct Row {
    /// Whose it is: the family's word.
    system: System,
    /// The word behind the family's.
    word: &'static str,
    /// What it takes beside its target: key, an example, and what may stand there.
    args: &'static [(&'static str, &'static str, Takes)],
    /// How dangerous it is at least.
    danger: Danger,
}

/// What may stand behind a key.
enum Takes {
    /// A text that must be there.
    Text,
    /// A text, or nothing.
    Maybe,
    /// A whole number that must be there.
    Count,
    /// The example, literally: whoever writes it has read what it says.
    Consent,
}

use Takes::{Consent, Count, Maybe, Text};

const fn row(
    system: System,
    word: &'static str,
    args: &'static [(&'static str, &'static str, Takes)],
    danger: Danger,
) -> Row {
    Row {
        system,
        word,
        args,
        danger,
    }
}

/// Every order there is.
#[rustfmt::skip]
const ROWS: [Row; 14] = [
    row(System::Cnpg, "promote", &[("instance", "pg-2", Text), ("standby", "pg-west", Maybe)], Danger::OneWay),
    row(System::Cnpg, "fence", &[("instance", "*", Text)], Danger::Destructive),
    row(System::Cnpg, "unfence", &[("instance", "*", Text)], Danger::Change),
    row(System::Cnpg, "recover", &[("time", "2026-11-21T14:00:00Z", Text), ("as", "pg-recovered", Text)], Danger::Change),
    row(System::Velero, "backup", &[("as", "before-the-change", Text)], Danger::Change),
    row(System::Velero, "restore", &[("backup", "daily-20261121", Text), ("as", "restore-1", Text)], Danger::Destructive),
    row(System::Argocd, "sync", &[("revision", "main", Maybe)], Danger::Change),
    row(System::Ecs, "redeploy", &[], Danger::Change),
    row(System::Ecs, "scale", &[("tasks", "4", Count)], Danger::Change),
    row(System::Ecs, "undo", &[], Danger::Change),
    row(System::S3, "fetch", &[("to", "/var/restore/app.dump", Text), ("object", "db/app.dump", Maybe)], Danger::Change),
    row(System::Aurora, "switchover", &[("to", "us-west-2", Text)], Danger::OneWay),
    row(System::Aurora, "failover", &[("to", "us-west-2", Text), ("data_loss", "allowed", Consent)], Danger::OneWay),
    row(System::Elasticache, "failover", &[("shard", "0001", Text)], Danger::Destructive),
];

/// The words of those acts that are orders to one system.
pub fn words_to(acts: &[Act], system: System) -> impl Iterator<Item = &str> {
    acts.iter().filter_map(move |act| match act {
        Act::Order(order) if order.system == system => Some(order.word.as_str()),
        _ => None,
    })
}

/// An order: `cnpg.promote = { target = "pg", instance = "pg-2" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whose it is.
    pub system: System,
    /// The word behind the family's.
    pub word: String,
    /// What takes it.
    pub target: TargetId,
    /// What it takes beside that.
    pub args: BTreeMap<String, String>,
}

impl Order {
    /// Whether a word stands first in orders.
    pub fn is_family(word: &str) -> bool {
        ROWS.iter().any(|row| row.system.word() == word)
    }

    /// Every word of a family.
    pub fn words(family: &str) -> Vec<&'static str> {
        let rows = ROWS.iter().filter(|row| row.system.word() == family);
        rows.map(|row| row.word).collect()
    }

    /// Reads the table behind `FAMILY.WORD =`; faults go to the reader.
    pub fn read(
        reader: &mut Reader<'_>,
        family: &str,
        word: &str,
        table: &mut Table,
    ) -> Option<Self> {
        let row = ROWS
            .iter()
            .find(|row| row.system.word() == family && row.word == word)?;
        let target = read::target(reader, table, "target", "NAME");
        let (mut args, mut whole) = (BTreeMap::new(), true);
        for (key, example, takes) in row.args {
            let line = format!("{key} = {example:?}");
            let value = match takes {
                Text => read::required(reader, table, key, &line),
                Maybe => read::value(reader, table, key),
                Count => read::count(reader, table, key, &format!("{key} = {example}")),
                Consent => read::required_by(reader, table, (key, &line), |text| {
                    let given = text == *example;
                    given
                        .then(|| text.to_owned())
                        .ok_or_else(|| format!("write {line} to consent"))
                }),
            };
            whole &= value.is_some() || matches!(takes, Maybe);
            args.extend(value.map(|value| ((*key).to_owned(), value)));
        }
        Some(Self {
            system: row.system,
            word: word.to_owned(),
            target: target.filter(|_| whole)?,
            args,
        })
    }

    /// One of the values it takes; empty when it was not given.
    pub fn arg(&self, key: &str) -> &str {
        self.args.get(key).map_or("", String::as_str)
    }

    /// Every text in it that a variable may stand for.
    pub fn texts_mut(&mut self) -> Vec<&mut String> {
        [&mut self.target.0]
            .into_iter()
            .chain(self.args.values_mut())
            .collect()
    }

    /// See [`super::Act::least_danger`].
    pub fn least_danger(&self) -> Danger {
        let mut rows = ROWS.iter();
        let row = rows.find(|row| row.system == self.system && row.word == self.word);
        row.map_or(Danger::OneWay, |row| row.danger)
    }
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} {}", self.system.word(), self.word, self.target)?;
        self.args
            .iter()
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}
