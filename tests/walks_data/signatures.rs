//! What people signed, as the journal has it.

use std::fs;
use std::path::Path;

use warroom::incident::journal::fold::Phase;
use warroom::incident::runbook::{Part, parse};

use crate::common::through::Walked;

/// Each box of the steps on a runbook's way was ticked by the operator, who wrote what they saw; of a step that failed, none was.
#[track_caller]
pub fn signed(walked: &Walked, runbook: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("runbooks/{runbook}.md"));
    let (parsed, _) = parse(runbook, &fs::read_to_string(file).unwrap(), runbook.into());
    let parsed = parsed.unwrap();
    let mut walks = walked.incident.walks.iter().rev();
    let walk = walks.find(|walk| walk.chosen.runbook.as_str() == runbook);
    let walk = walk.unwrap();
    assert!(walk.ended.is_some(), "{runbook} is at its end");
    for step in walked.steps(runbook) {
        let step = parsed.step(&step.into()).unwrap();
        let boxes = step.parts.iter().filter_map(|part| match part {
            Part::Tick(tick) => Some(tick),
            Part::Action(_) => None,
        });
        // A step that only opens another runbook has no state of its own.
        let state = walk.steps.get(&step.id).cloned().unwrap_or_default();
        let mut acts = state.actions.values();
        if acts.any(|act| act.phase() == Phase::Failed) {
            assert!(state.ticks.is_empty(), "#{} failed", step.id);
            continue;
        }
        for tick in boxes {
            let (_, by, note) = &state.ticks[&tick.index];
            let note = note.as_ref().map(ToString::to_string);
            let said = (by.name.as_str(), note.as_deref());
            let place = format!("#{}/{}: {}", step.id, tick.index, tick.text);
            assert_eq!(said, ("ana", Some("seen with my own eyes")), "{place}");
        }
    }
}
