//! What the hall tells besides keys: readings, verdicts, entries that are on disk, output, failures. Answers for a dialog
//! that has gone are dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checklist::of_action;
use super::dialogs::{dry_run, quick};
use super::event::{Effect, Evaluation, Event, Look, RequestId};
use super::state::{Awaiting, ChoiceForm, ChoicePurpose, Dialog, State};
use crate::incident::clean::Clean;
use crate::incident::journal::{Entry, Fact, Incident, Note, Report};
use crate::incident::measure::Lag;
use crate::incident::names::{StepId, TargetId};
use crate::incident::reading::{Holds, Outcome, Verdict};
use crate::incident::replication::{End, LinkHistory};
use crate::incident::runbook::{ActionRef, Role, Runbook};
use crate::incident::site::Link;
use crate::incident::track::HISTORY;

use super::road::Road;

/// How many lines of a step's output are kept at hand; the whole of it is in its evidence.
const TAIL: usize = 500;

pub(super) fn take(state: &mut State, event: Event) -> Vec<Effect> {
    match event {
        Event::Observed(looks) => {
            looks.into_iter().for_each(|look| observed(state, look));
            Vec::new()
        }
        Event::Evaluated(request, evaluation) => evaluated(state, request, *evaluation),
        Event::Preflight(request, found) => {
            preflight(state, request, found);
            Vec::new()
        }
        Event::Opened(entries) => {
            opened(state, &entries);
            Vec::new()
        }
        Event::Appended(request, entry) => appended(state, request, &entry),
        Event::NotAppended(request, failure) => {
            failed(state, request, &failure.to_string(), "could not be written");
            Vec::new()
        }
        Event::NotStarted(request, failure) => {
            failed(state, request, &failure.to_string(), "was not carried out");
            Vec::new()
        }
        Event::Output(action, attempt, line) => {
            let tail = state.tails.entry((action, attempt)).or_default();
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(line);
            Vec::new()
        }
        Event::WholeOutput(request, text) => {
            whole_output(state, request, &text);
            Vec::new()
        }
        Event::Trouble(words) => {
            state.trouble = Some(words);
            Vec::new()
        }
        Event::Heard(from, says) => {
            state.say(format!("{from}: {says}"));
            Vec::new()
        }
        Event::Library(library) => {
            state.library = library;
            let before = state.dialogs.len();
            state
                .dialogs
                .retain(|dialog| !matches!(dialog, Dialog::Inputs(_) | Dialog::Runbooks(_)));
            if state.dialogs.len() < before {
                state.refuse("the runbooks changed: choose again");
            }
            Vec::new()
        }
        Event::Exported(request, result) => {
            state.answered(request);
            match result {
                Ok(path) => {
                    let room = usize::from(state.size.0).saturating_sub(30);
                    state.say(format!("the post-mortem stands at {}", end_of(&path, room)));
                }
                Err(failure) => state.refuse(failure.to_string()),
            }
            Vec::new()
        }
        Event::Copied(request, result) => {
            // What is chosen counts from its entry; here only a failure is news.
            if let Err(failure) = result {
                failed(state, request, &failure.to_string(), "could not be copied");
            }
            Vec::new()
        }
        Event::Walked(walk, runbook) => {
            bind(state, walk, &runbook);
            Vec::new()
        }
        // Handled before they come here.
        Event::Tick | Event::Key(_) | Event::Pasted(_) | Event::Resized(..) => Vec::new(),
    }
}

fn observed(state: &mut State, look: Look) {
    let Look {
        target,
        reading,
        took,
    } = look;
    let track = state.memory.tracks.entry(target.clone()).or_default();
    track.observe(reading.clone(), took);
    let site = Arc::clone(&state.site);
    for link in &site.links {
        let (Some(from), Some(to)) = (site.target(&link.from), site.target(&link.to)) else {
            continue;
        };
        let ends = [(End::From, &link.from), (End::To, &link.to)];
        for (end, _) in ends.into_iter().filter(|(_, id)| **id == target) {
            let histories = &mut state.memory.links;
            let history = histories.entry(link.id.clone());
            history
                .or_insert_with(|| LinkHistory::between(from, to))
                .observe(end, &reading);
            lag_seen(state, link);
        }
    }
}

/// Keeps the link's lag as it is now, for its sparkline.
fn lag_seen(state: &mut State, link: &Link) {
    let last = |id: &TargetId| state.memory.tracks.get(id).and_then(|t| t.last());
    let Some(history) = state.memory.links.get(&link.id) else {
        return;
    };
    let vital = history.vital(link, last(&link.from), last(&link.to), &state.now);
    let millis = |lag: Lag| u64::try_from(lag.0.as_millis()).unwrap_or(u64::MAX);
    let lags = state.memory.lags.entry(link.id.clone()).or_default();
    if lags.len() == HISTORY {
        lags.pop_front();
    }
    lags.push_back(vital.lag.map(millis));
}

fn evaluated(state: &mut State, request: RequestId, evaluation: Evaluation) -> Vec<Effect> {
    match state.answered(request) {
        Some(Awaiting::Asked) => {
            let ask = state.dialogs.iter_mut().find_map(|dialog| match dialog {
                Dialog::Ask(ask) if ask.request == request => Some(ask),
                _ => None,
            });
            if let Some(ask) = ask {
                let action = &ask.resolved.action;
                let key = (action.walk, action.step.clone());
                let seen = (state.now.clone(), evaluation.clone());
                state.memory.seen.insert(key, seen);
                // What is shown for the first time is read before it is answered.
                if ask.evaluation.is_none() && ask.typed.is_empty() {
                    ask.disturbed(&state.hand);
                }
                ask.evaluation = Some(evaluation);
            }
        }
        Some(Awaiting::Fork(walk, step)) => fork(state, walk, &step, evaluation),
        Some(Awaiting::Looked(walk, step)) => looked(state, walk, &step, evaluation),
        Some(Awaiting::When(walk, step)) => return applicable(state, walk, step, &evaluation),
        Some(Awaiting::Question) => quick::answered(state, request, evaluation),
        Some(Awaiting::DryRun(_, under)) => dry_run::take(state, &under, &evaluation),
        _ => {}
    }
    Vec::new()
}

fn all(verdicts: &[(String, Verdict)]) -> Holds {
    let one = |holds| verdicts.iter().any(|(_, v)| v.holds == holds);
    match () {
        () if one(Holds::No) => Holds::No,
        () if one(Holds::Unknown) => Holds::Unknown,
        () => Holds::Yes,
    }
}

/// The choice that is open for that purpose, where it still is.
fn open_choice(state: &mut State, is: impl Fn(&ChoicePurpose) -> bool) -> Option<&mut ChoiceForm> {
    state.dialogs.iter_mut().find_map(|dialog| match dialog {
        Dialog::Choice(form) if form.answers.is_empty() && is(&form.purpose) => Some(&mut **form),
        _ => None,
    })
}

fn lines(verdicts: Vec<(String, Verdict)>) -> Vec<(Option<Verdict>, String)> {
    let line = |(name, verdict)| (Some(verdict), name);
    verdicts.into_iter().map(line).collect()
}

/// The checks of a fork were evaluated: the way they point to, for the operator to confirm.
fn fork(state: &mut State, walk: u32, step: &StepId, evaluation: Evaluation) {
    let Some(road) = Road::of(state, walk) else {
        return;
    };
    let Some(branch) = road.runbook.step(step).and_then(|s| s.card.branch.clone()) else {
        return;
    };
    let (way, to, why) = match all(&evaluation.checks) {
        Holds::Yes => ("ok", branch.ok, "every check holds"),
        Holds::No => ("fail", branch.fail, "a check does not hold"),
        Holds::Unknown => {
            let to = branch.unknown.unwrap_or(branch.fail);
            ("unknown", to, "a check could not be told")
        }
    };
    let answer = (format!("{way}: {}", road.title(&to)), why.to_owned());
    let now = state.hand.clone();
    let of_step = |purpose: &ChoicePurpose| matches!(purpose, ChoicePurpose::Branch(w, s, _) if *w == walk && s == step);
    if let Some(form) = open_choice(state, of_step) {
        form.purpose = ChoicePurpose::Branch(walk, step.clone(), vec![(way.to_owned(), to)]);
        form.lines = lines(evaluation.checks);
        form.answers = vec![answer];
        form.opened = now;
    }
}

fn looked(state: &mut State, walk: u32, step: &StepId, evaluation: Evaluation) {
    let key = (walk, step.clone());
    state
        .memory
        .seen
        .insert(key, (state.now.clone(), evaluation.clone()));
    let verdicts: Vec<(String, Verdict)> = evaluation
        .checks
        .into_iter()
        .chain(evaluation.verify)
        .collect();
    let so = all(&verdicts) == Holds::Yes;
    let anyway = (
        "go on though it is not so".to_owned(),
        "with a reason".to_owned(),
    );
    let answers = match so {
        true => vec![("it is so: tick it".to_owned(), String::new()), anyway],
        false => vec![anyway],
    };
    let now = state.hand.clone();
    let of_step = |purpose: &ChoicePurpose| matches!(purpose, ChoicePurpose::Looked(w, s) if *w == walk && s == step);
    if let Some(form) = open_choice(state, of_step) {
        form.lines = lines(verdicts);
        form.answers = answers;
        form.opened = now;
    }
}

/// What a step that does not apply is skipped with: the journal must say why, and a console that comes back must agree.
pub(super) const NOT_APPLICABLE: &str = "not applicable: ";

fn applicable(state: &mut State, walk: u32, step: StepId, evaluation: &Evaluation) -> Vec<Effect> {
    let holds = all(&evaluation.checks);
    state.memory.applicable.insert((walk, step.clone()), holds);
    let saw = evaluation
        .checks
        .first()
        .map(|(_, v)| v.saw.as_str().to_owned());
    let saw = saw.unwrap_or_default();
    match holds {
        Holds::Yes => Vec::new(),
        Holds::Unknown => {
            state.refuse(format!("whether this step applies is not known: {saw}"));
            Vec::new()
        }
        Holds::No => {
            let reason = Clean::new(&format!("{NOT_APPLICABLE}{saw}"));
            vec![state.append("the skip", Note::Skipped { walk, step, reason })]
        }
    }
}

fn preflight(state: &mut State, request: RequestId, found: Vec<(String, Verdict)>) {
    state.answered(request);
    let form = state.dialogs.iter_mut().find_map(|dialog| match dialog {
        Dialog::Inputs(form) if form.request == Some(request) => Some(form),
        _ => None,
    });
    if let Some(form) = form {
        form.preflight = Some(found);
    }
}

fn whole_output(state: &mut State, request: RequestId, text: &Clean) {
    let Some(Awaiting::Output(title)) = state.answered(request) else {
        return;
    };
    let pager = state.dialogs.iter_mut().find_map(|dialog| match dialog {
        Dialog::Output(pager) if pager.title == title => Some(pager),
        _ => None,
    });
    if let Some(pager) = pager {
        pager.lines = text.as_str().lines().map(str::to_owned).collect();
    }
}

fn failed(state: &mut State, request: RequestId, failure: &str, how: &str) {
    let what = match state.answered(request) {
        Some(Awaiting::Noted(what, _)) => what,
        Some(Awaiting::Declared) => "the declaration",
        Some(Awaiting::Chosen(..)) => "the runbook",
        Some(Awaiting::Cancelled) => "the cancel",
        _ => "it",
    };
    let what = match state.memory.performing.remove(&request) {
        Some((action, _)) => of_action(state, &action),
        None => what.to_owned(),
    };
    state.refuse(format!("{what} {how}: {failure}"));
}

fn appended(state: &mut State, request: Option<RequestId>, entry: &Entry) -> Vec<Effect> {
    let purpose = request.and_then(|request| state.answered(request));
    if let Fact::Declared(declaration) = &entry.fact {
        match Incident::fold(std::slice::from_ref(entry)) {
            Ok(incident) => begin(state, incident),
            Err(gap) => state.refuse(format!("the journal of {} {gap}", declaration.id)),
        }
        return match purpose {
            Some(Awaiting::Declared) => super::duty::before_declaration(state),
            _ => Vec::new(),
        };
    }
    let Some(incident) = &mut state.incident else {
        return Vec::new();
    };
    if let Err(gap) = incident.apply(entry) {
        // It is on disk and does not follow: nothing of what is shown can be trusted to be whole.
        let words = format!("the journal is not one story: {gap} — see warroom incident verify");
        state.trouble = Some(Clean::new(&words));
        return Vec::new();
    }
    match &entry.fact {
        Fact::Note(note) => return noted(state, note, purpose),
        Fact::Report(Report::Started {
            action, attempt, ..
        }) => begun(state, action, *attempt),
        Fact::Report(Report::Ended {
            action,
            attempt,
            outcome,
            ..
        }) => {
            begun(state, action, *attempt);
            ended(state, action, outcome);
            return maintenance(state, action, outcome).into_iter().collect();
        }
        Fact::Intent(intent) => overtaken(state, &intent.resolved.action, &entry.actor.name),
        Fact::Declared(_) => {}
    }
    Vec::new()
}

/// The whole journal of an incident, at once.
pub(super) fn opened(state: &mut State, entries: &[Entry]) {
    let incident = match Incident::fold(entries) {
        Ok(incident) => incident,
        Err(gap) => {
            let words =
                format!("the journal is not one story: {gap} — see warroom incident verify");
            state.trouble = Some(Clean::new(&words));
            return;
        }
    };
    super::recall::recall(state, entries);
    let words = format!("{} is open", incident.declaration.id);
    let walks = incident.walks.iter();
    let chosen: Vec<_> = walks
        .map(|w| (w.chosen.walk, w.chosen.digest.clone(), w.ended.is_some()))
        .collect();
    begin(state, incident);
    state.say(words);
    let shown = chosen.iter().rev().find(|(.., ended)| !ended);
    state.walk = shown.or(chosen.last()).map(|(number, ..)| *number);
    for (number, digest, _) in chosen {
        bind_known(state, number, &digest);
    }
}

/// A runbook of the library that has the bytes which were chosen stands for the incident's copy until that is read.
fn bind_known(state: &mut State, number: u32, digest: &str) {
    let mut known = state.library.iter().map(|l| &l.runbook);
    if let Some(runbook) = known.find(|r| r.digest == digest).cloned() {
        bind(state, number, &runbook);
    }
}

/// Another incident: nothing of the one before stays.
fn begin(state: &mut State, incident: Incident) {
    state.say(format!("{} is declared", incident.declaration.id));
    state.mode = incident.declaration.mode;
    state.incident = Some(incident);
    state.walks = BTreeMap::new();
    state.walk = None;
    state.tails.clear();
    state.scroll.clear();
    let memory = &mut state.memory;
    memory.secrets.clear();
    memory.performing.clear();
    memory.waived.clear();
    memory.told_late.clear();
    memory.due_sent.clear();
    memory.seen.clear();
    memory.applicable.clear();
    memory.last_seen_sent.clear();
    memory.vitals_at = None;
}

/// Somebody else confirmed what is being asked here: the question has gone, and its answer would be a second run.
fn overtaken(state: &mut State, action: &ActionRef, by: &str) {
    let before = state.dialogs.len();
    state
        .dialogs
        .retain(|dialog| !matches!(dialog, Dialog::Ask(ask) if ask.resolved.action == *action));
    if state.dialogs.len() < before {
        let what = of_action(state, action);
        state.refuse(format!("{by} confirmed {what} first"));
    }
}

/// The hall's word that an attempt was handed over is not needed any more: the journal has it.
fn begun(state: &mut State, action: &ActionRef, attempt: u32) {
    let performing = &mut state.memory.performing;
    performing.retain(|_, (a, n)| !(a == action && *n == attempt));
}

fn ended(state: &mut State, action: &ActionRef, outcome: &Outcome) {
    let what = of_action(state, action);
    match outcome {
        Outcome::Done { said } => state.say(format!("{what}: done, {said}")),
        Outcome::Failed { failure, .. } => state.refuse(format!("{what} failed: {failure}")),
        Outcome::Unknown { failure } => {
            state.refuse(format!("nobody can say how {what} ended: {failure}"));
        }
        Outcome::Refused { verdicts } => {
            let saw = verdicts.iter().find(|v| v.holds != Holds::Yes);
            let saw = saw.map_or("", |v| v.saw.as_str());
            state.refuse(format!("{what} was refused at its last check: {saw}"));
        }
    }
}

/// A step that turns maintenance mode on or off has been done: that is a state of the incident, with its age on screen.
fn maintenance(state: &mut State, action: &ActionRef, outcome: &Outcome) -> Option<Effect> {
    let step = state.walks.get(&action.walk)?.step(&action.step)?;
    let last = step.actions().last().map(|last| last.index) == Some(action.index);
    let on = step.card.maintenance?;
    let is_on = state.incident.as_ref()?.maintenance.is_some();
    let done = matches!(outcome, Outcome::Done { .. }) && action.role == Role::Run && last;
    (done && is_on != on).then(|| state.append("maintenance mode", Note::Maintenance { on }))
}

fn noted(state: &mut State, note: &Note, purpose: Option<Awaiting>) -> Vec<Effect> {
    match (note, purpose) {
        (Note::Chosen(chosen), Some(Awaiting::Chosen(number, runbook, secrets))) => {
            if !secrets.is_empty() {
                state.memory.secrets.insert(number, secrets);
            }
            bind(state, chosen.walk, &runbook);
            state.walk = Some(chosen.walk);
            state.focus = super::state::Focus::Checklist;
            // Whoever added a step wants it asked about, unless another question has come up meanwhile.
            if chosen.added.is_some() && state.dialogs.is_empty() {
                return super::asking::run_step(state);
            }
        }
        (Note::Chosen(chosen), _) => {
            bind_known(state, chosen.walk, &chosen.digest);
            state.walk = Some(chosen.walk);
        }
        (Note::WalkEnded { walk, .. }, _) if state.walk == Some(*walk) => back(state, *walk),
        (Note::Resolved { .. }, _) => {
            let key = super::keys::key_words(state, super::command::Command::PostMortem);
            state.say(format!("resolved; {key} writes the post-mortem"));
        }
        _ => {}
    }
    Vec::new()
}

/// A walk is over: the one that opened it is shown, else another that is open, else what this one still owes.
fn back(state: &mut State, walk: u32) {
    let Some(incident) = &state.incident else {
        return;
    };
    let owes = Road::of(state, walk).is_some_and(|road| !road.always_left().is_empty());
    let chosen = incident.walk(walk).map(|w| &w.chosen);
    let parent = chosen.and_then(|chosen| {
        let amid = chosen.added.as_ref().and_then(|added| added.amid.as_ref());
        chosen.parent.as_ref().or(amid)
    });
    let parent = parent.map(|(number, _)| *number);
    let open = incident.walks.iter().rev().filter(|w| w.ended.is_none());
    let open = open.map(|w| w.chosen.walk).next();
    if !owes {
        state.walk = parent.or(open).or(Some(walk));
    }
}

/// Joins a walk to its runbook, cut to the steps that were chosen.
fn bind(state: &mut State, number: u32, runbook: &Arc<Runbook>) {
    let Some(walk) = state.incident.as_ref().and_then(|i| i.walk(number)) else {
        return;
    };
    let chosen = |id: &StepId| walk.chosen.steps.iter().any(|(step, _)| step == id);
    let bound = match runbook.steps.iter().all(|step| chosen(&step.id)) {
        true => Arc::clone(runbook),
        false => {
            let steps = runbook.steps.iter().filter(|step| chosen(&step.id));
            Arc::new(Runbook {
                steps: steps.cloned().collect(),
                ..(**runbook).clone()
            })
        }
    };
    state.walks.insert(number, bound);
    state.walk = state.walk.or(Some(number));
}

/// Of a path without the room for all of it, the file and its folder: its beginning is always the same.
fn end_of(path: &str, room: usize) -> String {
    let end = path.rmatch_indices('/').nth(1).map(|(at, _)| at);
    match end.filter(|_| path.len() > room) {
        Some(at) => format!("…{}", &path[at..]),
        None => path.to_owned(),
    }
}
