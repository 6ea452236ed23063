//! A line or lines of text: a note, a reason, evidence, a name.

use ratatui::text::{Line, Span};

use super::{Sheet, foot, title};
use crate::console::state::TextForm;
use crate::screen::text::{width, wrap};
use crate::screen::theme::{Role, Theme};

/// Rows the text may take before it scrolls.
const ROWS: usize = 6;

pub(super) fn sheet(form: &TextForm, theme: &Theme, room: usize) -> Sheet {
    let mut shown = form.input.value().to_owned();
    let at = shown.char_indices().nth(form.input.cursor());
    shown.insert(at.map_or(shown.len(), |(at, _)| at), '▏');
    let style = theme.style(Role::Input);
    let mut body: Vec<Line<'static>> = wrap(&shown, room)
        .into_iter()
        .map(|line| Line::styled(line, style))
        .collect();
    let top = body.len().saturating_sub(ROWS);
    body.resize_with(body.len().max(2), Line::default);
    body.push(Line::default());
    let typed = form.input.value().trim().chars().count();
    let least = match form.least {
        0 | 1 => Vec::new(),
        least if typed < least => {
            let words = format!("{typed} of at least {least} characters");
            vec![Span::styled(words, theme.style(Role::Watch))]
        }
        _ => vec![Span::styled("✔ long enough", theme.style(Role::Fine))],
    };
    // A question longer than the frame's line stands whole under a short one.
    let long = width(&form.title) + 2 > room;
    let head = match long {
        true => wrap(&form.title, room)
            .into_iter()
            .map(Line::from)
            .chain([Line::default()])
            .collect(),
        false => Vec::new(),
    };
    Sheet {
        title: title(if long { "Write" } else { &form.title }, theme),
        head,
        body,
        foot: foot(
            least,
            &[("enter", "writes it"), ("esc", "not now")],
            room,
            theme,
        ),
        top,
        ..Sheet::default()
    }
}
