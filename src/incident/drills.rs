//! Drills: which kinds there are, what became of each, when the next is due ([`schedule`]), and what is to be done before,
//! during and after one ([`checklist`]). The log of finished exercises is a list of [`Record`]s, oldest first.

pub mod checklist;
pub mod schedule;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fault::nearest;
use super::journal::Mode;
use super::names::{DrillId, IncidentId};
use super::site::Drill;

/// Kinds of drill, as schedules and reports name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `backup-restoration`
    BackupRestoration,
    /// `component-failover`
    ComponentFailover,
    /// `regional-failover`
    RegionalFailover,
    /// `full-dr`
    FullDr,
    /// `tabletop`
    Tabletop,
    /// `secret-rotation`
    SecretRotation,
    /// `cluster-rebuild`
    ClusterRebuild,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 7] = [
        Kind::BackupRestoration,
        Kind::ComponentFailover,
        Kind::RegionalFailover,
        Kind::FullDr,
        Kind::Tabletop,
        Kind::SecretRotation,
        Kind::ClusterRebuild,
    ];

    /// Its word in files: `full-dr`.
    pub fn word(self) -> &'static str {
        match self {
            Kind::BackupRestoration => "backup-restoration",
            Kind::ComponentFailover => "component-failover",
            Kind::RegionalFailover => "regional-failover",
            Kind::FullDr => "full-dr",
            Kind::Tabletop => "tabletop",
            Kind::SecretRotation => "secret-rotation",
            Kind::ClusterRebuild => "cluster-rebuild",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl FromStr for Kind {
    type Err = String;

    /// Reads [`Kind::word`].
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words = Kind::ALL.map(Kind::word);
        let found = Kind::ALL.into_iter().find(|kind| kind.word() == text);
        found.ok_or_else(|| match nearest(text, words) {
            Some(near) => format!("{text:?} is no kind of drill — did you mean {near}?"),
            None => format!(
                "{text:?} is no kind of drill — write one of {}",
                words.join(", ")
            ),
        })
    }
}

/// What an exercise comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Everything asked for was reached.
    Pass,
    /// Reached, with something left over.
    Partial,
    /// Not reached, or at the cost of harm.
    Fail,
}

impl Grade {
    /// `PASS`, `PARTIAL`, `FAIL`: as the log and the report write it.
    pub fn word(self) -> &'static str {
        match self {
            Grade::Pass => "PASS",
            Grade::Partial => "PARTIAL",
            Grade::Fail => "FAIL",
        }
    }

    /// The same in a sentence: `passed`.
    pub fn said(self) -> &'static str {
        match self {
            Grade::Pass => "passed",
            Grade::Partial => "passed in part",
            Grade::Fail => "failed",
        }
    }
}

/// A line of the log of drills.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record {
    /// An exercise was finished.
    Exercise(DrillRecord),
    /// An item of a drill's checklist was ticked.
    Tick(Tick),
}

/// A finished exercise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DrillRecord {
    /// When it ended.
    pub at: DateTime<Utc>,
    /// The incident it was recorded as: `DRL-2026-0003`.
    pub id: IncidentId,
    /// The drill of the schedule it was held for, where one was named.
    #[serde(default)]
    pub drill: Option<DrillId>,
    /// The scenario's id; of a walked runbook `walk:` and its id.
    pub scenario: String,
    /// Its title.
    pub title: String,
    /// Which kind of drill it was.
    pub kind: Kind,
    /// A drill on real targets, or a tabletop.
    pub mode: Mode,
    /// What it came to.
    pub grade: Grade,
    /// Recovery time asked for.
    #[serde(default, with = "seconds")]
    pub rto_target: Option<Duration>,
    /// Recovery time measured.
    #[serde(default, with = "seconds")]
    pub rto_actual: Option<Duration>,
    /// Recovery point asked for.
    #[serde(default, with = "seconds")]
    pub rpo_target: Option<Duration>,
    /// Writes lost, in time.
    #[serde(default, with = "seconds")]
    pub rpo_actual: Option<Duration>,
    /// Who led it.
    pub tester: String,
    /// What is worth a line: the reasons of the grade, issues.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What the world's chances followed from; none on real targets.
    #[serde(default)]
    pub seed: Option<u64>,
}

/// A ticked item of a drill's checklist.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tick {
    /// When.
    pub at: DateTime<Utc>,
    /// The drill of the schedule.
    pub drill: DrillId,
    /// The item's id: `before-3`.
    pub item: String,
    /// Who.
    pub by: String,
    /// The evidence, where some was given.
    #[serde(default)]
    pub note: Option<String>,
}

impl DrillRecord {
    /// It was held on real targets.
    pub fn live(&self) -> bool {
        self.mode == Mode::Drill
    }

    /// Whether it counts for a drill of the schedule: it was held for it, or it is the same scenario or runbook and as
    /// live as the schedule asks.
    pub fn satisfies(&self, drill: &Drill) -> bool {
        self.drill.as_ref() == Some(&drill.id)
            || (same_exercise(&drill.what, &self.scenario) && drill.live == self.live())
    }
}

/// `runbook:ID` of a schedule is `walk:ID` of a scenario.
fn same_exercise(what: &str, scenario: &str) -> bool {
    let runbook = |text| str::strip_prefix(text, "runbook:");
    let walked = str::strip_prefix(scenario, "walk:").or_else(|| runbook(scenario));
    match runbook(what) {
        Some(id) => walked == Some(id),
        None => what == scenario,
    }
}

/// The drill of the schedule that an exercise is held for, before it is recorded: the first whose `what` it is.
pub fn held_for<'a>(drills: &'a [Drill], scenario: &str, mode: Mode) -> Option<&'a Drill> {
    let live = mode == Mode::Drill;
    let mut fitting = drills
        .iter()
        .filter(|drill| drill.live == live && same_exercise(&drill.what, scenario));
    fitting.next()
}

/// The exercises of a log.
pub fn exercises(log: &[Record]) -> impl DoubleEndedIterator<Item = &DrillRecord> {
    log.iter().filter_map(|record| match record {
        Record::Exercise(exercise) => Some(exercise),
        Record::Tick(_) => None,
    })
}

/// The ticks of a log.
pub fn ticks(log: &[Record]) -> impl DoubleEndedIterator<Item = &Tick> {
    log.iter().filter_map(|record| match record {
        Record::Tick(tick) => Some(tick),
        Record::Exercise(_) => None,
    })
}

/// Durations as seconds, which people and other programs read without a manual.
mod seconds {
    use super::{Deserialize, Duration};
    use serde::{Deserializer, Serializer};

    pub fn serialize<S: Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
        match span {
            Some(span) => to.serialize_some(&span.as_secs_f64()),
            None => to.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
        let seconds = Option::<f64>::deserialize(from)?;
        let span = seconds.map(Duration::try_from_secs_f64).transpose();
        span.map_err(serde::de::Error::custom)
    }
}
