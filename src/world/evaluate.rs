//! Evaluates what stands before and behind an act: guards, checks, verification. The console shows it in the question,
//! the runner asks it a last time.

use std::collections::BTreeMap;

use crate::console::event::Evaluation;
use crate::incident::acts::Condition;
use crate::incident::acts::postgres::PgCondition;
use crate::incident::acts::redis::RedisCondition;
use crate::incident::journal::{Resolved, ResolvedCheck};
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::Verdict;
use crate::incident::runbook::Code;
use crate::incident::site::Site;
use crate::systems::Shared;
use crate::world::exec;

/// Verdicts on everything that can be evaluated freely: typed conditions, `sql` in READ ONLY transactions, `http` GET and
/// HEAD. Checks that could do anything (`sh`, `redis`) are confirmed actions of their own and are left out.
pub async fn evaluate(
    resolved: &Resolved,
    site: &Site,
    systems: &BTreeMap<TargetId, Shared>,
    now: &Now,
) -> Evaluation {
    let (guards, checks, verify) = tokio::join!(
        judge_guards(resolved, site, systems, now),
        all("check", &resolved.checks, resolved, site, systems, now),
        all("verify", &resolved.verify, resolved, site, systems, now),
    );
    Evaluation {
        guards,
        checks,
        verify,
    }
}

/// Only the verification, as it is polled after an act.
pub async fn verification(
    resolved: &Resolved,
    site: &Site,
    systems: &BTreeMap<TargetId, Shared>,
    now: &Now,
) -> Vec<(String, Verdict)> {
    all("verify", &resolved.verify, resolved, site, systems, now).await
}

async fn all(
    role: &str,
    checks: &[ResolvedCheck],
    resolved: &Resolved,
    site: &Site,
    systems: &BTreeMap<TargetId, Shared>,
    now: &Now,
) -> Vec<(String, Verdict)> {
    let judged = (1..).zip(checks).map(|(number, check)| async move {
        let verdict = one(check, resolved, site, systems, now).await?;
        Some((name(role, number, check), verdict))
    });
    let judged = futures_util::future::join_all(judged).await;
    judged.into_iter().flatten().collect()
}

async fn one(
    check: &ResolvedCheck,
    resolved: &Resolved,
    site: &Site,
    systems: &BTreeMap<TargetId, Shared>,
    now: &Now,
) -> Option<Verdict> {
    match check {
        ResolvedCheck::Condition(condition) => {
            Some(judge_condition(condition, site, systems, now).await)
        }
        ResolvedCheck::Code { code, expect, .. } => {
            exec::check(site, &resolved.vars, code, expect.as_ref()).await
        }
    }
}

/// A check's name: stable from the question to the runner, for an override names what it covers.
fn name(role: &str, number: usize, check: &ResolvedCheck) -> String {
    match check {
        ResolvedCheck::Condition(condition) => {
            let (word, on) = words(condition);
            format!("{role} {number}: {word} {on}")
        }
        ResolvedCheck::Code { code, .. } => match code {
            Code::Sql { on, .. } => format!("{role} {number}: sql on {on}"),
            _ => format!("{role} {number}: http"),
        },
    }
}

/// A condition's word and what it is about.
fn words(condition: &Condition) -> (&'static str, String) {
    let id = |target: &TargetId| target.to_string();
    match condition {
        Condition::Reachable { target } => ("reachable", id(target)),
        Condition::Lag { of, .. } => ("lag", id(of)),
        Condition::Healthy { target } => ("healthy", id(target)),
        Condition::Backup { of, .. } => ("backup", of.to_string()),
        Condition::Region { healthy } => ("region", healthy.to_string()),
        Condition::Objective { .. } => ("objective", "rto_left".into()),
        Condition::Sum { file, .. } => ("sum", file.clone()),
        Condition::Postgres(condition) => match condition {
            PgCondition::Writable { target } => ("writable", id(target)),
            PgCondition::ReadOnly { target } => ("read_only", id(target)),
            PgCondition::Fenced { target } => ("fenced", id(target)),
            PgCondition::Loss { of, .. } => ("loss", id(of)),
            PgCondition::SameTimeline { targets } => ("same_timeline", list(targets)),
            PgCondition::RowCounts { of, .. } => ("row_counts", id(of)),
        },
        Condition::Redis(condition) => match condition {
            RedisCondition::Role { of, .. } => ("role", id(of)),
            RedisCondition::Keys { of, .. } => ("keys", id(of)),
            RedisCondition::MasterIs { of, .. } => ("master_is", id(of)),
        },
    }
}

fn list(targets: &[TargetId]) -> String {
    let all: Vec<_> = targets.iter().map(TargetId::as_str).collect();
    all.join(", ")
}

/// The target whose system is asked about a condition.
fn subject(condition: &Condition) -> Option<&TargetId> {
    match condition {
        Condition::Reachable { target }
        | Condition::Healthy { target }
        | Condition::Lag { of: target, .. } => Some(target),
        Condition::Postgres(condition) => match condition {
            PgCondition::Writable { target }
            | PgCondition::ReadOnly { target }
            | PgCondition::Fenced { target } => Some(target),
            PgCondition::Loss { of, .. } | PgCondition::RowCounts { of, .. } => Some(of),
            PgCondition::SameTimeline { targets } => targets.first(),
        },
        Condition::Redis(
            RedisCondition::Role { of, .. }
            | RedisCondition::Keys { of, .. }
            | RedisCondition::MasterIs { of, .. },
        ) => Some(of),
        Condition::Backup { .. }
        | Condition::Region { .. }
        | Condition::Objective { .. }
        | Condition::Sum { .. } => None,
    }
}

/// THE SEAM for typed conditions: most are to be judged from sights in `incident`; until that is wired, each is put to the
/// system of its target.
pub(crate) async fn judge_condition(
    condition: &Condition,
    _site: &Site,
    systems: &BTreeMap<TargetId, Shared>,
    _now: &Now,
) -> Verdict {
    let (word, on) = words(condition);
    let system = subject(condition).and_then(|target| systems.get(target));
    match system {
        None => Verdict::unknown(format!("{word} {on}: there is no system to ask")),
        Some(system) => match system.holds(condition).await {
            Ok(verdict) => verdict,
            Err(failure) => Verdict::unknown(failure.to_string()),
        },
    }
}

/// THE SEAM for guards that belong to the act: promotion's are to be judged here, whatever the runbook says.
async fn judge_guards(
    _resolved: &Resolved,
    _site: &Site,
    _systems: &BTreeMap<TargetId, Shared>,
    _now: &Now,
) -> Vec<(String, Verdict)> {
    Vec::new()
}
