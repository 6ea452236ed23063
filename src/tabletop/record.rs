//! The recording of a session: what the hands at the keyboard did, and when. With the scenario and the seed it is the whole
//! session: played again, it ends in the same report.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::session::Hand;
use crate::incident::facilitation::Order;
use crate::incident::reading::Failure;
use crate::world::ledger::{RealDisk, replace};
use crate::world::places;

/// The recording's name in the incident's folder.
pub(super) const KEYS: &str = "keys.jsonl";

/// Everything that hands did, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// How it began.
    pub head: Head,
    /// What was done.
    pub lines: Vec<Line>,
}

/// How a recorded session began: the first line of its file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The scenario.
    pub scenario: String,
    /// SHA-256 of its text: another text is another session.
    pub digest: String,
    /// What its chances followed from.
    pub seed: u64,
    /// Columns and rows.
    pub size: (u16, u16),
    /// How fast its time ran.
    pub speed: u32,
}

/// One thing that hands did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Milliseconds of the exercise.
    pub at: u64,
    /// Milliseconds of the hands.
    pub hand: u64,
    /// What.
    pub did: Did,
}

/// What hands did, as a recording writes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Did {
    /// A key by its name in keymaps.
    Key(String),
    /// A paste.
    Paste(String),
    /// Another size: columns, rows.
    Size(u16, u16),
    /// The facilitator's order.
    Order(Order),
}

impl From<&Hand> for Did {
    fn from(hand: &Hand) -> Self {
        match hand {
            Hand::Key(key) => Did::Key(key.to_string()),
            Hand::Paste(text) => Did::Paste(text.clone()),
            Hand::Size(columns, rows) => Did::Size(*columns, *rows),
            Hand::Order(order) => Did::Order(order.clone()),
        }
    }
}

impl Did {
    /// What the hands do once more.
    ///
    /// # Errors
    /// A key that is none.
    pub fn hand(&self) -> Result<Hand, String> {
        Ok(match self {
            Did::Key(name) => Hand::Key(name.parse()?),
            Did::Paste(text) => Hand::Paste(text.clone()),
            Did::Size(columns, rows) => Hand::Size(*columns, *rows),
            Did::Order(order) => Hand::Order(order.clone()),
        })
    }
}

impl Recording {
    /// Nothing was done yet.
    pub fn new(head: Head) -> Self {
        Self {
            head,
            lines: Vec::new(),
        }
    }

    /// Hands did something.
    pub(super) fn add(&mut self, at: Duration, hand: Duration, did: &Hand) {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.lines.push(Line {
            at: millis(at),
            hand: millis(hand),
            did: did.into(),
        });
    }

    /// Reads a recording.
    ///
    /// # Errors
    /// The first line that is none, in a sentence.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let mut lines = (1..).zip(text.lines());
        let fault = |number: usize, e: &serde_json::Error| {
            format!(
                "{name}:{number}: is no line of a recording ({e}) — keys.jsonl of a drill is one"
            )
        };
        let (_, head) = lines
            .next()
            .ok_or_else(|| format!("{name}: is empty — keys.jsonl of a drill is a recording"))?;
        let head = serde_json::from_str(head).map_err(|e| fault(1, &e))?;
        let lines =
            lines.map(|(number, line)| serde_json::from_str(line).map_err(|e| fault(number, &e)));
        Ok(Self {
            head,
            lines: lines.collect::<Result<_, _>>()?,
        })
    }

    /// Writes it as a whole.
    ///
    /// # Errors
    /// What the disk says.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        let fail = |what: String| places::local(path, &what, "free the disk");
        let mut text = serde_json::to_string(&self.head).map_err(|e| fail(e.to_string()))?;
        for line in &self.lines {
            text.push('\n');
            text += &serde_json::to_string(line).map_err(|e| fail(e.to_string()))?;
        }
        text.push('\n');
        replace(&RealDisk, path, text.as_bytes()).map_err(|e| fail(format!("write: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::key::{Code, Key};

    #[test]
    fn a_recording_reads_as_it_was_written_and_says_what_is_none() {
        let head = Head {
            scenario: "region-lost".into(),
            digest: "abc".into(),
            seed: 7,
            size: (80, 24),
            speed: 5,
        };
        let mut recording = Recording::new(head);
        let second = Duration::from_secs(1);
        recording.add(second * 5, second, &Hand::Key(Key::plain(Code::Enter)));
        recording.add(second * 6, second, &Hand::Paste("a\nb".into()));
        recording.add(second * 7, second, &Hand::Size(120, 36));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(KEYS);
        recording.write(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(Recording::read("keys", &text), Ok(recording));
        let broken = text.replace("\"enter\"", "7");
        for (text, said) in [("", "is empty"), ("{}", "keys:1"), (&broken, "keys:2")] {
            let why = Recording::read("keys", text).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
    }
}
