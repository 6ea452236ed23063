//! Where everything stands: from the size and what there is to show, to rectangles. Nothing overlaps, nothing lies
//! outside; a size of nothing gives rectangles of nothing.

use ratatui::layout::{Constraint, Layout, Rect};

use super::pane::{PANES, rows};
use super::theme::Theme;
use crate::console::state::{Focus, State};

/// Below this width the panes of an incident fold to one row each.
const FOLD_BELOW: u16 = 110;
/// Below this height too.
const FOLD_UNDER: u16 = 28;
/// From this height on the message has a row of its own; below it stands where the hints are.
const MESSAGE_FROM: u16 = 30;

/// The places of one frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The title line.
    pub title: Rect,
    /// Banners, a row each.
    pub banners: Rect,
    /// Panes, checklist, step, timeline.
    pub parts: Vec<(Focus, Rect)>,
    /// Panes are folded to one row each.
    pub folded: bool,
    /// What just happened.
    pub message: Rect,
    /// The keys.
    pub hints: Rect,
}

/// Lays a frame out.
pub fn place(area: Rect, state: &State, theme: &Theme) -> Places {
    let banners = u16::from(state.trouble.is_some()) + u16::from(maintenance(state));
    let message = u16::from(area.height >= MESSAGE_FROM);
    let [title, banners, body, said, hints] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(banners),
        Constraint::Fill(1),
        Constraint::Length(message),
        Constraint::Length(u16::from(area.height > 1)),
    ])
    .areas(area);
    let folded = !state.zoomed
        && state.incident.is_some()
        && (area.width < FOLD_BELOW || body.height < FOLD_UNDER - 3);
    let tiny = !state.zoomed && state.incident.is_none() && (body.height < 12 || body.width < 60);
    let parts = match (&state.incident, state.zoomed) {
        (_, true) => vec![(state.focus, body)],
        (None, false) if tiny => stacked(body),
        (None, false) => watch(body, state, theme),
        (Some(_), false) if folded => incident_folded(body),
        (Some(_), false) => incident(body, state, theme),
    };
    Places {
        title,
        banners,
        parts,
        folded: folded || tiny,
        message: if message > 0 { said } else { hints },
        hints,
    }
}

/// Whether maintenance mode is on.
pub fn maintenance(state: &State) -> bool {
    state
        .incident
        .as_ref()
        .is_some_and(|i| i.maintenance.is_some())
}

fn stacked(body: Rect) -> Vec<(Focus, Rect)> {
    PANES.into_iter().zip(body.rows()).collect()
}

/// Two by two; the upper two get what they need of the room, and so do the lower two.
fn watch(body: Rect, state: &State, theme: &Theme) -> Vec<(Focus, Rect)> {
    let inside = usize::from(body.width / 2).saturating_sub(4);
    let need = |a, b| {
        let rows = rows(a, state, theme, inside).max(rows(b, state, theme, inside));
        u16::try_from(rows).unwrap_or(u16::MAX).clamp(3, 1_000)
    };
    let upper = need(Focus::Regions, Focus::Replication);
    let lower = need(Focus::Backups, Focus::Clock);
    let [top, bottom] =
        Layout::vertical([Constraint::Fill(upper), Constraint::Fill(lower)]).areas(body);
    let halves = |row: Rect| -> [Rect; 2] {
        Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(row)
    };
    let ([a, b], [c, d]) = (halves(top), halves(bottom));
    PANES.into_iter().zip([a, b, c, d]).collect()
}

fn incident(body: Rect, state: &State, theme: &Theme) -> Vec<(Focus, Rect)> {
    // The shares follow the words: names of components, figures, ages beside their rules, who is told.
    let share = Layout::horizontal([28, 28, 30, 34].map(Constraint::Fill));
    let inside = |area: &Rect| usize::from(area.width.saturating_sub(2));
    let across: [Rect; 4] = share.areas(body);
    let needs = PANES
        .iter()
        .zip(&across)
        .map(|(pane, area)| rows(*pane, state, theme, inside(area)));
    let need = needs.max().unwrap_or(0) + 2;
    // A high screen gives them room for sentences.
    let most = match body.height {
        50.. => body.height * 2 / 5,
        low => (low * 3 / 10).max(7),
    };
    let need = u16::try_from(need).unwrap_or(most).clamp(5, most);
    let timeline = (body.height / 6).clamp(4, 12);
    let [panes, middle, timeline] = Layout::vertical([
        Constraint::Length(need),
        Constraint::Fill(1),
        Constraint::Length(timeline),
    ])
    .areas(body);
    let quarters: [Rect; 4] = share.areas(panes);
    let mut parts: Vec<(Focus, Rect)> = PANES.into_iter().zip(quarters).collect();
    parts.extend(walk(middle));
    parts.push((Focus::Timeline, timeline));
    parts
}

fn incident_folded(body: Rect) -> Vec<(Focus, Rect)> {
    let rest = body.height.saturating_sub(4);
    let timeline = match rest {
        0..10 => 0,
        10..16 => 3,
        16..30 => 4,
        rest => rest / 5,
    };
    let [panes, middle, timeline] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Fill(1),
        Constraint::Length(timeline),
    ])
    .areas(body);
    let mut parts = stacked(panes);
    parts.extend(walk(middle));
    parts.push((Focus::Timeline, timeline));
    parts
}

/// The checklist beside its step, or above it where there is no room beside.
fn walk(middle: Rect) -> [(Focus, Rect); 2] {
    let [list, step] = match middle.width {
        0..70 => Layout::vertical([Constraint::Fill(1), Constraint::Fill(1)]).areas(middle),
        70..110 => Layout::horizontal([Constraint::Fill(11), Constraint::Fill(9)]).areas(middle),
        _ => Layout::horizontal([Constraint::Fill(3), Constraint::Fill(4)]).areas(middle),
    };
    [(Focus::Checklist, list), (Focus::Step, step)]
}
