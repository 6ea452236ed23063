//! The `toml step` card: how a step is confirmed, what comes before it and after it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use super::super::acts::{Condition, read};
use super::super::names::{StepId, TargetId};
use super::super::strict::{Reader, Table, Value};
use super::ids::{addressee, typeable};
use super::{Branch, Capture, Danger, Hold, OnFail, Step, StepCard};

/// A step card as it was read, with the place of each of its keys.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// The card.
    pub card: Arc<StepCard>,
    /// Where each key stands.
    keys: BTreeMap<String, Range<usize>>,
}

/// Reads the card; faults go to the reader.
pub(super) fn step_card(reader: &mut Reader<'_>, part: Range<usize>) -> Placed {
    let mut table = reader.parse(part, "step card");
    let keys = table.keys();
    let keys = keys
        .into_iter()
        .map(|key| (key.clone(), table.key_at(&key)))
        .collect();
    let dangers = [
        Danger::None,
        Danger::Change,
        Danger::Destructive,
        Danger::OneWay,
    ]
    .map(|d| (d.to_string(), d));
    let dangers = dangers
        .each_ref()
        .map(|(word, danger)| (word.as_str(), *danger));
    let card = StepCard {
        danger: table.choice(reader, "danger", &dangers),
        confirm: table.read(reader, "confirm", phrase),
        estimate: table.span(reader, "estimate"),
        timeout: table.span(reader, "timeout"),
        approvals: approvals(reader, &mut table),
        role: table.text(reader, "role"),
        on_fail: table.read(reader, "on_fail", on_fail),
        next: table.read(reader, "next", step_ref),
        when: when(reader, &mut table),
        branch: branch(reader, &mut table),
        decide: decide(reader, &mut table),
        decide_by: table.span(reader, "decide_by"),
        always: table.flag(reader, "always").unwrap_or(false),
        capture: captures(reader, &mut table, "capture"),
        changed: captures(reader, &mut table, "changed"),
        hold: hold(reader, &mut table),
        every: every(reader, &mut table),
        on_timeout: table.read(reader, "on_timeout", on_fail),
        safety: table.read(reader, "safety", step_ref),
        name_guard: read::value(reader, &mut table, "name_guard"),
        evidence: table
            .choice(reader, "evidence", &[("required", true)])
            .unwrap_or(false),
        maintenance: table.choice(reader, "maintenance", &[("on", true), ("off", false)]),
        runs_by_itself: table.flag(reader, "runs_by_itself").unwrap_or(false),
    };
    table.finish(reader);
    Placed {
        card: Arc::new(card),
        keys,
    }
}

fn phrase(text: &str) -> Result<String, String> {
    match typeable(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "{text:?} can't be typed without doubt; use letters, digits and ._:/- only"
        )),
    }
}

fn step_ref(text: &str) -> Result<StepId, String> {
    match text.strip_prefix('#') {
        Some(id) if !id.is_empty() => Ok(StepId::from(id)),
        _ => Err(format!("{text:?} names no step; write \"#its-id\"")),
    }
}

fn on_fail(text: &str) -> Result<OnFail, String> {
    match text {
        "stop" => Ok(OnFail::Stop),
        text => step_ref(text)
            .map(OnFail::Go)
            .map_err(|_| format!("{text:?} is neither \"stop\" nor a step, \"#its-id\"")),
    }
}

fn approvals(reader: &mut Reader<'_>, table: &mut Table) -> Option<u32> {
    let at = table.key_at("approvals");
    let number = table.integer(reader, "approvals")?;
    if number == 0 {
        let what = "approvals is 0, and the one who runs the step counts";
        reader.fault(&at, what, "write 1 or more");
    }
    Some(number)
}

fn every(reader: &mut Reader<'_>, table: &mut Table) -> Option<Duration> {
    let at = table.key_at("every");
    let every = table.span(reader, "every")?;
    if every.is_zero() {
        reader.fault(&at, "every is no time at all", "write every = \"2s\"");
    }
    Some(every)
}

fn when(reader: &mut Reader<'_>, table: &mut Table) -> Option<Condition> {
    let when = table.table(reader, "when", "when")?;
    read::condition(reader, when)
}

fn branch(reader: &mut Reader<'_>, table: &mut Table) -> Option<Branch> {
    let mut ways = table.table(reader, "branch", "branch")?;
    for key in ["ok", "fail"] {
        if !ways.has(key) {
            ways.missing(reader, key, &format!("{key} = \"#its-id\""));
        }
    }
    let ok = ways.read(reader, "ok", step_ref);
    let fail = ways.read(reader, "fail", step_ref);
    let unknown = ways.read(reader, "unknown", step_ref);
    ways.finish(reader);
    Some(Branch {
        ok: ok?,
        fail: fail?,
        unknown,
    })
}

fn decide(reader: &mut Reader<'_>, table: &mut Table) -> Vec<(String, StepId)> {
    let Some(mut ways) = table.table(reader, "decide", "decide") else {
        return Vec::new();
    };
    let answers = ways.keys();
    if answers.len() < 2 {
        let what = "decide offers no choice";
        let example = "write two answers or more, { \"Yes\" = \"#yes\", \"No\" = \"#no\" }";
        reader.fault(&ways.at, what, example);
    }
    answers
        .into_iter()
        .filter_map(|answer| {
            let step = ways.read(reader, &answer, step_ref)?;
            Some((answer, step))
        })
        .collect()
}

fn hold(reader: &mut Reader<'_>, table: &mut Table) -> Option<Hold> {
    let mut hold = table.table(reader, "hold", "hold")?;
    if !hold.has("for") {
        hold.missing(reader, "for", "for = \"5m\"");
    }
    let span = hold.span(reader, "for");
    if !hold.has("while") {
        hold.missing(reader, "while", "while = { healthy = \"api-west\" }");
    }
    let condition = match hold.take("while").map(|item| (item.at.clone(), item.value)) {
        Some((_, Value::Table(mut table))) => {
            table.name = "while".into();
            read::condition(reader, table)
        }
        Some((at, _)) => {
            let what = "while is no condition";
            reader.fault(&at, what, "write while = { healthy = \"api-west\" }");
            None
        }
        None => None,
    };
    hold.finish(reader);
    Some(Hold {
        span: span?,
        condition: condition?,
    })
}

fn captures(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Vec<Capture> {
    let mut found = Vec::new();
    for (at, text) in table.texts(reader, key) {
        match Capture::read(&text) {
            Ok(capture) => found.push(capture),
            Err(why) => reader.fault(&at, format!("{key}: {why}"), ""),
        }
    }
    found
}

impl Capture {
    /// Every reading that can be kept before an act.
    pub const WORDS: [&'static str; 12] = [
        "postgres.role",
        "postgres.timeline",
        "postgres.lsn",
        "redis.role",
        "redis.run_id",
        "redis.master",
        "http.status",
        "http.field",
        "kubernetes.revision",
        "rds.zone",
        "route53.weights",
        "secrets.version",
    ];

    /// Reads `redis.master(sentinel)`.
    ///
    /// # Errors
    /// A sentence that says what was read and what can be kept.
    pub fn read(text: &str) -> Result<Self, String> {
        let (what, of) = text
            .strip_suffix(')')
            .and_then(|text| text.split_once('('))
            .ok_or_else(|| format!("{text:?} is no reading such as postgres.timeline(pg-west)"))?;
        if !Self::WORDS.contains(&what) {
            return Err(format!(
                "{what:?} is nothing that can be kept; known: {}",
                Self::WORDS.join(", ")
            ));
        }
        addressee(of)?;
        Ok(Self {
            what: what.to_owned(),
            of: TargetId::from(of),
        })
    }
}

/// What a card says that its step can't mean: the key it stands at, what is wrong, what to write instead.
type Contradiction = (&'static str, String, &'static str);

/// Reports what a card says that its step can't mean.
pub(super) fn consistent(reader: &mut Reader<'_>, step: &Step, placed: &Placed) {
    let found = contradictory_ways(step).into_iter();
    for (key, what, instead) in found.chain(contradictory_asks(step)) {
        let at = placed.keys.get(key).cloned().unwrap_or_default();
        reader.fault(&at, what, instead);
    }
}

/// Where the step goes on.
fn contradictory_ways(step: &Step) -> Vec<Contradiction> {
    let card = &step.card;
    let mut found = Vec::new();
    let ways = [
        (card.branch.is_some(), "branch"),
        (!card.decide.is_empty(), "decide"),
        (card.next.is_some(), "next"),
    ];
    let ways: Vec<&'static str> = ways.iter().filter(|(on, _)| *on).map(|(_, w)| *w).collect();
    if let [_, .., last] = ways[..] {
        let what = format!("the step goes on by {}", ways.join(" and by "));
        found.push((last, what, "keep one of them"));
    }
    if card.branch.is_some() && step.checks.is_empty() {
        let what = "branch is decided by checks, and the step has none".to_owned();
        found.push(("branch", what, "add a ```toml check fence"));
    }
    if card.decide_by.is_some() && card.decide.is_empty() {
        let what = "decide_by runs a timer, and there is nothing to decide".to_owned();
        let instead = "add decide = { \"Yes\" = \"#yes\", \"No\" = \"#no\" }";
        found.push(("decide_by", what, instead));
    }
    found
}

/// What is asked before and after, and what there is to ask.
fn contradictory_asks(step: &Step) -> Vec<Contradiction> {
    let card = &step.card;
    let mut found = Vec::new();
    if card.runs_by_itself && step.actions().next().is_some() {
        let what = "the step runs by itself, and has something to run".to_owned();
        found.push(("runs_by_itself", what, "take the fence or the key out"));
    }
    if card.runs_by_itself && step.verify.is_empty() {
        let what = "the step runs by itself, and nothing tells that it did".to_owned();
        found.push(("runs_by_itself", what, "add a ```toml verify fence"));
    }
    if let Some(lost) = card.changed.iter().find(|c| !card.capture.contains(c)) {
        let what = format!("changed asks for {lost}, which is not kept before");
        found.push(("changed", what, "add it to capture"));
    }
    if card.on_timeout.is_some() && step.verify.is_empty() {
        let what = "on_timeout is for a verification, and the step has none".to_owned();
        found.push(("on_timeout", what, "add a ```toml verify fence"));
    }
    found
}
