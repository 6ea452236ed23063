//! The steps as ways: every step that is named is there, and every step is reached.

use std::collections::{BTreeMap, BTreeSet};

use super::super::super::fault::nearest;
use super::super::super::names::StepId;
use super::super::{OnFail, Step};
use super::Lint;

/// Reports steps that are named and not there.
pub(super) fn references(lint: &mut Lint<'_>) {
    let runbook = lint.runbook;
    let known: BTreeSet<&StepId> = runbook.steps.iter().map(|step| &step.id).collect();
    for step in &runbook.steps {
        let mut named = ways(step);
        named.extend(step.card.safety.as_ref().map(|id| ("safety", id)));
        for (key, id) in named {
            if known.contains(id) {
                continue;
            }
            let names = runbook.steps.iter().map(|step| step.id.as_str());
            let instead = match nearest(id.as_str(), names) {
                Some(meant) => format!("did you mean #{meant}?"),
                None => "give a heading that {#id}".to_owned(),
            };
            let at = lint.near(step.line, &format!("#{id}"));
            let what = format!("{key} goes to #{id}, which is no step");
            lint.fault("step-unknown", &at, what, instead);
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
    let places: BTreeMap<&StepId, usize> =
        (0..).zip(steps).map(|(n, step)| (&step.id, n)).collect();
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = (0..steps.len())
        .filter(|n| *n == 0 || steps[*n].card.always)
        .collect();
    while let Some(n) = open.pop() {
        if n >= steps.len() || !reached.insert(n) {
            continue;
        }
        let step = &steps[n];
        let ways = ways(step).into_iter();
        open.extend(ways.filter_map(|(_, id)| places.get(id).copied()));
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
        let instead = "let a step's next, branch or decide go there";
        lint.warn("step-unreachable", &at, what, instead);
    }
}
