//! What was ordered, watched to its end.

use std::time::Duration;

use super::{Patience, Wrong};
use crate::incident::measure::Span;
use crate::systems::Output;

/// What one look at something that is under way says.
pub enum Look {
    /// It is done; the act's last word.
    Done(String),
    /// It came to an end, and not to the one that was ordered.
    Failed(Wrong),
    /// How it stands. A look that failed is one of these: only the end of patience decides.
    Still(String),
}

/// Looks every so often, with one line of output for each change, until it is done, has failed, or patience is over; then `lost` says
/// what that means.
///
/// # Errors
/// What failed, or what [`Wrong::Lost`] is known after `within`.
pub async fn watched<F: Future<Output = Look>>(
    out: &Output,
    (within, every): (Duration, Duration),
    lost: impl Fn(String) -> Wrong,
    mut look: impl FnMut() -> F,
) -> Result<String, Wrong> {
    let (patience, mut before) = (Patience::new(within, every), String::new());
    loop {
        let now = match look().await {
            Look::Done(said) => return Ok(said),
            Look::Failed(wrong) => return Err(wrong),
            Look::Still(now) => now,
        };
        if now != before {
            out.line(&now);
            before = now;
        }
        if !patience.again().await {
            return Err(lost(format!("{before} after {}", Span(within))));
        }
    }
}
