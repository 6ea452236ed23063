//! What a live drill may touch: targets that are marked for it (`drill = true`), and nothing whose targets it does not know.

use super::acts::Act;
use super::acts::redis::RedisAct;
use super::journal::Resolved;
use super::names::TargetId;
use super::runbook::{Code, http_method};
use super::site::{Endpoint, Site};

/// Every target an act touches.
pub fn touched(resolved: &Resolved) -> Vec<&TargetId> {
    let own: Vec<&TargetId> = match &resolved.code {
        Code::Sql { on, .. } | Code::Redis { on, .. } => vec![on],
        Code::Act {
            act: Act::Redis(RedisAct::Follow { target, of }),
        } => vec![target, of],
        Code::Act { act } => act.target().into_iter().collect(),
        Code::Shell { .. } | Code::Http { .. } => Vec::new(),
    };
    let mut all: Vec<&TargetId> = Vec::new();
    for target in own
        .into_iter()
        .chain(&resolved.with)
        .chain(&resolved.guards)
    {
        if !all.contains(&target) {
            all.push(target);
        }
    }
    all
}

/// Whether a live drill may carry an act out.
///
/// # Errors
/// Which target is not marked, or why nobody can tell what would be touched.
pub fn touchable(resolved: &Resolved, site: &Site) -> Result<(), String> {
    let targets = touched(resolved);
    for id in &targets {
        let target = site.target(id);
        let target = target.ok_or_else(|| format!("the site has no target {id}"))?;
        if !target.drill {
            return Err(format!(
                "{id} is not marked for drills (drill = true in the site file)"
            ));
        }
    }
    match &resolved.code {
        Code::Shell { .. } if targets.is_empty() => {
            Err("a shell in a drill says what it touches: add with=TARGET behind the fence".into())
        }
        Code::Http { text } => http(text, site),
        Code::Shell { .. } | Code::Sql { .. } | Code::Redis { .. } | Code::Act { .. } => Ok(()),
    }
}

/// A request that changes something goes to an endpoint that is marked.
fn http(text: &str, site: &Site) -> Result<(), String> {
    if matches!(http_method(text), Some("GET" | "HEAD")) {
        return Ok(());
    }
    let url = text.split_whitespace().find(|word| word.contains("://"));
    let place = url.and_then(place);
    let marked = site.targets.iter().filter(|target| target.drill);
    let known = marked
        .filter_map(|target| match &target.endpoint {
            Endpoint::Http(at) => self::place(&at.url),
            _ => None,
        })
        .any(|marked| Some(marked) == place);
    match known {
        true => Ok(()),
        false => Err(format!(
            "{} is no endpoint that is marked for drills",
            url.unwrap_or("the request's address")
        )),
    }
}

/// Scheme, host and port of an address.
fn place(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let end = url[start..]
        .find(['/', '?', '#'])
        .map_or(url.len(), |n| start + n);
    Some(&url[..end])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::super::acts::postgres::PgAct;
    use super::super::journal::Mode;
    use super::super::judge::sights::{http_target, pg_target, redis_target, site};
    use super::super::names::RunbookId;
    use super::super::runbook::{ActionRef, Danger, Role, Shell, Vars};
    use super::*;

    fn resolved(code: Code, with: &[&str]) -> Resolved {
        Resolved {
            action: ActionRef {
                walk: 1,
                step: "do".into(),
                index: 1,
                role: Role::Run,
            },
            step_title: "Do".into(),
            attempt: 1,
            mode: Mode::Drill,
            site: "test".into(),
            site_digest: String::new(),
            runbook: RunbookId::from("r"),
            runbook_digest: String::new(),
            code,
            targets: vec![],
            vars: Vars::new(),
            secrets: BTreeMap::new(),
            with: with.iter().map(|id| TargetId::from(*id)).collect(),
            expect: None,
            keep_as: None,
            path: None,
            keep_secret: false,
            guards: None,
            danger: Danger::Change,
            phrase: None,
            checks: vec![],
            verify: vec![],
            every: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            estimate: None,
            capture: vec![],
            changed: vec![],
            hold: None,
            last_known: None,
            rto_ends: None,
            last_promotion: None,
        }
    }

    #[test]
    fn a_drill_touches_what_is_marked_and_nothing_it_does_not_know() {
        let mut marked = [
            pg_target("pg", "east"),
            redis_target("cache", "east", "c"),
            http_target("api", "east"),
        ];
        marked.iter_mut().for_each(|target| target.drill = true);
        let mut targets = marked.to_vec();
        targets.push(pg_target("prod", "east"));
        targets.push(redis_target("prod-cache", "east", "p"));
        targets.push(http_target("prod-api", "east"));
        let site = site(targets);
        let shell = |host: Option<&str>| Code::Shell {
            shell: Shell::Sh,
            script: "true".into(),
            host: host.map(str::to_owned),
        };
        let sql = |on: &str| Code::Sql {
            on: on.into(),
            text: "DELETE FROM t".into(),
            tx: false,
        };
        let checkpoint = |target: &str| Code::Act {
            act: Act::Postgres(PgAct::Checkpoint {
                target: target.into(),
            }),
        };
        let follow = |of: &str| Code::Act {
            act: Act::Redis(RedisAct::Follow {
                target: "cache".into(),
                of: of.into(),
            }),
        };
        let http = |text: &str| Code::Http { text: text.into() };
        let table: [(Code, &[&str], bool); 16] = [
            (checkpoint("pg"), &[], true),
            (checkpoint("prod"), &[], false),
            (checkpoint("nowhere"), &[], false),
            (follow("cache"), &[], true),
            (follow("prod-cache"), &[], false),
            (sql("pg"), &[], true),
            (sql("prod"), &[], false),
            (shell(None), &["pg"], true),
            (shell(None), &["pg", "prod"], false),
            (shell(None), &[], false),
            (shell(Some("host")), &[], false),
            (shell(Some("host")), &["pg"], true),
            (http("GET https://anywhere/"), &[], true),
            (http("POST http://api/drain"), &[], true),
            (http("POST http://prod-api/drain"), &[], false),
            (http("DELETE http://api.evil/x"), &[], false),
        ];
        for (code, with, allowed) in table {
            let resolved = resolved(code, with);
            let verdict = touchable(&resolved, &site);
            assert_eq!(
                verdict.is_ok(),
                allowed,
                "{:?} {with:?}: {verdict:?}",
                resolved.code
            );
        }
    }
}
