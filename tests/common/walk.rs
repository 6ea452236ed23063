//! What an operator does at the console, as a test says it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::lab::Lab;
use super::pty::{Console, PATIENCE};

/// Large enough that no pane cuts its words off.
const SIZE: (u16, u16) = (200, 60);

/// Stands in the hints only when no dialog is open.
const NO_DIALOG: &str = "q quit";

/// An operator at a console on a lab.
pub struct Operator {
    /// Their terminal.
    pub console: Console,
    state: PathBuf,
    /// What their incident's id begins with.
    prefix: &'static str,
}

impl Operator {
    /// Starts the console on a lab's site.
    pub fn at(lab: &Lab) -> Self {
        Self::on(lab, &lab.path("site.toml").display().to_string())
    }

    /// Starts the console on another site file.
    pub fn on(lab: &Lab, site: &str) -> Self {
        let (columns, rows) = SIZE;
        Operator {
            console: Console::start(&lab.path("home"), columns, rows, &["--site", site]),
            state: lab.path("state"),
            prefix: "INC-",
        }
    }

    /// Starts a drill on the lab, or comes back to one.
    pub fn drill(lab: &Lab, args: &[&str]) -> Self {
        let (columns, rows) = SIZE;
        Operator {
            console: Console::start(&lab.path("home"), columns, rows, args),
            state: lab.path("state"),
            prefix: "DRL-",
        }
    }

    /// Starts a tabletop in a home of its own.
    pub fn tabletop(home: &Path, args: &[&str]) -> Self {
        let (columns, rows) = SIZE;
        let args: Vec<&str> = ["drill"].into_iter().chain(args.iter().copied()).collect();
        Operator {
            console: Console::start(home, columns, rows, &args),
            state: home.join("state/warroom/tabletops"),
            prefix: "TTX-",
        }
    }

    /// Waits until `text` stands on the screen.
    pub fn sees(&self, text: &str) {
        self.console.wait_for(text);
    }

    /// Waits for a line that holds all of `words`.
    pub fn sees_line(&self, words: &[&str]) {
        self.console
            .wait(&format!("a line with {words:?}"), PATIENCE, |screen| {
                screen
                    .lines()
                    .any(|line| words.iter().all(|word| line.contains(word)))
            });
    }

    /// Declares an incident with a title, everything else as proposed.
    pub fn declare(&mut self, title: &str) {
        self.fills_in_a_declaration(title);
        self.sees(self.prefix);
        self.sees(NO_DIALOG);
    }

    /// The same, whatever comes of it.
    pub fn fills_in_a_declaration(&mut self, title: &str) {
        self.press("d", "Declare an incident");
        self.console.type_text(title);
        self.sees(title);
        for _ in 0..3 {
            self.console.press("tab");
        }
        self.console.press("enter");
    }

    /// Opens a runbook by its name; of its variables, one is typed where `typed` says so, the others are as proposed.
    pub fn open(&mut self, runbook: &str, variables: usize, typed: Option<(usize, &str)>) {
        self.press("r", "Choose a runbook");
        self.console.type_text(runbook);
        self.sees("1 of ");
        self.console.press("enter");
        self.console.wait_gone("Choose a runbook");
        for field in 0..variables {
            if let Some((_, value)) = typed.filter(|(at, _)| *at == field) {
                self.console.type_text(value);
            }
            let last = field + 1 == variables;
            self.console.press(if last { "enter" } else { "tab" });
        }
        self.sees("What it needs");
        self.console.wait_gone("being looked for");
        self.console.arm();
        self.console.press("enter");
        self.sees(NO_DIALOG);
    }

    /// Waits until a step is the selected one.
    pub fn comes_to(&self, step: &str) {
        self.sees_line(&["▶", step]);
    }

    /// Presses a key on the main screen, and waits for what it opens.
    fn press(&mut self, key: &str, opens: &str) {
        self.sees(NO_DIALOG);
        self.console.press(key);
        self.sees(opens);
    }

    /// Fills in the line that is asked for, and waits until the journal has it.
    fn write(&mut self, text: &str, note: &str) {
        let before = self.noted(note);
        self.console.type_text(text);
        self.console.press("enter");
        self.until(&format!("one more {note} in the journal"), || {
            self.noted(note) > before
        });
        self.sees(NO_DIALOG);
    }

    /// Looks at the checks of a step that is only ticked, and says that they are as they should be.
    pub fn look(&mut self) {
        let before = self.noted("\"ticked\":");
        self.press("enter", "enter takes it");
        self.console.wait_gone("being evaluated");
        self.console.arm();
        self.console.press("enter");
        wait_until("the look in the journal", || {
            self.noted("\"ticked\":") > before
        });
        self.sees(NO_DIALOG);
    }

    /// Ticks the next item with a note, or acknowledges the step.
    pub fn tick(&mut self, note: &str) {
        self.press("enter", "enter writes it");
        self.write(note, "\"ticked\":");
    }

    /// Goes to the step of that number, out of order.
    pub fn go_to(&mut self, number: usize, reason: &str) {
        self.press("t", "Go to which step");
        self.console.press("pgup");
        self.console.press("pgup");
        for _ in 1..number {
            self.console.press("down");
        }
        self.sees_line(&["▶", &format!("step {number}")]);
        self.console.arm();
        self.console.press("enter");
        self.sees("Why go to");
        self.write(reason, "\"went_to\":");
    }

    /// Skips the selected step.
    pub fn skip(&mut self, reason: &str) {
        self.press("s", "skipped?");
        self.write(reason, "\"skipped\":");
    }

    /// Opens the question of the next action, and waits until it is answerable: `until` stands in it.
    pub fn asks(&mut self, until: &str) {
        self.press("enter", "not now");
        self.sees(until);
        self.console.wait_gone("the checks are being evaluated");
        self.console.arm();
    }

    /// Types into an open question, and presses enter when it stands there.
    pub fn answers(&mut self, typed: &str) {
        if !typed.is_empty() {
            self.console.type_text(typed);
            self.sees_line(&["Type ", typed, typed]);
        }
        // An enter right behind a key is a paste to the console.
        self.console.arm();
        self.console.press("enter");
    }

    /// Answers the open question with its phrase, and waits until the attempt has ended so.
    pub fn confirms(&mut self, phrase: &str, outcome: &str) {
        let ended = format!("\"outcome\":\"{outcome}\"");
        let before = self.noted(&ended);
        self.answers(phrase);
        self.until(&format!("an attempt that ended as {outcome}"), || {
            self.noted(&ended) > before
        });
        self.sees(NO_DIALOG);
    }

    /// Closes what is open; nothing happened.
    pub fn not_now(&mut self) {
        self.console.press("esc");
        self.sees(NO_DIALOG);
    }

    /// Closes the walk that is at its end.
    pub fn ends_the_walk(&mut self) {
        self.sees(NO_DIALOG);
        self.console.arm();
        let before = self.noted("\"walk_ended\":");
        self.console.press("enter");
        self.until("the walk's end in the journal", || {
            self.noted("\"walk_ended\":") > before
        });
    }

    /// Regional failover: from its beginning to the fence.
    pub fn decides(&mut self) {
        self.comes_to("Confirm that the primary region is lost");
        self.tick("the provider confirms it");
        self.tick("so it is");
        self.tick("so it is");
        self.comes_to("Verify the standby");
        self.look();
        self.tick("so it is");
        self.comes_to("Fence the old primary");
    }

    /// Regional failover: from the promotion to its end.
    pub fn moves_the_traffic(&mut self) {
        self.comes_to("Write a checkpoint");
        self.asks("enter runs it");
        self.confirms("", "done");
        self.comes_to("Scale the standby region");
        for _ in 0..3 {
            self.tick("so it is");
        }
        self.comes_to("Wait for the region's own health");
        self.asks("enter runs it");
        self.confirms("", "done");
        self.comes_to("Shift the traffic");
        for _ in 0..3 {
            self.tick("ticket 4711");
        }
        self.comes_to("Verify the service from outside");
        self.tick("so it is");
        self.tick("so it is");
        self.comes_to("Notify");
        for _ in 0..3 {
            self.tick("so it is");
        }
        self.comes_to("Plan the way back");
        self.tick("so it is");
        self.ends_the_walk();
    }

    /// Says that users are served again.
    pub fn mitigates(&mut self, how: &str) {
        self.press("m", "Users are served again");
        self.write(how, "\"mitigated\":");
    }

    /// Resolves the incident, writes its post-mortem and gives it.
    pub fn resolves(&mut self, summary: &str) -> String {
        self.press("R", "In a sentence");
        self.write(summary, "\"resolved\":");
        self.press("p", &format!("Post-mortem of {}", self.prefix));
        self.console.arm();
        self.console.press("enter");
        self.sees("the post-mortem stands at");
        fs::read_to_string(self.incident().join("postmortem.md")).unwrap()
    }

    /// Waits until something is so, and shows the screen when it never is.
    fn until(&self, what: &str, mut so: impl FnMut() -> bool) {
        self.console.wait(what, PATIENCE, |_| so());
    }

    /// The folder of the only incident.
    pub fn incident(&self) -> PathBuf {
        let found = fs::read_dir(self.state.join("incidents")).unwrap();
        let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
        assert_eq!(found.len(), 1, "one incident was declared: {found:?}");
        found.remove(0)
    }

    /// The journal's text.
    pub fn journal(&self) -> String {
        fs::read_to_string(self.incident().join("journal.jsonl")).unwrap_or_default()
    }

    fn noted(&self, what: &str) -> usize {
        self.journal().matches(what).count()
    }
}

/// Waits until something is so.
pub fn wait_until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}");
        thread::sleep(Duration::from_millis(50));
    }
}
