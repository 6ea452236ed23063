//! The quick commands' keys. What only looks is asked at once; what may change something becomes a step of its own, with the
//! confirmation, the runner and the record of every step.

use std::collections::BTreeMap;
use std::sync::Arc;

use tui_input::{Input, InputRequest};

use super::ask::too_fast;
use super::{Answer, edit, meant};
use crate::console::command::Command;
use crate::console::confirm::NotYet;
use crate::console::event::{Effect, Evaluation, RequestId};
use crate::console::key::{Code, Key};
use crate::console::keys::key_words;
use crate::console::quick::{Asked, QuickForm, offers};
use crate::console::resolving::question;
use crate::console::road::Road;
use crate::console::state::{Awaiting, Dialog, State};
use crate::incident::journal::{Added, Chosen, Note};
use crate::incident::names::StepId;
use crate::incident::runbook::Check;
use crate::incident::typed::{Addition, Typed, read};

/// Puts the answer into the timeline. With ctrl, for letters are typed into the line.
pub const NOTE: Key = Key {
    code: Code::Char('n'),
    ctrl: true,
    alt: false,
};

/// Rows that page keys move by.
const PAGE: usize = 10;

pub(in crate::console) fn open(state: &mut State) {
    let form = QuickForm {
        offers: offers(&state.site),
        ..QuickForm::default()
    };
    state.dialogs.push(Dialog::Quick(Box::new(form)));
}

pub(super) fn press(state: &mut State, mut form: Box<QuickForm>, key: Key) -> Answer {
    let effects = match key.code {
        _ if key == NOTE => note(state, &mut form),
        Code::Enter if key.alt && form.at_text => {
            form.text.handle(InputRequest::InsertChar('\n'));
            Vec::new()
        }
        Code::Enter => return enter(state, form),
        Code::Tab | Code::BackTab => {
            form.at_text = !form.at_text && form.takes_text();
            Vec::new()
        }
        Code::Up | Code::Down | Code::PageUp | Code::PageDown => {
            turn(&mut form, key.code);
            Vec::new()
        }
        _ => {
            if edit(form.line(), key) {
                form.changed();
            }
            Vec::new()
        }
    };
    (Some(Dialog::Quick(form)), effects)
}

/// Text that is pasted: what stands below the first line is the fence's text.
pub(super) fn pasted(form: &mut QuickForm, text: &str) {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let (first, rest) = match form.at_text {
        true => ("", Some(text.as_str())),
        false => match text.trim_end_matches('\n').split_once('\n') {
            Some((first, rest)) => (first, Some(rest)),
            None => (text.trim_end_matches('\n'), None),
        },
    };
    insert(&mut form.words, first);
    if let Some(rest) = rest {
        insert(&mut form.text, rest);
        form.at_text = form.takes_text();
    }
    form.changed();
}

fn insert(input: &mut Input, text: &str) {
    let shown = text
        .chars()
        .map(|c| if c.is_control() && c != '\n' { ' ' } else { c });
    shown.for_each(|c| {
        input.handle(InputRequest::InsertChar(c));
    });
}

/// Moves among what is offered, above which stands the line; or through the answer.
fn turn(form: &mut QuickForm, code: Code) {
    if let Some(asked) = &mut form.asked {
        asked.top = match code {
            Code::Up => asked.top.saturating_sub(1),
            Code::Down => asked.top + 1,
            Code::PageUp => asked.top.saturating_sub(PAGE),
            _ => asked.top + PAGE,
        }
        .min(asked.rows());
        return;
    }
    // Below a text that is being typed nothing is offered.
    if form.at_text {
        return;
    }
    let last = form.matching().len().checked_sub(1);
    let by = match code {
        Code::PageUp | Code::PageDown => PAGE,
        _ => 1,
    };
    form.selected = match (code, form.selected) {
        (Code::Up | Code::PageUp, None) => None,
        (Code::Up | Code::PageUp, Some(at)) => at.checked_sub(by),
        (_, None) => last.map(|last| last.min(by - 1)),
        (_, Some(at)) => last.map(|last| last.min(at + by)),
    };
}

fn enter(state: &mut State, mut form: Box<QuickForm>) -> Answer {
    if !meant(state) {
        state.refuse("wait half a second without a key, then press enter");
        return (Some(Dialog::Quick(form)), Vec::new());
    }
    if let Some(offer) = form.taken() {
        form.words = Input::new(offer.words);
        form.text = Input::new(offer.text);
        form.at_text = form.takes_text();
        form.changed();
        if !offer.looks {
            state.say("change it as needed; enter asks whether to run it");
            return (Some(Dialog::Quick(form)), Vec::new());
        }
    } else if form.takes_text() && !form.at_text {
        form.at_text = true;
        return (Some(Dialog::Quick(form)), Vec::new());
    }
    match read(form.words.value(), form.text.value()) {
        Err(fault) => form.fault = Some(fault),
        Ok(Typed::Question(checks)) => {
            let effects = ask(state, &mut form, &checks);
            return (Some(Dialog::Quick(form)), effects);
        }
        Ok(Typed::Step(added)) => match refused(state) {
            Some(why) => form.fault = Some(why),
            None => return (None, vec![add(state, *added)]),
        },
    }
    (Some(Dialog::Quick(form)), Vec::new())
}

/// Asks what changes nothing.
fn ask(state: &mut State, form: &mut QuickForm, checks: &[Check]) -> Vec<Effect> {
    let resolved = match question(state, checks) {
        Ok(resolved) => resolved,
        Err(why) => {
            form.fault = Some(why);
            return Vec::new();
        }
    };
    let request = state.request("asking", Awaiting::Question);
    form.asked = Some(Asked {
        question: form.one_line(),
        request,
        answers: None,
        top: 0,
        noted: false,
    });
    vec![Effect::Question(request, Box::new(resolved))]
}

/// The answer has come: it is shown where the question is still open.
pub(in crate::console) fn answered(state: &mut State, request: RequestId, found: Evaluation) {
    let asked = state.dialogs.iter_mut().find_map(|dialog| match dialog {
        Dialog::Quick(form) => form.asked.as_mut().filter(|a| a.request == request),
        _ => None,
    });
    if let Some(asked) = asked {
        asked.answers = Some(found.checks);
    }
}

/// What was asked and what was answered goes into the timeline, once.
fn note(state: &mut State, form: &mut QuickForm) -> Vec<Effect> {
    let Some(asked) = &mut form.asked else {
        state.refuse("nothing was asked yet");
        return Vec::new();
    };
    let Some(text) = asked.words() else {
        state.refuse("the answer is still being waited for");
        return Vec::new();
    };
    if let Some(why) = unwritable(state) {
        state.refuse(why);
        return Vec::new();
    }
    if std::mem::replace(&mut asked.noted, true) {
        state.refuse("this answer is noted already");
        return Vec::new();
    }
    state.say("noted in the timeline");
    let step = standing(state);
    vec![state.append("the answer", Note::Said { text, step })]
}

/// Why nothing can be written down here.
fn unwritable(state: &State) -> Option<String> {
    if state.memory.observing {
        let words = "this console only looks: open the incident without --observe to act";
        return Some(words.to_owned());
    }
    state.incident.is_none().then(|| {
        let key = key_words(state, Command::Declare);
        format!("no incident is open: {key} declares one")
    })
}

/// Why no step may be added.
fn refused(state: &State) -> Option<String> {
    let resolved = state
        .incident
        .as_ref()
        .is_some_and(|i| i.resolved.is_some());
    let fast = || too_fast(state).then(|| NotYet::Pasted.to_string());
    let over = || resolved.then(|| "the incident is resolved".to_owned());
    unwritable(state).or_else(over).or_else(fast)
}

/// Where the runbook stands that is shown: its step that is selected.
fn standing(state: &State) -> Option<(u32, StepId)> {
    let road = Road::shown(state)?;
    let step = road.runbook.steps.get(state.cursor)?;
    Some((road.number(), step.id.clone()))
}

/// Where a step is added: of one that was added itself, where that was.
fn amid(state: &State) -> Option<(u32, StepId)> {
    let road = Road::shown(state)?;
    match &road.walk.chosen.added {
        Some(added) => added.amid.clone(),
        None => standing(state),
    }
}

/// What may change something becomes a walk of its own step; its question follows once it is on disk.
fn add(state: &mut State, added: Addition) -> Effect {
    let amid = amid(state);
    let Addition {
        runbook,
        text,
        fence,
    } = added;
    let walk = state.incident.as_ref().map_or(1, |i| i.next_walk());
    let chosen = Chosen {
        added: Some(Added { fence, amid }),
        ..Chosen::of(walk, &runbook)
    };
    let purpose = Awaiting::Chosen(walk, Arc::new(runbook), BTreeMap::new());
    let request = state.request("adding the step", purpose);
    Effect::Choose(request, Note::Chosen(Box::new(chosen)), Arc::from(text))
}
