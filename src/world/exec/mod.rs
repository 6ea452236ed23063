//! Executors: each kind of fence and every typed act, run once. What is printed streams into the evidence file.

mod act;
pub mod env;
pub mod expect;
mod http;
mod redis;
mod shell;
pub mod sink;
mod sql;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::sync_channel;

use secrecy::SecretString;

use crate::incident::reading::{Failure, FailureKind, Holds, Outcome, Verdict};
use crate::incident::runbook::{Code, Expect, Vars};
use crate::incident::site::Site;
use crate::world::Systems;

/// How many lines of an answer are shown.
const ANSWERED: usize = 200;

/// What an executor needs beside its code.
pub struct Context<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its targets, live.
    pub systems: &'a Systems,
    /// Variables that reach it.
    pub vars: &'a Vars,
    /// Secret variables that reach it.
    pub secrets: &'a BTreeMap<String, SecretString>,
    /// The environment of the targets a shell was given.
    pub tools: &'a env::Tools,
    /// Where files with secrets may lie while it runs.
    pub scratch: &'a env::Scratch,
    /// The attempt's evidence folder.
    pub evidence: &'a Path,
    /// Where its output goes.
    pub sink: &'a sink::Sink,
    /// The process group of what runs, for a cancellation.
    pub group: &'a Group,
}

/// The process group of what runs now; none for what is no process.
#[derive(Debug, Default)]
pub struct Group(AtomicU32);

impl Group {
    /// Its id, while something runs.
    pub fn get(&self) -> Option<u32> {
        Some(self.0.load(Ordering::SeqCst)).filter(|id| *id != 0)
    }

    fn set(&self, id: Option<u32>) {
        self.0.store(id.unwrap_or(0), Ordering::SeqCst);
    }
}

/// What running something gave.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub outcome: Outcome,
    /// What it printed (standard output, rows, replies, a body), its first MiB, secrets and all: for `expect` and `as` only.
    pub output: String,
}

impl Ran {
    /// It did not happen, or it happened and failed.
    fn failed(failure: Failure) -> Self {
        Self {
            outcome: Outcome::Failed {
                failure,
                exit: None,
            },
            output: String::new(),
        }
    }

    /// It never ran.
    fn refused(why: &str) -> Self {
        Self {
            outcome: Outcome::Refused {
                verdicts: vec![Verdict::measured(false, why)],
            },
            output: String::new(),
        }
    }
}

/// Runs an act, once, and judges its output where a predicate is given.
pub async fn run(cx: &Context<'_>, code: &Code, expect: Option<&Expect>) -> Ran {
    let ran = match code {
        Code::Shell {
            shell,
            script,
            host,
        } => shell::run(cx, *shell, script, host.as_deref()).await,
        Code::Sql { on, text, tx } => sql::run(cx, on, text, *tx).await,
        Code::Redis { on, text } => redis::run(cx, on, text).await,
        Code::Http { text } => http::run(cx, text, expect.is_some()).await,
        Code::Act { act } => act::run(cx, act).await,
    };
    match (&ran.outcome, expect) {
        (Outcome::Done { .. }, Some(expect)) => expected(cx, ran, expect),
        _ => ran,
    }
}

fn expected(cx: &Context<'_>, ran: Ran, expect: &Expect) -> Ran {
    let verdict = expect::judge(expect, &ran.output);
    let saw = match cx.sink.is_muted() {
        true => "its output, a secret, is not as expected".into(),
        false => cx.sink.redact(verdict.saw.as_str()).to_string(),
    };
    cx.sink.line(format!("[{saw}]"));
    match verdict.holds {
        Holds::Yes => ran,
        _ => {
            let what = format!("expect: {saw}");
            let failure = Failure::new(FailureKind::BadAnswer, "output", what, "read its output");
            Ran {
                outcome: Outcome::Failed {
                    failure,
                    exit: None,
                },
                ..ran
            }
        }
    }
}

/// What a stage played: its lines go where an output goes, and its output is judged where a predicate is given and
/// something was printed.
pub fn played(cx: &Context<'_>, ran: Ran, expect: Option<&Expect>) -> Ran {
    for line in ran.output.lines() {
        cx.sink.line(line);
    }
    match (&ran.outcome, expect) {
        (Outcome::Done { .. }, Some(expect)) if !ran.output.trim().is_empty() => {
            expected(cx, ran, expect)
        }
        _ => ran,
    }
}

/// Whether code changes nothing, so that it is evaluated without being asked about.
pub fn freely(code: &Code) -> bool {
    match code {
        Code::Sql { .. } => true,
        Code::Http { text } => http::only_looks(text),
        Code::Shell { .. } | Code::Redis { .. } | Code::Act { .. } => false,
    }
}

/// Evaluates a check or a verification that changes nothing: `sql` in a READ ONLY transaction, `http` GET and HEAD. None
/// for what can do anything: that is confirmed and run like an act.
pub async fn check(
    site: &Site,
    vars: &Vars,
    code: &Code,
    expect: Option<&Expect>,
) -> Option<Verdict> {
    let said = look(site, vars, code, expect.is_some(), |_| {}).await?;
    Some(judge(&said, expect))
}

/// The same of what an operator asks: without a predicate the answer is told whole, rows or body, as far as it is shown.
pub async fn answer(
    site: &Site,
    vars: &Vars,
    code: &Code,
    expect: Option<&Expect>,
) -> Option<Verdict> {
    // What finds no room is not kept: a table of a million rows is asked for by a slip, too.
    let (rows, shown) = sync_channel(ANSWERED);
    let row = |line| drop(rows.try_send(line));
    let said = look(site, vars, code, expect.is_some(), row).await?;
    let (Ok(body), None) = (&said, expect) else {
        return Some(judge(&said, expect));
    };
    let mut lines: Vec<String> = match code {
        Code::Sql { .. } => shown.try_iter().collect(),
        _ => body.lines().take(ANSWERED).map(str::to_owned).collect(),
    };
    if lines.len() == ANSWERED {
        lines.push("… and more, which is not shown: ask for less".to_owned());
    }
    Some(Verdict::measured(true, lines.join("\n")))
}

/// The first cell, or the body; `row` is told each row. None for what can do anything.
async fn look(
    site: &Site,
    vars: &Vars,
    code: &Code,
    expected: bool,
    row: impl Fn(String),
) -> Option<Result<String, Failure>> {
    match code {
        Code::Sql { on, text, .. } => Some(sql::look(site, vars, on, text, row).await),
        Code::Http { text } if http::only_looks(text) => {
            Some(http::look(vars, text, expected).await)
        }
        _ => None,
    }
}

fn judge(said: &Result<String, Failure>, expect: Option<&Expect>) -> Verdict {
    match (said, expect) {
        (Err(failure), _) => Verdict::unknown(failure.to_string()),
        (Ok(output), Some(expect)) => expect::judge(expect, output),
        // Without a predicate an answer of any kind holds, but none at all does not.
        (Ok(output), None) => match output.trim() {
            "" | expect::NULL => Verdict::measured(false, "no answer"),
            answer => Verdict::measured(true, answer.lines().next().unwrap_or_default()),
        },
    }
}
