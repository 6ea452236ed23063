//! Clock: how long, how long left, who must be told. Before an incident: what is promised, and who would be told when.

use ratatui::text::{Line, Span};

use super::pane::{Piece, Room};
use super::table::{Row, Table, number, words};
use super::text::clip;
use super::theme::{Role, Theme};
use super::widgets::{bar, clock, limit, spans_width, symbol};
use crate::console::state::State;
use crate::console::vitals::{Burn, RungRow};
use crate::incident::judge::Standing;
use crate::incident::site::{Rung, RungFrom};

pub(super) fn worst(state: &State) -> Option<Standing> {
    let vitals = &state.vitals.clock;
    let burns = [&vitals.rto, &vitals.rpo].into_iter().flatten();
    let rungs = vitals.rungs.iter().filter(|r| !lies_ahead(r));
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
        words("due"),
        words("who").elastic(),
        words("what").goes(1),
        number("how it stands"),
    ]);
    let vitals = &state.vitals.clock;
    for (name, burn) in [("RTO", &vitals.rto), ("RPO", &vitals.rpo)] {
        if let Some(burn) = burn {
            table.push(0, Row::Whole(objective(name, burn, theme, room)));
            let sentence = (
                format!("{:9}{}", "", burn.words),
                theme.style(burn.standing),
            );
            if name == "RTO" && !burn.words.is_empty() {
                table.push(
                    2,
                    Row::Whole(Line::styled(clip_indented(&sentence.0, room), sentence.1)),
                );
            }
        }
    }
    match &state.incident {
        Some(_) => vitals
            .rungs
            .iter()
            .for_each(|r| table.push(goes(r), rung(r, theme))),
        None => promised(&mut table, state, theme),
    }
    table
}

fn clip_indented(text: &str, room: Room) -> String {
    let words = text.trim_start();
    let indent = text.len() - words.len();
    format!(
        "{:indent$}{}",
        "",
        clip(words, room.width.saturating_sub(indent))
    )
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
    Row::Cells(vec![
        (format!("{sign} {}", limit(rung.after)), style),
        (rung.who.clone(), text),
        (rung.what.clone(), theme.style(Role::Dim)),
        (rung.words.clone(), text),
    ])
}

fn promised(table: &mut Table, state: &State, theme: &Theme) {
    let dim = theme.style(Role::Dim);
    let objectives = &state.site.objectives;
    let said = [("RTO", objectives.rto), ("RPO", objectives.rpo)];
    let shown = [
        state.vitals.clock.rto.is_some(),
        state.vitals.clock.rpo.is_some(),
    ];
    for ((name, objective), shown) in said.into_iter().zip(shown) {
        if let (Some(objective), false) = (objective, shown) {
            let words = format!("{name} {:<5}", limit(objective));
            let spans = vec![
                Span::styled(words, theme.style(Role::Strong)),
                Span::styled("promised", dim),
            ];
            table.push(0, Row::Whole(Line::from(spans)));
        }
    }
    table.push(
        0,
        Row::Whole(Line::styled("No incident. Once declared:", dim)),
    );
    let mut ladder: Vec<&Rung> = state.site.ladder.iter().collect();
    ladder.sort_by_key(|rung| (rung.from == RungFrom::Resolution, rung.after));
    for rung in ladder {
        table.push(
            3,
            Row::Cells(vec![
                (format!("○ {}", limit(rung.after)), dim),
                (rung.who.clone(), theme.style(Role::Text)),
                (rung.what.clone(), dim),
                (from(rung.from).to_owned(), dim),
            ]),
        );
    }
}

fn from(from: RungFrom) -> &'static str {
    match from {
        RungFrom::Detection => "from detection",
        RungFrom::Declaration => "",
        RungFrom::Resolution => "from resolution",
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
        .filter(|r| matches!(r.standing, Standing::Breach | Standing::Watch));
    pieces.extend(due.map(|r| (r.standing, format!("{} {}", r.who, r.words))));
    pieces.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    pieces
}
