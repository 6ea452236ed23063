//! The confirmation's keys. What makes it a confirmation stands in [`crate::console::confirm`].

use super::Answer;
use crate::console::confirm::{Ask, BY_HAND, NotYet};
use crate::console::event::Effect;
use crate::console::key::{Code, Key};
use crate::console::state::{Awaiting, Dialog, Focus, State};

/// Rows that page keys move by.
const PAGE: usize = 10;

/// No confirmation is longer.
const FURTHEST: usize = 10_000;

/// Longer phrases and reasons are not typed by a person.
const LONGEST: usize = 400;

pub(super) fn press(state: &mut State, mut ask: Box<Ask>, key: Key) -> Answer {
    let armed = ask.key_came(&state.hand);
    if !armed {
        state.refuse(NotYet::NotArmed.to_string());
        return (Some(Dialog::Ask(ask)), Vec::new());
    }
    match key.code {
        Code::Enter if too_fast(state) => {
            ask.disturbed(&state.hand);
            ask.typed.clear();
            state.refuse(NotYet::Pasted.to_string());
        }
        Code::Enter => return confirm(state, ask),
        Code::Tab | Code::BackTab => ask.at_reason = !ask.at_reason && !ask.red().is_empty(),
        Code::Up | Code::Down | Code::PageUp | Code::PageDown => scroll(state, key.code),
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

/// The key came faster behind the one before than a person types.
pub(super) fn too_fast(state: &State) -> bool {
    let before = state.memory.last_key.as_ref();
    before.is_some_and(|(at, _)| state.hand.since(at) < BY_HAND)
}

/// What is longer than the screen is read by scrolling; the screen stops at the last line.
fn scroll(state: &mut State, code: Code) {
    let top = state.scroll.entry(Focus::Step).or_default();
    *top = match code {
        Code::Up => top.saturating_sub(1),
        Code::Down => *top + 1,
        Code::PageUp => top.saturating_sub(PAGE),
        _ => *top + PAGE,
    }
    .min(FURTHEST);
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
    if to_reason && ask.ready(&state.hand) == Err(NotYet::Reason) {
        ask.at_reason = true;
        state.say(NotYet::Reason.to_string());
        return (Some(Dialog::Ask(ask)), Vec::new());
    }
    let action = ask.resolved.action.clone();
    let attempt = ask.resolved.attempt;
    match ask.confirm(&state.hand) {
        Ok(confirmed) => {
            let purpose = Awaiting::Noted("the confirmation", Some(action.walk));
            let request = state.request("starting the step", purpose);
            state.memory.performing.insert(request, (action, attempt));
            (None, vec![Effect::Perform(request, confirmed)])
        }
        Err((ask, why)) => {
            state.refuse(why.to_string());
            (Some(Dialog::Ask(ask)), Vec::new())
        }
    }
}
