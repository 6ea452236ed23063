//! How an exercise ends: its goals are asked once, when the incident is resolved or its people leave; then the result, the
//! report beside the journal, the recording of its hands, and a line in the log of drills.

use std::path::PathBuf;

use futures_util::FutureExt;

use super::session::{Session, local};
use crate::drill::report::{Held, render};
use crate::drill::scenario::Grade;
use crate::drill::score::{Asked, Finding, score};
use crate::incident::drills::Record;
use crate::incident::journal::{Exercise, digest};
use crate::incident::reading::{Failure, Verdict};
use crate::world::judging::Judge;
use crate::world::ledger::{RealDisk, replace};
use crate::world::{drillog, places};

/// The report's name in the incident's folder.
const REPORT: &str = "drill-report.md";

/// What an exercise came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// The result.
    pub grade: Grade,
    /// Why it is no PASS.
    pub reasons: Vec<String>,
    /// Where the report stands; none where nothing was declared.
    pub report: Option<PathBuf>,
    /// The report.
    pub text: String,
}

impl Session {
    /// Asks once how things stand: what happens afterwards changes the result no more.
    pub(super) fn judge(&mut self) {
        if self.finding.is_none() {
            self.finding = Some(self.measured());
        }
    }

    /// How things stand now.
    pub(super) fn measured(&self) -> Finding {
        let scenario = &self.script.scenario;
        let judge = Judge::plain(&self.site, &self.systems);
        let goals = scenario.goals.iter().map(|goal| {
            let verdict = judge.condition(&goal.holds).now_or_never();
            let verdict = verdict.unwrap_or_else(|| Verdict::unknown("it was not answered"));
            (goal.words.clone(), verdict)
        });
        let goals = goals.collect();
        let world = self.world.lock();
        let harms = world.harms();
        let integrity = world.integrity();
        Finding {
            goals,
            lost: Some(world.lost()),
            harms,
            integrity,
            ended: self.systems.clock.now(),
        }
    }

    /// Ends the exercise: scored, reported, recorded and logged.
    ///
    /// # Errors
    /// What could not be written.
    pub fn finish(&mut self) -> Result<Ended, Failure> {
        self.judge();
        let Some(finding) = &self.finding else {
            return Err(local("its end was not judged"));
        };
        let asked = Asked::of_scenario(&self.script.scenario);
        let incident = self.state.incident.as_ref();
        let score = score(&asked, incident, finding);
        let last = incident.and_then(|incident| incident.entries.last());
        let last = last.and_then(|entry| serde_json::to_vec(entry).ok());
        let held = Held {
            asked: &asked,
            exercise: &self.exercise(),
            by: &self.actor.name,
            facilitator: self.facilitated.then_some("facilitator"),
            site: &self.site.name,
            incident,
            finding,
            score: &score,
            head: &last.map(|line| digest(&line)).unwrap_or_default(),
        };
        let text = render(&held).map_err(|e| local(&format!("report: {e}")))?;
        let report = self.dir().map(|dir| dir.join(REPORT));
        if let Some(path) = &report {
            let written = replace(&RealDisk, path, text.as_bytes());
            written.map_err(|e| places::local(path, &format!("write: {e}"), "free the disk"))?;
        }
        if let Some(record) = held.record() {
            drillog::append(&self.log, &Record::Exercise(record))?;
        }
        if let Some(dir) = self.dir() {
            self.record.write(&dir.join(super::record::KEYS))?;
        }
        Ok(Ended {
            grade: score.grade,
            reasons: score.reasons(),
            report,
            text,
        })
    }

    /// The exercise as it began.
    pub(super) fn exercise(&self) -> Exercise {
        Exercise {
            scenario: self.script.scenario.id.clone(),
            title: self.script.scenario.title.clone(),
            digest: self.script.digest.clone(),
            seed: self.seed,
            began: self.clock.begins(),
        }
    }
}
