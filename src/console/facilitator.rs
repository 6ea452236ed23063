//! The facilitator's console: what the exercise really looks like, what may happen next, and the keys that let it happen.
//! It changes nothing itself: every wish is an [`Order`] to the tabletop that runs at the participants' terminal.

use tui_input::{Input, InputRequest};

use super::confirm::ARMED_AFTER;
use super::dialogs::{edit, moved};
use super::key::{Code, Key};
use super::state::Message;
use crate::incident::clean::Clean;
use crate::incident::facilitation::{InjectState, Order, Truth};
use crate::incident::now::Now;

/// Keys of the facilitator's console, the most useful first: key, what it does in a word, and in a sentence.
pub const KEYS: [(&str, &str, &str); 9] = [
    (
        "enter",
        "fire",
        "lets the selected inject happen, after a question",
    ),
    (
        "space",
        "pause",
        "stops the exercise's time, and lets it go on",
    ),
    (
        "n",
        "observe",
        "writes an observation down, for the report alone",
    ),
    ("s", "say", "lets the participants hear something else"),
    (
        "1 5 2 0",
        "speed",
        "lets time run at 1×, 5× or 20×, or stops it",
    ),
    ("?", "help", "shows this"),
    ("q", "quit", "leaves; the exercise goes on"),
    ("↑↓ j k", "choose", "selects an inject"),
    ("pgup pgdn", "scroll", "scrolls how things really are"),
];

const NOTHING_HEARD: &str = "nothing is heard of the exercise yet";

/// How far pgup and pgdn scroll.
const PAGE: usize = 5;

/// The state of the facilitator's console.
#[derive(Debug, Default)]
pub struct Facilitator {
    /// The exercise as it was last told of; none before that.
    pub truth: Option<Truth>,
    /// Why nothing is heard of it, while nothing is: `no word for 12 s: has the tabletop ended?`
    pub silent: Option<Clean>,
    /// The selected inject.
    pub selected: usize,
    /// First row shown of how things really are.
    pub top: usize,
    /// What stands over the screen.
    pub dialog: Option<Dialog>,
    /// One line about what just happened, until the next key.
    pub message: Option<Message>,
    /// Set once the console is to leave.
    pub leaving: bool,
    /// When the last key came: an enter that fires comes after a pause.
    quiet_since: Option<Now>,
}

/// What can stand over the facilitator's screen.
#[derive(Debug)]
pub enum Dialog {
    /// Let this inject happen?
    Fire(InjectState),
    /// An observation.
    Observe(Input),
    /// Something the participants are to hear.
    Say(SayForm),
    /// Every key.
    Help,
}

/// Something the participants are to hear.
#[derive(Debug, Default)]
pub struct SayForm {
    /// Who speaks.
    pub from: Input,
    /// What is said.
    pub says: Input,
    /// What is said is being written, not who speaks.
    pub at_says: bool,
}

impl Facilitator {
    /// The exercise told how it stands.
    pub fn told(&mut self, truth: Truth) {
        self.selected = self.selected.min(truth.injects.len().saturating_sub(1));
        self.top = self.top.min(truth.lines.len() + truth.harms.len());
        self.truth = Some(truth);
        self.silent = None;
    }

    /// Nothing is heard of the exercise, for this reason.
    pub fn silent(&mut self, why: &str) {
        self.silent = Some(Clean::new(why));
    }

    /// The inject that is selected.
    pub fn inject(&self) -> Option<&InjectState> {
        self.truth.as_ref()?.injects.get(self.selected)
    }

    /// A key, and the orders that follow from it.
    pub fn key(&mut self, key: Key, now: &Now) -> Vec<Order> {
        let quiet = self.quiet_since.replace(now.clone());
        let armed = quiet.is_none_or(|since| now.since(&since) >= ARMED_AFTER);
        self.message = None;
        if key.ctrl && key.code == Code::Char('c') {
            self.leaving = true;
            return Vec::new();
        }
        let order = match self.dialog.take() {
            None => self.command(key),
            Some(_) if key.code == Code::Esc => None,
            Some(dialog) => self.answer(dialog, key, armed),
        };
        order.into_iter().collect()
    }

    /// Pasted text goes where text is written.
    pub fn pasted(&mut self, text: &str) {
        let input = match &mut self.dialog {
            Some(Dialog::Observe(input)) => input,
            Some(Dialog::Say(form)) => form.field(),
            Some(Dialog::Fire(_) | Dialog::Help) | None => return,
        };
        for c in Clean::new(text).one_line().as_str().chars() {
            input.handle(InputRequest::InsertChar(c));
        }
    }

    fn command(&mut self, key: Key) -> Option<Order> {
        let injects = self.truth.as_ref().map_or(0, |truth| truth.injects.len());
        if let Some(at) = moved(arrow(key), self.selected, injects)
            && !matches!(key.code, Code::PageUp | Code::PageDown)
        {
            self.selected = at;
            return None;
        }
        match key.code {
            Code::PageUp => self.top = self.top.saturating_sub(PAGE),
            Code::PageDown => {
                let told = self.truth.as_ref();
                let rows = told.map_or(0, |truth| truth.lines.len() + truth.harms.len());
                self.top = (self.top + PAGE).min(rows);
            }
            Code::Enter => self.ask(),
            Code::Char(' ') => return self.pause(),
            Code::Char('0') => return Some(Order::Speed { times: 0 }),
            Code::Char('1') => return Some(Order::Speed { times: 1 }),
            Code::Char('5') => return Some(Order::Speed { times: 5 }),
            Code::Char('2') => return Some(Order::Speed { times: 20 }),
            Code::Char('n') => self.dialog = Some(Dialog::Observe(Input::default())),
            Code::Char('s') => self.dialog = Some(Dialog::Say(SayForm::default())),
            Code::Char('?') => self.dialog = Some(Dialog::Help),
            Code::Char('q') => self.leaving = true,
            _ => {}
        }
        None
    }

    /// Asks whether the selected inject is to happen. What has happened does not happen again.
    fn ask(&mut self) {
        match self.inject().cloned() {
            Some(inject) if inject.fired_at.is_some() => {
                let words = format!(
                    "{} has happened already; s says something else",
                    inject.title
                );
                self.refuse(&words);
            }
            Some(inject) => self.dialog = Some(Dialog::Fire(inject)),
            None if self.truth.is_none() => self.refuse(NOTHING_HEARD),
            None => self.refuse("the scenario has no injects; s says something else"),
        }
    }

    fn pause(&mut self) -> Option<Order> {
        let Some(truth) = &self.truth else {
            self.refuse(NOTHING_HEARD);
            return None;
        };
        let times = match truth.paused {
            true => truth.speed.max(1),
            false => 0,
        };
        Some(Order::Speed { times })
    }

    fn answer(&mut self, dialog: Dialog, key: Key, armed: bool) -> Option<Order> {
        match dialog {
            Dialog::Fire(inject) => self.fire(inject, key, armed),
            Dialog::Observe(input) => self.observe(input, key),
            Dialog::Say(form) => self.say(form, key),
            Dialog::Help => {
                if !matches!(key.code, Code::Char('q' | '?') | Code::Enter) {
                    self.dialog = Some(Dialog::Help);
                }
                None
            }
        }
    }

    /// The enter that opened the question, held down, is no answer to it.
    fn fire(&mut self, inject: InjectState, key: Key, armed: bool) -> Option<Order> {
        if key.code == Code::Enter && armed {
            self.say_so(&format!("fired: {}", inject.title));
            return Some(Order::Fire { id: inject.id });
        }
        if key.code == Code::Enter {
            self.refuse("wait half a second without a key, then press enter");
        }
        self.dialog = Some(Dialog::Fire(inject));
        None
    }

    fn observe(&mut self, mut input: Input, key: Key) -> Option<Order> {
        if key.code != Code::Enter {
            edit(&mut input, key);
            self.dialog = Some(Dialog::Observe(input));
            return None;
        }
        match input.value().trim() {
            "" => {
                self.refuse("type something first, or esc");
                self.dialog = Some(Dialog::Observe(input));
                None
            }
            text => {
                self.say_so("written down, for the report");
                let text = Clean::new(text);
                Some(Order::Observe { text })
            }
        }
    }

    fn say(&mut self, mut form: SayForm, key: Key) -> Option<Order> {
        let (from, says) = (form.from.value().trim(), form.says.value().trim());
        match key.code {
            Code::Tab | Code::BackTab => form.at_says = !form.at_says,
            Code::Enter if from.is_empty() => {
                self.refuse("say who speaks: Customer, CEO, Monitoring");
                form.at_says = false;
            }
            Code::Enter if !form.at_says => form.at_says = true,
            Code::Enter if says.is_empty() => self.refuse("type something first, or esc"),
            Code::Enter => {
                let order = Order::Say {
                    from: Clean::new(from).to_string(),
                    says: Clean::new(says),
                };
                self.say_so("the participants hear it");
                return Some(order);
            }
            _ => {
                edit(form.field(), key);
            }
        }
        self.dialog = Some(Dialog::Say(form));
        None
    }

    fn say_so(&mut self, words: &str) {
        let (words, bad) = (words.to_owned(), false);
        self.message = Some(Message { words, bad });
    }

    /// Says that something can't be done, or could not be passed on.
    pub fn refuse(&mut self, words: &str) {
        let (words, bad) = (words.to_owned(), true);
        self.message = Some(Message { words, bad });
    }
}

impl SayForm {
    /// The field that is being written.
    fn field(&mut self) -> &mut Input {
        match self.at_says {
            true => &mut self.says,
            false => &mut self.from,
        }
    }
}

/// `j` and `k` are arrows.
fn arrow(key: Key) -> Key {
    match key.code {
        Code::Char('j') => Key::plain(Code::Down),
        Code::Char('k') => Key::plain(Code::Up),
        _ => key,
    }
}
