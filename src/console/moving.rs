//! Moving about: the focus goes round the parts of the screen, the cursor and the scroll go through one.

use super::checklist;
use super::event::Effect;
use super::keys::full_code;
use super::road::Road;
use super::state::{Focus, State};

/// A page, where the screen's own height is not known here.
pub(super) const PAGE: usize = 10;

/// Parts of the screen in the order the focus goes round.
const ROUND: [Focus; 7] = [
    Focus::Regions,
    Focus::Replication,
    Focus::Backups,
    Focus::Clock,
    Focus::Checklist,
    Focus::Step,
    Focus::Timeline,
];

/// The focus goes on to the next part.
pub(super) fn turn(state: &mut State) -> Vec<Effect> {
    around(state, 1)
}

/// The focus goes back to the part before.
pub(super) fn previous(state: &mut State) -> Vec<Effect> {
    around(state, ROUND.len() - 1)
}

fn around(state: &mut State, by: usize) -> Vec<Effect> {
    let at = ROUND.iter().position(|f| *f == state.focus).unwrap_or(0);
    focus(state, ROUND[(at + by) % ROUND.len()])
}

pub(super) fn focus(state: &mut State, focus: Focus) -> Vec<Effect> {
    state.focus = focus;
    Vec::new()
}

/// Moves the cursor of the checklist, or scrolls another part: from where it is, and given the last row.
pub(super) fn travel(state: &mut State, to: impl Fn(usize, usize) -> usize) -> Vec<Effect> {
    let last = last_row(state);
    match state.focus {
        Focus::Checklist => state.cursor = to(state.cursor, last).min(last),
        Focus::Timeline => {
            // Until somebody scrolls, the newest entry is in sight; scrolled to the end, it is so again.
            let at = state.scroll.get(&Focus::Timeline).copied().unwrap_or(last);
            match to(at, last) {
                at if at >= last => state.scroll.remove(&Focus::Timeline),
                at => state.scroll.insert(Focus::Timeline, at),
            };
        }
        focus => {
            let at = state.scroll.get(&focus).copied().unwrap_or(0);
            state.scroll.insert(focus, to(at, last).min(last));
        }
    }
    Vec::new()
}

fn last_row(state: &State) -> usize {
    let vitals = &state.vitals;
    let rows = match state.focus {
        Focus::Regions => vitals.regions.iter().map(|r| 1 + r.components.len()).sum(),
        Focus::Replication => vitals.links.len(),
        Focus::Backups => vitals.backups.len(),
        Focus::Clock => vitals.clock.rungs.len() + 2,
        Focus::Checklist => Road::shown(state).map_or(0, |road| road.runbook.steps.len()),
        Focus::Step => step_rows(state),
        Focus::Timeline => state.incident.as_ref().map_or(0, |i| i.entries.len()),
    };
    rows.saturating_sub(1)
}

/// About how many lines the step's panel has: its prose, its acts, its checks.
fn step_rows(state: &State) -> usize {
    checklist::selected(state).map_or(0, |detail| {
        let acts = detail.acts.iter().map(|act| match act {
            Ok(resolved) => 2 + full_code(&resolved.code).lines().count(),
            Err(_) => 1,
        });
        let acts: usize = acts.sum();
        detail.step.why.len() * 2 + acts + detail.checks.len() + detail.verify.len()
    })
}
