//! Which keys do something here and now, the most useful first: the keymap read backwards, so that a hint can't lie.

use super::command::Command;
use super::dialogs::quick;
use super::key::{Code, Key};
use super::road::{Next, Road};
use super::state::{Dialog, State};

/// Keys that fit the present situation with a word each, the most relevant first.
pub fn hints(state: &State) -> Vec<(Key, &'static str)> {
    match state.dialogs.last() {
        Some(dialog) => of_dialog(dialog),
        None => commands(state)
            .into_iter()
            .filter_map(|command| of_command(state, command))
            .collect(),
    }
}

fn of_command(state: &State, command: Command) -> Option<(Key, &'static str)> {
    let entry = command.entry()?;
    let word = match entry.hint {
        "" => entry.name,
        hint => hint,
    };
    Some((state.keymap.key_of(command)?, word))
}

/// Commands that fit, the most relevant first.
fn commands(state: &State) -> Vec<Command> {
    let mut commands = match (&state.incident, Road::shown(state)) {
        (None, _) => vec![Command::Declare, Command::Refresh],
        (Some(incident), _) if incident.resolved.is_some() => vec![Command::PostMortem],
        (Some(_), None) => vec![Command::Runbooks, Command::Note],
        (Some(_), Some(road)) => on_the_road(state, &road),
    };
    if state.vitals.clock.rungs.iter().any(calls) {
        commands.insert(1.min(commands.len()), Command::Acknowledge);
    }
    let always = [
        Command::Note,
        Command::Runbooks,
        Command::NextPane,
        Command::Zoom,
        Command::Palette,
        Command::Help,
        Command::Quick,
        Command::Quit,
    ];
    let open = state.incident.is_some();
    for command in always {
        let fits = open || !matches!(command, Command::Note | Command::Runbooks);
        if fits && !commands.contains(&command) {
            commands.push(command);
        }
    }
    commands
}

fn calls(rung: &super::vitals::RungRow) -> bool {
    use crate::incident::judge::Standing;
    matches!(rung.standing, Standing::Watch | Standing::Breach)
}

fn on_the_road(state: &State, road: &Road<'_>) -> Vec<Command> {
    let mut commands = match road.next() {
        Next::Running(..) => vec![Command::Output, Command::Cancel],
        Next::Settle(..) => vec![Command::Settle, Command::Output],
        Next::AfterFailure(_) => vec![Command::RunStep, Command::Output, Command::Skip],
        Next::Done | Next::Nothing => vec![Command::RunStep, Command::Runbooks, Command::Resolve],
        Next::Action(_)
        | Next::Tick(..)
        | Next::Acknowledge(_)
        | Next::Look(_)
        | Next::Verify(_)
        | Next::Branch(_)
        | Next::Decide(_) => vec![Command::RunStep, Command::Skip],
    };
    let undo = road.runbook.steps.get(state.cursor);
    if undo.is_some_and(|step| road.rollback_of(step).is_some()) {
        commands.push(Command::Rollback);
    }
    commands
}

fn of_dialog(dialog: &Dialog) -> Vec<(Key, &'static str)> {
    let key = Key::plain;
    let enter = |word| (key(Code::Enter), word);
    let (not_now, close) = ((key(Code::Esc), "not now"), (key(Code::Esc), "close"));
    match dialog {
        Dialog::Declare(_) => vec![
            enter("next, declare"),
            (key(Code::Tab), "field"),
            (key(Code::Down), "choose"),
            not_now,
        ],
        Dialog::Runbooks(_) | Dialog::Palette(_) => {
            vec![enter("choose"), (key(Code::Down), "move"), close]
        }
        Dialog::Quick(_) => vec![
            enter("ask"),
            (key(Code::Down), "choose"),
            (quick::NOTE, "note it"),
            close,
        ],
        Dialog::Inputs(_) => vec![
            enter("next, begin"),
            (key(Code::Tab), "field"),
            (key(Code::Down), "choose"),
            not_now,
        ],
        Dialog::Ask(ask) if ask.enter_is_enough() => vec![enter("run"), not_now],
        Dialog::Ask(_) => vec![enter("run"), (key(Code::Tab), "phrase, reason"), not_now],
        Dialog::Text(_) => vec![enter("write it down"), not_now],
        Dialog::Choice(_) => vec![enter("choose"), (key(Code::Down), "move"), not_now],
        Dialog::PostMortem(_) => vec![enter("write"), (key(Code::PageDown), "page"), close],
        Dialog::Output(_) | Dialog::DryRun(_) | Dialog::Help(_) => {
            vec![(key(Code::PageDown), "page"), close]
        }
        Dialog::Quit => vec![enter("leave"), (key(Code::Esc), "stay")],
    }
}
