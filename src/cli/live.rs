//! `warroom drill --live`: the console on real targets, of which only those that are marked are touched.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Common, complain, console, fail, say, site};
use crate::drill::report::{Held, render};
use crate::drill::scenario::Kind;
use crate::drill::score::{Asked, Finding, score};
use crate::incident::drills::Record;
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Exercise, Incident, Mode, Walk, digest};
use crate::incident::reading::{Failure, Verdict};
use crate::incident::runbook::Runbook;
use crate::incident::site::Site;
use crate::world::ledger::RealDisk;
use crate::world::{drillog, incidents, ledger, places, shelf};

/// The report's name in the incident's folder.
const REPORT: &str = "drill-report.md";

/// Starts a live drill; `runbook` is a file that joins the library.
pub fn live(common: &Common, runbook: Option<&PathBuf>) -> ExitCode {
    if common.site.is_none() {
        return fail("--live wants --site FILE: a live drill never begins on a site by accident");
    }
    let (_, site) = match site::read(common) {
        Ok(found) => found,
        Err(code) => return code,
    };
    if site.targets.iter().all(|target| !target.drill) {
        return fail(
            "no target of this site is marked for drills — add drill = true to those that may be touched",
        );
    }
    let root = match places::state_root(&site) {
        Ok(root) => root,
        Err(failure) => return fail(failure.to_string()),
    };
    if let Some(why) = left_over(&root, &site) {
        return fail(why);
    }
    let own = match runbook.map(|file| shelf::of_file(file)).transpose() {
        Ok(own) => own,
        Err(why) => return fail(why),
    };
    let code = console::drill(common, own);
    reports(common);
    code
}

/// Reports every drill of the site that is over and has no report yet; whoever leaves a console that may have ended one asks.
pub fn reports(common: &Common) {
    let parsed = site::path(common).and_then(|path| site::parse(&path).ok());
    let Some(site) = parsed.and_then(|(site, _)| site) else {
        return;
    };
    let reported = places::state_root(&site).and_then(|root| report_all(&root, &site));
    if let Err(failure) = reported {
        complain(failure.to_string());
    }
}

/// Reports and logs every drill of this site that is over and has no report yet.
fn report_all(root: &Path, site: &Site) -> Result<(), Failure> {
    for (id, dir) in incidents::list(root) {
        let path = dir.join(REPORT);
        let Ok((entries, _)) = ledger::read(&dir) else {
            continue;
        };
        let Ok(incident) = Incident::fold(&entries) else {
            continue;
        };
        let declared = &incident.declaration;
        let over = incident.resolved.is_some() && declared.mode == Mode::Drill;
        if !over || declared.site != site.name || path.exists() {
            continue;
        }
        let grade = report(&path, &incident, site, root)?;
        say(format!("DRILL {id}: {grade}"));
        say(format!("report: {}", path.display()));
    }
    Ok(())
}

/// What a live drill came to, by its journal: beside it, and in the log of drills.
fn report(
    path: &Path,
    incident: &Incident,
    site: &Site,
    root: &Path,
) -> Result<&'static str, Failure> {
    let fail = |what: String| places::local(path, &what, "warroom incident verify");
    let last = incident
        .entries
        .last()
        .ok_or_else(|| fail("the journal is empty".into()))?;
    let walked = incident.walks.first().map(|walk| &walk.chosen);
    let title = walked.map_or(incident.declaration.title.clone(), |chosen| {
        chosen.title.clone()
    });
    let kind = Kind::ComponentFailover;
    let asked = Asked::of_site(&title, kind, Mode::Drill, site);
    let finding = Finding {
        goals: Vec::new(),
        harms: Vec::new(),
        lost: None,
        integrity: Verdict::unknown("nobody measured it: say so in the report"),
        ended: last.at.clone(),
    };
    let score = score(&asked, Some(incident), &finding);
    let exercise = Exercise {
        scenario: walked.map_or("live".into(), |chosen| format!("walk:{}", chosen.runbook)),
        title,
        digest: walked.map_or(String::new(), |chosen| chosen.digest.clone()),
        seed: 0,
        began: incident.declared.wall,
    };
    let line = serde_json::to_vec(last).map_err(|e| fail(e.to_string()))?;
    let held = Held {
        asked: &asked,
        exercise: &exercise,
        by: &incident.declared_by.name,
        facilitator: None,
        site: &site.name,
        incident: Some(incident),
        finding: &finding,
        score: &score,
        head: &digest(&line),
    };
    let text = render(&held).map_err(|e| fail(format!("report: {e}")))?;
    ledger::replace(&RealDisk, path, text.as_bytes()).map_err(|e| fail(format!("write: {e}")))?;
    if let Some(record) = held.record() {
        drillog::append(root, &Record::Exercise(record))?;
    }
    Ok(score.grade.word())
}

/// What an earlier drill of this site left standing: a step that is owed always, an act that runs or whose end nobody knows.
fn left_over(root: &Path, site: &Site) -> Option<String> {
    let drills = incidents::list(root).into_iter().filter_map(|(id, dir)| {
        let (entries, _) = ledger::read(&dir).ok()?;
        let incident = Incident::fold(&entries).ok()?;
        let declared = &incident.declaration;
        let of_site = declared.mode == Mode::Drill && declared.site == site.name;
        of_site.then_some((id, dir, incident))
    });
    drills.into_iter().find_map(|(id, dir, incident)| {
        let runbooks = incidents::runbooks(&dir, &incident).unwrap_or_default();
        let walks = incident.walks.iter();
        let what = walks.into_iter().find_map(|walk| {
            let runbook = runbooks.get(&walk.chosen.walk)?;
            owed(walk, runbook).or_else(|| unsettled(walk))
        });
        let waived = |what: &String| {
            let mut notes = incident.entries.iter();
            notes.any(|entry| entry.waives(what))
        };
        let what = what.filter(|what| !waived(what))?;
        Some(format!(
            "{id} left something standing: {what} — warroom open {id} --site FILE, and see to it first"
        ))
    })
}

/// A step that is owed always, of a walk that was begun, and that is neither done nor skipped.
fn owed(walk: &Walk, runbook: &Runbook) -> Option<String> {
    let begun = !walk.steps.is_empty();
    let always = runbook
        .steps
        .iter()
        .filter(|step| begun && step.card.always);
    let open = always.into_iter().find(|step| {
        let state = walk.steps.get(&step.id);
        state.is_none_or(|state| {
            let acts = state.actions.values();
            let done = acts.into_iter().any(|act| act.phase() == Phase::Done);
            state.skipped.is_none() && !done && state.ticks.is_empty()
        })
    });
    open.map(|step| step.title.clone())
}

/// An act that runs still, or of which nobody can say how it ended.
fn unsettled(walk: &Walk) -> Option<String> {
    let acts = walk.steps.values().flat_map(|step| step.actions.iter());
    let open = acts
        .into_iter()
        .find(|(_, act)| matches!(act.phase(), Phase::Running | Phase::Unknown));
    open.map(|(action, _)| format!("{action} of {}", walk.chosen.title))
}
