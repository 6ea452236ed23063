//! A primary that handed over: it follows now, and so does the other one.

use super::super::measure::Lag;
use super::rig::{KB, P0, S, S0, ms, primary, run, standby};
use super::{Known, LinkState};

#[test]
fn a_demoted_primary_proves_that_nothing_is_lost_once_the_other_has_all_it_wrote() {
    let all = P0.lsn;
    for (what, own, other, timeline, nothing) in [
        ("all of it", all + KB, all + KB, 1, true),
        ("a part of it", all + KB, all, 1, false),
        ("made anew from a copy", all - KB, all - KB, 1, false),
        ("it follows somebody else", all + KB, all + KB, 2, false),
    ] {
        let replica = |replay, timeline| S {
            replay: Some(replay),
            timeline,
            ..S0
        };
        let from = |t: i64| match t < 2_000 {
            true => primary(t, P0),
            false => standby(t, replica(own, timeline)),
        };
        let vital = run(4, from, |t| standby(t, replica(other, 1)));
        assert_eq!(vital.state, LinkState::NoPrimary, "{what}");
        let found = (vital.loss.lag, vital.loss.known);
        let wanted = match nothing {
            true => (Some(Lag(ms(0))), Known::Frozen),
            false => (None, Known::Unknown),
        };
        assert_eq!(found, wanted, "{what}");
        // It is no lag: nobody is ahead.
        let lag = vital.judge_lag(&"pg-west".into(), ms(1_000), None);
        assert!(lag.saw.as_str().contains("unknown"), "{what}: {}", lag.saw);
    }
}
