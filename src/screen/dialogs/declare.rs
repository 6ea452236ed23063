//! Declaring an incident: title, severity, category, when it was first seen.

use ratatui::text::{Line, Span};

use super::{LABEL, Sheet, chosen, field, foot, title};
use crate::console::state::{DeclareForm, State};
use crate::screen::theme::{Role, Theme};
use crate::screen::widgets::input;

pub(super) fn sheet(state: &State, form: &DeclareForm, theme: &Theme, room: usize) -> Sheet {
    let inner = room.saturating_sub(LABEL);
    let mut body = vec![
        field(
            "title",
            input(&form.title, inner, form.field == 0, theme),
            theme,
        ),
        Line::default(),
    ];
    let severities = state.site.severities.iter();
    let severities = severities.map(|s| format!("{}  {}", s.id, s.title));
    body.extend(options(
        "severity",
        severities,
        Some(form.severity),
        form.field == 1,
        room,
        theme,
    ));
    body.push(Line::default());
    let categories = state.site.categories.iter().cloned();
    body.extend(options(
        "category",
        categories,
        form.category,
        form.field == 2,
        room,
        theme,
    ));
    body.push(Line::default());
    let mut seen = field(
        "detected",
        input(&form.detected_text, 24, form.field == 3, theme),
        theme,
    );
    let reads = format!("   {} UTC", form.detected.format("%Y-%m-%d %H:%M:%S"));
    seen.spans.push(Span::styled(reads, theme.style(Role::Dim)));
    body.push(seen);
    body.push(Line::default());
    let fault = form.fault.iter().map(|fault| {
        let style = theme.style(Role::MessageBad);
        Line::styled(format!("✖ {fault}"), style)
    });
    let keys = [
        ("tab", "field"),
        ("↑↓", "choose"),
        ("enter", if form.field < 3 { "next" } else { "declares" }),
        ("esc", "not now"),
    ];
    Sheet {
        title: title("Declare an incident", theme),
        body,
        foot: fault.chain(foot(Vec::new(), &keys, room, theme)).collect(),
        // The fields have some sixteen rows; on a low screen the one that is being filled is brought into sight.
        top: [0, 2, 4, 12][form.field.min(3)],
        ..Sheet::default()
    }
}

/// A list of which one is chosen; only the field that is being filled shows all of it.
fn options(
    label: &str,
    words: impl Iterator<Item = String>,
    at: Option<usize>,
    active: bool,
    room: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let words: Vec<String> = words.collect();
    if !active {
        let word = at
            .and_then(|at| words.get(at))
            .map_or("none", |w| w.as_str());
        return vec![field(
            label,
            Span::styled(word.to_owned(), theme.style(Role::Text)),
            theme,
        )];
    }
    let rows = words.iter().enumerate().map(|(n, word)| {
        let line = chosen(word, at == Some(n), room.saturating_sub(LABEL), theme);
        let name = if n == 0 { label } else { "" };
        let mut spans = vec![Span::styled(
            format!("{name:LABEL$}"),
            theme.style(Role::Dim),
        )];
        let style = line.style;
        spans.extend(line.spans.into_iter().map(|s| s.patch_style(style)));
        Line::from(spans)
    });
    rows.collect()
}
