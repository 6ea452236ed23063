//! One value a target: adding a system is its folder, its acts file and one line here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
use super::files::Files;
use super::http::Http;
use super::postgres::Postgres;
use super::redis::Redis;
use super::sentinel::Sentinel;
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site};

/// Every target of the site as a system. Nothing is connected yet.
pub fn open(site: &Site) -> BTreeMap<TargetId, Shared> {
    let mut systems = BTreeMap::new();
    for target in &site.targets {
        let system: Shared = match &target.endpoint {
            Endpoint::Postgres(_) => Arc::new(Postgres::new(target)),
            Endpoint::Redis(at) => Arc::new(Redis::new(target, at, site)),
            Endpoint::Sentinel(at) => Arc::new(Sentinel::new(target, at, site)),
            Endpoint::Http(at) => Arc::new(Http::new(target, at)),
            Endpoint::Files(at) => Arc::new(Files::new(target, at, site)),
            // Only simulated sites have these, and nothing of them is opened here.
            Endpoint::Kube(_) | Endpoint::Rds(_) | Endpoint::Dns(_) | Endpoint::Secret(_) => {
                continue;
            }
        };
        systems.insert(target.id.clone(), system);
    }
    systems
}
