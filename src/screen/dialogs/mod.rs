//! What stands over the screen: one file a dialog, one sheet for all of them. A sheet has a head and a foot that are
//! always in sight, and a body that scrolls between them.

mod ask;
mod choice;
mod choose;
mod declare;
mod inputs;
mod pager;
mod quick;
mod quit;
mod text;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget};

use super::pane::more;
use super::text::{clip, width, wrap};
use super::theme::{Role, Theme};
use super::widgets::{frame, lines, spans_width, verdict};
use crate::console::state::{Dialog, State};
use crate::incident::reading::{Holds, Verdict};

/// The topmost dialog, in the middle of `area`.
pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(dialog) = state.dialogs.last() else {
        return;
    };
    let wide = match dialog {
        Dialog::Ask(_) | Dialog::Runbooks(_) | Dialog::Palette(_) | Dialog::Quick(_) => 96,
        Dialog::Output(_) | Dialog::PostMortem(_) | Dialog::DryRun(_) | Dialog::Help(_) => 120,
        Dialog::Declare(_) | Dialog::Inputs(_) | Dialog::Choice(_) => 84,
        Dialog::Text(_) | Dialog::Quit => 72,
    };
    let wide = area.width.min(wide);
    let inside = usize::from(wide.saturating_sub(4));
    let sheet = match dialog {
        Dialog::Ask(ask) => ask::sheet(state, ask, theme, inside),
        Dialog::Declare(form) => declare::sheet(state, form, theme, inside),
        Dialog::Runbooks(chooser) => choose::runbooks(chooser, theme, inside),
        Dialog::Palette(chooser) => choose::palette(chooser, theme, inside),
        Dialog::Quick(form) => quick::sheet(form, theme, inside),
        Dialog::Inputs(form) => inputs::sheet(state, form, theme, inside),
        Dialog::Text(form) => text::sheet(form, theme, inside),
        Dialog::Choice(form) => choice::sheet(state, form, theme, inside),
        Dialog::Output(page) => pager::output(page, theme, inside, area),
        Dialog::PostMortem(page) => pager::markdown(page, theme, inside, area),
        Dialog::DryRun(page) | Dialog::Help(page) => pager::plain(page, theme, inside, area),
        Dialog::Quit => quit::sheet(state, theme, inside),
    };
    show(sheet, state, theme, wide, area, buffer);
}

/// What a dialog shows.
#[derive(Debug, Default)]
struct Sheet {
    /// In its frame.
    title: Line<'static>,
    /// Always in sight, at the top.
    head: Vec<Line<'static>>,
    /// Scrolls.
    body: Vec<Line<'static>>,
    /// Always in sight, at the bottom.
    foot: Vec<Line<'static>>,
    /// The body's first row in sight.
    top: usize,
    /// As high as the screen allows, whatever it holds.
    tall: bool,
}

fn show(sheet: Sheet, state: &State, theme: &Theme, wide: u16, area: Rect, buffer: &mut Buffer) {
    let wanted = sheet.head.len() + sheet.body.len() + sheet.foot.len() + 2;
    let wanted = u16::try_from(wanted).unwrap_or(u16::MAX);
    let high = if sheet.tall {
        area.height
    } else {
        wanted.min(area.height)
    };
    let at = Rect {
        x: area.x + (area.width - wide) / 2,
        // Low: the panes above stay in sight while one decides.
        y: area.y + (area.height - high) * 2 / 3,
        width: wide,
        height: high,
    };
    // The rows beside it are cleared too: halves of words at its edges would only be in the way.
    let band = Rect {
        x: area.x,
        width: area.width,
        ..at
    };
    Clear.render(band, buffer);
    buffer.set_style(band, theme.style(Role::Text));
    let mut block = frame(state.mode, theme, true).title(sheet.title.clone());
    // Real or not stands in every dialog, whatever else it says.
    let mode = format!(" {} ", state.mode);
    let said = sheet.title.spans.iter().any(|span| span.content == mode);
    if !said && sheet.title.width() + mode.len() + 4 <= usize::from(wide) {
        let badge = Line::styled(mode, theme.badge(state.mode));
        block = block.title(badge.right_aligned());
    }
    let inner = block.inner(at);
    let inner = Rect {
        x: inner.x + inner.width.min(1),
        width: inner.width.saturating_sub(2),
        ..inner
    };
    // The foot says what a key does: when there is too little room it stays longest.
    let foot = sheet.foot.len().min(inner.height.into());
    let head = sheet.head.len().min(usize::from(inner.height) - foot);
    let body = usize::from(inner.height) - foot - head;
    let top = sheet.top.min(sheet.body.len().saturating_sub(body));
    let below = sheet.body.len().saturating_sub(top + body);
    if below > 0 && !sheet.tall {
        block = block.title_bottom(more(below, theme));
    }
    block.render(at, buffer);
    let shown = sheet.head[..head].iter();
    let shown = shown.chain(sheet.body.iter().skip(top).take(body));
    lines(buffer, inner, shown);
    let rows = u16::try_from(foot).unwrap_or(inner.height);
    let bottom = Rect {
        y: inner.bottom() - rows,
        height: rows,
        ..inner
    };
    lines(buffer, bottom, &sheet.foot);
}

fn title(words: &str, theme: &Theme) -> Line<'static> {
    Line::styled(format!(" {words} "), theme.style(Role::Title))
}

/// Keys and what they do, at the right end of a foot; in a row of their own where there is no room beside `left`.
fn foot(
    left: Vec<Span<'static>>,
    keys: &[(&str, &str)],
    room: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let mut right = Vec::new();
    for (key, does) in keys {
        let gap = if right.is_empty() { "" } else { "   " };
        right.push(Span::raw(gap));
        right.push(Span::styled((*key).to_owned(), theme.style(Role::HintKey)));
        right.push(Span::styled(format!(" {does}"), theme.style(Role::Hint)));
    }
    let taken = spans_width(&right);
    let beside = spans_width(&left) + 2 + taken <= room;
    let (mut above, mut spans) = match beside || left.is_empty() {
        true => (Vec::new(), left),
        false => (vec![Line::from(left)], Vec::new()),
    };
    let gap = room.saturating_sub(spans_width(&spans) + taken);
    spans.push(Span::raw(" ".repeat(gap)));
    spans.extend(right);
    above.push(Line::from(spans));
    above
}

/// A foot with a row of air above it.
fn spaced(foot: Vec<Line<'static>>) -> Vec<Line<'static>> {
    [Line::default()].into_iter().chain(foot).collect()
}

/// Words over as many lines as they need.
fn prose(words: &str, role: Role, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    wrap(words, room)
        .into_iter()
        .map(|line| Line::styled(line, theme.style(role)))
        .collect()
}

/// `✔ lag of pg-west 12.4 s < 30 s`, over as many lines as it needs: a verdict is never cut. What does not hold is
/// named, where its words do not name it.
fn verdict_lines(name: &str, seen: &Verdict, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let saw = seen.saw.as_str();
    let words = match seen.holds {
        Holds::No | Holds::Unknown if !saw.contains(name) => format!("{name}: {saw}"),
        _ => saw.to_owned(),
    };
    let (sign, role) = verdict(seen.holds);
    let style = theme.style(role);
    let text = if role == Role::Fine {
        theme.style(Role::Text)
    } else {
        style
    };
    wrap(&words, room.saturating_sub(2))
        .into_iter()
        .enumerate()
        .map(|(at, words)| {
            Line::from(vec![
                Span::styled(format!("{} ", if at == 0 { sign } else { " " }), style),
                Span::styled(words, text),
            ])
        })
        .collect()
}

/// `label  value`, the label in a column of its own.
fn field(label: &str, value: Span<'static>, theme: &Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{label:LABEL$}"), theme.style(Role::Dim)),
        value,
    ])
}

/// `label  words`, over as many lines as they need.
fn labelled(
    label: &str,
    words: &str,
    role: Role,
    room: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let lines = wrap(words, room.saturating_sub(LABEL))
        .into_iter()
        .enumerate();
    lines
        .map(|(at, words)| {
            let label = if at == 0 { label } else { "" };
            field(label, Span::styled(words, theme.style(role)), theme)
        })
        .collect()
}

/// The width of a field's label.
const LABEL: usize = 12;

/// A row of a list that can be chosen.
fn chosen(words: &str, selected: bool, room: usize, theme: &Theme) -> Line<'static> {
    let sign = if selected { "▶" } else { " " };
    let words = clip(words, room.saturating_sub(2));
    let pad = room.saturating_sub(2 + width(&words));
    let role = if selected {
        Role::Selection
    } else {
        Role::Text
    };
    Line::styled(format!("{sign} {words}{:pad$}", ""), theme.style(role))
}
