//! A dry run: every act resolved and shown, every check evaluated, nothing executed.

use crate::console::asking::code_words;
use crate::console::event::{Effect, Evaluation};
use crate::console::resolving::{look, resolve};
use crate::console::road::{Road, action_ref};
use crate::console::state::{Awaiting, Dialog, Pager, State};
use crate::incident::names::StepId;
use crate::incident::reading::Holds;

pub(in crate::console) fn open(state: &mut State) -> Vec<Effect> {
    let Some(road) = Road::shown(state) else {
        state.refuse("no runbook is open");
        return Vec::new();
    };
    let number = road.number();
    let title = format!("Dry run of {}", road.runbook.title);
    let steps: Vec<StepId> = road.runbook.steps.iter().map(|s| s.id.clone()).collect();
    let mut lines = vec![
        "Nothing runs. Later steps are shown as things stand now, before the earlier ones."
            .to_owned(),
    ];
    for step in &road.runbook.steps {
        lines.push(String::new());
        lines.push(heading(&step.id, &step.title));
        for action in step.actions() {
            lines.push(
                match resolve(state, &action_ref(number, &step.id, action)) {
                    Ok(resolved) => {
                        format!("  run {} ({})", code_words(&resolved.code), resolved.danger)
                    }
                    Err(why) => format!("  ✖ {why}"),
                },
            );
        }
    }
    state.dialogs.push(Dialog::DryRun(Pager {
        title,
        lines,
        top: 0,
        action: None,
    }));
    let looks = steps.into_iter().filter_map(|id| {
        let resolved = look(state, number, &id).ok()?;
        let asks = !resolved.checks.is_empty() || !resolved.verify.is_empty();
        asks.then(|| (id, resolved))
    });
    let looks: Vec<_> = looks.collect();
    let evaluate = looks.into_iter().map(|(id, resolved)| {
        let under = heading(&id, &resolved.step_title);
        let request = state.request("evaluating the checks", Awaiting::DryRun(id, under));
        Effect::Evaluate(request, Box::new(resolved))
    });
    evaluate.collect()
}

fn heading(id: &StepId, title: &str) -> String {
    format!("{title}  #{id}")
}

/// An evaluation has come: its lines go under their step, where the dry run is still open.
pub(in crate::console) fn take(state: &mut State, under: &str, evaluation: &Evaluation) {
    let dialog = state
        .dialogs
        .iter_mut()
        .rev()
        .find_map(|dialog| match dialog {
            Dialog::DryRun(pager) => Some(pager),
            _ => None,
        });
    let Some(pager) = dialog else { return };
    let Some(at) = pager.lines.iter().position(|line| line == under) else {
        return;
    };
    let section = &pager.lines[at + 1..];
    let end = at + 1 + section.iter().take_while(|line| !line.is_empty()).count();
    let sign = |holds| match holds {
        Holds::Yes => "✔",
        Holds::No => "✖",
        Holds::Unknown => "?",
    };
    let checks = evaluation.checks.iter().map(|c| ("check", c));
    let verify = evaluation.verify.iter().map(|c| ("verify", c));
    let lines: Vec<String> = checks
        .chain(verify)
        .map(|(what, (name, verdict))| {
            format!("  {} {what} {name}: {}", sign(verdict.holds), verdict.saw)
        })
        .collect();
    pager.lines.splice(end..end, lines);
}
