//! Rows that are wrong or missing: they travel to every replica, and only a restore heals them, at the cost of what came after.

use std::time::Duration;

use super::World;
use crate::incident::names::TargetId;
use crate::incident::reading::Verdict;

/// What is wrong with a server's rows, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bad {
    pub since: Duration,
    pub missing: bool,
}

impl Bad {
    pub(super) fn words(self) -> &'static str {
        match self.missing {
            true => "rows are missing",
            false => "rows are wrong",
        }
    }
}

impl World {
    /// Rows go bad on a primary, and so on everything that follows it.
    pub(super) fn spoil(&mut self, target: &TargetId, missing: bool) {
        let bad = Bad {
            since: self.at,
            missing,
        };
        let following = self.servers.iter().filter(|(id, server)| {
            *id == target || (server.follows.as_ref() == Some(target) && server.promoted.is_none())
        });
        let ids: Vec<TargetId> = following.map(|(id, _)| id.clone()).collect();
        self.bad.extend(ids.into_iter().map(|id| (id, bad)));
    }

    /// Until when a server was written to: now, or when its writers were stopped.
    pub(super) fn written_until(&self, target: &TargetId) -> Duration {
        self.quiet.get(target).copied().unwrap_or(self.at)
    }

    /// A server has older rows again; `span` of writes is lost by it.
    pub(super) fn restore(&mut self, target: &TargetId, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.restored.span = self.restored.span.max(span);
        self.restored.bytes += millis.saturating_mul(self.rate()) / 1_000;
        self.heal(target);
    }

    /// Missing rows are there again; nothing is lost by it.
    pub(super) fn put_back(&mut self, target: &TargetId) {
        if self.bad.get(target).is_some_and(|bad| bad.missing) {
            self.heal(target);
        }
    }

    /// The rows of a server and of everything that follows it are right.
    fn heal(&mut self, target: &TargetId) {
        let followers = self.servers.iter().filter(|(_, server)| {
            server.follows.as_ref() == Some(target) && server.promoted.is_none()
        });
        let followers: Vec<TargetId> = followers.map(|(id, _)| id.clone()).collect();
        for id in followers.iter().chain([target]) {
            self.bad.remove(id);
        }
    }

    /// Whether the data are whole: one server at a time took writes, and no row in use is wrong or missing.
    pub fn integrity(&self) -> Verdict {
        if !self
            .harms()
            .iter()
            .all(|harm| !harm.words.contains("took writes"))
        {
            return Verdict::measured(false, "two servers have writes that the other has not");
        }
        let in_use = |id: &&TargetId| {
            let server = self.servers.get(*id);
            server.is_some_and(|server| server.takes_writes())
        };
        match self
            .bad
            .keys()
            .find(in_use)
            .and_then(|id| Some((id, self.bad.get(id)?)))
        {
            Some((id, bad)) => Verdict::measured(false, format!("{id}: {}", bad.words())),
            None => Verdict::measured(true, "no row that is in use is wrong or missing"),
        }
    }
}
