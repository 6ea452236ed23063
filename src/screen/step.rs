//! The selected step: what it will do, to what, what it costs, what must hold before and after, how it is undone; and
//! while it runs, what it says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::pane::{more, padded};
use super::text::{clip, fold, width, wrap};
use super::theme::{Role, Theme};
use super::widgets::{clock, frame, limit, lines, time, title, verdict};
use crate::console::checklist::{Next, StepDetail, selected};
use crate::console::deadline;
use crate::console::state::{Focus, State};
use crate::incident::journal::fold::Phase;
use crate::incident::journal::{Attempt, Resolved};
use crate::incident::measure;
use crate::incident::reading::{Outcome, Verdict};
use crate::incident::runbook::{Admonition, Block, Code, Danger};

pub(super) fn draw(state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = state.focus == Focus::Step;
    let Some(step) = selected(state) else {
        let block = frame(state.mode, theme, focused).title(title("Step", theme, focused));
        block.render(area, buffer);
        return;
    };
    let name = format!("{} {}", step.number, step.row.title);
    let room = usize::from(area.width).saturating_sub(4);
    let aside = aside(&step);
    let beside = width(&name) + width(&aside) + 3 <= room;
    let name = clip(&name, room);
    let mut block = frame(state.mode, theme, focused).title(title(&name, theme, focused));
    if beside && !aside.is_empty() {
        let line = Line::styled(format!(" {aside} "), theme.style(step.row.danger));
        block = block.title_top(line.right_aligned());
    }
    let inner = padded(block.inner(area));
    let mut all = body(state, &step, theme, inner.width.into());
    if !beside {
        all.insert(0, Line::styled(aside, theme.style(step.row.danger)));
    }
    let last = all.len().saturating_sub(inner.height.into());
    let top = state
        .scroll
        .get(&Focus::Step)
        .map_or(0, |top| last.min(*top));
    if top < last {
        block = block.title_bottom(more(last - top, theme));
    }
    block.render(area, buffer);
    lines(buffer, inner, all.iter().skip(top));
}

/// `one-way · ~3 m`
fn aside(step: &StepDetail<'_>) -> String {
    let danger = match step.row.danger {
        Danger::None => None,
        danger => Some(danger.to_string()),
    };
    let estimate = step.row.estimate.map(|e| format!("~{}", limit(e)));
    let parts: Vec<String> = danger.into_iter().chain(estimate).collect();
    parts.join(" · ")
}

fn body(state: &State, step: &StepDetail<'_>, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let mut all = Vec::new();
    let blocked = step.blocked.as_ref();
    if let Some(why) = blocked.filter(|_| !matches!(step.next, Next::Running(..))) {
        all.extend(told("▲", why, Role::Watch, room, theme));
    }
    all.extend(running(state, step, theme, room));
    all.extend(deciding(state, step, theme, room));
    all.extend(ended(step, theme, room));
    all.extend(
        step.step
            .why
            .iter()
            .flat_map(|block| prose(block, theme, room)),
    );
    if !all.is_empty() {
        all.push(Line::default());
    }
    all.extend(step.checks.iter().flat_map(|c| check(c, theme, room)));
    for act in &step.acts {
        all.extend(match act {
            Ok(resolved) => acts(resolved, theme, room),
            Err(why) => told("✖", why, Role::Breach, room, theme),
        });
    }
    all.extend(ticks(step, theme, room));
    let verify = step.verify.iter().map(|(words, _)| words.as_str());
    let verify: Vec<&str> = verify.collect();
    if !verify.is_empty() {
        let last = step.acts.iter().rev().find_map(|act| act.as_ref().ok());
        let span = last.map_or(String::new(), |act| {
            format!(", for up to {}", limit(act.timeout))
        });
        all.extend(label(
            "verify",
            &format!("{}{span}", verify.join(", ")),
            theme,
            room,
        ));
    }
    if !step.acts.is_empty() {
        all.extend(label("undo", &step.undo, theme, room));
    }
    if let Some(role) = &step.step.card.role {
        all.extend(label("by", role, theme, room));
    }
    all
}

/// Until when it is to be decided where the road goes on.
fn deciding(
    state: &State,
    step: &StepDetail<'_>,
    theme: &Theme,
    room: usize,
) -> Vec<Line<'static>> {
    let Some(due) = deadline::shown(state).filter(|due| due.step == step.row.id) else {
        return Vec::new();
    };
    let at = time(due.due);
    let why = if due.cut {
        ": then the recovery time ends"
    } else {
        ""
    };
    let (sign, role, words) = match (due.due - state.now.wall).to_std() {
        Ok(left) => {
            let role = if due.cut { Role::Watch } else { Role::Strong };
            let sign = if due.cut { "▲" } else { "○" };
            (
                sign,
                role,
                format!("decide by {at}, in {}{why}", clock(left)),
            )
        }
        Err(_) => {
            let over = clock(state.now.since_wall(due.due));
            (
                "✖",
                Role::Breach,
                format!("it was to be decided by {at}, {over} ago{why}"),
            )
        }
    };
    told(sign, &words, role, room, theme)
}

/// What runs now: since when, and the newest lines it wrote.
fn running(state: &State, step: &StepDetail<'_>, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let Next::Running(action, attempt) = &step.next else {
        return Vec::new();
    };
    let begun = step
        .attempts
        .iter()
        .find(|a| a.intent.resolved.action == *action && a.intent.resolved.attempt == *attempt);
    let since = begun.and_then(|a| a.started.as_ref()).map(|(at, ..)| {
        let span = state.now.since_wall(*at);
        format!("running for {}, since {}", clock(span), time(*at))
    });
    let words = since.unwrap_or_else(|| "confirmed, about to start".to_owned());
    let mut all = told("●", &words, Role::Running, room, theme);
    let tail = state.tails.get(&(action.clone(), *attempt));
    let newest = tail
        .iter()
        .flat_map(|tail| tail.iter().rev().take(TAIL).rev());
    all.extend(newest.flat_map(|line| output(line.as_str(), theme, room)));
    all
}

/// How many of the newest lines of a running step are shown.
const TAIL: usize = 6;

/// How the newest attempt ended, where that is worth a word.
fn ended(step: &StepDetail<'_>, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let Some(attempt) = step.attempts.last() else {
        return Vec::new();
    };
    let Some(end) = &attempt.ended else {
        return match attempt.phase() {
            Phase::Voided => told(
                "·",
                "confirmed, and taken back before it ran",
                Role::Dim,
                room,
                theme,
            ),
            _ => Vec::new(),
        };
    };
    let took = took(attempt).map_or(String::new(), |t| format!(" in {t}"));
    let (sign, role, words) = match &end.outcome {
        Outcome::Done { said } if said.as_str().is_empty() => {
            ("✔", Role::Fine, format!("done{took}"))
        }
        Outcome::Done { said } => ("✔", Role::Fine, format!("done{took}: {said}")),
        Outcome::Failed { failure, .. } => ("✖", Role::Breach, format!("failed{took}: {failure}")),
        Outcome::Unknown { failure } => (
            "?",
            Role::Unknown,
            format!("nobody can say how it ended: {failure}"),
        ),
        Outcome::Refused { verdicts } => {
            let why = verdicts
                .first()
                .map_or(String::new(), |v| v.saw.to_string());
            ("✖", Role::Breach, format!("refused, it never ran: {why}"))
        }
    };
    let mut all = told(sign, &words, role, room, theme);
    if !matches!(end.outcome, Outcome::Done { .. }) {
        let excerpt: Vec<&str> = end.excerpt.as_str().lines().collect();
        let newest = &excerpt[excerpt.len().saturating_sub(TAIL)..];
        all.extend(newest.iter().flat_map(|line| output(line, theme, room)));
    }
    all
}

fn took(attempt: &Attempt) -> Option<measure::Span> {
    let (started, ..) = attempt.started.as_ref()?;
    let span = (attempt.ended.as_ref()?.at - *started).to_std().ok()?;
    Some(measure::Span(span))
}

/// A sign and words over as many lines as they need.
fn told(
    sign: &'static str,
    words: &str,
    role: Role,
    room: usize,
    theme: &Theme,
) -> Vec<Line<'static>> {
    let style = theme.style(role);
    let lines = wrap(words, room.saturating_sub(2)).into_iter().enumerate();
    lines
        .map(|(at, line)| {
            Line::styled(
                format!("{} {line}", if at == 0 { sign } else { " " }),
                style,
            )
        })
        .collect()
}

fn prose(block: &Block, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let plain = |words: &str, indent: usize, role: Role| -> Vec<Line<'static>> {
        let style = theme.style(role);
        let lines = wrap(words, room.saturating_sub(indent)).into_iter();
        lines
            .map(|l| Line::styled(format!("{:indent$}{l}", ""), style))
            .collect()
    };
    match block {
        Block::Text(words) => plain(words, 0, Role::Text),
        Block::Item(depth, words) => {
            let mut lines = plain(words, 2 * depth + 2, Role::Text);
            if let Some(first) = lines.first_mut() {
                let words = first
                    .spans
                    .first()
                    .map_or("", |s| s.content.trim_start())
                    .to_owned();
                let indent = 2 * depth;
                *first = Line::styled(format!("{:indent$}• {words}", ""), first.style);
            }
            lines
        }
        Block::Admonition(kind, words) => {
            let (sign, word) = admonition(*kind);
            told(
                sign,
                &format!("{word}: {words}"),
                Role::from(*kind),
                room,
                theme,
            )
        }
        Block::Quote(words) => plain(words, 2, Role::Dim),
        Block::Code(_, text) => text.lines().flat_map(|l| code(l, theme, room)).collect(),
        Block::Row(cells) => plain(&cells.join("  "), 0, Role::Text),
    }
}

fn admonition(kind: Admonition) -> (&'static str, &'static str) {
    match kind {
        Admonition::Note => ("·", "Note"),
        Admonition::Tip => ("·", "Tip"),
        Admonition::Important => ("▲", "Important"),
        Admonition::Warning => ("▲", "Warning"),
        Admonition::Caution => ("✖", "Caution"),
    }
}

/// What a program wrote: read, not run, so it is broken between words.
fn output(text: &str, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    barred(wrap(text, room.saturating_sub(2)), theme)
}

/// What runs: every space of it.
fn code(text: &str, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    barred(fold(text, room.saturating_sub(2)), theme)
}

fn barred(pieces: Vec<String>, theme: &Theme) -> Vec<Line<'static>> {
    let bar = Span::styled("│ ", theme.style(Role::Dim));
    let pieces = pieces.into_iter();
    pieces
        .map(|piece| {
            Line::from(vec![
                bar.clone(),
                Span::styled(piece, theme.style(Role::Code)),
            ])
        })
        .collect()
}

fn check(
    (words, seen): &(String, Option<Verdict>),
    theme: &Theme,
    room: usize,
) -> Vec<Line<'static>> {
    match seen {
        Some(seen) => {
            let (sign, role) = verdict(seen.holds);
            let mut all = told(sign, seen.saw.as_str(), role, room, theme);
            if role == Role::Fine {
                // What holds is calm: the sign has the colour, the words have not.
                all.iter_mut().for_each(|line| *line = calm(line, theme));
            }
            all
        }
        None => told("○", words, Role::Waiting, room, theme),
    }
}

fn calm(line: &Line<'static>, theme: &Theme) -> Line<'static> {
    let text = line.to_string();
    let at = text.chars().next().map_or(0, char::len_utf8);
    let (sign, rest) = text.split_at(at);
    Line::from(vec![
        Span::styled(sign.to_owned(), line.style),
        Span::styled(rest.to_owned(), theme.style(Role::Text)),
    ])
}

/// `run    postgres.promote  pg-west (us-west-2)`, and the whole script where it is one.
fn acts(resolved: &Resolved, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let (what, script) = match &resolved.code {
        Code::Act { act } => (act.to_string(), ""),
        Code::Shell {
            script,
            host: Some(host),
            ..
        } => (format!("a script on {host}"), script.as_str()),
        Code::Shell {
            script, host: None, ..
        } => ("a script on this machine".to_owned(), script.as_str()),
        Code::Sql { on, text, .. } => (format!("SQL on {on}"), text.as_str()),
        Code::Redis { on, text } => (format!("Redis commands on {on}"), text.as_str()),
        Code::Http { text } => ("an HTTP request".to_owned(), text.as_str()),
    };
    // The act names its target; what stands beside is where that is.
    let places = resolved.targets.iter().map(|p| match &p.region {
        Some(region) => format!("{region}, {}", p.place),
        None => p.place.clone(),
    });
    let places: Vec<String> = places.collect();
    let words = match places.is_empty() {
        true => what,
        false => format!("{what} ({})", places.join("; ")),
    };
    let mut all = label("run", &words, theme, room);
    all.extend(script.lines().flat_map(|l| code(l, theme, room)));
    all
}

fn ticks(step: &StepDetail<'_>, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let next = match &step.next {
        Next::Tick(_, index) => Some(*index),
        _ => None,
    };
    let items = step.ticks.iter();
    items
        .flat_map(|(index, words, done)| {
            let (sign, role) = match (done, next == Some(*index)) {
                (true, _) => ("✔", Role::Done),
                (false, true) => ("▶", Role::Strong),
                (false, false) => ("○", Role::Text),
            };
            told(sign, words, role, room, theme)
        })
        .collect()
}

/// The width of a label.
const LABEL: usize = 8;

fn label(name: &str, words: &str, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    let lines = wrap(words, room.saturating_sub(LABEL))
        .into_iter()
        .enumerate();
    lines
        .map(|(at, words)| {
            let name = if at == 0 { name } else { "" };
            Line::from(vec![
                Span::styled(format!("{name:LABEL$}"), theme.style(Role::Dim)),
                Span::styled(words, theme.style(Role::Text)),
            ])
        })
        .collect()
}
