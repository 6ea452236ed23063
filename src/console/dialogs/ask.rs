//! The confirmation's keys. What makes it a confirmation stands in [`crate::console::confirm`].

use super::Answer;
use crate::console::confirm::{Ask, NotYet};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::state::{Awaiting, Dialog, State};

/// Longer phrases and reasons are not typed by a person.
const LONGEST: usize = 400;

pub(super) fn press(state: &mut State, mut ask: Box<Ask>, key: Key) -> Answer {
    let armed = ask.key_came(&state.now);
    if !armed {
        state.refuse(NotYet::NotArmed.to_string());
        return (Some(Dialog::Ask(ask)), Vec::new());
    }
    match key.code {
        Code::Enter => return confirm(state, ask),
        Code::Tab | Code::BackTab => ask.at_reason = !ask.at_reason && !ask.red().is_empty(),
        Code::Backspace => {
            field(&mut ask).pop();
        }
        Code::Char('u') if key.ctrl => field(&mut ask).clear(),
        Code::Char(c) if !key.ctrl && !key.alt => {
            let field = field(&mut ask);
            if field.chars().count() < LONGEST {
                field.push(c);
            }
        }
        _ => {}
    }
    (Some(Dialog::Ask(ask)), Vec::new())
}

fn field(ask: &mut Ask) -> &mut String {
    match ask.at_reason {
        true => &mut ask.reason,
        false => &mut ask.typed,
    }
}

fn confirm(state: &mut State, mut ask: Box<Ask>) -> Answer {
    // Enter after the phrase goes on to the reason, where one is asked for.
    let to_reason =
        !ask.at_reason && !ask.red().is_empty() && ask.phrase() == Some(ask.typed.clone());
    if to_reason && ask.ready(&state.now) == Err(NotYet::Reason) {
        ask.at_reason = true;
        state.say(NotYet::Reason.to_string());
        return (Some(Dialog::Ask(ask)), Vec::new());
    }
    let action = ask.resolved.action.clone();
    let attempt = ask.resolved.attempt;
    match ask.confirm(&state.now) {
        Ok(confirmed) => {
            let request = state.request("starting the step", Awaiting::Noted("the confirmation"));
            state.memory.performing.insert(request, (action, attempt));
            (None, vec![Effect::Perform(request, confirmed)])
        }
        Err((ask, why)) => {
            state.refuse(why.to_string());
            (Some(Dialog::Ask(ask)), Vec::new())
        }
    }
}
