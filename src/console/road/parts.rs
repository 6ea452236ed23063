//! What a step is made of, how it stands, and what can be next.

use crate::incident::names::StepId;
use crate::incident::resolve::reads_only;
use crate::incident::runbook::{Action, ActionRef, Check, Part, Step, Tick};

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepStatus {
    /// Not reached.
    Waiting,
    /// To be done now.
    Next,
    /// An act of it runs.
    Running,
    /// All of it is done.
    Done,
    /// An act of it failed.
    Failed,
    /// Nobody can say how an act of it ended.
    Unknown,
    /// The last check of an act was red; it never ran.
    Refused,
    /// Left out, with a reason.
    Skipped,
    /// Its `when` does not hold.
    NotApplicable,
    /// It was done and undone.
    RolledBack,
}

impl StepStatus {
    /// Nothing of it is left to do.
    pub fn settled(self) -> bool {
        matches!(
            self,
            StepStatus::Done
                | StepStatus::Skipped
                | StepStatus::NotApplicable
                | StepStatus::RolledBack
        )
    }
}

/// One thing of a step, in the order it is done.
#[derive(Debug, Clone, Copy)]
pub enum Item<'a> {
    /// An act, or a check that runs like one.
    Action(&'a Action),
    /// A manual check.
    Tick(&'a Tick),
    /// The whole step is prose: it is acknowledged (tick 0).
    Prose,
    /// The whole step is checks: they are looked at, then it is ticked (tick 0).
    Look,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// No runbook is open.
    Nothing,
    /// Run this act.
    Action(ActionRef),
    /// Tick this item.
    Tick(StepId, usize),
    /// Acknowledge a step of prose.
    Acknowledge(StepId),
    /// Look at a step that is checks only, then tick it.
    Look(StepId),
    /// Watch what the platform does by itself; nothing to confirm.
    Verify(StepId),
    /// A fork by checks.
    Branch(StepId),
    /// A fork the operator decides.
    Decide(StepId),
    /// An attempt is under way.
    Running(ActionRef, u32),
    /// Nobody can say how an attempt ended: say it.
    Settle(ActionRef, u32),
    /// An act failed: try again, go elsewhere, skip, roll back, leave.
    AfterFailure(StepId),
    /// Every step is done, skipped or not applicable.
    Done,
}

impl Next {
    /// The step it belongs to.
    pub fn step(&self) -> Option<&StepId> {
        match self {
            Next::Nothing | Next::Done => None,
            Next::Action(action) | Next::Running(action, _) | Next::Settle(action, _) => {
                Some(&action.step)
            }
            Next::Tick(step, _)
            | Next::Acknowledge(step)
            | Next::Look(step)
            | Next::Verify(step)
            | Next::Branch(step)
            | Next::Decide(step)
            | Next::AfterFailure(step) => Some(step),
        }
    }
}

/// The evaluation of a check needs no confirmation: conditions, `sql` (READ ONLY) and `http` GET and HEAD.
pub fn free(check: &Check) -> bool {
    match check {
        Check::Condition(_) => true,
        Check::Code(action) => reads_only(action),
    }
}

fn confirmed(checks: &[Check]) -> impl Iterator<Item = Item<'_>> {
    checks.iter().filter_map(|check| match check {
        Check::Code(action) if !free(check) => Some(Item::Action(action)),
        _ => None,
    })
}

/// A step's items in order: a look at the checks of what is only ticked, checks that run like acts, its parts, verifications that run like acts.
pub fn items(step: &Step) -> Vec<Item<'_>> {
    let parts = step.parts.iter().map(|part| match part {
        Part::Action(action) => Item::Action(action),
        Part::Tick(tick) => Item::Tick(tick),
    });
    let mut items: Vec<Item<'_>> = confirmed(&step.checks)
        .chain(parts)
        .chain(confirmed(&step.verify))
        .collect();
    let fork = step.card.branch.is_some() || !step.card.decide.is_empty();
    // An act's question shows its checks; what is only ticked has none, so they are looked at first.
    let acts = items.iter().any(|item| matches!(item, Item::Action(_)));
    if !acts && !items.is_empty() && !fork && step.checks.iter().any(free) {
        items.insert(0, Item::Look);
    }
    if items.is_empty() && !fork {
        let looks = !step.checks.is_empty() || !step.verify.is_empty();
        items.push(if looks { Item::Look } else { Item::Prose });
    }
    items
}

/// The reference of an action of a step of a walk.
pub fn action_ref(walk: u32, step: &StepId, action: &Action) -> ActionRef {
    ActionRef {
        walk,
        step: step.clone(),
        index: action.index,
        role: action.role,
    }
}
