//! Incidents as they lie on disk: which there are, what each says, its runbooks and its post-mortem.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{drillog, ledger, places};
use crate::incident::acts::postgres::{PgAct, PgCondition};
use crate::incident::acts::{Act, Condition};
use crate::incident::drills;
use crate::incident::history::History;
use crate::incident::journal::{Chosen, Fact, Incident, Note, Resolved, ResolvedCheck, digest};
use crate::incident::names::{BackupId, IncidentId, TargetId};
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

/// What the journals of all incidents say was done before.
#[derive(Debug, Default)]
pub struct Past {
    /// When each target was last promoted: a pair that was promoted within the hour is not promoted again without a second
    /// thought.
    pub promotions: BTreeMap<TargetId, DateTime<Utc>>,
    /// When each backup was last restored and its rows counted.
    pub restore_tests: BTreeMap<BackupId, DateTime<Utc>>,
    /// How long steps took, and when runbooks were last practised.
    pub history: History,
}

/// Reads the past of a site. Journals that can't be read are left out: they prove nothing.
pub fn past(root: &Path, site: &Site) -> Past {
    let mut past = Past::default();
    let (log, _) = drillog::read(root);
    let grade = |incident: &Incident| {
        let mut exercises = drills::exercises(&log);
        let of = exercises.find(|record| record.id == incident.declaration.id);
        of.map(|record| record.grade)
    };
    for incident in folded(&places::tabletops(root)) {
        past.history.add(&incident, grade(&incident));
    }
    for incident in folded(root) {
        past.history.add(&incident, grade(&incident));
        for (resolved, at) in done(&incident) {
            if let Code::Act {
                act: Act::Postgres(PgAct::Promote { target }),
            } = &resolved.code
            {
                newest(&mut past.promotions, target.clone(), at);
            }
            if proves_a_restore(resolved) {
                let named = site
                    .backups
                    .iter()
                    .filter(|b| resolved.vars.values().any(|v| v == b.id.as_str()));
                named.for_each(|backup| newest(&mut past.restore_tests, backup.id.clone(), at));
            }
        }
    }
    past
}

/// The incidents of a root that can be read.
fn folded(root: &Path) -> impl Iterator<Item = Incident> {
    let all = list(root).into_iter();
    all.filter_map(|(_, dir)| {
        let (entries, _) = ledger::read(&dir).ok()?;
        Incident::fold(&entries).ok()
    })
}

fn newest<K: Ord>(found: &mut BTreeMap<K, DateTime<Utc>>, key: K, at: DateTime<Utc>) {
    let known = found.entry(key).or_insert(at);
    *known = at.max(*known);
}

/// Every act that was done, with its end.
fn done(incident: &Incident) -> impl Iterator<Item = (&Resolved, DateTime<Utc>)> {
    let steps = incident.walks.iter().flat_map(|walk| walk.steps.values());
    let attempts = steps
        .flat_map(|step| step.actions.values())
        .flat_map(|action| &action.attempts);
    attempts.filter_map(|attempt| {
        let ended = attempt.ended.as_ref()?;
        let done = matches!(ended.outcome, Outcome::Done { .. });
        done.then_some((&attempt.intent.resolved, ended.at))
    })
}

/// A restore is proven by the rows that are there after it.
fn proves_a_restore(resolved: &Resolved) -> bool {
    let counts = |check: &ResolvedCheck| {
        matches!(
            check,
            ResolvedCheck::Condition(Condition::Postgres(PgCondition::RowCounts { .. }))
        )
    };
    resolved.verify.iter().any(counts)
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
