//! From an action of a runbook to what is shown, digested, journaled and performed: endpoints, not names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use super::road::{Road, action_ref, free};
use super::state::State;
use crate::incident;
use crate::incident::acts::postgres::{PgAct, PgCondition};
use crate::incident::acts::redis::RedisAct;
use crate::incident::acts::{Act, Condition, Wait};
use crate::incident::digest::hex;
use crate::incident::exercise::{touchable, touched};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Fact, Incident, Mode, Note, Place, Resolved, ResolvedCheck};
use crate::incident::ladder;
use crate::incident::names::{RunbookId, StepId, TargetId};
use crate::incident::reading::Sight;
use crate::incident::replication::{LastKnown, LinkHistory};
use crate::incident::resolve::{
    effective_danger, guard_allows, guarded_name, substitute_capture, substitute_condition,
};
use crate::incident::runbook::{Action, ActionRef, Capture, Check, Code, Danger, Role, Step, Vars};
use crate::incident::site::Link;

/// How often `verify` is polled when the card does not say.
pub const EVERY: Duration = Duration::from_secs(2);

/// When the operator is asked whether to wait on, when the card does not say.
pub const TIMEOUT: Duration = Duration::from_secs(600);

/// The danger of a step as the list shows it: the card's, or the greatest of its acts.
pub fn danger_of(step: &Step) -> Danger {
    let acts = step.actions().map(|action| effective_danger(step, action));
    acts.chain(step.card.danger).max().unwrap_or_default()
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
    let names = secret_names(&road);
    let action = incident::resolve::resolved(action, &resolved.vars, &names)?;
    resolved.attempt = attempt;
    resolved.danger = effective_danger(step, &action);
    resolved.phrase = incident::resolve::phrase(step, &action);
    name_guarded(step, &action)?;
    incident::resolve::past_guards(&action)?;
    if reference.role == Role::Run {
        let first = step.actions().next().map(|a| a.index) == Some(action.index);
        let last = step.actions().last().map(|a| a.index) == Some(action.index);
        whole_step(&mut resolved, step, &names, (first, last))?;
    } else {
        resolved.hold = None;
    }
    with_action(&mut resolved, action);
    resolved.targets = places(state, &resolved)?;
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
    whole_step(&mut resolved, step, &secret_names(&road), (true, true))?;
    promotion(state, &road, &mut resolved);
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
    let condition = substitute_condition(condition, &resolved.vars, &secret_names(&road))?;
    resolved.checks = vec![ResolvedCheck::Condition(condition)];
    resolved.verify = Vec::new();
    Ok(Some(resolved))
}

/// What an operator asks, for an evaluation that runs nothing. It belongs to no walk.
///
/// # Errors
/// A variable, which nothing sets here.
pub fn question(state: &State, asked: &[Check]) -> Result<Resolved, String> {
    let action = ActionRef {
        walk: 0,
        step: StepId::from("typed"),
        index: 0,
        role: Role::Check,
    };
    let mut resolved = blank(state, action);
    let incident = state.incident.as_ref();
    resolved.rto_ends = incident.and_then(|incident| rto_ends(state, incident, None));
    resolved.checks = checks(asked, &Vars::new(), &BTreeSet::new())?;
    Ok(resolved)
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
    let names = secret_names(road);
    let hold = step.card.hold.as_ref().map(|hold| {
        let condition = substitute_condition(&hold.condition, &vars, &names)?;
        Ok::<_, String>((hold.span, condition))
    });
    let hold = hold.transpose()?;
    Ok(Resolved {
        step_title: step.title.clone(),
        runbook: chosen.runbook.clone(),
        runbook_digest: chosen.digest.clone(),
        vars,
        secrets: secrets(state, chosen.walk),
        every: step.card.every.unwrap_or(EVERY),
        timeout: step.card.timeout.unwrap_or(TIMEOUT),
        estimate: road.estimate(step),
        hold,
        rto_ends: rto_ends(state, road.incident, road.runbook.card.rto),
        ..blank(state, action)
    })
}

/// Nothing that could run, of no runbook.
fn blank(state: &State, action: ActionRef) -> Resolved {
    Resolved {
        step_title: action.step.to_string(),
        runbook: RunbookId(action.step.to_string()),
        action,
        attempt: 1,
        mode: state.mode,
        site: state.site.name.clone(),
        site_digest: state.site.digest.clone(),
        runbook_digest: String::new(),
        code: Code::Act {
            act: Act::Wait(Wait::For(Duration::ZERO)),
        },
        targets: Vec::new(),
        vars: Vars::new(),
        secrets: BTreeMap::new(),
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
        every: EVERY,
        timeout: TIMEOUT,
        estimate: None,
        capture: Vec::new(),
        changed: Vec::new(),
        hold: None,
        last_known: None,
        rto_ends: None,
        last_promotion: None,
    }
}

/// When the recovery time runs out: the runbook's, the severity's, or the site's, from the declaration on.
pub(super) fn rto_ends(
    state: &State,
    incident: &Incident,
    of_runbook: Option<Duration>,
) -> Option<DateTime<Utc>> {
    let rto = ladder::rto(&state.site, &incident.severity, of_runbook)?;
    Some(incident.declared.wall + rto)
}

fn with_action(resolved: &mut Resolved, action: Action) {
    resolved.code = action.code;
    resolved.with = action.attrs.with;
    resolved.guards = action.attrs.guards;
    resolved.expect = action.attrs.expect;
    resolved.keep_as = action.attrs.keep_as;
    resolved.path = action.attrs.path;
    resolved.keep_secret = action.attrs.secret;
}

/// Names of a walk's secret variables: they reach programs by their environment, and never stand for a name.
fn secret_names(road: &Road<'_>) -> BTreeSet<String> {
    road.walk.chosen.secrets.iter().cloned().collect()
}

/// What holds for the step as a whole: checks before each act, captures before the first one, verification and hold after
/// the last one. The pair: whether the act is the first, and whether it is the last.
fn whole_step(
    resolved: &mut Resolved,
    step: &Step,
    secrets: &BTreeSet<String>,
    (first, last): (bool, bool),
) -> Result<(), String> {
    let vars = &resolved.vars;
    resolved.checks = checks(&step.checks, vars, secrets)?;
    let readings = |captures: &[Capture]| {
        let captures = captures.iter();
        captures
            .map(|capture| Ok(substitute_capture(capture, vars, secrets)?.to_string()))
            .collect::<Result<Vec<_>, String>>()
    };
    if first {
        resolved.capture = readings(&step.card.capture)?;
    }
    if last {
        resolved.changed = readings(&step.card.changed)?;
        resolved.verify = checks(&step.verify, vars, secrets)?;
    } else {
        resolved.hold = None;
    }
    Ok(())
}

/// Only what is evaluated freely: the rest ran as acts of their own before.
fn checks(
    checks: &[Check],
    vars: &Vars,
    secrets: &BTreeSet<String>,
) -> Result<Vec<ResolvedCheck>, String> {
    let free = checks.iter().filter(|check| free(check));
    free.map(|check| match check {
        Check::Condition(condition) => {
            let condition = substitute_condition(condition, vars, secrets)?;
            Ok(ResolvedCheck::Condition(condition))
        }
        Check::Code(action) => {
            let action = incident::resolve::resolved(action, vars, secrets)?;
            Ok(ResolvedCheck::Code {
                code: action.code,
                expect: action.attrs.expect,
                with: action.attrs.with,
            })
        }
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
        Some((name.clone(), hex(mac.finalize().into_bytes())))
    });
    hashed.collect()
}

fn places(state: &State, resolved: &Resolved) -> Result<Vec<Place>, String> {
    if state.mode == Mode::Drill {
        touchable(resolved, &state.site)?;
    }
    let touched = touched(resolved).into_iter();
    touched
        .map(|id| {
            if state.memory.talk {
                return Ok(Place {
                    target: id.clone(),
                    region: None,
                    place: "no site: talked about".into(),
                });
            }
            let target = state.site.target(id).ok_or_else(|| {
                format!(
                    "the site has no target {id} — add it to the site file, or correct the runbook"
                )
            })?;
            Ok(Place {
                target: id.clone(),
                region: target.region.clone(),
                place: target.endpoint.place(),
            })
        })
        .collect()
}

/// `name_guard`: drills delete only their own.
fn name_guarded(step: &Step, action: &Action) -> Result<(), String> {
    let Some(guard) = &step.card.name_guard else {
        return Ok(());
    };
    match guarded_name(action) {
        Some(name) if guard_allows(guard, &name) => Ok(()),
        Some(name) => Err(format!(
            "{name} is not named {guard}, and this step touches nothing else"
        )),
        None => Err(format!("it names nothing to compare with {guard}")),
    }
}

/// The target that a promotion makes the primary; also of a shell fence with `guards=`.
pub(super) fn promoted(resolved: &Resolved) -> Option<&TargetId> {
    match &resolved.code {
        Code::Act {
            act: Act::Postgres(PgAct::Promote { target }),
        } => Some(target),
        Code::Act {
            act: Act::Redis(RedisAct::Promote { target }),
        } => Some(target),
        _ => resolved.guards.as_ref(),
    }
}

/// A link whose standby may become the primary by the act. Which replica Sentinels choose is theirs to say; all follow the
/// same master.
fn promoted_link<'a>(state: &'a State, resolved: &Resolved) -> Option<&'a Link> {
    let Code::Act {
        act: Act::Redis(RedisAct::Failover { target }),
    } = &resolved.code
    else {
        return state.site.link_to(promoted(resolved)?);
    };
    let reading = state.memory.tracks.get(target)?.last_good()?;
    let Ok(Sight::Sentinel(seen)) = &reading.value else {
        return None;
    };
    let mut links = state.site.links.iter();
    links.find(|link| Some(&link.from) == seen.master_target.as_ref())
}

/// The link that an act changes the direction of, or that is asked what a promotion would lose.
fn link_in_question<'a>(state: &'a State, resolved: &Resolved) -> Option<&'a Link> {
    let asked = || {
        let mut checks = resolved.checks.iter();
        let of = checks.find_map(|check| match check {
            ResolvedCheck::Condition(Condition::Postgres(PgCondition::Loss { of, .. })) => Some(of),
            _ => None,
        });
        state.site.link_to(of?)
    };
    promoted_link(state, resolved).or_else(asked)
}

/// What is known of the pair: where its primary was last seen, for it may be silent by now, and when it was last promoted.
fn promotion(state: &State, road: &Road<'_>, resolved: &mut Resolved) {
    let Some(link) = link_in_question(state, resolved) else {
        return;
    };
    let entries = road.incident.entries.iter().rev();
    let seen = entries.filter_map(|e| match &e.fact {
        Fact::Note(Note::LastSeen {
            link: of,
            sight,
            at,
        }) if *of == link.id.0 => Some((sight.as_ref(), *at)),
        _ => None,
    });
    let from_journal = seen
        .filter_map(|(sight, at)| LastKnown::of_primary(sight, at))
        .next();
    // Of a primary that was demoted meanwhile, too.
    let history = state.memory.links.get(&link.id);
    let live = history.and_then(LinkHistory::last_known);
    resolved.last_known = match (live, from_journal) {
        (Some(live), Some(kept)) => Some(if live.at >= kept.at { live } else { kept }),
        (live, kept) => live.or(kept),
    };
    resolved.last_promotion = last_promotion(state, road, &[&link.from, &link.to]);
}

/// The newest promotion of either end of a pair: in this incident's journal, or as the hall found it in earlier ones.
fn last_promotion(state: &State, road: &Road<'_>, pair: &[&TargetId]) -> Option<DateTime<Utc>> {
    let earlier = pair
        .iter()
        .filter_map(|t| state.memory.promotions.get(*t))
        .copied();
    let steps = road.incident.walks.iter().flat_map(|w| w.steps.values());
    let attempts = steps
        .flat_map(|s| s.actions.values())
        .flat_map(|a| &a.attempts);
    let here = attempts
        .filter(|a| matches!(a.phase(), Phase::Done | Phase::Unknown | Phase::Running))
        .filter(|a| promoted(&a.intent.resolved).is_some_and(|t| pair.contains(&t)))
        .map(|a| a.ended.as_ref().map_or(a.confirmed, |e| e.at));
    earlier.chain(here).max()
}
