//! Finding and reading the site file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::{Common, FAULTY, complain, fail};
use crate::incident::fault::{Fault, Weight};
use crate::incident::site::Site;
use crate::incident::sitefile;
use crate::world::shelf;

/// The site file's path: as given, else the user's own where there is one.
pub fn path(common: &Common) -> Option<PathBuf> {
    let given = common.site.clone();
    given.or_else(|| own().filter(|own| own.is_file()))
}

/// Where the user's own site file is, or would be.
pub fn own() -> Option<PathBuf> {
    Some(shelf::config_dir()?.join("site.toml"))
}

/// Reads the site: its absolute path and what it says. Faults are printed, all of them; nothing is started then.
pub fn read(common: &Common) -> Result<(PathBuf, Arc<Site>), ExitCode> {
    let Some(path) = path(common) else {
        let own = own()
            .map(|own| own.display().to_string())
            .unwrap_or_default();
        return Err(fail(format!(
            "no site file: {own} is not there — write one (warroom init), name one with --site FILE, or practise without one: warroom drill"
        )));
    };
    let path = fs::canonicalize(&path)
        .map_err(|e| fail(format!("{}: {e} — check --site", path.display())))?;
    let (site, faults) = parse(&path).map_err(fail)?;
    match site {
        Some(site) if faults.iter().all(|f| f.weight == Weight::Warning) => {
            Ok((path, Arc::new(site)))
        }
        _ => {
            print(&faults);
            Err(ExitCode::from(FAULTY))
        }
    }
}

/// Parses a site file.
pub fn parse(path: &Path) -> Result<(Option<Site>, Vec<Fault>), String> {
    let name = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|e| format!("{name}: {e}"))?;
    let base = path.parent().unwrap_or(Path::new("/"));
    Ok(sitefile::parse(&name, &text, base))
}

/// Prints faults to standard error, a line each.
pub fn print(faults: &[Fault]) {
    for fault in faults {
        complain_plain(&fault.to_string());
    }
    let count = faults.iter().filter(|f| f.weight == Weight::Fault).count();
    if count > 0 {
        complain(format!(
            "{count} fault{} — nothing was started",
            if count == 1 { "" } else { "s" }
        ));
    }
}

fn complain_plain(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
