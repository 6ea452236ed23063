//! How things really are, in words: what a facilitator sees and the participants do not.

use super::{Way, World};
use crate::incident::site::Target;

impl World {
    /// A line each target, in the site's order.
    pub fn truth(&self) -> Vec<String> {
        self.site.targets.iter().map(|t| self.truth_of(t)).collect()
    }

    fn truth_of(&self, target: &Target) -> String {
        let mut parts = Vec::new();
        if let Some(server) = self.servers.get(&target.id) {
            let primary = server.follows.is_none() || server.promoted.is_some();
            let role = if primary { "primary" } else { "standby" };
            parts.push(format!("{role} on timeline {}", server.timeline));
            if server.lost.is_some() && self.way(&target.id) == Way::CutOff {
                parts.push("its region is lost".into());
            }
            if server.fenced.is_some() {
                parts.push("fenced".into());
            }
            if self.writes(&target.id, server) {
                parts.push("takes writes".into());
            }
        }
        if let Some(bad) = self.bad.get(&target.id) {
            parts.push(bad.words().into());
        }
        if let Some(cache) = self.caches.get(&target.id) {
            parts.push(match &cache.follows {
                Some(master) => format!("replica of {master}"),
                None => "master".into(),
            });
        }
        if let Some(workload) = self.workloads.get(&target.id) {
            let seen = workload.sight(self);
            parts.push(format!(
                "{}/{} ready, revision {}",
                seen.ready, seen.desired, seen.revision
            ));
        }
        if let Some(record) = self.records.get(&target.id) {
            parts.push(record.sight(self.at).weights);
        }
        if let Some(secret) = self.secrets.get(&target.id) {
            parts.push(format!("version {}", secret.version));
            if secret.exposed() {
                parts.push("strangers use it".into());
            }
        }
        parts.push(
            match self.way(&target.id) {
                Way::Open => "answers",
                Way::Stopped => "stopped",
                Way::Hung => "hangs",
                Way::CutOff => "cut off",
            }
            .into(),
        );
        if let Some(healthy) = self.lies.get(&target.id) {
            let said = if *healthy { "healthy" } else { "unhealthy" };
            parts.push(format!("its probe lies: {said}"));
        }
        format!("{}: {}", target.id, parts.join(", "))
    }
}
