//! Texts that are paged through: a step's output, the post-mortem, a dry run, the keys. Only what is in sight is made.

use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::{Sheet, foot, spaced, title};
use crate::console::state::Pager;
use crate::screen::text::{fold, width, wrap};
use crate::screen::theme::{Role, Theme};

/// Output of other programs: every space kept, in the colour of code.
pub(super) fn output(page: &Pager, theme: &Theme, room: usize, area: Rect) -> Sheet {
    let style = theme.style(Role::Code);
    sheet(page, theme, room, area, |line| {
        let pieces = fold(line, room).into_iter();
        let lines: Vec<Line<'static>> = pieces.map(|l| Line::styled(l, style)).collect();
        if lines.is_empty() {
            vec![Line::default()]
        } else {
            lines
        }
    })
}

/// Markdown, its headings, tables and rules told apart by weight.
pub(super) fn markdown(page: &Pager, theme: &Theme, room: usize, area: Rect) -> Sheet {
    sheet(page, theme, room, area, |line| {
        let role = match line.trim_start() {
            l if l.starts_with('#') => Role::Title,
            l if l.starts_with('>') => Role::Important,
            l if l.starts_with("    ") || l.starts_with("```") => Role::Code,
            l if l.starts_with('|') && l.contains("---") => Role::Dim,
            _ => Role::Text,
        };
        wrapped(line, role, room, theme)
    })
}

/// Lines as they are: `✔ …`, `✖ …` and `? …` in the colour of what they say.
pub(super) fn plain(page: &Pager, theme: &Theme, room: usize, area: Rect) -> Sheet {
    sheet(page, theme, room, area, |line| {
        let role = match line.trim_start().chars().next() {
            Some('✖') => Role::Breach,
            Some('▲') => Role::Watch,
            Some('?') if line.trim_start().starts_with("? ") => Role::Unknown,
            _ => Role::Text,
        };
        match width(line) <= room {
            // Columns that were laid out keep their spaces.
            true => vec![Line::styled(line.to_owned(), theme.style(role))],
            false => wrapped(line, role, room, theme),
        }
    })
}

fn wrapped(line: &str, role: Role, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let style = theme.style(role);
    let lines: Vec<Line<'static>> = wrap(line, room)
        .into_iter()
        .map(|l| Line::styled(l, style))
        .collect();
    if lines.is_empty() {
        vec![Line::default()]
    } else {
        lines
    }
}

fn sheet(
    page: &Pager,
    theme: &Theme,
    room: usize,
    area: Rect,
    draw: impl Fn(&str) -> Vec<Line<'static>>,
) -> Sheet {
    let height = usize::from(area.height.saturating_sub(4)).max(1);
    let top = page.top.min(page.lines.len().saturating_sub(1));
    let rest = &page.lines[top..];
    let mut body = Vec::new();
    let mut taken = 0;
    for line in rest {
        if body.len() >= height {
            break;
        }
        body.extend(draw(line));
        taken += 1;
    }
    let place = format!(
        "{}–{} of {} lines",
        (top + 1).min(page.lines.len()),
        top + taken,
        page.lines.len()
    );
    let mut keys = vec![("↑↓", "scroll")];
    if let Some(action) = &page.action {
        keys.push(("enter", action.as_str()));
    }
    keys.push(("esc", "close"));
    let left = vec![Span::styled(place, theme.style(Role::Dim))];
    Sheet {
        title: title(&page.title, theme),
        body,
        foot: spaced(foot(left, &keys, room, theme)),
        tall: true,
        ..Sheet::default()
    }
}
