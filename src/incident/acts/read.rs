//! Reads typed acts and conditions from the TOML of a fence. What each system's words take stands in the system's own file.

use std::ops::Range;
use std::time::Duration;

use super::super::fault::nearest;
use super::super::names::TargetId;
use super::super::strict::{Reader, Table, Value};
use super::kube::{KubeAct, KubeCondition};
use super::orders::Order;
use super::postgres::{PgAct, PgCondition};
use super::rds::{RdsAct, RdsCondition};
use super::redis::{RedisAct, RedisCondition};
use super::route53::{DnsAct, DnsCondition};
use super::secrets::{SecretAct, SecretCondition};
use super::{Act, Condition, flow, shared};

/// What may stand first in an act.
pub const FAMILIES: [&str; 15] = [
    "postgres",
    "redis",
    "kube",
    "rds",
    "route53",
    "secrets",
    "cnpg",
    "velero",
    "argocd",
    "ecs",
    "elasticache",
    "s3",
    "aurora",
    "wait",
    "runbook",
];

/// The one act of a card; faults go to the reader.
pub fn act(reader: &mut Reader<'_>, mut card: Table) -> Option<Act> {
    let mut found: Vec<(Range<usize>, Option<Act>)> = Vec::new();
    let before = reader.faults.len();
    for key in card.keys() {
        let at = card.key_at(&key);
        match key.as_str() {
            "postgres" => {
                let family = Family(&PgAct::WORDS, PgAct::read, Act::Postgres);
                found.extend(family.acts(reader, &mut card, &key));
            }
            "redis" => {
                let family = Family(&RedisAct::WORDS, RedisAct::read, Act::Redis);
                found.extend(family.acts(reader, &mut card, &key));
            }
            "kube" => {
                let family = Family(&KubeAct::WORDS, KubeAct::read, Act::Kube);
                found.extend(family.acts(reader, &mut card, &key));
            }
            "rds" => {
                let family = Family(&RdsAct::WORDS, RdsAct::read, Act::Rds);
                found.extend(family.acts(reader, &mut card, &key));
            }
            "route53" => {
                let family = Family(&DnsAct::WORDS, DnsAct::read, Act::Dns);
                found.extend(family.acts(reader, &mut card, &key));
            }
            "secrets" => {
                let family = Family(&SecretAct::WORDS, SecretAct::read, Act::Secret);
                found.extend(family.acts(reader, &mut card, &key));
            }
            name if Order::is_family(name) => {
                let read = |reader: &mut Reader<'_>, word: &str, table: &mut Table| {
                    Order::read(reader, name, word, table)
                };
                let family = Family(&Order::words(name), read, Act::Order);
                found.extend(family.acts(reader, &mut card, name));
            }
            "wait" => found.push((at, flow::wait(reader, &mut card).map(Act::Wait))),
            "runbook" => found.push((at, flow::sub_runbook(reader, &mut card).map(Act::Runbook))),
            word if is_condition(word) => {
                card.take(word);
                let what = format!("{word} is a condition, not an act");
                reader.fault(
                    &at,
                    what,
                    "put it in a ```toml check or ```toml verify fence",
                );
            }
            _ => {}
        }
    }
    card.know(&FAMILIES);
    let at = card.at.clone();
    card.finish(reader);
    // What stands there instead of an act has been told.
    if found.is_empty() && reader.faults.len() == before {
        let example = "write one, such as postgres.promote = { target = \"pg-west\" }";
        reader.fault(&at, "the fence holds no act", example);
    }
    for (at, _) in found.iter().skip(1) {
        let what = "a fence holds one act, this is another";
        reader.fault(at, what, "put it in a fence of its own");
    }
    found.into_iter().next().and_then(|(_, act)| act)
}

/// Whether a line of TOML begins as an act does, `kube.restart = …`; a condition begins otherwise.
pub fn begins_act(line: &str) -> bool {
    let family = line.split(['.', '=']).next().unwrap_or_default();
    FAMILIES.contains(&family.trim())
}

/// Whether a fence's keys look like an act of ours, were it only for a slip of the pen.
pub fn looks_like_act(card: &Table) -> bool {
    card.keys()
        .iter()
        .any(|key| nearest(key, FAMILIES).is_some())
}

/// A family: its words, how one is read, and which act it is.
struct Family<'a, R, A>(&'a [&'a str], R, fn(A) -> Act);

impl<R, A> Family<'_, R, A>
where
    R: Fn(&mut Reader<'_>, &str, &mut Table) -> Option<A>,
{
    /// Every act of the family, each at its word's place; none where it could not be read.
    fn acts(
        self,
        reader: &mut Reader<'_>,
        card: &mut Table,
        name: &str,
    ) -> Vec<(Range<usize>, Option<Act>)> {
        let Family(words, read, act) = self;
        let Some(mut acts) = card.table(reader, name, name) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for word in acts.keys() {
            if !words.contains(&word.as_str()) {
                continue;
            }
            let at = acts.key_at(&word);
            let Some(mut table) = acts.table(reader, &word, &format!("{name}.{word}")) else {
                continue;
            };
            found.push((at, read(reader, &word, &mut table).map(act)));
            table.finish(reader);
        }
        acts.know(words);
        acts.finish(reader);
        found
    }
}

fn is_condition(word: &str) -> bool {
    shared::WORDS.contains(&word)
        || PgCondition::WORDS.contains(&word)
        || RedisCondition::WORDS.contains(&word)
        || KubeCondition::WORDS.contains(&word)
        || RdsCondition::WORDS.contains(&word)
        || DnsCondition::WORDS.contains(&word)
        || SecretCondition::WORDS.contains(&word)
}

/// The conditions of a card in the file's order; faults go to the reader.
pub fn conditions(reader: &mut Reader<'_>, mut card: Table) -> Vec<Condition> {
    let at = card.at.clone();
    let keys = card.keys();
    if keys.is_empty() {
        let what = format!("{} holds no condition", card.name);
        reader.fault(&at, what, "write one, such as writable = \"pg-west\"");
    }
    let mut found = Vec::new();
    for key in keys {
        let at = card.key_at(&key);
        match key.as_str() {
            word if shared::WORDS.contains(&word) => {
                found.extend(shared::read(reader, word, &mut card));
            }
            word if PgCondition::WORDS.contains(&word) => {
                let read = PgCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Postgres));
            }
            word if RedisCondition::WORDS.contains(&word) => {
                let read = RedisCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Redis));
            }
            word if KubeCondition::WORDS.contains(&word) => {
                let read = KubeCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Kube));
            }
            word if RdsCondition::WORDS.contains(&word) => {
                let read = RdsCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Rds));
            }
            word if DnsCondition::WORDS.contains(&word) => {
                let read = DnsCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Dns));
            }
            word if SecretCondition::WORDS.contains(&word) => {
                let read = SecretCondition::read(reader, word, &mut card);
                found.extend(read.into_iter().map(Condition::Secret));
            }
            word if FAMILIES.contains(&word) => {
                card.take(word);
                let what = format!("{word} is an act, not a condition");
                reader.fault(&at, what, "put it in a ```toml run fence");
            }
            _ => {}
        }
    }
    card.know(&shared::WORDS);
    card.know(&PgCondition::WORDS);
    card.know(&RedisCondition::WORDS);
    card.know(&KubeCondition::WORDS);
    card.know(&RdsCondition::WORDS);
    card.know(&DnsCondition::WORDS);
    card.know(&SecretCondition::WORDS);
    card.finish(reader);
    found
}

/// The one condition of a table (`when`, `while`, `until`).
pub fn condition(reader: &mut Reader<'_>, card: Table) -> Option<Condition> {
    let (at, name) = (card.at.clone(), card.name.clone());
    let mut found = conditions(reader, card);
    if found.len() > 1 {
        let what = format!("{name} holds {} conditions", found.len());
        reader.fault(&at, what, "keep one of them");
    }
    (found.len() == 1).then(|| found.remove(0))
}

/// `{ of = …, under = "30s", under_bytes = "64MB" }`.
pub fn bounded(
    reader: &mut Reader<'_>,
    table: &mut Table,
) -> Option<(TargetId, Duration, Option<u64>)> {
    let of = target(reader, table, "of", "pg-west");
    if !table.has("under") {
        table.missing(reader, "under", "under = \"30s\"");
    }
    let under = table.span(reader, "under");
    let under_bytes = table.bytes(reader, "under_bytes");
    Some((of?, under?, under_bytes))
}

/// Text or a variable that must be there; `example` is the whole line to add.
pub fn required(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
) -> Option<String> {
    if !table.has(key) {
        table.missing(reader, key, example);
    }
    value(reader, table, key)
}

/// The same of what `read` understands, which says what is wrong otherwise.
pub fn required_by(
    reader: &mut Reader<'_>,
    table: &mut Table,
    (key, example): (&str, &str),
    read: impl FnOnce(&str) -> Result<String, String>,
) -> Option<String> {
    if !table.has(key) {
        table.missing(reader, key, example);
    }
    table.read(reader, key, read)
}

/// A target that must be there.
pub fn target(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
) -> Option<TargetId> {
    required(reader, table, key, &format!("{key} = \"{example}\"")).map(TargetId)
}

/// A whole number, or `"$NAME"`, that must be there.
pub fn count(
    reader: &mut Reader<'_>,
    table: &mut Table,
    key: &str,
    example: &str,
) -> Option<String> {
    if !table.has(key) {
        table.missing(reader, key, example);
    }
    let item = table.take(key)?;
    match item.value {
        Value::Integer(number) if u32::try_from(number).is_ok() => Some(number.to_string()),
        Value::Text(text) if text.starts_with('$') => whole(reader, &item.at, key, text),
        _ => {
            let what = format!("{key} is no whole number from 0");
            reader.fault(&item.at, what, format!("write {example}"));
            None
        }
    }
}

/// Text, or `"$NAME"`: a variable stands for a whole value, never for a part of one.
pub fn value(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<String> {
    let (at, text) = table.text_at(reader, key)?;
    whole(reader, &at, key, text)
}

fn whole(reader: &mut Reader<'_>, at: &Range<usize>, key: &str, text: String) -> Option<String> {
    if text.trim().is_empty() {
        reader.fault(at, format!("{key} is empty"), "write a name");
        return None;
    }
    let name = text.strip_prefix('$').unwrap_or(&text);
    let variable = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if text.contains('$') && !(text.starts_with('$') && variable) {
        let what = format!("{key} is {text:?}, with a variable as a part of it");
        reader.fault(at, what, "let a variable be the whole value, \"$NAME\"");
        return None;
    }
    Some(text)
}

/// `writable = "pg-west"` or `writable = ["pg-east", "pg-west"]`: one value a target.
pub fn each_target<T>(
    reader: &mut Reader<'_>,
    card: &mut Table,
    word: &str,
    make: impl Fn(TargetId) -> T,
) -> Vec<T> {
    let mut found = Vec::new();
    for (at, text) in card.texts(reader, word) {
        if let Some(name) = whole(reader, &at, word, text) {
            found.push(make(TargetId(name)));
        }
    }
    found
}

/// `lag = { … }` or `lag = [{ … }, { … }]`: one value a table.
pub fn each_table<T>(
    reader: &mut Reader<'_>,
    card: &mut Table,
    word: &str,
    read: impl Fn(&mut Reader<'_>, &mut Table) -> Option<T>,
) -> Vec<T> {
    let mut found = Vec::new();
    for mut table in card.one_or_more(reader, word) {
        found.extend(read(reader, &mut table));
        table.finish(reader);
    }
    found
}

#[cfg(test)]
mod tests;
