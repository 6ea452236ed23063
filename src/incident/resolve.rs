//! From an action as its runbook writes it to the one that runs: variables filled in, its danger known, the phrase to type.

use std::collections::BTreeSet;

use super::acts::Condition;
use super::names::TargetId;
use super::runbook::{
    Action, Attrs, Capture, Code, Danger, Role, Step, Vars, destructive_command, http_method,
    promotion, typeable,
};

/// A promotion by hand is refused where no guard is asked: in a shell without `guards=`, and to Redis, whose typed acts
/// have theirs. That of PostgreSQL in SQL is refused by its executor.
///
/// # Errors
/// What promotes, and what to write instead.
pub fn past_guards(action: &Action) -> Result<(), String> {
    let (text, instead) = match &action.code {
        Code::Shell { script, .. } if action.attrs.guards.is_none() => (
            script,
            "use the typed act, postgres.promote and its like, or add guards=TARGET",
        ),
        Code::Redis { text, .. } => (text, "use redis.promote or redis.failover"),
        _ => return Ok(()),
    };
    match promotion(text) {
        Some(found) => Err(format!("{found:?} promotes past every guard — {instead}")),
        None => Ok(()),
    }
}

/// Fills `"$NAME"` in typed acts and in `on=`. Shell scripts are left alone, their variables arrive by the environment;
/// so are `sql`, `redis` and `http`, whose executors bind them.
///
/// # Errors
/// Which variable has no value, or is a secret where a name is asked for.
pub fn substitute(
    action: &Action,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Code, String> {
    let mut code = action.code.clone();
    let texts = match &mut code {
        Code::Shell { host, .. } => host.iter_mut().collect(),
        Code::Sql { on, .. } | Code::Redis { on, .. } => vec![&mut on.0],
        Code::Http { .. } => Vec::new(),
        Code::Act { act } => act.texts_mut(),
    };
    fill_all(texts, vars, secrets)?;
    if let Code::Shell {
        host: Some(host), ..
    } = &code
    {
        not_an_option(host)?;
    }
    Ok(code)
}

/// Fills `"$NAME"` in a condition.
///
/// # Errors
/// As [`substitute`].
pub fn substitute_condition(
    condition: &Condition,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Condition, String> {
    let mut condition = condition.clone();
    fill_all(condition.texts_mut(), vars, secrets)?;
    Ok(condition)
}

/// Fills `with=$NAME` and `guards=$NAME`.
///
/// # Errors
/// As [`substitute`].
pub fn substitute_attrs(
    attrs: &Attrs,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Attrs, String> {
    let mut attrs = attrs.clone();
    let targets = attrs.with.iter_mut().chain(attrs.guards.iter_mut());
    fill_all(targets.map(|target| &mut target.0).collect(), vars, secrets)?;
    Ok(attrs)
}

/// Fills the target of a reading that is kept before an act, `redis.master($SENTINEL)`.
///
/// # Errors
/// As [`substitute`].
pub fn substitute_capture(
    capture: &Capture,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Capture, String> {
    let mut capture = capture.clone();
    fill_all(vec![&mut capture.of.0], vars, secrets)?;
    Ok(capture)
}

/// The whole action with its variables filled in: what is shown, asked about and performed.
///
/// # Errors
/// As [`substitute`].
pub fn resolved(
    action: &Action,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Action, String> {
    Ok(Action {
        code: substitute(action, vars, secrets)?,
        attrs: substitute_attrs(&action.attrs, vars, secrets)?,
        ..action.clone()
    })
}

fn fill_all(
    texts: Vec<&mut String>,
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<(), String> {
    for text in texts {
        if let Some(name) = text.strip_prefix('$') {
            *text = value(name, vars, secrets)?;
        }
    }
    Ok(())
}

fn value(name: &str, vars: &Vars, secrets: &BTreeSet<String>) -> Result<String, String> {
    if secrets.contains(name) {
        return Err(format!(
            "${name} is a secret and can't stand for a name — use it in a shell, sql, redis or http fence"
        ));
    }
    match vars.get(name).map(String::as_str) {
        Some("") | None => Err(format!("${name} has no value — set it before this step")),
        Some(value) => Ok(value.to_owned()),
    }
}

/// A host whose name begins with `-` would be an option of ssh, and options of ssh run programs.
fn not_an_option(host: &str) -> Result<(), String> {
    match host.starts_with('-') || host.contains(char::is_whitespace) {
        true => Err(format!("{host:?} is no name of a host — set another")),
        false => Ok(()),
    }
}

/// How dangerous an action is: a typed act knows the least, its card can only raise it. An untyped action is what its card
/// says, else a change, or destructive where its text shows that. Reads that can't write are harmless.
pub fn effective_danger(step: &Step, action: &Action) -> Danger {
    // The card speaks of the step's act; what is asked before and after, and what undoes it, speak for themselves.
    let carded = step.card.danger.filter(|_| action.role == Role::Run);
    if let Code::Act { act } = &action.code {
        return act.least_danger().max(carded.unwrap_or_default());
    }
    if reads_only(action) {
        return Danger::None;
    }
    let recognised = recognised(action).is_some();
    match carded {
        Some(Danger::None) | None if recognised => Danger::Destructive,
        Some(danger) => danger,
        None => Danger::Change,
    }
}

/// Whether a check or a verification is evaluated freely, without being asked for: `sql`, which runs READ ONLY, and `http` GET
/// and HEAD.
pub fn reads_only(action: &Action) -> bool {
    let asks = matches!(action.role, Role::Check | Role::Verify);
    asks && match &action.code {
        Code::Sql { .. } => true,
        Code::Http { text } => matches!(http_method(text), Some("GET" | "HEAD")),
        Code::Shell { .. } | Code::Redis { .. } | Code::Act { .. } => false,
    }
}

/// The phrase that confirms an action; none where Enter is enough. Give it the action as [`resolved`] makes it, so that the
/// phrase names the real target.
pub fn phrase(step: &Step, action: &Action) -> Option<String> {
    let confirm = step
        .card
        .confirm
        .clone()
        .filter(|_| action.role == Role::Run);
    if confirm.is_some() {
        return confirm;
    }
    let carded = step.card.danger.filter(|_| action.role == Role::Run);
    let untyped = !matches!(action.code, Code::Act { .. });
    match effective_danger(step, action) {
        Danger::OneWay | Danger::Destructive => Some(named(step, action)),
        Danger::Change if untyped && carded.is_none() => Some("run".to_owned()),
        Danger::Change | Danger::None => None,
    }
}

/// What a dangerous action is confirmed by: its target, else its step; a name that can't be typed gives way to `run`.
fn named(step: &Step, action: &Action) -> String {
    [target(action).map(TargetId::as_str), Some(step.id.as_str())]
        .into_iter()
        .flatten()
        .find(|name| typeable(name))
        .unwrap_or("run")
        .to_owned()
}

/// The one target an action changes, where it names one.
pub fn target(action: &Action) -> Option<&TargetId> {
    match &action.code {
        Code::Act { act } => act.target(),
        Code::Sql { on, .. } | Code::Redis { on, .. } => Some(on),
        Code::Shell { .. } => action.attrs.guards.as_ref().or(action.attrs.with.first()),
        Code::Http { .. } => None,
    }
}

/// What `name_guard` is held against: the database a `DROP DATABASE` or `dropdb` names, else the action's target.
pub fn guarded_name(action: &Action) -> Option<String> {
    let text = match &action.code {
        Code::Shell { script, .. } => script,
        Code::Sql { text, .. } => text,
        Code::Redis { .. } | Code::Http { .. } | Code::Act { .. } => "",
    };
    dropped_database(text).or_else(|| target(action).map(ToString::to_string))
}

fn dropped_database(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.windows(2).position(|pair| {
        pair[0].eq_ignore_ascii_case("drop") && pair[1].eq_ignore_ascii_case("database")
    });
    let dropdb = || {
        words
            .iter()
            .position(|word| *word == "dropdb")
            .map(|n| n + 1)
    };
    let rest = &words[at.map(|n| n + 2).or_else(dropdb)?..];
    let name = rest.iter().find(|word| {
        !word.starts_with('-') && !["if", "exists"].contains(&word.to_lowercase().as_str())
    })?;
    let name = name.trim_matches(['"', '\'', ';']);
    (!name.is_empty()).then(|| name.to_owned())
}

/// Whether `name` matches `guard`, in which `*` stands for any run of characters.
pub fn guard_allows(guard: &str, name: &str) -> bool {
    let mut parts = guard.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = guard.contains('*').then(|| parts.next_back()).flatten() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// The destructive command an untyped action shows, as it is written there.
fn recognised(action: &Action) -> Option<&str> {
    match &action.code {
        Code::Shell { script, .. } => destructive_command(script),
        Code::Sql { text, .. } | Code::Redis { text, .. } => destructive_command(text),
        Code::Http { text } => http_method(text).filter(|method| *method == "DELETE"),
        Code::Act { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::runbook::parse;

    /// A runbook of one step: its card, then its fences.
    fn step(card: &str, fences: &str) -> Step {
        let text = format!("# T\n\n## Do {{#do}}\n\n```toml step\n{card}\n```\n\n{fences}\n");
        let (runbook, faults) = parse("t.md", &text, "t".into());
        assert!(faults.is_empty(), "{faults:?}");
        runbook.unwrap().steps.remove(0)
    }

    fn first(step: &Step) -> Action {
        let checks = step
            .checks
            .iter()
            .chain(&step.verify)
            .filter_map(|check| match check {
                crate::incident::runbook::Check::Code(action) => Some(action),
                crate::incident::runbook::Check::Condition(_) => None,
            });
        step.actions()
            .chain(checks)
            .chain(&step.rollback)
            .next()
            .unwrap()
            .clone()
    }

    #[test]
    fn danger_and_phrase_follow_the_act_the_card_and_the_text() {
        let promote = "```toml\npostgres.promote = { target = \"pg-west\" }\n```";
        let checkpoint = "```toml\npostgres.checkpoint = { target = \"pg-west\" }\n```";
        let echo = "```sh\necho hello\n```";
        let drop = "```sql on=pg-east\nDROP DATABASE scratch;\n```";
        let table = [
            ("", promote, Danger::OneWay, Some("pg-west")),
            (
                "danger = \"none\"",
                promote,
                Danger::OneWay,
                Some("pg-west"),
            ),
            (
                "confirm = \"FAILOVER\"",
                promote,
                Danger::OneWay,
                Some("FAILOVER"),
            ),
            ("", checkpoint, Danger::Change, None),
            (
                "danger = \"destructive\"",
                checkpoint,
                Danger::Destructive,
                Some("pg-west"),
            ),
            ("", echo, Danger::Change, Some("run")),
            ("danger = \"none\"", echo, Danger::None, None),
            ("danger = \"change\"", echo, Danger::Change, None),
            ("danger = \"one-way\"", echo, Danger::OneWay, Some("do")),
            ("", drop, Danger::Destructive, Some("pg-east")),
            (
                "danger = \"none\"",
                drop,
                Danger::Destructive,
                Some("pg-east"),
            ),
            ("danger = \"change\"", drop, Danger::Change, None),
            (
                "",
                "```sh with=pg-east\ndropdb scratch\n```",
                Danger::Destructive,
                Some("pg-east"),
            ),
            ("", "```sh\nrm -rf /x\n```", Danger::Destructive, Some("do")),
            (
                "",
                "```sql check on=a expect=\"== 1\"\nSELECT 1\n```",
                Danger::None,
                None,
            ),
            ("", "```http check\nGET https://x/\n```", Danger::None, None),
            (
                "",
                "```http check\nPOST https://x/\n```",
                Danger::Change,
                Some("run"),
            ),
            (
                "",
                "```http\nDELETE https://x/\n```",
                Danger::Destructive,
                Some("do"),
            ),
            (
                "danger = \"none\"",
                "```sh check\necho 1\n```",
                Danger::Change,
                Some("run"),
            ),
            (
                "confirm = \"X\"",
                "```sh rollback\necho 1\n```",
                Danger::Change,
                Some("run"),
            ),
        ];
        for (card, fence, danger, typed) in table {
            let step = step(card, fence);
            let action = first(&step);
            assert_eq!(effective_danger(&step, &action), danger, "{card} {fence}");
            assert_eq!(phrase(&step, &action).as_deref(), typed, "{card} {fence}");
        }
    }

    #[test]
    fn variables_are_filled_where_they_stand_for_a_name() {
        let vars = Vars::from([
            ("NEW".into(), "pg-west".into()),
            ("EMPTY".into(), String::new()),
        ]);
        let secrets = BTreeSet::from(["TOKEN".to_owned()]);
        let table = [
            (
                "```toml\npostgres.promote = { target = \"$NEW\" }\n```",
                Ok("pg-west"),
            ),
            (
                "```toml\npostgres.promote = { target = \"$OLD\" }\n```",
                Err("$OLD has no value — set it before this step"),
            ),
            (
                "```toml\npostgres.promote = { target = \"$EMPTY\" }\n```",
                Err("$EMPTY has no value — set it before this step"),
            ),
            (
                "```toml\npostgres.promote = { target = \"$TOKEN\" }\n```",
                Err(
                    "$TOKEN is a secret and can't stand for a name — use it in a shell, sql, redis or http fence",
                ),
            ),
            ("```sql on=$NEW\nSELECT :NEW\n```", Ok("pg-west")),
            ("```redis on=$NEW\nGET $NEW\n```", Ok("pg-west")),
            ("```sh with=$NEW\necho $NEW\n```", Ok("pg-west")),
        ];
        for (fence, expected) in table {
            let done = resolved(&first(&step("", fence)), &vars, &secrets);
            let name = done.as_ref().map(|action| target(action).unwrap().as_str());
            assert_eq!(name.map_err(String::as_str), expected, "{fence}");
        }
        let shell = first(&step("", "```sh on=$NEW\necho $NEW\n```"));
        let code = substitute(&shell, &vars, &secrets).unwrap();
        let Code::Shell { script, host, .. } = code else {
            panic!()
        };
        assert_eq!(
            (script.as_str(), host.as_deref()),
            ("echo $NEW\n", Some("pg-west"))
        );
        let hostile = Vars::from([("NEW".into(), "-oProxyCommand=x".into())]);
        assert!(substitute(&shell, &hostile, &secrets).is_err());
    }

    #[test]
    fn a_promotion_by_hand_needs_its_guards() {
        let table = [
            ("```sh\npg_ctl promote --pgdata=/d\n```", false),
            (
                "```sh guards=pg-west\npg_ctl promote --pgdata=/d\n```",
                true,
            ),
            ("```redis on=redis-west\nREPLICAOF NO ONE\n```", false),
            ("```redis on=redis-west\nINFO\n```", true),
            ("```sh\n# pg_ctl promote\nls\n```", true),
        ];
        for (fence, allowed) in table {
            let step = step("estimate = \"1s\"", fence);
            let asked = past_guards(&first(&step));
            assert_eq!(asked.is_ok(), allowed, "{fence}: {asked:?}");
        }
    }

    #[test]
    fn a_name_guard_is_held_against_what_is_dropped() {
        let table = [
            (
                "```sql on=pg-east\nDROP DATABASE IF EXISTS warroom_scratch WITH (FORCE);\n```",
                "warroom_scratch",
            ),
            ("```sql on=pg-east\ndrop database \"a-b\";\n```", "a-b"),
            (
                "```sh with=pg-east\ndropdb --if-exists scratch\n```",
                "scratch",
            ),
            (
                "```toml\npostgres.fence = { target = \"pg-east\" }\n```",
                "pg-east",
            ),
        ];
        for (fence, name) in table {
            assert_eq!(
                guarded_name(&first(&step("", fence))).as_deref(),
                Some(name)
            );
        }
        let guards = [
            ("*-dr-test-*", "app-dr-test-7", true),
            ("*-dr-test-*", "app", false),
            ("warroom_scratch", "warroom_scratch", true),
            ("warroom_scratch", "warroom_scratch2", false),
            ("app*", "app", true),
            ("a*a", "a", false),
            ("*", "", true),
        ];
        for (guard, name, allowed) in guards {
            assert_eq!(guard_allows(guard, name), allowed, "{guard} {name}");
        }
    }
}
