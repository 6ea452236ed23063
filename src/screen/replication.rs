//! Replication: what would be lost by promoting now, in seconds and in bytes; the target and the gate beside it.

use std::time::Duration;

use ratatui::text::Line;

use super::chart::Bars;
use super::pane::{Piece, Room};
use super::table::{Row, Table, number, words};
use super::text::{clip, width};
use super::theme::{Role, Theme};
use super::widgets::{limit, sparkline, symbol};
use crate::console::state::State;
use crate::console::vitals::LinkRow;
use crate::incident::judge::Standing;

/// Below this width a link takes two rows.
const NARROW: usize = 50;
/// Rows of a chart.
const CHART_ROWS: usize = 6;
/// How many readings a sparkline shows beside other columns.
const HISTORY: usize = 10;

pub(super) fn worst(state: &State) -> Option<Standing> {
    state.vitals.links.iter().map(|l| l.standing).max()
}

pub(super) fn table(state: &State, theme: &Theme, room: Room) -> Table {
    let narrow = room.width < NARROW && !room.full;
    let mut table = if narrow {
        Table::new([
            words("link"),
            number("time").elastic(),
            number("bytes").goes(1),
        ])
    } else {
        Table::new([
            words("link"),
            words("state").elastic_from(22),
            number("time"),
            number("bytes"),
            words("history").goes(2),
            words("from → to").goes(3),
            number("target").goes(4),
            number("gate").goes(5),
        ])
    };
    for link in &state.vitals.links {
        let goes = u8::from(link.standing == Standing::Fine);
        if narrow {
            table.push(goes, short(link, theme));
            let words = aside(link, room.width.saturating_sub(2));
            if !words.is_empty() {
                table.push(3, Row::Sentence(2, (words, theme.style(Role::Dim))));
            }
        } else {
            table.push(goes, row(link, theme, room));
        }
        let said = room.full || link.standing != Standing::Fine;
        if said && !link.detail.is_empty() && room.roomy() {
            let cell = (link.detail.clone(), theme.style(Role::Dim));
            table.push(4, Row::Sentence(if narrow { 2 } else { 4 }, cell));
        }
    }
    if room.full || room.height >= state.vitals.links.len() * (CHART_ROWS + 6) {
        let charts = state
            .vitals
            .links
            .iter()
            .flat_map(|l| chart(l, theme, room.width));
        charts.for_each(|line| table.push(5, Row::Whole(line)));
    }
    table
}

/// The link's lag over its newest readings, with the gate drawn across where it is near, else the target.
fn chart(link: &LinkRow, theme: &Theme, room: usize) -> Vec<Line<'static>> {
    if link.history.is_empty() {
        return Vec::new();
    }
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    let highest = link.history.iter().flatten().max().copied().unwrap_or(0);
    let (target, gate) = (millis(link.target), millis(link.gate));
    let near = highest > gate / 4;
    let (name, mark, span) = match near {
        true => ("gate", gate, link.gate),
        false => ("target", target, link.target),
    };
    let bars = Bars {
        history: &link.history,
        full: highest.max(mark),
        mark: (mark, format!("{name} {}", limit(span))),
        rows: CHART_ROWS,
    };
    let heading = format!(
        "{}: lag of the newest {} readings",
        link.id,
        link.history.len()
    );
    let mut lines = vec![
        Line::default(),
        Line::styled(heading, theme.style(Role::Dim)),
    ];
    lines.extend(bars.lines(room, theme));
    lines
}

fn short(link: &LinkRow, theme: &Theme) -> Row {
    let cells = vec![
        (
            link.id.to_string(),
            figure(link, theme).patch(theme.style(Role::Strong)),
        ),
        (time(link), figure(link, theme)),
        (link.bytes.clone(), figure(link, theme)),
    ];
    Row::Signed(
        0,
        (symbol(link.standing), theme.style(link.standing)),
        cells,
    )
}

/// `▁▁▂▃▅▇█ last known <1 s`, as much as fits.
fn aside(link: &LinkRow, room: usize) -> String {
    let spark = sparkline(&link.history, 8);
    let target = format!("<{}", limit(link.target));
    let parts = [
        &[spark.as_str(), &link.words, &target][..],
        &[&link.words, &target],
        &[&link.words],
    ];
    let tries = parts.map(|words| {
        let said = words.iter().filter(|w| !w.is_empty()).copied();
        said.collect::<Vec<_>>().join(" ")
    });
    let fits = tries.iter().find(|words| width(words) <= room);
    fits.cloned().unwrap_or_else(|| clip(&link.words, room))
}

fn time(link: &LinkRow) -> String {
    match link.seconds.as_str() {
        "" => "unknown".to_owned(),
        seconds => seconds.to_owned(),
    }
}

fn figure(link: &LinkRow, theme: &Theme) -> ratatui::style::Style {
    match link.standing {
        Standing::Fine => theme.style(Role::Text),
        other => theme.style(other),
    }
}

fn row(link: &LinkRow, theme: &Theme, room: Room) -> Row {
    let dim = theme.style(Role::Dim);
    let figures = figure(link, theme);
    let points = if room.full { room.width / 4 } else { HISTORY };
    let cells = vec![
        (
            link.id.to_string(),
            figures.patch(theme.style(Role::Strong)),
        ),
        (link.words.clone(), figures),
        (time(link), figures),
        (link.bytes.clone(), figures),
        (sparkline(&link.history, points), theme.style(Role::Spark)),
        (format!("{} → {}", link.from, link.to), dim),
        (format!("<{}", limit(link.target)), dim),
        (format!("≤{}", limit(link.gate)), dim),
    ];
    Row::Signed(
        0,
        (symbol(link.standing), theme.style(link.standing)),
        cells,
    )
}

pub(super) fn pieces(state: &State) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = state
        .vitals
        .links
        .iter()
        .map(|l| {
            let figures = [l.seconds.as_str(), l.bytes.as_str()]
                .into_iter()
                .filter(|f| !f.is_empty())
                .collect::<Vec<_>>()
                .join(" / ");
            let said = match (l.standing, figures.as_str()) {
                (Standing::Fine, figures) if !figures.is_empty() => figures.to_owned(),
                (_, "") => l.words.clone(),
                (_, figures) => format!("{figures} {}", l.words),
            };
            (l.standing, format!("{} {said}", l.id))
        })
        .collect();
    pieces.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    pieces
}
