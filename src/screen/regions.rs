//! Regions: what is down, where, since when; is the standby ready to take over.

use super::pane::{Piece, Room};
use super::table::{Cell, Row, Table, number, words};
use super::text::width;
use super::theme::{Role, Theme};
use super::widgets::{sparkline, symbol};
use crate::console::state::State;
use crate::console::vitals::{ComponentRow, RegionRow};
use crate::incident::judge::Standing;
use crate::incident::measure::Span;
use crate::incident::names::RegionId;
use crate::incident::site::RegionRole;

/// How many probes a sparkline shows beside other columns.
const HISTORY: usize = 10;

pub(super) fn worst(state: &State) -> Option<Standing> {
    state.vitals.regions.iter().map(|r| r.standing).max()
}

pub(super) fn table(state: &State, theme: &Theme, room: Room) -> Table {
    let mut table = Table::new([
        words("where"),
        words("state").elastic(),
        words("system").goes(5),
        words("place").goes(6),
        words("probes").goes(3),
        number("since").goes(1),
        number("seen").goes(4),
    ]);
    for region in &state.vitals.regions {
        table.push(0, head(region, theme));
        for component in &region.components {
            let goes = match component.standing {
                Standing::Breach => 0,
                Standing::Unknown | Standing::Watch => 1,
                Standing::Fine => 4,
            };
            table.push(goes, row(component, theme, room));
            let said = room.full || component.standing != Standing::Fine;
            let more = width(&component.detail) > width(&component.words);
            if said && more && room.roomy() {
                let cell = (component.detail.clone(), theme.style(Role::Dim));
                table.push(3, Row::Sentence(4, cell));
            }
        }
    }
    table
}

fn head(region: &RegionRow, theme: &Theme) -> Row {
    let style = match region.standing {
        Standing::Fine => theme.style(Role::Text),
        other => theme.style(other),
    };
    let role = match region.role {
        Some(RegionRole::Primary) => "primary",
        Some(RegionRole::Standby) => "standby",
        None => "",
    };
    let mut cells: Vec<Cell> = vec![
        (
            name(region).to_owned(),
            style.patch(theme.style(Role::Strong)),
        ),
        (region.words.clone(), style),
        (role.to_owned(), theme.style(Role::Dim)),
    ];
    cells.resize(7, (String::new(), theme.style(Role::Text)));
    Row::Signed(
        0,
        (symbol(region.standing), theme.style(region.standing)),
        cells,
    )
}

fn name(region: &RegionRow) -> &str {
    name_of(region.id.as_ref())
}

fn name_of(id: Option<&RegionId>) -> &str {
    id.map_or("global", RegionId::as_str)
}

fn row(component: &ComponentRow, theme: &Theme, room: Room) -> Row {
    let dim = theme.style(Role::Dim);
    let standing = theme.style(component.standing);
    let fine = component.standing == Standing::Fine;
    let text = if fine {
        theme.style(Role::Text)
    } else {
        standing
    };
    let points = if room.full { room.width / 5 } else { HISTORY };
    let sign = (symbol(component.standing), standing);
    let cells = vec![
        (component.id.to_string(), text),
        (component.words.clone(), text),
        (component.system.to_owned(), dim),
        (component.place.clone(), dim),
        (
            sparkline(&component.history, points),
            theme.style(Role::Spark),
        ),
        (
            component
                .since
                .map_or(String::new(), |s| Span(s).to_string()),
            dim,
        ),
        (
            component
                .age
                .map_or("never".into(), |age| format!("{} ago", Span(age))),
            dim,
        ),
    ];
    Row::Signed(2, sign, cells)
}

pub(super) fn pieces(state: &State) -> Vec<Piece> {
    let mut all: Vec<Piece> = state
        .vitals
        .regions
        .iter()
        .map(|r| (r.standing, format!("{} {}", name(r), r.words)))
        .collect();
    all.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    // What belongs to no region is told last while it is fine.
    let global = format!("{} ", name_of(None));
    let (last, mut regions): (Vec<Piece>, Vec<Piece>) = all
        .into_iter()
        .partition(|(s, words)| *s == Standing::Fine && words.starts_with(&global));
    let components = state.vitals.regions.iter().flat_map(|r| &r.components);
    let mut troubled: Vec<Piece> = components
        .filter(|c| c.standing != Standing::Fine)
        .map(|c| (c.standing, format!("{} {}", c.id, c.words)))
        .collect();
    troubled.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    regions.extend(troubled);
    regions.extend(last);
    regions
}
