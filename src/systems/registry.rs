//! One value a target: adding a system is its folder, its acts file and one line here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
#[cfg(not(all(feature = "aws", feature = "kubernetes")))]
use super::absent::Absent;
use super::alertmanager::Alertmanager;
use super::barman::Barman;
use super::command::Command;
use super::dns::Dns;
use super::docker::Docker;
use super::etcd::Etcd;
use super::files::Files;
use super::git::Git;
use super::http::Http;
#[cfg(feature = "kubernetes")]
use super::kubernetes::{Clusters, Kubernetes};
use super::metrics::Metrics;
use super::pgbackrest::Pgbackrest;
use super::postgres::Postgres;
use super::probe::{Probe, Probed};
use super::prometheus::Prometheus;
#[cfg(feature = "aws")]
use super::rds::Rds;
use super::redis::Redis;
#[cfg(feature = "aws")]
use super::route53::Route53;
#[cfg(feature = "aws")]
use super::secrets::Secrets;
use super::sentinel::Sentinel;
use super::tcp::Tcp;
use super::tls::Tls;
use super::vault::Vault;
#[cfg(feature = "aws")]
use super::wire::aws::Accounts;
use crate::incident::checks::{CheckEndpoint, StoreEndpoint};
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site, Target};

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
            Endpoint::Check(at) => check(target, at),
            Endpoint::Store(at) => store(target, at),
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

fn check(target: &Target, at: &CheckEndpoint) -> Shared {
    match at {
        CheckEndpoint::Tcp { host, port } => probed(target, Tcp::new(target, host, *port)),
        CheckEndpoint::Tls {
            host,
            port,
            watch,
            breach,
        } => probed(target, Tls::new(target, (host, *port), *watch, *breach)),
        CheckEndpoint::Dns {
            name,
            resolvers,
            points_to,
            ttl_under,
        } => probed(
            target,
            Dns::new(target, name, resolvers, points_to, *ttl_under),
        ),
        CheckEndpoint::Prometheus {
            url,
            query,
            watch,
            breach,
            bearer,
        } => {
            let limits = (*watch, *breach);
            probed(
                target,
                Prometheus::new(target, (url, query), limits, bearer.clone()),
            )
        }
        CheckEndpoint::Alertmanager {
            url,
            filter,
            bearer,
        } => probed(
            target,
            Alertmanager::new(target, url, filter, bearer.clone()),
        ),
        CheckEndpoint::Etcd { members } => probed(target, Etcd::new(target, members)),
        CheckEndpoint::Vault { url } => probed(target, Vault::new(target, url)),
        CheckEndpoint::Docker {
            socket,
            project,
            service,
        } => probed(
            target,
            Docker::new(target, socket, project, service.as_deref()),
        ),
        CheckEndpoint::Command { run } => probed(target, Command::new(target, run)),
    }
}

fn store(target: &Target, at: &StoreEndpoint) -> Shared {
    match at {
        StoreEndpoint::Pgbackrest { stanza, run } => {
            probed(target, Pgbackrest::new(target, stanza, run))
        }
        StoreEndpoint::Barman { server, run } => probed(target, Barman::new(target, server, run)),
        StoreEndpoint::Git { path, reference } => probed(target, Git::new(target, path, reference)),
        StoreEndpoint::Metrics {
            url,
            metric,
            labels,
        } => probed(target, Metrics::new(target, url, metric, labels)),
    }
}

fn probed(target: &Target, probe: impl Probe + 'static) -> Shared {
    Arc::new(Probed::new(target, probe))
}
