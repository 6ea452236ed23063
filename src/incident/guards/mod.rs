//! Promotion's guards: what must be true before a standby may become the primary, whatever the runbook says.
//!
//! They belong to the act. A red one refuses it; an operator may override reds one by one, each with the value it had, and
//! any other red, or a worse value, refuses again.

pub mod managed;
pub mod redis;
mod seen;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::acts::postgres::{PgRole, PgSight};
use super::asked;
use super::measure::Span;
use super::now::Now;
use super::reading::{Holds, Reading, Sight, Verdict};
use super::replication::{End, LastKnown, LinkHistory, LinkVital};
use super::site::Link;

/// A reading older than this proves nothing about now.
const FRESH: Duration = Duration::from_secs(10);

/// How long after a promotion of a pair another one is suspicious: a failover that flaps loses data twice.
const SETTLED: Duration = Duration::from_secs(3_600);

/// All a promotion is judged by. Readings are those taken for this very judgement.
#[derive(Debug, Clone)]
pub struct PromotionFacts<'a> {
    /// The moment of the judgement.
    pub now: &'a Now,
    /// The link that ends at the standby.
    pub link: &'a Link,
    /// The longer of both ends' probe intervals.
    pub interval: Duration,
    /// The standby that is to be promoted.
    pub standby: Option<&'a Reading>,
    /// The old primary, with its host's word when it does not answer.
    pub primary: Option<&'a Reading>,
    /// The last that was seen of the old primary.
    pub last_known: Option<&'a LastKnown>,
    /// The site's recovery point, or the runbook's.
    pub rpo: Option<Duration>,
    /// The newest promotion within this pair, in any incident.
    pub last_promotion: Option<DateTime<Utc>>,
}

/// One guard, with what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// Its name, as an override writes it.
    pub name: String,
    /// What it saw. A guard of something the site has not got holds, and says `not configured`.
    pub verdict: Verdict,
}

/// Every guard of a promotion, in the order they are shown.
pub fn promotion(facts: &PromotionFacts) -> Vec<Guard> {
    let vital = facts.vital();
    named([
        ("readings fresh", facts.fresh()),
        ("loss known and under its gate", facts.loss(&vital)),
        ("same timeline", facts.same_timeline()),
        ("replay running", facts.replay_running()),
        ("no backup running", facts.no_backup()),
        ("one side writable", facts.one_writable()),
        ("old primary fenced", facts.fenced()),
        ("no promotion within the hour", facts.settled()),
        ("no other claim", not_configured()),
        ("DNS TTL", not_configured()),
    ])
}

/// Guards by their names, in the order they are shown.
fn named<const N: usize>(guards: [(&str, Verdict); N]) -> Vec<Guard> {
    let guards = guards.into_iter().map(|(name, verdict)| Guard {
        name: name.to_owned(),
        verdict,
    });
    guards.collect()
}

/// The guards that refuse: measured red, or unknown.
pub fn refuses(guards: &[Guard]) -> Vec<&Guard> {
    guards
        .iter()
        .filter(|guard| guard.verdict.holds != Holds::Yes)
        .collect()
}

/// Whether what was overridden, guard by guard with the value it had, still covers every red of now.
pub fn still_covered(overridden: &[(String, Verdict)], now: &[Guard]) -> bool {
    refuses(now).into_iter().all(|guard| {
        overridden
            .iter()
            .any(|(name, before)| *name == guard.name && no_worse(before, &guard.verdict))
    })
}

/// Unknown and red are not comparable: who accepted the one did not accept the other.
fn no_worse(before: &Verdict, now: &Verdict) -> bool {
    let worse = match (before.badness, now.badness) {
        (Some(before), Some(now)) => now > before,
        (None, None) => false,
        _ => true,
    };
    before.holds == now.holds && !worse
}

fn not_configured() -> Verdict {
    Verdict::measured(true, "not configured")
}

fn sight(reading: Option<&Reading>) -> Option<&PgSight> {
    match &reading?.value {
        Ok(Sight::Postgres(sight)) => Some(sight),
        _ => None,
    }
}

impl PromotionFacts<'_> {
    /// The link by these very readings, with the last known position behind them.
    fn vital(&self) -> LinkVital {
        let mut history = match self.last_known {
            Some(known) => LinkHistory::resume(self.interval, known, self.now),
            None => LinkHistory::new(self.interval),
        }
        // Asking the host of a silent primary takes longer than its probe interval.
        .believing(FRESH);
        for (end, reading) in [(End::From, self.primary), (End::To, self.standby)] {
            if let Some(reading) = reading {
                history.observe(end, reading);
            }
        }
        history.vital(self.link, self.primary, self.standby, self.now)
    }

    fn fresh(&self) -> Verdict {
        let ends = [
            (&self.link.to, self.standby),
            (&self.link.from, self.primary),
        ];
        let mut seen = Vec::new();
        for (id, reading) in ends {
            let Some(reading) = reading else {
                return Verdict::measured(false, format!("{id} was not read"));
            };
            let age = self.now.since(&reading.at);
            if age > FRESH {
                let words = format!(
                    "{id} was read {} ago, not within {}",
                    Span(age),
                    Span(FRESH)
                );
                return Verdict::measured(false, words);
            }
            seen.push(format!("{id} {} ago", Span(age)));
        }
        match self.standby.map(|reading| &reading.value) {
            Some(Err(failure)) => Verdict::measured(false, failure.to_string()),
            _ => Verdict::measured(true, seen.join(", ")),
        }
    }

    fn loss(&self, vital: &LinkVital) -> Verdict {
        let gate = self
            .rpo
            .map_or(self.link.gate, |rpo| rpo.min(self.link.gate));
        vital.judge_loss(&self.link.to, gate, self.link.gate_bytes)
    }

    fn same_timeline(&self) -> Verdict {
        let Some(standby) = sight(self.standby) else {
            return Verdict::unknown(format!("{} was not seen", self.link.to));
        };
        if let Some(primary) = sight(self.primary) {
            return asked::same_timeline(&[(&self.link.to, standby), (&self.link.from, primary)]);
        }
        let Some(known) = self.last_known else {
            return Verdict::unknown(format!("{} was never seen", self.link.from));
        };
        let line = (standby.system_id.to_string(), standby.timeline);
        let same = line == (known.system.clone(), known.timeline);
        let (ours, theirs) = (standby.timeline, known.timeline);
        let cluster = match line.0 == known.system {
            true => "",
            false => ", of another cluster",
        };
        Verdict::measured(
            same,
            format!(
                "{} timeline {ours}, {} last known {theirs}{cluster}",
                self.link.to, self.link.from
            ),
        )
    }

    fn replay_running(&self) -> Verdict {
        let id = &self.link.to;
        match sight(self.standby).map(|sight| &sight.role) {
            None => Verdict::unknown(format!("{id} was not seen")),
            Some(PgRole::Primary(_)) => {
                Verdict::measured(false, format!("{id} is a primary already"))
            }
            Some(PgRole::Standby(standby)) if standby.replay_paused => {
                Verdict::measured(false, format!("replay of {id} is paused"))
            }
            Some(PgRole::Standby(_)) => Verdict::measured(true, format!("replay of {id} runs")),
        }
    }

    fn no_backup(&self) -> Verdict {
        let id = &self.link.from;
        let stopped = self
            .primary
            .and_then(|reading| reading.host.as_ref())
            .is_some_and(|word| word.fenced);
        match sight(self.primary).map(|sight| &sight.role) {
            Some(PgRole::Primary(primary)) if primary.backup_running => {
                Verdict::measured(false, format!("a base backup of {id} is running"))
            }
            Some(_) => Verdict::measured(true, format!("no base backup of {id} is running")),
            None if stopped => Verdict::measured(true, format!("{id} is stopped")),
            None => Verdict::unknown(format!("{id} was not seen")),
        }
    }

    fn one_writable(&self) -> Verdict {
        let (to, from) = (&self.link.to, &self.link.from);
        let primary = |reading| sight(reading).map(|s| matches!(s.role, PgRole::Primary(_)));
        match (primary(self.standby), primary(self.primary)) {
            (Some(true), Some(true)) => {
                Verdict::measured(false, format!("{to} and {from} both take writes"))
            }
            (Some(true), _) => Verdict::measured(true, format!("{to} alone is a primary")),
            (Some(false), _) => Verdict::measured(true, format!("{to} is a standby")),
            (None, _) => Verdict::unknown(format!("{to} was not seen")),
        }
    }

    fn fenced(&self) -> Verdict {
        let id = &self.link.from;
        match self.primary {
            None => Verdict::unknown(format!("{id} was not read")),
            Some(reading) => match &reading.value {
                Err(failure) => asked::fenced(id, Err(failure), reading.host.as_ref()),
                Ok(Sight::Postgres(sight)) => asked::fenced(id, Ok(sight), None),
                Ok(_) => Verdict::unknown(format!("{id} is no PostgreSQL server")),
            },
        }
    }

    fn settled(&self) -> Verdict {
        let Some(at) = self.last_promotion else {
            return Verdict::measured(true, "no promotion of this pair is known");
        };
        let age = self.now.since_wall(at);
        let words = format!("the last promotion of this pair was {} ago", Span(age));
        Verdict::measured(age >= SETTLED, words)
    }
}
