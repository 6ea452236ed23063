//! Runbooks: Markdown that a person reads and warroom walks. This file is the model; `parse` makes it from a file's text.
//!
//! Everything that is not understood stays prose, so any Markdown runbook opens. Cards, executors and typed acts are
//! strict, and all faults of a file are found at once.

mod attributes;
mod card;
mod console;
mod expect;
mod export;
mod fence;
mod ids;
mod import;
mod lint;
mod outline;
mod parse;
mod prose;
mod stepcard;
mod system;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::acts::{Act, Condition};
use super::names::{RunbookId, SeverityId, StepId, TargetId};

pub use export::{as_json, checklist};
pub use fence::{http_method, takes_text};
pub use ids::{OF_INCIDENT, typeable, variable_name};
pub use import::{REVIEW, draft};
pub use lint::{
    WrongName, ambient_client, check, codes, destructive_command, promotion, wrong_names,
};
pub use parse::parse;
pub use system::System;

/// A runbook as its file says it.
#[derive(Debug, Clone, PartialEq)]
pub struct Runbook {
    /// The file's stem.
    pub id: RunbookId,
    /// The first `#` heading, else the file's stem.
    pub title: String,
    /// SHA-256 of the file's bytes, in hexadecimal.
    pub digest: String,
    /// The runbook card; the default when the file has none.
    pub card: RunbookCard,
    /// It has a card. Without one, each section that holds steps can be opened by itself.
    pub carded: bool,
    /// Prose before the first step.
    pub intro: Vec<Block>,
    /// Steps in the file's order.
    pub steps: Vec<Step>,
}

/// The `toml runbook` card.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RunbookCard {
    /// One sentence for the list.
    pub summary: Option<String>,
    /// Severities it is offered first for.
    pub severity: Vec<SeverityId>,
    /// Its recovery time, when not the site's.
    pub rto: Option<Duration>,
    /// Its recovery point, when not the site's.
    pub rpo: Option<Duration>,
    /// Programs and targets looked for before the first step.
    pub requires: Vec<String>,
    /// How often it is to be drilled.
    pub drill_every: Option<Duration>,
    /// Who owns it.
    pub owner: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// When it was last reviewed.
    pub reviewed: Option<NaiveDate>,
    /// How often it is to be reviewed.
    pub review_every: Option<Duration>,
    /// Verification checklists that must be done before the incident resolves: runbook ids.
    pub closes: Vec<String>,
    /// It holds several procedures: each section with steps can be opened by itself, as in a file without a card.
    pub several: bool,
    /// Variables, in the card's order.
    pub vars: Vec<Var>,
}

/// A variable of a runbook.
#[derive(Debug, Clone, PartialEq)]
pub struct Var {
    /// `DR`
    pub name: String,
    /// What the operator is asked.
    pub prompt: Option<String>,
    /// Values of the site to choose from.
    pub from: Option<VarSource>,
    /// Values to choose from.
    pub choices: Vec<String>,
    /// The value when nothing is typed.
    pub default: Option<String>,
    /// A regular expression the whole value must match.
    pub pattern: Option<String>,
    /// What kind of value it is.
    pub kind: VarKind,
    /// Never shown, never recorded.
    pub secret: bool,
}

/// Where a variable's choices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VarSource {
    /// `regions`
    Regions,
    /// `regions.standby`
    StandbyRegions,
    /// `regions.primary`
    PrimaryRegions,
    /// `targets`, or `targets.SYSTEM`
    Targets(Option<System>),
    /// `backups`
    Backups,
}

/// What kind of value a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum VarKind {
    /// Any text its pattern allows.
    #[default]
    Text,
    /// An instant, RFC 3339 in UTC.
    Time,
    /// A whole number.
    Number,
}

/// A step: a leaf section that holds something to do, or prose to acknowledge.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// `{#id}` of the heading, else its slug.
    pub id: StepId,
    /// The heading.
    pub title: String,
    /// Titles of the headings above it, below the runbook's title.
    pub phase: Vec<String>,
    /// The heading's line in the file, from 1.
    pub line: usize,
    /// The step card; the default when it has none.
    pub card: Arc<StepCard>,
    /// The prose beside it: what it does and what it costs.
    pub why: Vec<Block>,
    /// What is to be done, in order. Empty: a row to acknowledge.
    pub parts: Vec<Part>,
    /// Must hold before any action of the step runs.
    pub checks: Vec<Check>,
    /// Polled after the last action until they hold.
    pub verify: Vec<Check>,
    /// How to undo the step.
    pub rollback: Vec<Action>,
}

/// The `toml step` card.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct StepCard {
    /// The card's own; the action's least danger can only be raised by it.
    pub danger: Option<Danger>,
    /// The phrase to type.
    pub confirm: Option<String>,
    /// How long it takes, by its author.
    pub estimate: Option<Duration>,
    /// Then the operator is asked: wait on, or cancel.
    pub timeout: Option<Duration>,
    /// Distinct people who must agree, the one who runs it included; 1 when not given.
    pub approvals: Option<u32>,
    /// Who should run it.
    pub role: Option<String>,
    /// Where to go when it fails.
    pub on_fail: Option<OnFail>,
    /// The next step, when not the next in the file.
    pub next: Option<StepId>,
    /// Not applicable unless this holds.
    pub when: Option<Condition>,
    /// A fork decided by the step's checks.
    pub branch: Option<Branch>,
    /// A fork the operator decides: answer → step.
    pub decide: Vec<(String, StepId)>,
    /// How long the decision may take.
    pub decide_by: Option<Duration>,
    /// Offered even after a failure, an abort or a quit.
    pub always: bool,
    /// Readings kept before the act.
    pub capture: Vec<Capture>,
    /// Captures that must differ afterwards.
    pub changed: Vec<Capture>,
    /// An observation window after the act.
    pub hold: Option<Hold>,
    /// How often `verify` polls.
    pub every: Option<Duration>,
    /// What is proposed when `verify` never holds.
    pub on_timeout: Option<OnFail>,
    /// The step that must be done before this destructive one.
    pub safety: Option<StepId>,
    /// What the target's name must match.
    pub name_guard: Option<String>,
    /// A manual step that asks for a note, a link or a file.
    pub evidence: bool,
    /// Maintenance mode goes on (true) or off (false) with this step.
    pub maintenance: Option<bool>,
    /// The platform does it; warroom watches its `verify`.
    pub runs_by_itself: bool,
}

/// `on_fail`, `on_timeout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OnFail {
    /// Ask what to do.
    Stop,
    /// Propose going there.
    Go(StepId),
}

/// A fork decided by checks; the operator confirms the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// All checks hold.
    pub ok: StepId,
    /// One does not.
    pub fail: StepId,
    /// One can't be told; like `fail` when absent.
    pub unknown: Option<StepId>,
}

/// A reading kept before an act: `redis.master(sentinel)`, `postgres.timeline(pg-west)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    /// `redis.master`, `postgres.timeline`, `postgres.role`, `http.field`, …
    pub what: String,
    /// Of which target.
    pub of: TargetId,
}

impl fmt::Display for Capture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.what, self.of)
    }
}

/// `hold = { for = "5m", while = <condition> }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Hold {
    /// How long.
    pub span: Duration,
    /// What must hold all that time.
    pub condition: Condition,
}

/// How dangerous an action is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Danger {
    /// Looks, changes nothing.
    #[default]
    None,
    /// Changes something that can be changed back.
    Change,
    /// Can lose data, sessions or capacity.
    Destructive,
    /// Cannot be undone.
    OneWay,
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Danger::None => "none",
            Danger::Change => "change",
            Danger::Destructive => "destructive",
            Danger::OneWay => "one-way",
        })
    }
}

/// One thing to do in a step.
#[expect(
    clippy::large_enum_variant,
    reason = "a step has few of them, and they are read far more often than moved"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A fence that runs once it is confirmed.
    Action(Action),
    /// An item a person ticks.
    Tick(Tick),
}

/// A manual check, ticked with a note as evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tick {
    /// Its number in the step, from 1, counted with the actions (`#promote/2`).
    pub index: usize,
    /// What is to be done or checked.
    pub text: String,
    /// Its line in the file.
    pub line: usize,
}

/// A fence in a language with an executor. Each has its own intent, confirmation, attempt and state.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Its number in the step, from 1.
    pub index: usize,
    /// Run, check, verify or rollback.
    pub role: Role,
    /// What runs.
    pub code: Code,
    /// The second word's attributes.
    pub attrs: Attrs,
    /// The fence's first line of content in the file, from 1.
    pub line: usize,
}

/// A fence's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Must hold before.
    Check,
    /// The act.
    Run,
    /// Must hold after.
    Verify,
    /// Undoes the step.
    Rollback,
}

/// What a fence runs, by executor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "executor", rename_all = "snake_case")]
pub enum Code {
    /// `sh bash zsh shell console`
    Shell {
        /// Which one.
        shell: Shell,
        /// What runs; of a `console` block only its prompt lines.
        script: String,
        /// `on=HOST`: over ssh.
        host: Option<String>,
    },
    /// `sql on=TARGET`
    Sql {
        /// The server.
        on: TargetId,
        /// The statements.
        text: String,
        /// In one transaction.
        tx: bool,
    },
    /// `redis on=TARGET`
    Redis {
        /// The server.
        on: TargetId,
        /// One command a line.
        text: String,
    },
    /// `http`
    Http {
        /// The request as `.http` files write it.
        text: String,
    },
    /// `toml`: a typed act.
    Act {
        /// Which.
        act: Act,
    },
}

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shell {
    /// `sh -eu` (`shell`, `console` too).
    Sh,
    /// `bash -eu -o pipefail`
    Bash,
    /// `zsh -eu -o pipefail`
    Zsh,
}

/// What stands behind a fence's role.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Attrs {
    /// Targets whose environment the shell gets; all others are unset.
    pub with: Vec<TargetId>,
    /// A predicate on the output.
    pub expect: Option<Expect>,
    /// Keeps the output as a variable.
    pub keep_as: Option<String>,
    /// The part of JSON that is kept.
    pub path: Option<String>,
    /// What is kept stays off every record.
    pub secret: bool,
    /// `guards=TARGET`: the promotion guards of that target hold for this shell fence.
    pub guards: Option<TargetId>,
}

/// `expect="…"`: empty output and NULL fail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// `== value`
    Equals(String),
    /// `!= value`
    Differs(String),
    /// `contains text`
    Contains(String),
    /// `json $.path == value`
    Json {
        /// `$.a.b[0]`
        path: String,
        /// What stands there, as text.
        equals: String,
    },
    /// `number > 5`
    Number {
        /// How to compare.
        op: Compare,
        /// With what.
        than: f64,
    },
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compare {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// A check or a verification: typed, or a fence with an executor.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// Evaluated freely.
    Condition(Condition),
    /// `sql` and `http` GET or HEAD are evaluated freely; `sh` and `redis` are confirmed and run like an act.
    Code(Action),
}

/// A block of prose as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph, its inline marks taken off.
    Text(String),
    /// A list item, with its depth.
    Item(usize, String),
    /// `> [!WARNING]` and its kin.
    Admonition(Admonition, String),
    /// A quote.
    Quote(String),
    /// A fence that is shown, never run; its language.
    Code(String, String),
    /// A row of a table.
    Row(Vec<String>),
}

/// GitHub's admonitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admonition {
    /// Useful.
    Note,
    /// Helpful.
    Tip,
    /// Needed.
    Important,
    /// Urgent.
    Warning,
    /// Risky.
    Caution,
}

/// Which action of which step: `#promote/2`, and what part it plays.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActionRef {
    /// The runbook, as it was chosen in this incident (its number, from 1: one runbook may be walked twice).
    pub walk: u32,
    /// The step.
    pub step: StepId,
    /// The action's number in the step, within its role.
    pub index: usize,
    /// Its role.
    pub role: Role,
}

impl fmt::Display for ActionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.role {
            Role::Run => write!(f, "#{}/{}", self.step, self.index),
            Role::Check => write!(f, "#{}/check/{}", self.step, self.index),
            Role::Verify => write!(f, "#{}/verify/{}", self.step, self.index),
            Role::Rollback => write!(f, "#{}/rollback/{}", self.step, self.index),
        }
    }
}

/// Values of a walk's variables by name. Secrets are kept elsewhere, in memory only.
pub type Vars = BTreeMap<String, String>;

impl Runbook {
    /// The same, its variables filled in as a site does; a secret is never filled in.
    pub fn filled_in(mut self, values: &BTreeMap<String, String>) -> Self {
        for var in self.card.vars.iter_mut().filter(|var| !var.secret) {
            if let Some(value) = values.get(&var.name) {
                var.default = Some(value.clone());
            }
        }
        self
    }

    /// The step of that id.
    pub fn step(&self, id: &StepId) -> Option<&Step> {
        self.steps.iter().find(|s| &s.id == id)
    }
}

impl Step {
    /// Every fence of it with an executor, whatever its role: checks, acts, verifications, rollbacks.
    pub fn all_actions(&self) -> impl Iterator<Item = &Action> {
        let asked = self.checks.iter().chain(&self.verify);
        let asked = asked.filter_map(|check| match check {
            Check::Code(action) => Some(action),
            Check::Condition(_) => None,
        });
        self.actions().chain(asked).chain(&self.rollback)
    }

    /// Every typed condition of it: checks, verifications, `when`, and what an observation window watches.
    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        let asked = self.checks.iter().chain(&self.verify);
        let asked = asked.filter_map(|check| match check {
            Check::Condition(condition) => Some(condition),
            Check::Code(_) => None,
        });
        let held = self.card.hold.as_ref().map(|hold| &hold.condition);
        asked.chain(&self.card.when).chain(held)
    }

    /// Its actions of role `run`, in order.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.parts.iter().filter_map(|part| match part {
            Part::Action(action) => Some(action),
            Part::Tick(_) => None,
        })
    }
}
