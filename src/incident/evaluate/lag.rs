//! `lag`: how far a replica is behind, never less than the truth. The queries everybody uses lie (an idle primary looks
//! like lag, a cut link looks like none), so time counts only as an upper bound, and none is left when both ends stand at
//! the same position.

use std::time::Duration;

use super::{FRESH, Seen};
use crate::incident::acts::postgres::{PgPrimary, PgRole, PgSight, PgStandby};
use crate::incident::acts::redis::{RedisRole, RedisSight};
use crate::incident::measure::{Lag, Limit, WalBytes};
use crate::incident::names::TargetId;
use crate::incident::reading::{Reading, Sight, Verdict};

/// A replica acknowledges once a second, so its master's word may be that old (Redis, `replicationCron`).
const REDIS_ACK: Duration = Duration::from_secs(1);

/// How far a replica is behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Behind {
    /// At most this long; none when nothing bounds it.
    time: Option<Duration>,
    /// This many bytes; none while the primary does not tell its position.
    bytes: Option<WalBytes>,
    /// The bound still grows by the clock alone: the primary is silent and its stop is not proven.
    grows: bool,
}

/// Judges `lag`; the primary is the other end of the link that ends at `of`.
pub fn lag(
    seen: &Seen<'_>,
    of: &TargetId,
    under: Duration,
    under_bytes: Option<u64>,
) -> Result<Verdict, Verdict> {
    let no_link = || Verdict::unknown(format!("no link of the site ends at {of}"));
    let from = &seen.site.link_to(of).ok_or_else(no_link)?.from;
    let behind = match seen.sight(of, FRESH)? {
        Sight::Postgres(replica) => of_postgres(seen, (from, of), replica)?,
        Sight::Redis(replica) => of_redis(seen, (from, of), replica)?,
        _ => return Err(Verdict::unknown(format!("{of} is no replica"))),
    };
    Ok(judged((from, of), behind, under, under_bytes))
}

fn judged(
    (from, of): (&TargetId, &TargetId),
    behind: Behind,
    under: Duration,
    under_bytes: Option<u64>,
) -> Verdict {
    let Some(time) = behind.time else {
        return Verdict::unknown(format!("lag of {of}: it has replayed no commit yet"));
    };
    let (lag, limit) = (Lag(time), Limit(under));
    let badness = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let in_time = time < under;
    let sign = if in_time { '<' } else { '≥' };
    let words = format!("lag of {of} {lag} {sign} {limit}");
    let (in_bytes, words) = match (under_bytes, behind.bytes) {
        (None, _) => (true, words),
        (Some(most), Some(bytes)) => {
            let ok = bytes.0 < most;
            let sign = if ok { '<' } else { '≥' };
            (ok, format!("{words}, {bytes} {sign} {}", WalBytes(most)))
        }
        (Some(_), None) => {
            return Verdict::unknown(format!("{words}, bytes unknown: {from} is silent"));
        }
    };
    if !in_time && behind.grows {
        // An upper bound that a silent primary drives up proves nothing.
        let saw = format!("lag of {of} at most {lag}, {from} is silent; limit {limit}");
        return Verdict::unknown(saw).with_badness(badness);
    }
    Verdict::measured(in_time && in_bytes, words).with_badness(badness)
}

fn of_postgres(
    seen: &Seen<'_>,
    (from, of): (&TargetId, &TargetId),
    replica: &PgSight,
) -> Result<Behind, Verdict> {
    let standby = match &replica.role {
        PgRole::Standby(standby) => standby,
        PgRole::Primary(_) => return Err(Verdict::unknown(format!("{of} is a primary"))),
    };
    let reading = seen.reading(from, FRESH).ok();
    let Some(Ok(Sight::Postgres(other))) = reading.map(|reading| &reading.value) else {
        return Ok(behind_silent_primary(replica, standby, reading));
    };
    let primary = match &other.role {
        PgRole::Primary(primary) => primary,
        PgRole::Standby(_) => return Err(Verdict::unknown(format!("{from} is a standby too"))),
    };
    if (other.system_id, other.timeline) != (replica.system_id, replica.timeline) {
        return Err(Verdict::unknown(format!(
            "{from} and {of} are not on one timeline"
        )));
    }
    behind_primary(primary, replica, standby)
        .ok_or_else(|| Verdict::unknown(format!("lag of {of}: it tells no position")))
}

/// The primary's position against the replayed one. The standby may have been told of a later one since.
fn behind_primary(primary: &PgPrimary, replica: &PgSight, standby: &PgStandby) -> Option<Behind> {
    let replay = standby.replay?;
    let position = standby
        .told
        .map_or(primary.lsn, |told| told.max(primary.lsn));
    let bytes = position.ahead_of(replay);
    let time = match bytes {
        WalBytes(0) => Some(Duration::ZERO),
        _ => since_commit(standby, replica.clock),
    };
    Some(Behind {
        time,
        bytes: Some(bytes),
        grows: false,
    })
}

/// Without the primary's word only time bounds what it had more: until its host says when it stopped, else until now.
fn behind_silent_primary(
    replica: &PgSight,
    standby: &PgStandby,
    primary: Option<&Reading>,
) -> Behind {
    let proof = primary
        .and_then(|reading| reading.host.as_ref())
        .filter(|host| host.fenced);
    let stopped = proof.and_then(|host| host.stopped_at);
    Behind {
        time: since_commit(standby, stopped.unwrap_or(replica.clock)),
        bytes: None,
        grows: stopped.is_none(),
    }
}

/// From the last replayed commit until `end`: whatever else was committed by then came after it.
fn since_commit(standby: &PgStandby, end: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let commit = standby.last_commit?;
    Some((end - commit).to_std().unwrap_or_default())
}

fn of_redis(
    seen: &Seen<'_>,
    (from, of): (&TargetId, &TargetId),
    replica: &RedisSight,
) -> Result<Behind, Verdict> {
    let RedisRole::Replica {
        offset,
        link_up,
        last_io,
        down_for,
        ..
    } = &replica.role
    else {
        return Err(Verdict::unknown(format!("{of} is a master")));
    };
    // With its link down it may miss whatever came since it last heard of its master.
    let heard = if *link_up { *last_io } else { *down_for };
    let bound = heard.map(|ago| ago + REDIS_ACK);
    let master = match seen.redis(from) {
        Ok(master) => master,
        Err(_) => {
            return Ok(Behind {
                time: bound,
                bytes: None,
                grows: true,
            });
        }
    };
    let RedisRole::Master {
        offset: position, ..
    } = &master.role
    else {
        return Err(Verdict::unknown(format!("{from} is a replica too")));
    };
    if master.replid != replica.replid {
        return Err(Verdict::unknown(format!(
            "{of} does not follow the history of {from}"
        )));
    }
    let bytes = WalBytes(position.saturating_sub(*offset));
    let time = match bytes {
        WalBytes(0) if *link_up => Some(Duration::ZERO),
        _ => bound,
    };
    Ok(Behind {
        time,
        bytes: Some(bytes),
        grows: false,
    })
}
