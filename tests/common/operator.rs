//! What an operator does at the console, as a test says it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::pty::Console;

/// How long the console or a file may take to say what is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A question that has not come up by then never will: its key was pressed while the step before was still running.
const UNHEARD: Duration = Duration::from_secs(5);

/// An operator's home: a site without targets, runbooks, and a folder where their steps leave traces.
pub struct Home {
    folder: TempDir,
    site: PathBuf,
    state: PathBuf,
}

impl Home {
    /// A home on a site of its own. Steps of its runbooks know it as `$HOME`.
    pub fn new(runbooks: &[(&str, &str)]) -> Self {
        let home = Self::empty();
        fs::write(&home.site, "name = \"quiet\"\nladder = []\n").unwrap();
        home.with(runbooks)
    }

    /// A home on a site file that is there, and keeps its state in the folder `state`.
    pub fn on(site: &Path, state: &Path, runbooks: &[(&str, &str)]) -> Self {
        let mut home = Self::empty();
        home.site = site.to_owned();
        home.state = state.to_owned();
        home.with(runbooks)
    }

    fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("warroom-walk-")
            .tempdir_in("/tmp")
            .unwrap();
        let site = folder.path().join("site.toml");
        fs::create_dir(folder.path().join("run")).unwrap();
        let state = folder.path().join("state/warroom");
        Self {
            folder,
            site,
            state,
        }
    }

    fn with(self, runbooks: &[(&str, &str)]) -> Self {
        let folder = self.path("config/warroom/runbooks");
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in runbooks {
            fs::write(folder.join(name), text).unwrap();
        }
        self
    }

    /// A file of the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A console of 120 × 36 that watches the site.
    pub fn watch(&self) -> Console {
        let site = self.site.display().to_string();
        let console = Console::start(&self.path(""), 120, 36, &["--site", &site]);
        console.wait_for("Regions");
        console
    }

    /// A console that takes up the incident that is open.
    pub fn open(&self, more: &[&str]) -> Console {
        let site = self.site.display().to_string();
        let mut args = vec!["open", "--site", &site];
        args.extend(more);
        let console = Console::start(&self.path(""), 120, 36, &args);
        console.wait_for("INC-");
        console
    }

    /// The lines that steps left in `ran`.
    pub fn ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.path("ran")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// The folder of the only incident.
    pub fn incident(&self) -> PathBuf {
        let incidents = fs::read_dir(self.state.join("incidents"));
        let mut found: Vec<PathBuf> = incidents
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .collect();
        assert_eq!(found.len(), 1, "one incident was declared: {found:?}");
        found.remove(0)
    }

    /// The journal's entries.
    pub fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.incident().join("journal.jsonl")).unwrap();
        // A line that is being written is not there yet.
        text.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The journal's facts of one kind (`intent`, `note`, `report`).
    pub fn facts(&self, kind: &str) -> Vec<Value> {
        let entries = self.journal().into_iter();
        entries
            .filter_map(|entry| entry["fact"].get(kind).cloned())
            .collect()
    }

    /// Waits until a file of the home holds `text`.
    pub fn wait_for(&self, name: &str, text: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = fs::read_to_string(self.path(name)).unwrap_or_default();
            if found.contains(text) {
                return;
            }
            assert!(
                Instant::now() < end,
                "{name} does not come to hold {text:?}; it holds {found:?}"
            );
            thread::sleep(Duration::from_millis(30));
        }
    }
}

/// Declares an incident, or a drill, with a title, everything else as proposed.
pub fn declare(console: &mut Console, title: &str) {
    console.press("d");
    console.wait_for("Declare an incident");
    console.type_text(title);
    for _ in 0..3 {
        console.press("enter");
    }
    insist(console, "", |screen| {
        screen.contains("INC-") || screen.contains("DRL-")
    });
}

/// Opens a runbook by its title. `values`: what is typed for each of its variables; nothing takes what is proposed.
pub fn choose(console: &mut Console, title: &str, values: &[&str]) {
    console.press("r");
    console.wait_for("Choose a runbook");
    console.type_text(title);
    insist(console, "", |screen| !screen.contains("Choose a runbook"));
    fill(console, values);
    console.wait_gone("No runbook is open");
}

/// Fills the variables of a runbook that is being opened, and begins it.
pub fn fill(console: &mut Console, values: &[&str]) {
    for value in values {
        console.arm();
        console.type_text(value);
        console.arm();
        console.press("enter");
    }
    insist(console, "", |screen| !dialog(screen));
}

/// Asks for the next thing and waits until its dialog holds `words`. Where what came before has not
/// ended yet, or is not on disk, it is asked again.
pub fn ask(console: &mut Console, words: &str) {
    for _ in 0..20 {
        console.press("enter");
        let end = Instant::now() + UNHEARD;
        while Instant::now() < end {
            let screen = console.screen();
            if dialog(&screen) && screen.contains(words) {
                return;
            }
            if screen.contains("\n ✖ ") {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_millis(300));
    }
    panic!("there is no dialog with {words:?}:\n{}", console.screen());
}

/// Answers the dialog that is open, with what it asks to be typed, until it is gone.
pub fn answer(console: &mut Console, typed: &str) {
    insist(console, typed, |screen| !dialog(screen));
}

/// Asks for the next act and confirms it.
pub fn run(console: &mut Console, words: &str, phrase: &str) {
    ask(console, words);
    answer(console, phrase);
}

/// Closes every dialog.
pub fn back(console: &mut Console) {
    for _ in 0..20 {
        // An esc with another key on its heels would be one key, alt and that.
        thread::sleep(Duration::from_millis(200));
        if !dialog(&console.screen()) {
            return;
        }
        console.press("esc");
    }
    panic!("dialogs stay open:\n{}", console.screen());
}

/// Whether a dialog is open: its foot names esc, and nothing else does.
pub fn dialog(screen: &str) -> bool {
    screen.contains(" esc ")
}

/// Types and presses enter as a person does: after half a second without a key, and again when the console says that it
/// was not understood as meant, which a busy machine can bring about.
pub fn insist(console: &mut Console, typed: &str, done: impl Fn(&str) -> bool) {
    for _ in 0..8 {
        console.arm();
        console.type_text(typed);
        thread::sleep(Duration::from_millis(150));
        console.press("enter");
        let refused = |screen: &str| {
            [
                "half a second",
                "faster than typing",
                "still being",
                "✖ type ",
            ]
            .iter()
            .any(|words| screen.contains(words))
        };
        console.wait("an answer", PATIENCE, |screen| {
            done(screen) || refused(screen)
        });
        if done(&console.screen()) {
            return;
        }
        if !typed.is_empty() {
            console.arm();
            console.press("ctrl-u");
        }
    }
    panic!("it is not taken as meant:\n{}", console.screen());
}
