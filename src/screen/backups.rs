//! Backups: what could be restored, how old it is, and whether that is proven.

use ratatui::text::Line;

use super::pane::{Piece, Room};
use super::table::{Row, Table, number, words};
use super::theme::{Role, Theme};
use super::widgets::{limit, symbol};
use crate::console::state::State;
use crate::console::vitals::BackupRow;
use crate::incident::judge::Standing;
use crate::incident::site::Backup;

/// From this width on findings stand beside the age, below it under it.
const BESIDE: usize = 50;

pub(super) fn worst(state: &State) -> Option<Standing> {
    let backups = state.vitals.backups.iter();
    backups.filter(|b| b.intended).map(|b| b.standing).max()
}

pub(super) fn table(state: &State, theme: &Theme, room: Room) -> Table {
    let beside = room.width >= BESIDE;
    let mut table = match beside {
        true => Table::new([
            words("backup"),
            number("age"),
            words("asked"),
            words("findings").elastic(),
            words("kept in").goes(1),
            words("size").goes(2),
            words("restored for a test").goes(3),
        ]),
        false => Table::new([words("backup").elastic(), number("age"), words("asked")]),
    };
    for backup in &state.vitals.backups {
        let goes = match (backup.intended, backup.standing) {
            (false, _) => 4,
            (true, Standing::Fine) => 2,
            (true, _) => 0,
        };
        let site = state.site.backups.iter().find(|b| b.id == backup.id);
        if !backup.intended {
            let words = format!("· {}  none intended", backup.id);
            table.push(
                goes,
                Row::Whole(Line::styled(words, theme.style(Role::Dim))),
            );
            continue;
        }
        table.push(goes, row(backup, site, theme, beside));
        if !beside && !backup.notes.is_empty() {
            let cell = (backup.notes.join(", "), theme.style(backup.standing));
            table.push(3, Row::Sentence(2, cell));
        }
    }
    table
}

fn row(backup: &BackupRow, site: Option<&Backup>, theme: &Theme, beside: bool) -> Row {
    let dim = theme.style(Role::Dim);
    let text = theme.style(Role::Text);
    let style = theme.style(backup.standing);
    let figures = if backup.standing == Standing::Fine {
        text
    } else {
        style
    };
    let findings = if beside {
        backup.notes.join(", ")
    } else {
        String::new()
    };
    let (kept, size, tested) = rules(site);
    let cells = vec![
        (
            backup.id.to_string(),
            figures.patch(theme.style(Role::Strong)),
        ),
        (backup.age.clone(), figures),
        (backup.rule.clone(), dim),
        (findings, figures),
        (kept, dim),
        (size, dim),
        (tested, dim),
    ];
    Row::Signed(0, (symbol(backup.standing), style), cells)
}

/// What the site asks of it besides its age.
fn rules(site: Option<&Backup>) -> (String, String, String) {
    let Some(site) = site else {
        return Default::default();
    };
    (
        site.of.as_ref().map_or(String::new(), ToString::to_string),
        format!("±{} %", site.size_change),
        site.restore_test.map_or("not asked".to_owned(), |span| {
            format!("every {}", limit(span))
        }),
    )
}

pub(super) fn pieces(state: &State) -> Vec<Piece> {
    let intended = state.vitals.backups.iter().filter(|b| b.intended);
    let mut pieces: Vec<Piece> = intended
        .map(|b| {
            let said = match (b.standing, b.notes.first()) {
                (Standing::Fine, _) | (_, None) => format!("{} {} {}", b.id, b.age, b.rule),
                (_, Some(note)) => format!("{} {} {}, {note}", b.id, b.age, b.rule),
            };
            (b.standing, said)
        })
        .collect();
    pieces.sort_by_key(|(standing, _)| std::cmp::Reverse(*standing));
    pieces
}
