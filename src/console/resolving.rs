//! From an action of a runbook to what is shown, digested, journaled and performed: endpoints, not names.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::road::{Road, action_ref, free};
use super::state::State;
use crate::incident::acts::postgres::{PgAct, PgRole};
use crate::incident::acts::redis::RedisAct;
use crate::incident::acts::{Act, Wait};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::intent::LastKnown;
use crate::incident::journal::{Fact, Mode, Note, Place, Resolved, ResolvedCheck};
use crate::incident::names::{StepId, TargetId};
use crate::incident::runbook::{
    Action, ActionRef, Attrs, Check, Code, Danger, Role, Step, Vars,
};

/// How often `verify` is polled when the card does not say.
pub const EVERY: Duration = Duration::from_secs(2);

/// When the operator is asked whether to wait on, when the card does not say.
pub const TIMEOUT: Duration = Duration::from_secs(600);

/// The danger of a step as the list shows it: the card's, or the greatest of its acts.
pub fn danger_of(step: &Step) -> Danger {
    let acts = step.actions().map(|action| danger(step, action));
    acts.chain(step.card.danger).max().unwrap_or_default()
}

/// The danger of one action: the act knows its least danger, and a card can only raise it. What runs untyped changes
/// something unless the card says otherwise.
pub fn danger(step: &Step, action: &Action) -> Danger {
    let least = match &action.code {
        Code::Act { act } => act.least_danger(),
        _ if step.card.danger.is_none() => Danger::Change,
        _ => Danger::None,
    };
    // A card speaks of the act, not of the way back nor of the looks before it.
    match action.role {
        Role::Run => least.max(step.card.danger.unwrap_or_default()),
        Role::Rollback | Role::Check | Role::Verify => least,
    }
}

/// The phrase that is typed: the card's, else the target's name for what can't be taken back, else `run` for an untyped
/// action whose author says nothing of its danger.
fn phrase(step: &Step, action: &Action, danger: Danger, targets: &[Place]) -> Option<String> {
    let run = action.role == Role::Run;
    if let Some(phrase) = step.card.confirm.as_ref().filter(|_| run) {
        return Some(phrase.clone());
    }
    let untyped = !matches!(action.code, Code::Act { .. });
    match danger {
        Danger::Destructive | Danger::OneWay => Some(
            targets
                .first()
                .map_or_else(|| step.id.to_string(), |p| p.target.to_string()),
        ),
        _ if untyped && (step.card.danger.is_none() || !run) => Some("run".into()),
        Danger::None | Danger::Change => None,
    }
}

/// The action a reference means.
pub fn action_of<'a>(step: &'a Step, reference: &ActionRef) -> Option<&'a Action> {
    let code = |check: &'a Check| match check {
        Check::Code(action) => Some(action),
        Check::Condition(_) => None,
    };
    let wanted = |action: &&Action| action.index == reference.index;
    match reference.role {
        Role::Run => step.actions().find(wanted),
        Role::Check => step.checks.iter().filter_map(code).find(wanted),
        Role::Verify => step.verify.iter().filter_map(code).find(wanted),
        Role::Rollback => step.rollback.iter().find(wanted),
    }
}

/// What an action comes to, here and now.
///
/// # Errors
/// Why it can't be asked about: a variable that is not set, a target the site does not know, a guard of names.
pub fn resolve(state: &State, reference: &ActionRef) -> Result<Resolved, String> {
    let road = Road::of(state, reference.walk).ok_or("its runbook is not open here")?;
    let step = road
        .runbook
        .step(&reference.step)
        .ok_or_else(|| format!("the runbook has no step #{}", reference.step))?;
    let action = action_of(step, reference).ok_or_else(|| format!("there is no {reference}"))?;
    let attempt = road
        .action_attempt(reference)
        .map_or(1, |a| a.intent.resolved.attempt + 1);
    let mut resolved = bare(state, &road, step, reference.clone())?;
    let vars = &resolved.vars;
    resolved.code = filled(&action.code, vars)?;
    let attrs = &action.attrs;
    resolved.with = filled(&attrs.with, vars)?;
    resolved.guards = filled(&attrs.guards, vars)?;
    resolved.attempt = attempt;
    resolved.targets = places(state, &resolved)?;
    resolved.danger = danger(step, action);
    resolved.phrase = phrase(step, action, resolved.danger, &resolved.targets);
    if reference.role == Role::Run {
        let last = step.actions().last().map(|a| a.index) == Some(action.index);
        whole_step(&mut resolved, step, last)?;
    }
    with_attrs(&mut resolved, attrs);
    name_guarded(state, step, &resolved)?;
    promotion(state, &road, &mut resolved);
    Ok(resolved)
}

/// A step's checks and verification without an act, for an evaluation that runs nothing.
///
/// # Errors
/// As [`resolve`].
pub fn look(state: &State, walk: u32, id: &StepId) -> Result<Resolved, String> {
    let road = Road::of(state, walk).ok_or("its runbook is not open here")?;
    let step = road
        .runbook
        .step(id)
        .ok_or_else(|| format!("the runbook has no step #{id}"))?;
    let reference = step.actions().next().map_or_else(
        || ActionRef {
            walk,
            step: id.clone(),
            index: 0,
            role: Role::Check,
        },
        |action| action_ref(walk, id, action),
    );
    let mut resolved = bare(state, &road, step, reference)?;
    whole_step(&mut resolved, step, true)?;
    Ok(resolved)
}

/// A step's `when` as its only check.
///
/// # Errors
/// As [`resolve`].
pub fn when(state: &State, walk: u32, id: &StepId) -> Result<Option<Resolved>, String> {
    let mut resolved = look(state, walk, id)?;
    let road = Road::of(state, walk).ok_or("its runbook is not open here")?;
    let Some(condition) = road.runbook.step(id).and_then(|s| s.card.when.as_ref()) else {
        return Ok(None);
    };
    resolved.checks = vec![ResolvedCheck::Condition(filled(condition, &resolved.vars)?)];
    resolved.verify = Vec::new();
    Ok(Some(resolved))
}

fn bare(
    state: &State,
    road: &Road<'_>,
    step: &Step,
    action: ActionRef,
) -> Result<Resolved, String> {
    let chosen = &road.walk.chosen;
    let mut vars = chosen.vars.clone();
    vars.extend(road.walk.captured.clone());
    let condition = step.card.hold.as_ref();
    let hold = condition
        .map(|hold| filled(&hold.condition, &vars).map(|condition| (hold.span, condition)))
        .transpose()?;
    Ok(Resolved {
        action,
        step_title: step.title.clone(),
        attempt: 1,
        mode: state.mode,
        site: state.site.name.clone(),
        site_digest: state.site.digest.clone(),
        runbook: chosen.runbook.clone(),
        runbook_digest: chosen.digest.clone(),
        code: Code::Act {
            act: Act::Wait(Wait::For(Duration::ZERO)),
        },
        targets: Vec::new(),
        vars,
        secrets: secrets(state, chosen.walk),
        with: Vec::new(),
        expect: None,
        keep_as: None,
        path: None,
        keep_secret: false,
        guards: None,
        danger: Danger::None,
        phrase: None,
        checks: Vec::new(),
        verify: Vec::new(),
        every: step.card.every.unwrap_or(EVERY),
        timeout: step.card.timeout.unwrap_or(TIMEOUT),
        estimate: step.card.estimate,
        capture: Vec::new(),
        hold,
        last_known: None,
        last_promotion: None,
    })
}

fn with_attrs(resolved: &mut Resolved, attrs: &Attrs) {
    resolved.expect = attrs.expect.clone();
    resolved.keep_as = attrs.keep_as.clone();
    resolved.path = attrs.path.clone();
    resolved.keep_secret = attrs.secret;
}

/// What holds for the step as a whole: checks before each act, captures, verification and hold after the last one.
fn whole_step(resolved: &mut Resolved, step: &Step, last: bool) -> Result<(), String> {
    resolved.checks = checks(&step.checks, &resolved.vars)?;
    resolved.capture = step.card.capture.iter().map(ToString::to_string).collect();
    if last {
        resolved.verify = checks(&step.verify, &resolved.vars)?;
    } else {
        resolved.hold = None;
    }
    Ok(())
}

/// Only what is evaluated freely: the rest ran as acts of their own before.
fn checks(checks: &[Check], vars: &Vars) -> Result<Vec<ResolvedCheck>, String> {
    let free = checks.iter().filter(|check| free(check));
    free.map(|check| match check {
        Check::Condition(condition) => Ok(ResolvedCheck::Condition(filled(condition, vars)?)),
        Check::Code(action) => Ok(ResolvedCheck::Code {
            code: filled(&action.code, vars)?,
            expect: action.attrs.expect.clone(),
            with: filled(&action.attrs.with, vars)?,
        }),
    })
    .collect()
}

/// HMAC-SHA-256 of each secret variable under the incident's key, in hexadecimal: binds a value without telling it.
fn secrets(state: &State, walk: u32) -> BTreeMap<String, String> {
    let none = BTreeMap::new();
    let values: &BTreeMap<String, SecretString> = state.memory.secrets.get(&walk).unwrap_or(&none);
    let hashed = values.iter().filter_map(|(name, value)| {
        let mut mac = Hmac::<Sha256>::new_from_slice(&state.memory.key).ok()?;
        mac.update(value.expose_secret().as_bytes());
        let bytes = mac.finalize().into_bytes();
        let hex = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Some((name.clone(), hex))
    });
    hashed.collect()
}

/// Replaces every text that is a variable as a whole (`"$DR"`) by its value. Scripts stay as they are: their variables
/// arrive through the environment.
fn filled<T>(value: &T, vars: &Vars) -> Result<T, String>
where
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let mut json = serde_json::to_value(value).map_err(|e| e.to_string())?;
    fill(&mut json, vars)?;
    serde_json::from_value(json).map_err(|e| e.to_string())
}

fn fill(json: &mut serde_json::Value, vars: &Vars) -> Result<(), String> {
    match json {
        serde_json::Value::String(text) => {
            let name = text.strip_prefix('$').filter(|name| is_name(name));
            if let Some(name) = name {
                let value = vars
                    .get(name)
                    .ok_or_else(|| format!("the variable {name} is not set"))?;
                *text = value.clone();
            }
            Ok(())
        }
        serde_json::Value::Array(values) => values.iter_mut().try_for_each(|v| fill(v, vars)),
        serde_json::Value::Object(fields) => fields.values_mut().try_for_each(|v| fill(v, vars)),
        _ => Ok(()),
    }
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Every target an act touches.
fn touched(resolved: &Resolved) -> Vec<&TargetId> {
    let own: Vec<&TargetId> = match &resolved.code {
        Code::Sql { on, .. } | Code::Redis { on, .. } => vec![on],
        Code::Act {
            act: Act::Redis(RedisAct::Follow { target, of }),
        } => vec![target, of],
        Code::Act { act } => act.target().into_iter().collect(),
        Code::Shell { .. } | Code::Http { .. } => Vec::new(),
    };
    let mut all: Vec<&TargetId> = Vec::new();
    for target in own.into_iter().chain(&resolved.with).chain(&resolved.guards) {
        if !all.contains(&target) {
            all.push(target);
        }
    }
    all
}

fn places(state: &State, resolved: &Resolved) -> Result<Vec<Place>, String> {
    let touched = touched(resolved).into_iter();
    touched
        .map(|id| {
            let target = state.site.target(id).ok_or_else(|| {
                format!("the site has no target {id} — add it to the site file, or correct the runbook")
            })?;
            if state.mode == Mode::Drill && !target.drill {
                return Err(format!("{id} is not marked for drills (drill = true in the site file)"));
            }
            Ok(Place {
                target: id.clone(),
                region: target.region.clone(),
                place: target.endpoint.place(),
            })
        })
        .collect()
}

/// `name_guard`: drills delete only their own.
fn name_guarded(state: &State, step: &Step, resolved: &Resolved) -> Result<(), String> {
    let Some(pattern) = &step.card.name_guard else {
        return Ok(());
    };
    let names: Vec<String> = resolved.targets.iter().map(|p| p.target.to_string()).collect();
    match names.iter().find(|name| !matches(pattern, name)) {
        Some(name) => Err(format!("{name} is not named {pattern}, and this step touches nothing else")),
        None if names.is_empty() => Err(format!("no target to compare with {pattern} in {}", state.site.name)),
        None => Ok(()),
    }
}

/// Whether `name` matches `pattern`, in which `*` stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((head, tail)) => name.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| matches(tail, &rest[at..]))
        }),
    }
}

/// The target that a promotion makes the primary; also of a shell fence with `guards=`.
fn promoted(resolved: &Resolved) -> Option<&TargetId> {
    match &resolved.code {
        Code::Act {
            act: Act::Postgres(PgAct::Promote { target }),
        } => Some(target),
        _ => resolved.guards.as_ref(),
    }
}

fn promotion(state: &State, road: &Road<'_>, resolved: &mut Resolved) {
    let Some(target) = promoted(resolved).cloned() else {
        return;
    };
    let Some(link) = state.site.link_to(&target) else {
        return;
    };
    let entries = road.incident.entries.iter().rev();
    let seen = entries.filter_map(|e| match &e.fact {
        Fact::Note(Note::LastSeen { link: of, sight, at }) if *of == link.id.0 => {
            Some((sight.as_ref(), *at))
        }
        _ => None,
    });
    let from_journal = seen
        .filter_map(|(sight, at)| last_known(link.id.clone(), sight, at))
        .next();
    let live = super::duty::last_seen(state, &link.id)
        .and_then(|(sight, at)| last_known(link.id.clone(), &sight, at));
    resolved.last_known = match (live, from_journal) {
        (Some(live), Some(kept)) => Some(if live.at >= kept.at { live } else { kept }),
        (live, kept) => live.or(kept),
    };
    resolved.last_promotion = last_promotion(state, road, &[&link.from, &link.to]);
}

fn last_known(
    link: crate::incident::names::LinkId,
    sight: &crate::incident::acts::postgres::PgSight,
    at: DateTime<Utc>,
) -> Option<LastKnown> {
    let PgRole::Primary(primary) = &sight.role else {
        return None;
    };
    Some(LastKnown {
        link,
        lsn: primary.lsn,
        at,
        system_id: sight.system_id,
        timeline: sight.timeline,
    })
}

/// The newest promotion of either end of a pair: in this incident's journal, or as the hall found it in earlier ones.
fn last_promotion(
    state: &State,
    road: &Road<'_>,
    pair: &[&TargetId],
) -> Option<DateTime<Utc>> {
    let earlier = pair.iter().filter_map(|t| state.memory.promotions.get(*t)).copied();
    let steps = road.incident.walks.iter().flat_map(|w| w.steps.values());
    let attempts = steps.flat_map(|s| s.actions.values()).flat_map(|a| &a.attempts);
    let here = attempts
        .filter(|a| matches!(a.phase(), Phase::Done | Phase::Unknown | Phase::Running))
        .filter(|a| promoted(&a.intent.resolved).is_some_and(|t| pair.contains(&t)))
        .map(|a| a.ended.as_ref().map_or(a.confirmed, |e| e.at));
    earlier.chain(here).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_guard_matches_as_a_shell_does() {
        let table = [
            ("*-dr-test-*", "app-dr-test-3", true),
            ("*-dr-test-*", "app-dr-test", false),
            ("scratch", "scratch", true),
            ("scratch", "scratch2", false),
            ("a*b*c", "a--b--b--c", true),
            ("*", "", true),
        ];
        for (pattern, name, wanted) in table {
            assert_eq!(matches(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn variables_fill_whole_values_and_nothing_else() {
        let vars = Vars::from([("DR".to_owned(), "pg-west".to_owned())]);
        let act = Act::Postgres(PgAct::Promote {
            target: "$DR".into(),
        });
        assert_eq!(
            filled(&act, &vars).unwrap().target(),
            Some(&"pg-west".into())
        );
        let script = Code::Shell {
            shell: crate::incident::runbook::Shell::Sh,
            script: "echo $DR".into(),
            host: None,
        };
        assert_eq!(filled(&script, &vars).unwrap(), script);
        let unset = Act::Postgres(PgAct::Promote {
            target: "$OTHER".into(),
        });
        assert_eq!(
            filled(&unset, &vars).unwrap_err(),
            "the variable OTHER is not set"
        );
    }
}
