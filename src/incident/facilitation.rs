//! What a tabletop and its facilitator tell each other: how things really are ([`Truth`], about once a second), and what
//! is to happen ([`Order`], a line each). They sit at two terminals; the participants see neither.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::clean::Clean;
use super::drills::Grade;

/// An exercise as it really stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Time since it began, in the exercise.
    pub at: Duration,
    /// The exercise's wall clock.
    pub wall: DateTime<Utc>,
    /// Times the real time; while it is paused, the speed at which it goes on.
    pub speed: u32,
    /// Its time stands.
    pub paused: bool,
    /// The scenario's title.
    pub title: String,
    /// The incident that was declared: `TTX-2026-0001`.
    pub incident: Option<String>,
    /// What it would come to if it ended now.
    pub grade_so_far: Grade,
    /// How things really are, a line each.
    pub lines: Vec<String>,
    /// Harm done so far, a line each.
    pub harms: Vec<String>,
    /// What the facilitator may let happen, in the scenario's order.
    pub injects: Vec<InjectState>,
    /// The newest lines of the participants' timeline, the oldest first.
    pub timeline: Vec<String>,
    /// The step the participants are at, by its title.
    pub next: Option<String>,
}

/// Something the facilitator may let happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InjectState {
    /// Its id.
    pub id: String,
    /// In a few words, for the facilitator.
    pub title: String,
    /// Who speaks.
    pub from: String,
    /// What the participants read; empty: nothing is said.
    pub says: String,
    /// When it happened, since the beginning.
    pub fired_at: Option<Duration>,
    /// When it happens by itself; none: only by hand.
    pub due_at: Option<Duration>,
}

/// What the facilitator wants to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case")]
pub enum Order {
    /// An inject happens now.
    Fire {
        /// Its id.
        id: String,
    },
    /// The exercise's time runs so much faster than the real one; 0 pauses it.
    Speed {
        /// Times the real time.
        times: u32,
    },
    /// Something was observed: for the report, not for the participants.
    Observe {
        /// In words.
        text: Clean,
    },
    /// The participants hear something the scenario has not got.
    Say {
        /// Who speaks.
        from: String,
        /// What they hear.
        says: Clean,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_lines_that_read_back() {
        let table = [
            (
                Order::Fire {
                    id: "customer".into(),
                },
                r#"{"order":"fire","id":"customer"}"#,
            ),
            (Order::Speed { times: 0 }, r#"{"order":"speed","times":0}"#),
            (
                Order::Observe {
                    text: Clean::new("they\nask"),
                },
                r#"{"order":"observe","text":"they\nask"}"#,
            ),
            (
                Order::Say {
                    from: "CEO".into(),
                    says: Clean::new("How long?"),
                },
                r#"{"order":"say","from":"CEO","says":"How long?"}"#,
            ),
        ];
        for (order, line) in table {
            assert_eq!(serde_json::to_string(&order).unwrap(), line);
            assert_eq!(serde_json::from_str::<Order>(line).unwrap(), order);
        }
    }

    #[test]
    fn what_an_order_says_is_cleaned_when_it_is_read() {
        let line = r#"{"order":"observe","text":"a\u001b[2Jb"}"#;
        let Order::Observe { text } = serde_json::from_str(line).unwrap() else {
            panic!("an observation was written");
        };
        assert_eq!(text.as_str(), "a<U+001B>[2Jb");
    }
}
