//! The hall: stamps the time, carries events to the console and its effects to the world, and draws.
//!
//! One loop, one order of events. It waits for nothing but the next event: journal, probes, steps and the terminal itself
//! each have a task or a thread of their own.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::EventStream;
use crossterm::terminal::{Clear, ClearType};
use futures_util::StreamExt;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use crate::console::event::{Effect, Event};
use crate::console::state::State;
use crate::console::update::update;
use crate::incident::site::Site;
use crate::screen::{Theme, draw};
use crate::world::desk::{Desk, Order};
use crate::world::terminal::{self, Canvas, Frame, Guard};
use crate::world::{Systems, clock, evaluate, preflight, watch};

/// At most thirty frames a second.
pub(crate) const FRAME: Duration = Duration::from_millis(33);

/// How often time passes for the console; with a dialog open more often, so that it shows when it is armed.
const TICK: Duration = Duration::from_secs(1);
pub(crate) const DIALOG_TICK: Duration = Duration::from_millis(100);

/// How long the desk gets to write what was asked for before the console leaves.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the console is opened with.
pub struct Setup {
    /// The console's first state.
    pub state: State,
    /// How it looks.
    pub theme: Theme,
    /// The site's systems.
    pub systems: Systems,
    /// Where the journal is kept, and the steps are started.
    pub desk: Desk,
    /// The end of the channel that everything reports to.
    pub events: mpsc::Receiver<Event>,
    /// Its other end.
    pub sender: mpsc::Sender<Event>,
}

/// Runs the console until the operator leaves or the terminal is gone.
///
/// # Errors
/// When the terminal can't be taken over.
pub async fn run(setup: Setup) -> io::Result<ExitCode> {
    let Setup {
        state,
        theme,
        systems,
        desk,
        mut events,
        sender,
    } = setup;
    // NO_COLOR is honoured by the theme: crossterm's own way would take bold and reverse away too.
    crossterm::style::force_color_output(true);
    let guard = Guard::take()?;
    let (canvas, frame, mut out) = Canvas::new();
    let terminal = Terminal::new(CrosstermBackend::new(frame.clone()))?;
    // Whatever the terminal still shows is not what the first frame is compared with. (Terminal::clear would ask it for
    // its cursor, and wait for the answer.)
    let mut first = frame.clone();
    crossterm::queue!(first, Clear(ClearType::All))?;
    let refresh = Arc::new(Notify::new());
    let site = Arc::clone(&state.site);
    let watches = watch::start(&site, &systems, &sender, &refresh);
    let mut hall = Hall {
        state,
        theme,
        site,
        systems,
        desk,
        sender,
        refresh,
        canvas,
        frame,
        terminal,
        drawn: Instant::now() - FRAME,
        dirty: true,
        leaving: false,
    };
    let mut keys = EventStream::new();
    let mut gone = terminal::gone();
    let mut signals = Signals::new()?;
    let mut ticks = interval(DIALOG_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut ticked = Instant::now();
    while !hall.leaving {
        tokio::select! {
            Some(event) = events.recv() => {
                hall.tell(event);
                while let Ok(event) = events.try_recv() {
                    hall.tell(event);
                }
            }
            event = keys.next() => match event {
                Some(Ok(event)) => terminal::translate(event).into_iter().for_each(|event| hall.tell(event)),
                Some(Err(_)) | None => hall.leaving = true,
            },
            now = ticks.tick() => {
                let due = if hall.state.dialogs.is_empty() { TICK } else { DIALOG_TICK };
                if now.duration_since(ticked) + Duration::from_millis(5) >= due {
                    ticked = now;
                    hall.tell(Event::Tick);
                }
            }
            Some(written) = out.recv() => {
                hall.canvas.arrived();
                hall.leaving |= written.is_err();
            }
            _ = gone.recv() => hall.leaving = true,
            stop = signals.next() => match stop {
                Stop::Leave => hall.leaving = true,
                Stop::Suspend => hall.suspend(),
            },
            () = sleep_until(hall.drawn + FRAME), if hall.dirty && !hall.canvas.busy() => hall.draw()?,
        }
    }
    drop(watches);
    let Hall { desk, .. } = hall;
    let _ = timeout(LAST_WORDS, desk.close()).await;
    drop(guard);
    Ok(ExitCode::SUCCESS)
}

/// The loop's state.
struct Hall {
    state: State,
    theme: Theme,
    site: Arc<Site>,
    systems: Systems,
    desk: Desk,
    sender: mpsc::Sender<Event>,
    refresh: Arc<Notify>,
    canvas: Canvas,
    frame: Frame,
    terminal: Terminal<CrosstermBackend<Frame>>,
    drawn: Instant,
    dirty: bool,
    leaving: bool,
}

impl Hall {
    /// Tells the console what happened, and does what it asks for.
    fn tell(&mut self, event: Event) {
        self.dirty = true;
        for effect in update(&mut self.state, clock::now(), event) {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Declare(request, declaration) => {
                self.desk.send(Order::Declare(request, declaration));
            }
            Effect::Append(request, note) => self.desk.send(Order::Append(request, note)),
            Effect::Choose(request, note, text) => {
                self.desk.send(Order::Choose(request, note, text));
            }
            Effect::Perform(request, confirmed) => {
                self.desk.send(Order::Perform(request, confirmed));
            }
            Effect::Cancel(request, action, attempt) => {
                self.desk.send(Order::Cancel(request, action, attempt));
            }
            Effect::ReadOutput(request, evidence) => {
                self.desk.send(Order::ReadOutput(request, evidence));
            }
            Effect::Export(request) => self.desk.send(Order::Export(request)),
            Effect::Evaluate(request, resolved) => {
                let (site, systems, sender) = (
                    Arc::clone(&self.site),
                    self.systems.clone(),
                    self.sender.clone(),
                );
                tokio::spawn(async move {
                    let evaluation = evaluate::evaluate(&resolved, &site, &systems).await;
                    let _ = sender
                        .send(Event::Evaluated(request, Box::new(evaluation)))
                        .await;
                });
            }
            Effect::Question(request, resolved) => {
                let (site, systems, sender) = (
                    Arc::clone(&self.site),
                    self.systems.clone(),
                    self.sender.clone(),
                );
                tokio::spawn(async move {
                    let answer = evaluate::answer(&resolved, &site, &systems).await;
                    let _ = sender
                        .send(Event::Evaluated(request, Box::new(answer)))
                        .await;
                });
            }
            Effect::Preflight(request, wanted) => {
                let (site, systems, sender) = (
                    Arc::clone(&self.site),
                    self.systems.clone(),
                    self.sender.clone(),
                );
                tokio::spawn(async move {
                    let found = preflight::look(&wanted, &site, &systems).await;
                    let _ = sender.send(Event::Preflight(request, found)).await;
                });
            }
            Effect::Copy(text) => {
                let copy = crossterm::clipboard::CopyToClipboard::to_clipboard_from(text);
                let _ = crossterm::queue!(self.frame, copy);
            }
            // The real world has one pace, and the console asks for no other there.
            Effect::Pace(_) => {}
            Effect::Refresh => self.refresh.notify_waiters(),
            Effect::Suspend => self.suspend(),
            Effect::Quit => self.leaving = true,
        }
    }

    fn draw(&mut self) -> io::Result<()> {
        let (state, theme) = (&self.state, &self.theme);
        self.terminal.draw(|frame| draw(state, theme, frame))?;
        self.canvas.send();
        self.drawn = Instant::now();
        self.dirty = false;
        Ok(())
    }

    /// Stops in the background; comes back to a terminal that shows something else.
    fn suspend(&mut self) {
        self.leaving |= terminal::suspend().is_err() || self.anew().is_err();
        self.dirty = true;
    }

    /// Has the next frame draw every cell. `Terminal::clear` would ask the terminal where its cursor is, and fail on one
    /// that is slow to answer.
    fn anew(&mut self) -> io::Result<()> {
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

/// What a signal asks for.
pub(crate) enum Stop {
    Leave,
    Suspend,
}

/// The signals the console answers.
pub(crate) struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    stop: Signal,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
        })
    }

    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            _ = self.terminate.recv() => Stop::Leave,
            _ = self.hang_up.recv() => Stop::Leave,
            _ = self.interrupt.recv() => Stop::Leave,
            _ = self.stop.recv() => Stop::Suspend,
        }
    }
}
