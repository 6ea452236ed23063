//! What the operator is doing: commands, keymap, focus, checklist, confirmation. `update(state, now, event)` gives
//! effects for the hall to carry out; nothing here waits, reads or writes.

pub mod command;
pub mod confirm;
pub mod event;
pub mod key;
pub mod keymap;
pub mod state;
pub mod vitals;
