//! The checklist: every step of the runbook with how it stands, the one that is next in sight.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Widget;

use super::pane::{more, padded};
use super::table::{Row, Sign, Table, number, words};
use super::text::{clip, width, wrap};
use super::theme::{Role, Theme};
use super::widgets::{frame, lines, title};
use crate::console::checklist::{StepRow, StepStatus, remaining, rows};
use crate::console::command::Command;
use crate::console::state::{Focus, State};
use crate::incident::runbook::Danger;

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = state.focus == Focus::Checklist;
    let steps = rows(state);
    let name = heading(state, &steps, usize::from(area.width.saturating_sub(4)));
    let mut block = frame(state.mode, theme, focused).title(title(&name, theme, focused));
    if let Some(left) = remaining(state).map(|left| format!(" ~{} left ", minutes(left)))
        && width(&name) + width(&left) + 4 <= area.width.into()
    {
        let left = Line::styled(left, theme.style(Role::Dim));
        block = block.title_top(left.right_aligned());
    }
    let inner = block.inner(area);
    // The titles need the columns more than the eye needs the air.
    let inner = if inner.width > 44 {
        padded(inner)
    } else {
        inner
    };
    let room = usize::from(inner.width);
    let (all, cursor) = match steps.is_empty() {
        true => (empty(state, theme, room), None),
        false => list(state, &steps, theme, room),
    };
    let height = usize::from(inner.height);
    // The step before the selected one stays in sight, and as much as possible of what lies ahead.
    let last = all.len().saturating_sub(height);
    let top = cursor
        .map_or(0, |at: usize| at.saturating_sub(height / 3))
        .min(last);
    if top < last {
        block = block.title_bottom(more(last - top, theme));
    }
    block.render(area, buffer);
    lines(buffer, inner, all.iter().skip(top));
    let row = cursor.and_then(|at| inner.rows().nth(at - top));
    if let Some(row) = row.filter(|_| focused) {
        buffer.set_style(row, theme.style(Role::Selection));
    }
}

/// `Regional failover  3 of 6`
fn heading(state: &State, steps: &[StepRow], room: usize) -> String {
    let incident = state.incident.as_ref();
    let walk = incident
        .zip(state.walk)
        .and_then(|(i, number)| i.walk(number));
    let Some(walk) = walk else {
        return "Runbook".to_owned();
    };
    let done = steps.iter().filter(|s| s.status.settled()).count();
    let at = (done + 1).min(steps.len());
    let place = match done == steps.len() {
        true => "  all done".to_owned(),
        false => format!("  {at} of {}", steps.len()),
    };
    let name = clip(&walk.chosen.title, room.saturating_sub(width(&place) + 2));
    format!("{name}{place}")
}

fn empty(state: &State, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let key = state.keymap.key_of(Command::Runbooks);
    let words = match (key, state.walk) {
        (_, Some(_)) => "The runbook of this walk is not at hand.".to_owned(),
        (Some(key), None) => format!("No runbook is open. {key} chooses one."),
        (None, None) => "No runbook is open.".to_owned(),
    };
    let style = theme.style(Role::Dim);
    let lines = wrap(&words, room).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}

/// The rows, and which of them is the selected one.
fn list(
    state: &State,
    steps: &[StepRow],
    theme: &Theme,
    room: usize,
) -> (Vec<Line<'static>>, Option<usize>) {
    let mut table = Table::new([
        words("step").elastic_from(48),
        words("danger").goes(2),
        words("items").goes(1),
        number("time"),
    ]);
    let digits = steps.len().to_string().len();
    let (mut phase, mut count, mut cursor) = (&Vec::new(), 0, None);
    for (at, step) in steps.iter().enumerate() {
        if step.phase != *phase {
            let heading = clip(&step.phase.join(" · "), room);
            let line = Line::styled(heading, theme.style(Role::Dim));
            table.push(0, Row::Whole(line));
            phase = &step.phase;
            count += 1;
        }
        if at == state.cursor {
            cursor = Some(count);
        }
        table.push(0, row(step, at + 1, digits, theme));
        count += 1;
    }
    (table.lines(room, None), cursor)
}

fn row(step: &StepRow, number: usize, digits: usize, theme: &Theme) -> Row {
    let (sign, style) = sign(step.status, theme);
    let text = match step.status {
        StepStatus::Done => theme.style(Role::Text),
        StepStatus::Next => theme.style(Role::Strong),
        _ => style,
    };
    let danger = match step.danger {
        _ if step.status.settled() => String::new(),
        Danger::None | Danger::Change => String::new(),
        danger => danger.to_string(),
    };
    let items = match step.ticks {
        Some((done, all)) if !step.status.settled() => format!("{done} of {all}"),
        _ => String::new(),
    };
    let always = if step.always && !step.status.settled() {
        " (always)"
    } else {
        ""
    };
    Row::Signed(
        0,
        (sign, style),
        vec![
            (format!("{number:digits$} {}{always}", step.title), text),
            (danger, theme.style(step.danger)),
            (items, theme.style(Role::Dim)),
            time(step, theme),
        ],
    )
}

fn sign(status: StepStatus, theme: &Theme) -> Sign {
    let (sign, role) = match status {
        StepStatus::Waiting => ("○", Role::Waiting),
        StepStatus::Next => ("▶", Role::Running),
        StepStatus::Running => ("●", Role::Running),
        StepStatus::Done => ("✔", Role::Done),
        StepStatus::Failed => ("✖", Role::Breach),
        StepStatus::Refused => ("✖", Role::Breach),
        StepStatus::Unknown => ("?", Role::Unknown),
        StepStatus::Skipped => ("–", Role::Watch),
        StepStatus::NotApplicable => ("·", Role::Dim),
        StepStatus::RolledBack => ("↶", Role::Watch),
    };
    (sign, theme.style(role))
}

/// What it took or should take; for what went otherwise, the word.
fn time(step: &StepRow, theme: &Theme) -> (String, Style) {
    let dim = theme.style(Role::Dim);
    let word = |word: &str| (word.to_owned(), sign(step.status, theme).1);
    match step.status {
        StepStatus::Running => word("running"),
        StepStatus::Failed => word("failed"),
        StepStatus::Refused => word("refused"),
        StepStatus::Unknown => word("unknown"),
        StepStatus::Skipped => word("skipped"),
        StepStatus::NotApplicable => word("not needed"),
        StepStatus::RolledBack => word("undone"),
        StepStatus::Done => (step.took.map_or("done".into(), minutes), dim),
        StepStatus::Waiting | StepStatus::Next => (
            step.estimate
                .map_or(String::new(), |e| format!("~{}", minutes(e))),
            dim,
        ),
    }
}

/// `0:41`, `12:05`
fn minutes(span: Duration) -> String {
    format!("{}:{:02}", span.as_secs() / 60, span.as_secs() % 60)
}
