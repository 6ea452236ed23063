//! Lists that are narrowed by typing: runbooks and commands.

use ratatui::text::{Line, Span};

use super::{Sheet, foot, spaced, title};
use crate::console::state::{Chooser, ChooserRow};
use crate::screen::text::{clip, width};
use crate::screen::theme::{Role, Theme};
use crate::screen::widgets::input;

pub(super) fn runbooks(chooser: &Chooser, theme: &Theme, room: usize) -> Sheet {
    let keys = [("enter", "opens it"), ("esc", "not now")];
    sheet("Choose a runbook", chooser, &keys, theme, room, 2)
}

pub(super) fn palette(chooser: &Chooser, theme: &Theme, room: usize) -> Sheet {
    let keys = [("enter", "runs it"), ("esc", "not now")];
    sheet("Commands", chooser, &keys, theme, room, 1)
}

fn sheet(
    name: &str,
    chooser: &Chooser,
    keys: &[(&str, &str)],
    theme: &Theme,
    room: usize,
    rows_each: usize,
) -> Sheet {
    let rows: Vec<&ChooserRow> = chooser.matching();
    let wide = rows.iter().map(|r| width(&r.words)).max().unwrap_or(0);
    let wide = wide.min(room * 3 / 5);
    let body: Vec<Line<'static>> = rows
        .iter()
        .enumerate()
        .flat_map(|(at, row)| lines(row, at == chooser.selected, (wide, rows_each), theme, room))
        .collect();
    let count = format!("{} of {}", rows.len(), chooser.rows.len());
    let count = vec![Span::styled(count, theme.style(Role::Dim))];
    Sheet {
        title: title(name, theme),
        head: vec![
            Line::from(vec![
                Span::styled("/ ", theme.style(Role::HintKey)),
                input(&chooser.filter, room.saturating_sub(2), true, theme),
            ]),
            Line::default(),
        ],
        body,
        foot: spaced(foot(count, keys, room, theme)),
        // Three rows above the selected one stay in sight.
        top: chooser.selected.saturating_sub(3) * rows_each,
        ..Sheet::default()
    }
}

fn lines(
    row: &ChooserRow,
    selected: bool,
    (wide, rows_each): (usize, usize),
    theme: &Theme,
    room: usize,
) -> Vec<Line<'static>> {
    let sign = match (selected, &row.refused) {
        (_, Some(_)) => "✖",
        (true, None) => "▶",
        (false, None) => " ",
    };
    let role = match (selected, &row.refused) {
        (true, _) => Role::Selection,
        (false, Some(_)) => Role::Dim,
        (false, None) => Role::Text,
    };
    let (aside, aside_role) = match &row.refused {
        Some(why) => (why.as_str(), Role::MessageBad),
        None => (row.aside.as_str(), Role::Dim),
    };
    let words = clip(
        &row.words,
        if rows_each > 1 {
            room.saturating_sub(2)
        } else {
            wide
        },
    );
    if rows_each > 1 {
        let pad = room.saturating_sub(2 + width(&words));
        return vec![
            Line::styled(format!("{sign} {words}{:pad$}", ""), theme.style(role)),
            Line::styled(
                format!("  {}", clip(aside, room.saturating_sub(2))),
                theme.style(aside_role),
            ),
        ];
    }
    let pad = wide - width(&words);
    let name = clip(&row.key, 16);
    let gap = 16 - width(&name);
    vec![Line::from(vec![
        Span::styled(
            format!("{sign} {name}{:gap$}  {words}{:pad$}", "", ""),
            theme.style(role),
        ),
        Span::styled(
            format!("  {}", clip(aside, room.saturating_sub(wide + 22))),
            theme.style(aside_role),
        ),
    ])]
}
