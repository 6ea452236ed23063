//! What the operator is doing: commands, keymap, focus, checklist, confirmation. `update(state, now, event)` gives
//! effects for the hall to carry out; nothing here waits, reads or writes.

pub mod answers;
pub mod asking;
pub mod checklist;
pub mod command;
pub mod confirm;
pub mod deadline;
pub mod dialogs;
pub mod duty;
pub mod event;
pub mod facilitator;
pub mod hints;
pub mod key;
pub mod keymap;
pub mod keys;
pub mod moving;
pub mod quick;
mod recall;
pub mod resolving;
pub mod road;
pub mod state;
#[cfg(test)]
mod tests;
pub mod update;
pub mod vitals;
