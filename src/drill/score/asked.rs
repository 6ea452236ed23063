//! What an exercise asks for: from a scenario, or from a site where a runbook is walked or a drill held without one.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::scenario::{Harmful, Kind, Scenario};
use crate::incident::drills::checklist::is_failback;
use crate::incident::journal::Mode;
use crate::incident::names::{RunbookId, SeverityId, StepId};
use crate::incident::site::{Severity, Site};

/// What an exercise asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// In a few words.
    pub title: String,
    /// One sentence; may be empty.
    pub summary: String,
    /// Which kind of drill it counts as.
    pub kind: Kind,
    /// On real targets, or on none.
    pub mode: Mode,
    /// What it is for.
    pub objectives: Vec<String>,
    /// Recovery time of this exercise; none: [`Asked::rto`] asks the site.
    pub own_rto: Option<Duration>,
    /// The site's recovery time.
    pub site_rto: Option<Duration>,
    /// The site's severities: one may have a recovery time of its own.
    pub severities: Vec<Severity>,
    /// Recovery point.
    pub rpo: Option<Duration>,
    /// Orders that do harm.
    pub harmful: Vec<Harmful>,
    /// Questions for the debrief.
    pub debrief: Vec<String>,
    /// It goes back to where it began: a failback is part of it.
    pub failback: bool,
    /// What nine in ten runs of a step took at most, where history knows; empty at first.
    pub usual: BTreeMap<(RunbookId, StepId), Duration>,
}

impl Asked {
    /// What a scenario asks for.
    pub fn of_scenario(scenario: &Scenario) -> Self {
        let mut runbooks = scenario.runbooks.iter();
        Self {
            summary: scenario.summary.clone(),
            objectives: scenario.objectives.clone(),
            own_rto: scenario.rto,
            rpo: scenario.rpo.or(scenario.site.objectives.rpo),
            harmful: scenario.harmful.clone(),
            debrief: scenario.debrief.clone(),
            failback: runbooks.any(|id| is_failback(id)),
            ..Self::of_site(
                &scenario.title,
                scenario.kind,
                Mode::Tabletop,
                &scenario.site,
            )
        }
    }

    /// What a site asks for: its objectives, and nothing of its own.
    pub fn of_site(title: &str, kind: Kind, mode: Mode, site: &Site) -> Self {
        Self {
            title: title.to_owned(),
            summary: String::new(),
            kind,
            mode,
            objectives: Vec::new(),
            own_rto: None,
            site_rto: site.objectives.rto,
            severities: site.severities.clone(),
            rpo: site.objectives.rpo,
            harmful: Vec::new(),
            debrief: Vec::new(),
            failback: false,
            usual: BTreeMap::new(),
        }
    }

    /// Recovery time at a severity: the exercise's own, else the severity's, else the site's.
    pub fn rto(&self, severity: Option<&SeverityId>) -> Option<Duration> {
        let of_severity = self.severities.iter().find(|s| Some(&s.id) == severity);
        let of_severity = of_severity.and_then(|severity| severity.rto);
        self.own_rto.or(of_severity).or(self.site_rto)
    }
}
