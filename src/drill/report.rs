//! The drill report: what an exercise came to, as Markdown in the fields that drill reports have, a function of the journal,
//! the score and the end.
//!
//! Times are the exercise's own (`T+12:31` since it began), so that the same seed and the same keys give the same report at
//! any time of any day. What the wall clock had a hand in stands in three lines only: the summary's `Date` and `Incident`
//! rows, and the last line with the journal's digest. An instant that a system's words name with milliseconds and `UTC` is
//! told by the exercise's time as well. What people typed stays as they typed it. An exercise begins on a whole second, since
//! what the console saw before the declaration is told by the second.

mod lists;
#[cfg(test)]
mod tests;
mod timeline;

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use minijinja::value::Serde;
use minijinja::{Environment, Value, context};

use super::scenario::{Grade, Kind};
use super::score::{Asked, Finding, Mark, RULES, Score, Shortfall, Story};
use super::world::Harm;
use crate::incident::drills::DrillRecord;
use crate::incident::journal::{Exercise, Incident, Mode};
use crate::incident::measure::Span;
use crate::incident::postmortem::{BLANK, text};
use crate::incident::reading::{Holds, Verdict};

const TEMPLATE: &str = include_str!("report.md.jinja");

/// Names that stand in a journal and are nobody's.
const NOBODY: [&str; 2] = ["warroom", "facilitator"];

/// An exercise that was held.
#[derive(Debug, Clone, Copy)]
pub struct Held<'a> {
    /// What it asked for.
    pub asked: &'a Asked,
    /// As it began.
    pub exercise: &'a Exercise,
    /// Who sat at its console.
    pub by: &'a str,
    /// Who facilitated, where somebody did.
    pub facilitator: Option<&'a str>,
    /// The site's name.
    pub site: &'a str,
    /// Its journal; none when nothing was declared.
    pub incident: Option<&'a Incident>,
    /// How things stood at its end.
    pub finding: &'a Finding,
    /// What it came to.
    pub score: &'a Score,
    /// Digest of the journal's last line before the report; empty without a journal.
    pub head: &'a str,
}

impl Held<'_> {
    /// Its line of the drill log, for no drill of the schedule; none when nothing was declared, and so no incident is there to
    /// refer to.
    pub fn record(&self) -> Option<DrillRecord> {
        let incident = self.incident?;
        let lead = incident
            .roles
            .iter()
            .find(|(role, _)| role.to_lowercase() == "incident commander");
        Some(DrillRecord {
            at: self.finding.ended.wall,
            id: incident.declaration.id.clone(),
            drill: None,
            scenario: self.exercise.scenario.clone(),
            title: self.asked.title.clone(),
            kind: self.asked.kind,
            mode: self.mode(),
            grade: self.score.grade,
            rto_target: self.score.rto.asked,
            rto_actual: self.score.rto.actual,
            rpo_target: self.score.rpo.asked,
            rpo_actual: self.score.rpo.actual,
            tester: lead.map_or(self.by, |(_, who)| who.as_str()).to_owned(),
            notes: self.score.reasons(),
            seed: (self.mode() == Mode::Tabletop).then_some(self.exercise.seed),
        })
    }

    fn mode(&self) -> Mode {
        self.incident
            .map_or(self.asked.mode, |incident| incident.declaration.mode)
    }

    fn story(&self) -> Option<Story<'_>> {
        self.incident.map(|incident| Story {
            incident,
            began: self.exercise.began,
        })
    }

    fn mark(&self, at: DateTime<Utc>) -> Mark {
        Mark(at - self.exercise.began)
    }

    /// Text that may hold anything, for the middle of a Markdown line, its instants by the exercise's time.
    fn words(&self, words: &str) -> String {
        text(&relative(words, self.exercise.began))
    }

    /// Everybody who acted or has a role, with their roles.
    fn participants(&self) -> String {
        let mut people: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        people.entry(self.by).or_default();
        if let Some(incident) = self.incident {
            for entry in &incident.entries {
                people.entry(&entry.actor.name).or_default();
            }
            for (role, who) in &incident.roles {
                people.entry(who).or_default().push(role);
            }
        }
        let present = people.iter().filter(|(who, _)| !NOBODY.contains(who));
        let named = present.map(|(who, roles)| match roles.is_empty() {
            true => text(who),
            false => format!("{} ({})", text(who), text(&roles.join(", "))),
        });
        named.collect::<Vec<_>>().join(", ")
    }

    /// The command that plays it again; none for real targets.
    fn replay(&self) -> Option<String> {
        let scenario = &self.exercise.scenario;
        let what = match scenario.strip_prefix("walk:") {
            Some(runbook) => format!("--runbook {runbook}"),
            None => scenario.clone(),
        };
        let command = format!("warroom drill {what} --seed {}", self.exercise.seed);
        (self.mode() == Mode::Tabletop).then_some(command)
    }

    fn duration(&self) -> String {
        let took = self.finding.ended.since_wall(self.exercise.began);
        Span(took).to_string()
    }

    /// `2026-11-21, 14:00:00 to 14:25:10 UTC`
    fn date(&self) -> String {
        let (from, to) = (self.exercise.began, self.finding.ended.wall);
        format!(
            "{} to {} UTC",
            from.format("%Y-%m-%d, %H:%M:%S"),
            match from.date_naive() == to.date_naive() {
                true => to.format("%H:%M:%S"),
                false => to.format("%Y-%m-%d, %H:%M:%S"),
            }
        )
    }

    fn goals(&self) -> Vec<String> {
        let goals = self.finding.goals.iter();
        let line = |(goal, verdict): &(String, Verdict)| {
            let symbol = match verdict.holds {
                Holds::Yes => "✔",
                Holds::No => "✖",
                Holds::Unknown => "? nobody can say:",
            };
            let saw = self.words(verdict.saw.as_str());
            format!("{symbol} {}: {saw}", text(goal))
        };
        goals.map(line).collect()
    }

    fn harms(&self) -> Vec<String> {
        let harms = self.finding.harms.iter();
        let line = |harm: &Harm| {
            let at = Mark::from(harm.at);
            format!("{at}: {} ({})", self.words(&harm.words), harm.makes.word())
        };
        harms.map(line).collect()
    }

    fn reasons(&self) -> Vec<String> {
        let reasons = self.score.reasons();
        reasons.iter().map(|reason| self.words(reason)).collect()
    }

    fn deviations(&self) -> Vec<String> {
        let deviations = self.score.deviations().into_iter();
        let line = |deviation: &Shortfall| {
            let line = self.words(&deviation.line());
            match deviation.makes {
                Grade::Pass => line,
                makes => format!("{line} ({})", makes.word()),
            }
        };
        deviations.map(line).collect()
    }
}

/// The report, as Markdown.
///
/// # Errors
/// When the template can't be rendered: its message with line and column.
pub fn render(held: &Held<'_>) -> Result<String, minijinja::Error> {
    let mut jinja = Environment::new();
    jinja.add_template("report", TEMPLATE)?;
    let Held {
        asked, exercise, ..
    } = *held;
    let texts = |lines: &[String]| lines.iter().map(|line| text(line)).collect::<Vec<_>>();
    jinja.get_template("report")?.render(context! {
        blank => BLANK,
        title => text(&asked.title),
        mode => held.mode().to_string(),
        real => held.mode() != Mode::Tabletop,
        result => held.score.grade.word(),
        reasons => held.reasons(),
        date => held.date(),
        kind => kind_words(asked.kind),
        duration => held.duration(),
        participants => held.participants(),
        facilitator => held.facilitator.map(text),
        scenario => text(&exercise.scenario),
        scenario_title => text(&exercise.title),
        summary => text(&asked.summary),
        seed => exercise.seed,
        site => text(held.site),
        incident => held.incident.map(|incident| incident.declaration.id.as_str()),
        replay => held.replay(),
        objectives => texts(&asked.objectives),
        timeline => Value::from(Serde(timeline::rows(held))),
        metrics => Value::from(Serde(lists::metrics(held))),
        goals => held.goals(),
        harms => held.harms(),
        deviations => held.deviations(),
        checklist => lists::checklist(held),
        issues => lists::issues(held),
        observations => lists::observations(held),
        debrief => texts(&asked.debrief),
        actions => Value::from(Serde(lists::actions(held))),
        after => lists::after(),
        rules => RULES,
        entries => held.incident.map(|incident| incident.entries.len()),
        head => held.head,
    })
}

/// A kind of drill as a report writes it.
fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::BackupRestoration => "Backup Restoration",
        Kind::ComponentFailover => "Component Failover",
        Kind::RegionalFailover => "Regional Failover",
        Kind::FullDr => "Full DR",
        Kind::Tabletop => "Tabletop Exercise",
        Kind::SecretRotation => "Secret Rotation",
        Kind::ClusterRebuild => "Cluster Rebuild",
    }
}

/// A text whose instants (`14:05:11.250 UTC`, as systems' words have them) are told as times since `began`. They have no
/// date: the nearest one is meant.
fn relative(words: &str, began: DateTime<Utc>) -> String {
    const ZONE: &str = " UTC";
    const LENGTH: usize = "14:05:11.250".len();
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(end) = rest.find(ZONE) {
        let (before, after) = rest.split_at(end);
        let start = before.len().saturating_sub(LENGTH);
        let time = before.get(start..).and_then(|text| {
            let time = NaiveTime::parse_from_str(text, "%H:%M:%S%.3f").ok();
            time.filter(|_| text.len() == LENGTH)
        });
        match time {
            Some(time) => {
                out.push_str(&before[..start]);
                out.push_str(&since(time, began).to_string());
                rest = &after[ZONE.len()..];
            }
            None => {
                out.push_str(before);
                out.push_str(ZONE);
                rest = &after[ZONE.len()..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A time of day as a time since `began`: of the day that brings it nearest.
fn since(time: NaiveTime, began: DateTime<Utc>) -> Mark {
    let day = TimeDelta::days(1).num_milliseconds();
    let from = began.time();
    // Both cut to what the text tells, so that the part below it is no second more or less.
    let apart = millis(time) - millis(from);
    let apart = (apart + day / 2).rem_euclid(day) - day / 2;
    Mark(TimeDelta::milliseconds(apart))
}

fn millis(time: NaiveTime) -> i64 {
    (time - NaiveTime::MIN).num_milliseconds()
}
