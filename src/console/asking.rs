//! From the next step to its question: what `enter` opens.

use std::time::Duration;

use super::checklist::of_action;
use super::confirm::Ask;
use super::event::Effect;
use super::resolving::{look, promoted, resolve};
use super::road::{Next, Road};
use super::state::{
    Awaiting, ChoiceForm, ChoicePurpose, Dialog, Focus, State, TextForm, TextPurpose,
};
use crate::incident::acts::{Act, SubRunbook};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Fact, Note};
use crate::incident::names::StepId;
use crate::incident::runbook::{ActionRef, Code, OnFail, Step};

/// An intent this young may belong to a console that is about to start it; an older one was never started.
const BEING_STARTED: Duration = Duration::from_secs(10);

/// What may be done after a failure: the words are the answers of the choice.
pub const TRY_AGAIN: &str = "try again";
pub(super) const UNDO: &str = "undo it";
pub(super) const SKIP: &str = "skip it, with a reason";
pub(super) const LEAVE: &str = "leave the runbook";
/// Stands before the title of the step that is proposed.
pub(super) const GO: &str = "go to ";

/// A piece of code in one line, for lists.
pub fn code_words(code: &Code) -> String {
    let first = |text: &str| {
        let line = text.lines().find(|l| !l.trim().is_empty());
        line.unwrap_or_default().trim().to_owned()
    };
    match code {
        Code::Shell { script, host, .. } => match host {
            Some(host) => format!("{} (on {host})", first(script)),
            None => first(script),
        },
        Code::Sql { on, text, .. } => format!("sql on {on}: {}", first(text)),
        Code::Redis { on, text } => format!("redis on {on}: {}", first(text)),
        Code::Http { text } => first(text),
        Code::Act { act } => act.to_string(),
    }
}

/// `enter` on the selected step.
pub(super) fn run_step(state: &mut State) -> Vec<Effect> {
    let Some(road) = Road::shown(state) else {
        let words = match (&state.incident, state.walk) {
            (None, _) => "no incident is open: declare one first",
            (Some(_), None) => "no runbook is open: choose one first",
            (Some(_), Some(_)) => "the runbook of this walk is still being read",
        };
        state.refuse(words);
        return Vec::new();
    };
    // Until it is on disk the step before is the next one still, and would be asked about again.
    if let Some(what) = state.unwritten(road.number()) {
        state.refuse(format!("{what} is being written: once more in a moment"));
        return Vec::new();
    }
    let next = road.next();
    let selected = road.runbook.steps.get(state.cursor);
    let next = match selected {
        Some(step) if next.step().is_some_and(|id| *id != step.id) => {
            if !road.may_jump_queue(step) {
                let words = format!(
                    "{} is not next: {} is — go there out of order with {}",
                    step.title,
                    next.step().map_or_else(String::new, |id| road.title(id)),
                    super::keys::key_words(state, super::command::Command::GoTo),
                );
                state.refuse(words);
                return Vec::new();
            }
            road.next_in(step)
        }
        _ => next,
    };
    open(state, next)
}

/// Opens what a next thing asks for.
pub(super) fn open(state: &mut State, next: Next) -> Vec<Effect> {
    let walk = state.walk.unwrap_or_default();
    match next {
        Next::Nothing => Vec::new(),
        Next::Done => at_the_end(state, walk),
        Next::Action(action) => ask(state, &action),
        Next::Tick(step, index) => {
            tick(state, walk, &step, index);
            Vec::new()
        }
        Next::Acknowledge(step) => {
            tick(state, walk, &step, 0);
            Vec::new()
        }
        Next::Look(step) | Next::Verify(step) => looked(
            state,
            ChoicePurpose::Looked(walk, step.clone()),
            Awaiting::Looked(walk, step.clone()),
            walk,
            &step,
        ),
        Next::Branch(step) => looked(
            state,
            ChoicePurpose::Branch(walk, step.clone(), Vec::new()),
            Awaiting::Fork(walk, step.clone()),
            walk,
            &step,
        ),
        Next::Decide(step) => {
            decide(state, walk, &step);
            Vec::new()
        }
        Next::Running(action, _) => {
            let words = format!("{} is running", of_action(state, &action));
            state.say(words);
            Vec::new()
        }
        Next::Settle(action, attempt) => {
            settle(state, action, attempt);
            Vec::new()
        }
        Next::AfterFailure(step) => {
            after_failure(state, walk, &step);
            Vec::new()
        }
    }
}

/// The walk is at its end: it is closed, and the one that opened it goes on.
fn at_the_end(state: &mut State, walk: u32) -> Vec<Effect> {
    let ended = state
        .incident
        .as_ref()
        .and_then(|i| i.walk(walk))
        .is_none_or(|w| w.ended.is_some());
    if ended {
        state.say("this runbook is done");
        return Vec::new();
    }
    let note = Note::WalkEnded { walk, reason: None };
    vec![state.append("the runbook's end", note)]
}

/// Opens the confirmation of an action.
pub(super) fn ask(state: &mut State, action: &ActionRef) -> Vec<Effect> {
    let Some(road) = Road::of(state, action.walk) else {
        return Vec::new();
    };
    let Some(step) = road.runbook.step(&action.step) else {
        return Vec::new();
    };
    if let Some(why) = road.blocked(step) {
        state.refuse(why);
        return Vec::new();
    }
    if let Some(missing) = approvals_missing(&road, step) {
        approve(state, action, missing);
        return Vec::new();
    }
    let stale = road
        .action_attempt(action)
        .filter(|a| a.phase() == Phase::Intended);
    if let Some(attempt) = stale
        && state.now.since_wall(attempt.confirmed) < BEING_STARTED
    {
        let words = format!(
            "{} confirmed it a moment ago: it is being started",
            attempt.by.name
        );
        state.refuse(words);
        return Vec::new();
    }
    let stale = stale.map(|a| a.intent_seq);
    let resolved = match resolve(state, action) {
        Ok(resolved) => resolved,
        Err(why) => {
            let words = format!("{}: {why}", of_action(state, action));
            state.refuse(words);
            return Vec::new();
        }
    };
    if let Code::Act {
        act: Act::Runbook(sub),
    } = &resolved.code
    {
        let sub = sub.clone();
        return open_sub(state, &sub, action);
    }
    if let Some(name) = secret_missing(state, action.walk) {
        state.refuse(format!(
            "the secret {name} is not known any more: choose the runbook again to type it"
        ));
        return Vec::new();
    }
    let mut effects = Vec::new();
    if let Some(intent) = stale {
        let reason = crate::incident::clean::Clean::new("it was never started; asked anew");
        effects.push(state.append("the old intent's end", Note::Voided { intent, reason }));
    }
    let link = promoted(&resolved).and_then(|standby| state.site.link_to(standby));
    if let Some(link) = link.map(|link| link.id.clone()) {
        effects.extend(super::duty::primary_of_ask(state, &link));
    }
    let request = state.request("evaluating the checks", Awaiting::Asked);
    effects.push(Effect::Evaluate(request, Box::new(resolved.clone())));
    let secrets = state
        .memory
        .secrets
        .get(&action.walk)
        .cloned()
        .unwrap_or_default();
    let ask = Ask::new(request, resolved, secrets, &state.hand);
    state.scroll.remove(&Focus::Step);
    state.dialogs.push(Dialog::Ask(Box::new(ask)));
    effects
}

/// A secret the walk had that this console does not know: secrets die with the console that asked for them.
fn secret_missing(state: &State, walk: u32) -> Option<String> {
    let chosen = &state.incident.as_ref()?.walk(walk)?.chosen;
    let known = state.memory.secrets.get(&walk);
    chosen
        .secrets
        .iter()
        .find(|name| !known.is_some_and(|k| k.contains_key(*name)))
        .cloned()
}

fn open_sub(state: &mut State, sub: &SubRunbook, action: &ActionRef) -> Vec<Effect> {
    let parent = Some((action.walk, action.step.clone()));
    super::dialogs::inputs::open(state, &sub.file, None, parent, &sub.vars)
}

/// How many people are still to agree; none when it is enough.
fn approvals_missing(road: &Road<'_>, step: &Step) -> Option<usize> {
    let wanted = step.card.approvals.unwrap_or(1).saturating_sub(1) as usize;
    let given = approvals(road, &step.id).len();
    (given < wanted).then(|| wanted - given)
}

/// Who agreed with a step, by the journal.
pub fn approvals(road: &Road<'_>, step: &StepId) -> Vec<String> {
    let of_step = Some((road.number(), step.clone()));
    let said = road.incident.entries.iter().filter_map(|e| match &e.fact {
        Fact::Note(Note::Said { text, step }) if *step == of_step => {
            text.as_str().strip_prefix(APPROVED)
        }
        _ => None,
    });
    let mut names: Vec<String> = said.map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// What a note of agreement begins with; the name follows.
pub(super) const APPROVED: &str = "agreed to by ";

fn approve(state: &mut State, action: &ActionRef, missing: usize) {
    let people = if missing == 1 {
        "one more person"
    } else {
        "more people"
    };
    let title = format!(
        "{} needs {people} to agree. Who agrees?",
        of_action(state, action)
    );
    text(state, TextPurpose::Approve(action.clone()), title, 1);
}

/// Opens a text form.
pub(super) fn text(
    state: &mut State,
    purpose: TextPurpose,
    title: impl Into<String>,
    least: usize,
) {
    state.dialogs.push(Dialog::Text(Box::new(TextForm {
        purpose,
        title: title.into(),
        input: tui_input::Input::default(),
        least,
    })));
}

/// Opens a choice; with no answers when they are still being found out.
pub(super) fn choice(
    state: &mut State,
    purpose: ChoicePurpose,
    title: impl Into<String>,
    answers: Vec<(String, String)>,
) {
    let opened = state.hand.clone();
    state.dialogs.push(Dialog::Choice(Box::new(ChoiceForm {
        purpose,
        title: title.into(),
        lines: Vec::new(),
        answers,
        selected: 0,
        opened,
    })));
}

fn tick(state: &mut State, walk: u32, step: &StepId, index: usize) {
    let Some(road) = Road::of(state, walk) else {
        return;
    };
    let Some(step) = road.runbook.step(step) else {
        return;
    };
    let item = step.parts.iter().find_map(|part| match part {
        crate::incident::runbook::Part::Tick(tick) if tick.index == index => Some(&tick.text),
        _ => None,
    });
    let words = item.unwrap_or(&step.title).clone();
    let (title, least) = match step.card.evidence {
        true => (format!("{words} — evidence: a note, a link or a file"), 1),
        false => (format!("{words} — done? A note, if you like"), 0),
    };
    let purpose = TextPurpose::Tick(walk, step.id.clone(), index);
    text(state, purpose, title, least);
}

/// Opens a choice whose answers depend on an evaluation of the step's checks.
fn looked(
    state: &mut State,
    purpose: ChoicePurpose,
    awaiting: Awaiting,
    walk: u32,
    step: &StepId,
) -> Vec<Effect> {
    let resolved = match look(state, walk, step) {
        Ok(resolved) => resolved,
        Err(why) => {
            state.refuse(why);
            return Vec::new();
        }
    };
    let title = resolved.step_title.clone();
    let request = state.request("evaluating the checks", awaiting);
    choice(state, purpose, title, Vec::new());
    vec![Effect::Evaluate(request, Box::new(resolved))]
}

fn decide(state: &mut State, walk: u32, step: &StepId) {
    let Some(road) = Road::of(state, walk) else {
        return;
    };
    let Some(step) = road.runbook.step(step) else {
        return;
    };
    let ways = step.card.decide.clone();
    let answers = ways
        .iter()
        .map(|(words, to)| (words.clone(), road.title(to)));
    let answers = answers.collect();
    let title = format!("{}: decide", step.title);
    let purpose = ChoicePurpose::Decide(walk, step.id.clone(), ways);
    choice(state, purpose, title, answers);
}

/// Asks how an unknown attempt ended.
pub(super) fn settle(state: &mut State, action: ActionRef, attempt: u32) {
    let title = format!("How did {} end?", of_action(state, &action));
    let answers = vec![
        ("it happened".to_owned(), "it will not run again".to_owned()),
        ("it did not".to_owned(), "it may be tried again".to_owned()),
    ];
    choice(
        state,
        ChoicePurpose::Settle(action, attempt),
        title,
        answers,
    );
}

fn after_failure(state: &mut State, walk: u32, step: &StepId) {
    let Some(road) = Road::of(state, walk) else {
        return;
    };
    let Some(step) = road.runbook.step(step) else {
        return;
    };
    let mut answers = vec![(TRY_AGAIN.to_owned(), "asks anew".to_owned())];
    for way in [&step.card.on_fail, &step.card.on_timeout] {
        if let Some(OnFail::Go(to)) = way {
            let go = (
                format!("{GO}{}", road.title(to)),
                "the runbook proposes it".to_owned(),
            );
            if !answers.contains(&go) {
                // What the author proposes comes first.
                answers.insert(0, go);
            }
        }
    }
    if road.rollback_of(step).is_some() {
        answers.push((UNDO.to_owned(), "its rollback, after asking".to_owned()));
    }
    answers.push((SKIP.to_owned(), "and go on".to_owned()));
    answers.push((LEAVE.to_owned(), "what is owed always stays".to_owned()));
    let title = format!("{} failed", step.title);
    let purpose = ChoicePurpose::AfterFailure(walk, step.id.clone());
    choice(state, purpose, title, answers);
}

/// The action of a step that failed, to be tried again.
pub(super) fn failed_action(road: &Road<'_>, step: &Step) -> Option<ActionRef> {
    let state = road.walk.steps.get(&step.id)?;
    let failed = state
        .actions
        .iter()
        .find(|(_, s)| s.phase() == Phase::Failed);
    failed.map(|(action, _)| action.clone())
}
