//! The ladder is arithmetic: who must be told by when, and how much of the recovery time is used. Nothing here sends
//! anything; a rung is known by its key, so that it comes to attention once, whoever looks.
//!
//! Instants that people read are the wall clock's. How long ago something was is the boot clock's, so a wall clock that
//! jumps makes no rung due and none undue.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::judge::Standing;
use super::names::SeverityId;
use super::now::Now;
use super::site::{Rung, RungFrom, Site};

/// A rung is due for this long before it is called overdue: somebody needs the time to make the call.
pub const GRACE: Duration = Duration::from_secs(60);

/// What the ladder is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Clockwork<'a> {
    /// When it was first seen, as people state it; not after `declared`.
    pub detected: DateTime<Utc>,
    /// When it was declared.
    pub declared: &'a Now,
    /// When it was resolved.
    pub resolved: Option<&'a Now>,
    /// The severity it has at present; a change of it changes which rungs hold.
    pub severity: &'a SeverityId,
    /// What it is about.
    pub category: Option<&'a str>,
    /// What has been acknowledged.
    pub acks: &'a [Ack],
}

/// Somebody said that a rung has been seen to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// The key of the rung, [`RungState::key`].
    pub key: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub by: String,
}

/// A rung as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RungState<'a> {
    /// The rung's key; with `#1`, `#2`, … when it comes again.
    pub key: String,
    /// The rung.
    pub rung: &'a Rung,
    /// When it is due, by the wall clock of its incident.
    pub due: DateTime<Utc>,
    /// Where it stands.
    pub standing: RungStanding,
}

/// Where a rung stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RungStanding {
    /// It is due in so long.
    DueIn(Duration),
    /// It is due now, within [`GRACE`].
    Due,
    /// It was due so long ago.
    OverdueBy(Duration),
    /// Somebody has seen to it.
    Acknowledged {
        /// When.
        at: DateTime<Utc>,
        /// Who.
        by: String,
    },
}

impl RungState<'_> {
    /// Somebody has to act now.
    pub fn calls(&self) -> bool {
        matches!(
            self.standing,
            RungStanding::Due | RungStanding::OverdueBy(_)
        )
    }
}

/// Every rung that holds, in the order in which they are due. Of a rung that comes again: what was acknowledged, the one
/// that is due, and the next; one that was missed is superseded by its successor. Nothing new becomes due once the
/// incident is resolved, but for what counts from there.
pub fn rungs<'a>(ladder: &'a [Rung], inputs: &Clockwork<'_>, now: &Now) -> Vec<RungState<'a>> {
    let mut states: Vec<RungState<'a>> = ladder
        .iter()
        .filter_map(|rung| Some((rung, Run::of(rung.from, inputs, now)?)))
        .flat_map(|(rung, run)| occurrences(rung, &run, inputs))
        .collect();
    states.sort_by_key(|state| state.due);
    states
}

/// The time a rung counts: from when, how much of it has passed, and whether it goes on.
struct Run {
    from: DateTime<Utc>,
    passed: Duration,
    ended: bool,
}

impl Run {
    fn of(from: RungFrom, inputs: &Clockwork<'_>, now: &Now) -> Option<Run> {
        let end = inputs.resolved.unwrap_or(now);
        let since_declared = end.since(inputs.declared);
        let ended = inputs.resolved.is_some();
        match from {
            RungFrom::Declaration => Some(Run {
                from: inputs.declared.wall,
                passed: since_declared,
                ended,
            }),
            // Before the declaration there is only what people say: the wall clock.
            RungFrom::Detection => Some(Run {
                from: inputs.detected.min(inputs.declared.wall),
                passed: inputs.declared.since_wall(inputs.detected) + since_declared,
                ended,
            }),
            RungFrom::Resolution => inputs.resolved.map(|resolved| Run {
                from: resolved.wall,
                passed: now.since(resolved),
                ended: false,
            }),
        }
    }
}

fn occurrences<'a>(rung: &'a Rung, run: &Run, inputs: &Clockwork<'_>) -> Vec<RungState<'a>> {
    let holds = holds(rung, inputs);
    let current = match rung.every {
        // How many times it has come, the first at `after`.
        Some(every) => run
            .passed
            .checked_sub(rung.after)
            .map_or(0, |over| 1 + whole(over, every)),
        None => u32::from(run.passed >= rung.after),
    };
    numbers(rung, current, inputs.acks)
        .into_iter()
        .filter_map(|number| {
            let after = match rung.every {
                Some(every) => rung.after.saturating_add(every.saturating_mul(number - 1)),
                None => rung.after,
            };
            let key = match rung.every {
                Some(_) => format!("{}#{number}", rung.key),
                None => rung.key.clone(),
            };
            let ack = inputs.acks.iter().find(|ack| ack.key == key);
            let standing = match (ack, run.passed.checked_sub(after)) {
                (Some(ack), _) => RungStanding::Acknowledged {
                    at: ack.at,
                    by: ack.by.clone(),
                },
                (None, _) if !holds || number < current => return None,
                (None, None) if run.ended => return None,
                (None, None) => RungStanding::DueIn(after - run.passed),
                (None, Some(over)) if over < GRACE => RungStanding::Due,
                (None, Some(over)) => RungStanding::OverdueBy(over),
            };
            Some(RungState {
                key,
                rung,
                due: later(run.from, after),
                standing,
            })
        })
        .collect()
}

/// Which occurrences may be worth a word: what was acknowledged, the one that is due, the next.
fn numbers(rung: &Rung, current: u32, acks: &[Ack]) -> BTreeSet<u32> {
    if rung.every.is_none() {
        return BTreeSet::from([1]);
    }
    let of_rung = |ack: &Ack| {
        ack.key
            .strip_prefix(&rung.key)?
            .strip_prefix('#')?
            .parse()
            .ok()
    };
    let acknowledged = acks
        .iter()
        .filter_map(of_rung)
        .filter(|number| (1..=current).contains(number));
    acknowledged
        .chain([current, current + 1])
        .filter(|number| *number > 0)
        .collect()
}

fn holds(rung: &Rung, inputs: &Clockwork<'_>) -> bool {
    let severity = rung.severities.is_empty() || rung.severities.contains(inputs.severity);
    let category = rung.categories.is_empty()
        || inputs
            .category
            .is_some_and(|category| rung.categories.iter().any(|c| c == category));
    severity && category
}

/// How often `part` fits into `time`. A part of nothing fits never.
fn whole(time: Duration, part: Duration) -> u32 {
    let times = time.as_millis().checked_div(part.as_millis()).unwrap_or(0);
    u32::try_from(times).unwrap_or(u32::MAX - 2)
}

fn later(from: DateTime<Utc>, by: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(by)
        .ok()
        .and_then(|by| from.checked_add_signed(by))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// The recovery time that holds: the runbook's, else the severity's, else the site's.
pub fn rto(site: &Site, severity: &SeverityId, runbook: Option<Duration>) -> Option<Duration> {
    let of_severity = || {
        site.severities
            .iter()
            .find(|s| &s.id == severity)
            .and_then(|s| s.rto)
    };
    runbook.or_else(of_severity).or(site.objectives.rto)
}

/// How much of the recovery time is used. It runs from the declaration until service is back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Burn {
    /// What was promised.
    pub objective: Duration,
    /// Time since the declaration, until service was back.
    pub used: Duration,
    /// Time left; zero when it is over.
    pub left: Duration,
    /// When the checklist will be through, by what its remaining steps are estimated to take; none without an estimate,
    /// and none once service is back.
    pub projected_finish: Option<DateTime<Utc>>,
    /// What it comes to.
    pub verdict: BurnVerdict,
}

/// What a burn comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnVerdict {
    /// Service was back in time.
    Met,
    /// The checklist will be through in time, with this much to spare.
    InTime {
        /// Time to spare.
        spare: Duration,
    },
    /// The checklist will take this much too long.
    WillMiss {
        /// Time over the objective.
        by: Duration,
    },
    /// Nobody knows how long the rest takes; there is time left.
    NoEstimate,
    /// It is over by this much.
    Missed {
        /// Time over the objective.
        by: Duration,
    },
}

impl BurnVerdict {
    /// How it is to be shown.
    pub fn standing(self) -> Standing {
        match self {
            // Without an estimate there is time left, and nothing says that it will not do.
            BurnVerdict::Met | BurnVerdict::InTime { .. } | BurnVerdict::NoEstimate => {
                Standing::Fine
            }
            BurnVerdict::WillMiss { .. } => Standing::Watch,
            BurnVerdict::Missed { .. } => Standing::Breach,
        }
    }
}

impl Burn {
    /// The burn of `objective` since `declared`. `restored`: when service was back; `remaining`: what the steps that are
    /// left are estimated to take.
    pub fn new(
        objective: Duration,
        declared: &Now,
        restored: Option<&Now>,
        remaining: Option<Duration>,
        now: &Now,
    ) -> Self {
        let used = restored.unwrap_or(now).since(declared);
        let left = objective.saturating_sub(used);
        let remaining = remaining.filter(|_| restored.is_none());
        let verdict = match (restored, remaining) {
            _ if used > objective => BurnVerdict::Missed {
                by: used - objective,
            },
            (Some(_), _) => BurnVerdict::Met,
            (None, None) => BurnVerdict::NoEstimate,
            (None, Some(rest)) if rest > left => BurnVerdict::WillMiss { by: rest - left },
            (None, Some(rest)) => BurnVerdict::InTime { spare: left - rest },
        };
        Self {
            objective,
            used,
            left,
            projected_finish: remaining.map(|rest| later(now.wall, rest)),
            verdict,
        }
    }
}

#[cfg(test)]
mod tests;
