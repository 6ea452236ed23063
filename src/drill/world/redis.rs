//! Redis and its Sentinels: who is master, how many sessions it holds, and the failover that Sentinels do by themselves.

use std::time::Duration;

use super::{Way, World};
use crate::incident::acts::redis::{RedisAct, RedisReplica, RedisRole, RedisSight, SentinelSight};
use crate::incident::clean::Clean;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome, Sight};
use crate::incident::site::{Endpoint, Site};

/// Sessions a master begins with, and how many are added a second.
const SESSIONS: u64 = 48_000;
const NEW_SESSIONS: u64 = 4;

/// Bytes of replication stream a second.
const RATE: u64 = 20_000;

/// A master that is silent this long is down to a Sentinel.
const DOWN_AFTER: Duration = Duration::from_secs(5);

/// When Sentinels promote a replica by themselves, after the master went silent.
const BY_THEMSELVES: Duration = Duration::from_secs(15);

/// A server.
#[derive(Debug, Clone)]
pub(super) struct Cache {
    /// Whom it follows; none: it takes writes.
    pub follows: Option<TargetId>,
    replid: u32,
    /// What it had when it last changed sides, and when that was.
    keys: u64,
    offset: u64,
    since: Duration,
    /// Since when it does not answer.
    pub cut: Option<Duration>,
    saved: Duration,
}

impl Cache {
    pub(super) fn new(id: &TargetId, site: &Site) -> Self {
        Self {
            follows: site.link_to(id).map(|link| link.from.clone()),
            replid: 1,
            keys: SESSIONS,
            offset: 1_000_000,
            since: Duration::ZERO,
            cut: None,
            saved: Duration::ZERO,
        }
    }
}

impl World {
    /// Keys and offset of a server now: a master's grow, a replica's are its master's.
    fn data(&self, id: &TargetId) -> Option<(u64, u64, u32)> {
        let cache = self.caches.get(id)?;
        if let Some(master) = &cache.follows {
            let of = self.caches.get(master)?;
            let until = of.cut.unwrap_or(self.at);
            let (keys, offset) = grown(of, until);
            return Some((keys, offset, of.replid));
        }
        let (keys, offset) = grown(cache, cache.cut.unwrap_or(self.at));
        Some((keys, offset, cache.replid))
    }

    pub(super) fn cache_sight(&self, id: &TargetId) -> Option<Sight> {
        let cache = self.caches.get(id)?;
        let (keys, offset, replid) = self.data(id)?;
        let role = match &cache.follows {
            None => RedisRole::Master {
                offset,
                replicas: self.replicas(id, offset),
            },
            Some(master) => {
                let silent = self.caches.get(master).and_then(|of| of.cut);
                RedisRole::Replica {
                    of: self.address(master),
                    offset,
                    link_up: silent.is_none(),
                    last_io: silent.is_none().then_some(Duration::from_secs(1)),
                    down_for: silent.map(|since| self.at.saturating_sub(since)),
                }
            }
        };
        Some(Sight::Redis(RedisSight {
            version: "7.0.15".into(),
            run_id: format!("{id}"),
            replid: format!("{replid:040}"),
            role,
            keys,
            loading: false,
            last_save: Some(self.wall(cache.saved)),
            saved: true,
        }))
    }

    fn replicas(&self, id: &TargetId, offset: u64) -> Vec<RedisReplica> {
        let following = self
            .caches
            .iter()
            .filter(|(_, other)| other.follows.as_ref() == Some(id) && other.cut.is_none());
        following
            .map(|(replica, _)| RedisReplica {
                addr: self.address(replica),
                state: "online".into(),
                offset,
                last_ack: Duration::from_secs(1),
            })
            .collect()
    }

    fn address(&self, id: &TargetId) -> String {
        let target = self.site.target(id);
        target.map_or_else(|| id.to_string(), |target| target.endpoint.place())
    }

    /// The master as Sentinels give it out: the newest that was made one.
    fn master(&self) -> Option<(&TargetId, &Cache)> {
        let masters = self
            .caches
            .iter()
            .filter(|(_, cache)| cache.follows.is_none());
        masters.max_by_key(|(_, cache)| cache.since)
    }

    pub(super) fn sentinel_sight(&self, id: &TargetId) -> Option<Sight> {
        let nodes = match &self.site.target(id)?.endpoint {
            Endpoint::Sentinel(at) => u32::try_from(at.nodes.len()).unwrap_or(3),
            _ => return None,
        };
        let (master, cache) = self.master()?;
        // One that hangs still answers what Sentinels ask.
        let hangs = self.way(master) == Way::Hung;
        let silent = !hangs && cache.cut.is_some_and(|since| self.at >= since + DOWN_AFTER);
        let flags = match silent {
            true => vec!["master".to_owned(), "s_down".into(), "o_down".into()],
            false => vec!["master".to_owned()],
        };
        let usable = self
            .caches
            .values()
            .filter(|c| c.follows.is_some() && c.cut.is_none());
        let usable = u32::try_from(usable.count()).unwrap_or(0);
        Some(Sight::Sentinel(SentinelSight {
            master: self.address(master),
            master_target: Some(master.clone()),
            flags,
            replicas: u32::try_from(self.caches.len())
                .unwrap_or(1)
                .saturating_sub(1),
            replicas_ok: usable,
            sentinels: nodes,
            answered: nodes,
            quorum: nodes / 2 + 1,
            agreed: true,
            can_fail_over: true,
        }))
    }

    /// Whether a cache that services use takes writes.
    pub(super) fn cache_writes(&self, id: &TargetId) -> Option<bool> {
        let cache = self.caches.get(id)?;
        Some(cache.follows.is_none() && self.way(id) == Way::Open)
    }

    pub(super) fn begin_redis(&self, act: &RedisAct) -> Result<Duration, Outcome> {
        let id = act.target();
        if self.way(id) != Way::Open {
            return Err(refused(act, "connect: it does not answer"));
        }
        match act {
            RedisAct::Failover { .. } => {
                let usable = self
                    .caches
                    .iter()
                    .any(|(_, c)| c.follows.is_some() && c.cut.is_none());
                match usable {
                    true => Ok(Duration::from_secs(8)),
                    false => Err(refused(act, "NOGOODSLAVE No suitable replica to promote")),
                }
            }
            RedisAct::Save { .. } | RedisAct::Bgrewriteaof { .. } => Ok(Duration::from_secs(4)),
            RedisAct::Promote { .. } | RedisAct::Follow { .. } => Ok(Duration::from_secs(1)),
        }
    }

    pub(super) fn finish_redis(&mut self, act: &RedisAct) -> Outcome {
        let said = match act {
            RedisAct::Failover { .. } => {
                let usable = |(_, c): &(&TargetId, &Cache)| c.follows.is_some() && c.cut.is_none();
                let Some(next) = self.caches.iter().find(usable).map(|(id, _)| id.clone()) else {
                    return refused(act, "NOGOODSLAVE No suitable replica to promote");
                };
                self.make_master(&next);
                format!("{next} is the master")
            }
            RedisAct::Promote { target } => {
                self.make_master(target);
                "it takes writes".into()
            }
            RedisAct::Follow { target, of } => {
                if let Some(cache) = self.caches.get_mut(target) {
                    cache.follows = Some(of.clone());
                }
                format!("it follows {of}")
            }
            RedisAct::Save { target } => {
                let at = self.at;
                if let Some(cache) = self.caches.get_mut(target) {
                    cache.saved = at;
                }
                "saved".into()
            }
            RedisAct::Bgrewriteaof { .. } => "rewritten".into(),
        };
        Outcome::Done {
            said: Clean::new(&said),
        }
    }

    /// Makes a replica the master with what it has; the others that answer follow it.
    fn make_master(&mut self, id: &TargetId) {
        let data = self.data(id);
        let at = self.at;
        let newest = self.caches.values().map(|c| c.replid).max().unwrap_or(1);
        if let (Some(cache), Some((keys, offset, _))) = (self.caches.get_mut(id), data) {
            cache.follows = None;
            (cache.keys, cache.offset, cache.since) = (keys, offset, at);
            cache.replid = newest + 1;
        }
        for (other, cache) in &mut self.caches {
            if other != id && cache.cut.is_none() {
                cache.follows = Some(id.clone());
            }
        }
    }

    /// What Sentinels do without being asked: a quarter of a minute after the master went silent a replica takes over.
    pub(super) fn fail_over_by_themselves(&mut self, to: Duration) {
        let watched = self.site.targets.iter().any(|target| {
            matches!(target.endpoint, Endpoint::Sentinel(_)) && self.way(&target.id) == Way::Open
        });
        let master = self.master().filter(|(id, _)| self.way(id) != Way::Hung);
        let silent = master.and_then(|(_, cache)| cache.cut);
        let Some(due) = silent
            .map(|since| since + BY_THEMSELVES)
            .filter(|due| watched && *due <= to)
        else {
            return;
        };
        let usable = |(_, c): &(&TargetId, &Cache)| c.follows.is_some() && c.cut.is_none();
        let next = self.caches.iter().find(usable).map(|(id, _)| id.clone());
        if let Some(next) = next {
            self.at = self.at.max(due);
            self.make_master(&next);
        }
    }
}

impl World {
    /// A cache comes back: Sentinels make it follow whoever became the master meanwhile.
    pub(super) fn cache_back(&mut self, id: &TargetId) {
        let master = self.master().map(|(master, _)| master.clone());
        if let (Some(master), Some(cache)) = (
            master.filter(|master| master != id),
            self.caches.get_mut(id),
        ) {
            cache.follows = Some(master);
        }
    }
}

fn grown(cache: &Cache, until: Duration) -> (u64, u64) {
    let seconds = until.saturating_sub(cache.since).as_secs();
    (
        cache.keys + seconds * NEW_SESSIONS,
        cache.offset + seconds * RATE,
    )
}

fn refused(act: &RedisAct, what: &str) -> Outcome {
    let failure = Failure::new(FailureKind::BadAnswer, act.target(), what, "");
    Outcome::Failed {
        failure,
        exit: None,
    }
}
