//! Evaluates what stands before and behind an act: guards, checks, verification. The console shows it in the question,
//! the runner asks it a last time.

use futures_util::future::join_all;

use super::Systems;
use super::judging::Judge;
use crate::console::event::Evaluation;
use crate::incident::acts::Act;
use crate::incident::acts::postgres::PgAct;
use crate::incident::acts::rds::RdsAct;
use crate::incident::acts::redis::RedisAct;
use crate::incident::journal::{Resolved, ResolvedCheck};
use crate::incident::reading::Verdict;
use crate::incident::runbook::{Code, System};
use crate::incident::site::Site;
use crate::world::exec::{self, freely};

/// Verdicts on everything that can be evaluated freely: typed conditions, `sql` in READ ONLY transactions, `http` GET and
/// HEAD. Checks that could do anything (`sh`, `redis`) are confirmed actions of their own and are left out.
pub async fn evaluate(resolved: &Resolved, site: &Site, systems: &Systems) -> Evaluation {
    let judge = Judge::of(resolved, site, systems);
    let (guards, checks, verify) = tokio::join!(
        judge_guards(&judge, resolved),
        all(&judge, "check", &resolved.checks, resolved),
        all(&judge, "verify", &resolved.verify, resolved),
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
    systems: &Systems,
) -> Vec<(String, Verdict)> {
    all(
        &Judge::of(resolved, site, systems),
        "verify",
        &resolved.verify,
        resolved,
    )
    .await
}

/// What an operator asks of the checks of `resolved`, answered whole where there is no predicate to judge by. Nothing else
/// of it is evaluated.
pub async fn answer(resolved: &Resolved, site: &Site, systems: &Systems) -> Evaluation {
    let judge = &Judge::of(resolved, site, systems);
    let answers = resolved.checks.iter().map(|check| async move {
        let answer = match (check, &systems.stage) {
            (ResolvedCheck::Code { code, expect, .. }, None) => {
                exec::answer(site, &resolved.vars, code, expect.as_ref()).await
            }
            _ => one(judge, check, resolved).await,
        };
        Some((words(check), answer?))
    });
    Evaluation {
        checks: join_all(answers).await.into_iter().flatten().collect(),
        ..Evaluation::default()
    }
}

async fn all(
    judge: &Judge<'_>,
    role: &str,
    checks: &[ResolvedCheck],
    resolved: &Resolved,
) -> Vec<(String, Verdict)> {
    let judged = (1..).zip(checks).map(|(number, check)| async move {
        let verdict = one(judge, check, resolved).await?;
        Some((name(role, number, check), verdict))
    });
    join_all(judged).await.into_iter().flatten().collect()
}

async fn one(judge: &Judge<'_>, check: &ResolvedCheck, resolved: &Resolved) -> Option<Verdict> {
    match check {
        ResolvedCheck::Condition(condition) => Some(judge.condition(condition).await),
        ResolvedCheck::Code { code, expect, .. } => match &judge.systems.stage {
            Some(stage) => freely(code).then(|| stage.look(resolved, code, expect.as_ref())),
            None => exec::check(judge.site, &resolved.vars, code, expect.as_ref()).await,
        },
    }
}

/// A check's name: stable from the question to the runner, for an override names what it covers.
fn name(role: &str, number: usize, check: &ResolvedCheck) -> String {
    format!("{role} {number}: {}", words(check))
}

fn words(check: &ResolvedCheck) -> String {
    match check {
        ResolvedCheck::Condition(condition) => condition.to_string(),
        ResolvedCheck::Code { code, .. } => match code {
            Code::Sql { on, .. } => format!("sql on {on}"),
            _ => "http".to_owned(),
        },
    }
}

/// Guards that belong to the act, whatever the runbook says: a promotion's, also when a shell carries it out.
async fn judge_guards(judge: &Judge<'_>, resolved: &Resolved) -> Vec<(String, Verdict)> {
    let stage = judge.systems.stage.as_ref();
    if stage.is_some_and(|stage| !stage.guarded()) {
        return Vec::new();
    }
    let guards = match &resolved.code {
        Code::Act {
            act: Act::Postgres(PgAct::Promote { target }),
        } => judge.promotion(target, resolved).await,
        Code::Act {
            act: Act::Redis(RedisAct::Promote { target }),
        } => judge.redis_promotion(target, resolved).await,
        Code::Act {
            act: Act::Redis(RedisAct::Failover { target }),
        } => judge.sentinel_failover(target).await,
        Code::Act {
            act: Act::Rds(RdsAct::Promote { target }),
        } => judge.rds_promotion(target).await,
        Code::Act {
            act: Act::Order(order),
        } if order.system == System::Aurora => judge.aurora(order).await,
        Code::Act {
            act: Act::Order(order),
        } if order.system == System::Cnpg && order.word == "promote" => {
            judge.cnpg_promotion(order, resolved).await
        }
        _ => match &resolved.guards {
            Some(standby) => judge.promotion(standby, resolved).await,
            None => Vec::new(),
        },
    };
    guards
        .into_iter()
        .map(|guard| (guard.name, guard.verdict))
        .collect()
}
