//! Nothing runs unconfirmed. At every point of a walk each key of the keymap, a paste, and a held enter come to the
//! console; the file into which every step writes its name holds exactly what was confirmed, each once.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod common;

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use common::operator::{self, Home, answer, ask, back, choose, declare, dialog, insist};
use common::pty::Console;

/// How long enter is held, and how often a keyboard repeats it.
const HELD: Duration = Duration::from_secs(10);
const REPEAT: Duration = Duration::from_millis(33);

/// Where the road is disturbed, in its order.
const POINTS: [&str; 16] = [
    "watching",
    "declaring",
    "declared",
    "the list",
    "inputs",
    "a step that waits",
    "an ask for enter",
    "an ask for a word",
    "a rollback's ask",
    "a tick",
    "a decision",
    "its reason",
    "an ask for a phrase",
    "a step that runs",
    "the walk's end",
    "resolving",
];

/// Points where a line of text is asked for: typed text and an enter are its answer, and run nothing.
const TYPED: [&str; 3] = ["a tick", "its reason", "resolving"];

/// Consoles that walk at the same time; each is disturbed at its share of the points.
const CONSOLES: usize = 16;

const RUNBOOK: &str = include_str!("runbooks/unconfirmed.md");

/// What was confirmed, in its order.
const CONFIRMED: [&str; 7] = [
    "look",
    "change",
    "undone",
    "untyped",
    "left",
    "slow",
    "slow-ended",
];

#[test]
fn only_what_is_confirmed_runs_and_each_once() {
    thread::scope(|scope| {
        for share in 0..CONSOLES {
            scope.spawn(move || Walk::new(share).go());
        }
    });
}

/// What is typed into the quick commands, and may change something.
const TYPED_STEP: &str = "echo added >> $HOME/ran";

#[test]
fn what_is_typed_into_the_quick_commands_runs_only_once_it_is_confirmed() {
    let home = Home::new(&[]);
    let mut console = home.watch();
    declare(&mut console, "A drill of fingers");
    let reopen = |console: &mut Console| {
        back(console);
        console.press("!");
        console.wait_for("Quick commands");
        console.type_text("sh");
        console.press("tab");
        console.type_text(TYPED_STEP);
    };
    reopen(&mut console);
    for key in keys() {
        console.press(&key);
        thread::sleep(Duration::from_millis(40));
    }
    for text in ["run\r", "\r\r\r\r", "sh\rrm -f $HOME/ran\r"] {
        reopen(&mut console);
        console.paste(text);
        console.send(text.as_bytes());
    }
    reopen(&mut console);
    insist(&mut console, "", |screen| screen.contains("Type run"));
    let end = Instant::now() + HELD;
    while Instant::now() < end {
        console.press("enter");
        thread::sleep(REPEAT);
    }
    thread::sleep(Duration::from_millis(500));
    assert_eq!((home.ran().len(), home.facts("intent").len()), (0, 0));
    // Confirmed it runs, once.
    back(&mut console);
    ask(&mut console, "Type run");
    answer(&mut console, "run");
    home.wait_for("ran", "added");
    console.wait_for(": done");
    assert_eq!(
        (home.ran(), home.facts("intent").len()),
        (vec!["added".to_owned()], 1)
    );
}

/// One console on its road.
struct Walk {
    home: Home,
    console: Console,
    share: usize,
    keys: Vec<String>,
    done: usize,
}

impl Walk {
    fn new(share: usize) -> Self {
        let home = Home::new(&[("unconfirmed.md", RUNBOOK)]);
        let console = home.watch();
        Self {
            home,
            console,
            share,
            keys: keys(),
            done: 0,
        }
    }

    fn go(mut self) {
        self.point("watching", |_| {});
        self.point("declaring", |console| {
            console.press("d");
            console.wait_for("Declare an incident");
        });
        declare(&mut self.console, "A drill of fingers");
        self.point("declared", |_| {});
        self.point("the list", |console| {
            console.press("r");
            console.wait_for("Choose a runbook");
            console.type_text("Unconfirmed");
        });
        self.point("inputs", |console| {
            console.press("r");
            console.wait_for("Choose a runbook");
            console.type_text("Unconfirmed");
            insist(console, "", |screen| !screen.contains("Choose a runbook"));
        });
        choose(&mut self.console, "Unconfirmed", &[""]);
        self.console.wait_for("1 Look");
        self.steps();
        self.point("the walk's end", |_| {});
        self.point("resolving", |console| {
            console.arm();
            console.press("R");
            thread::sleep(Duration::from_millis(300));
        });
        self.finish();
    }

    fn steps(&mut self) {
        self.point("a step that waits", |_| {});
        self.point("an ask for enter", |console| ask(console, "Look in"));
        self.confirm("Look in", "", 1);
        self.confirm("Change in", "", 2);
        self.point("a rollback's ask", undo);
        undo(&mut self.console);
        answer(&mut self.console, "run");
        self.ended(3);
        // The cursor stays where the operator put it.
        self.console.press("down");
        self.point("an ask for a word", |console| ask(console, "Untyped in"));
        self.confirm("Untyped in", "run", 4);
        self.point("a tick", |console| ask(console, "The door is shut"));
        ask(&mut self.console, "The door is shut");
        answer(&mut self.console, "seen");
        self.point("a decision", |console| ask(console, "decide"));
        self.point("its reason", |console| {
            ask(console, "decide");
            insist(console, "", |screen| screen.contains("Why: Left?"));
        });
        ask(&mut self.console, "decide");
        insist(&mut self.console, "", |screen| {
            screen.contains("Why: Left?")
        });
        answer(&mut self.console, "the left one is nearer");
        self.point("an ask for a phrase", |console| ask(console, "Left in"));
        self.confirm("Left in", "GO/left", 5);
        operator::run(&mut self.console, "Slow in", "");
        self.home.wait_for("ran", "slow");
        self.done = 6;
        self.point("a step that runs", |_| {});
        fs::write(self.home.path("go"), "").unwrap();
        self.ended(7);
    }

    /// Confirms the next step, and waits until it has left its name.
    fn confirm(&mut self, words: &str, phrase: &str, done: usize) {
        operator::run(&mut self.console, words, phrase);
        self.ended(done);
    }

    fn ended(&mut self, done: usize) {
        self.done = done;
        self.home.wait_for("ran", CONFIRMED[done - 1]);
        // "slow" and "slow-ended" come from one step.
        let ends = done.min(6);
        let ended = |fact: &serde_json::Value| fact.get("ended").is_some();
        let end = Instant::now() + HELD * 3;
        while self
            .home
            .facts("report")
            .iter()
            .filter(|f| ended(f))
            .count()
            < ends
        {
            assert!(Instant::now() < end, "{} has no end", CONFIRMED[done - 1]);
            thread::sleep(Duration::from_millis(50));
        }
        self.console.wait("the next step", HELD * 3, |screen| {
            screen.contains("│ ▶ ") || (done == 7 && screen.contains("Slow: done"))
        });
    }

    /// Disturbs the console at this point, when that is this console's share. `open` opens the dialog of the point.
    fn point(&mut self, name: &str, open: impl Fn(&mut Console)) {
        let number = POINTS.iter().position(|point| *point == name).unwrap();
        if number % CONSOLES != self.share {
            return;
        }
        let reopen = |console: &mut Console| {
            back(console);
            to_next(console);
            open(console);
        };
        reopen(&mut self.console);
        self.every_key(name);
        for text in ["run\r", "GO/left\r", "\r\r\r\r", "reason enough\r"] {
            reopen(&mut self.console);
            self.console.paste(text);
            if !TYPED.contains(&name) {
                // Without bracketed paste the same text comes as keys.
                self.console.send(text.as_bytes());
            }
        }
        reopen(&mut self.console);
        let end = Instant::now() + HELD;
        self.console.press("left");
        while Instant::now() < end {
            self.console.press("enter");
            thread::sleep(REPEAT);
        }
        back(&mut self.console);
        to_next(&mut self.console);
        self.nothing_more(name);
    }

    /// Presses each key of the keymap; on the main screen what it opens is closed again.
    fn every_key(&mut self, name: &str) {
        let on_main = !dialog(&self.console.screen());
        for key in self.keys.clone() {
            match (key.as_str(), dialog(&self.console.screen())) {
                ("enter", true) if TYPED.contains(&name) => continue,
                // It leaves a console that watches only, as it should.
                ("q", _) if name == "watching" => continue,
                ("ctrl-z", false) => self.suspended(),
                (key, _) => self.console.press(key),
            }
            thread::sleep(Duration::from_millis(40));
            if on_main {
                back(&mut self.console);
            }
        }
        // Nothing stays zoomed.
        self.console.press("esc");
        back(&mut self.console);
    }

    /// Stops the console as ctrl-z does, and lets it go on.
    fn suspended(&mut self) {
        self.console.press("ctrl-z");
        let stat = format!("/proc/{}/stat", self.console.pid());
        let end = Instant::now() + Duration::from_secs(20);
        while !fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < end, "ctrl-z does not stop it");
            thread::sleep(Duration::from_millis(20));
        }
        self.console.signal("CONT");
    }

    /// What was confirmed has run, once, and nothing else was even begun.
    fn nothing_more(&self, point: &str) {
        thread::sleep(Duration::from_millis(500));
        assert_eq!(self.home.ran(), CONFIRMED[..self.done], "at {point}");
    }

    fn finish(mut self) {
        assert_eq!(self.home.ran(), CONFIRMED);
        let intents = self.home.facts("intent");
        assert_eq!(intents.len(), 6, "{intents:#?}");
        back(&mut self.console);
        self.console.press("q");
        self.console.wait_for("Leave the console?");
        insist(&mut self.console, "", |screen| {
            !screen.contains("Leave the console?")
        });
        assert_eq!(self.console.exit_code(), 0);
    }
}

/// Opens the question whether to undo the step before the one that is next.
fn undo(console: &mut Console) {
    console.press("g");
    console.press("down");
    console.arm();
    console.press("u");
    console.wait_for("Change in");
}

/// Puts the cursor on the step that is next, wherever keys have taken it.
fn to_next(console: &mut Console) {
    let screen = console.screen();
    let number = screen.split_once("│ ▶ ").map(|(_, rest)| rest);
    let Some(number) = number.and_then(|rest| rest.split(' ').next()?.parse().ok()) else {
        return;
    };
    console.press("5");
    console.press("g");
    for _ in 1..number {
        console.press("down");
    }
}

/// Every key of the default keymap.
fn keys() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("keymaps/default.toml");
    let text = fs::read_to_string(path).unwrap();
    let keys: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("on = \"")?.strip_suffix('"'))
        .map(str::to_owned)
        .collect();
    assert!(keys.len() > 40, "{keys:?}");
    keys
}
