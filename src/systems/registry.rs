//! One value a target: adding a system is its folder, its acts file and one line here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
#[cfg(not(all(feature = "aws", feature = "kubernetes")))]
use super::absent::Absent;
use super::files::Files;
use super::http::Http;
#[cfg(feature = "kubernetes")]
use super::kubernetes::{Clusters, Kubernetes};
use super::postgres::Postgres;
#[cfg(feature = "aws")]
use super::rds::Rds;
use super::redis::Redis;
#[cfg(feature = "aws")]
use super::route53::Route53;
#[cfg(feature = "aws")]
use super::secrets::Secrets;
use super::sentinel::Sentinel;
#[cfg(feature = "aws")]
use super::wire::aws::Accounts;
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site};

/// Every target of the site as a system. Nothing is connected yet.
pub fn open(site: &Site) -> BTreeMap<TargetId, Shared> {
    #[cfg(feature = "aws")]
    let accounts = Accounts::default();
    #[cfg(feature = "kubernetes")]
    let clusters = Clusters::default();
    let mut systems = BTreeMap::new();
    for target in &site.targets {
        let system: Shared = match &target.endpoint {
            Endpoint::Postgres(_) => Arc::new(Postgres::new(target)),
            Endpoint::Redis(at) => Arc::new(Redis::new(target, at, site)),
            Endpoint::Sentinel(at) => Arc::new(Sentinel::new(target, at, site)),
            Endpoint::Http(at) => Arc::new(Http::new(target, at)),
            Endpoint::Files(at) => Arc::new(Files::new(target, at, site)),
            #[cfg(feature = "kubernetes")]
            Endpoint::Kube(at) => Arc::new(Kubernetes::new(target, at, &clusters)),
            #[cfg(feature = "aws")]
            Endpoint::Rds(at) => Arc::new(Rds::new(target, at, &accounts)),
            #[cfg(feature = "aws")]
            Endpoint::Dns(at) => Arc::new(Route53::new(target, at, &accounts)),
            #[cfg(feature = "aws")]
            Endpoint::Secret(at) => Arc::new(Secrets::new(target, at, &accounts)),
            #[cfg(not(feature = "kubernetes"))]
            Endpoint::Kube(_) => Arc::new(Absent::new(target, "kubernetes")),
            #[cfg(not(feature = "aws"))]
            Endpoint::Rds(_) | Endpoint::Dns(_) | Endpoint::Secret(_) => {
                Arc::new(Absent::new(target, "aws"))
            }
        };
        systems.insert(target.id.clone(), system);
    }
    systems
}
