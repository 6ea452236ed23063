//! What the console does by itself: it derives the panes from readings, and writes down what the post-mortem will need.
//! It proposes; it never acts.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::checklist::of_action;
use super::event::Effect;
use super::keys::key_words;
use super::resolving::when;
use super::road::Road;
use super::state::{Awaiting, Dialog, State};
use super::vitals::{Vitals, panes};
use crate::incident::acts::postgres::{PgRole, PgSight};
use crate::incident::evaluate::from_sights;
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Mode, Note};
use crate::incident::judge::Standing;
use crate::incident::ladder::rungs;
use crate::incident::measure::Span;
use crate::incident::names::{LinkId, TargetId};
use crate::incident::now::Now;
use crate::incident::reading::{Reading, Sight, Verdict};
use crate::incident::resolve::substitute_condition;
use crate::incident::runbook::Check;

/// Vitals are written down this often while an incident is open.
const VITALS_EVERY: Duration = Duration::from_secs(60);

/// How much of the time before a declaration goes into the journal.
const BEFORE: Duration = Duration::from_secs(30 * 60);

/// How old the verdicts of an open question get before its checks are evaluated again.
const ASK_ANEW: Duration = Duration::from_secs(5);

/// How long everything is fine before the console proposes to say that users are served.
const FINE_FOR: Duration = Duration::from_secs(60);

/// The panes as they stand now.
pub fn derive(state: &State) -> Vitals {
    panes::derive(state)
}

/// The last reading of each target.
pub(super) fn sights(state: &State) -> BTreeMap<TargetId, Reading> {
    let tracks = state.memory.tracks.iter();
    tracks
        .filter_map(|(id, track)| Some((id.clone(), track.last()?.clone())))
        .collect()
}

/// A condition judged from what was seen; none for what must be asked of a system.
pub(super) fn judged(state: &State, check: &Check) -> Option<Verdict> {
    let Check::Condition(condition) = check else {
        return None;
    };
    let road = Road::shown(state)?;
    let mut vars = road.walk.chosen.vars.clone();
    vars.extend(road.walk.captured.clone());
    let secrets = road.walk.chosen.secrets.iter().cloned().collect();
    let condition = substitute_condition(condition, &vars, &secrets).ok()?;
    let rto = state.vitals.clock.rto.as_ref();
    let left = rto.and_then(|burn| Some(burn.objective.saturating_sub(burn.used?)));
    from_sights(&condition, &sights(state), &state.site, left, &state.now)
}

/// The primary of a link as it was last seen, and when.
pub(super) fn last_seen(state: &State, link: &LinkId) -> Option<(PgSight, DateTime<Utc>)> {
    let link = state.site.links.iter().find(|l| l.id == *link)?;
    let track = state.memory.tracks.get(&link.from)?;
    let good = track.last_good()?;
    match &good.value {
        Ok(Sight::Postgres(sight)) if matches!(sight.role, PgRole::Primary(_)) => {
            Some((sight.clone(), good.at.wall))
        }
        _ => None,
    }
}

/// What is due after an event: notes about what the console saw, and whether the next step applies.
pub(super) fn due(state: &mut State) -> Vec<Effect> {
    let changes = changes(state);
    let open = state
        .incident
        .as_ref()
        .is_some_and(|i| i.resolved.is_none());
    if state.memory.observing {
        return Vec::new();
    }
    if !open {
        remember(state, changes);
        return Vec::new();
    }
    let mut effects: Vec<Effect> = changes
        .into_iter()
        .map(|note| state.append("a change of standing", note))
        .collect();
    effects.extend(vitals(state));
    effects.extend(last_primaries(state));
    effects.extend(due_rungs(state));
    effects.extend(applies(state));
    effects.extend(ask_anew(state));
    late(state);
    serving(state);
    effects
}

/// The checks of a question that stands open are evaluated again and again: its verdicts are of now.
fn ask_anew(state: &mut State) -> Option<Effect> {
    let Some(Dialog::Ask(ask)) = state.dialogs.last() else {
        return None;
    };
    let action = &ask.resolved.action;
    let seen = state.memory.seen.get(&(action.walk, action.step.clone()));
    let old = seen.is_some_and(|(at, _)| state.now.since(at) >= ASK_ANEW);
    if ask.evaluation.is_none() || !old || state.waiting.contains_key(&ask.request) {
        return None;
    }
    let resolved = Box::new(ask.resolved.clone());
    let request = state.request("evaluating the checks", Awaiting::Asked);
    if let Some(Dialog::Ask(ask)) = state.dialogs.last_mut() {
        ask.request = request;
    }
    Some(Effect::Evaluate(request, resolved))
}

/// Says once that all is fine again: whether users are served is for a person to state.
fn serving(state: &mut State) {
    let unfine = state
        .memory
        .standings
        .values()
        .any(|s| *s != Standing::Fine);
    let mitigated = state
        .incident
        .as_ref()
        .is_some_and(|i| i.mitigated.is_some());
    if unfine || state.memory.standings.is_empty() {
        state.memory.fine_since = None;
        state.memory.told_fine = false;
        return;
    }
    let now = state.now.clone();
    let since = state.memory.fine_since.get_or_insert_with(|| now.clone());
    if now.since(since) >= FINE_FOR && !mitigated && !state.memory.told_fine {
        state.memory.told_fine = true;
        let key = key_words(state, super::command::Command::Mitigated);
        state.say(format!(
            "everything has been fine for a minute: are users served? {key} says so"
        ));
    }
}

/// How long something may be unknown before the journal says so.
const BLINK: Duration = Duration::from_secs(10);

/// Changes of standing since the last event.
fn changes(state: &mut State) -> Vec<Note> {
    let now = panes::subjects(&state.vitals);
    let mut notes = Vec::new();
    for (subject, standing, words) in now {
        if blinks(state, &subject, standing) {
            continue;
        }
        let before = state.memory.standings.get(&subject).copied();
        state.memory.standings.insert(subject.clone(), standing);
        let from = match before {
            Some(before) if before == standing => continue,
            before => before.unwrap_or_default(),
        };
        // That something is fine when it is first seen is no change.
        let first = state.memory.noted.insert(subject.clone());
        if first && from == Standing::Unknown && standing != Standing::Breach {
            if standing == Standing::Unknown {
                state.memory.noted.remove(&subject);
            }
            continue;
        }
        notes.push(Note::Standing {
            subject,
            from,
            to: standing,
            words,
        });
    }
    notes
}

/// A reading that is late for a moment is no change worth a line: what was known before stands for a while.
fn blinks(state: &mut State, subject: &str, standing: Standing) -> bool {
    let memory = &mut state.memory;
    if standing != Standing::Unknown || !memory.standings.contains_key(subject) {
        memory.unknown_since.remove(subject);
        return false;
    }
    let now = &state.now;
    let since = memory
        .unknown_since
        .entry(subject.to_owned())
        .or_insert_with(|| now.clone());
    now.since(since) < BLINK
}

fn remember(state: &mut State, changes: Vec<Note>) {
    let now = state.now.clone();
    let before = &mut state.memory.before;
    before.extend(changes.into_iter().map(|note| (now.clone(), note)));
    while before.front().is_some_and(|(at, _)| now.since(at) > BEFORE) {
        before.pop_front();
    }
}

/// After a declaration: what changed in the half hour before it, each with its time in its words.
pub(super) fn before_declaration(state: &mut State) -> Vec<Effect> {
    let now = state.now.clone();
    let before: Vec<(Now, Note)> = state.memory.before.drain(..).collect();
    let recent = before.into_iter().filter(|(at, _)| now.since(at) <= BEFORE);
    let mut effects = Vec::new();
    for (at, note) in recent {
        if let Note::Standing {
            subject,
            from,
            to,
            words,
        } = note
        {
            let words = format!("at {}: {words}", at.wall.format("%H:%M:%S"));
            let note = Note::Standing {
                subject,
                from,
                to,
                words,
            };
            effects.push(state.append("what came before", note));
        }
    }
    effects
}

fn vitals(state: &mut State) -> Option<Effect> {
    let last = state.memory.vitals_at.as_ref();
    if last.is_some_and(|at| state.now.since(at) < VITALS_EVERY) {
        return None;
    }
    state.memory.vitals_at = Some(state.now.clone());
    let subjects = panes::subjects(&state.vitals);
    Some(state.append("the vitals", Note::Vitals(subjects)))
}

/// A primary that stopped answering: what a loss is counted from must outlive this console.
fn last_primaries(state: &mut State) -> Vec<Effect> {
    let silent = |from: &TargetId| {
        let track = state.memory.tracks.get(from);
        track.is_some_and(|t| t.failures() > 0)
    };
    let links = state.site.links.iter().filter(|l| silent(&l.from));
    let seen: Vec<(LinkId, PgSight, DateTime<Utc>)> = links
        .filter_map(|link| {
            let (sight, at) = last_seen(state, &link.id)?;
            let sent = state.memory.last_seen_sent.get(&link.id) == Some(&at);
            (!sent).then(|| (link.id.clone(), sight, at))
        })
        .collect();
    let noted = seen.into_iter();
    noted
        .map(|(link, sight, at)| note_last_seen(state, link, sight, at))
        .collect()
}

fn note_last_seen(state: &mut State, link: LinkId, sight: PgSight, at: DateTime<Utc>) -> Effect {
    state.memory.last_seen_sent.insert(link.clone(), at);
    let note = Note::LastSeen {
        link: link.0,
        sight: Box::new(sight),
        at,
    };
    state.append("the primary as last seen", note)
}

/// When a promotion is asked about, what its loss is counted from is written down, though the primary still answers.
pub(super) fn primary_of_ask(state: &mut State, link: &LinkId) -> Option<Effect> {
    let (sight, at) = last_seen(state, link)?;
    Some(note_last_seen(state, link.clone(), sight, at))
}

/// Rungs that became due: each key once, whoever looks.
fn due_rungs(state: &mut State) -> Vec<Effect> {
    let site = state.site.clone();
    let due: Vec<(String, String)> = panes::clockwork(state, |clockwork| {
        let states = rungs(&site.ladder, clockwork, &state.now);
        let calling = states.into_iter().filter(|rung| rung.calls());
        calling
            .map(|rung| {
                let words = format!("{}: {}", rung.rung.who, rung.rung.what);
                (rung.key, words)
            })
            .collect()
    })
    .unwrap_or_default();
    let mut effects = Vec::new();
    for (rung, words) in due {
        let known = state
            .incident
            .as_ref()
            .is_some_and(|i| i.due.contains_key(&rung));
        if known || !state.memory.due_sent.insert(rung.clone()) {
            continue;
        }
        let key = key_words(state, super::command::Command::Acknowledge);
        let marked = marked(state, &words);
        state.refuse(format!("due now — {marked} ({key} acknowledges)"));
        effects.push(state.append("a rung that is due", Note::Due { rung, words }));
    }
    effects
}

/// Words that somebody may pass on: in an exercise they say so.
pub(super) fn marked(state: &State, words: &str) -> String {
    match state.mode {
        Mode::Real => words.to_owned(),
        mode => format!("{mode} — {words}"),
    }
}

/// Whether the next step applies is found out once, when its turn comes.
fn applies(state: &mut State) -> Option<Effect> {
    let road = Road::shown(state)?;
    let step = road.next().step()?.clone();
    let key = (road.number(), step.clone());
    let asked = state.memory.awaiting.values().any(
        |purpose| matches!(purpose, Awaiting::When(walk, id) if (*walk, id) == (key.0, &key.1)),
    );
    let untouched = !road.walk.steps.contains_key(&step);
    if asked || !untouched || state.memory.applicable.contains_key(&key) {
        return None;
    }
    let resolved = when(state, key.0, &step).ok()??;
    let request = state.request("whether the step applies", Awaiting::When(key.0, step));
    Some(Effect::Evaluate(request, Box::new(resolved)))
}

/// A step that takes longer than its time-out: said once; nothing is ended by itself.
fn late(state: &mut State) {
    let Some(incident) = &state.incident else {
        return;
    };
    let steps = incident.walks.iter().flat_map(|w| w.steps.values());
    let running = steps
        .flat_map(|s| s.actions.values())
        .filter_map(|a| a.attempts.last())
        .filter(|a| a.phase() == Phase::Running);
    let late = running.filter_map(|attempt| {
        let (started, ..) = attempt.started.as_ref()?;
        let resolved = &attempt.intent.resolved;
        let key = (resolved.action.clone(), resolved.attempt);
        let over = state.now.since_wall(*started) > resolved.timeout;
        let told = state.memory.told_late.contains(&key);
        (over && !told).then_some((key, resolved.timeout))
    });
    let Some((key, timeout)) = late.into_iter().next() else {
        return;
    };
    let what = of_action(state, &key.0);
    let cancel = key_words(state, super::command::Command::Cancel);
    state.memory.told_late.insert(key);
    state.refuse(format!(
        "{what} takes longer than {}: wait on, or {cancel} cancels it",
        Span(timeout)
    ));
}
