//! PostgreSQL pairs: who writes at which position, who follows how far behind, who was fenced.

use std::time::Duration;

use super::{Way, World};
use crate::incident::acts::postgres::{PgAct, PgPrimary, PgReplica, PgRole, PgSight, PgStandby};
use crate::incident::clean::Clean;
use crate::incident::measure::Lsn;
use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind, Outcome, Sight};
use crate::incident::site::{Endpoint, Site};

/// Where every cluster's log begins.
const FIRST: u64 = 0x1600_0000;

/// Figures of a pair whose wiring gives none.
const WAL_RATE: u64 = 200_000;
const LAG: Duration = Duration::from_millis(200);

/// How long acts take: about what real ones were measured to.
const PROMOTES: Duration = Duration::from_secs(4);
const FENCES: Duration = Duration::from_secs(25);
const QUICK: Duration = Duration::from_secs(1);

/// A server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Whom it follows; none: it was the primary from the beginning.
    pub follows: Option<TargetId>,
    pub timeline: u32,
    /// Since when nothing comes from here any more, nor to here.
    cut: Option<Duration>,
    /// Since when nobody writes to it: it stopped, or its region is lost.
    pub lost: Option<Duration>,
    /// When its host stopped it for good.
    pub fenced: Option<Duration>,
    /// A read-only default: no fence.
    read_only: bool,
    /// How much further than usual it is behind its primary.
    pub behind: Duration,
    /// When it was promoted, and at which position.
    pub promoted: Option<Duration>,
    pub from: u64,
}

impl Server {
    pub(super) fn new(id: &TargetId, site: &Site) -> Self {
        Self {
            follows: site.link_to(id).map(|link| link.from.clone()),
            ..Self::fresh()
        }
    }

    /// A primary that nothing happened to.
    fn fresh() -> Self {
        Self {
            follows: None,
            timeline: 1,
            cut: None,
            lost: None,
            fenced: None,
            read_only: false,
            behind: Duration::ZERO,
            promoted: None,
            from: FIRST,
        }
    }

    pub(super) fn takes_writes(&self) -> bool {
        let primary = self.follows.is_none() || self.promoted.is_some();
        primary && self.fenced.is_none() && !self.read_only
    }

    /// When it stopped, by its host's word: by itself, with its region, or by the fence.
    pub(super) fn stopped_at(&self) -> Option<Duration> {
        let fenced = self.fenced?;
        Some(self.lost.map_or(fenced, |lost| lost.min(fenced)))
    }

    /// Nothing comes from it any more, or comes again.
    pub(super) fn cut(&mut self, at: Duration, cut: bool) {
        self.cut = cut.then(|| self.cut.unwrap_or(at));
    }
}

impl World {
    pub(super) fn rate(&self) -> u64 {
        match self.wiring.wal_rate {
            0 => WAL_RATE,
            rate => rate,
        }
    }

    fn lag(&self) -> Duration {
        match self.wiring.usual_lag.is_zero() {
            true => LAG,
            false => self.wiring.usual_lag,
        }
    }

    /// How far a writer has come by then.
    pub(super) fn written(&self, server: &Server, at: Duration) -> u64 {
        let since = at.saturating_sub(server.promoted.unwrap_or_default());
        let last = [server.fenced, server.lost].into_iter().flatten().min();
        let until = last
            .unwrap_or(at)
            .saturating_sub(server.promoted.unwrap_or_default());
        let millis = u64::try_from(since.min(until).as_millis()).unwrap_or(u64::MAX);
        server.from + millis.saturating_mul(self.rate()) / 1_000
    }

    /// The instant up to which a standby has everything of its primary.
    fn received(&self, primary: &Server, behind: Duration) -> Duration {
        let last = [primary.cut, primary.fenced].into_iter().flatten().min();
        last.unwrap_or(self.at)
            .min(self.at)
            .saturating_sub(self.lag() + behind)
    }

    pub(super) fn server_sight(&self, id: &TargetId) -> Option<Sight> {
        let server = self.servers.get(id)?;
        let primary = server.follows.as_ref().and_then(|id| self.servers.get(id));
        let following = primary.filter(|_| server.promoted.is_none());
        let heartbeat = match &self.site.target(id)?.endpoint {
            Endpoint::Postgres(endpoint) => endpoint.heartbeat.is_some(),
            _ => false,
        };
        let behind = server.behind;
        let beat = following.map_or(self.at, |primary| self.received(primary, behind));
        Some(Sight::Postgres(PgSight {
            system_id: 7_301_554_281_970_211,
            timeline: server.timeline,
            version: 150_018,
            clock: self.wall(self.at),
            default_read_only: server.read_only,
            heartbeat: heartbeat.then(|| self.wall(beat)),
            role: match following {
                Some(primary) => PgRole::Standby(self.standby(primary, behind)),
                None => PgRole::Primary(self.primary(id, server)),
            },
        }))
    }

    fn primary(&self, id: &TargetId, server: &Server) -> PgPrimary {
        let links = self.site.links.iter().filter(|link| link.from == *id);
        let streaming = links.filter(|link| {
            let to = self.servers.get(&link.to);
            to.is_some_and(|to| to.promoted.is_none() && to.cut.is_none())
        });
        let replicas = streaming.map(|link| PgReplica {
            name: link.to.to_string(),
            state: "streaming".into(),
            replay: Some(Lsn(
                self.written(server, self.received(server, Duration::ZERO))
            )),
            reply_age: Some(Duration::from_millis(100)),
        });
        PgPrimary {
            lsn: Lsn(self.written(server, self.at)),
            replicas: replicas.collect(),
            backup_running: false,
            archived_at: Some(self.wall(self.at.saturating_sub(Duration::from_secs(40)))),
            archive_failing: false,
        }
    }

    fn standby(&self, primary: &Server, behind: Duration) -> PgStandby {
        let upto = self.received(primary, behind);
        let position = Some(Lsn(self.written(primary, upto)));
        let silent = [primary.cut, primary.fenced].into_iter().flatten().min();
        PgStandby {
            receive: position,
            replay: position,
            replay_paused: false,
            last_commit: Some(self.wall(upto)),
            receiving: silent.is_none(),
            last_message_age: Some(match silent {
                Some(since) => self.at.saturating_sub(since),
                None => Duration::from_millis(100),
            }),
            told: position,
        }
    }

    /// A server is rebuilt as a standby of another: its own writes are gone, and so is its fence.
    pub(super) fn rejoin(&mut self, target: &TargetId, of: &TargetId) {
        let own = self
            .servers
            .get(target)
            .map_or(0, |old| self.written(old, self.at));
        let kept = self.servers.get(of).map_or(own, |new| new.from);
        self.restored.bytes += own.saturating_sub(kept);
        let millis = own.saturating_sub(kept).saturating_mul(1_000) / self.rate().max(1);
        self.restored.span = self.restored.span.max(Duration::from_millis(millis));
        let primary = self.servers.get(of);
        let (timeline, bad) = (primary.map_or(1, |p| p.timeline), self.bad.get(of).copied());
        if let Some(server) = self.servers.get_mut(target) {
            *server = Server {
                follows: Some(of.clone()),
                timeline,
                ..Server::fresh()
            };
        }
        self.ways.remove(target);
        match bad {
            Some(bad) => self.bad.insert(target.clone(), bad),
            None => self.bad.remove(target),
        };
    }

    pub(super) fn begin_postgres(&self, act: &PgAct) -> Result<Duration, Outcome> {
        let id = act.target();
        let Some(server) = self.servers.get(id) else {
            return Err(refused(act, "it is no PostgreSQL server of this site"));
        };
        let fencing = matches!(act, PgAct::Fence { .. } | PgAct::Unfence { .. });
        if !fencing && self.way(id) != Way::Open {
            return Err(refused(act, "connect: it does not answer"));
        }
        match act {
            PgAct::Promote { .. } if server.follows.is_none() || server.promoted.is_some() => {
                Err(refused(act, "it is a primary already"))
            }
            PgAct::Promote { .. } => Ok(PROMOTES),
            PgAct::Fence { .. } => Ok(FENCES),
            _ => Ok(QUICK),
        }
    }

    pub(super) fn finish_postgres(&mut self, act: &PgAct) -> Outcome {
        let (at, id) = (self.at, act.target().clone());
        let hard = self
            .site
            .target(&id)
            .is_some_and(|target| target.fence.is_some());
        let primary = self.servers.get(&id).and_then(|s| s.follows.clone());
        let primary = primary.and_then(|id| self.servers.get(&id)).cloned();
        let behind = self.servers.get(&id).map_or(Duration::ZERO, |s| s.behind);
        let position = primary.map(|p| self.written(&p, self.received(&p, behind)));
        let Some(server) = self.servers.get_mut(&id) else {
            return refused(act, "it is no PostgreSQL server of this site");
        };
        let said = match act {
            PgAct::Promote { .. } => {
                server.promoted = Some(at);
                server.timeline += 1;
                server.from = position.unwrap_or(server.from);
                format!("timeline {}", server.timeline)
            }
            PgAct::Fence { .. } if hard => {
                server.fenced = Some(at);
                "stopped by its host, and disabled".into()
            }
            PgAct::Fence { .. } => {
                server.read_only = true;
                "read-only by default: a soft fence, which does not hold".into()
            }
            PgAct::Unfence { .. } => {
                (server.fenced, server.read_only) = (None, false);
                "it may start and write again".into()
            }
            PgAct::RevokeWrites { .. } => {
                self.quiet.insert(id.clone(), at);
                "its writers are out".into()
            }
            PgAct::GrantWrites { .. } => {
                self.quiet.remove(&id);
                "its writers are in".into()
            }
            _ => "done".into(),
        };
        Outcome::Done {
            said: Clean::new(&said),
        }
    }
}

/// What a refused or impossible act says.
fn refused(act: &PgAct, what: &str) -> Outcome {
    let failure = Failure::new(FailureKind::BadAnswer, act.target(), what, "");
    Outcome::Failed {
        failure,
        exit: None,
    }
}
