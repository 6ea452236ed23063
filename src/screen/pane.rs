//! A vitals pane, whichever of the four: framed with its table, folded to one row with its worst thing first, or zoomed
//! to the full table with headings, history and sentences.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use super::table::Table;
use super::text::{clip, width};
use super::theme::{Role, Theme};
use super::widgets::{frame, lines, spans_width, standing, symbol, title};
use super::{backups, clock, regions, replication};
use crate::console::state::{Focus, State};
use crate::incident::judge::Standing;

/// How much a pane may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Columns inside the frame.
    pub width: usize,
    /// Rows inside the frame; none while it is only measured.
    pub height: usize,
    /// It has the whole screen: everything is said.
    pub full: bool,
}

impl Room {
    /// Sentences fit beside the table.
    pub fn roomy(self) -> bool {
        self.full || self.width >= 40
    }
}

/// A thing a folded pane tells of, the worst told first.
pub type Piece = (Standing, String);

/// The four, in their order.
pub const PANES: [Focus; 4] = [
    Focus::Regions,
    Focus::Replication,
    Focus::Backups,
    Focus::Clock,
];

fn name(pane: Focus) -> &'static str {
    match pane {
        Focus::Regions => "1 Regions",
        Focus::Replication => "2 Replication",
        Focus::Backups => "3 Backups",
        _ => "4 Clock",
    }
}

fn table(pane: Focus, state: &State, theme: &Theme, room: Room) -> Table {
    match pane {
        Focus::Regions => regions::table(state, theme, room),
        Focus::Replication => replication::table(state, theme, room),
        Focus::Backups => backups::table(state, theme, room),
        _ => clock::table(state, theme, room),
    }
}

fn pieces(pane: Focus, state: &State) -> Vec<Piece> {
    match pane {
        Focus::Regions => regions::pieces(state),
        Focus::Replication => replication::pieces(state),
        Focus::Backups => backups::pieces(state),
        _ => clock::pieces(state),
    }
}

fn worst(pane: Focus, state: &State) -> Option<Standing> {
    match pane {
        Focus::Regions => regions::worst(state),
        Focus::Replication => replication::worst(state),
        Focus::Backups => backups::worst(state),
        _ => clock::worst(state),
    }
}

/// How many rows the pane would take inside its frame.
pub fn rows(pane: Focus, state: &State, theme: &Theme, width: usize) -> usize {
    let room = Room {
        width,
        height: 0,
        full: false,
    };
    table(pane, state, theme, room).lines(width, None).len()
}

/// The pane in its frame.
pub fn draw(pane: Focus, state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = state.focus == pane;
    let full = state.zoomed && focused;
    let mut block = frame(state.mode, theme, focused).title(title(name(pane), theme, focused));
    let word = worst(pane, state).map(|worst| standing(worst, theme));
    if let Some(word) = word.filter(|w| w.width() + width(name(pane)) + 4 <= area.width.into()) {
        block = block.title_top(Line::from(word).right_aligned());
    }
    let inner = padded(block.inner(area));
    let room = Room {
        width: inner.width.into(),
        height: inner.height.into(),
        full,
    };
    let table = table(pane, state, theme, room);
    let top = state.scroll.get(&pane).copied().unwrap_or(0);
    let height = usize::from(inner.height);
    let shown = if full || top > 0 {
        let all = table.lines(room.width, full.then(|| theme.style(Role::Dim)));
        let top = top.min(all.len().saturating_sub(height));
        let below = all.len().saturating_sub(top + height);
        if below > 0 {
            block = block.title_bottom(more(below, theme));
        }
        all.into_iter().skip(top).take(height).collect()
    } else {
        table.fitted(room.width, height)
    };
    block.render(area, buffer);
    lines(buffer, inner, &shown);
}

/// What stands below the last row, said in the frame.
pub fn more(rows: usize, theme: &Theme) -> Line<'static> {
    Line::styled(format!(" ↓ {rows} more "), theme.style(Role::Dim)).right_aligned()
}

/// A column of air on both sides, where there is room for it.
pub fn padded(area: Rect) -> Rect {
    let air = u16::from(area.width > 36);
    Rect {
        x: area.x + air,
        width: area.width - 2 * air,
        ..area
    }
}

/// Where the pieces of a folded pane begin.
const FOLD_AT: usize = 16;

/// The pane in one row: its name, and as much as fits, the worst first.
pub fn fold(pane: Focus, state: &State, theme: &Theme, area: Rect, buffer: &mut Buffer) {
    let focused = state.focus == pane;
    let role = if focused { Role::Focus } else { Role::Title };
    let mut spans = vec![Span::raw(" "), Span::styled(name(pane), theme.style(role))];
    spans.push(Span::raw(
        " ".repeat(FOLD_AT.saturating_sub(spans_width(&spans))),
    ));
    let pieces = pieces(pane, state);
    let room = usize::from(area.width).saturating_sub(1);
    for (at, (standing, words)) in pieces.iter().enumerate() {
        let left = pieces.len() - at - 1;
        let rest = if left > 0 {
            format!("  +{left}").len()
        } else {
            0
        };
        let gap = if at > 0 { 3 } else { 0 };
        let used = spans_width(&spans) + gap;
        let fits = used + 2 + width(words) + rest <= room;
        if !fits && at > 0 {
            spans.push(Span::styled(
                format!("   +{}", left + 1),
                theme.style(Role::Dim),
            ));
            break;
        }
        let words = clip(words, room.saturating_sub(used + 2 + rest));
        spans.push(Span::raw(" ".repeat(gap)));
        spans.push(Span::styled(
            format!("{} ", symbol(*standing)),
            theme.style(*standing),
        ));
        let style = match standing {
            Standing::Fine => theme.style(Role::Text),
            other => theme.style(*other),
        };
        spans.push(Span::styled(words, style));
    }
    lines(buffer, area, [&Line::from(spans)]);
}
