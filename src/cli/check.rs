//! `warroom check`: every fault of every file, in one go.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use chrono::Utc;

use super::{Common, FAULTY, block_on, fail, say, site};
use crate::console::event::Loaded;
use crate::console::keymap;
use crate::drill::scenario;
use crate::incident::acts::Act;
use crate::incident::fault::{Fault, Source, Weight, nearest};
use crate::incident::names::RunbookId;
use crate::incident::reading::{Holds, Verdict};
use crate::incident::runbook::{self, Code};
use crate::incident::site::Site;
use crate::screen::theme;
#[cfg(feature = "aws")]
use crate::systems::logins;
use crate::systems::registry;
use crate::tabletop::scenarios;
use crate::world::{Systems, preflight, shelf};

/// Checks the files given; without any, the site file and everything it uses, and `live` the targets themselves.
pub fn check(common: &Common, files: &[PathBuf], live: bool) -> ExitCode {
    let mut faults = Vec::new();
    let mut looked = 0;
    let path = site::path(common);
    let site = match path.as_deref().map(site::parse) {
        Some(Ok((site, found))) => {
            looked += 1;
            faults.extend(found);
            site
        }
        Some(Err(why)) => return fail(why),
        None => {
            say("no site file: what depends on one is not checked — name it with --site FILE");
            None
        }
    };
    if files.is_empty() {
        looked += everything(path.as_deref(), site.as_ref(), &mut faults);
    }
    let files = match opened(files) {
        Ok(files) => files,
        Err(why) => return fail(why),
    };
    for file in &files {
        looked += 1;
        match shelf::text(file) {
            Ok(text) => faults.extend(one(file, &text, site.as_ref())),
            Err(e) => return fail(format!("{}: {e}", file.display())),
        }
    }
    let told = report(&faults, looked);
    match site.filter(|_| live) {
        Some(site) if targets(&site) > 0 => ExitCode::from(FAULTY),
        Some(_) => told,
        None if live => fail("nothing can be looked at without a site file that has no fault"),
        None => told,
    }
}

/// The files, and those of each folder: Markdown and TOML, by name.
fn opened(files: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut opened = Vec::new();
    for file in files {
        if !file.is_dir() {
            opened.push(file.clone());
            continue;
        }
        let entries = fs::read_dir(file).map_err(|e| format!("{}: {e}", file.display()))?;
        let ours = |path: &PathBuf| path.extension().is_some_and(|e| e == "md" || e == "toml");
        let mut inside: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(ours).collect();
        inside.sort();
        if inside.is_empty() {
            let what = "holds no Markdown and no TOML file";
            return Err(format!("{}: {what}", file.display()));
        }
        opened.extend(inside);
    }
    Ok(opened)
}

/// Every rule for runbooks by its code, with the reason for it.
pub fn rules() -> ExitCode {
    let codes = runbook::codes();
    let width = codes.keys().map(|code| code.len()).max().unwrap_or(0);
    for (code, why) in codes {
        say(format!("{code:<width$}  {why}"));
    }
    say(
        "\nOne is allowed on a line by a comment there, or alone on the line before: # warroom: allow CODE — REASON",
    );
    ExitCode::SUCCESS
}

/// Looks once at each target, for each program that a runbook of the site needs, and for what the runbooks' acts may not do;
/// returns how many failed.
fn targets(site: &Site) -> usize {
    let targets = site.targets.iter().map(|target| target.id.0.clone());
    let library = shelf::runbooks(site);
    let needed = library
        .iter()
        .flat_map(|loaded| loaded.runbook.card.requires.iter().cloned());
    let mut wanted: Vec<String> = targets.collect();
    let programs: BTreeSet<String> = needed.filter(|name| !wanted.contains(name)).collect();
    wanted.extend(programs);
    let systems = Systems::real(registry::open(site));
    let acts = acts(&library);
    let looks = async {
        tokio::join!(
            preflight::look(&wanted, site, &systems),
            logins(site),
            preflight::forbidden(&acts, site, &systems)
        )
    };
    let (mut found, logins, forbidden) = match block_on(looks) {
        Ok(found) => found,
        Err(why) => {
            fail(format!("the runtime can't be started: {why}"));
            return 1;
        }
    };
    found.extend(logins.into_iter().chain(forbidden));
    for (name, verdict) in &found {
        let mark = match verdict.holds {
            Holds::Yes => '✔',
            Holds::No => '✖',
            Holds::Unknown => '?',
        };
        say(format!("{mark} {name}: {}", verdict.saw));
    }
    // What can't be asked is said, and is no fault: few logins may ask what they may do.
    found
        .iter()
        .filter(|(_, verdict)| verdict.holds == Holds::No)
        .count()
}

#[cfg(feature = "aws")]
async fn logins(site: &Site) -> Vec<(String, Verdict)> {
    logins::ends(site).await
}

#[cfg(not(feature = "aws"))]
async fn logins(_: &Site) -> Vec<(String, Verdict)> {
    Vec::new()
}

/// Every typed act of the runbooks.
fn acts(library: &[Loaded]) -> Vec<Act> {
    let steps = library.iter().flat_map(|loaded| &loaded.runbook.steps);
    let actions = steps.flat_map(|step| step.actions().chain(&step.rollback));
    let acts = actions.filter_map(|action| match &action.code {
        Code::Act { act } => Some(act.clone()),
        _ => None,
    });
    acts.collect()
}

/// Theme, keymap, runbooks and scenarios of the site; the built-in ones too. Returns how many files were looked at.
fn everything(path: Option<&Path>, site: Option<&Site>, faults: &mut Vec<Fault>) -> usize {
    let empty = Site::empty();
    let site = site.unwrap_or(&empty);
    match shelf::theme(&site.theme) {
        Ok(text) => faults.extend(theme::parse(&text.name, &text.text).1),
        Err(fault) => faults.push(fault),
    }
    if let Err(found) = shelf::keymap(&site.keymap) {
        faults.extend(found);
    }
    let library = shelf::runbooks(site);
    for loaded in &library {
        faults.extend(check_runbook(
            &loaded.origin,
            &loaded.text,
            &loaded.runbook.id,
            Some(site),
        ));
    }
    if let Some(path) = path {
        faults.extend(filled_in_for_nothing(path, site, &library));
    }
    let scenarios = scenarios::all();
    faults.extend(scenarios.iter().flat_map(|found| found.read().1));
    library.len() + scenarios.len() + 2
}

/// Values of `[vars.RUNBOOK]` for runbooks and variables that are not there.
fn filled_in_for_nothing(path: &Path, site: &Site, library: &[Loaded]) -> Vec<Fault> {
    let text = shelf::text(path).unwrap_or_default();
    let name = path.display().to_string();
    let source = Source::new(&name, &text);
    let mut faults = Vec::new();
    for (id, values) in &site.vars {
        let head = text.find(&format!("[vars.{id}]")).unwrap_or_default();
        let Some(loaded) = library.iter().find(|loaded| &loaded.runbook.id == id) else {
            let ids = library.iter().map(|loaded| loaded.runbook.id.as_str());
            let instead = nearest(id.as_str(), ids).map_or("warroom runbook list".into(), |near| {
                format!("did you mean {near}?")
            });
            let what = format!("there is no runbook {id}");
            faults.push(source.fault(&(head..head), what, instead));
            continue;
        };
        let vars = &loaded.runbook.card.vars;
        for name in values.keys() {
            let wrong = match vars.iter().find(|var| &var.name == name) {
                Some(var) if var.secret => format!("{name} is a secret, and is never filled in"),
                Some(_) => continue,
                None => format!("{id} has no variable {name}"),
            };
            let at = head + text[head..].find(name.as_str()).unwrap_or_default();
            faults.push(source.fault(&(at..at), wrong, "take it out"));
        }
    }
    faults
}

/// One file, by what it is: Markdown is a runbook; TOML is a theme, a keymap, a scenario or a site by where it lies and what it says.
fn one(path: &Path, text: &str, site: Option<&Site>) -> Vec<Fault> {
    let name = path.display().to_string();
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .map(|f| f.to_string_lossy().into_owned());
    if path.extension().is_some_and(|e| e == "md") {
        let stem = path
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned())
            .unwrap_or_default();
        let mut faults = check_runbook(&name, text, &RunbookId(stem), site);
        faults.extend(shelf::writable_by_others(path).map(|why| Fault {
            file: name,
            line: 1,
            col: 1,
            what: "this runbook will be forbidden".into(),
            instead: why,
            weight: Weight::Fault,
            code: "",
        }));
        return faults;
    }
    match folder.as_deref() {
        Some("themes") => theme::parse(&name, text).1,
        Some("keymaps") => keymap::parse(&name, text).1,
        Some("scenarios") => scenario::parse(&name, &name, text).1,
        _ => site::parse(path)
            .map(|(_, faults)| faults)
            .unwrap_or_default(),
    }
}

fn check_runbook(name: &str, text: &str, id: &RunbookId, site: Option<&Site>) -> Vec<Fault> {
    runbook::check(name, text, id.clone(), site, Utc::now().date_naive())
}

fn report(faults: &[Fault], looked: usize) -> ExitCode {
    let mut faults = faults.to_vec();
    faults.sort();
    faults.dedup();
    for fault in &faults {
        say(fault.to_string());
    }
    let grave = faults.iter().filter(|f| f.weight == Weight::Fault).count();
    let warnings = faults.len() - grave;
    say(format!(
        "{looked} files checked: {grave} faults, {warnings} warnings"
    ));
    if grave == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAULTY)
    }
}
