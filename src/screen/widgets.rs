//! What the panes share: symbols that say the same as the colour, clocks, sparklines, bars, inputs, frames.

use std::time::Duration;

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Widget};
use tui_input::Input;

use super::text::width;
use super::theme::{Role, Theme};
use crate::incident::journal::Mode;
use crate::incident::judge::Standing;
use crate::incident::reading::Holds;

/// A standing's symbol.
pub fn symbol(standing: Standing) -> &'static str {
    match standing {
        Standing::Fine => "✔",
        Standing::Watch => "▲",
        Standing::Unknown => "?",
        Standing::Breach => "✖",
    }
}

/// A verdict's symbol.
pub fn verdict(holds: Holds) -> (&'static str, Role) {
    match holds {
        Holds::Yes => ("✔", Role::Fine),
        Holds::No => ("✖", Role::Breach),
        Holds::Unknown => ("?", Role::Unknown),
    }
}

/// A stretch of time as a clock shows it: `22:31`, `1:22:31`, `2 d 03:10`.
pub fn clock(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes:02}:{:02}", seconds % 60),
        (0, hours) => format!("{hours}:{minutes:02}:{:02}", seconds % 60),
        (days, hours) => format!("{days} d {hours:02}:{minutes:02}"),
    }
}

/// A limit as people write it, `30 s`, `5 m`, `25 h`, without a zero behind.
pub fn limit(span: Duration) -> String {
    let (millis, seconds) = (span.as_millis(), span.as_secs());
    match seconds {
        _ if !millis.is_multiple_of(1_000) => format!("{millis} ms"),
        0 => "0 s".to_owned(),
        s if s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        s if s.is_multiple_of(3_600) => format!("{} h", s / 3_600),
        s if s.is_multiple_of(60) => format!("{} m", s / 60),
        s => format!("{s} s"),
    }
}

/// `14:07:31`
pub fn time(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// The newest readings as a line of bars, at most `room` of them; `×` where one failed. All low when all are alike.
pub fn sparkline(history: &[Option<u64>], room: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let newest = &history[history.len().saturating_sub(room)..];
    let seen = newest.iter().flatten();
    let (low, high) = (
        seen.clone().min().copied().unwrap_or(0),
        seen.max().copied().unwrap_or(0),
    );
    // A wobble of a few milliseconds is not drawn as a mountain.
    let span = (high - low).max(high / 2).max(1);
    newest
        .iter()
        .map(|value| match value {
            None => '×',
            Some(value) => {
                let step = (u128::from(value - low) * 7 / u128::from(span)).min(7);
                BARS[usize::try_from(step).unwrap_or(7)]
            }
        })
        .collect()
}

/// How far something is used, as a bar of `room` columns.
pub fn bar(
    used: Duration,
    of: Duration,
    room: usize,
    theme: &Theme,
    style: Style,
) -> Vec<Span<'static>> {
    let filled = (used.as_millis() * room as u128).checked_div(of.as_millis());
    let filled = filled.map_or(room, |n| usize::try_from(n).unwrap_or(room).min(room));
    vec![
        Span::styled("█".repeat(filled), style),
        Span::styled("░".repeat(room - filled), theme.style(Role::BarRest)),
    ]
}

/// The frame of a pane or dialog: its lines say the mode, as its colour does.
pub fn frame(mode: Mode, theme: &Theme, focused: bool) -> Block<'static> {
    let set = match mode {
        Mode::Real => border::PLAIN,
        Mode::Drill => border::LIGHT_DOUBLE_DASHED,
        Mode::Tabletop => border::DOUBLE,
    };
    let style = theme.frame(mode);
    let style = if focused {
        style.patch(theme.style(Role::Strong))
    } else {
        style
    };
    Block::bordered().border_set(set).border_style(style)
}

/// A frame's title; the focused one's stands out.
pub fn title(words: &str, theme: &Theme, focused: bool) -> Line<'static> {
    let role = if focused { Role::Focus } else { Role::Title };
    Line::styled(format!(" {words} "), theme.style(role))
}

/// A standing with its word.
pub fn standing(standing: Standing, theme: &Theme) -> Span<'static> {
    Span::styled(
        format!(" {} {standing} ", symbol(standing)),
        theme.style(standing),
    )
}

/// What is typed, in `room` columns, with a bar where the next character goes. What does not fit to the left is not shown.
pub fn input(input: &Input, room: usize, active: bool, theme: &Theme) -> Span<'static> {
    typed(input.value(), active.then(|| input.cursor()), room, theme)
}

/// As [`input`], for plain text with the cursor before character `at`.
pub fn typed(text: &str, at: Option<usize>, room: usize, theme: &Theme) -> Span<'static> {
    let mut shown: Vec<char> = text
        .chars()
        .map(|c| if c == '\n' { '⏎' } else { c })
        .collect();
    let at = at.map(|at| at.min(shown.len()));
    if let Some(at) = at {
        shown.insert(at, '▏');
    }
    let last = at.map_or(0, |at| at + 1);
    let mut first = 0;
    while width(&shown[first..last].iter().collect::<String>()) > room {
        first += 1;
    }
    let mut text: String = shown[first..].iter().collect();
    while width(&text) > room {
        text.pop();
    }
    Span::styled(
        text,
        theme.style(if at.is_some() {
            Role::Input
        } else {
            Role::Text
        }),
    )
}

/// Keys with what they do, as many as fit, in their order.
pub fn keys(hints: &[(String, &str)], room: usize, theme: &Theme) -> Line<'static> {
    let mut spans = Vec::with_capacity(hints.len() * 3);
    let mut used = 1;
    for (key, does) in hints {
        let takes = width(key) + 1 + width(does);
        if used + takes > room {
            break;
        }
        used += takes + 3;
        spans.push(Span::raw(if spans.is_empty() { " " } else { "   " }));
        spans.push(Span::styled(key.clone(), theme.style(Role::HintKey)));
        spans.push(Span::styled(format!(" {does}"), theme.style(Role::Hint)));
    }
    Line::from(spans)
}

/// Draws lines from the top of `area`, clipped by it.
pub fn lines<'l>(
    buffer: &mut Buffer,
    area: Rect,
    lines: impl IntoIterator<Item = &'l Line<'static>>,
) {
    for (row, line) in area.rows().zip(lines) {
        line.render(row, buffer);
    }
}

/// A span's width.
pub fn spans_width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(Span::width).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_and_limits_print() {
        let clocks = [
            (5, "00:05"),
            (1_351, "22:31"),
            (4_951, "1:22:31"),
            (184_200, "2 d 03:10"),
        ];
        for (seconds, shown) in clocks {
            assert_eq!(clock(Duration::from_secs(seconds)), shown);
        }
        let limits = [
            (0, "0 s"),
            (340, "340 ms"),
            (30_000, "30 s"),
            (300_000, "5 m"),
            (90_000_000, "25 h"),
            (604_800_000, "7 d"),
        ];
        for (millis, shown) in limits {
            assert_eq!(limit(Duration::from_millis(millis)), shown);
        }
    }

    #[test]
    fn sparklines_show_failures_and_do_not_exaggerate() {
        let table: [(&[Option<u64>], usize, &str); 5] = [
            (&[], 8, ""),
            (&[Some(5), Some(5), Some(5)], 8, "▁▁▁"),
            (&[Some(0), Some(50), Some(100)], 8, "▁▄█"),
            (&[Some(0), None, Some(100)], 2, "×▁"),
            (&[Some(100), Some(101), Some(102)], 8, "▁▁▁"),
        ];
        for (history, room, shown) in table {
            assert_eq!(sparkline(history, room), shown);
        }
        assert_eq!(sparkline(&[Some(0), Some(u64::MAX)], 8), "▁█");
    }

    #[test]
    fn the_cursor_is_always_in_sight() {
        let theme = Theme::mono();
        let table = [
            ("FAILO", Some(5), 10, "FAILO▏"),
            ("FAILOVER", Some(8), 6, "LOVER▏"),
            ("FAILOVER", Some(0), 6, "▏FAILO"),
            ("FAILOVER", None, 4, "FAIL"),
            ("東京", Some(2), 3, "京▏"),
            ("x", Some(1), 0, ""),
        ];
        for (text, at, room, shown) in table {
            let span = typed(text, at, room, &theme);
            if at.is_some() || room > 0 {
                assert_eq!(span.content, shown, "{text} {at:?} {room}");
            }
        }
    }
}
