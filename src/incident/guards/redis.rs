//! Guards of making a Redis replica the master: by its Sentinels, or past them.

#[cfg(test)]
mod tests;

use super::seen::Seen;
use super::{Guard, PromotionFacts, named};
use crate::incident::acts::redis::{RedisRole, RedisSight, SentinelSight};
use crate::incident::asked;
use crate::incident::names::TargetId;
use crate::incident::now::Now;
use crate::incident::reading::{Holds, Reading, Sight, Verdict};

/// The guards of `redis.failover`. `losses` is what each replica the site links to the master would lose: which of them the
/// Sentinels choose is theirs to say, so the worst counts.
pub fn failover(
    (id, reading): (&TargetId, Option<&Reading>),
    losses: Vec<Verdict>,
    now: &Now,
) -> Vec<Guard> {
    let sentinels = Seen::new(id, reading, |sight| match sight {
        Sight::Sentinel(seen) => Some(seen),
        _ => None,
    });
    let agreed = sentinels.judged(|seen| {
        let words = match seen.agreed {
            true => format!("all {} say {}", seen.answered, seen.master),
            false => format!("not all of {} say {}", seen.answered, seen.master),
        };
        Verdict::measured(seen.agreed, words)
    });
    let quorum = sentinels.judged(|seen| {
        let words = format!("{} of {} answer", seen.answered, seen.sentinels);
        Verdict::measured(
            seen.can_fail_over,
            format!("{words}, quorum {}", seen.quorum),
        )
    });
    let usable = sentinels.judged(|seen| {
        let words = format!("{} of {} usable", seen.replicas_ok, seen.replicas);
        Verdict::measured(seen.replicas_ok > 0, words)
    });
    let under_way = sentinels.judged(|seen| {
        let under_way = seen.flags.iter().any(|flag| flag == "failover_in_progress");
        Verdict::measured(
            !under_way,
            format!("the master is {}", seen.flags.join(", ")),
        )
    });
    named([
        ("readings fresh", sentinels.fresh(now)),
        (
            "loss known and under its gate",
            sentinels.judged(|seen| worst(&losses, seen)),
        ),
        ("Sentinels agree", agreed),
        ("quorum", quorum),
        ("a usable replica", usable),
        ("nothing under way", under_way),
    ])
}

fn worst(losses: &[Verdict], seen: &SentinelSight) -> Verdict {
    let red = losses.iter().find(|loss| loss.holds != Holds::Yes);
    let loss = red.or(losses.first()).cloned();
    loss.unwrap_or_else(|| {
        let master = match &seen.master_target {
            Some(target) => format!("no link of the site begins at {target}"),
            None => format!("the master {} is no target of the site", seen.master),
        };
        Verdict::unknown(format!("{master}: what would be lost can't be known"))
    })
}

/// The guards of `redis.promote` (`REPLICAOF NO ONE`). `watchers` are the Sentinels that watch the pair: they would undo it.
pub fn promotion(facts: &PromotionFacts, watchers: &[TargetId]) -> Vec<Guard> {
    let vital = facts.vital();
    let unwatched = match watchers {
        [] => Verdict::measured(true, "no Sentinel of the site watches this pair"),
        [first, ..] => {
            let words = format!("{first} watches this pair and would undo it: use redis.failover");
            Verdict::measured(false, words)
        }
    };
    named([
        ("readings fresh", facts.fresh()),
        ("loss known and under its gate", facts.loss(&vital)),
        (
            "still a replica",
            still_a_replica(&facts.link.to, facts.standby),
        ),
        ("old master fenced", fenced(&facts.link.from, facts.primary)),
        ("no Sentinel watches", unwatched),
        ("no promotion within the hour", facts.settled()),
    ])
}

fn still_a_replica(id: &TargetId, reading: Option<&Reading>) -> Verdict {
    match sight(reading).map(|seen| (seen.loading, &seen.role)) {
        None => Verdict::unknown(format!("{id} was not seen")),
        Some((true, _)) => Verdict::measured(false, format!("{id} is loading its data")),
        Some((_, RedisRole::Master { .. })) => {
            Verdict::measured(false, format!("{id} is a master already"))
        }
        Some((_, RedisRole::Replica { of, .. })) => {
            Verdict::measured(true, format!("{id} follows {of}"))
        }
    }
}

/// Silence proves nothing: a frozen master that thaws takes writes, and they are lost.
fn fenced(id: &TargetId, reading: Option<&Reading>) -> Verdict {
    let Some(reading) = reading else {
        return Verdict::unknown(format!("{id} was not read"));
    };
    match (&reading.value, sight(Some(reading)).map(|seen| &seen.role)) {
        (_, Some(RedisRole::Master { .. })) => {
            Verdict::measured(false, format!("{id} answers and is a master: not fenced"))
        }
        (_, Some(RedisRole::Replica { of, .. })) => {
            Verdict::measured(true, format!("{id} follows {of}"))
        }
        (Ok(_), None) => Verdict::unknown(format!("{id} is no Redis server")),
        (Err(failure), None) => asked::silent(id, failure, reading.host.as_ref()),
    }
}

fn sight(reading: Option<&Reading>) -> Option<&RedisSight> {
    match &reading?.value {
        Ok(Sight::Redis(seen)) => Some(seen),
        _ => None,
    }
}
