//! Dialogs: the topmost one gets every key. One file each. Esc (and ctrl-c) always means that nothing happened.

pub mod ask;
pub mod choice;
pub mod choosers;
pub mod declare;
pub mod dry_run;
pub mod inputs;
pub mod pagers;
pub mod post_mortem;
pub mod quick;
pub mod resolve;
pub mod runbooks;
pub mod text;

use tui_input::{Input, InputRequest};

use super::confirm::ARMED_AFTER;
use super::event::Effect;
use super::key::{Code, Key};
use super::keys::is_ctrl_c;
use super::state::{Dialog, State};

/// What becomes of a dialog after a key: it stays (possibly changed) or it goes, and what is to be done.
pub(super) type Answer = (Option<Dialog>, Vec<Effect>);

/// A key, for the topmost dialog.
pub(super) fn press(state: &mut State, key: Key) -> Vec<Effect> {
    state.message = None;
    let Some(dialog) = state.dialogs.pop() else {
        return Vec::new();
    };
    let height = state.dialogs.len();
    if key == Key::plain(Code::Esc) || is_ctrl_c(key) {
        close(state, &dialog);
        return Vec::new();
    }
    let (stays, effects) = match dialog {
        Dialog::Ask(ask) => ask::press(state, ask, key),
        Dialog::Choice(form) => choice::press(state, form, key),
        Dialog::Text(form) => text::press(state, form, key),
        Dialog::Declare(form) => declare::press(state, form, key),
        Dialog::Inputs(form) => inputs::press(state, form, key),
        Dialog::Runbooks(chooser) => choosers::runbooks(state, chooser, key),
        Dialog::Quick(form) => quick::press(state, form, key),
        Dialog::Palette(chooser) => choosers::palette(state, chooser, key),
        Dialog::PostMortem(pager) => post_mortem::press(state, pager, key),
        Dialog::Output(pager) => (pagers::press(state, pager, key).map(Dialog::Output), vec![]),
        Dialog::DryRun(pager) => (pagers::press(state, pager, key).map(Dialog::DryRun), vec![]),
        Dialog::Help(pager) => (pagers::press(state, pager, key).map(Dialog::Help), vec![]),
        Dialog::Quit => quit(state, key),
    };
    if let Some(dialog) = stays {
        // What it opened stands above it.
        state
            .dialogs
            .insert(height.min(state.dialogs.len()), dialog);
    }
    effects
}

fn close(state: &mut State, dialog: &Dialog) {
    match dialog {
        Dialog::Text(form) => text::closed(state, form),
        Dialog::Ask(_) => state.say("not now: nothing was run"),
        _ => {}
    }
}

fn quit(state: &mut State, key: Key) -> Answer {
    match key.code {
        Code::Enter if fresh(state) => {
            state.leaving = true;
            (None, vec![Effect::Quit])
        }
        _ => (Some(Dialog::Quit), Vec::new()),
    }
}

/// Pasted text goes into inputs. A confirmation refuses it: what is confirmed is typed.
pub(super) fn paste(state: &mut State, text: &str) {
    state.message = None;
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let now = state.hand.clone();
    let into = match state.dialogs.last_mut() {
        Some(Dialog::Ask(ask)) => {
            // Whoever pastes is not reading; and what follows a paste may be the rest of it.
            ask.disturbed(&now);
            state.refuse("a confirmation is typed, not pasted");
            return;
        }
        Some(Dialog::Choice(form)) => {
            form.opened = now;
            state.refuse("a choice is made, not pasted");
            return;
        }
        Some(Dialog::Quick(form)) => return quick::pasted(form, text),
        Some(Dialog::Text(form)) => Some(&mut form.input),
        Some(Dialog::Declare(form)) => declare::input(form),
        Some(Dialog::Inputs(form)) => inputs::input(form),
        Some(Dialog::Runbooks(chooser) | Dialog::Palette(chooser)) => Some(&mut chooser.filter),
        Some(
            Dialog::Output(_)
            | Dialog::PostMortem(_)
            | Dialog::DryRun(_)
            | Dialog::Help(_)
            | Dialog::Quit,
        )
        | None => None,
    };
    match into {
        Some(input) => line.chars().for_each(|c| {
            input.handle(InputRequest::InsertChar(c));
        }),
        None => state.say("nothing here takes a paste"),
    }
}

/// Half a second went by without a key: a press that is meant, not one that is held.
pub(super) fn fresh(state: &State) -> bool {
    let before = state.memory.last_key.as_ref();
    before.is_none_or(|(at, _)| state.hand.since(at) >= ARMED_AFTER)
}

/// An enter that ends what was typed, or comes after a pause: never one that is held down.
pub(super) fn meant(state: &State) -> bool {
    let enter = |key: &Key| key.code == Code::Enter;
    let before = state.memory.last_key.as_ref();
    fresh(state) || before.is_some_and(|(_, key)| !enter(key))
}

/// Edits a line of text; whether the key was one for it.
pub(super) fn edit(input: &mut Input, key: Key) -> bool {
    let request = match (key.code, key.ctrl, key.alt) {
        (Code::Char(c), false, false) => InputRequest::InsertChar(c),
        (Code::Char('a'), true, _) | (Code::Home, ..) => InputRequest::GoToStart,
        (Code::Char('e'), true, _) | (Code::End, ..) => InputRequest::GoToEnd,
        (Code::Char('w'), true, _) => InputRequest::DeletePrevWord,
        (Code::Char('u'), true, _) => InputRequest::DeleteFromStart,
        (Code::Char('k'), true, _) => InputRequest::DeleteTillEnd,
        (Code::Backspace, ..) => InputRequest::DeletePrevChar,
        (Code::Delete, ..) => InputRequest::DeleteNextChar,
        (Code::Left, true, _) => InputRequest::GoToPrevWord,
        (Code::Right, true, _) => InputRequest::GoToNextWord,
        (Code::Left, ..) => InputRequest::GoToPrevChar,
        (Code::Right, ..) => InputRequest::GoToNextChar,
        _ => return false,
    };
    input.handle(request);
    true
}

/// The place after a key that moves among `count` things; none when the key is another.
pub(super) fn moved(key: Key, at: usize, count: usize) -> Option<usize> {
    let last = count.saturating_sub(1);
    match key.code {
        Code::Up => Some(at.saturating_sub(1)),
        Code::Down => Some((at + 1).min(last)),
        Code::PageUp => Some(at.saturating_sub(10)),
        Code::PageDown => Some((at + 10).min(last)),
        _ => None,
    }
}
