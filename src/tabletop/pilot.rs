//! An operator that is not there: walks a scenario's moves at the console, by the keys a person would press. It reads what
//! the screen would show and waits as a person must; it can confirm nothing that a person could not.

use std::time::Duration;

use super::session::{Hand, Session};
use crate::console::asking::TRY_AGAIN;
use crate::console::command::Command;
use crate::console::key::{Code, Key};
use crate::console::road::{Next, Road};
use crate::console::state::{ChoicePurpose, Dialog, State};
use crate::drill::scenario::Move;
use crate::incident::judge::Standing;
use crate::incident::names::{SeverityId, StepId};

/// Before a key that answers a question: longer than it takes to be armed.
const THINKS: Duration = Duration::from_millis(800);

/// Between two keys of a text.
const TYPES: Duration = Duration::from_millis(80);

/// How often it looks whether something has come about.
const LOOKS: Duration = Duration::from_secs(2);

/// It gives up waiting for one thing after this long.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);

/// How often one act is tried.
const TRIES: usize = 3;

/// How often it looks whether the platform has done something by itself.
const LOOKED: usize = 60;

/// What it writes where a note is asked for and the scenario gives none.
const SEEN: &str = "seen by the reference walk";

/// Walks moves in order.
///
/// # Errors
/// The move that could not be made, and why, in a sentence.
pub fn walk(session: &mut Session, moves: &[Move]) -> Result<(), String> {
    let mut pilot = Pilot { session };
    pilot.close();
    for (number, wanted) in (1..).zip(moves) {
        let made = pilot.make(wanted);
        made.map_err(|why| format!("move {number}: {why}"))?;
    }
    Ok(())
}

struct Pilot<'a> {
    session: &'a mut Session,
}

impl Pilot<'_> {
    fn make(&mut self, wanted: &Move) -> Result<(), String> {
        match wanted {
            Move::Wait(span) => self.pass(*span),
            Move::Until { subject, is } => return self.until(subject, is),
            Move::Declare {
                title,
                severity,
                category,
            } => return self.declare(title, severity, category.as_deref()),
            Move::Runbook { id, vars } => return self.runbook(id, vars),
            Move::Walk { to, overriding } => {
                return self.go_on(overriding.as_deref(), |next| {
                    to.is_some() && next.step() == to.as_ref()
                });
            }
            Move::Run { step, overriding } => {
                return self.once(overriding.as_deref(), step);
            }
            Move::Go { step, reason } => return self.go_to(step, reason),
            Move::Skip { reason, .. } => self.said(Command::Skip, reason),
            Move::Decide { answer, reason } => return self.decide(answer, reason),
            Move::Leave(reason) => self.said(Command::Leave, reason),
            Move::Note(text) => self.said(Command::Note, text),
            Move::Role { role, who } => return self.role(role, who),
            Move::Acknowledge => self.acknowledge(),
            Move::Mitigated(how) => self.said(Command::Mitigated, how),
            Move::Resolve(summary) => return self.resolve(summary),
        }
        self.closed()
    }

    fn state(&self) -> &State {
        &self.session.state
    }

    fn pass(&mut self, span: Duration) {
        let to = self.session.passed() + span;
        self.session.advance(to);
    }

    fn key(&mut self, code: Code, after: Duration) {
        self.pass(after);
        let at = self.session.hand_time();
        self.session.hands(Hand::Key(Key::plain(code)), at);
    }

    fn press(&mut self, code: Code) {
        self.key(code, THINKS);
    }

    fn type_(&mut self, text: &str) {
        self.pass(THINKS);
        text.chars().for_each(|c| self.key(Code::Char(c), TYPES));
    }

    /// The key of a command, as the keymap has it.
    fn command(&mut self, command: Command) {
        let key = self.state().keymap.keys_of(command).first().copied();
        if let Some(key) = key {
            self.pass(THINKS);
            let at = self.session.hand_time();
            self.session.hands(Hand::Key(key), at);
        }
    }

    /// A command that asks for a line of text.
    fn said(&mut self, command: Command, text: &str) {
        self.command(command);
        self.line(text);
    }

    fn line(&mut self, text: &str) {
        if matches!(self.state().dialogs.last(), Some(Dialog::Text(_))) {
            self.type_(text);
            self.press(Code::Enter);
        }
    }

    /// Closes what stands over the screen.
    fn close(&mut self) {
        while !self.state().dialogs.is_empty() {
            self.press(Code::Esc);
        }
    }

    /// Nothing is asked any more; else what was said of the last answer.
    fn closed(&mut self) -> Result<(), String> {
        match self.state().dialogs.is_empty() {
            true => Ok(()),
            false => {
                let why = self.message();
                self.close();
                Err(why)
            }
        }
    }

    fn message(&self) -> String {
        let message = self.state().message.as_ref();
        message.map_or_else(|| "nothing came of it".into(), |m| m.words.clone())
    }

    fn until(&mut self, subject: &str, is: &str) -> Result<(), String> {
        let begun = self.session.passed();
        let stands = |state: &State| {
            let standing: Option<&Standing> = state.memory.standings.get(subject);
            standing.is_some_and(|standing| standing.to_string() == is)
        };
        while !stands(self.state()) {
            if self.session.passed() - begun > PATIENCE {
                return Err(format!("{subject} never came to be {is}"));
            }
            self.pass(LOOKS);
        }
        Ok(())
    }

    fn declare(
        &mut self,
        title: &str,
        severity: &SeverityId,
        category: Option<&str>,
    ) -> Result<(), String> {
        let site = self.state().site.clone();
        let place = site.severities.iter().position(|s| s.id == *severity);
        let category = category.and_then(|c| site.categories.iter().position(|one| one == c));
        self.command(Command::Declare);
        self.type_(title);
        self.press(Code::Enter);
        (0..place.unwrap_or_default()).for_each(|_| self.press(Code::Down));
        self.press(Code::Enter);
        (0..category.map_or(0, |place| place + 1)).for_each(|_| self.press(Code::Down));
        self.press(Code::Enter);
        self.press(Code::Enter);
        self.closed()?;
        match self.state().incident {
            Some(_) => Ok(()),
            None => Err(self.message()),
        }
    }

    fn runbook(&mut self, id: &str, vars: &[(String, String)]) -> Result<(), String> {
        let before = self.state().walk;
        self.command(Command::Runbooks);
        self.select(id)?;
        self.press(Code::Enter);
        while let Some(Dialog::Inputs(form)) = self.state().dialogs.last() {
            let name = self.variable(form.runbook.as_str(), form.field);
            let wanted = vars.iter().find(|(var, _)| Some(var) == name.as_ref());
            if let (Some((_, value)), None) = (wanted, form.request) {
                self.fill(value);
            }
            if let Some(Dialog::Inputs(form)) = self.state().dialogs.last()
                && let Some(fault) = form.faults.values().next()
            {
                return Err(fault.clone());
            }
            self.press(Code::Enter);
        }
        match self.state().walk != before {
            true => Ok(()),
            false => Err(format!("{id}: {}", self.message())),
        }
    }

    /// Moves to a runbook in the list, by its id: titles may resemble each other.
    fn select(&mut self, id: &str) -> Result<(), String> {
        let Some(Dialog::Runbooks(chooser)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let place = chooser.rows.iter().position(|row| row.key == id);
        let Some(place) = place else {
            self.close();
            return Err(format!("there is no runbook {id} in the list"));
        };
        (0..place).for_each(|_| self.press(Code::Down));
        Ok(())
    }

    fn variable(&self, runbook: &str, field: usize) -> Option<String> {
        let mut library = self.state().library.iter();
        let loaded = library.find(|l| l.runbook.id.as_str() == runbook)?;
        Some(loaded.runbook.card.vars.get(field)?.name.clone())
    }

    /// Fills the variable that is asked for: chosen from a list, else typed anew.
    fn fill(&mut self, value: &str) {
        let Some(Dialog::Inputs(form)) = self.state().dialogs.last() else {
            return;
        };
        let choices = form.choices.get(form.field).cloned().unwrap_or_default();
        let now = form
            .values
            .get(form.field)
            .map(|input| input.value().to_owned());
        let place = |value: &str| choices.iter().position(|choice| choice == value);
        match (place(value), now.as_deref().and_then(place)) {
            (Some(to), Some(from)) => {
                let code = if to > from { Code::Down } else { Code::Up };
                (0..to.abs_diff(from)).for_each(|_| self.press(code));
            }
            _ => {
                let length = now.map_or(0, |text| text.chars().count());
                (0..length).for_each(|_| self.key(Code::Backspace, TYPES));
                self.type_(value);
            }
        }
    }

    /// Answers what the walk asks, step by step, until `enough` or its end.
    fn go_on(
        &mut self,
        overriding: Option<&str>,
        enough: impl Fn(&Next) -> bool,
    ) -> Result<(), String> {
        let mut tried = 0;
        let mut ran = 0;
        let mut before: Option<Next> = None;
        loop {
            let Some(next) = Road::shown(self.state()).map(|road| road.next()) else {
                return Err("no runbook is open".into());
            };
            if enough(&next) || matches!(next, Next::Decide(_)) {
                return Ok(());
            }
            if matches!(next, Next::AfterFailure(_)) {
                ran += 1;
            }
            tried = match before.as_ref() == Some(&next) {
                true => tried + 1,
                false => 0,
            };
            before = Some(next.clone());
            match next {
                Next::Nothing => return Ok(()),
                Next::Done => return self.end_of_walk(),
                Next::Running(..) => {
                    self.running()?;
                    before = None;
                }
                Next::Settle(..) => return Err(self.message()),
                Next::Verify(_) if tried < LOOKED => self.answer(overriding)?,
                _ if tried >= TRIES || ran > TRIES => return Err(self.message()),
                _ => self.answer(overriding)?,
            }
        }
    }

    /// One step, once: until it is done, or one of its acts has ended in whatever way.
    fn once(&mut self, overriding: Option<&str>, step: &StepId) -> Result<(), String> {
        for _ in 0..TRIES * TRIES {
            match Road::shown(self.state()).map(|road| road.next()) {
                Some(Next::Running(..)) => return self.running(),
                Some(next) if next.step() == Some(step) => self.answer(overriding)?,
                _ => return Ok(()),
            }
        }
        Err(self.message())
    }

    fn end_of_walk(&mut self) -> Result<(), String> {
        let open = Road::shown(self.state()).is_some_and(|road| road.walk.ended.is_none());
        if open {
            self.press(Code::Enter);
        }
        self.closed()
    }

    /// Waits until nothing runs in the walk that is shown. An act that is a runbook of its own runs as long as that one is walked.
    fn running(&mut self) -> Result<(), String> {
        let begun = self.session.passed();
        while self.runs() {
            if self.session.passed() - begun > PATIENCE {
                return Err("a step never ended".into());
            }
            self.pass(LOOKS);
        }
        Ok(())
    }

    fn runs(&self) -> bool {
        let next = Road::shown(self.state()).map(|road| road.next());
        matches!(next, Some(Next::Running(..)))
    }

    /// Opens what is next and answers it.
    fn answer(&mut self, overriding: Option<&str>) -> Result<(), String> {
        self.press(Code::Enter);
        match self.state().dialogs.last() {
            Some(Dialog::Ask(_)) => self.confirm(overriding),
            Some(Dialog::Text(_)) => {
                self.line(SEEN);
                self.closed()
            }
            Some(Dialog::Choice(_)) => self.choose(overriding),
            Some(Dialog::Inputs(_)) => self.as_filled_in(),
            _ => {
                self.pass(LOOKS);
                Ok(())
            }
        }
    }

    fn confirm(&mut self, overriding: Option<&str>) -> Result<(), String> {
        let Some(Dialog::Ask(ask)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let red: Vec<String> = ask
            .red()
            .iter()
            .map(|(name, verdict)| format!("{name}: {}", verdict.saw))
            .collect();
        let phrase = ask.phrase();
        match (red.is_empty(), overriding) {
            (false, None) => {
                self.close();
                return Err(format!("red: {}", red.join("; ")));
            }
            (false, Some(reason)) => {
                self.type_(&phrase.unwrap_or_default());
                self.press(Code::Enter);
                self.type_(reason);
            }
            (true, _) => {
                if let Some(phrase) = phrase {
                    self.type_(&phrase);
                }
            }
        }
        self.press(Code::Enter);
        self.as_filled_in()
    }

    /// A runbook within the runbook asks for its variables: each is taken as it is filled in.
    fn as_filled_in(&mut self) -> Result<(), String> {
        let mut before = None;
        while let Some(Dialog::Inputs(form)) = self.state().dialogs.last() {
            let now = Some((form.field, form.faults.clone()));
            if before == now {
                return self.closed();
            }
            before = now;
            self.press(Code::Enter);
        }
        self.closed()
    }

    /// A choice: a fork's only way, what was looked at, what to do after a failure.
    fn choose(&mut self, overriding: Option<&str>) -> Result<(), String> {
        let Some(Dialog::Choice(form)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let answers = form.answers.clone();
        match (&form.purpose, overriding) {
            (ChoicePurpose::Looked(..), None) if answers.len() < 2 => {
                // It is not so yet: a person looks again a little later.
                self.close();
                self.pass(LOOKS * 10);
                Ok(())
            }
            (ChoicePurpose::Looked(..), Some(reason)) if answers.len() < 2 => {
                self.press(Code::Enter);
                self.line(reason);
                self.closed()
            }
            (ChoicePurpose::AfterFailure(..), _) => {
                self.pick(&answers, TRY_AGAIN)?;
                match self.state().dialogs.last() {
                    Some(Dialog::Ask(_)) => self.confirm(overriding),
                    _ => self.closed(),
                }
            }
            _ => {
                self.press(Code::Enter);
                self.line(SEEN);
                self.closed()
            }
        }
    }

    /// Chooses an answer by its words.
    fn pick(&mut self, answers: &[(String, String)], words: &str) -> Result<(), String> {
        let Some(place) = answers.iter().position(|(answer, _)| answer == words) else {
            self.close();
            return Err(format!("{words} is none of the answers"));
        };
        (0..place).for_each(|_| self.press(Code::Down));
        self.press(Code::Enter);
        Ok(())
    }

    fn go_to(&mut self, step: &StepId, reason: &str) -> Result<(), String> {
        let place = Road::shown(self.state())
            .and_then(|road| road.runbook.steps.iter().position(|s| s.id == *step));
        let place = place.ok_or_else(|| format!("there is no step #{step}"))?;
        self.command(Command::GoTo);
        let Some(Dialog::Choice(form)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let code = if place > form.selected {
            Code::Down
        } else {
            Code::Up
        };
        (0..place.abs_diff(form.selected)).for_each(|_| self.press(code));
        self.press(Code::Enter);
        self.line(reason);
        self.closed()
    }

    fn decide(&mut self, answer: &str, reason: &str) -> Result<(), String> {
        self.press(Code::Enter);
        let Some(Dialog::Choice(form)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let answers = form.answers.clone();
        self.pick(&answers, answer)?;
        self.line(reason);
        self.closed()
    }

    fn role(&mut self, role: &str, who: &str) -> Result<(), String> {
        self.command(Command::Role);
        let Some(Dialog::Choice(form)) = self.state().dialogs.last() else {
            return Err(self.message());
        };
        let answers = form.answers.clone();
        self.pick(&answers, role)?;
        self.line(who);
        self.closed()
    }

    /// Every rung that calls, one after the other.
    fn acknowledge(&mut self) {
        let calling = self.state().vitals.clock.rungs.iter();
        let calling = calling
            .filter(|rung| rung.standing >= Standing::Watch)
            .count();
        for _ in 0..calling {
            self.command(Command::Acknowledge);
            if self.state().dialogs.is_empty() {
                break;
            }
            self.press(Code::Enter);
        }
    }

    fn resolve(&mut self, summary: &str) -> Result<(), String> {
        self.command(Command::Resolve);
        while matches!(self.state().dialogs.last(), Some(Dialog::Text(_))) {
            self.line(summary);
        }
        match self
            .state()
            .incident
            .as_ref()
            .and_then(|i| i.resolved.as_ref())
        {
            Some(_) => Ok(()),
            None => Err(self.message()),
        }
    }
}
