//! Files that come from two places: the user's own first, then what is built in.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use directories::ProjectDirs;

use crate::console::event::{Loaded, Place};
use crate::console::keymap::{self, Keymap};
use crate::incident::fault::{Fault, Weight, nearest};
use crate::incident::journal::digest;
use crate::incident::names::RunbookId;
use crate::incident::runbook::{self, Runbook, RunbookCard};
use crate::incident::site::Site;

const KEYMAPS: &[(&str, &str)] = &[("default", include_str!("../../keymaps/default.toml"))];

const THEMES: &[(&str, &str)] = &[
    ("default", include_str!("../../themes/default.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// Files that are part of the program: names and texts.
pub type BuiltIn = &'static [(&'static str, &'static str)];

/// Files of `runbooks/`, by name.
macro_rules! runbooks {
    ($($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../runbooks/", $name, ".md")))),*]
    };
}

const RUNBOOKS: BuiltIn = runbooks! {
    "accidental-deletion"
    "after-incident"
    "application-recovery"
    "application-rollback"
    "automatic-failover"
    "backup-verification"
    "cluster-loss"
    "cluster-recovery"
    "cnpg-failover"
    "communication"
    "compose-cache"
    "compose-database"
    "container-crash"
    "data-corruption"
    "data-verification"
    "drill"
    "drill-full"
    "drill-rds-failover"
    "drill-rds-restore"
    "drill-secret-rotation"
    "ecs-service"
    "failback"
    "failover-verification"
    "full-activation"
    "full-restore"
    "gdpr-restore"
    "infrastructure-recovery"
    "knowledge-recovery"
    "manual-backup"
    "migration-rollback"
    "network"
    "new-host"
    "point-in-time-recovery"
    "preventive-checks"
    "rds-corruption"
    "rds-failover"
    "rds-restore"
    "rds-snapshot"
    "recovery-verification"
    "redis-kubernetes-failover"
    "redis-recovery"
    "redis-sentinel-failover"
    "region-failover-kubernetes"
    "region-outage-aws"
    "regional-failover"
    "restore-dump"
    "secret-rotation"
    "secrets-compromise"
    "stuck-queries"
    "vault-snapshot"
    "velero"
    "zone-loss"
};

/// A file's text with the name it has in faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its path, or `built in: themes/default.toml`.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// The user's configuration folder: `$XDG_CONFIG_HOME/warroom`.
pub fn config_dir() -> Option<PathBuf> {
    ProjectDirs::from("", "", "warroom").map(|dirs| dirs.config_dir().to_path_buf())
}

/// The theme of that name, as text: the screen parses it.
///
/// # Errors
/// A fault that names the themes there are.
pub fn theme(name: &str) -> Result<Text, Fault> {
    find("themes", name, THEMES)
}

/// The keymap of that name.
///
/// # Errors
/// Every fault of the file.
pub fn keymap(name: &str) -> Result<Keymap, Vec<Fault>> {
    let Text { name: file, text } = find("keymaps", name, KEYMAPS).map_err(|fault| vec![fault])?;
    match keymap::parse(&file, &text) {
        (Some(keymap), faults) if faults.iter().all(|f| f.weight == Weight::Warning) => Ok(keymap),
        (_, faults) => Err(faults),
    }
}

fn find(folder: &str, name: &str, built_in: &[(&str, &str)]) -> Result<Text, Fault> {
    if let Some(path) = config_dir().map(|dir| dir.join(folder).join(format!("{name}.toml")))
        && let Ok(text) = fs::read_to_string(&path)
    {
        return Ok(Text {
            name: path.display().to_string(),
            text,
        });
    }
    if let Some((_, text)) = built_in.iter().find(|(n, _)| *n == name) {
        return Ok(Text {
            name: format!("built in: {folder}/{name}.toml"),
            text: (*text).to_owned(),
        });
    }
    let names: Vec<&str> = built_in.iter().map(|(n, _)| *n).collect();
    let instead = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("built in: {}", names.join(", ")),
    };
    let file = format!("{folder}/{name}.toml");
    Err(Fault {
        file,
        line: 1,
        col: 1,
        what: "no such file".into(),
        instead,
        weight: Weight::Fault,
        code: "",
    })
}

/// The text of a file; bytes that are no UTF-8 stand as replacement characters, for a runbook is opened whatever it holds.
///
/// # Errors
/// Why it can't be read.
pub fn text(path: &Path) -> io::Result<String> {
    let bytes = fs::read(path)?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()))
}

/// Every runbook: the site's folder, the user's folder, then what is built in; a name found twice is taken from the
/// first place.
pub fn runbooks(site: &Site) -> Vec<Loaded> {
    runbooks_with(site, &[])
}

/// The same, with more that are built in (`drill runbooks`: names and texts), each before another built-in one of its name.
pub fn runbooks_with(site: &Site, more: &[(&str, BuiltIn)]) -> Vec<Loaded> {
    let mut found: Vec<Loaded> = Vec::new();
    let folders = site
        .runbooks
        .iter()
        .cloned()
        .chain(config_dir().map(|dir| dir.join("runbooks")));
    let files = folders.flat_map(|folder| markdown_files(&folder));
    for path in files {
        let Ok(text) = text(&path) else {
            continue;
        };
        let refused = writable_by_others(&path);
        add(
            &mut found,
            &path.display().to_string(),
            stem(&path),
            &text,
            refused,
        );
    }
    for (folder, files) in more {
        add_built_in(&mut found, folder, files);
    }
    let special = found.len();
    add_built_in(&mut found, "runbooks", RUNBOOKS);
    for loaded in found.iter_mut().skip(special) {
        loaded.place = Place::Any;
    }
    for loaded in &mut found {
        loaded.runbook = filled_in(site, &loaded.runbook);
    }
    found
}

fn add_built_in(found: &mut Vec<Loaded>, folder: &str, files: BuiltIn) {
    for (name, text) in files {
        let origin = format!("built in: {folder}/{name}.md");
        add(found, &origin, (*name).to_owned(), text, None);
    }
}

/// A runbook with the values that a site file has for it.
pub fn filled_in(site: &Site, runbook: &Arc<Runbook>) -> Arc<Runbook> {
    match site.vars.get(&runbook.id) {
        Some(values) => Arc::new(Runbook::clone(runbook).filled_in(values)),
        None => Arc::clone(runbook),
    }
}

/// The runbook of that file, or of that name among [`runbooks`].
///
/// # Errors
/// Why it can't be opened, with what to do.
pub fn runbook(site: &Site, name: &str) -> Result<Text, String> {
    let path = Path::new(name);
    if path.is_file() {
        let text = text(path).map_err(|e| format!("{name}: {e}"))?;
        return Ok(Text {
            name: name.to_owned(),
            text,
        });
    }
    let library = runbooks(site);
    let wanted = name.strip_suffix(".md").unwrap_or(name);
    if let Some(loaded) = library.iter().find(|l| l.runbook.id.as_str() == wanted) {
        return Ok(Text {
            name: loaded.origin.clone(),
            text: loaded.text.to_string(),
        });
    }
    let near = nearest(wanted, library.iter().map(|l| l.runbook.id.as_str()));
    let advice = near.map_or("warroom runbook list".into(), |near| {
        format!("did you mean {near}?")
    });
    Err(format!("{name}: no such runbook — {advice}"))
}

/// A runbook by its file, to be offered before all others.
///
/// # Errors
/// Why it can't be read, or its first fault.
pub fn of_file(path: &Path) -> Result<Loaded, String> {
    let name = path.display().to_string();
    let text = text(path).map_err(|e| format!("{name}: {e}"))?;
    let mut found = Vec::new();
    let refused = writable_by_others(path);
    add(&mut found, &name, stem(path), &text, refused);
    match found.pop() {
        Some(Loaded {
            refused: Some(why), ..
        }) => Err(why),
        Some(loaded) => Ok(Loaded {
            place: Place::Named,
            ..loaded
        }),
        None => Err(format!("{name}: is no runbook")),
    }
}

/// A runbook with faults stays in the list, refused with its first one: nobody should look for it at night.
pub fn add(
    found: &mut Vec<Loaded>,
    origin: &str,
    stem: String,
    text: &str,
    refused: Option<String>,
) {
    if found.iter().any(|l| l.runbook.id.as_str() == stem) {
        return;
    }
    let id = RunbookId(stem);
    let (runbook, faults) = runbook::parse(origin, text, id.clone());
    let fault = faults
        .iter()
        .find(|f| f.weight == Weight::Fault)
        .map(ToString::to_string);
    found.push(Loaded {
        runbook: Arc::new(runbook.unwrap_or_else(|| unreadable(id, text))),
        text: Arc::from(text),
        origin: origin.to_owned(),
        place: Place::Own,
        refused: refused.or(fault),
    });
}

/// What stands in the list for a runbook that can't be used.
fn unreadable(id: RunbookId, text: &str) -> Runbook {
    Runbook {
        title: id.to_string(),
        id,
        digest: digest(text.as_bytes()),
        card: RunbookCard::default(),
        carded: true,
        intro: Vec::new(),
        steps: Vec::new(),
    }
}

fn stem(path: &Path) -> String {
    path.file_stem()
        .map(|s| s.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Markdown files of a folder, by name; none when there is no such folder.
fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files
}

/// A runbook is code: a file or a folder above it that others may write is refused. A folder with the sticky bit (`/tmp`)
/// counts as safe for what is not directly in it.
pub fn writable_by_others(path: &Path) -> Option<String> {
    let full = fs::canonicalize(path).ok()?;
    full.ancestors().find_map(|place| {
        let mode = fs::metadata(place).ok()?.mode();
        let others = mode & 0o002 != 0;
        let sticky_above = mode & 0o1000 != 0 && place != full && Some(place) != full.parent();
        (others && !sticky_above)
            .then(|| format!("{} may be written by others: chmod o-w", place.display()))
    })
}
