//! Every situation that was measured on real servers, replayed second by second: what each column said, and the truth.

use std::time::Duration;

use super::super::acts::postgres::PgRole;
use super::super::acts::redis::RedisRole;
use super::super::judge::Standing;
use super::super::measure::WalBytes;
use super::super::reading::{Holds, Reading, Sight};
use super::rig::{
    KB, P, P0, S, S0, at, busy, caught_up, is, link, ms, primary, redis, run, secs, silent,
    standby, stopped, wall, wrote,
};
use super::{End, Known, LinkHistory, LinkState};

#[test]
fn an_idle_pair_in_sync_has_no_lag_however_long_it_is_idle() {
    // now() - last_xact_replay says 36 s; nothing needs to come from an idle primary for 30 s.
    let to = |t| {
        standby(
            t,
            S {
                commit: Some(-1_000),
                heartbeat: Some(-1_000),
                quiet: Some(t.min(29_000)),
                ..S0
            },
        )
    };
    let from = |t| {
        primary(
            t,
            P {
                heartbeat: Some(-1_000),
                reply: Some(9_900),
                ..P0
            },
        )
    };
    let vital = run(35, from, to);
    is(&vital, LinkState::InSync, Standing::Fine, 0.0, 0.0);
    assert_eq!(
        (vital.bytes, vital.words.as_str()),
        (Some(WalBytes(0)), "in sync")
    );
}

#[test]
fn paused_replay_shows_the_time_since_the_pause() {
    for beats in [true, false] {
        let to = |t: i64| {
            standby(
                t,
                S {
                    paused: t > 3_000,
                    told: 1_000 * KB + wrote(t),
                    ..caught_up(t.min(3_000), beats)
                },
            )
        };
        let vital = run(23, |t| primary(t, busy(t, beats)), to);
        is(&vital, LinkState::Paused, Standing::Watch, 20.0, 1.0);
        assert!(vital.words.starts_with("replay paused"), "{}", vital.words);
    }
}

#[test]
fn a_frozen_receiver_is_cut_off_although_all_it_received_is_replayed() {
    let to = |t: i64| {
        standby(
            t,
            S {
                quiet: Some((t - 3_000).max(0)),
                ..caught_up(t.min(3_000), true)
            },
        )
    };
    // The primary's row is stale: it still says streaming.
    let from = |t: i64| {
        primary(
            t,
            P {
                reply: Some((t - 3_000).max(100)),
                ..busy(t, true)
            },
        )
    };
    let vital = run(28, from, to);
    is(&vital, LinkState::CutOff, Standing::Breach, 25.0, 1.0);
    assert!(vital.bytes > Some(WalBytes(240 * KB)), "{vital:?}");
    assert_eq!(vital.words, "cut off 25.0 s");
    // Before the limit the lag tells it already.
    let vital = run(9, from, to);
    is(&vital, LinkState::Streaming, Standing::Watch, 6.0, 1.0);
}

#[test]
fn a_partition_of_65_s_is_a_partition_of_65_s() {
    let to = |t: i64| {
        standby(
            t,
            S {
                quiet: Some((t - 3_000).max(0)),
                ..caught_up(t.min(3_000), false)
            },
        )
    };
    // The row's reply is old, or the primary gave the connection up.
    for reply in [Some(65_000), None] {
        let from = |t| {
            primary(
                t,
                P {
                    reply,
                    ..busy(t, false)
                },
            )
        };
        let vital = run(68, from, to);
        is(&vital, LinkState::CutOff, Standing::Breach, 65.0, 1.5);
        assert_eq!(vital.words, "cut off 1 m 05 s");
    }
}

#[test]
fn an_idle_link_that_is_cut_is_cut_although_nothing_is_lost() {
    let to = |t| {
        standby(
            t,
            S {
                quiet: Some(t),
                ..S0
            },
        )
    };
    let from = |t| {
        primary(
            t,
            P {
                reply: Some(t),
                ..P0
            },
        )
    };
    let vital = run(20, from, to);
    is(&vital, LinkState::CutOff, Standing::Breach, 0.0, 0.0);
}

#[test]
fn a_capped_link_lags_by_what_the_primary_is_ahead_not_by_what_is_received() {
    // received - replayed is 40 B; the truth is 190 kB and 19 s.
    let to = |t: i64| {
        let mut s = caught_up((t - 19_000).max(0), false);
        s.told = s.replay.unwrap() + 40;
        standby(t, s)
    };
    let vital = run(60, |t| primary(t, busy(t, false)), to);
    is(&vital, LinkState::Streaming, Standing::Watch, 19.0, 1.5);
    assert!(vital.bytes > Some(WalBytes(180 * KB)), "{vital:?}");
}

#[test]
fn one_open_bulk_transaction_is_no_lag() {
    // Nothing was committed for 7 s, and all but 48 bytes is replayed.
    let to = |t: i64| {
        standby(
            t,
            S {
                replay: Some(1_000 * KB + wrote(t) - if t > 0 { 48 } else { 0 }),
                commit: Some((t - 7_000).max(0)),
                ..caught_up(t, false)
            },
        )
    };
    let from = |t: i64| {
        primary(
            t,
            P {
                lsn: 1_000 * KB + wrote(t - 400),
                ..P0
            },
        )
    };
    let vital = run(10, from, to);
    is(&vital, LinkState::Streaming, Standing::Fine, 0.0, 1.1);
    assert_eq!(vital.bytes, Some(WalBytes(48)));
}

#[test]
fn a_silent_primary_leaves_a_last_known_loss_that_does_not_grow_with_time() {
    for beats in [true, false] {
        let from = |t: i64| match t > 10_000 {
            true => silent(t, None),
            false => primary(t, busy(t, beats)),
        };
        let to = |t: i64| {
            standby(
                t,
                S {
                    quiet: Some((t - 10_000).max(0)),
                    ..caught_up(t.min(9_900), beats)
                },
            )
        };
        for seconds in [18, 60] {
            let vital = run(seconds, from, to);
            is(&vital, LinkState::PrimarySilent, Standing::Breach, 1.1, 0.3);
            assert_eq!(vital.loss.known, Known::LastKnown);
            assert!(
                vital.words.starts_with("last known ≤ 1."),
                "{}",
                vital.words
            );
        }
    }
}

#[test]
fn one_missed_probe_is_no_outage() {
    let from = |t: i64| match t > 10_000 {
        true => silent(t, None),
        false => primary(t, busy(t, true)),
    };
    let vital = run(10, from, |t| standby(t, caught_up(t, true)));
    assert_eq!(
        (vital.state, vital.standing),
        (LinkState::PrimarySilent, Standing::Watch)
    );
}

#[test]
fn a_frozen_primary_is_silent_and_the_age_of_its_last_message_says_since_when() {
    // Our probes began after it froze: only the standby knows.
    let to = |t: i64| {
        standby(
            t,
            S {
                quiet: Some(t + 22_000),
                ..caught_up(0, false)
            },
        )
    };
    let to = |t: i64| {
        let mut reading = to(t);
        if let Ok(Sight::Postgres(sight)) = &mut reading.value
            && let PgRole::Standby(standby) = &mut sight.role
        {
            standby.last_commit = Some(wall(-22_000 - 150));
        }
        reading
    };
    let vital = run(5, |t| silent(t, None), to);
    is(
        &vital,
        LinkState::PrimarySilent,
        Standing::Breach,
        1.15,
        0.01,
    );
    assert_eq!(
        vital.bytes,
        Some(WalBytes(0)),
        "the standby has replayed all it was told of"
    );
}

#[test]
fn once_the_stop_is_proven_the_loss_is_frozen_at_its_time() {
    let from = |t: i64| match t {
        0..=10_400 => primary(t, busy(t, true)),
        10_401..=15_000 => silent(t, None),
        _ => silent(t, stopped(10_600)),
    };
    let to = |t: i64| {
        standby(
            t,
            S {
                receiving: t <= 10_600,
                quiet: (t <= 10_600).then_some(100),
                ..caught_up(t.min(10_550), true)
            },
        )
    };
    let early = run(16, from, to);
    let late = run(90, from, to);
    // The last commit that is applied was at 10.55 s.
    is(
        &early,
        LinkState::PrimaryStopped,
        Standing::Breach,
        0.05,
        0.001,
    );
    assert_eq!(early.loss, late.loss);
    assert_eq!(late.loss.known, Known::Frozen);
    assert_eq!(late.words, "stopped, ≤ 50 ms, 0 B");
}

#[test]
fn an_idle_primary_that_dies_loses_at_most_the_time_nobody_looked() {
    let from = |t: i64| match t > 60_000 {
        true => silent(t, stopped(60_700)),
        false => primary(t, P0),
    };
    let to = |t| {
        standby(
            t,
            S {
                commit: Some(-1_000),
                receiving: t < 60_700,
                ..S0
            },
        )
    };
    let vital = run(70, from, to);
    // Not 61 s since the last commit: at 59.4 s the primary had written nothing more.
    is(
        &vital,
        LinkState::PrimaryStopped,
        Standing::Breach,
        1.3,
        0.01,
    );
}

#[test]
fn states_that_are_no_lag_have_names_of_their_own() {
    let table: [(&str, Reading, Reading, LinkState, Standing); 11] = [
        (
            "split brain",
            primary(0, P { timeline: 2, ..P0 }),
            primary(0, P0),
            LinkState::BothWritable,
            Standing::Breach,
        ),
        (
            "timeline",
            primary(0, P0),
            standby(0, S { timeline: 2, ..S0 }),
            LinkState::WrongTimeline,
            Standing::Breach,
        ),
        (
            "system",
            primary(0, P0),
            standby(0, S { system: 8, ..S0 }),
            LinkState::WrongSystem,
            Standing::Breach,
        ),
        (
            "two clusters",
            primary(0, P0),
            primary(0, P { system: 8, ..P0 }),
            LinkState::WrongSystem,
            Standing::Breach,
        ),
        (
            "NULL",
            primary(0, P0),
            standby(0, S { replay: None, ..S0 }),
            LinkState::NoData,
            Standing::Unknown,
        ),
        (
            "no receiver",
            primary(0, P0),
            standby(
                0,
                S {
                    receiving: false,
                    quiet: None,
                    ..S0
                },
            ),
            LinkState::ReceiverStopped,
            Standing::Watch,
        ),
        (
            "not to be seen",
            primary(
                0,
                P {
                    lsn: 2_000 * KB,
                    ..P0
                },
            ),
            standby(0, S { quiet: None, ..S0 }),
            LinkState::Streaming,
            Standing::Unknown,
        ),
        (
            "swapped",
            standby(0, S0),
            primary(0, P0),
            LinkState::Reversed,
            Standing::Watch,
        ),
        (
            "promoted",
            silent(0, None),
            primary(0, P { timeline: 2, ..P0 }),
            LinkState::Promoted,
            Standing::Watch,
        ),
        (
            "two standbys",
            standby(0, S0),
            standby(0, S0),
            LinkState::NoPrimary,
            Standing::Breach,
        ),
        (
            "no standby",
            primary(0, P0),
            silent(0, None),
            LinkState::ReplicaSilent,
            Standing::Unknown,
        ),
    ];
    for (what, from, to, state, standing) in table {
        let vital = run(0, |_| from.clone(), |_| to.clone());
        assert_eq!(
            (vital.state, vital.standing),
            (state, standing),
            "{what}: {vital:?}"
        );
        assert!(vital.words.chars().count() <= 44, "{what}: {}", vital.words);
    }
}

#[test]
fn a_reading_that_is_too_old_or_missing_is_unknown() {
    let (mut history, link) = (LinkHistory::new(Duration::from_secs(1)), link());
    let (from, to) = (primary(0, P0), standby(0, S0));
    history.observe(End::From, &from);
    history.observe(End::To, &to);
    for (from, millis, state) in [
        (Some(&from), 2_900, LinkState::InSync),
        (Some(&from), 3_100, LinkState::NoData),
        (None, 100, LinkState::NoData),
    ] {
        let vital = history.vital(&link, from, Some(&to), &at(millis));
        assert_eq!(vital.state, state, "{vital:?}");
    }
}

#[test]
fn positions_that_nobody_compared_give_a_bound_and_never_zero() {
    // The very first look finds the standby behind: only its last commit says since when, at most.
    let to = |t| {
        standby(
            t,
            S {
                commit: Some(-25_000),
                ..S0
            },
        )
    };
    let vital = run(
        0,
        |t| {
            primary(
                t,
                P {
                    lsn: 1_386 * KB,
                    ..P0
                },
            )
        },
        to,
    );
    assert_eq!(
        (vital.loss.known, vital.bytes),
        (Known::AtMost, Some(WalBytes(386 * KB)))
    );
    is(&vital, LinkState::Streaming, Standing::Watch, 25.0, 0.01);
    let never = run(
        0,
        |t| {
            primary(
                t,
                P {
                    lsn: 1_386 * KB,
                    ..P0
                },
            )
        },
        |t| standby(t, S0),
    );
    assert_eq!((never.lag, never.standing), (None, Standing::Unknown));
    assert_eq!(
        never.judge_lag(&"pg-west".into(), ms(30_000), None).holds,
        Holds::Unknown
    );
}

#[test]
fn verdicts_of_lag_and_loss_differ_once_the_primary_is_gone() {
    let id = "pg-west".into();
    let live = run(
        5,
        |t| primary(t, busy(t, true)),
        |t| standby(t, caught_up(t, true)),
    );
    assert_eq!(
        live.judge_lag(&id, ms(30_000), Some(64_000)).holds,
        Holds::Yes
    );
    assert_eq!(live.judge_loss(&id, ms(30_000), Some(10)).holds, Holds::No);
    let from = |t: i64| match t > 2_000 {
        true => silent(t, stopped(2_500)),
        false => primary(t, busy(t, true)),
    };
    let gone = run(9, from, |t| standby(t, caught_up(t.min(2_400), true)));
    assert_eq!(gone.judge_lag(&id, ms(30_000), None).holds, Holds::Unknown);
    let loss = gone.judge_loss(&id, ms(30_000), None);
    assert_eq!(
        (loss.holds, loss.badness),
        (Holds::Yes, Some(100)),
        "{loss:?}"
    );
}

#[test]
fn redis_is_judged_by_offsets_over_time() {
    let master = |t: i64| {
        let offset = wrote(t);
        redis(
            t,
            "a",
            RedisRole::Master {
                offset,
                replicas: vec![],
            },
        )
    };
    let replica = |t: i64, until: i64, link_up: bool, replid: &str| {
        let role = RedisRole::Replica {
            of: "10.0.0.1:6379".into(),
            offset: wrote(t.min(until)),
            link_up,
            last_io: link_up.then(|| ms(500)),
            down_for: (!link_up).then(|| ms(t - until)),
        };
        redis(t, replid, role)
    };
    let fine = run(20, master, |t| replica(t, 99_000, true, "a"));
    is(&fine, LinkState::Streaming, Standing::Fine, 0.0, 1.0);
    let down = run(20, master, |t| replica(t, 8_000, t <= 8_000, "a"));
    is(
        &down,
        LinkState::ReceiverStopped,
        Standing::Watch,
        12.0,
        1.0,
    );
    let other = run(20, master, |t| replica(t, 99_000, true, "b"));
    assert_eq!(other.state, LinkState::WrongSystem);
    let dead = |t: i64| match t > 10_000 {
        true => silent(t, stopped(10_800)),
        false => master(t),
    };
    let gone = run(20, dead, |t| replica(t, 10_400, t < 10_800, "a"));
    assert_eq!(gone.state, LinkState::PrimaryStopped);
    assert!(secs(&gone).is_some_and(|lag| lag < 2.0), "{gone:?}");
}
