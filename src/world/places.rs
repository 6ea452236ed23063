//! Where things lie: the state root, an incident's folder, and where a journal goes when its own folder fails.

use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::Site;

/// `site.state_dir`, else `$XDG_STATE_HOME/warroom`, else `~/.local/state/warroom`. Not created here.
///
/// # Errors
/// When there is no home directory and the site names no folder.
pub fn state_root(site: &Site) -> Result<PathBuf, Failure> {
    if let Some(dir) = &site.state_dir {
        return Ok(dir.clone());
    }
    let base = directories::BaseDirs::new();
    let state = base
        .as_ref()
        .and_then(|base| base.state_dir())
        .map(|dir| dir.join("warroom"));
    state.ok_or_else(|| {
        Failure::new(
            FailureKind::Local,
            "state folder",
            "there is no home directory",
            "set HOME, or state_dir in the site file",
        )
    })
}

/// The folder that holds the incidents of a state root.
pub fn incidents(root: &Path) -> PathBuf {
    root.join("incidents")
}

/// The root of a state folder's tabletops: nothing that opens a real incident looks there.
pub fn tabletops(root: &Path) -> PathBuf {
    root.join("tabletops")
}

/// Where a journal goes on when its own folder fails, the nearest first: `$XDG_RUNTIME_DIR/warroom`, then
/// `/var/tmp/warroom-UID`. They need not exist.
pub fn fallbacks() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty());
    let uid = rustix::process::getuid().as_raw();
    let mut dirs: Vec<PathBuf> = runtime
        .map(|dir| PathBuf::from(dir).join("warroom"))
        .into_iter()
        .collect();
    dirs.push(PathBuf::from(format!("/var/tmp/warroom-{uid}")));
    dirs
}

/// Makes a folder that only its owner may enter, or checks that the one which is there is so: not a link, the user's own,
/// nothing for group and others.
///
/// # Errors
/// The sentence says what is wrong and what to do.
pub fn private_dir(path: &Path) -> Result<(), Failure> {
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(local(path, &format!("mkdir: {error}"), "")),
    }
    let seen =
        std::fs::symlink_metadata(path).map_err(|e| local(path, &format!("stat: {e}"), ""))?;
    let uid = rustix::process::getuid().as_raw();
    match (seen.is_dir(), seen.uid() == uid, seen.mode() & 0o077) {
        (true, true, 0) => Ok(()),
        (false, ..) => Err(local(path, "is not a folder", "move it away")),
        (_, false, _) => Err(local(path, "belongs to another user", "move it away")),
        _ => {
            let advice = format!("chmod 700 {}", path.display());
            Err(local(path, "others may look into it", &advice))
        }
    }
}

/// Makes the state root with the folders above it, or checks the one that is there: a team that shares a host may share it
/// by a group; others must have no right in it.
///
/// # Errors
/// The sentence says what is wrong and what to do.
pub fn shared_root(path: &Path) -> Result<(), Failure> {
    let made = std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path);
    made.map_err(|e| {
        local(
            path,
            &format!("mkdir: {e}"),
            "set state_dir in the site file",
        )
    })?;
    let seen = std::fs::metadata(path).map_err(|e| local(path, &format!("stat: {e}"), ""))?;
    if seen.mode() & 0o007 != 0 {
        let advice = format!("chmod o= {}", path.display());
        return Err(local(path, "others may look into it", &advice));
    }
    Ok(())
}

/// A failure of this machine on a path.
pub fn local(path: &Path, what: &str, advice: &str) -> Failure {
    Failure::new(FailureKind::Local, path.display(), what, advice)
}
