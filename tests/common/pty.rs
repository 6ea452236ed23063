//! Drives the real binary in a pseudo-terminal and reads its screen as a person would.

use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long the console may take to show what is waited for, unless said otherwise. Generous: a busy machine is no fault.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A console in a pseudo-terminal.
pub struct Console {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<Vec<u8>>>,
    hung_up: Arc<AtomicBool>,
}

impl Console {
    /// Starts `warroom ARGS` on a terminal of that size, with a home of its own.
    pub fn start(home: &Path, columns: u16, rows: u16, args: &[&str]) -> Self {
        std::fs::create_dir_all(home).expect("a home");
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pair = native_pty_system()
            .openpty(size)
            .expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_warroom"));
        command.args(args);
        command.env_clear();
        for (name, value) in environment(home) {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("warroom starts");
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(vt100::Parser::new(
            cells(rows),
            cells(columns),
            0,
        )));
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair
            .master
            .try_clone_reader()
            .expect("the terminal's output");
        let hung_up = Arc::new(AtomicBool::new(false));
        let to_hung_up = Arc::clone(&hung_up);
        let (to_screen, to_bytes) = (Arc::clone(&screen), Arc::clone(&bytes));
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            // The thread's own end of the terminal goes with it: see `hang_up`.
            while let Ok(read @ 1..) = reader.read(&mut buffer)
                && !to_hung_up.load(Ordering::SeqCst)
            {
                to_screen.lock().unwrap().process(&buffer[..read]);
                to_bytes.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        let writer = pair.master.take_writer().expect("the terminal's input");
        Self {
            master: Some(pair.master),
            writer: Some(writer),
            child,
            screen,
            bytes,
            hung_up,
        }
    }

    /// The screen as text, a line a row.
    pub fn screen(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    /// Every byte the console wrote so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().unwrap().clone()
    }

    /// Sends raw bytes. A terminal that is gone is found by whoever waits for the screen.
    pub fn send(&mut self, bytes: &[u8]) {
        if let Some(writer) = &mut self.writer {
            let _ = writer.write_all(bytes).and_then(|()| writer.flush());
        }
    }

    /// Presses a key by its name: `enter`, `esc`, `tab`, `down`, `ctrl-r`, or one character.
    pub fn press(&mut self, key: &str) {
        self.send(&key_bytes(key));
    }

    /// Types text, a character at a time, as fast as a person who knows it by heart.
    pub fn type_text(&mut self, text: &str) {
        for c in text.chars() {
            self.press(&c.to_string());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Pastes text as terminals do.
    pub fn paste(&mut self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    /// Waits until `text` stands on the screen.
    pub fn wait_for(&self, text: &str) {
        self.wait(&format!("{text:?} on the screen"), PATIENCE, |screen| {
            screen.contains(text)
        });
    }

    /// Waits until `text` stands on the screen no more.
    pub fn wait_gone(&self, text: &str) {
        self.wait(
            &format!("{text:?} gone from the screen"),
            PATIENCE,
            |screen| !screen.contains(text),
        );
    }

    /// Waits until the screen is as `wanted` says; fails with the screen otherwise.
    pub fn wait(&self, what: &str, patience: Duration, mut wanted: impl FnMut(&str) -> bool) {
        let end = Instant::now() + patience;
        loop {
            let screen = self.screen();
            if wanted(&screen) {
                return;
            }
            assert!(
                Instant::now() < end,
                "waited {patience:?} for {what}; the screen:\n{screen}"
            );
            thread::sleep(Duration::from_millis(30));
        }
    }

    /// Lets half a second go by without a key, so that a confirmation is armed.
    pub fn arm(&self) {
        thread::sleep(Duration::from_millis(700));
    }

    /// Changes the terminal's size.
    pub fn resize(&self, columns: u16, rows: u16) {
        let size = PtySize {
            rows,
            cols: columns,
            pixel_width: 0,
            pixel_height: 0,
        };
        let master = self.master.as_ref().expect("a terminal");
        master.resize(size).expect("a new size");
        self.screen
            .lock()
            .unwrap()
            .screen_mut()
            .set_size(cells(rows), cells(columns));
    }

    /// Takes the terminal away, as a lost SSH connection does. The last end goes when the console next writes.
    pub fn hang_up(&mut self) {
        self.hung_up.store(true, Ordering::SeqCst);
        self.writer = None;
        self.master = None;
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.process_id().expect("a process id")
    }

    /// Sends it a signal by name, `KILL`.
    pub fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill")
            .args([&format!("-{name}"), &self.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success(), "kill -{name}");
    }

    /// Waits for its end and gives its exit code.
    pub fn exit_code(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("its status") {
                return status.exit_code();
            }
            assert!(
                Instant::now() < end,
                "it does not end; the screen:\n{}",
                self.screen()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The environment of a console under test: a home of its own, and nothing of this machine's but the path, which the home's
/// own programs come before; and what stands in the home's file `environment`, a `NAME=value` a line.
pub fn environment(home: &Path) -> Vec<(String, String)> {
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = |name: &str| home.join(name).display().to_string();
    let own = std::fs::read_to_string(home.join("environment")).unwrap_or_default();
    let own = own.lines().filter_map(|line| line.split_once('='));
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let all = [
        ("PATH".into(), format!("{}:{path}", folder("bin"))),
        ("HOME".into(), home.display().to_string()),
        ("USER".into(), "ana".into()),
        ("TERM".into(), "xterm-256color".into()),
        ("LANG".into(), "C.UTF-8".into()),
        ("XDG_CONFIG_HOME".into(), folder("config")),
        ("XDG_STATE_HOME".into(), folder("state")),
        ("XDG_RUNTIME_DIR".into(), folder("run")),
    ];
    all.into_iter().chain(own).collect()
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).expect("a terminal has cells")
}

fn key_bytes(key: &str) -> Vec<u8> {
    let named: &[u8] = match key {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "backtab" => b"\x1b[Z",
        "space" => b" ",
        "backspace" => b"\x7f",
        "del" => b"\x1b[3~",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "pgup" => b"\x1b[5~",
        "pgdn" => b"\x1b[6~",
        other => match other.strip_prefix("ctrl-").and_then(|c| c.bytes().next()) {
            Some(letter) => return vec![letter.to_ascii_uppercase() & 0x1f],
            None => return other.as_bytes().to_vec(),
        },
    };
    named.to_vec()
}
