//! What `warroom check` finds in a runbook beyond its grammar: names nobody has, steps nobody reaches, variables nobody sets,
//! commands that destroy, leak, never end or can't work.

mod allow;
mod commands;
mod graph;
mod rules;
mod scripts;
mod targets;
mod variables;

use std::ops::Range;

use chrono::{Days, NaiveDate};

use super::super::acts::Act;
use super::super::acts::redis::RedisAct;
use super::super::fault::{Fault, Source, Weight};
use super::super::measure::Span;
use super::super::names::RunbookId;
use super::super::resolve::effective_danger;
use super::super::site::Site;
use super::parse::read;
use super::{Action, Code, Danger, Role, Runbook, Step, http_method};
pub(super) use commands::bare;
use rules::Over;

pub use commands::{ambient_client, destructive_command, promotion};
pub use rules::codes;
pub use targets::{WrongName, wrong_names};
pub(super) use variables::{assigned, unset};

/// Everything that is wrong with a runbook's file, grammar and meaning, in the file's order; names are looked up when a site is
/// given.
pub fn check(
    file: &str,
    text: &str,
    id: RunbookId,
    site: Option<&Site>,
    today: NaiveDate,
) -> Vec<Fault> {
    let (runbook, faults) = read(file, text, id);
    let source = &Source::new(file, text);
    let mut lint = Lint {
        runbook: &runbook,
        source,
        faults,
    };
    lint.review(today);
    lint.secrets();
    graph::references(&mut lint);
    graph::reachable(&mut lint);
    variables::set(&mut lint, site);
    variables::set_in_time(&mut lint, site);
    variables::secrets(&mut lint);
    if let Some(site) = site {
        targets::known(&mut lint, site);
    }
    for step in &runbook.steps {
        lint.step(step);
        for action in step.all_actions() {
            lint.action(step, action);
        }
    }
    lint.sentinels();
    let mut faults = allow::allowed(source, lint.faults);
    faults.sort_by_key(|fault| (fault.line, fault.col));
    faults.dedup();
    faults
}

/// A runbook while its faults are collected.
struct Lint<'a> {
    runbook: &'a Runbook,
    source: &'a Source<'a>,
    faults: Vec<Fault>,
}

/// How far behind a step's line a word of it is looked for, in bytes.
const NEAR: usize = 1 << 16;

impl Lint<'_> {
    fn fault(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let fault = self.source.fault(at, what, instead);
        self.faults.push(Fault { code, ..fault });
    }

    fn warn(
        &mut self,
        code: &'static str,
        at: &Range<usize>,
        what: impl Into<String>,
        instead: impl Into<String>,
    ) {
        let fault = self.source.warning(at, what, instead);
        self.faults.push(Fault { code, ..fault });
    }

    /// The place of `word`, standing by itself, at or after a line; the line's start when it is not there.
    fn near(&self, line: usize, word: &str) -> Range<usize> {
        let start = self.source.line_start(line);
        if word.is_empty() {
            return start..start;
        }
        let rest = &self.source.text[start..];
        let end = (NEAR.min(rest.len())..=rest.len()).find(|n| rest.is_char_boundary(*n));
        let text = &rest[..end.unwrap_or(rest.len())];
        let part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let alone = |at: usize| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(part) && !after.is_some_and(part)
        };
        let found = text
            .match_indices(word)
            .map(|(at, _)| at)
            .find(|at| alone(*at));
        let at = start + found.unwrap_or_default();
        at..at
    }

    /// The place in the file of a byte of an action's code, which a list may have indented.
    fn in_code(&self, action: &Action, code: &str, offset: usize) -> Range<usize> {
        let before = code.get(..offset).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |n| n + 1);
        let line = code[start..].lines().next().unwrap_or_default();
        let base = self.source.line_start(action.line);
        let at = self.source.text[base..]
            .find(line)
            .map(|at| at + offset - start);
        let at = base + at.unwrap_or_default();
        at..at
    }

    fn review(&mut self, today: NaiveDate) {
        let card = &self.runbook.card;
        let due = card
            .reviewed
            .zip(card.review_every)
            .and_then(|(reviewed, every)| {
                reviewed.checked_add_days(Days::new(every.as_secs() / 86_400))
            });
        if let Some(due) = due.filter(|due| *due < today) {
            let at = self.near(1, "reviewed");
            let what = format!("the runbook's review was due on {due}");
            self.warn(
                "review-overdue",
                &at,
                what,
                "review it, and set reviewed to the day",
            );
        }
    }

    fn secrets(&mut self) {
        for (at, rule) in rules::broken(self.source.text, &[Over::File], false) {
            self.broken(&at, rule);
        }
    }

    fn broken(&mut self, at: &Range<usize>, rule: &rules::Rule) {
        match rule.weight {
            Weight::Fault => self.fault(rule.code, at, rule.what, rule.instead),
            Weight::Warning => self.warn(rule.code, at, rule.what, rule.instead),
        }
    }

    /// Two names of a Sentinels' master in one file: one of them is known to no Sentinel.
    fn sentinels(&mut self) {
        let mut first: Option<String> = None;
        let runbook = self.runbook;
        for action in runbook.steps.iter().flat_map(Step::all_actions) {
            let Code::Shell { script, .. } = &action.code else {
                continue;
            };
            let text = bare(script);
            let names = commands::sentinel_masters(&text);
            for (at, name) in names {
                if first.get_or_insert_with(|| name.clone()) == &name {
                    continue;
                }
                let place = self.in_code(action, script, at);
                let known = first.clone().unwrap_or_default();
                let what = format!("the master is {name} here, and {known} further up");
                self.warn(
                    "sentinel-master-differs",
                    &place,
                    what,
                    "name it once, in the site file",
                );
                return;
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let danger = |action: &Action| effective_danger(step, action);
        let worst = step.actions().map(danger).max().unwrap_or_default();
        if let Some(said) = step.card.danger.filter(|said| *said < worst) {
            let at = self.near(step.line, "danger");
            let what = format!("the card says {said}, and its act is {worst}");
            let instead = "a card can only raise it, say what it is";
            self.warn("danger-understated", &at, what, instead);
        }
        let times = step.card.decide_by.zip(self.runbook.card.rto);
        if let Some((by, rto)) = times.filter(|(by, rto)| by >= rto) {
            let at = self.near(step.line, "decide_by");
            let (by, rto) = (Span(by), Span(rto));
            let what = format!("deciding may take {by}, and the whole recovery {rto}");
            self.warn("decide-late", &at, what, "give the decision less time");
        }
        if let Some(action) = step.rollback.first().filter(|_| worst == Danger::OneWay) {
            let at = self.near(action.line, "");
            let what = "nothing is rolled back past a one-way step";
            let instead = "take the rollback out, it is never offered";
            self.warn("rollback-past-one-way", &at, what, instead);
        }
        let unsafe_act = step
            .actions()
            .find(|action| danger(action) == Danger::Destructive && destroys_data(action));
        let guarded = step.card.safety.is_some() || step.card.name_guard.is_some();
        if let Some(action) = unsafe_act.filter(|_| !guarded) {
            let at = self.near(action.line, "");
            let what = "this destroys data, and no copy is made before";
            let instead = "name the step that makes one, safety = \"#its-id\"";
            self.warn("destroys-without-copy", &at, what, instead);
        }
    }

    fn action(&mut self, step: &Step, action: &Action) {
        match &action.code {
            Code::Shell { script, .. } => {
                let text = bare(script);
                self.rules(
                    action,
                    script,
                    &text,
                    &[Over::Shell, Over::Query, Over::Code],
                );
                self.rules(action, script, script, &[Over::Written]);
                // An expectation of the output is the look behind the loop.
                let looked =
                    |code: &str| code == "loop-falls-through" && action.attrs.expect.is_some();
                for found in scripts::faults(&text)
                    .into_iter()
                    .filter(|f| !looked(f.code))
                {
                    let at = self.in_code(action, script, found.at.start);
                    match found.weight {
                        Weight::Fault => self.fault(found.code, &at, found.what, found.instead),
                        Weight::Warning => self.warn(found.code, &at, found.what, found.instead),
                    }
                }
                self.ambient(action, script);
                self.destructive(step, action, script);
                if action.attrs.guards.is_none() {
                    let instead =
                        "use the typed act, postgres.promote and its like, or add guards=TARGET";
                    self.promotion(action, script, instead);
                }
            }
            Code::Sql { text, .. } => {
                self.rules(action, text, &bare(text), &[Over::Query, Over::Code]);
                self.destructive(step, action, text);
                self.promotion(action, text, "use postgres.promote");
            }
            Code::Redis { text, .. } => {
                self.rules(action, text, &bare(text), &[Over::Code]);
                self.destructive(step, action, text);
                self.promotion(action, text, "use redis.promote or redis.failover");
            }
            Code::Http { text } => {
                // A body may well hold markup.
                let head = text.split("\n\n").next().unwrap_or_default();
                self.rules(action, head, head, &[Over::Code]);
                if http_method(text) == Some("DELETE") {
                    self.undeclared(step, action, text, "DELETE");
                }
            }
            Code::Act { .. } => {}
        }
    }

    /// `text` is `code`, its comments blanked or not, every byte at its place.
    fn rules(&mut self, action: &Action, code: &str, text: &str, over: &[Over]) {
        let with = !action.attrs.with.is_empty();
        for (found, rule) in rules::broken(text, over, with) {
            let at = self.in_code(action, code, found.start);
            self.broken(&at, rule);
        }
    }

    fn ambient(&mut self, action: &Action, script: &str) {
        if let Some(client) = ambient_client(script).filter(|_| action.attrs.with.is_empty()) {
            let at = self.in_code(action, script, offset(script, client));
            let what = format!("{client} acts on whatever is configured where it runs");
            self.fault(
                "ambient-client",
                &at,
                what,
                "add with=TARGET behind the fence",
            );
        }
    }

    fn promotion(&mut self, action: &Action, code: &str, instead: &str) {
        if let Some(found) = promotion(code) {
            let at = self.in_code(action, code, offset(code, found));
            let what = format!("{found:?} promotes past every guard");
            self.fault("past-guards", &at, what, instead);
        }
    }

    fn destructive(&mut self, step: &Step, action: &Action, code: &str) {
        if let Some(found) = destructive_command(code) {
            self.undeclared(step, action, code, found);
        }
    }

    /// Something destructive is `found` in an action whose card does not say so.
    fn undeclared(&mut self, step: &Step, action: &Action, code: &str, found: &str) {
        let at = self.in_code(action, code, offset(code, found));
        match action.role {
            Role::Check | Role::Verify => {
                let what = format!("{found:?} destroys, in a fence that only asks");
                self.fault(
                    "destroys-while-asking",
                    &at,
                    what,
                    "move it to a step of its own",
                );
            }
            Role::Run if step.card.danger.is_none() => {
                let what = format!("{found:?} destroys, and the step carries no danger");
                let instead = "add danger = \"destructive\" to its card";
                self.fault("destroys-undeclared", &at, what, instead);
            }
            Role::Run | Role::Rollback => {}
        }
    }
}

/// Where `part`, a piece of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize)
        .checked_sub(whole.as_ptr() as usize)
        .filter(|at| *at <= whole.len())
        .or_else(|| whole.find(part))
        .unwrap_or_default()
}

/// Fences and sessions can be taken back; data can't.
fn destroys_data(action: &Action) -> bool {
    match &action.code {
        Code::Act { act } => matches!(act, Act::Redis(RedisAct::Follow { .. })),
        Code::Shell { .. } | Code::Sql { .. } | Code::Redis { .. } | Code::Http { .. } => true,
    }
}
