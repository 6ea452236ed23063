//! How often a target is looked at: at its interval, and ever more rarely once it is down and does not even say so.

use std::time::Duration;

use crate::incident::reading::FailureKind;
use crate::incident::site::Target;

/// The longest pause between two looks at what is down, unless its own interval is longer: who brings it back sees it come
/// back within this.
const LONGEST: Duration = Duration::from_secs(30);

/// From the begin of one look to the begin of the next, after `failures` in a row of which the last was of this kind.
///
/// A server that refuses costs nothing and is asked on. One that keeps everybody waiting, or asks for mercy, is asked half as
/// often after each failure more than it takes to call it down.
pub fn pause(target: &Target, failures: u32, last: Option<FailureKind>) -> Duration {
    let interval = target.interval;
    if !matches!(
        last,
        Some(FailureKind::TimedOut | FailureKind::Unreachable | FailureKind::Busy)
    ) {
        return interval;
    }
    let doubled = failures.saturating_sub(target.failures).min(16);
    interval
        .saturating_mul(1 << doubled)
        .min(LONGEST.max(interval))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::judge::sights::http_target;
    use FailureKind::{Busy, Refused, TimedOut, Unreachable};

    #[test]
    fn only_the_silent_are_asked_more_rarely_and_never_too_rarely() {
        for (interval, failures, last, seconds) in [
            (5, 0, None, 5),
            (5, 3, Some(TimedOut), 5),
            (5, 4, Some(TimedOut), 10),
            (5, 5, Some(Unreachable), 20),
            (5, 6, Some(Busy), 30),
            (5, u32::MAX, Some(TimedOut), 30),
            (5, 99, Some(Refused), 5),
            (60, 99, Some(TimedOut), 60),
        ] {
            let mut target = http_target("web", "east");
            target.interval = Duration::from_secs(interval);
            let pause = pause(&target, failures, last);
            assert_eq!(
                pause,
                Duration::from_secs(seconds),
                "{interval} {failures} {last:?}"
            );
        }
    }
}
