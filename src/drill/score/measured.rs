//! Recovery time and point, the data, the time to declare: what was asked for and what it came to.

use std::time::Duration;

use super::super::world::Lost;
use super::{Asked, Story};
use crate::incident::journal::Incident;
use crate::incident::measure::{Limit, Size, Span};
use crate::incident::postmortem::rows;
use crate::incident::reading::{Holds, Verdict};

/// An objective in time, and what it came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Objective {
    /// What was asked for; none: nothing.
    pub asked: Option<Duration>,
    /// What was measured; none: nothing was.
    pub actual: Option<Duration>,
}

impl Objective {
    /// What was asked for and what it came to, where that is more.
    pub fn missed(&self) -> Option<(Duration, Duration)> {
        let both = self.asked.zip(self.actual);
        both.filter(|(asked, actual)| actual > asked)
    }

    fn status(&self) -> Status {
        match (self.asked, self.actual) {
            (None, _) => Status::NotAsked,
            (Some(_), None) => Status::Unmeasured,
            (Some(asked), Some(actual)) if actual <= asked => Status::Pass,
            (Some(_), Some(_)) => Status::Fail,
        }
    }
}

/// How a metric stands against its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Met.
    Pass,
    /// Missed.
    Fail,
    /// There is a target, and nothing was measured.
    Unmeasured,
    /// There is no target.
    NotAsked,
}

impl Status {
    /// As the report's table says it.
    pub fn word(self) -> &'static str {
        match self {
            Status::Pass => "PASS",
            Status::Fail => "FAIL",
            Status::Unmeasured => "not measured",
            Status::NotAsked => "–",
        }
    }
}

/// A row of the report's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// What was measured.
    pub name: &'static str,
    /// What was asked for.
    pub target: String,
    /// What it came to.
    pub actual: String,
    /// How that stands.
    pub status: Status,
}

/// Recovery time: from the declaration until users were served again, else until the incident was resolved.
pub(super) fn rto(asked: &Asked, story: Option<&Story<'_>>) -> Objective {
    let incident = story.map(|story| story.incident);
    let served = incident.and_then(|i| i.mitigated.as_ref().or(i.resolved.as_ref()));
    let declared = incident.map(|i| i.declared.wall);
    let took = served.zip(declared).map(|((at, _), from)| *at - from);
    Objective {
        asked: asked.rto(incident.map(|i| &i.severity)),
        actual: took.map(|took| took.to_std().unwrap_or_default()),
    }
}

/// What was lost, in time and in words: by the world's count, else by what the last promotion's guard measured.
pub(super) fn rpo(
    asked: &Asked,
    incident: Option<&Incident>,
    lost: Option<Lost>,
) -> (Objective, String) {
    let (actual, words) = match (lost, incident.and_then(rows::loss)) {
        (Some(lost), _) if lost == Lost::default() => (Some(Duration::ZERO), "nothing".into()),
        (Some(lost), _) => {
            let words = format!("writes of {}, {}", Span(lost.span), Size(lost.bytes));
            (Some(lost.span), words)
        }
        (None, Some(loss)) => loss,
        (None, None) => (None, "not measured".into()),
    };
    let objective = Objective {
        asked: asked.rpo,
        actual,
    };
    (objective, words)
}

/// The rows of the report's table.
pub(super) fn metrics(
    rto: &Objective,
    rpo: &Objective,
    lost: &str,
    integrity: &Verdict,
    story: Option<&Story<'_>>,
) -> Vec<Metric> {
    let limit = |asked: Option<Duration>| asked.map_or("–".into(), |a| format!("≤ {}", Limit(a)));
    let span = |actual: Option<Duration>| {
        actual.map_or("not measured".into(), |actual| Span(actual).to_string())
    };
    let declared = story.map(|story| {
        let took = story.incident.declared.wall - story.first_seen();
        took.to_std().unwrap_or_default()
    });
    let (whole, status) = match integrity.holds {
        Holds::Yes => ("100 %".to_owned(), Status::Pass),
        Holds::No => (format!("not whole: {}", integrity.saw), Status::Fail),
        Holds::Unknown => (
            format!("not measured: {}", integrity.saw),
            Status::Unmeasured,
        ),
    };
    vec![
        Metric {
            name: "RTO",
            target: limit(rto.asked),
            actual: span(rto.actual),
            status: rto.status(),
        },
        Metric {
            name: "RPO",
            target: limit(rpo.asked),
            actual: lost.to_owned(),
            status: rpo.status(),
        },
        Metric {
            name: "Data integrity",
            target: "100 %".into(),
            actual: whole,
            status,
        },
        Metric {
            name: "Time to declare, from what was first seen",
            target: "–".into(),
            actual: declared.map_or("nothing was declared".into(), |took| Span(took).to_string()),
            status: Status::NotAsked,
        },
    ]
}
