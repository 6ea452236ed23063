//! Locks of actions and targets. What a runner starts inherits them: while an orphan lives, a retry is refused.

use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use crate::incident::journal::Resolved;
use crate::incident::names::TargetId;
use crate::incident::reading::Failure;
use crate::incident::runbook::Code;
use crate::world::places;

/// Locks that are held as long as this, or anything that was started since, lives.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "held, not read")] Vec<OwnedFd>);

/// Why there is no lock.
#[derive(Debug)]
pub(super) enum NotHeld {
    /// Somebody else has it: what it is the lock of.
    Taken(String),
    /// It could not be tried.
    Failed(Failure),
}

/// Takes the action's lock (in its incident) and its targets' locks (across incidents), or none of them.
pub(super) fn take(root: &Path, incident: &Path, resolved: &Resolved) -> Result<Held, NotHeld> {
    let action = &resolved.action;
    let name = format!(
        "{}-{}-{:?}-{}",
        action.walk, action.step, action.role, action.index
    );
    let mut held = vec![one(&incident.join("locks"), &name, &action.to_string())?];
    for target in targets(resolved) {
        held.push(one(&root.join("locks"), target.as_str(), target.as_str())?);
    }
    Ok(Held(held))
}

/// Every target the act touches, in one order for all.
fn targets(resolved: &Resolved) -> Vec<TargetId> {
    let named = resolved.targets.iter().map(|place| place.target.clone());
    let on = match &resolved.code {
        Code::Sql { on, .. } | Code::Redis { on, .. } => Some(on.clone()),
        Code::Act { act } => act.target().cloned(),
        Code::Shell { .. } | Code::Http { .. } => resolved.guards.clone(),
    };
    let mut all: Vec<_> = named
        .chain(on)
        .chain(resolved.with.iter().cloned())
        .collect();
    all.sort();
    all.dedup();
    all
}

fn one(dir: &Path, name: &str, of: &str) -> Result<OwnedFd, NotHeld> {
    let path = dir.join(name.replace(['/', '\0'], "_"));
    let fail = |e: io::Error| NotHeld::Failed(places::local(&path, &format!("lock: {e}"), ""));
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(fail(e)),
        _ => {}
    }
    // Not close-on-exec: the lock lives as long as the last process that has this descriptor.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW;
    let fd = rustix::fs::open(&path, flags, Mode::RUSR | Mode::WUSR).map_err(|e| fail(e.into()))?;
    match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(fd),
        Err(Errno::WOULDBLOCK) => Err(NotHeld::Taken(of.to_owned())),
        Err(e) => Err(fail(e.into())),
    }
}
