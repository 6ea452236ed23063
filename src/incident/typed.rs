//! What an operator types at the console: a question, which changes nothing and is asked at once, or a step of its own. Both
//! are a fence, read by the reader of runbooks: nothing can be typed that could not stand in one.

use super::acts::read::begins_act;
use super::clean::Clean;
use super::digest::digest;
use super::fault::Fault;
use super::names::RunbookId;
use super::runbook::{Check, Runbook, http_method, parse, takes_text};
use super::statements::only_looks;

/// How many characters of what is typed make a step's title.
const TITLE: usize = 72;

/// How many digits of its digest make a step's name: the same step typed again has the same name, and its history.
const NAMED_BY: usize = 12;

/// What was typed.
#[derive(Debug, Clone, PartialEq)]
pub enum Typed {
    /// Changes nothing: conditions, `sql` that only looks, `http` GET and HEAD.
    Question(Vec<Check>),
    /// May change something.
    Step(Box<Addition>),
}

/// A step that an operator adds: a runbook that holds it alone, so that it goes the road of every step.
#[derive(Debug, Clone, PartialEq)]
pub struct Addition {
    /// The runbook, of one step.
    pub runbook: Runbook,
    /// Its file.
    pub text: String,
    /// The fence alone, as it would stand in another runbook.
    pub fence: String,
}

/// Reads what was typed. `words` is a fence's first line, or a condition or an act in TOML; `text` what stands in the fence.
///
/// # Errors
/// What is wrong with it, and what to write instead, in one line.
pub fn read(words: &str, text: &str) -> Result<Typed, String> {
    let words = words.trim();
    if words.is_empty() {
        return Err("nothing is typed — write a condition, an act, or a fence's words".into());
    }
    if words.contains(['`', '\n']) {
        return Err("a fence's words stand in one line, without ` — put the text below".into());
    }
    let (looks, info, body) = match takes_text(words) {
        true => {
            let (looks, info) = untyped(words, text)?;
            (looks, info, text)
        }
        false => {
            let looks = !begins_act(words);
            let info = if looks { "toml check" } else { "toml run" };
            (looks, info.to_owned(), words)
        }
    };
    let clean = Clean::new(body);
    if clean.as_str() != body {
        return Err("it holds what can't be seen, or a line over 8 KiB — type it anew".into());
    }
    let fence = clean.fence(&info);
    let title = title(words, text);
    let file = file(&title, &fence);
    let (runbook, faults) = named(&file);
    let runbook = runbook.ok_or_else(|| first(&faults))?;
    let step = runbook.steps.first();
    match step.filter(|step| step.all_actions().next().is_some() || !step.checks.is_empty()) {
        None => Err(first(&faults)),
        Some(step) if looks => Ok(Typed::Question(step.checks.clone())),
        Some(_) => Ok(Typed::Step(Box::new(Addition {
            runbook,
            text: file,
            fence,
        }))),
    }
}

/// Whether a fence with a text only looks, and its words with the role that makes it so.
fn untyped(words: &str, text: &str) -> Result<(bool, String), String> {
    let (language, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    let rest = rest.trim();
    let can_look = match language.to_ascii_lowercase().as_str() {
        "sql" => only_looks(text),
        "http" => matches!(http_method(text), Some("GET" | "HEAD")),
        _ => false,
    };
    let (role, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let (looks, rest) = match role {
        "run" => (false, rest.to_owned()),
        "check" if can_look => (true, rest.to_owned()),
        "check" => {
            let advice = "leave check out, and it is a step";
            return Err(format!("this {language} may change something — {advice}"));
        }
        "verify" | "rollback" => {
            let what = format!("{role} belongs to a step of a runbook");
            return Err(format!("{what} — leave it out"));
        }
        attribute => (can_look, format!("{attribute} {rest}")),
    };
    let role = if looks { "check" } else { "run" };
    Ok((looks, format!("{language} {role} {}", rest.trim())))
}

/// What is typed, in a line.
fn title(words: &str, text: &str) -> String {
    let first = text.lines().map(str::trim).find(|line| !line.is_empty());
    let whole = match first.filter(|_| takes_text(words)) {
        Some(first) => format!("{words}: {first}"),
        None => words.to_owned(),
    };
    let Some((end, _)) = whole.char_indices().nth(TITLE) else {
        return whole;
    };
    // No word is cut, unless there is but one.
    let cut = &whole[..end];
    let cut = cut.rsplit_once(' ').map_or(cut, |(before, _)| before);
    format!("{cut} …")
}

fn file(title: &str, fence: &str) -> String {
    let title = Clean::new(title).markdown();
    format!(
        "# {title}\n\n## {title} {{#typed}}\n\nTyped at the console in the middle of an incident: no runbook says it.\n\n{fence}"
    )
}

fn named(file: &str) -> (Option<Runbook>, Vec<Fault>) {
    let digest = digest(file.as_bytes());
    let name = digest.get(..NAMED_BY).unwrap_or(&digest);
    parse("typed", file, RunbookId(format!("typed-{name}")))
}

/// The first fault, without its place: there is one line to look at.
fn first(faults: &[Fault]) -> String {
    match faults.first() {
        Some(fault) if fault.instead.is_empty() => fault.what.clone(),
        Some(fault) => format!("{} — {}", fault.what, fault.instead),
        None => "nothing in it can be run — see what a fence of this language takes".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::{effective_danger, past_guards, phrase};
    use super::*;

    /// `looks N`, the phrase of a step that asks for one, `enter` of one that does not, or the fault.
    fn kind(words: &str, text: &str) -> String {
        match read(words, text) {
            Err(fault) => fault,
            Ok(Typed::Question(checks)) => format!("looks {}", checks.len()),
            Ok(Typed::Step(added)) => {
                let [step] = &added.runbook.steps[..] else {
                    panic!("{:?}", added.runbook.steps);
                };
                let action = step.actions().next().unwrap();
                let danger = effective_danger(step, action);
                let asks = phrase(step, action).unwrap_or_else(|| "enter".into());
                format!("{danger}: {asks}")
            }
        }
    }

    #[test]
    fn what_only_looks_is_a_question_and_all_else_a_step() {
        let table = [
            (r#"reachable = "pg-west""#, "", "looks 1"),
            (r#"writable = ["pg-east", "pg-west"]"#, "", "looks 2"),
            (r#"lag = { of = "pg-west", under = "30s" }"#, "", "looks 1"),
            ("sql on=pg-west", "SELECT 1", "looks 1"),
            (
                "sql check on=pg-west",
                "-- why\nSHOW port; TABLE t",
                "looks 1",
            ),
            ("sql run on=pg-west", "SELECT 1", "change: run"),
            (
                "sql on=pg-west",
                "SELECT 1; UPDATE t SET a = 1",
                "change: run",
            ),
            (
                "sql on=pg-west",
                "SELECT pg_terminate_backend(7)",
                "change: run",
            ),
            (
                "sql on=pg-west",
                "SELECT \"pg_reload_conf\" ()",
                "change: run",
            ),
            ("sql on=pg-west", "DROP TABLE t", "destructive: pg-west"),
            ("http", "GET https://api/health", "looks 1"),
            ("http", "https://api/health", "looks 1"),
            ("http", "POST https://api/drain", "change: run"),
            ("sh with=pg-west", "uptime", "change: run"),
            ("bash", "rm -r /srv/x", "destructive: typed"),
            ("redis on=cache", "INFO memory", "change: run"),
            (r#"kube.restart = { target = "api" }"#, "", "change: enter"),
            (
                r#"postgres.terminate = { target = "pg" }"#,
                "",
                "destructive: pg",
            ),
        ];
        for (words, text, expected) in table {
            assert_eq!(kind(words, text), expected, "{words}\n{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_as_in_a_runbook() {
        let table = [
            ("", "", "nothing is typed"),
            ("sh with=`x`", "ls", "a fence's words stand in one line"),
            ("sh", "ls\u{202e}", "it holds what can't be seen"),
            ("sh", " ", "the fence is empty — write what is to run"),
            (
                "sh wiht=a",
                "ls",
                "the fence takes no \"wiht\" — did you mean with?",
            ),
            (
                "sh check",
                "ls",
                "this sh may change something — leave check out",
            ),
            (
                "sql verify on=a",
                "SELECT 1",
                "verify belongs to a step of a runbook",
            ),
            (
                "sql",
                "SELECT 1",
                "the fence names no server — add on=TARGET",
            ),
            ("http", "hello", "the fence holds no request"),
            ("console", "plain words", "nothing in it can be run"),
            ("kube.restrat = { target = \"a\" }", "", "kube has no"),
            (
                "lagg = 1",
                "",
                "the fence has no key \"lagg\" — did you mean lag?",
            ),
        ];
        for (words, text, expected) in table {
            let told = kind(words, text);
            assert!(told.starts_with(expected), "{words}: {told}");
        }
    }

    #[test]
    fn a_step_reads_as_it_was_typed_whatever_is_in_it() {
        let text = "echo *c* '```' '# no heading' \\\n  {{#id}}\n\n## Neither\n~~~\n";
        let added = match read("sh with=a_b", text) {
            Ok(Typed::Step(added)) => added,
            other => panic!("{other:?}"),
        };
        let step = &added.runbook.steps[0];
        assert_eq!((added.runbook.steps.len(), step.id.as_str()), (1, "typed"));
        let title = "sh with=a_b: echo *c* '```' '# no heading' \\";
        assert_eq!(
            (added.runbook.title.as_str(), step.title.as_str()),
            (title, title)
        );
        let action = step.actions().next().unwrap();
        let script = match &action.code {
            super::super::runbook::Code::Shell { script, .. } => script,
            other => panic!("{other:?}"),
        };
        assert_eq!(script.trim_end(), text.trim_end());
        assert_eq!(read("sh with=a_b", text), Ok(Typed::Step(added)));
    }

    #[test]
    fn a_promotion_by_hand_is_refused_as_in_a_runbook() {
        let Ok(Typed::Step(added)) = read("redis on=cache", "REPLICAOF NO ONE") else {
            panic!();
        };
        let action = added.runbook.steps[0].actions().next().unwrap();
        assert!(
            past_guards(action)
                .unwrap_err()
                .contains("past every guard")
        );
    }
}
