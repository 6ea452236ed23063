//! A runbook for other eyes: as JSON for programs, and as a checklist to print, for the night on which the console is what failed.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Action, Block, Check, Code, OnFail, Part, Runbook, Step, Var};

/// A line of the checklist is no longer than this, code left aside: paper is as wide as a terminal.
const WIDTH: usize = 78;

/// The whole runbook as JSON: its card, its variables, and each step with its prose, checks, parts, verification and rollback.
/// Durations are in seconds.
pub fn as_json(runbook: &Runbook) -> Value {
    let card = &runbook.card;
    json!({
        "id": runbook.id,
        "title": runbook.title,
        "digest": runbook.digest,
        "summary": card.summary,
        "severity": card.severity,
        "rto_s": card.rto.map(|span| span.as_secs()),
        "rpo_s": card.rpo.map(|span| span.as_secs()),
        "requires": card.requires,
        "drill_every_s": card.drill_every.map(|span| span.as_secs()),
        "owner": card.owner,
        "version": card.version,
        "reviewed": card.reviewed,
        "closes": card.closes,
        "several": card.several,
        "variables": card.vars.iter().map(variable).collect::<Vec<_>>(),
        "intro": texts(&runbook.intro),
        "steps": runbook.steps.iter().map(step).collect::<Vec<_>>(),
    })
}

fn variable(var: &Var) -> Value {
    json!({
        "name": var.name,
        "prompt": var.prompt,
        "choices": var.choices,
        "default": var.default,
        "pattern": var.pattern,
        "secret": var.secret,
    })
}

fn step(step: &Step) -> Value {
    let card = &step.card;
    let branch = card
        .branch
        .as_ref()
        .map(|branch| json!({ "ok": branch.ok, "fail": branch.fail, "unknown": branch.unknown }));
    let decide: Vec<Value> = card
        .decide
        .iter()
        .map(|(answer, to)| json!({ "answer": answer, "to": to }))
        .collect();
    json!({
        "id": step.id,
        "title": step.title,
        "phase": step.phase,
        "line": step.line,
        "danger": card.danger,
        "confirm": card.confirm,
        "estimate_s": card.estimate.map(|span| span.as_secs()),
        "timeout_s": card.timeout.map(|span| span.as_secs()),
        "role": card.role,
        "next": card.next,
        "on_fail": card.on_fail.as_ref().map(way),
        "when": card.when.as_ref().map(ToString::to_string),
        "branch": branch,
        "decide": decide,
        "always": card.always,
        "safety": card.safety,
        "runs_by_itself": card.runs_by_itself,
        "why": texts(&step.why),
        "checks": step.checks.iter().map(check).collect::<Vec<_>>(),
        "parts": step.parts.iter().map(part).collect::<Vec<_>>(),
        "verify": step.verify.iter().map(check).collect::<Vec<_>>(),
        "rollback": step.rollback.iter().map(action).collect::<Vec<_>>(),
    })
}

fn way(on_fail: &OnFail) -> String {
    match on_fail {
        OnFail::Stop => "stop".to_owned(),
        OnFail::Go(step) => format!("#{step}"),
    }
}

fn check(check: &Check) -> Value {
    match check {
        Check::Condition(condition) => json!({ "condition": condition.to_string() }),
        Check::Code(code) => action(code),
    }
}

fn part(part: &Part) -> Value {
    match part {
        Part::Action(code) => action(code),
        Part::Tick(tick) => json!({ "tick": tick.text, "line": tick.line }),
    }
}

fn action(action: &Action) -> Value {
    let code = match &action.code {
        Code::Act { act } => json!({ "executor": "act", "text": act.to_string() }),
        Code::Shell {
            shell,
            script,
            host,
        } => {
            json!({ "executor": shell, "text": script, "host": host })
        }
        Code::Sql { on, text, tx } => {
            json!({ "executor": "sql", "on": on, "text": text, "one_transaction": tx })
        }
        Code::Redis { on, text } => json!({ "executor": "redis", "on": on, "text": text }),
        Code::Http { text } => json!({ "executor": "http", "text": text }),
    };
    let attrs = &action.attrs;
    json!({ "code": code, "with": attrs.with, "guards": attrs.guards, "as": attrs.keep_as, "line": action.line })
}

fn texts(blocks: &[Block]) -> Vec<String> {
    blocks.iter().map(text).collect()
}

/// A block as plain text.
fn text(block: &Block) -> String {
    match block {
        Block::Text(text) => text.clone(),
        Block::Item(depth, text) => format!("{}- {text}", "  ".repeat(*depth)),
        Block::Admonition(kind, text) => format!("{kind:?}: {text}"),
        Block::Quote(text) => text.clone(),
        Block::Code(_, text) => text.trim_end().to_owned(),
        Block::Row(cells) => cells.join(" | "),
    }
}

/// The runbook as a checklist of plain text: a box for each thing to do, room for the time and a name behind each step.
pub fn checklist(runbook: &Runbook) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "{}\n{}\n",
        runbook.title,
        "=".repeat(runbook.title.chars().count())
    );
    if let Some(summary) = &runbook.card.summary {
        wrapped(&mut out, "", summary);
    }
    let card = &runbook.card;
    let about = [("owner", &card.owner), ("version", &card.version)];
    let about = about
        .into_iter()
        .filter_map(|(key, value)| Some(format!("{key} {}", value.as_ref()?)));
    let about: Vec<String> = about
        .chain([format!("digest {}", &runbook.digest[..12])])
        .collect();
    wrapped(&mut out, "", &about.join(", "));
    let _ = writeln!(
        out,
        "\nIncident ______________  Date ______________  Run by ______________\n"
    );
    for var in &card.vars {
        let words = var.prompt.as_deref().unwrap_or_default();
        wrapped(
            &mut out,
            "  ",
            &format!("{} = ______________  {words}", var.name),
        );
    }
    let _ = writeln!(out);
    for block in &runbook.intro {
        prose(&mut out, "", block);
    }
    let mut phase: &[String] = &[];
    for (n, step) in runbook.steps.iter().enumerate() {
        if step.phase != phase {
            phase = &step.phase;
            let _ = writeln!(out, "\n{}", phase.join(" / ").to_uppercase());
        }
        on_paper(&mut out, n + 1, step);
    }
    out
}

fn on_paper(out: &mut String, number: usize, step: &Step) {
    let _ = writeln!(out);
    wrapped(
        out,
        "",
        &format!("{number}. {}   at ____:____  by ________", step.title),
    );
    let card = &step.card;
    let span = |span: Duration| format!("about {}", minutes(span));
    let facts = [
        card.danger.map(|danger| danger.to_string()),
        card.role.clone(),
        card.estimate.map(span),
        card.confirm.as_ref().map(|word| format!("asks for {word}")),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    if !facts.is_empty() {
        wrapped(out, "   ", &facts.join(", "));
    }
    if let Some(when) = &card.when {
        wrapped(out, "   ", &format!("only when {when}"));
    }
    for block in &step.why {
        prose(out, "   ", block);
    }
    for check in &step.checks {
        asked(out, "check ", check);
    }
    for part in &step.parts {
        match part {
            Part::Tick(tick) => wrapped(out, "   [ ] ", &tick.text),
            Part::Action(action) => code(out, "run   ", action),
        }
    }
    for check in &step.verify {
        asked(out, "verify", check);
    }
    for action in &step.rollback {
        code(out, "undo  ", action);
    }
    for (answer, to) in &card.decide {
        wrapped(out, "   ( ) ", &format!("{answer}: go to {to}"));
    }
    if let Some(branch) = &card.branch {
        wrapped(
            out,
            "   ",
            &format!(
                "holds: go to {}; does not: go to {}",
                branch.ok, branch.fail
            ),
        );
    }
    if let Some(next) = &card.next {
        wrapped(out, "   ", &format!("then go to {next}"));
    }
}

fn asked(out: &mut String, word: &str, check: &Check) {
    match check {
        Check::Condition(condition) => {
            wrapped(out, &format!("   [ ] {word} "), &condition.to_string());
        }
        Check::Code(action) => code(out, word, action),
    }
}

fn code(out: &mut String, word: &str, action: &Action) {
    let (kind, text) = match &action.code {
        Code::Act { act } => return wrapped(out, &format!("   [ ] {word} "), &act.to_string()),
        Code::Shell { script, host, .. } => match host {
            Some(host) => (format!("on {host}"), script),
            None => ("in a shell".to_owned(), script),
        },
        Code::Sql { on, text, .. } => (format!("SQL on {on}"), text),
        Code::Redis { on, text } => (format!("on {on}"), text),
        Code::Http { text } => ("a request".to_owned(), text),
    };
    let with: Vec<&str> = action
        .attrs
        .with
        .iter()
        .map(|target| target.as_str())
        .collect();
    let with = match with.is_empty() {
        true => String::new(),
        false => format!(", for {}", with.join(", ")),
    };
    let _ = writeln!(out, "   [ ] {word} {kind}{with}");
    for line in text.trim_end().lines() {
        let _ = writeln!(out, "       | {line}");
    }
}

fn prose(out: &mut String, indent: &str, block: &Block) {
    match block {
        Block::Code(_, text) => {
            for line in text.trim_end().lines() {
                let _ = writeln!(out, "{indent}| {line}");
            }
        }
        block => wrapped(out, indent, &text(block)),
    }
}

/// Writes a text behind its indentation, its lines no longer than the paper.
fn wrapped(out: &mut String, indent: &str, text: &str) {
    let hang = " ".repeat(indent.chars().count());
    let options = textwrap::Options::new(WIDTH)
        .initial_indent(indent)
        .subsequent_indent(&hang)
        .break_words(false);
    for line in textwrap::wrap(text, options) {
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

/// `45 m`, `2 h`, `30 s`.
fn minutes(span: Duration) -> String {
    match span.as_secs() {
        secs if secs >= 7200 && secs % 3600 == 0 => format!("{} h", secs / 3600),
        secs if secs >= 60 => format!("{} m", secs.div_ceil(60)),
        secs => format!("{secs} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    const TEXT: &str = "# Restore\n\n```toml runbook\nsummary = \"Back from a dump.\"\nowner = \"Platform\"\n\n[vars.DUMP]\nprompt = \"Dump\"\n```\n\nMind the `space`.\n\n## Phase\n\n### Stop {#stop}\n\n```toml step\ndanger = \"destructive\"\nconfirm = \"STOP\"\nestimate = \"90s\"\nrole = \"Operator\"\nnext = \"#end\"\n```\n\n```toml check\nreachable = \"pg-west\"\n```\n\n```sh with=pg-west\nsystemctl stop app\n```\n\n```sql verify on=pg-west\nSELECT 1\n```\n\n```toml rollback\nkube.scale = { target = \"web\", replicas = 3 }\n```\n\n### End {#end}\n\n- [ ] Everybody knows that it is over, and whoever was told that it had begun is told that it has ended\n";

    fn runbook() -> Runbook {
        parse("r.md", TEXT, "r".into()).0.unwrap()
    }

    #[test]
    fn the_json_holds_every_step_with_everything_of_it() {
        let json = as_json(&runbook());
        assert_eq!(json["summary"], "Back from a dump.");
        assert_eq!(json["variables"][0]["name"], "DUMP");
        let stop = &json["steps"][0];
        assert_eq!(stop["phase"], json!(["Phase"]));
        assert_eq!(
            (&stop["danger"], &stop["estimate_s"], &stop["next"]),
            (&json!("destructive"), &json!(90), &json!("end"))
        );
        assert_eq!(stop["checks"][0]["condition"], "reachable pg-west");
        assert_eq!(stop["parts"][0]["code"]["text"], "systemctl stop app\n");
        assert_eq!(stop["parts"][0]["with"], json!(["pg-west"]));
        assert_eq!(stop["verify"][0]["code"]["executor"], "sql");
        assert_eq!(stop["rollback"][0]["code"]["executor"], "act");
        assert!(
            json["steps"][1]["parts"][0]["tick"]
                .as_str()
                .unwrap()
                .starts_with("Everybody")
        );
    }

    #[test]
    fn the_checklist_has_a_box_for_everything_and_fits_on_paper() {
        let paper = checklist(&runbook());
        for wanted in [
            "Restore\n=======",
            "DUMP = ____",
            "PHASE",
            "1. Stop   at ____:____  by ________",
            "destructive, Operator, about 2 m, asks for STOP",
            "   [ ] check  reachable pg-west",
            "   [ ] run    in a shell, for pg-west\n       | systemctl stop app",
            "   [ ] verify SQL on pg-west\n       | SELECT 1",
            "   [ ] undo   kube.scale",
            "then go to end",
            "   [ ] Everybody knows that it is over, and whoever was told that it had begun\n       is told that it has ended",
        ] {
            assert!(paper.contains(wanted), "{wanted:?} is not in\n{paper}");
        }
        assert!(
            paper.lines().all(|line| line.chars().count() <= WIDTH),
            "{paper}"
        );
    }
}
