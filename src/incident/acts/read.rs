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
            "postgres" => family(reader, &mut card, "postgres", &PgAct::WORDS, PgAct::read)
                .into_iter()
                .for_each(|(at, act)| found.push((at, act.map(Act::Postgres)))),
            "redis" => family(reader, &mut card, "redis", &RedisAct::WORDS, RedisAct::read)
                .into_iter()
                .for_each(|(at, act)| found.push((at, act.map(Act::Redis)))),
            "kube" => family(reader, &mut card, "kube", &KubeAct::WORDS, KubeAct::read)
                .into_iter()
                .for_each(|(at, act)| found.push((at, act.map(Act::Kube)))),
            "rds" => family(reader, &mut card, "rds", &RdsAct::WORDS, RdsAct::read)
                .into_iter()
                .for_each(|(at, act)| found.push((at, act.map(Act::Rds)))),
            "route53" => family(reader, &mut card, "route53", &DnsAct::WORDS, DnsAct::read)
                .into_iter()
                .for_each(|(at, act)| found.push((at, act.map(Act::Dns)))),
            "secrets" => family(
                reader,
                &mut card,
                "secrets",
                &SecretAct::WORDS,
                SecretAct::read,
            )
            .into_iter()
            .for_each(|(at, act)| found.push((at, act.map(Act::Secret)))),
            name if Order::FAMILIES.contains(&name) => {
                let read = |reader: &mut Reader<'_>, word: &str, table: &mut Table| {
                    Order::read(reader, name, word, table)
                };
                family(reader, &mut card, name, &Order::words(name), read)
                    .into_iter()
                    .for_each(|(at, act)| found.push((at, act.map(Act::Order))));
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

/// Whether a fence's keys look like an act of ours, were it only for a slip of the pen.
pub fn looks_like_act(card: &Table) -> bool {
    card.keys()
        .iter()
        .any(|key| nearest(key, FAMILIES).is_some())
}

/// Every act of one family, each at its word's place; none where it could not be read.
fn family<A>(
    reader: &mut Reader<'_>,
    card: &mut Table,
    name: &str,
    words: &[&str],
    read: impl Fn(&mut Reader<'_>, &str, &mut Table) -> Option<A>,
) -> Vec<(Range<usize>, Option<A>)> {
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
        found.push((at, read(reader, &word, &mut table)));
        table.finish(reader);
    }
    acts.know(words);
    acts.finish(reader);
    found
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
mod tests {
    use super::*;
    use crate::incident::fault::Source;

    /// Reads `text` as an act and as conditions, by what it is told, and gives what was read and the faults.
    fn read(text: &str, as_act: bool) -> (Vec<String>, Vec<String>) {
        let mut reader = Reader::new(Source { file: "a", text });
        let card = reader.parse(0..text.len(), "the fence");
        let read = match as_act {
            true => act(&mut reader, card)
                .iter()
                .map(ToString::to_string)
                .collect(),
            false => conditions(&mut reader, card)
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        (
            read,
            reader.faults.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn every_act_reads_and_prints_as_runbooks_write_it() {
        let table = [
            (
                r#"postgres.promote = { target = "pg-west" }"#,
                "postgres.promote pg-west",
            ),
            (
                r#"kube.scale = { target = "web-west", replicas = 10 }"#,
                "kube.scale web-west to 10",
            ),
            (
                r#"kube.undo = { target = "web-west" }"#,
                "kube.undo web-west",
            ),
            (
                r#"kube.set_env = { target = "web-west", name = "PROVIDER", value = "$SECOND" }"#,
                "kube.set_env web-west PROVIDER=$SECOND",
            ),
            (
                r#"rds.restore_to_time = { target = "orders", time = "$TIME", as = "orders-new" }"#,
                "rds.restore_to_time orders from $TIME as orders-new",
            ),
            (
                r#"route53.shift = { target = "public", to = "us-west-2", percent = "$SHARE" }"#,
                "route53.shift public: $SHARE % to us-west-2",
            ),
            (
                r#"secrets.revoke_old = { target = "api-keys" }"#,
                "secrets.revoke_old api-keys",
            ),
            (
                r#"postgres.fence = { target = "$OLD" }"#,
                "postgres.fence $OLD",
            ),
            (
                r#"postgres.unfence = { target = "pg-east" }"#,
                "postgres.unfence pg-east",
            ),
            (
                r#"postgres.terminate = { target = "pg-east", database = "app", role = "app" }"#,
                "postgres.terminate pg-east sessions on app of app",
            ),
            (
                r#"postgres.revoke_writes = { target = "pg-east", database = "app", role = "app" }"#,
                "postgres.revoke_writes pg-east on app of app",
            ),
            (
                r#"postgres.grant_writes = { target = "pg-east", database = "app", role = "app" }"#,
                "postgres.grant_writes pg-east on app of app",
            ),
            (
                "[postgres.reindex]\ntarget = \"pg-east\"\ntable = \"public.debates\"",
                "postgres.reindex pg-east table public.debates",
            ),
            (
                r#"postgres.checkpoint.target = "pg-west""#,
                "postgres.checkpoint pg-west",
            ),
            (
                r#"postgres.switch_wal = { target = "pg-east" }"#,
                "postgres.switch_wal pg-east",
            ),
            (
                r#"redis.failover = { target = "sentinel" }"#,
                "redis.failover sentinel",
            ),
            (
                r#"redis.promote = { target = "redis-west" }"#,
                "redis.promote redis-west",
            ),
            (
                r#"redis.follow = { target = "redis-east", of = "redis-west" }"#,
                "redis.follow redis-east of redis-west",
            ),
            (
                r#"redis.save = { target = "redis-east" }"#,
                "redis.save redis-east",
            ),
            (
                r#"redis.bgrewriteaof = { target = "redis-east" }"#,
                "redis.bgrewriteaof redis-east",
            ),
            (r#"wait = { for = "90s" }"#, "wait 1 m 30 s"),
            (
                r#"wait = { until = "2026-11-21T14:00:00Z" }"#,
                "wait until 2026-11-21 14:00:00 UTC",
            ),
            (
                r"wait = { until = 2026-11-21T14:00:00Z }",
                "wait until 2026-11-21 14:00:00 UTC",
            ),
            (
                r#"wait = { until = { writable = "pg-west" } }"#,
                "wait until writable pg-west",
            ),
            (
                r#"runbook = { file = "restore-dump.md", vars = { PG_TARGET = "$NEW" } }"#,
                "runbook restore-dump.md PG_TARGET=$NEW",
            ),
        ];
        for (text, shown) in table {
            assert_eq!(read(text, true), (vec![shown.into()], vec![]), "{text}");
        }
    }

    #[test]
    fn every_condition_reads_and_prints_in_one_line() {
        let table: [(&str, &[&str]); 17] = [
            (r#"reachable = "pg-west""#, &["reachable pg-west"]),
            (
                r#"lag = { of = "pg-west", under = "30s" }"#,
                &["lag of pg-west < 30 s"],
            ),
            (
                r#"lag = [{ of = "a", under = "30s", under_bytes = "64MB" }, { of = "b", under = "1m" }]"#,
                &["lag of a < 30 s and < 64 MB", "lag of b < 1 m"],
            ),
            (r#"writable = ["a", "b"]"#, &["writable a", "writable b"]),
            (
                "read_only = \"a\"\nfenced = \"b\"",
                &["read_only a", "fenced b"],
            ),
            (
                r#"loss = { of = "pg-west", under = "30s" }"#,
                &["loss of pg-west < 30 s"],
            ),
            (r#"same_timeline = ["a", "b"]"#, &["same_timeline a, b"]),
            (
                r#"row_counts = { of = "a", database = "scratch", baseline = "/b.json", tolerance = 5 }"#,
                &["row_counts of a database scratch = /b.json ± 5%"],
            ),
            (
                r#"role = { of = "redis-west", is = "master" }"#,
                &["role of redis-west is master"],
            ),
            (
                r#"keys = { of = "redis-west", at_least = 1 }"#,
                &["keys of redis-west ≥ 1"],
            ),
            (
                r#"master_is = { of = "sentinel", target = "redis-west" }"#,
                &["master_is redis-west by sentinel"],
            ),
            (r#"healthy = "$API""#, &["healthy $API"]),
            (
                r#"backup = { of = "pg-dump", younger = "25h", verified = true }"#,
                &["backup of pg-dump younger than 25 h, verified"],
            ),
            (r#"backup = { of = "pg-dump" }"#, &["backup of pg-dump"]),
            (
                r#"region = { healthy = "us-west-2" }"#,
                &["region us-west-2 healthy"],
            ),
            (
                r#"objective = { rto_left = "10m" }"#,
                &["objective rto_left ≥ 10 m"],
            ),
            (
                r#"sum = { file = "$DUMP" }"#,
                &["sum of $DUMP = $DUMP.sha256"],
            ),
        ];
        for (text, shown) in table {
            let shown: Vec<String> = shown.iter().map(ToString::to_string).collect();
            assert_eq!(read(text, false), (shown, vec![]), "{text}");
        }
    }

    #[test]
    fn what_is_no_act_or_no_condition_says_what_to_write() {
        let table = [
            (
                true,
                "",
                "a:1:1: the fence holds no act — write one, such as postgres.promote = { target = \"pg-west\" }",
            ),
            (
                true,
                "postgress.promote = {}",
                "a:1:1: the fence has no key \"postgress\" — did you mean postgres?",
            ),
            (
                true,
                "postgres.promot = { target = \"a\" }",
                "a:1:10: postgres has no key \"promot\" — did you mean promote?",
            ),
            (
                true,
                "postgres.promote = { targte = \"a\" }",
                "a:1:20: postgres.promote has no target — add target = \"pg-west\"",
            ),
            (
                true,
                "postgres.promote = \"a\"",
                "a:1:20: promote is text — write a table",
            ),
            (
                true,
                "writable = \"a\"",
                "a:1:1: writable is a condition, not an act — put it in a ```toml check or ```toml verify fence",
            ),
            (
                true,
                "wait = { for = \"1s\", until = \"x\" }",
                "a:1:8: wait takes one of for and until — write wait = { for = \"30s\" }",
            ),
            (
                true,
                "runbook = { file = \"../x.md\" }",
                "a:1:20: file: \"../x.md\" is not the name of a runbook's file, such as restore.md, without a folder",
            ),
            (
                false,
                "postgres.promote = { target = \"a\" }",
                "a:1:1: postgres is an act, not a condition — put it in a ```toml run fence",
            ),
            (
                false,
                "writeable = \"a\"",
                "a:1:1: the fence has no key \"writeable\" — did you mean writable?",
            ),
            (
                false,
                "writable = \"pg-$SIDE\"",
                "a:1:12: writable is \"pg-$SIDE\", with a variable as a part of it — let a variable be the whole value, \"$NAME\"",
            ),
            (
                false,
                "same_timeline = \"a\"",
                "a:1:1: same_timeline names one server — name two or more, same_timeline = [\"pg-east\", \"pg-west\"]",
            ),
            (
                false,
                "lag = \"a\"",
                "a:1:7: lag is text — write lag = { … }",
            ),
            (
                false,
                "role = { of = \"a\", is = \"slave\" }",
                "a:1:25: is is \"slave\" — write one of master, replica",
            ),
            (
                false,
                "sum = { file = \"a\", sha256 = \"beef\" }",
                "a:1:30: sha256: \"beef\" is not a SHA-256 of 64 hexadecimal digits",
            ),
        ];
        for (as_act, text, fault) in table {
            let (_, faults) = read(text, as_act);
            assert_eq!(faults.first().map(String::as_str), Some(fault), "{text}");
        }
        let two = "postgres.fence = { target = \"a\" }\nwait = { for = \"1s\" }";
        let (acts, faults) = read(two, true);
        assert_eq!(acts, ["postgres.fence a"]);
        assert_eq!(
            faults,
            ["a:2:1: a fence holds one act, this is another — put it in a fence of its own"]
        );
    }
}
