//! A line of text for something: a note, a reason, evidence, a name.

use super::{Answer, edit, meant};
use crate::console::asking::{APPROVED, approvals};
use crate::console::key::{Code, Key};
use crate::console::road::Road;
use crate::console::state::{Dialog, State, TextForm, TextPurpose};
use crate::incident::clean::Clean;
use crate::incident::journal::Note;
use crate::incident::runbook::ActionRef;

pub(super) fn press(state: &mut State, mut form: Box<TextForm>, key: Key) -> Answer {
    if key.code != Code::Enter {
        edit(&mut form.input, key);
        return (Some(Dialog::Text(form)), Vec::new());
    }
    let typed = form.input.value().trim().to_owned();
    // The enter that opened the form, held down, ends nothing: neither an empty line nor a filled one.
    if !meant(state) || (typed.is_empty() && !super::fresh(state)) {
        state.refuse("wait half a second without a key, then press enter");
        return (Some(Dialog::Text(form)), Vec::new());
    }
    if typed.chars().count() < form.least {
        let words = match form.least {
            1 => "type something first, or esc".to_owned(),
            least => format!("type {least} characters or more, or esc"),
        };
        state.refuse(words);
        return (Some(Dialog::Text(form)), Vec::new());
    }
    written(state, form, &typed)
}

/// What a form that is closed with esc leaves behind: nothing, not even the waivers before it.
pub(super) fn closed(state: &mut State, form: &TextForm) {
    if matches!(form.purpose, TextPurpose::Waive(_) | TextPurpose::Resolve) {
        state.memory.waived.clear();
    }
}

fn written(state: &mut State, form: Box<TextForm>, typed: &str) -> Answer {
    let text = Clean::new(typed);
    let (what, note) = match form.purpose.clone() {
        TextPurpose::Note => {
            let step = Road::shown(state).and_then(|road| {
                let step = road.runbook.steps.get(state.cursor)?;
                Some((road.number(), step.id.clone()))
            });
            ("the note", Note::Said { text, step })
        }
        TextPurpose::Skip(walk, step) => {
            let reason = text;
            ("the skip", Note::Skipped { walk, step, reason })
        }
        TextPurpose::Tick(walk, step, index) => {
            let note = (!typed.is_empty()).then_some(text);
            let tick = Note::Ticked {
                walk,
                step,
                index,
                note,
            };
            ("the tick", tick)
        }
        TextPurpose::Decide(walk, step, way, to) => {
            let decision = Note::Branched {
                walk,
                step,
                way,
                to,
                reason: Some(text),
                verdicts: Vec::new(),
            };
            ("the decision", decision)
        }
        TextPurpose::GoTo(walk, step) => {
            let reason = text;
            ("the jump", Note::WentTo { walk, step, reason })
        }
        TextPurpose::Severity(to) => ("the severity", Note::Severity { to, reason: text }),
        TextPurpose::Role(role) => {
            let who = text.as_str().to_owned();
            ("the role", Note::Role { role, who })
        }
        TextPurpose::Settle(action, attempt, done) => {
            let settled = Note::Settled {
                action,
                attempt,
                done,
                reason: text,
            };
            ("how it ended", settled)
        }
        TextPurpose::Mitigated => ("the mitigation", Note::Mitigated { how: text }),
        TextPurpose::LeaveWalk(walk) => {
            let reason = Some(text);
            ("leaving the runbook", Note::WalkEnded { walk, reason })
        }
        TextPurpose::Resolve => {
            let waived = std::mem::take(&mut state.memory.waived);
            let summary = text;
            ("the resolution", Note::Resolved { summary, waived })
        }
        TextPurpose::Waive(what) => {
            state.memory.waived.push((what, text));
            super::resolve::open(state);
            return (None, Vec::new());
        }
        TextPurpose::Approve(action) => return approved(state, form, &action, typed),
    };
    (None, vec![state.append(what, note)])
}

/// Distinct people, the one who runs it included.
fn approved(state: &mut State, form: Box<TextForm>, action: &ActionRef, name: &str) -> Answer {
    let given = Road::of(state, action.walk).map(|road| approvals(&road, &action.step));
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let twice = given.unwrap_or_default().iter().any(|n| same(n)) || same(&state.actor.name);
    if twice {
        state.refuse(format!("{name} agrees already: name another person"));
        return (Some(Dialog::Text(form)), Vec::new());
    }
    let note = Note::Said {
        text: Clean::new(&format!("{APPROVED}{name}")),
        step: Some((action.walk, action.step.clone())),
    };
    // The journal is the record: the question comes again with enter, once the name is on disk.
    (None, vec![state.append("the agreement", note)])
}
