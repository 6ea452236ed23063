//! Checks: what a probe of something that is only looked at brings back, and what can be asked of its figure.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::clean::Clean;
use super::super::names::TargetId;
use super::super::strict::{Reader, Table, Value};
use super::read;

/// A check as one probe made it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckSight {
    /// How it stands.
    pub state: CheckState,
    /// Why, in a few words: `expires in 23 d`, `2 of 3 members`.
    pub words: Clean,
    /// Its figure, where it has one: a query's value, days left, alerts.
    pub value: Option<f64>,
}

/// How a check stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// As it should be.
    Fine,
    /// Not wrong yet.
    Watch,
    /// Wrong.
    Breach,
}

impl CheckSight {
    /// A check without a figure.
    pub fn new(state: CheckState, words: impl AsRef<str>) -> Self {
        Self {
            state,
            words: Clean::new(words.as_ref()),
            value: None,
        }
    }

    /// The same, with its figure.
    pub fn with_value(self, value: f64) -> Self {
        Self {
            value: Some(value),
            ..self
        }
    }
}

/// `value = { of = "error-rate", under = 0.01 }`, or `over`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueCondition {
    /// The check.
    pub of: TargetId,
    /// Its figure must be under this; a variable may stand for it.
    pub under: Option<String>,
    /// Its figure must be over this.
    pub over: Option<String>,
}

impl ValueCondition {
    /// Reads the table behind `value =`; faults go to the reader.
    pub fn read(reader: &mut Reader<'_>, table: &mut Table) -> Option<Self> {
        let of = read::target(reader, table, "of", "error-rate");
        let (under, over) = (
            figure(reader, table, "under"),
            figure(reader, table, "over"),
        );
        if under.is_none() && over.is_none() {
            table.missing(reader, "under", "under = 0.01, or over");
        }
        Some(Self {
            of: of?,
            under,
            over,
        })
    }
}

fn figure(reader: &mut Reader<'_>, table: &mut Table, key: &str) -> Option<String> {
    let item = table.take(key)?;
    match item.value {
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Text(text) if text.starts_with('$') || text.parse::<f64>().is_ok() => Some(text),
        _ => {
            let what = format!("{key} is no number");
            reader.fault(&item.at, what, format!("write {key} = 0.01"));
            None
        }
    }
}

impl fmt::Display for ValueCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value of {}", self.of)?;
        self.under
            .iter()
            .try_for_each(|under| write!(f, " < {under}"))?;
        self.over.iter().try_for_each(|over| write!(f, " > {over}"))
    }
}
