//! The steps as ways: every step that is named is there, and every step is reached.

use std::collections::BTreeSet;

use super::super::super::fault::nearest;
use super::super::super::names::StepId;
use super::super::{OnFail, Step};
use super::Lint;

/// Reports steps that are named and not there.
pub(super) fn references(lint: &mut Lint<'_>) {
    let runbook = lint.runbook;
    for step in &runbook.steps {
        let mut named = ways(step);
        named.extend(step.card.safety.as_ref().map(|id| ("safety", id)));
        for (key, id) in named {
            if runbook.step(id).is_some() {
                continue;
            }
            let known = runbook.steps.iter().map(|step| step.id.as_str());
            let instead = match nearest(id.as_str(), known) {
                Some(meant) => format!("did you mean #{meant}?"),
                None => "give a heading that {#id}".to_owned(),
            };
            let at = lint.near(step.line, &format!("#{id}"));
            lint.fault(
                &at,
                format!("{key} goes to #{id}, which is no step"),
                instead,
            );
        }
    }
}

/// Every way a card names, with its key.
fn ways(step: &Step) -> Vec<(&'static str, &StepId)> {
    let card = &step.card;
    let mut ways = Vec::new();
    ways.extend(card.next.as_ref().map(|id| ("next", id)));
    for (key, way) in [("on_fail", &card.on_fail), ("on_timeout", &card.on_timeout)] {
        if let Some(OnFail::Go(id)) = way {
            ways.push((key, id));
        }
    }
    if let Some(branch) = &card.branch {
        ways.extend([("branch", &branch.ok), ("branch", &branch.fail)]);
        ways.extend(branch.unknown.as_ref().map(|id| ("branch", id)));
    }
    ways.extend(card.decide.iter().map(|(_, id)| ("decide", id)));
    ways
}

/// Reports steps to which no way leads. `always` steps are offered from everywhere.
pub(super) fn reachable(lint: &mut Lint<'_>) {
    let steps = &lint.runbook.steps;
    let index = |id: &StepId| steps.iter().position(|step| &step.id == id);
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = (0..steps.len())
        .filter(|n| *n == 0 || steps[*n].card.always)
        .collect();
    while let Some(n) = open.pop() {
        if n >= steps.len() || !reached.insert(n) {
            continue;
        }
        let step = &steps[n];
        open.extend(ways(step).into_iter().filter_map(|(_, id)| index(id)));
        let card = &step.card;
        let leads_away = card.next.is_some() || card.branch.is_some() || !card.decide.is_empty();
        // A step that is not applicable is passed by.
        if !leads_away || card.when.is_some() {
            open.push(n + 1);
        }
    }
    let lost: Vec<&Step> = steps
        .iter()
        .enumerate()
        .filter(|(n, _)| !reached.contains(n))
        .map(|(_, step)| step)
        .collect();
    for step in lost {
        let at = lint.near(step.line, "");
        let what = format!("no way leads to #{}", step.id);
        lint.warn(&at, what, "let a step's next, branch or decide go there");
    }
}
