//! Incidents as they lie on disk: which there are, what each says, its runbooks and its post-mortem.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{ledger, places};
use crate::incident::acts::Act;
use crate::incident::acts::postgres::PgAct;
use crate::incident::journal::{Chosen, Fact, Incident, Note, digest};
use crate::incident::names::{IncidentId, TargetId};
use crate::incident::postmortem::{Template, postmortem};
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::runbook::{self, Code, Runbook};
use crate::incident::site::Site;
use crate::world::ledger::RealDisk;

/// Writes an incident's post-mortem beside its journal: its path, and the digest of the journal's last line.
///
/// # Errors
/// When the journal can't be read or folded, or the file can't be written.
pub fn write_postmortem(dir: &Path, site: &Site) -> Result<(String, String), Failure> {
    let (text, head) = render_postmortem(dir, site)?;
    let path = dir.join("postmortem.md");
    let written = ledger::replace(&RealDisk, &path, text.as_bytes());
    written.map_err(|e| places::local(&path, &format!("write: {e}"), "free the disk"))?;
    Ok((path.display().to_string(), head))
}

/// An incident's post-mortem as text, and the digest of the journal's last line.
///
/// # Errors
/// As [`write_postmortem`].
pub fn render_postmortem(dir: &Path, site: &Site) -> Result<(String, String), Failure> {
    let on = dir.display().to_string();
    let fail =
        |what: String| Failure::new(FailureKind::Local, &on, what, "warroom incident verify");
    let (entries, _) = ledger::read(dir)?;
    let incident = Incident::fold(&entries).map_err(|gap| fail(gap.to_string()))?;
    let last = entries
        .last()
        .map(serde_json::to_vec)
        .transpose()
        .map_err(|e| fail(e.to_string()))?;
    let head = digest(&last.unwrap_or_default());
    let text = postmortem(&incident, site, &Template::default(), &head)
        .map_err(|e| fail(format!("post-mortem: {e}")))?;
    Ok((text, head))
}

/// The folder of an incident by name; without one, of the newest that is open.
///
/// # Errors
/// In a sentence that says what there is.
pub fn find(root: &Path, name: Option<&str>) -> Result<PathBuf, String> {
    let all = list(root);
    match name {
        Some(name) => {
            let found = all
                .iter()
                .find(|(id, _)| id.as_str() == name)
                .map(|(_, dir)| dir.clone());
            found.ok_or_else(|| {
                format!(
                    "{name}: no such incident under {} — warroom incident list",
                    root.display()
                )
            })
        }
        None => {
            let open = all
                .into_iter()
                .rev()
                .map(|(_, dir)| dir)
                .find(|dir| is_open(dir));
            open.ok_or_else(|| {
                format!(
                    "no incident is open under {} — warroom declares one with d",
                    root.display()
                )
            })
        }
    }
}

fn is_open(dir: &Path) -> bool {
    let read = ledger::read(dir).ok();
    read.is_some_and(|(entries, _)| {
        !entries.is_empty()
            && !entries
                .iter()
                .any(|e| matches!(e.fact, Fact::Note(Note::Resolved { .. })))
    })
}

/// When each target was last promoted, by the journals of all incidents: a pair that was promoted within the hour is not
/// promoted again without a second thought.
pub fn promotions(root: &Path) -> BTreeMap<TargetId, DateTime<Utc>> {
    let mut found = BTreeMap::new();
    for (_, dir) in list(root) {
        let Ok((entries, _)) = ledger::read(&dir) else {
            continue;
        };
        let Ok(incident) = Incident::fold(&entries) else {
            continue;
        };
        for (target, at) in promoted(&incident) {
            let newest = found.entry(target).or_insert(at);
            *newest = at.max(*newest);
        }
    }
    found
}

fn promoted(incident: &Incident) -> impl Iterator<Item = (TargetId, DateTime<Utc>)> {
    let steps = incident.walks.iter().flat_map(|walk| walk.steps.values());
    let attempts = steps
        .flat_map(|step| step.actions.values())
        .flat_map(|action| &action.attempts);
    attempts.filter_map(
        |attempt| match (&attempt.intent.resolved.code, &attempt.ended) {
            (
                Code::Act {
                    act: Act::Postgres(PgAct::Promote { target }),
                },
                Some(ended),
            ) => matches!(ended.outcome, Outcome::Done { .. }).then(|| (target.clone(), ended.at)),
            _ => None,
        },
    )
}

/// Every incident's id and folder, by id; those whose journal went to a fallback folder too.
pub fn list(root: &Path) -> Vec<(IncidentId, PathBuf)> {
    let entries = fs::read_dir(places::incidents(root))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<(IncidentId, PathBuf)> = entries
        .filter(|e| e.path().is_dir())
        .map(|e| {
            (
                IncidentId(e.file_name().to_string_lossy().into_owned()),
                e.path(),
            )
        })
        .collect();
    found.sort();
    found
}

/// Parses the runbooks of an incident's walks from their copies, compared with the digests in the journal.
///
/// # Errors
/// The first that can't be read, or is not what was chosen.
pub fn runbooks(dir: &Path, incident: &Incident) -> Result<BTreeMap<u32, Arc<Runbook>>, String> {
    let walks = incident.walks.iter().map(|walk| &walk.chosen);
    walks
        .map(|chosen| Ok((chosen.walk, Arc::new(runbook_of(dir, chosen)?))))
        .collect()
}

/// Parses a chosen runbook from its copy in the incident.
///
/// # Errors
/// When it can't be read, or is not what was chosen.
pub fn runbook_of(dir: &Path, chosen: &Chosen) -> Result<Runbook, String> {
    let path = ledger::runbook_copy(dir, &chosen.runbook, &chosen.digest);
    let name = path.display().to_string();
    let text = fs::read_to_string(&path).map_err(|e| format!("{name}: {e}"))?;
    if digest(text.as_bytes()) != chosen.digest {
        return Err(format!(
            "{name}: it is not what was chosen — its steps can't be run"
        ));
    }
    let (runbook, _) = runbook::parse(&name, &text, chosen.runbook.clone());
    runbook.ok_or_else(|| format!("{name}: it is no runbook any more"))
}
