//! Typed acts: handed to their target's system; waiting is done here.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Context, Ran, shell};
use crate::incident::acts::{Act, Condition, Wait};
use crate::incident::clean::Clean;
use crate::incident::measure::Span;
use crate::incident::reading::{Holds, Outcome};
use crate::systems::Output;
use crate::world::judging::Judge;

/// How often a wait for a condition asks.
const POLL: Duration = Duration::from_secs(2);

/// Carries an act out.
pub(super) async fn run(cx: &Context<'_>, act: &Act) -> Ran {
    match act {
        Act::Wait(wait) => waited(cx, wait).await,
        Act::Runbook(_) => {
            Ran::refused("a sub-runbook is opened, not run: its steps are confirmed one by one")
        }
        Act::Postgres(_)
        | Act::Redis(_)
        | Act::Kube(_)
        | Act::Rds(_)
        | Act::Dns(_)
        | Act::Secret(_)
        | Act::Order(_) => system(cx, act).await,
    }
}

async fn system(cx: &Context<'_>, act: &Act) -> Ran {
    let target = act.target();
    let Some(system) = target.and_then(|target| cx.systems.get(target)) else {
        return Ran::refused(&format!(
            "{}: its target is not in the site file",
            act.word()
        ));
    };
    let (out, mut lines) = Output::new();
    let mut output = String::new();
    let mut keep = |line: Clean| {
        cx.sink.line(line.as_str());
        if output.len() + line.as_str().len() < shell::KEPT {
            output.push_str(line.as_str());
            output.push('\n');
        }
    };
    let outcome = {
        let act = system.perform(act, &out);
        tokio::pin!(act);
        loop {
            tokio::select! {
                outcome = &mut act => break outcome,
                Some(line) = lines.recv() => keep(line),
            }
        }
    };
    while let Ok(line) = lines.try_recv() {
        keep(line);
    }
    Ran { outcome, output }
}

async fn waited(cx: &Context<'_>, wait: &Wait) -> Ran {
    let said = match wait {
        Wait::For(span) => {
            cx.systems.clock.sleep(*span).await;
            format!("waited {}", Span(*span))
        }
        Wait::Until(at) => {
            until(cx, *at).await;
            format!("waited until {}", at.to_rfc3339())
        }
        Wait::UntilHolds(condition) => holding(cx, condition).await,
    };
    Ran {
        outcome: Outcome::Done {
            said: Clean::new(&said),
        },
        output: said,
    }
}

/// The wall clock may be set while it waits: it is asked again each second.
async fn until(cx: &Context<'_>, at: DateTime<Utc>) {
    let clock = &cx.systems.clock;
    while clock.now().wall < at {
        clock.sleep(Duration::from_secs(1)).await;
    }
}

async fn holding(cx: &Context<'_>, condition: &Condition) -> String {
    let judge = Judge::plain(cx.site, cx.systems);
    let mut before = String::new();
    loop {
        let verdict = judge.condition(condition).await;
        let saw = verdict.saw.as_str().to_owned();
        if verdict.holds == Holds::Yes {
            return saw;
        }
        if saw != before {
            cx.sink.line(&saw);
            before = saw;
        }
        cx.systems.clock.sleep(POLL).await;
    }
}
