//! The checklist.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::theme::Theme;
use crate::console::state::State;

pub(super) fn draw(_: &State, _: &Theme, _: Rect, _: &mut Buffer) {}
