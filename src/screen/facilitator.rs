//! The facilitator's screen: how things really are beside what may happen next, the participants' timeline below. Its
//! frames are thick and its title says FACILITATOR, so that nobody takes it for the participants' console.
//!
//! ```text
//!  Primary region lost  TTX-2026-0001      FACILITATOR  14:12:31 UTC  T+12:31  5×
//! ┏ How things really are ━━━━━━━━━━━━━━┓┏ Injects ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//! ┏ What the participants did ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┓
//! ┗━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┛
//!  enter fire   space pause   n observe   s say   1 5 2 0 speed
//! ```

use std::time::Duration;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::border;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Widget};

use super::draw::sweep;
use super::pane::{more, padded};
use super::text::{clip, width, wrap};
use super::theme::{Role, Theme};
use super::widgets::{clock, input, keys, lines, spans_width, time, title};
use crate::console::facilitator::{Dialog, Facilitator, KEYS, SayForm};
use crate::incident::drills::Grade;
use crate::incident::facilitation::{InjectState, Truth};

/// The widest a dialog gets.
const DIALOG: u16 = 76;

/// Draws the facilitator's console. Depends on nothing else, changes nothing, and takes any size.
pub fn draw(state: &Facilitator, theme: &Theme, frame: &mut Frame<'_>) {
    let area = frame.area();
    render(state, theme, area, frame.buffer_mut());
}

fn render(state: &Facilitator, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    if area.is_empty() {
        return;
    }
    buffer.set_style(area, theme.style(Role::Text));
    let [head, banner, body, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(u16::from(state.silent.is_some())),
        Constraint::Fill(1),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    let room = usize::from(area.width);
    lines(buffer, head, [&title_line(state, theme, room)]);
    if let Some(why) = &state.silent {
        let words = clip(&format!(" ✖ {why}"), room);
        let words = Line::styled(format!("{words:room$}"), theme.style(Role::Banner));
        lines(buffer, banner, [&words]);
    }
    panes(state, theme, body, buffer);
    dialog(state, theme, body, buffer);
    lines(buffer, hints, [&last_line(state, theme, room)]);
    sweep(buffer, area);
}

/// Which exercise it is, whose console this is, and what time it is there.
fn title_line(state: &Facilitator, theme: &Theme, room: usize) -> Line<'static> {
    let badge = Span::styled(" FACILITATOR ", theme.style(Role::Facilitator));
    let Some(truth) = &state.truth else {
        return Line::from(vec![badge]);
    };
    let (pace, role) = match truth.paused {
        true => ("PAUSED".to_owned(), Role::Watch),
        false => (format!("{}×", truth.speed), Role::Strong),
    };
    let right = vec![
        badge,
        Span::raw(format!("  {} UTC", time(truth.wall))),
        Span::styled(format!("  {}", since(truth.at)), theme.style(Role::Strong)),
        Span::raw("  "),
        Span::styled(format!("{pace} "), theme.style(role)),
    ];
    let incident = truth.incident.as_deref().unwrap_or("nothing declared");
    let left = room.saturating_sub(spans_width(&right) + 1);
    let name = clip(&truth.title, left.saturating_sub(width(incident) + 3));
    let left = clip(&format!(" {name}  {incident}"), left);
    let gap = room.saturating_sub(width(&left) + spans_width(&right));
    let mut spans = vec![Span::raw(left), Span::raw(" ".repeat(gap))];
    spans.extend(right);
    Line::from(spans)
}

/// `T+12:31`
fn since(at: Duration) -> String {
    format!("T+{}", clock(at))
}

fn last_line(state: &Facilitator, theme: &Theme, room: usize) -> Line<'static> {
    match (&state.message, &state.dialog) {
        (Some(message), _) => {
            let (sign, role) = match message.bad {
                true => ("✖", Role::MessageBad),
                false => ("✔", Role::Message),
            };
            let words = clip(&message.words, room.saturating_sub(4));
            Line::styled(format!(" {sign} {words}"), theme.style(role))
        }
        // A dialog says itself what its keys do.
        (None, Some(_)) => Line::default(),
        (None, None) => {
            let paused = state.truth.as_ref().is_some_and(|truth| truth.paused);
            let hints = KEYS.iter().map(|(key, word, _)| match *word {
                "pause" if paused => ((*key).to_owned(), "go on"),
                word => ((*key).to_owned(), word),
            });
            keys(&hints.collect::<Vec<_>>(), room, theme)
        }
    }
}

fn panes(state: &Facilitator, theme: &Theme, body: Rect, buffer: &mut Buffer) {
    let Some(truth) = &state.truth else {
        let words = Line::styled(
            " waiting for the first word of the exercise …",
            theme.style(Role::Unknown),
        );
        lines(buffer, body, [&words]);
        return;
    };
    let [above, below] = Layout::vertical([Constraint::Fill(3), Constraint::Fill(2)]).areas(body);
    let [left, right] = Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(above);
    pane("How things really are", theme, left, buffer, |room| {
        (how_it_is(truth, theme, room.0), state.top)
    });
    pane("Injects", theme, right, buffer, |room| {
        injects(state, truth, theme, room)
    });
    pane("What the participants did", theme, below, buffer, |room| {
        let rows = timeline(truth, theme, room.0);
        let top = rows.len().saturating_sub(room.1);
        (rows, top)
    });
}

fn frame(theme: &Theme) -> Block<'static> {
    Block::bordered()
        .border_set(border::THICK)
        .border_style(theme.style(Role::FrameFacilitator))
}

/// A pane whose rows, and the first of them in sight, follow from the columns and rows inside it.
fn pane(
    name: &str,
    theme: &Theme,
    area: Rect,
    buffer: &mut Buffer,
    rows: impl FnOnce((usize, usize)) -> (Vec<Line<'static>>, usize),
) {
    let mut block = frame(theme).title(title(name, theme, false));
    let inner = padded(block.inner(area));
    let (rows, top) = rows((inner.width.into(), inner.height.into()));
    let top = top.min(rows.len().saturating_sub(inner.height.into()));
    let below = rows.len().saturating_sub(top + usize::from(inner.height));
    if below > 0 {
        block = block.title_bottom(more(below, theme));
    }
    block.render(area, buffer);
    lines(buffer, inner, rows.iter().skip(top));
}

fn wrapped(words: &str, role: Role, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let style = theme.style(role);
    let rows = wrap(words, room).into_iter();
    rows.map(|row| Line::styled(row, style)).collect()
}

/// What it would come to, where the participants are, the harm that was done, and the world.
fn how_it_is(truth: &Truth, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let (grade, role) = match truth.grade_so_far {
        Grade::Pass => ("✔ PASS", Role::Fine),
        Grade::Partial => ("▲ PARTIAL", Role::Watch),
        Grade::Fail => ("✖ FAIL", Role::Breach),
    };
    let mut rows = vec![Line::from(vec![
        Span::raw("if it ended now: "),
        Span::styled(grade, theme.style(role)),
    ])];
    let next = match &truth.next {
        Some(step) => format!("they are at: {step}"),
        None => "they are at no step".to_owned(),
    };
    rows.extend(wrapped(&next, Role::Strong, theme, room));
    for harm in &truth.harms {
        rows.extend(wrapped(&format!("✖ {harm}"), Role::Breach, theme, room));
    }
    for line in &truth.lines {
        rows.extend(wrapped(line, Role::Text, theme, room));
    }
    rows
}

/// A row for each inject, and the selected one's words below.
fn injects(
    state: &Facilitator,
    truth: &Truth,
    theme: &Theme,
    (room, height): (usize, usize),
) -> (Vec<Line<'static>>, usize) {
    if truth.injects.is_empty() {
        let words = "The scenario has none. s says something to the participants.";
        return (wrapped(words, Role::Dim, theme, room), 0);
    }
    let injects = truth.injects.iter().enumerate();
    let mut rows: Vec<Line<'static>> = injects
        .map(|(at, inject)| inject_row(inject, at == state.selected, theme, room))
        .collect();
    let words = state.inject().map_or(Vec::new(), |inject| {
        let words = heard(inject).unwrap_or_else(|| "Nothing is said; it only happens.".into());
        wrapped(&words, Role::Dim, theme, room)
    });
    // The list scrolls so that the selected one stays in sight; its words stand below where there is room for both.
    let both = rows.len() + 1 + words.len() <= height;
    let top = (state.selected + 1).saturating_sub(height);
    if both {
        rows.push(Line::default());
        rows.extend(words);
    }
    (rows, top)
}

fn inject_row(inject: &InjectState, selected: bool, theme: &Theme, room: usize) -> Line<'static> {
    let (symbol, when, role) = match (inject.fired_at, inject.due_at) {
        (Some(at), _) => ("✔", since(at), Role::Done),
        (None, Some(at)) => ("○", format!("at {}", since(at)), Role::Waiting),
        (None, None) => ("○", "by hand".to_owned(), Role::Waiting),
    };
    let marker = if selected { "▶" } else { " " };
    let left = room.saturating_sub(width(&when) + 5);
    let name = clip(&inject.title, left);
    let gap = " ".repeat(left.saturating_sub(width(&name)) + 1);
    let style = match selected {
        true => theme.style(Role::Selection),
        false => theme.style(role),
    };
    Line::styled(format!("{marker}{symbol} {name}{gap}{when}"), style)
}

/// What the participants read of it.
fn heard(inject: &InjectState) -> Option<String> {
    (!inject.says.is_empty()).then(|| format!("{}: “{}”", inject.from, inject.says))
}

/// The newest lines, the newest last.
fn timeline(truth: &Truth, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    if truth.timeline.is_empty() {
        return wrapped("Nothing is declared yet.", Role::Dim, theme, room);
    }
    let said = truth.timeline.iter();
    said.map(|line| Line::from(clip(line, room))).collect()
}

fn dialog(state: &Facilitator, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let Some(dialog) = &state.dialog else {
        return;
    };
    let wide = area.width.min(DIALOG);
    let room = usize::from(wide.saturating_sub(4));
    let (name, body, foot): (_, _, &[(&str, &str)]) = match dialog {
        Dialog::Fire(inject) => (
            "Let it happen?",
            question(inject, theme, room),
            &[("enter", "fires it"), ("esc", "not now")],
        ),
        Dialog::Observe(typed) => (
            "An observation, for the report",
            vec![Line::from(input(typed, room, true, theme))],
            &[("enter", "writes it"), ("esc", "not now")],
        ),
        Dialog::Say(form) => (
            "What do the participants hear?",
            say(form, theme, room),
            &[("tab", "field"), ("enter", "says it"), ("esc", "not now")],
        ),
        Dialog::Help => ("Keys", help(theme, room), &[("esc", "closes")]),
    };
    let foot: Vec<(String, &str)> = foot.iter().map(|(k, d)| ((*k).to_owned(), *d)).collect();
    let foot = keys(&foot, room, theme).right_aligned();
    let high = u16::try_from(body.len() + 4).unwrap_or(u16::MAX);
    let high = high.min(area.height);
    let at = Rect {
        x: area.x + (area.width - wide) / 2,
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
    let badge = Line::styled(" FACILITATOR ", theme.style(Role::Facilitator));
    let block = frame(theme)
        .title(title(name, theme, true))
        .title_bottom(badge.right_aligned());
    let inner = padded(block.inner(at));
    block.render(at, buffer);
    let [shown, last] = Layout::vertical([
        Constraint::Fill(1),
        Constraint::Length(u16::from(inner.height > 0)),
    ])
    .areas(inner);
    lines(buffer, shown, &body);
    lines(buffer, last, [&foot]);
}

fn question(inject: &InjectState, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let mut rows = wrapped(&inject.title, Role::Strong, theme, room);
    if let Some(words) = heard(inject) {
        rows.push(Line::default());
        rows.extend(wrapped(&words, Role::Text, theme, room));
    }
    rows
}

fn say(form: &SayForm, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let field = |name: &str, typed, active| {
        let label = Span::styled(format!("{name:6}"), theme.style(Role::Dim));
        let typed = input(typed, room.saturating_sub(6), active, theme);
        Line::from(vec![label, typed])
    };
    vec![
        field("from", &form.from, !form.at_says),
        field("says", &form.says, form.at_says),
    ]
}

fn help(theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let rows = KEYS.iter().map(|(key, _, does)| {
        Line::from(vec![
            Span::styled(format!("{key:12}"), theme.style(Role::HintKey)),
            Span::raw(clip(does, room.saturating_sub(12))),
        ])
    });
    rows.collect()
}
