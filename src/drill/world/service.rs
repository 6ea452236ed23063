//! HTTP services: healthy while what they need takes writes and can be reached from where they stand.

use std::time::Duration;

use super::{Way, World};
use crate::incident::acts::http::HttpSight;
use crate::incident::clean::Clean;
use crate::incident::names::TargetId;
use crate::incident::site::HttpEndpoint;

impl World {
    pub(super) fn service_sight(&self, id: &TargetId, endpoint: &HttpEndpoint) -> HttpSight {
        let healthy = self
            .lies
            .get(id)
            .copied()
            .unwrap_or_else(|| self.serves(id));
        let well = endpoint.equals.as_deref().unwrap_or("ok");
        let field = endpoint.field.as_ref();
        HttpSight {
            status: if healthy { endpoint.status } else { 503 },
            field: field.map(|_| Clean::new(if healthy { well } else { "degraded" })),
            healthy,
            took: Duration::from_millis(if healthy { 45 } else { 1_200 }),
        }
    }

    /// Each group of what it needs has a member that works: a database that takes writes, or anything that answers.
    fn serves(&self, id: &TargetId) -> bool {
        let service = self.wiring.services.iter().find(|s| s.target == *id);
        let works = |id: &TargetId| {
            let writes = self.servers.get(id).map(super::Server::takes_writes);
            self.way(id) == Way::Open && writes.unwrap_or(true)
        };
        service.is_none_or(|s| s.needs.iter().all(|group| group.iter().any(works)))
    }
}
