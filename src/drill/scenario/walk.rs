//! A runbook that is walked without a scenario: nothing happens by itself, and what good looks like is the runbook's matter.

use std::time::Duration;

use super::{Grade, Kind, Losing, Scenario, Wiring};
use crate::incident::names::SeverityId;
use crate::incident::runbook::Runbook;
use crate::incident::site::Site;

/// How long a walk takes whose steps say nothing.
const USUAL: Duration = Duration::from_secs(30 * 60);

impl Scenario {
    /// The walk of a runbook on a simulation of `site`.
    pub fn of_runbook(runbook: &Runbook, site: &Site) -> Self {
        let estimates = runbook.steps.iter().filter_map(|step| step.card.estimate);
        let takes: Duration = estimates.sum();
        let severity = runbook.card.severity.first().cloned();
        let worst = || site.severities.first().map(|severity| severity.id.clone());
        Self {
            id: format!("walk:{}", runbook.id),
            title: format!("Walk: {}", runbook.title),
            summary: runbook.card.summary.clone().unwrap_or_default(),
            kind: Kind::Tabletop,
            severity: severity.or_else(worst).unwrap_or(SeverityId::from("SEV-1")),
            takes: if takes.is_zero() { USUAL } else { takes },
            briefing: vec![
                format!("You walk {} together, step by step.", runbook.title),
                "Say of each step who would do it, and what would be in the way.".into(),
                "d declares, r chooses it, enter goes on, n notes what you find.".into(),
            ],
            objectives: vec![format!("Walk {} to its end", runbook.title)],
            rto: runbook.card.rto,
            rpo: runbook.card.rpo,
            site: site.clone(),
            site_text: String::new(),
            wiring: Wiring::default(),
            runbooks: vec![runbook.id.to_string()],
            events: Vec::new(),
            injects: Vec::new(),
            hands: Vec::new(),
            goals: Vec::new(),
            harmful: Vec::new(),
            debrief: vec![
                "Which step would have stopped you?".into(),
                "What is missing, out of date or in the wrong order?".into(),
            ],
            solution: Vec::new(),
            losing: Losing {
                moves: Vec::new(),
                grade: Grade::Fail,
                because: String::new(),
            },
        }
    }
}
