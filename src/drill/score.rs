//! What an exercise comes to: PASS, PARTIAL or FAIL by stated rules ([`RULES`]), with every reason, the metrics, and what
//! went otherwise than the runbooks and the scenario have it. A function of the journal and of how the world stood at the end.

mod asked;
mod attempts;
mod measured;
mod steps;
mod story;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use chrono::TimeDelta;

pub use asked::Asked;
pub use measured::{Metric, Objective, Status};
pub use story::Story;

use super::scenario::Grade;
use super::world::{Harm, Lost};
use crate::incident::clean::Clean;
use crate::incident::journal::Incident;
use crate::incident::measure::Span;
use crate::incident::now::Now;
use crate::incident::reading::{Holds, Verdict};

/// The rules of the result, a line each, the worst first: what is written under every report.
pub const RULES: [&str; 3] = [
    "FAIL: nothing was declared, or it was left unresolved; a goal does not hold at the end; harm of weight FAIL was done; \
     the RTO was missed by more than half of it; the loss is over the RPO; the data are not whole.",
    "PARTIAL: the RTO was missed by less; harm of weight PARTIAL was done; a guard or check was overridden; a step was skipped \
     or left undone for another reason than one that begins with “not applicable”; an attempt failed, or nobody can say how it \
     ended, and it was neither tried again, settled, answered by a fork nor skipped.",
    "PASS: everything else.",
];

/// What the end of an exercise found.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What good looks like, in words, and whether it was so at the end.
    pub goals: Vec<(String, Verdict)>,
    /// Consequences that somebody brought about, in the order in which they began.
    pub harms: Vec<Harm>,
    /// What was lost for good; none where nothing measured it. Then what the promotions' guards measured counts.
    pub lost: Option<Lost>,
    /// Whether the data are whole and right, but for what was lost.
    pub integrity: Verdict,
    /// When the exercise ended.
    pub ended: Now,
}

/// An instant as a time since the exercise began: `T+12:31`, `T+1:02:31`, `T-00:40` before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(pub TimeDelta);

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Whole seconds, rounded down on both sides of the beginning, so that no instant seems to come after a later one.
        let seconds = self.0.num_milliseconds().div_euclid(1_000);
        let (sign, seconds) = match seconds {
            0.. => ('+', seconds),
            _ => ('-', -seconds),
        };
        let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        match hours {
            0 => f.pad(&format!("T{sign}{minutes:02}:{seconds:02}")),
            _ => f.pad(&format!("T{sign}{hours}:{minutes:02}:{seconds:02}")),
        }
    }
}

impl From<Duration> for Mark {
    fn from(since: Duration) -> Self {
        Mark(TimeDelta::from_std(since).unwrap_or(TimeDelta::MAX))
    }
}

/// In which way something fell short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Short {
    /// No incident was declared.
    Undeclared,
    /// It was not resolved.
    Unresolved,
    /// A goal does not hold, or could not be measured.
    Goal,
    /// Harm was done.
    Harm,
    /// Users waited longer than the RTO.
    Rto,
    /// More was lost than the RPO allows.
    Rpo,
    /// The data are not whole.
    Integrity,
    /// A step was begun before one that ought to come first, or at all.
    Harmful,
    /// A red guard or check was taken upon oneself.
    Overridden,
    /// A step was skipped.
    Skipped,
    /// Steps were not reached, or not finished.
    Undone,
    /// An attempt failed.
    Failed,
    /// Nobody can say how an attempt ended.
    Unknown,
    /// A check or guard refused an attempt: it never ran.
    Refused,
    /// A step took much longer than it should.
    Slow,
    /// A step was gone to out of order.
    OutOfOrder,
    /// What was owed was waived as the incident was resolved.
    Waived,
}

impl Short {
    /// Something went otherwise than it is written, whatever came of it.
    pub fn deviates(self) -> bool {
        match self {
            Short::Undeclared
            | Short::Unresolved
            | Short::Goal
            | Short::Harm
            | Short::Rto
            | Short::Rpo
            | Short::Integrity => false,
            Short::Harmful
            | Short::Overridden
            | Short::Skipped
            | Short::Undone
            | Short::Failed
            | Short::Unknown
            | Short::Refused
            | Short::Slow
            | Short::OutOfOrder
            | Short::Waived => true,
        }
    }
}

/// Something that fell short of what was asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Shortfall {
    /// When; none for what concerns the whole.
    pub at: Option<Mark>,
    /// In which way.
    pub short: Short,
    /// Its subject in few words: the step's title, the goal, the guard.
    pub what: String,
    /// What happened, in one line.
    pub words: String,
    /// What was done about it, for an attempt: `tried again, done at T+06:10`.
    pub answered: Option<String>,
    /// What it makes of the result.
    pub makes: Grade,
}

impl Shortfall {
    /// It in one line, with its time.
    pub fn line(&self) -> String {
        match self.at {
            Some(at) => format!("{at}: {}", self.words),
            None => self.words.clone(),
        }
    }
}

/// What an exercise comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// The result.
    pub grade: Grade,
    /// Everything that fell short: the worst first, then by time.
    pub shortfalls: Vec<Shortfall>,
    /// Recovery time: from the declaration until users were served again, else until the incident was resolved.
    pub rto: Objective,
    /// Recovery point: the writes that were lost, in time.
    pub rpo: Objective,
    /// The table of the report, these two among its rows.
    pub metrics: Vec<Metric>,
}

impl Score {
    /// Why it is no PASS, a line each, the worst first; empty for a PASS.
    pub fn reasons(&self) -> Vec<String> {
        let counting = self.shortfalls.iter().filter(|s| s.makes != Grade::Pass);
        counting.map(Shortfall::line).collect()
    }

    /// What went otherwise than it is written, by time.
    pub fn deviations(&self) -> Vec<&Shortfall> {
        let deviating = self.shortfalls.iter().filter(|s| s.short.deviates());
        let mut found: Vec<&Shortfall> = deviating.collect();
        found.sort_by_key(|s| s.at);
        found
    }
}

/// What an exercise comes to, by [`RULES`]. Without an incident nothing was declared.
pub fn score(asked: &Asked, incident: Option<&Incident>, finding: &Finding) -> Score {
    let story = incident.map(Story::new);
    let rto = measured::rto(asked, story.as_ref());
    let (rpo, lost) = measured::rpo(asked, incident, finding.lost);
    let mut shortfalls = Vec::from_iter(declared(story.as_ref()));
    shortfalls.extend(finding.goals.iter().filter_map(goal));
    shortfalls.extend(finding.harms.iter().map(harm));
    shortfalls.extend(objectives(&rto, &rpo, &lost));
    shortfalls.extend(integrity(&finding.integrity));
    if let Some(story) = &story {
        shortfalls.extend(steps::shortfalls(asked, story));
        shortfalls.extend(attempts::shortfalls(story));
    }
    // Stable: what happened at one instant stays in the order in which it was found.
    shortfalls.sort_by(|a, b| (b.makes, a.at).cmp(&(a.makes, b.at)));
    let grade = shortfalls.iter().map(|s| s.makes).max();
    Score {
        grade: grade.unwrap_or(Grade::Pass),
        metrics: measured::metrics(&rto, &rpo, &lost, &finding.integrity, story.as_ref()),
        shortfalls,
        rto,
        rpo,
    }
}

fn whole(short: Short, what: &str, words: String, makes: Grade) -> Shortfall {
    Shortfall {
        at: None,
        short,
        what: what.to_owned(),
        words,
        answered: None,
        makes,
    }
}

fn declared(story: Option<&Story<'_>>) -> Option<Shortfall> {
    let Some(story) = story else {
        let words = "nothing was declared".to_owned();
        return Some(whole(
            Short::Undeclared,
            "the declaration",
            words,
            Grade::Fail,
        ));
    };
    let open = story.incident.resolved.is_none();
    open.then(|| {
        let at = story.mark(story.incident.declared.wall);
        let words = format!("what was declared at {at} was left unresolved");
        whole(Short::Unresolved, "the resolution", words, Grade::Fail)
    })
}

fn goal((goal, verdict): &(String, Verdict)) -> Option<Shortfall> {
    let saw = &verdict.saw;
    let words = match verdict.holds {
        Holds::Yes => return None,
        Holds::No => format!("{goal}: it is not so at the end: {saw}"),
        Holds::Unknown => format!("{goal}: nobody can say at the end: {saw}"),
    };
    Some(whole(Short::Goal, goal, words, Grade::Fail))
}

fn harm(harm: &Harm) -> Shortfall {
    Shortfall {
        at: Some(harm.at.into()),
        ..whole(Short::Harm, "harm", harm.words.clone(), harm.makes)
    }
}

fn objectives(rto: &Objective, rpo: &Objective, lost: &str) -> Vec<Shortfall> {
    let mut found = Vec::new();
    if let Some((asked, actual)) = rto.missed() {
        // Doubled, so that the half of an odd number of nanoseconds is no question.
        let makes = match actual * 2 > asked * 3 {
            true => Grade::Fail,
            false => Grade::Partial,
        };
        let by = Span(actual.saturating_sub(asked));
        let words = format!(
            "RTO missed by {by}: {} of {} asked for",
            Span(actual),
            Span(asked)
        );
        found.push(whole(Short::Rto, "RTO", words, makes));
    }
    if let Some((asked, _)) = rpo.missed() {
        let words = format!("RPO missed: {lost} lost, {} asked for", Span(asked));
        found.push(whole(Short::Rpo, "RPO", words, Grade::Fail));
    }
    found
}

fn integrity(verdict: &Verdict) -> Option<Shortfall> {
    let broken = verdict.holds == Holds::No;
    broken.then(|| {
        let words = format!("the data are not whole: {}", verdict.saw);
        whole(Short::Integrity, "data integrity", words, Grade::Fail)
    })
}

/// A reason that a step did not apply: nothing is held against whoever leaves it out.
fn not_applicable(reason: &Clean) -> bool {
    let reason = reason.as_str().trim_start().to_lowercase();
    reason.starts_with("not applicable")
}
