//! Steps that operators added in the middle of the incident, each suggested for the runbook it was added to.

use serde::Serialize;

use super::walks::{attempts, word};
use super::{instant, text};
use crate::incident::journal::{Added, Incident, Walk};

#[derive(Debug, Serialize)]
pub(super) struct AddedRow {
    title: String,
    words: String,
    fence: String,
}

pub(super) fn added(incident: &Incident) -> Vec<AddedRow> {
    let walks = incident.walks.iter();
    let added = walks.filter_map(|walk| Some((walk, walk.chosen.added.as_ref()?)));
    added
        .map(|(walk, added)| row(incident, walk, added))
        .collect()
}

fn row(incident: &Incident, walk: &Walk, added: &Added) -> AddedRow {
    let became = attempts(walk).last().map_or("not run".into(), |attempt| {
        format!("{} by {}", word(attempt.phase()), text(&attempt.by.name))
    });
    AddedRow {
        title: text(&walk.chosen.title),
        words: format!(
            "{}: {became}. {}",
            instant(walk.since),
            suggested(incident, added)
        ),
        fence: added.fence.clone(),
    }
}

/// Which runbook it belongs into, and where.
fn suggested(incident: &Incident, added: &Added) -> String {
    let amid = added.amid.as_ref().and_then(|(number, step)| {
        let chosen = &incident.walk(*number)?.chosen;
        let title = chosen.steps.iter().find(|(id, _)| id == step);
        let title = title.map_or(step.as_str(), |(_, title)| title);
        Some((&chosen.title, title))
    });
    match amid {
        Some((runbook, step)) => format!(
            "Suggested for the runbook *{}*, where it was added: at *{}*.",
            text(runbook),
            text(step)
        ),
        None => "Added while no runbook was open: suggested for one of its own.".into(),
    }
}
