//! Tables that know what to leave out: columns and rows carry how soon they may go when there is no room.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::text::{clip, width, wrap};

/// Where a column's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its heading, shown in full tables.
    pub head: &'static str,
    /// Where its text stands.
    pub align: Align,
    /// Goes before columns with a smaller number when there is no room; 0 never goes.
    pub goes: u8,
    /// Takes what room is left, and is the one that is clipped: to this at least, before other columns go.
    pub elastic: Option<usize>,
}

/// A column of words that never goes.
pub const fn words(head: &'static str) -> Column {
    Column {
        head,
        align: Align::Left,
        goes: 0,
        elastic: None,
    }
}

/// A column of numbers that never goes.
pub const fn number(head: &'static str) -> Column {
    Column {
        align: Align::Right,
        ..words(head)
    }
}

impl Column {
    /// The same, that goes when there is no room, the higher the sooner.
    pub const fn goes(self, goes: u8) -> Self {
        Self { goes, ..self }
    }

    /// The same, that takes what room is left.
    pub const fn elastic(self) -> Self {
        self.elastic_from(ELASTIC_LEAST)
    }

    /// The same, that takes what room is left and keeps so much before other columns go.
    pub const fn elastic_from(self, least: usize) -> Self {
        Self {
            elastic: Some(least),
            ..self
        }
    }
}

/// A cell.
pub type Cell = (String, Style);

/// A symbol with its own style.
pub type Sign = (&'static str, Style);

/// What stands in one row.
#[derive(Debug, Clone)]
pub enum Row {
    /// A cell for each column.
    Cells(Vec<Cell>),
    /// The same with a sign before the first, that far from the left.
    Signed(usize, Sign, Vec<Cell>),
    /// A sentence across all columns, wrapped, that far from the left.
    Sentence(usize, Cell),
    /// Anything, as it is.
    Whole(Line<'static>),
}

/// A table.
#[derive(Debug, Clone, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<(u8, Row)>,
}

/// An elastic column keeps at least this much before another column goes.
const ELASTIC_LEAST: usize = 18;
/// Wider tables are not stretched: the eye would lose the row.
const STRETCH_TO: usize = 84;

impl Table {
    /// A table of these columns.
    pub fn new(columns: impl Into<Vec<Column>>) -> Self {
        Self {
            columns: columns.into(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; rows with a higher `goes` go first when there is no room, 0 never.
    pub fn push(&mut self, goes: u8, row: Row) {
        self.rows.push((goes, row));
    }

    /// The table in `room` columns and as many rows as it takes, with the columns' heads in `heads` when given.
    pub fn lines(&self, room: usize, heads: Option<Style>) -> Vec<Line<'static>> {
        let head = heads.map(|style| {
            let cells = self.columns.iter().map(|c| (c.head.to_owned(), style));
            Row::Cells(cells.collect())
        });
        let rows = self.rows.iter().map(|(_, row)| row);
        let layout = self.layout(room, rows.clone().chain(&head));
        let mut lines = Vec::new();
        let mut head = head.as_ref();
        for row in rows {
            // The heads stand over the first row that has columns.
            if matches!(row, Row::Cells(_) | Row::Signed(..)) {
                lines.extend(head.take().iter().flat_map(|h| self.row(room, &layout, h)));
            }
            lines.extend(self.row(room, &layout, row));
        }
        lines
    }

    /// The table in `room` columns and at most `height` rows: what matters least goes first, and how much is missing is
    /// said.
    pub fn fitted(&self, room: usize, height: usize) -> Vec<Line<'static>> {
        let mut kept: Vec<&(u8, Row)> = self.rows.iter().collect();
        let layout = self.layout(room, kept.iter().map(|(_, row)| row));
        let mut drawn: Vec<Vec<Line<'static>>> = kept
            .iter()
            .map(|(_, row)| self.row(room, &layout, row))
            .collect();
        let mut missing = 0;
        while drawn.iter().map(Vec::len).sum::<usize>() > height {
            let last_first = kept.iter().enumerate().rev();
            // `max_by_key` gives the last of equals, which is the uppermost row here; turned round it is the lowest.
            let Some((at, _)) = last_first.rev().max_by_key(|(_, (goes, _))| *goes) else {
                break;
            };
            let (goes, row) = kept.remove(at);
            drawn.remove(at);
            missing += usize::from(*goes == 0 && !matches!(row, Row::Sentence(..)));
        }
        let mut lines: Vec<Line<'static>> = drawn.into_iter().flatten().collect();
        if missing > 0 && height > 0 {
            // The sign takes the place of the last row that fitted.
            if lines.len() >= height {
                lines.truncate(height - 1);
                missing += 1;
            }
            lines.push(Line::from(format!("  +{missing} more")));
        }
        lines
    }

    /// Widths of the columns that stay, and the gap between them; `None` for those that go.
    fn layout<'r>(&self, room: usize, rows: impl Iterator<Item = &'r Row>) -> Layout {
        let mut natural = vec![0; self.columns.len()];
        for row in rows {
            let (mut before, cells) = match row {
                Row::Cells(cells) => (0, cells),
                Row::Signed(indent, _, cells) => (indent + SIGN, cells),
                Row::Sentence(..) | Row::Whole(_) => continue,
            };
            for (have, (text, _)) in natural.iter_mut().zip(cells) {
                *have = (*have).max(before + width(text));
                before = 0;
            }
        }
        let mut widths: Vec<Option<usize>> =
            natural.iter().map(|w| (*w > 0).then_some(*w)).collect();
        while self.least(&widths) > room {
            let stays = self.columns.iter().zip(&widths).enumerate();
            let goes = stays
                .filter(|(_, (c, w))| c.goes > 0 && w.is_some())
                .max_by_key(|(_, (c, _))| c.goes);
            match goes {
                Some((at, _)) => widths[at] = None,
                None => break,
            }
        }
        self.stretch(room, &mut widths);
        Layout { widths }
    }

    fn least(&self, widths: &[Option<usize>]) -> usize {
        let columns = self.columns.iter().zip(widths);
        let needed = columns.filter_map(|(column, width)| {
            width.map(|w| GAP + column.elastic.map_or(w, |least| w.min(least)))
        });
        needed.sum::<usize>().saturating_sub(GAP)
    }

    /// Gives the elastic column what is left, or takes from it what is missing.
    fn stretch(&self, room: usize, widths: &mut [Option<usize>]) {
        let used = widths.iter().flatten().map(|w| w + GAP).sum::<usize>();
        let used = used.saturating_sub(GAP);
        let Some(elastic) = self.columns.iter().position(|c| c.elastic.is_some()) else {
            return;
        };
        let Some(width) = widths[elastic] else {
            return;
        };
        let stretched = if used > room {
            width.saturating_sub(used - room)
        } else {
            width + room.min(STRETCH_TO.max(used)) - used
        };
        widths[elastic] = Some(stretched);
    }

    fn row(&self, room: usize, layout: &Layout, row: &Row) -> Vec<Line<'static>> {
        match row {
            Row::Cells(cells) => vec![self.cells(layout, None, cells)],
            Row::Signed(indent, sign, cells) => {
                vec![self.cells(layout, Some((*indent, *sign)), cells)]
            }
            Row::Sentence(indent, (text, style)) => wrap(text, room.saturating_sub(*indent))
                .into_iter()
                .map(|line| Line::styled(format!("{:indent$}{line}", ""), *style))
                .collect(),
            Row::Whole(line) => vec![line.clone()],
        }
    }

    fn cells(
        &self,
        layout: &Layout,
        mut sign: Option<(usize, Sign)>,
        cells: &[Cell],
    ) -> Line<'static> {
        let mut spans: Vec<Span<'static>> = Vec::with_capacity(cells.len() * 3 + 2);
        for ((column, room), (text, style)) in self.columns.iter().zip(&layout.widths).zip(cells) {
            let Some(room) = *room else { continue };
            let gap = if spans.is_empty() { 0 } else { GAP };
            let mut room = room;
            if let Some((indent, (sign, style))) = sign.take() {
                spans.push(Span::raw(" ".repeat(indent)));
                spans.push(Span::styled(format!("{sign} "), style));
                room = room.saturating_sub(indent + SIGN);
            }
            let text = clip(text, room);
            let pad = room - width(&text);
            let (before, after) = match column.align {
                Align::Left => (0, pad),
                Align::Right => (pad, 0),
            };
            spans.push(Span::raw(" ".repeat(gap + before)));
            spans.push(Span::styled(text, *style));
            spans.push(Span::raw(" ".repeat(after)));
        }
        Line::from(spans)
    }
}

/// Columns between two columns.
const GAP: usize = 2;
/// A sign and the space behind it.
const SIGN: usize = 2;

struct Layout {
    widths: Vec<Option<usize>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([
            words(""),
            words("state").elastic(),
            number("lag").goes(1),
            words("place").goes(2),
        ]);
        let row =
            |cells: [&str; 4]| Row::Cells(cells.map(|c| (c.to_owned(), Style::new())).to_vec());
        table.push(0, row(["✖ pg", "no route to host", "12.4 s", "db-west"]));
        table.push(1, row(["✔ redis", "streaming", "40 ms", "cache"]));
        table.push(
            2,
            Row::Sentence(2, ("nothing more to say".into(), Style::new())),
        );
        table
    }

    fn shown(lines: Vec<Line<'static>>) -> Vec<String> {
        let text = lines.iter().map(ToString::to_string);
        text.map(|l| l.trim_end().to_owned()).collect()
    }

    #[test]
    fn columns_go_by_their_rank_and_numbers_stand_right() {
        assert_eq!(
            shown(table().lines(44, None))[..2],
            [
                "✖ pg     no route to host    12.4 s  db-west",
                "✔ redis  streaming            40 ms  cache"
            ]
        );
        assert_eq!(
            shown(table().lines(28, None))[..2],
            ["✖ pg     no route to host", "✔ redis  streaming"]
        );
        assert_eq!(shown(table().lines(22, None))[0], "✖ pg     no route to …");
    }

    #[test]
    fn rows_go_by_their_rank_and_what_is_missing_is_said() {
        assert_eq!(table().fitted(44, 3).len(), 3);
        assert_eq!(
            shown(table().fitted(44, 2))[1].trim_start(),
            "✔ redis  streaming            40 ms  cache"
        );
        assert_eq!(table().fitted(44, 1).len(), 1);
        let mut many = Table::new([words("")]);
        for name in ["a", "b", "c"] {
            many.push(0, Row::Cells(vec![(name.into(), Style::new())]));
        }
        assert_eq!(shown(many.fitted(9, 2)), ["a", "  +2 more"]);
        assert_eq!(many.fitted(9, 0).len(), 0);
    }
}
