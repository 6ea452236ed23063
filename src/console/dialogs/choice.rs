//! One of several. It is armed as a confirmation is: half a second without a key, so that a held key chooses nothing.

use super::{Answer, moved};
use crate::console::asking::{self, GO, LEAVE, SKIP, TRY_AGAIN, UNDO, text};
use crate::console::confirm::ARMED_AFTER;
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::keys::leave;
use crate::console::road::Road;
use crate::console::state::{Awaiting, ChoiceForm, ChoicePurpose, Dialog, State, TextPurpose};
use crate::incident::clean::Clean;
use crate::incident::journal::Note;
use crate::incident::names::StepId;
use crate::incident::runbook::OnFail;

pub(super) fn press(state: &mut State, mut form: Box<ChoiceForm>, key: Key) -> Answer {
    let armed = state.hand.since(&form.opened) >= ARMED_AFTER;
    if !armed {
        form.opened = state.hand.clone();
    }
    if let Some(place) = moved(key, form.selected, form.answers.len()) {
        form.selected = place;
        return (Some(Dialog::Choice(form)), Vec::new());
    }
    if key.code != Code::Enter {
        return (Some(Dialog::Choice(form)), Vec::new());
    }
    if !armed {
        state.refuse("wait half a second without a key");
        return (Some(Dialog::Choice(form)), Vec::new());
    }
    if form.answers.is_empty() {
        state.refuse("the checks are still being evaluated");
        return (Some(Dialog::Choice(form)), Vec::new());
    }
    (None, chosen(state, *form))
}

fn chosen(state: &mut State, form: ChoiceForm) -> Vec<Effect> {
    let at = form.selected;
    let words = form
        .answers
        .get(at)
        .map(|(words, _)| words.clone())
        .unwrap_or_default();
    let verdicts = form
        .lines
        .into_iter()
        .filter_map(|(verdict, _)| verdict)
        .collect();
    match form.purpose {
        ChoicePurpose::Branch(walk, step, ways) => match ways.into_iter().nth(at) {
            Some((way, to)) => vec![state.append(
                "the way taken",
                Note::Branched {
                    walk,
                    step,
                    way,
                    to,
                    reason: None,
                    verdicts,
                },
            )],
            None => Vec::new(),
        },
        ChoicePurpose::Decide(walk, step, ways) => {
            if let Some((way, to)) = ways.into_iter().nth(at) {
                let purpose = TextPurpose::Decide(walk, step, way.clone(), to);
                text(state, purpose, format!("Why: {way}?"), 10);
            }
            Vec::new()
        }
        ChoicePurpose::Acknowledge(keys) => match keys.into_iter().nth(at) {
            Some(rung) => vec![state.append("the acknowledgement", Note::Acknowledged { rung })],
            None => Vec::new(),
        },
        ChoicePurpose::Severity => {
            if let Some(severity) = state.site.severities.get(at) {
                let id = severity.id.clone();
                let title = format!("Why {id}?");
                text(state, TextPurpose::Severity(id), title, 10);
            }
            Vec::new()
        }
        ChoicePurpose::Role(roles) => {
            if let Some(role) = roles.into_iter().nth(at) {
                let title = format!("{role}: who?");
                text(state, TextPurpose::Role(role), title, 1);
            }
            Vec::new()
        }
        ChoicePurpose::Settle(action, attempt) => {
            let done = at == 0;
            let title = match done {
                true => "It happened. How is that known?",
                false => "It did not happen. How is that known?",
            };
            text(state, TextPurpose::Settle(action, attempt, done), title, 10);
            Vec::new()
        }
        ChoicePurpose::AfterFailure(walk, step) => after_failure(state, walk, &step, &words),
        ChoicePurpose::GoTo(walk, steps) => {
            if let Some(step) = steps.into_iter().nth(at) {
                let title = format!("Why go to {words}?");
                text(state, TextPurpose::GoTo(walk, step), title, 10);
            }
            Vec::new()
        }
        ChoicePurpose::Cancel(action, attempt) => {
            let request = state.request("cancelling the step", Awaiting::Cancelled);
            vec![Effect::Cancel(request, action, attempt)]
        }
        ChoicePurpose::Looked(walk, step) => {
            looked(state, walk, step, at == 0 && form.answers.len() == 2)
        }
    }
}

/// A step that was looked at: ticked when it is so; when it is not, with a reason.
fn looked(state: &mut State, walk: u32, step: StepId, so: bool) -> Vec<Effect> {
    if so {
        let note = Note::Ticked {
            walk,
            step,
            index: 0,
            note: Some(Clean::new("its checks hold")),
        };
        return vec![state.append("the tick", note)];
    }
    let purpose = TextPurpose::Tick(walk, step, 0);
    text(
        state,
        purpose,
        "Its checks do not hold. Why is it right to go on?",
        10,
    );
    Vec::new()
}

fn after_failure(state: &mut State, walk: u32, step: &StepId, words: &str) -> Vec<Effect> {
    let Some(road) = Road::of(state, walk) else {
        return Vec::new();
    };
    let Some(found) = road.runbook.step(step) else {
        return Vec::new();
    };
    let title = found.title.clone();
    match words {
        TRY_AGAIN => match asking::failed_action(&road, found) {
            Some(action) => asking::ask(state, &action),
            None => Vec::new(),
        },
        UNDO => match road.rollback_of(found) {
            Some(action) => asking::ask(state, &action),
            None => Vec::new(),
        },
        SKIP => {
            let purpose = TextPurpose::Skip(walk, step.clone());
            text(state, purpose, format!("Why is {title} skipped?"), 10);
            Vec::new()
        }
        LEAVE => {
            leave(state);
            Vec::new()
        }
        _ => {
            let ways = [found.card.on_fail.clone(), found.card.on_timeout.clone()];
            let to = ways.into_iter().flatten().find_map(|way| match way {
                OnFail::Go(to) if words == format!("{GO}{}", road.title(&to)) => Some(to),
                OnFail::Go(_) | OnFail::Stop => None,
            });
            if let Some(to) = to {
                let purpose = TextPurpose::GoTo(walk, to);
                text(state, purpose, format!("{title} failed. Why {words}?"), 10);
            }
            Vec::new()
        }
    }
}
