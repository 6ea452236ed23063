//! What a runbook needs, looked for before its first step: programs on the path, targets that answer.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use futures_util::future::join_all;

use super::{Systems, watch};
use crate::incident::acts::Act;
use crate::incident::names::TargetId;
use crate::incident::reading::Verdict;
use crate::incident::site::Site;

/// Looks for each name: a target of the site answers, else a program of that name is on the path.
pub async fn look(wanted: &[String], site: &Site, systems: &Systems) -> Vec<(String, Verdict)> {
    let looks = wanted.iter().map(|name| async move {
        let target = TargetId(name.clone());
        let verdict = match (site.target(&target), systems.get(&target)) {
            (Some(target), Some(system)) => {
                match watch::look(target, system, &systems.clock)
                    .await
                    .reading
                    .value
                {
                    Ok(_) => Verdict::measured(true, "answers"),
                    Err(failure) => Verdict::measured(false, failure.to_string()),
                }
            }
            _ if systems.stage.is_some() => {
                Verdict::measured(true, "taken to be there: this is an exercise")
            }
            _ => program(name),
        };
        (name.clone(), verdict)
    });
    join_all(looks).await
}

/// What the logins of the site's targets may not do, of what the acts do to them: those that name a target, and those of which a
/// variable will.
pub async fn forbidden(acts: &[Act], site: &Site, systems: &Systems) -> Vec<(String, Verdict)> {
    let asked = site.targets.iter().map(|target| async move {
        let on_it = |act: &&Act| {
            let named = act.target();
            named.is_some_and(|id| *id == target.id || id.as_str().starts_with('$'))
        };
        let acts: Vec<Act> = acts.iter().filter(on_it).cloned().collect();
        let forbidden = match systems.get(&target.id) {
            Some(system) => system.forbidden(&acts).await,
            None => Vec::new(),
        };
        let name = target.id.to_string();
        forbidden
            .into_iter()
            .map(move |verdict| (name.clone(), verdict))
            .collect::<Vec<_>>()
    });
    join_all(asked).await.into_iter().flatten().collect()
}

fn program(name: &str) -> Verdict {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let files = std::env::split_paths(&folders).map(|folder| folder.join(name));
    match files.into_iter().find(|path| executable(path)) {
        Some(path) => Verdict::measured(true, path.display().to_string()),
        None => Verdict::measured(
            false,
            format!("{name} is neither a target of the site nor a program on the path"),
        ),
    }
}

fn executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
