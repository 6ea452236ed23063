//! Scenarios from two places: the user's own folder first, then what is built in.

use std::fs;

use crate::console::event::Loaded;
use crate::drill::scenario::{Scenario, built_in, parse};
use crate::incident::fault::{Fault, nearest};
use crate::incident::site::Site;
use crate::world::shelf;

/// A scenario's text and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file's stem.
    pub id: String,
    /// Its path, or `built in: scenarios/NAME.toml`.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl Found {
    /// Reads it: the scenario, where nothing is wrong with it, and every fault.
    pub fn read(&self) -> (Option<Scenario>, Vec<Fault>) {
        parse(&self.name, &self.id, &self.text)
    }
}

/// Every scenario; one that stands in both places is the user's.
pub fn all() -> Vec<Found> {
    let mut found = own();
    for (id, text) in built_in::SCENARIOS {
        if found.iter().all(|one| one.id != *id) {
            found.push(Found {
                id: (*id).to_owned(),
                name: format!("built in: scenarios/{id}.toml"),
                text: (*text).to_owned(),
            });
        }
    }
    found
}

/// The scenario of that name; without one, the first that is built in.
///
/// # Errors
/// In a sentence that says what there is.
pub fn find(name: Option<&str>) -> Result<Found, String> {
    let first = built_in::SCENARIOS.first().map(|(id, _)| *id);
    let wanted = name.or(first).unwrap_or_default();
    let all = all();
    if let Some(found) = all.iter().find(|one| one.id == wanted) {
        return Ok(found.clone());
    }
    let near = nearest(wanted, all.iter().map(|one| one.id.as_str()));
    let advice = near.map_or("warroom drill --list".into(), |near| {
        format!("did you mean {near}?")
    });
    Err(format!("{wanted}: no such scenario — {advice}"))
}

/// Runbooks that can be chosen in an exercise: those of every site, and those that need a simulated one to show all. Of a name
/// that both have, the exercise takes its own, written for its sites, unless the user has one.
pub fn library(site: &Site) -> Vec<Loaded> {
    shelf::runbooks_with(site, &[("drill runbooks", built_in::RUNBOOKS)])
}

/// TOML files of the user's folder, by name; none when there is no such folder.
fn own() -> Vec<Found> {
    let folder = shelf::config_dir().map(|dir| dir.join("scenarios"));
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    let mut paths: Vec<_> = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .collect();
    paths.sort();
    let read = paths.into_iter().filter_map(|path| {
        Some(Found {
            id: path.file_stem()?.to_string_lossy().into_owned(),
            name: path.display().to_string(),
            text: fs::read_to_string(&path).ok()?,
        })
    });
    read.collect()
}
