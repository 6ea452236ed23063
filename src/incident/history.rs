//! What was measured before: how long each step of a runbook really took, and when each runbook was last practised. Only what
//! was done to real targets counts for durations; a tabletop's are played.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::drills::Grade;
use super::journal::{Incident, Mode, StepState};
use super::measure::Span;
use super::names::{RunbookId, StepId};
use super::now::Now;
use super::reading::Outcome;

/// The past of a site's runbooks.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    steps: BTreeMap<(RunbookId, StepId), Vec<Duration>>,
    drilled: BTreeMap<RunbookId, Drilled>,
}

/// How long a step takes, as it was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual {
    /// Half of the runs took no longer.
    pub median: Duration,
    /// Nine in ten took no longer.
    pub ninetieth: Duration,
    /// How many runs it was measured in.
    pub runs: usize,
}

/// The last time a runbook was practised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drilled {
    /// When its walk began.
    pub at: DateTime<Utc>,
    /// A live drill, or a tabletop.
    pub mode: Mode,
    /// From its first step to its end; none when it was never ended.
    pub took: Option<Duration>,
    /// What the exercise came to, where that is on record.
    pub grade: Option<Grade>,
}

impl History {
    /// Takes an incident's walks in; `grade` is what it came to, if it was an exercise on record.
    pub fn add(&mut self, incident: &Incident, grade: Option<Grade>) {
        let mode = incident.declaration.mode;
        for walk in &incident.walks {
            let runbook = &walk.chosen.runbook;
            for (step, state) in walk.steps.iter().filter(|_| mode != Mode::Tabletop) {
                if let Some(took) = took(state) {
                    let key = (runbook.clone(), step.clone());
                    self.steps.entry(key).or_default().push(took);
                }
            }
            if mode == Mode::Real {
                continue;
            }
            let took = walk.ended.and_then(|end| (end - walk.since).to_std().ok());
            let drilled = Drilled {
                at: walk.since,
                mode,
                took,
                grade,
            };
            let known = self.drilled.get(runbook);
            if known.is_none_or(|known| known.at < drilled.at) {
                self.drilled.insert(runbook.clone(), drilled);
            }
        }
    }

    /// How long a step usually takes; none where it was never measured.
    pub fn usual(&self, runbook: &RunbookId, step: &StepId) -> Option<Usual> {
        let mut runs = self.steps.get(&(runbook.clone(), step.clone()))?.clone();
        runs.sort();
        Some(Usual {
            median: rank(&runs, 50)?,
            ninetieth: rank(&runs, 90)?,
            runs: runs.len(),
        })
    }

    /// When a runbook was last practised.
    pub fn drilled(&self, runbook: &RunbookId) -> Option<&Drilled> {
        self.drilled.get(runbook)
    }
}

/// The nearest-rank percentile: the smallest value that `percent` of all do not exceed.
fn rank(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let place = (sorted.len() * percent).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied()
}

/// What a step's actions took that were done; none when one was not, or none was.
fn took(step: &StepState) -> Option<Duration> {
    let last = step
        .actions
        .values()
        .filter_map(|action| action.attempts.last());
    let spans = last.map(|attempt| {
        let (started, ..) = attempt.started.as_ref()?;
        let ended = attempt.ended.as_ref()?;
        let done = matches!(ended.outcome, Outcome::Done { .. });
        done.then(|| (ended.at - *started).to_std().unwrap_or_default())
    });
    let spans: Option<Vec<Duration>> = spans.collect();
    spans
        .filter(|spans| !spans.is_empty())
        .map(|spans| spans.into_iter().sum())
}

impl fmt::Display for Usual {
    /// `4.2 s, 9 in 10 within 6.0 s (12 runs)`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = if self.runs == 1 { "run" } else { "runs" };
        let (median, ninetieth) = (Span(self.median), Span(self.ninetieth));
        match self.runs {
            1 => write!(f, "{median} (1 run)"),
            count => write!(f, "{median}, 9 in 10 within {ninetieth} ({count} {runs})"),
        }
    }
}

impl Drilled {
    /// `drilled 43 d 2 h ago, 2 m 40 s, passed`
    pub fn words(&self, now: &Now) -> String {
        let ago = Span(now.since_wall(self.at));
        let how = match self.mode {
            Mode::Tabletop => "at the table ",
            Mode::Drill | Mode::Real => "",
        };
        let took = self
            .took
            .map_or(String::new(), |took| format!(", {}", Span(took)));
        let grade = self
            .grade
            .map_or(String::new(), |grade| format!(", {}", grade.said()));
        format!("drilled {how}{ago} ago{took}{grade}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_and_the_ninetieth_are_values_that_were_measured() {
        let key = || (RunbookId::from("r"), StepId::from("s"));
        let table = [
            (vec![], None),
            (vec![7], Some((7, 7, 1))),
            (vec![9, 1, 5], Some((5, 9, 3))),
            ((1..=10).rev().collect(), Some((5, 9, 10))),
        ];
        for (seconds, expected) in table {
            let runs = seconds.iter().map(|s| Duration::from_secs(*s)).collect();
            let history = History {
                steps: [(key(), runs)].into(),
                ..History::default()
            };
            let (runbook, step) = key();
            let usual = history.usual(&runbook, &step);
            let figures = usual.map(|u| (u.median.as_secs(), u.ninetieth.as_secs(), u.runs));
            assert_eq!(figures, expected, "{seconds:?}");
        }
    }
}
