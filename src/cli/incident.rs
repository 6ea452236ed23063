//! `warroom incident`: what was recorded, and whether it is whole.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::{Common, FAULTY, fail, say, site};
use crate::incident::journal::{Entry, Fact, Incident, Mode};
use crate::incident::measure::Span;
use crate::incident::postmortem::rows;
use crate::incident::site::Site;
use crate::world::{incidents, ledger, places};

/// What can be done with incidents.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every incident: id, mode, severity, state, title
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// An incident's timeline
    Show {
        /// `INC-2026-0007`
        incident: String,
        /// Its entries as JSON lines
        #[arg(long)]
        json: bool,
    },
    /// Print an incident's post-mortem, or write it beside its journal
    Postmortem {
        /// `INC-2026-0007`
        incident: String,
        /// Write `postmortem.md` beside the journal instead of printing
        #[arg(long)]
        write: bool,
    },
    /// Check an incident's journal: every line read, every digest compared
    Verify {
        /// `INC-2026-0007`
        incident: String,
    },
}

/// Carries a command out.
pub fn run(common: &Common, command: Command) -> ExitCode {
    let site = match site::path(common) {
        // Incidents can be read without a site file, as long as none was named.
        None => Site::empty(),
        Some(_) => match site::read(common) {
            Ok((_, site)) => (*site).clone(),
            Err(code) => return code,
        },
    };
    let root = match places::state_root(&site) {
        Ok(root) => root,
        Err(failure) => return fail(failure.to_string()),
    };
    let done = match command {
        Command::List { json } => list(&root, json),
        Command::Show { incident, json } => show(&root, &incident, json),
        Command::Postmortem { incident, write } => postmortem(&root, &site, &incident, write),
        Command::Verify { incident } => return verify(&root, &incident),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => fail(why),
    }
}

fn read(dir: &Path) -> Result<(Vec<Entry>, Incident), String> {
    let (entries, _) = ledger::read(dir).map_err(|failure| failure.to_string())?;
    let incident = Incident::fold(&entries).map_err(|gap| format!("{}: {gap}", dir.display()))?;
    Ok((entries, incident))
}

fn list(root: &Path, as_json: bool) -> Result<(), String> {
    let all = incidents::list(root);
    if all.is_empty() && !as_json {
        say(format!("no incidents under {}", root.display()));
    }
    let mut rows = Vec::new();
    for (id, dir) in all {
        let Ok((_, incident)) = read(&dir) else {
            say(format!(
                "{id:<16} its journal can't be read — warroom incident verify {id}"
            ));
            continue;
        };
        let state = if incident.resolved.is_some() {
            "resolved"
        } else {
            "open"
        };
        let declared = incident
            .declared
            .wall
            .format("%Y-%m-%d %H:%M:%S UTC")
            .to_string();
        let declaration = &incident.declaration;
        match as_json {
            true => rows.push(json!({
                "id": id, "mode": declaration.mode, "severity": incident.severity, "state": state,
                "declared": incident.declared.wall, "title": declaration.title,
                "resolved": incident.resolved.as_ref().map(|(at, _)| at),
            })),
            false => {
                let mode = match declaration.mode {
                    Mode::Real => String::new(),
                    other => format!("{other}  "),
                };
                let severity = &incident.severity;
                say(format!(
                    "{id:<16} {declared}  {severity:<8} {state:<9} {mode}{}",
                    declaration.title
                ));
            }
        }
    }
    if as_json {
        say(serde_json::to_string_pretty(&rows).map_err(|e| e.to_string())?);
    }
    Ok(())
}

fn show(root: &Path, name: &str, as_json: bool) -> Result<(), String> {
    let dir = incidents::find(root, Some(name))?;
    let (entries, incident) = read(&dir)?;
    if as_json {
        for entry in &entries {
            say(serde_json::to_string(entry).map_err(|e| e.to_string())?);
        }
        return Ok(());
    }
    say(format!(
        "{name}  {}  {}  {}",
        incident.severity, incident.declaration.mode, incident.declaration.title
    ));
    for entry in &entries {
        if let Some(line) = rows::line(entry) {
            let at = entry.at.wall.format("%Y-%m-%d %H:%M:%S");
            say(format!("{at}  {:<10} {line}", entry.actor.name));
        }
    }
    if let Some((at, _)) = &incident.resolved {
        let took = (*at - incident.declared.wall).to_std().unwrap_or_default();
        say(format!("resolved after {}", Span(took)));
    }
    Ok(())
}

fn postmortem(root: &Path, site: &Site, name: &str, write: bool) -> Result<(), String> {
    let dir = incidents::find(root, Some(name))?;
    if write {
        let (path, _) =
            incidents::write_postmortem(&dir, site).map_err(|failure| failure.to_string())?;
        say(path);
        return Ok(());
    }
    let (text, _) =
        incidents::render_postmortem(&dir, site).map_err(|failure| failure.to_string())?;
    say(text.trim_end());
    Ok(())
}

fn verify(root: &Path, name: &str) -> ExitCode {
    let dir = match incidents::find(root, Some(name)) {
        Ok(dir) => dir,
        Err(why) => return fail(why),
    };
    let (entries, mut troubles) = match ledger::read(&dir) {
        Ok((entries, troubles)) => (
            entries,
            troubles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ),
        Err(failure) => return fail(failure.to_string()),
    };
    if let Err(gap) = Incident::fold(&entries) {
        troubles.push(gap.to_string());
    }
    troubles.extend(report_altered(&dir, &entries));
    for trouble in &troubles {
        say(trouble);
    }
    match troubles.len() {
        0 => {
            say(format!(
                "{name}: {} entries, the chain is whole",
                entries.len()
            ));
            ExitCode::SUCCESS
        }
        n => {
            say(format!("{name}: {n} findings in {} entries", entries.len()));
            ExitCode::from(FAULTY)
        }
    }
}

/// The newest post-mortem names the digest of the line before it: it is there still, or the journal was altered.
fn report_altered(dir: &Path, entries: &[Entry]) -> Option<String> {
    use crate::incident::journal::Note;
    let named = entries.iter().rev().find_map(|e| match &e.fact {
        Fact::Note(Note::PostMortem { head, .. }) => Some((head, &e.prev)),
        _ => None,
    })?;
    let (head, prev) = named;
    (head != prev).then(|| {
        format!(
            "{}: the post-mortem was made from another journal (it names {head})",
            dir.display()
        )
    })
}
