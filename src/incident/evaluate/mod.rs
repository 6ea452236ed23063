//! Conditions judged from what was already seen: free to ask, and the same on a site that is not there. What needs a
//! question of its own (`fenced`, `loss`, `row_counts`, `sum`) is left to the systems.
//!
//! Unknown is never yes: what was not seen, failed, or is older than [`FRESH`] is unknown.

mod cloud;
mod lag;
mod simple;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use super::acts::Condition;
use super::acts::files::FilesSight;
use super::acts::http::HttpSight;
use super::acts::postgres::{PgCondition, PgSight};
use super::acts::redis::{RedisCondition, RedisSight, SentinelSight};
use super::acts::secrets::SecretCondition;
use super::judge::{kept, stale_after};
use super::measure::Span;
use super::names::TargetId;
use super::now::Now;
use super::reading::{Reading, Sight, Verdict};
use super::site::{Endpoint, HttpEndpoint, Site, Target};

pub use self::simple::{backup, healthy, keys, master_is, reachable, role};

/// How old a reading may be that decides about a step. A folder of backups and the components of a region may be as old
/// as their own intervals allow: nothing in them changes within seconds.
pub const FRESH: Duration = Duration::from_secs(10);

/// Judges a condition from the last reading of each target; `rto_left` is what is left of the incident's recovery time.
/// None: it needs more than sights, and is to be asked of the target's system.
pub fn from_sights(
    condition: &Condition,
    sights: &BTreeMap<TargetId, Reading>,
    site: &Site,
    rto_left: Option<Duration>,
    now: &Now,
) -> Option<Verdict> {
    let seen = Seen { sights, site, now };
    match condition {
        Condition::Reachable { target } => Some(seen.reachable(target)),
        Condition::Lag {
            of,
            under,
            under_bytes,
        } => Some(either(lag::lag(&seen, of, *under, *under_bytes))),
        Condition::Postgres(condition) => seen.postgres_condition(condition),
        Condition::Redis(condition) => seen.redis_condition(condition),
        Condition::Kube(condition) => Some(either(seen.kube(condition))),
        Condition::Rds(condition) => Some(either(seen.rds(condition))),
        Condition::Dns(condition) => Some(either(seen.dns(condition))),
        Condition::Secret(condition) => Some(either(seen.secret(condition))),
        Condition::Healthy { target } => Some(either(seen.healthy(target))),
        Condition::Value(value) => Some(either(seen.value(value))),
        Condition::PrimaryIs(primary) => Some(either(seen.primary_is(primary))),
        Condition::Backup {
            of,
            younger,
            verified,
        } => Some(either(seen.backup(of, *younger, *verified))),
        Condition::Region { healthy } => Some(seen.region(healthy)),
        Condition::Objective { rto_left: least } => Some(simple::objective(*least, rto_left)),
        Condition::Sum { .. } => None,
    }
}

/// The targets whose readings a condition is judged by, so that they can be looked at first.
pub fn targets_of(condition: &Condition, site: &Site) -> Vec<TargetId> {
    let both = |replica: &TargetId| {
        let primary = site.link_to(replica).map(|link| link.from.clone());
        [replica.clone()].into_iter().chain(primary).collect()
    };
    match condition {
        Condition::Reachable { target } | Condition::Healthy { target } => vec![target.clone()],
        Condition::Lag { of, .. } | Condition::Postgres(PgCondition::Loss { of, .. }) => both(of),
        Condition::Postgres(
            PgCondition::Writable { target }
            | PgCondition::ReadOnly { target }
            | PgCondition::Fenced { target }
            | PgCondition::RowCounts { of: target, .. },
        ) => vec![target.clone()],
        Condition::Postgres(PgCondition::SameTimeline { targets }) => targets.clone(),
        Condition::Value(value) => vec![value.of.clone()],
        Condition::PrimaryIs(primary) => vec![primary.of.clone()],
        Condition::Kube(condition) => vec![condition.of().clone()],
        Condition::Rds(condition) => vec![condition.of().clone()],
        Condition::Dns(condition) => vec![condition.of().clone()],
        Condition::Secret(SecretCondition::ConsumersCurrent { target }) => {
            let secret = site.target(target).into_iter();
            let consumers = secret.flat_map(cloud::consumers).cloned();
            [target.clone()].into_iter().chain(consumers).collect()
        }
        Condition::Secret(condition) => vec![condition.of().clone()],
        Condition::Redis(
            RedisCondition::Role { of, .. }
            | RedisCondition::Keys { of, .. }
            | RedisCondition::MasterIs { of, .. },
        ) => vec![of.clone()],
        Condition::Backup { of, .. } => {
            let rule = site.backups.iter().find(|rule| &rule.id == of);
            rule.and_then(|rule| rule.of.clone()).into_iter().collect()
        }
        Condition::Region { healthy } => {
            let parts = site
                .targets
                .iter()
                .filter(|t| t.region.as_ref() == Some(healthy));
            parts.map(|target| target.id.clone()).collect()
        }
        Condition::Objective { .. } | Condition::Sum { .. } => vec![],
    }
}

/// What was seen, of what site, judged when.
struct Seen<'a> {
    sights: &'a BTreeMap<TargetId, Reading>,
    site: &'a Site,
    now: &'a Now,
}

/// A verdict either way: judged, or unknown for a reason met on the way.
fn either(result: Result<Verdict, Verdict>) -> Verdict {
    result.unwrap_or_else(|unknown| unknown)
}

impl<'a> Seen<'a> {
    fn target(&self, id: &TargetId) -> Result<&'a Target, Verdict> {
        let target = self.site.target(id);
        target.ok_or_else(|| Verdict::unknown(format!("{id} is no target of this site")))
    }

    /// The target's reading, no older than `limit`.
    fn reading(&self, id: &TargetId, limit: Duration) -> Result<&'a Reading, Verdict> {
        self.target(id)?;
        let Some(reading) = self.sights.get(id) else {
            return Err(Verdict::unknown(format!("{id} was not looked at yet")));
        };
        let age = self.now.since(&reading.at);
        match age > limit {
            true => Err(Verdict::unknown(format!(
                "{id} was last looked at {} ago",
                Span(age)
            ))),
            false => Ok(reading),
        }
    }

    /// What the target showed, no longer than `limit` ago.
    fn sight(&self, id: &TargetId, limit: Duration) -> Result<&'a Sight, Verdict> {
        let reading = self.reading(id, limit)?;
        let seen = reading.value.as_ref();
        seen.map_err(|failure| Verdict::unknown(format!("{id}: {}", failure.what)))
    }

    fn postgres(&self, id: &TargetId) -> Result<&'a PgSight, Verdict> {
        match self.sight(id, FRESH)? {
            Sight::Postgres(sight) => Ok(sight),
            _ => Err(other_system(id, "PostgreSQL server")),
        }
    }

    fn redis(&self, id: &TargetId) -> Result<&'a RedisSight, Verdict> {
        match self.sight(id, FRESH)? {
            Sight::Redis(sight) => Ok(sight),
            _ => Err(other_system(id, "Redis server")),
        }
    }

    fn sentinel(&self, id: &TargetId) -> Result<&'a SentinelSight, Verdict> {
        match self.sight(id, FRESH)? {
            Sight::Sentinel(sight) => Ok(sight),
            _ => Err(other_system(id, "master watched by Sentinels")),
        }
    }

    fn http(&self, id: &TargetId) -> Result<(&'a HttpEndpoint, &'a HttpSight), Verdict> {
        match (&self.target(id)?.endpoint, self.sight(id, FRESH)?) {
            (Endpoint::Http(endpoint), Sight::Http(sight)) => Ok((endpoint, sight)),
            _ => Err(other_system(id, "HTTP endpoint")),
        }
    }

    fn backups(&self, id: &TargetId) -> Result<Cow<'a, FilesSight>, Verdict> {
        let sight = self.sight(id, stale_after(self.target(id)?).max(FRESH))?;
        kept(sight).ok_or_else(|| other_system(id, "keeper of backups"))
    }
}

fn other_system(id: &TargetId, what: &str) -> Verdict {
    Verdict::unknown(format!("{id} is no {what}"))
}
