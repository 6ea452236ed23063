//! Acts and conditions as runbooks write them, and every slip of the pen.

use super::*;
use crate::incident::fault::Source;

/// Reads `text` as an act and as conditions, by what it is told, and gives what was read and the faults.
fn read(text: &str, as_act: bool) -> (Vec<String>, Vec<String>) {
    let mut reader = Reader::new(Source::new("a", text));
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
