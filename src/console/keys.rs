//! Keys on the main screen: the keymap gives a command, and here is what each command does.

use std::time::Duration;

use super::asking::{self, choice, text};
use super::checklist::{self, of_action};
use super::command::Command;
use super::dialogs::{choosers, declare, dry_run, pagers, post_mortem, quick, resolve, runbooks};
use super::event::Effect;
use super::key::{Code, Key};
use super::moving::{PAGE, focus, previous, travel, turn};
use super::road::{Next, Road};
use super::state::{Awaiting, ChoicePurpose, Dialog, Focus, Pager, State, TextPurpose};
use crate::incident::judge::Standing;
use crate::incident::runbook::ActionRef;

/// Two presses of ctrl-c within this time leave as the quit key does: it asks when something is open.
const TWICE: Duration = Duration::from_secs(2);

/// A key on the main screen.
pub(super) fn press(state: &mut State, key: Key) -> Vec<Effect> {
    state.message = None;
    if is_ctrl_c(key) {
        return ctrl_c(state);
    }
    match state.keymap.keys.get(&key) {
        Some(command) => run(state, *command),
        None if key.code == Code::Esc => {
            state.zoomed = false;
            Vec::new()
        }
        None => {
            let help = key_words(state, Command::Help);
            state.say(format!("nothing is bound to {key}; {help} shows every key"));
            Vec::new()
        }
    }
}

/// ctrl-c.
pub(super) fn is_ctrl_c(key: Key) -> bool {
    key.ctrl && key.code == Code::Char('c')
}

/// One press never ends the console: hands press it by habit.
fn ctrl_c(state: &mut State) -> Vec<Effect> {
    let before = state.memory.last_key.as_ref();
    let twice = before.is_some_and(|(at, key)| is_ctrl_c(*key) && state.hand.since(at) <= TWICE);
    if twice {
        return quit(state);
    }
    let quit = key_words(state, Command::Quit);
    state.say(format!(
        "{quit} leaves the console; so does ctrl-c pressed again"
    ));
    Vec::new()
}

/// A command's key for a sentence, else its name in the palette.
pub(super) fn key_words(state: &State, command: Command) -> String {
    let name = command.entry().map_or("", |e| e.name);
    match state.keymap.key_of(command) {
        Some(key) => key.to_string(),
        None => format!(":{name}"),
    }
}

/// Does what a command says; the palette comes here too.
pub(super) fn run(state: &mut State, command: Command) -> Vec<Effect> {
    if state.memory.observing && writes(command) {
        state.refuse("this console only looks: open the incident without --observe to act");
        return Vec::new();
    }
    match command {
        Command::RunStep => asking::run_step(state),
        Command::Pause | Command::Faster | Command::Slower => pace(state, command),
        Command::Refresh => {
            state.say("probing everything now");
            vec![Effect::Refresh]
        }
        Command::Suspend => vec![Effect::Suspend],
        Command::Quit => quit(state),
        Command::Copy => copy(state),
        Command::Cancel => cancel(state),
        Command::Settle => settle(state),
        Command::Output => output(state),
        Command::Rollback => rollback(state),
        Command::DryRun => dry_run::open(state),
        Command::Declare => opened(state, declare::open),
        Command::Runbooks => opened(state, runbooks::open),
        Command::Resolve => opened(state, resolve::open),
        Command::PostMortem => opened(state, post_mortem::open),
        Command::Quick => opened(state, quick::open),
        Command::Palette => opened(state, choosers::open_palette),
        Command::Help => opened(state, pagers::open_help),
        Command::Skip => with_step(state, |state, walk, step, title| {
            text(
                state,
                TextPurpose::Skip(walk, step),
                format!("Why is {title} skipped?"),
                10,
            );
        }),
        Command::Leave => opened(state, leave),
        Command::GoTo => opened(state, go_to),
        Command::Note => with_incident(state, |state| {
            text(state, TextPurpose::Note, "Note", 1);
        }),
        Command::Acknowledge => with_incident(state, acknowledge),
        Command::Severity => with_incident(state, severity),
        Command::Role => with_incident(state, role),
        Command::Mitigated => with_incident(state, mitigated),
        Command::NextPane => turn(state),
        Command::PreviousPane => previous(state),
        Command::Regions => focus(state, Focus::Regions),
        Command::Replication => focus(state, Focus::Replication),
        Command::Backups => focus(state, Focus::Backups),
        Command::Clock => focus(state, Focus::Clock),
        Command::Checklist => focus(state, Focus::Checklist),
        Command::Timeline => focus(state, Focus::Timeline),
        Command::Zoom => {
            state.zoomed = !state.zoomed;
            Vec::new()
        }
        Command::Up => travel(state, |at, _| at.saturating_sub(1)),
        Command::Down => travel(state, |at, _| at + 1),
        Command::PageUp => travel(state, |at, _| at.saturating_sub(PAGE)),
        Command::PageDown => travel(state, |at, _| at + PAGE),
        Command::Top => travel(state, |_, _| 0),
        Command::Bottom => travel(state, |_, last| last),
    }
}

/// Speeds of an exercise, each the next one's slower neighbour.
const PACES: [u32; 3] = [1, 5, 20];

/// Another pace for an exercise; the real world has only one.
fn pace(state: &mut State, command: Command) -> Vec<Effect> {
    let Some(now) = state.pace else {
        state.refuse("this is real: its time can't be stopped");
        return Vec::new();
    };
    let wanted = match command {
        Command::Pause if now == 0 => 1,
        Command::Pause => 0,
        Command::Faster => PACES.into_iter().find(|pace| *pace > now).unwrap_or(now),
        _ => PACES
            .into_iter()
            .rev()
            .find(|pace| *pace < now)
            .unwrap_or(1),
    };
    state.say(match wanted {
        0 => "its time stands".to_owned(),
        pace => format!("its time runs at {pace}×"),
    });
    vec![Effect::Pace(wanted)]
}

/// Whether a command leads to an act or an entry.
fn writes(command: Command) -> bool {
    match command {
        Command::Declare
        | Command::Runbooks
        | Command::RunStep
        | Command::Skip
        | Command::Note
        | Command::Acknowledge
        | Command::Rollback
        | Command::GoTo
        | Command::Cancel
        | Command::Settle
        | Command::Severity
        | Command::Role
        | Command::Mitigated
        | Command::Leave
        | Command::Resolve
        | Command::PostMortem => true,
        Command::Output
        | Command::DryRun
        | Command::Refresh
        | Command::Pause
        | Command::Faster
        | Command::Slower
        | Command::NextPane
        | Command::PreviousPane
        | Command::Regions
        | Command::Replication
        | Command::Backups
        | Command::Clock
        | Command::Checklist
        | Command::Timeline
        | Command::Zoom
        | Command::Up
        | Command::Down
        | Command::PageUp
        | Command::PageDown
        | Command::Top
        | Command::Bottom
        | Command::Copy
        | Command::Quick
        | Command::Palette
        | Command::Help
        | Command::Suspend
        | Command::Quit => false,
    }
}

fn opened(state: &mut State, open: fn(&mut State)) -> Vec<Effect> {
    open(state);
    Vec::new()
}

/// For what is said about an incident that is open.
fn with_incident(state: &mut State, then: fn(&mut State)) -> Vec<Effect> {
    match &state.incident {
        Some(_) => then(state),
        None => {
            let key = key_words(state, Command::Declare);
            state.refuse(format!("no incident is open: {key} declares one"));
        }
    }
    Vec::new()
}

/// For what is done to the selected step of the walk that is shown: walk, step, title.
fn with_step(
    state: &mut State,
    then: impl FnOnce(&mut State, u32, crate::incident::names::StepId, String),
) -> Vec<Effect> {
    let found = Road::shown(state).and_then(|road| {
        let step = road.runbook.steps.get(state.cursor)?;
        let settled = road.status(step).settled();
        let running = matches!(road.next_in(step), Next::Running(..));
        Some((
            road.number(),
            step.id.clone(),
            step.title.clone(),
            settled,
            running,
        ))
    });
    match found {
        None => state.refuse("no runbook is open"),
        Some((.., title, true, _)) => state.refuse(format!("{title} is settled already")),
        Some((.., title, _, true)) => state.refuse(format!("{title} is running")),
        Some((walk, step, title, false, false)) => then(state, walk, step, title),
    }
    Vec::new()
}

fn quit(state: &mut State) -> Vec<Effect> {
    let open = state
        .incident
        .as_ref()
        .is_some_and(|i| i.resolved.is_none());
    if open || !running(state).is_empty() {
        state.dialogs.push(Dialog::Quit);
        return Vec::new();
    }
    state.leaving = true;
    vec![Effect::Quit]
}

/// Attempts that are under way, in any walk.
pub(super) fn running(state: &State) -> Vec<(ActionRef, u32)> {
    let walks = state.incident.iter().flat_map(|i| &i.walks);
    let actions = walks
        .flat_map(|w| w.steps.values())
        .flat_map(|s| s.actions.iter());
    let mut all: Vec<(ActionRef, u32)> = actions
        .filter(|(_, s)| s.phase() == crate::incident::journal::fold::Phase::Running)
        .filter_map(|(a, s)| Some((a.clone(), s.attempts.last()?.intent.resolved.attempt)))
        .collect();
    for performing in state.memory.performing.values() {
        if !all.contains(performing) {
            all.push(performing.clone());
        }
    }
    all
}

fn copy(state: &mut State) -> Vec<Effect> {
    let text = checklist::selected(state).map(|step| {
        let acts = step.acts.iter().map(|act| match act {
            Ok(resolved) => full_code(&resolved.code),
            Err(why) => why.clone(),
        });
        let mut lines = vec![step.step.title.clone()];
        lines.extend(acts);
        lines.join("\n")
    });
    match text {
        Some(text) => {
            state.say("the step is on the terminal's clipboard");
            vec![Effect::Copy(text)]
        }
        None => {
            state.refuse("nothing here can be copied");
            Vec::new()
        }
    }
}

/// The whole text of what an action runs.
pub(super) fn full_code(code: &crate::incident::runbook::Code) -> String {
    use crate::incident::runbook::Code as Fence;
    match code {
        Fence::Shell { script, .. } => script.clone(),
        Fence::Sql { text, .. } | Fence::Redis { text, .. } | Fence::Http { text } => text.clone(),
        Fence::Act { .. } => asking::code_words(code),
    }
}

/// The attempt that commands about running steps mean: the selected step's, else the only one there is.
fn meant(state: &State) -> Option<(ActionRef, u32)> {
    let all = running(state);
    let selected = checklist::selected(state).map(|detail| detail.step.id.clone());
    let of_step = all.iter().find(|(a, _)| Some(&a.step) == selected.as_ref());
    of_step.or(all.first()).cloned()
}

fn cancel(state: &mut State) -> Vec<Effect> {
    let Some((action, attempt)) = meant(state) else {
        state.refuse("nothing is running");
        return Vec::new();
    };
    let title = format!("Cancel {}?", of_action(state, &action));
    let answers = vec![(
        "end it".to_owned(),
        "TERM, then KILL to its whole process group; how it ended may be unknown".to_owned(),
    )];
    choice(
        state,
        ChoicePurpose::Cancel(action, attempt),
        title,
        answers,
    );
    Vec::new()
}

fn settle(state: &mut State) -> Vec<Effect> {
    let unknown = Road::shown(state).and_then(|road| {
        let selected = road.runbook.steps.get(state.cursor);
        let selected = selected.map(|step| road.next_in(step));
        [selected, Some(road.next())]
            .into_iter()
            .flatten()
            .find_map(|next| match next {
                Next::Settle(action, attempt) => Some((action, attempt)),
                _ => None,
            })
    });
    match unknown {
        Some((action, attempt)) => asking::settle(state, action, attempt),
        None => state.refuse("no step here ended in a way that nobody knows"),
    }
    Vec::new()
}

/// The newest attempt's output of the selected step.
fn output(state: &mut State) -> Vec<Effect> {
    let found = checklist::selected(state).and_then(|detail| {
        let attempt = detail.attempts.last()?;
        let resolved = &attempt.intent.resolved;
        let evidence = attempt.ended.as_ref().map(|ended| ended.evidence.clone());
        Some((resolved.action.clone(), resolved.attempt, evidence))
    });
    let Some((action, attempt, evidence)) = found else {
        state.refuse("nothing of this step has run yet");
        return Vec::new();
    };
    let title = format!("{}, attempt {attempt}", of_action(state, &action));
    let tail = state.tails.get(&(action, attempt));
    let lines = tail.map(|lines| lines.iter().map(ToString::to_string).collect());
    state.dialogs.push(Dialog::Output(Pager {
        title: title.clone(),
        lines: lines.unwrap_or_default(),
        top: 0,
        action: None,
    }));
    match evidence {
        Some(file) => {
            let request = state.request("reading the output", Awaiting::Output(title));
            vec![Effect::ReadOutput(request, file)]
        }
        None => Vec::new(),
    }
}

fn rollback(state: &mut State) -> Vec<Effect> {
    let found = Road::shown(state).and_then(|road| {
        let step = road.runbook.steps.get(state.cursor)?;
        Some((road.rollback_of(step), step.title.clone()))
    });
    match found {
        Some((Some(action), _)) => asking::ask(state, &action),
        Some((None, title)) => {
            let undo = checklist::selected(state).map_or_else(String::new, |detail| detail.undo);
            state.refuse(format!("{title} can't be undone: {undo}"));
            Vec::new()
        }
        None => {
            state.refuse("no runbook is open");
            Vec::new()
        }
    }
}

/// Leaving a runbook: at its end without a word, else with a reason.
pub(super) fn leave(state: &mut State) {
    let Some(road) = Road::shown(state) else {
        state.refuse("no runbook is open");
        return;
    };
    let (number, title) = (road.number(), road.runbook.title.clone());
    if road.walk.ended.is_some() {
        state.refuse("this runbook was left already");
    } else {
        let title = format!("Why is {title} left with steps undone?");
        text(state, TextPurpose::LeaveWalk(number), title, 10);
    }
}

fn go_to(state: &mut State) {
    let Some(road) = Road::shown(state) else {
        state.refuse("no runbook is open");
        return;
    };
    let steps: Vec<_> = road.runbook.steps.iter().collect();
    let ids = steps.iter().map(|s| s.id.clone()).collect();
    let answers = steps
        .iter()
        .enumerate()
        .map(|(n, s)| (s.title.clone(), format!("step {}", n + 1)));
    let answers = answers.collect();
    let purpose = ChoicePurpose::GoTo(road.number(), ids);
    let cursor = state.cursor;
    choice(state, purpose, "Go to which step, out of order?", answers);
    if let Some(Dialog::Choice(form)) = state.dialogs.last_mut() {
        form.selected = cursor;
    }
}

fn acknowledge(state: &mut State) {
    let rungs = state.vitals.clock.rungs.iter();
    let open: Vec<_> = rungs
        .filter(|r| r.standing != Standing::Fine)
        .cloned()
        .collect();
    if open.is_empty() {
        state.say("nothing is left to acknowledge");
        return;
    }
    let keys = open.iter().map(|rung| rung.key.clone()).collect();
    let answers = open.iter().map(|rung| {
        let words = format!("{}: {}", rung.who, rung.what);
        (super::duty::marked(state, &words), rung.words.clone())
    });
    let answers = answers.collect();
    let purpose = ChoicePurpose::Acknowledge(keys);
    choice(state, purpose, "Who was told?", answers);
}

fn severity(state: &mut State) {
    let severities = state.site.severities.iter();
    let answers = severities
        .map(|s| (s.id.to_string(), s.title.clone()))
        .collect();
    choice(state, ChoicePurpose::Severity, "How bad is it?", answers);
}

fn role(state: &mut State) {
    let mut roles = vec!["Incident commander".to_owned()];
    let contacts = state.site.contacts.iter().map(|c| c.role.clone());
    let taken = state.incident.iter().flat_map(|i| i.roles.keys().cloned());
    for role in contacts.chain(taken) {
        if !roles.contains(&role) {
            roles.push(role);
        }
    }
    let who = |role: &String| {
        let incident = state.incident.as_ref()?;
        incident.roles.get(role).cloned()
    };
    let answers = roles
        .iter()
        .map(|r| (r.clone(), who(r).unwrap_or_default()));
    let answers = answers.collect();
    choice(state, ChoicePurpose::Role(roles), "Which role?", answers);
}

fn mitigated(state: &mut State) {
    let mitigated = state.incident.as_ref().and_then(|i| i.mitigated.as_ref());
    match mitigated {
        Some((at, _)) => {
            let words = format!("users have been served again since {}", at.format("%H:%M"));
            state.say(words);
        }
        None => text(
            state,
            TextPurpose::Mitigated,
            "Users are served again. How is that known?",
            10,
        ),
    }
}
