//! One frame: the title, banners, panes, the dialogs over them, the keys. Then a last look at every cell.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::layout::{Places, maintenance, place};
use super::text::clip;
use super::theme::{Role, Theme};
use super::widgets::lines;
use super::{checklist, dialogs, hints, pane, step, timeline, title};
use crate::console::state::{Focus, State};

/// Draws the state. Depends on nothing else, changes nothing, and takes any size.
pub fn draw(state: &State, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    render(state, theme, area, frame.buffer_mut());
}

/// Draws into a buffer.
pub fn render(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    buffer.set_style(area, theme.style(Role::Text));
    let places = place(area, state, theme);
    let room = usize::from(area.width);
    lines(buffer, places.title, [&title::line(state, theme, room)]);
    banners(state, theme, places.banners, buffer);
    parts(state, theme, &places, buffer);
    dialogs::draw(state, theme, dialog_area(area, &places), buffer);
    lines(buffer, places.hints, [&hints::line(state, theme, room)]);
    if let Some(message) = hints::message(state, theme, room) {
        buffer.set_style(places.message, theme.style(Role::Text));
        blank(buffer, places.message);
        lines(buffer, places.message, [&message]);
    }
    sweep(buffer, area);
}

fn parts(state: &State, theme: &Theme, places: &Places, buffer: &mut Buffer) {
    for (focus, area) in &places.parts {
        match focus {
            Focus::Checklist => checklist::draw(state, theme, *area, buffer),
            Focus::Step => step::draw(state, theme, *area, buffer),
            Focus::Timeline => timeline::draw(state, theme, *area, buffer),
            pane if places.folded => pane::fold(*pane, state, theme, *area, buffer),
            pane => pane::draw(*pane, state, theme, *area, buffer),
        }
    }
}

/// Dialogs never cover the title line, which says where one is, nor the message and the keys.
fn dialog_area(area: Rect, places: &Places) -> Rect {
    let top = places.title.bottom();
    let bottom = places.message.y.min(places.hints.y).max(top);
    Rect {
        y: top,
        height: bottom - top,
        ..area
    }
}

fn banners(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let room = usize::from(area.width);
    let banner = |words: String, role| {
        let words = format!(" {}", clip(&words, room.saturating_sub(2)));
        Line::styled(format!("{words:room$}"), theme.style(role))
    };
    let trouble = state.trouble.as_ref();
    let trouble = trouble.map(|words| banner(format!("✖ {words}"), Role::Banner));
    let since = state.incident.as_ref().and_then(|i| i.maintenance);
    let upkeep = since.filter(|_| maintenance(state)).map(|since| {
        let words = format!("▲ maintenance mode since {} UTC", since.format("%H:%M"));
        banner(words, Role::Maintenance)
    });
    let all: Vec<Line<'static>> = trouble.into_iter().chain(upkeep).collect();
    lines(buffer, area, &all);
}

fn blank(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position) {
            cell.set_symbol(" ");
        }
    }
}

/// The last look: whatever came this far and could command the terminal, hide or turn text round is shown as `�`. Text of
/// other systems was cleaned long before; this is for what nobody thought of.
pub(super) fn sweep(buffer: &mut Buffer, area: Rect) {
    for position in area.positions() {
        if let Some(cell) = buffer.cell_mut(position)
            && cell.symbol().chars().any(hides)
        {
            cell.set_symbol("\u{FFFD}");
        }
    }
}

/// C0, DEL, C1; bidirectional controls; zero-width, tag and variation characters; line and paragraph separators.
fn hides(c: char) -> bool {
    matches!(c,
        '\0'..='\x1f' | '\x7f'..='\u{9f}' | '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_hides_or_commands_leaves_the_buffer() {
        let area = Rect::new(0, 0, 4, 1);
        for bad in [
            "\x1b",
            "\u{9b}",
            "a\u{202e}",
            "x\u{200d}",
            "\u{feff}",
            "i\u{fe0f}",
            "\u{e0041}",
        ] {
            let mut buffer = Buffer::empty(area);
            buffer.cell_mut((1, 0)).unwrap().set_symbol(bad);
            sweep(&mut buffer, area);
            assert_eq!(buffer.cell((1, 0)).unwrap().symbol(), "\u{FFFD}", "{bad:?}");
        }
    }

    #[test]
    fn ordinary_text_is_left_as_it_is() {
        let area = Rect::new(0, 0, 12, 1);
        let mut buffer = Buffer::empty(area);
        buffer.set_string(0, 0, "é e\u{301} 東京 ✔", ratatui::style::Style::new());
        let before = buffer.clone();
        sweep(&mut buffer, area);
        assert_eq!(buffer, before);
    }
}
