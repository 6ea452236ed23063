//! Shows one of the golden screens in this terminal until a key: `cargo run --example screen -- incident`.

#[allow(dead_code)]
#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

use ratatui::crossterm::{event, style};
use warroom::screen::{Theme, draw, facilitator};

fn main() -> std::io::Result<()> {
    let name = std::env::args().nth(1).unwrap_or_else(|| "incident".into());
    let theme = match std::env::var_os("NO_COLOR") {
        Some(_) => Theme::mono(),
        None => Theme::default(),
    };
    // With NO_COLOR set crossterm would take bold and reversed away with the colours; the mono theme has none anyway.
    style::force_color_output(true);
    let mut terminal = ratatui::try_init()?;
    let shown = match fixtures::facilitator::state(&name) {
        Some(state) => terminal.draw(|frame| facilitator::draw(&state, &theme, frame)),
        None => {
            let state = fixtures::state(&name);
            terminal.draw(|frame| draw(&state, &theme, frame))
        }
    };
    let shown = shown.map(drop);
    let key = shown.and_then(|()| {
        loop {
            if event::read()?.is_key_press() {
                break Ok(());
            }
        }
    });
    ratatui::restore();
    key
}
