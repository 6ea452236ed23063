//! What went otherwise with steps: harmful orders, steps skipped, left undone, gone to out of order, or slow.

use std::time::Duration;

use super::super::scenario::{Grade, Harmful};
use super::story::attempts;
use super::{Asked, Mark, Short, Shortfall, Story, not_applicable};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Entry, Fact, Note, Walk};
use crate::incident::measure::Span;
use crate::incident::names::StepId;
use crate::incident::runbook::Role;

/// A step is slow when it took over so many times its estimate.
const SLOW: u32 = 2;

pub(super) fn shortfalls(asked: &Asked, story: &Story<'_>) -> Vec<Shortfall> {
    let walks = &story.incident.walks;
    let rules = asked.harmful.iter();
    let mut found: Vec<Shortfall> = rules.filter_map(|rule| harmful(story, rule)).collect();
    found.extend(
        story
            .incident
            .entries
            .iter()
            .flat_map(|entry| noted(story, entry)),
    );
    found.extend(walks.iter().filter_map(|walk| undone(story, walk)));
    found.extend(walks.iter().flat_map(|walk| slow(asked, story, walk)));
    found
}

fn shortfall(at: Mark, short: Short, what: &str, words: String, makes: Grade) -> Shortfall {
    Shortfall {
        at: Some(at),
        short,
        what: what.to_owned(),
        words,
        answered: None,
        makes,
    }
}

/// A step that was begun before another was done, or at all. Where the runbook of the one has the other, its own counts;
/// else any runbook's. What a check or guard refused was not begun.
fn harmful(story: &Story<'_>, rule: &Harmful) -> Option<Shortfall> {
    let walks = &story.incident.walks;
    let wrong = walks.iter().find_map(|walk| {
        let begun = story.begun(walk.chosen.walk, &rule.step)?;
        let Some(before) = &rule.before else {
            return Some((walk, begun));
        };
        let has = |walk: &&Walk| walk.chosen.steps.iter().any(|(id, _)| id == before);
        let mut others = walks
            .iter()
            .filter(|w| !has(&walk) || w.chosen.walk == walk.chosen.walk);
        let done = others.any(|other| {
            let done = story.done(other.chosen.walk, before);
            done.is_some_and(|done| done.seq < begun.seq)
        });
        (!done).then_some((walk, begun))
    });
    let (walk, begun) = wrong?;
    let title = story.title(walk.chosen.walk, &rule.step);
    let words = format!("{} ({title})", rule.words);
    let at = story.mark(begun.at.wall);
    Some(shortfall(at, Short::Harmful, title, words, rule.makes))
}

/// What people said of steps: skipped, gone to out of order, waived.
fn noted(story: &Story<'_>, entry: &Entry) -> Vec<Shortfall> {
    let at = story.mark(entry.at.wall);
    match &entry.fact {
        Fact::Note(Note::Skipped { walk, step, reason }) => {
            let title = story.title(*walk, step);
            let later = story.done(*walk, step).is_some_and(|e| e.seq > entry.seq);
            let (aside, makes) = match (later, not_applicable(reason)) {
                (true, _) => (", and done later", Grade::Pass),
                (false, true) => ("", Grade::Pass),
                (false, false) => ("", Grade::Partial),
            };
            let words = format!("{title} was skipped{aside}: {reason}");
            vec![shortfall(at, Short::Skipped, title, words, makes)]
        }
        Fact::Note(Note::WentTo { walk, step, reason }) => {
            let title = story.title(*walk, step);
            let words = format!("{title} was gone to out of order: {reason}");
            vec![shortfall(at, Short::OutOfOrder, title, words, Grade::Pass)]
        }
        Fact::Note(Note::Resolved { waived, .. }) => {
            let waived = waived.iter().map(|(what, why)| {
                let words = format!("{what} was waived: {why}");
                shortfall(at, Short::Waived, what, words, Grade::Pass)
            });
            waived.collect()
        }
        _ => Vec::new(),
    }
}

/// Steps of a walk that did not come to its end. Of one that did, what was not reached lies on ways it did not take.
fn undone(story: &Story<'_>, walk: &Walk) -> Option<Shortfall> {
    let number = walk.chosen.walk;
    if walk.taken_back() {
        return None;
    }
    let (reason, makes) = match story.left(number) {
        Some(None) => return None,
        Some(Some(reason)) if not_applicable(reason) => (reason.to_string(), Grade::Pass),
        Some(Some(reason)) => (reason.to_string(), Grade::Partial),
        None => ("it was never ended".to_owned(), Grade::Partial),
    };
    let steps = walk.chosen.steps.iter();
    let left = steps.filter(|(id, _)| !reached(story, number, id));
    let left: Vec<&str> = left.map(|(_, title)| title.as_str()).collect();
    let (title, at) = (&walk.chosen.title, walk.ended.unwrap_or(walk.since));
    let words = format!(
        "{title} was left with {} undone: {reason} ({})",
        match left.len() {
            1 => "one step".to_owned(),
            n => format!("{n} steps"),
        },
        left.join("; ")
    );
    (!left.is_empty()).then(|| shortfall(story.mark(at), Short::Undone, title, words, makes))
}

/// Something became of a step: it was done, skipped or answered, or what came of its acts is known and told elsewhere.
fn reached(story: &Story<'_>, walk: u32, id: &StepId) -> bool {
    if story.opened_by(walk, id).is_some() {
        return true;
    }
    let Some(state) = story.step(walk, id) else {
        return false;
    };
    let known = |phase| {
        matches!(
            phase,
            Phase::Done | Phase::Failed | Phase::Unknown | Phase::Running
        )
    };
    let mut acts = state.actions.iter().filter(|(a, _)| a.role == Role::Run);
    state.skipped.is_some()
        || state.branched.is_some()
        || !state.ticks.is_empty()
        || acts.any(|(_, action)| known(action.phase()))
}

/// Steps that took over twice their estimate, or longer than nine in ten runs before. A step takes from the start of its
/// first act to the end of its last.
fn slow(asked: &Asked, story: &Story<'_>, walk: &Walk) -> Vec<Shortfall> {
    let steps = walk.steps.iter();
    let slow = steps.filter_map(|(id, state)| {
        let acts = attempts(state).filter(|a| a.intent.resolved.action.role == Role::Run);
        let ran = acts.filter(|a| a.ended.is_some() && a.phase() != Phase::Refused);
        let spans = ran.filter_map(|a| {
            Some((
                a.started.as_ref()?.0,
                a.ended.as_ref()?.at,
                a.intent.resolved.estimate,
            ))
        });
        let spans: Vec<_> = spans.collect();
        let begun = spans.iter().map(|(from, ..)| *from).min()?;
        let ended = spans.iter().map(|(_, to, _)| *to).max()?;
        let took = (ended - begun).to_std().unwrap_or_default();
        let estimate = spans.iter().find_map(|(.., estimate)| *estimate);
        let usual = asked.usual.get(&(walk.chosen.runbook.clone(), id.clone()));
        let against = too_long(took, estimate, usual.copied())?;
        let title = story.title(walk.chosen.walk, id);
        let words = format!("{title} took {}: {against}", Span(took));
        let at = story.mark(begun);
        Some(shortfall(at, Short::Slow, title, words, Grade::Pass))
    });
    slow.collect()
}

fn too_long(took: Duration, estimate: Option<Duration>, usual: Option<Duration>) -> Option<String> {
    match (estimate, usual) {
        (Some(estimate), _) if took > estimate * SLOW => {
            Some(format!("its estimate is {}", Span(estimate)))
        }
        (_, Some(usual)) if took > usual => {
            Some(format!("nine in ten runs took at most {}", Span(usual)))
        }
        _ => None,
    }
}
