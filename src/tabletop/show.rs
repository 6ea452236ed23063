//! The full-screen loop of what has no world outside: a tabletop, and its facilitator's console. Keys and time go in, frames
//! and a few wishes come out.

use std::io;
use std::time::Duration;

use crossterm::event::EventStream;
use crossterm::terminal::{Clear, ClearType};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::facilitation::{Booth, EVERY, Line};
use super::session::{Hand, Session};
use crate::console::event::{Effect, Event};
use crate::console::facilitator::Facilitator;
use crate::run::{DIALOG_TICK, FRAME, Signals, Stop};
use crate::screen::{Theme, draw, facilitator};
use crate::world::clock;
use crate::world::terminal::{self, Canvas, Frame, Guard};

/// Nothing is heard of a tabletop for this long: the facilitator is told.
const SILENT: Duration = Duration::from_secs(5);

/// What is shown.
pub trait Show {
    /// The terminal tells something, at this instant of the hands.
    fn tell(&mut self, event: Event, hand: Duration);

    /// Time passes; whether something can be seen of it.
    fn pass(&mut self, hand: Duration) -> bool;

    /// What only the terminal can do.
    fn asked(&mut self) -> Vec<Effect>;

    /// One frame.
    fn draw(&self, theme: &Theme, frame: &mut ratatui::Frame<'_>);
}

/// Shows it until its people leave or the terminal is gone.
///
/// # Errors
/// When the terminal can't be taken over.
pub async fn show(shown: &mut (dyn Show + Send), theme: &Theme) -> io::Result<()> {
    crossterm::style::force_color_output(true);
    let guard = Guard::take()?;
    let (mut canvas, frame, mut out) = Canvas::new();
    let mut terminal = Terminal::new(CrosstermBackend::new(frame.clone()))?;
    let mut raw = frame.clone();
    crossterm::queue!(raw, Clear(ClearType::All))?;
    let (mut keys, mut gone) = (EventStream::new(), terminal::gone());
    let (mut signals, begun) = (Signals::new()?, Instant::now());
    let mut ticks = interval(DIALOG_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut drawn, mut dirty, mut leaving) = (Instant::now() - FRAME, true, false);
    while !leaving {
        tokio::select! {
            event = keys.next() => match event {
                Some(Ok(event)) => if let Some(event) = terminal::translate(event) {
                    shown.tell(event, begun.elapsed());
                    dirty = true;
                },
                Some(Err(_)) | None => leaving = true,
            },
            _ = ticks.tick() => dirty |= shown.pass(begun.elapsed()),
            Some(written) = out.recv() => {
                canvas.arrived();
                leaving |= written.is_err();
            }
            _ = gone.recv() => leaving = true,
            stop = signals.next() => match stop {
                Stop::Leave => leaving = true,
                Stop::Suspend => leaving |= suspend(&mut terminal).is_err(),
            },
            () = sleep_until(drawn + FRAME), if dirty && !canvas.busy() => {
                terminal.draw(|frame| shown.draw(theme, frame))?;
                canvas.send();
                (drawn, dirty) = (Instant::now(), false);
            }
        }
        for effect in shown.asked() {
            match effect {
                Effect::Copy(text) => {
                    let copy = crossterm::clipboard::CopyToClipboard::to_clipboard_from(text);
                    let _ = crossterm::queue!(raw, copy);
                }
                Effect::Suspend => leaving |= suspend(&mut terminal).is_err(),
                Effect::Quit => leaving = true,
                _ => {}
            }
            dirty = true;
        }
    }
    drop(guard);
    Ok(())
}

/// Stops in the background; what comes back draws every cell.
fn suspend(terminal: &mut Terminal<CrosstermBackend<Frame>>) -> io::Result<()> {
    terminal::suspend()?;
    let size = terminal.size()?;
    terminal.resize(size.into())
}

/// A tabletop on a terminal, with the booth of its facilitator.
pub struct Participants {
    /// The tabletop.
    pub session: Session,
    /// The facilitator's line; none where it could not be opened.
    pub booth: Option<Booth>,
    /// When the facilitator was last told, by the hands' time.
    pub told: Option<Duration>,
}

impl Show for Participants {
    fn tell(&mut self, event: Event, hand: Duration) {
        let session = &mut self.session;
        session.advance(session.world_at(hand));
        match event {
            Event::Key(key) => session.hands(Hand::Key(key), hand),
            Event::Pasted(text) => session.hands(Hand::Paste(text), hand),
            Event::Resized(columns, rows) => session.hands(Hand::Size(columns, rows), hand),
            _ => {}
        }
    }

    fn pass(&mut self, hand: Duration) -> bool {
        let session = &mut self.session;
        let mut something = session.advance(session.world_at(hand));
        let due = self
            .told
            .is_none_or(|told| hand.saturating_sub(told) >= EVERY);
        if let Some(booth) = self.booth.as_mut().filter(|_| due) {
            for order in booth.orders() {
                session.hands(Hand::Order(order), hand);
                something = true;
            }
            // A facilitator who hears nothing is told so at the other end.
            let _ = booth.publish(&session.truth());
            self.told = Some(hand);
        }
        session.show_hand(hand);
        something || !session.state.dialogs.is_empty()
    }

    fn asked(&mut self) -> Vec<Effect> {
        self.session.asked()
    }

    fn draw(&self, theme: &Theme, frame: &mut ratatui::Frame<'_>) {
        draw(&self.session.state, theme, frame);
    }
}

/// The facilitator at a terminal of their own.
pub struct Booked {
    /// The line to the tabletop.
    pub line: Line,
    /// Their console.
    pub state: Facilitator,
    /// When something was last heard of it, by the hands' time.
    pub heard: Duration,
}

impl Show for Booked {
    fn tell(&mut self, event: Event, _: Duration) {
        match event {
            Event::Key(key) => {
                for order in self.state.key(key, &clock::now()) {
                    if let Err(failure) = self.line.send(&order) {
                        self.state.refuse(&failure.to_string());
                    }
                }
            }
            Event::Pasted(text) => self.state.pasted(&text),
            _ => {}
        }
    }

    fn pass(&mut self, hand: Duration) -> bool {
        match self.line.truth().filter(|_| self.line.runs()) {
            Some(truth) if self.state.truth.as_ref() != Some(&truth) => {
                self.heard = hand;
                self.state.told(truth);
                true
            }
            Some(truth) if truth.paused => {
                self.heard = hand;
                self.state.dialog.is_some()
            }
            _ if hand.saturating_sub(self.heard) > SILENT => {
                self.state
                    .silent("no word for a while: has the tabletop ended?");
                true
            }
            _ => self.state.dialog.is_some(),
        }
    }

    fn asked(&mut self) -> Vec<Effect> {
        match self.state.leaving {
            true => vec![Effect::Quit],
            false => Vec::new(),
        }
    }

    fn draw(&self, theme: &Theme, frame: &mut ratatui::Frame<'_>) {
        facilitator::draw(&self.state, theme, frame);
    }
}
