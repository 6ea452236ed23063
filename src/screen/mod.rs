//! How it looks: `draw(&State, &Theme, &mut Frame)`. One file a pane, one file a dialog; widgets and themes are shared.
//! Nothing here waits, reads or decides: what is shown follows from the state alone.

mod backups;
mod chart;
mod checklist;
mod clock;
mod dialogs;
mod draw;
pub mod facilitator;
mod hints;
mod layout;
mod pane;
mod regions;
mod replication;
mod step;
mod table;
mod text;
pub mod theme;
mod timeline;
mod title;
mod widgets;

pub use draw::draw;
pub use theme::Theme;
