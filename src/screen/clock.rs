//! Clock: how long, how long left, who must be told. Before an incident: what is promised, and who would be told when.

use std::time::Duration;

use ratatui::text::{Line, Span};

use super::pane::{Piece, Room};
use super::table::{Row, Table, number, words};
use super::text::{clip, width};
use super::theme::{Role, Theme};
use super::widgets::{bar, clock, limit, spans_width, symbol};
use crate::console::state::State;
use crate::console::vitals::{Burn, RungRow};
use crate::incident::judge::Standing;
use crate::incident::site::{Rung, RungFrom};

pub(super) fn worst(state: &State) -> Option<Standing> {
    let vitals = &state.vitals.clock;
    let burns = [&vitals.rto, &vitals.rpo].into_iter().flatten();
    let rungs = vitals.rungs.iter().chain(&vitals.decision);
    let rungs = rungs.filter(|r| !lies_ahead(r));
    burns
        .map(|b| b.standing)
        .chain(rungs.map(|r| r.standing))
        .max()
}

/// A rung that nobody has to think of yet carries the standing "unknown"; it is not a question.
fn lies_ahead(rung: &RungRow) -> bool {
    rung.standing == Standing::Unknown
}

pub(super) fn table(state: &State, theme: &Theme, room: Room) -> Table {
    let mut table = Table::new([
        words("who").elastic(),
        number("after").goes(2),
        words("what").goes(3),
        number("state"),
    ]);
    let vitals = &state.vitals.clock;
    let objectives = &state.site.objectives;
    let both = [
        ("RTO", &vitals.rto, objectives.rto),
        ("RPO", &vitals.rpo, objectives.rpo),
    ];
    for (name, burn, promised) in both {
        match (burn, promised) {
            (Some(burn), _) => push_objective(&mut table, name, burn, theme, room),
            (None, Some(span)) => table.push(0, Row::Whole(promise(name, span, theme))),
            (None, None) => {}
        }
    }
    // Whatever else falls away: somebody has to decide.
    if let Some(decision) = &vitals.decision {
        table.push(0, rung(decision, theme));
    }
    match &state.incident {
        Some(_) => vitals
            .rungs
            .iter()
            .for_each(|r| table.push(goes(r), rung(r, theme))),
        None => ladder(&mut table, state, theme),
    }
    table
}

fn push_objective(table: &mut Table, name: &str, burn: &Burn, theme: &Theme, room: Room) {
    table.push(0, Row::Whole(objective(name, burn, theme, room)));
    if name == "RTO" && !burn.words.is_empty() {
        let indent = if room.width >= 9 + width(&burn.words) {
            9
        } else {
            2
        };
        let words = clip(&burn.words, room.width.saturating_sub(indent));
        let line = Line::styled(format!("{:indent$}{words}", ""), theme.style(burn.standing));
        table.push(2, Row::Whole(line));
    }
}

fn promise(name: &str, span: Duration, theme: &Theme) -> Line<'static> {
    Line::from(vec![
        Span::styled(
            format!("{name} {:<5}", limit(span)),
            theme.style(Role::Strong),
        ),
        Span::styled("promised", theme.style(Role::Dim)),
    ])
}

fn goes(rung: &RungRow) -> u8 {
    match rung.standing {
        Standing::Breach | Standing::Watch => 0,
        Standing::Unknown => 3,
        Standing::Fine => 4,
    }
}

/// `RTO 1 h  ███████░░░░  22:31`, `RPO 5 m  ≈12.4 s at risk ✔`.
fn objective(name: &str, burn: &Burn, theme: &Theme, room: Room) -> Line<'static> {
    let style = theme.style(burn.standing);
    let head = format!("{name} {:<5}", limit(burn.objective));
    let mut spans = vec![Span::styled(head, theme.style(Role::Strong))];
    let sign = Span::styled(format!(" {}", symbol(burn.standing)), style);
    if name == "RPO" {
        let left = room.width.saturating_sub(spans_width(&spans) + 2);
        spans.push(Span::styled(clip(&burn.words, left), style));
        spans.push(sign);
        return Line::from(spans);
    }
    let used = burn.used.map_or("unknown".to_owned(), clock);
    let taken = spans_width(&spans) + used.len() + 4;
    let long = room.width.saturating_sub(taken).min(32);
    let shape = match burn.standing {
        Standing::Fine => theme.style(Role::Bar),
        _ => style,
    };
    spans.extend(bar(
        burn.used.unwrap_or_default(),
        burn.objective,
        long,
        theme,
        shape,
    ));
    spans.push(Span::styled(format!("  {used}"), style));
    spans.push(sign);
    Line::from(spans)
}

fn rung(rung: &RungRow, theme: &Theme) -> Row {
    let (sign, style) = match rung.standing {
        Standing::Unknown => ("○", theme.style(Role::Waiting)),
        other => (symbol(other), theme.style(other)),
    };
    let text = match rung.standing {
        Standing::Fine => theme.style(Role::Text),
        _ => style,
    };
    let cells = vec![
        (rung.who.clone(), text),
        (limit(rung.after), theme.style(Role::Dim)),
        (rung.what.clone(), theme.style(Role::Dim)),
        (rung.words.clone(), text),
    ];
    Row::Signed(0, (sign, style), cells)
}

fn ladder(table: &mut Table, state: &State, theme: &Theme) {
    let dim = theme.style(Role::Dim);
    table.push(
        0,
        Row::Whole(Line::styled("No incident. Once declared:", dim)),
    );
    let mut ladder: Vec<&Rung> = state.site.ladder.iter().collect();
    ladder.sort_by_key(|rung| (rung.from == RungFrom::Resolution, rung.after));
    for rung in ladder {
        table.push(
            3,
            Row::Signed(
                0,
                ("○", dim),
                vec![
                    (rung.who.clone(), theme.style(Role::Text)),
                    (limit(rung.after), dim),
                    (rung.what.clone(), dim),
                    (from(rung.from).to_owned(), dim),
                ],
            ),
        );
    }
}

fn from(from: RungFrom) -> &'static str {
    match from {
        RungFrom::Detection => "detected",
        RungFrom::Declaration => "declared",
        RungFrom::Resolution => "resolved",
    }
}

pub(super) fn pieces(state: &State) -> Vec<Piece> {
    let vitals = &state.vitals.clock;
    let mut pieces = Vec::new();
    if let Some(rto) = &vitals.rto {
        let used = rto.used.map_or("unknown".to_owned(), clock);
        pieces.push((
            rto.standing,
            format!("RTO {used} of {}", limit(rto.objective)),
        ));
    }
    if let Some(rpo) = &vitals.rpo {
        pieces.push((rpo.standing, format!("RPO {}", rpo.words)));
    }
    let due = vitals
        .rungs
        .iter()
        .chain(&vitals.decision)
        .filter(|r| matches!(r.standing, Standing::Breach | Standing::Watch));
    pieces.extend(due.map(|r| (r.standing, format!("{} {}", r.who, r.words))));
    pieces.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    pieces
}
