//! Bars over several rows, a column a reading, with one limit drawn across.

use ratatui::text::{Line, Span};

use super::theme::{Role, Theme};

/// A chart of readings, oldest left.
#[derive(Debug)]
pub struct Bars<'a> {
    /// The readings; none where one failed.
    pub history: &'a [Option<u64>],
    /// What fills a bar.
    pub full: u64,
    /// A limit and its words.
    pub mark: (u64, String),
    /// How high it is.
    pub rows: usize,
}

/// Columns of the words beside the bars.
const BESIDE: usize = 12;

impl Bars<'_> {
    /// Its rows, the uppermost first, in at most `room` columns.
    pub fn lines(&self, room: usize, theme: &Theme) -> Vec<Line<'static>> {
        let columns = room.saturating_sub(BESIDE);
        let newest = &self.history[self.history.len().saturating_sub(columns)..];
        // Where there is room each reading takes two or three columns.
        let wide = columns
            .checked_div(newest.len())
            .map_or(1, |n| n.clamp(1, 3));
        let marked = self.row_of(self.mark.0);
        (0..self.rows)
            .rev()
            .map(|row| self.line((newest, wide), row, row == marked, theme))
            .collect()
    }

    fn line(
        &self,
        (newest, wide): (&[Option<u64>], usize),
        row: usize,
        marked: bool,
        theme: &Theme,
    ) -> Line<'static> {
        let words = if marked { self.mark.1.as_str() } else { "" };
        let words = Span::styled(format!("{words:>11} "), theme.style(Role::Dim));
        let mut spans = vec![words];
        let mut bars = String::new();
        let mut before = Role::Spark;
        for value in newest {
            let (sign, role) = self.sign(*value, row, marked);
            if role != before {
                let done = std::mem::take(&mut bars);
                spans.push(Span::styled(done, theme.style(before)));
                before = role;
            }
            bars.extend(std::iter::repeat_n(sign, wide));
        }
        spans.push(Span::styled(bars, theme.style(before)));
        Line::from(spans)
    }

    /// Eighths of a row up to the value.
    fn eighths(&self, value: u64) -> usize {
        let all = self.rows as u128 * 8;
        let eighths = u128::from(value) * all / u128::from(self.full.max(1));
        usize::try_from(eighths.min(all)).unwrap_or(0)
    }

    fn row_of(&self, value: u64) -> usize {
        let row = self.eighths(value).saturating_sub(1) / 8;
        row.min(self.rows.saturating_sub(1))
    }

    /// What stands at `row` of a reading's column: over the limit or failed is told from the rest.
    fn sign(&self, value: Option<u64>, row: usize, marked: bool) -> (char, Role) {
        const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
        let Some(value) = value else {
            return (if row == 0 { '×' } else { ' ' }, Role::Breach);
        };
        // What was measured is seen, however small.
        let height = self.eighths(value).max(1).saturating_sub(row * 8).min(8);
        match height {
            0 if marked => ('┄', Role::Dim),
            0 => (' ', Role::Spark),
            height if value > self.mark.0 => (BARS[height - 1], Role::Breach),
            height => (BARS[height - 1], Role::Spark),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_the_ground_and_the_limit_runs_across() {
        let bars = Bars {
            history: &[Some(0), Some(5), Some(10), None],
            full: 10,
            mark: (10, "gate 10 s".into()),
            rows: 2,
        };
        let lines = bars.lines(19, &Theme::mono());
        let shown: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["  gate 10 s ┄┄█ ", "            ▁██×"]);
    }
}
