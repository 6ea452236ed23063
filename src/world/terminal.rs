//! The terminal: taken over on the way in and given back on every way out, its keys, and the one frame in flight.
//!
//! A frame is drawn into memory and handed to a writer thread. While a slow line still carries one, no other is drawn:
//! there is never a queue of frames, and the loop that answers keys never waits for the terminal.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc as blocking};
use std::thread;

use crossterm::event::{
    DisableBracketedPaste, EnableBracketedPaste, Event as TermEvent, KeyCode, KeyEventKind,
    KeyModifiers,
};
use crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc;

use crate::console::event::Event;
use crate::console::key::{Code, Key};

/// Holds the terminal in raw mode on its alternate screen; gives it back when dropped, also by a panic.
#[derive(Debug)]
pub struct Guard(());

impl Guard {
    /// Takes the terminal over, and has a panic give it back before its message is printed.
    ///
    /// # Errors
    /// When standard output is no terminal or can't be set to raw mode.
    pub fn take() -> io::Result<Self> {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
        enter()?;
        Ok(Self(()))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        give_back();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        EnableBracketedPaste,
        cursor::Hide
    )
}

/// Best effort: on the way out there is nobody left to tell.
fn give_back() {
    let _ = execute!(
        io::stdout(),
        cursor::Show,
        DisableBracketedPaste,
        LeaveAlternateScreen
    );
    let _ = disable_raw_mode();
}

/// Stops the program as ctrl-z does, terminal given back, and takes the terminal again when it is continued.
///
/// # Errors
/// When the terminal can't be taken again.
pub fn suspend() -> io::Result<()> {
    give_back();
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::STOP);
    enter()
}

/// Whether standard input and output are a terminal.
pub fn is_terminal() -> bool {
    use std::io::IsTerminal;
    io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Columns and rows.
pub fn size() -> (u16, u16) {
    crossterm::terminal::size().unwrap_or((80, 24))
}

/// A terminal event as the console knows it; none for what it does not care about (releases, focus, mouse).
pub fn translate(event: TermEvent) -> Option<Event> {
    match event {
        TermEvent::Key(key) if key.kind != KeyEventKind::Release => {
            let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
            let alt = key.modifiers.contains(KeyModifiers::ALT);
            code(key.code).map(|code| Event::Key(Key { code, ctrl, alt }))
        }
        TermEvent::Paste(text) => Some(Event::Pasted(text)),
        TermEvent::Resize(columns, rows) => Some(Event::Resized(columns, rows)),
        _ => None,
    }
}

fn code(code: KeyCode) -> Option<Code> {
    Some(match code {
        KeyCode::Char(c) => Code::Char(c),
        KeyCode::F(n) => Code::F(n),
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => Code::BackTab,
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        _ => return None,
    })
}

/// Resolves when the terminal is gone. crossterm's own poll does not return then (crossterm#793), so a thread watches
/// standard input for a hang-up.
pub fn gone() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let stdin = io::stdin();
        // No event is asked for: hang-up and error are told all the same.
        let mut fds = [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::empty())];
        while poll(&mut fds, None) == Err(Errno::INTR) {}
        let _ = sender.blocking_send(());
    });
    receiver
}

/// A frame as it is drawn: bytes in memory.
#[derive(Debug, Clone, Default)]
pub struct Frame(Arc<Mutex<Vec<u8>>>);

impl Frame {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        // A panic while bytes were added leaves bytes: nothing that could not be sent.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Frame {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Sends frames to the terminal by a thread of its own, one at a time.
#[derive(Debug)]
pub struct Canvas {
    frame: Frame,
    frames: blocking::Sender<Vec<u8>>,
    in_flight: bool,
}

impl Canvas {
    /// A canvas, the frame to draw into, and a receiver that tells each time a frame is out.
    pub fn new() -> (Self, Frame, mpsc::Receiver<io::Result<()>>) {
        let (frames, waiting) = blocking::channel::<Vec<u8>>();
        let (done, out) = mpsc::channel(1);
        thread::spawn(move || {
            for frame in waiting {
                let mut stdout = io::stdout().lock();
                let written = stdout.write_all(&frame).and_then(|()| stdout.flush());
                if done.blocking_send(written).is_err() {
                    break;
                }
            }
        });
        let frame = Frame::default();
        (
            Self {
                frame: frame.clone(),
                frames,
                in_flight: false,
            },
            frame,
            out,
        )
    }

    /// Whether a frame is still on its way; then no other is to be drawn.
    pub fn busy(&self) -> bool {
        self.in_flight
    }

    /// The frame on its way has arrived.
    pub fn arrived(&mut self) {
        self.in_flight = false;
    }

    /// Sends what was drawn since the last call; nothing when nothing changed.
    pub fn send(&mut self) {
        let bytes = std::mem::take(&mut *self.frame.bytes());
        if !bytes.is_empty() {
            self.in_flight = self.frames.send(bytes).is_ok();
        }
    }
}
