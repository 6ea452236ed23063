//! How it looks: `draw(&State, &Theme, &mut Frame)`. One file a pane, one file a dialog; widgets and themes are shared.
//! Nothing here waits, reads or decides: what is shown follows from the state alone.

pub mod theme;
