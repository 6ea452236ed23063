//! What a runner does with an attempt it may make: look a last time, act, see whether it helped.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::super::{cancel, verdict};
use super::{Case, Closed, evidence};
use crate::incident::clean::Clean;
use crate::incident::journal::Resolved;
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Holds, Outcome, Sight, UNKNOWN, Verdict};
use crate::incident::runbook::{OF_INCIDENT, Vars};
use crate::world::evaluate;
use crate::world::exec::env::{Scratch, Tools};
use crate::world::exec::sink::Sink;
use crate::world::exec::{self, Context, Group, Ran, expect};
use crate::world::judging::Judge;

/// Verification is not polled more often than this.
const SHORTEST_POLL: Duration = Duration::from_millis(200);

/// Goes through an attempt, until `stop` says that it is cancelled.
pub(in crate::world::runner) async fn go(
    case: &Case,
    tools: &Tools,
    scratch: &Scratch,
    sink: &Sink,
    stop: impl Future<Output = ()>,
) -> Closed {
    let resolved = &case.intent.resolved;
    let group = Group::default();
    let mut vars = variables(&resolved.vars);
    vars.extend(of_incident(case));
    let cx = Context {
        site: &case.site,
        systems: &case.systems,
        vars: &vars,
        secrets: &case.secrets,
        tools,
        scratch,
        evidence: &case.incident.join(evidence(case.seq)),
        sink,
        group: &group,
    };
    let mut closed = tokio::select! {
        biased;
        () = stop => cancelled(case, &cx).await,
        closed = through(case, &cx) => closed,
    };
    if let Err(error) = sink.finish() {
        let note = format!("[a part of its output is not on disk: {error}]");
        sink.line(note);
    }
    closed.excerpt = sink.excerpt();
    closed.outcome = redacted(closed.outcome, sink);
    for verdict in &mut closed.verified {
        verdict.saw = sink.redact(verdict.saw.as_str());
    }
    closed
}

/// What servers and programs said may quote what they were given.
fn redacted(outcome: Outcome, sink: &Sink) -> Outcome {
    let words = |failure: Failure| Failure {
        what: sink.redact(failure.what.as_str()),
        ..failure
    };
    match outcome {
        Outcome::Done { said } => Outcome::Done {
            said: sink.redact(said.as_str()),
        },
        Outcome::Failed { failure, exit } => Outcome::Failed {
            failure: words(failure),
            exit,
        },
        Outcome::Unknown { failure } => Outcome::Unknown {
            failure: words(failure),
        },
        refused @ Outcome::Refused { .. } => refused,
    }
}

/// What every act is told of the incident, by the names of [`OF_INCIDENT`].
fn of_incident(case: &Case) -> [(String, String); 2] {
    let [mode, incident] = OF_INCIDENT.map(str::to_owned);
    let id = case.incident.file_name().unwrap_or_default();
    [
        (mode, case.intent.resolved.mode.to_string()),
        (incident, id.to_string_lossy().into_owned()),
    ]
}

/// What reaches the act by a name it can use. Readings that were captured stand beside the variables as `what(target)`,
/// and `export` would fail on such a name.
fn variables(vars: &Vars) -> Vars {
    let named = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let named = vars.iter().filter(|(name, _)| named(name));
    named
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Returns when this process is asked to end; never, where that can't be heard.
pub(super) async fn terminated() {
    match signal(SignalKind::terminate()) {
        Ok(mut asked) => {
            asked.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

async fn through(case: &Case, cx: &Context<'_>) -> Closed {
    let resolved = &case.intent.resolved;
    let found = evaluate::evaluate(resolved, cx.site, cx.systems).await;
    let before: Vec<_> = found.guards.into_iter().chain(found.checks).collect();
    let verdicts = verdict::refusing(&before, &case.intent.overrides);
    if !verdicts.is_empty() {
        return Outcome::Refused { verdicts }.into();
    }
    let mut kept = capture(resolved, cx).await;
    let ran = act(resolved, cx).await;
    let (outcome, verified) = verify(resolved, cx, &kept, ran.outcome.clone()).await;
    let outcome = hold(resolved, cx, outcome).await;
    let outcome = keep(resolved, cx, &ran, outcome, &mut kept);
    Closed {
        outcome,
        excerpt: Clean::default(),
        kept,
        verified,
    }
}

/// Acts. When the step's time has passed it says so, and goes on: ending it is a person's decision.
async fn act(resolved: &Resolved, cx: &Context<'_>) -> Ran {
    if resolved.keep_secret {
        cx.sink.line("[its output is a secret and is not recorded]");
        cx.sink.mute(true);
    }
    let acting = run(resolved, cx);
    tokio::pin!(acting);
    let ran = tokio::select! {
        biased;
        ran = &mut acting => ran,
        () = cx.systems.clock.sleep(resolved.timeout) => {
            cx.sink.line(format!("[{} have passed; nothing is ended by itself: wait on, or cancel]", Span(resolved.timeout)));
            acting.await
        }
    };
    cx.sink.mute(false);
    ran
}

/// Runs the code, where it is; in an exercise it is played.
async fn run(resolved: &Resolved, cx: &Context<'_>) -> Ran {
    let played = match &cx.systems.stage {
        Some(stage) => stage.run(resolved).await,
        None => None,
    };
    match played {
        Some(ran) => exec::played(cx, ran, resolved.expect.as_ref()),
        None => exec::run(cx, &resolved.code, resolved.expect.as_ref()).await,
    }
}

/// Polls verification until it holds or the step's time has passed, then decides by the format's table.
async fn verify(
    resolved: &Resolved,
    cx: &Context<'_>,
    kept: &[(String, Option<Clean>)],
    outcome: Outcome,
) -> (Outcome, Vec<Verdict>) {
    let patience = match outcome {
        Outcome::Refused { .. } => return (outcome, Vec::new()),
        // What failed does not come true by waiting; one look tells whether it happened all the same.
        Outcome::Failed { .. } => Duration::ZERO,
        Outcome::Done { .. } | Outcome::Unknown { .. } => resolved.timeout,
    };
    let clock = &cx.systems.clock;
    let begun = clock.now();
    loop {
        let mut found = evaluate::verification(resolved, cx.site, cx.systems).await;
        found.extend(changed(resolved, cx, kept).await);
        let holds = verdict::together(&found);
        for (name, verdict) in &found {
            cx.sink.line(format!("[{name}: {}]", verdict.saw));
        }
        if matches!(holds, None | Some(Holds::Yes)) || clock.now().since(&begun) >= patience {
            let verdicts = found.into_iter().map(|(_, verdict)| verdict).collect();
            return (verdict::decide(outcome, holds), verdicts);
        }
        clock.sleep(resolved.every.max(SHORTEST_POLL)).await;
    }
}

/// The observation window: what was done stands only if the condition held all the time.
async fn hold(resolved: &Resolved, cx: &Context<'_>, outcome: Outcome) -> Outcome {
    let (Some((span, condition)), Outcome::Done { .. }) = (&resolved.hold, &outcome) else {
        return outcome;
    };
    let judge = Judge::of(resolved, cx.site, cx.systems);
    let clock = &cx.systems.clock;
    let begun = clock.now();
    cx.sink.line(format!("[watching it for {}]", Span(*span)));
    loop {
        let seen = judge.condition(condition).await;
        let what = format!("window of {}: {}", Span(*span), seen.saw);
        let failure = Failure::new(FailureKind::BadAnswer, &resolved.action, what, "");
        match seen.holds {
            Holds::Yes if clock.now().since(&begun) >= *span => return outcome,
            Holds::Yes => clock.sleep(resolved.every.max(SHORTEST_POLL)).await,
            Holds::No => {
                return Outcome::Failed {
                    failure,
                    exit: None,
                };
            }
            Holds::Unknown => return Outcome::Unknown { failure },
        }
    }
}

/// Keeps the output, or a part of it, as a variable.
fn keep(
    resolved: &Resolved,
    cx: &Context<'_>,
    ran: &Ran,
    outcome: Outcome,
    kept: &mut Vec<(String, Option<Clean>)>,
) -> Outcome {
    let (Some(name), Outcome::Done { .. }) = (&resolved.keep_as, &outcome) else {
        return outcome;
    };
    let value = match &resolved.path {
        None => Ok(ran.output.trim().to_owned()),
        Some(path) => expect::part(&ran.output, path),
    };
    match value {
        Ok(value) => {
            let shown = (!resolved.keep_secret).then(|| cx.sink.redact(&value));
            kept.push((name.clone(), shown));
            outcome
        }
        Err(why) => Outcome::Failed {
            failure: Failure::new(FailureKind::BadAnswer, name, why, "read its output"),
            exit: None,
        },
    }
}

/// Whether the readings that must differ do so. What they were stands in this attempt's captures, or, when the step's first
/// act kept them, in the variables of the walk.
async fn changed(
    resolved: &Resolved,
    cx: &Context<'_>,
    kept: &[(String, Option<Clean>)],
) -> Vec<(String, Verdict)> {
    let mut found = Vec::new();
    for wanted in &resolved.changed {
        let here = kept.iter().find(|(name, _)| name == wanted);
        let here = here.and_then(|(_, value)| value.as_ref().map(Clean::as_str));
        let before = here.or_else(|| resolved.vars.get(wanted).map(String::as_str));
        let before = before.filter(|value| *value != UNKNOWN);
        let now = read(wanted, cx).await;
        // As the other was when it was kept.
        let now = now.map(|value| cx.sink.redact(&value).to_string());
        let verdict = match (before, now) {
            (Some(before), Some(now)) if before == now => {
                Verdict::measured(false, format!("it is {now} as before"))
            }
            (Some(before), Some(now)) => {
                Verdict::measured(true, format!("it was {before} and is {now}"))
            }
            (None, _) => Verdict::unknown("what it was before is not known"),
            (_, None) => Verdict::unknown("it can't be read"),
        };
        found.push((format!("changed {wanted}"), verdict));
    }
    found
}

/// Readings kept before the act, `what(target)`: a field of the target's sight.
async fn capture(resolved: &Resolved, cx: &Context<'_>) -> Vec<(String, Option<Clean>)> {
    let mut kept = Vec::new();
    for wanted in &resolved.capture {
        let value = read(wanted, cx).await;
        let value = value.unwrap_or_else(|| UNKNOWN.into());
        cx.sink.line(format!("[before: {wanted} = {value}]"));
        kept.push((wanted.clone(), Some(cx.sink.redact(&value))));
    }
    kept
}

async fn read(wanted: &str, cx: &Context<'_>) -> Option<String> {
    let (what, target) = wanted.strip_suffix(')')?.split_once('(')?;
    let system = cx.systems.get(&target.into())?;
    let sight = system.observe().await.value.ok()?;
    field(&sight, what)
}

/// A field by its name behind the system's (`redis.master`), wherever in the sight it stands.
fn field(sight: &Sight, what: &str) -> Option<String> {
    let (_, name) = what.split_once('.')?;
    let sight = serde_json::to_value(sight).ok()?;
    find(&sight, name).map(|value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    })
}

fn find<'a>(value: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let fields = value.as_object()?;
    let here = fields.get(name).filter(|value| !value.is_object());
    here.or_else(|| fields.values().find_map(|inner| find(inner, name)))
}

/// Ends all that was started, says so, and leaves unknown unless verification knows better.
async fn cancelled(case: &Case, cx: &Context<'_>) -> Closed {
    let ended = match cx.group.get() {
        Some(group) => cancel::end_group(group).await,
        None => "no process, only what was waited for".to_owned(),
    };
    cx.sink.mute(false);
    cx.sink.line(format!("[cancelled: ended {ended}]"));
    let resolved = &case.intent.resolved;
    let mut found = evaluate::verification(resolved, cx.site, cx.systems).await;
    // What was captured ended with the act.
    found.extend(changed(resolved, cx, &[]).await);
    let what = format!("cancelled: ended {ended}");
    let advice = "look how far it came, then say how it ended";
    let failure = Failure::new(FailureKind::Local, &resolved.action, what, advice);
    let outcome = verdict::decide(Outcome::Unknown { failure }, verdict::together(&found));
    Closed {
        verified: found.into_iter().map(|(_, verdict)| verdict).collect(),
        ..outcome.into()
    }
}

#[cfg(test)]
mod tests;
