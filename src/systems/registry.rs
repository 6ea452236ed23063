//! One value a target: adding a system is its folder, its acts file and one line here.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Shared;
use super::absent::Absent;
use super::alertmanager::Alertmanager;
#[cfg(feature = "kubernetes")]
use super::argocd::Argocd;
#[cfg(feature = "aws")]
use super::aurora::Aurora;
use super::barman::Barman;
#[cfg(feature = "aws")]
use super::cloudwatch::Cloudwatch;
#[cfg(feature = "kubernetes")]
use super::cnpg::Cnpg;
use super::command::Command;
use super::dns::Dns;
use super::docker::Docker;
#[cfg(feature = "aws")]
use super::ecr::Ecr;
#[cfg(feature = "aws")]
use super::ecs::Ecs;
#[cfg(feature = "aws")]
use super::elasticache::Elasticache;
use super::etcd::Etcd;
use super::files::Files;
use super::git::Git;
use super::http::Http;
#[cfg(feature = "kubernetes")]
use super::kubernetes::Kubernetes;
use super::metrics::Metrics;
use super::pgbackrest::Pgbackrest;
use super::pgbouncer::Pgbouncer;
use super::postgres::Postgres;
use super::probe::{Probe, Probed};
use super::prometheus::Prometheus;
#[cfg(feature = "aws")]
use super::rds::Rds;
use super::redis::Redis;
#[cfg(feature = "aws")]
use super::route53::Route53;
#[cfg(feature = "aws")]
use super::s3::S3;
#[cfg(feature = "aws")]
use super::secrets::Secrets;
use super::sentinel::Sentinel;
use super::tcp::Tcp;
use super::tls::Tls;
use super::vault::Vault;
#[cfg(feature = "kubernetes")]
use super::velero::Velero;
#[cfg(feature = "aws")]
use super::wire::aws::Accounts;
use super::wire::http::{self, MaybeClient};
#[cfg(feature = "kubernetes")]
use super::wire::kube::Clusters;
use crate::incident::checks::{CheckEndpoint, StoreEndpoint};
use crate::incident::managed::ManagedEndpoint;
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site, Target};

/// What several systems of a site share: a client of HTTP, accounts and clusters that log in once.
#[derive(Default)]
struct Shares {
    web: OnceCell<MaybeClient>,
    #[cfg(feature = "aws")]
    accounts: Accounts,
    #[cfg(feature = "kubernetes")]
    clusters: Clusters,
}

impl Shares {
    fn web(&self) -> &MaybeClient {
        self.web.get_or_init(http::client)
    }
}

/// Every target of the site as a system. Nothing is connected yet.
pub fn open(site: &Site) -> BTreeMap<TargetId, Shared> {
    let shares = Shares::default();
    let systems = site.targets.iter();
    systems
        .map(|target| (target.id.clone(), system(target, site, &shares)))
        .collect()
}

fn system(target: &Target, site: &Site, shares: &Shares) -> Shared {
    match &target.endpoint {
        Endpoint::Postgres(_) => Arc::new(Postgres::new(target)),
        Endpoint::Redis(at) => Arc::new(Redis::new(target, at, site)),
        Endpoint::Sentinel(at) => Arc::new(Sentinel::new(target, at, site)),
        Endpoint::Http(at) => Arc::new(Http::new(target, at, shares.web())),
        Endpoint::Files(at) => Arc::new(Files::new(target, at, site)),
        Endpoint::Check(at) => check(target, at, shares),
        Endpoint::Store(at) => store(target, at, shares),
        Endpoint::Kube(_) => kubernetes(target, shares),
        Endpoint::Rds(_) | Endpoint::Dns(_) | Endpoint::Secret(_) => aws(target, shares),
        Endpoint::Managed(managed) => match managed {
            ManagedEndpoint::Cnpg { .. }
            | ManagedEndpoint::Velero { .. }
            | ManagedEndpoint::Argocd { .. } => kubernetes(target, shares),
            ManagedEndpoint::Ecs { .. }
            | ManagedEndpoint::Aurora { .. }
            | ManagedEndpoint::Elasticache { .. } => aws(target, shares),
        },
    }
}

#[cfg(feature = "kubernetes")]
fn kubernetes(target: &Target, shares: &Shares) -> Shared {
    let clusters = &shares.clusters;
    match &target.endpoint {
        Endpoint::Kube(at) => Arc::new(Kubernetes::new(target, at, clusters)),
        Endpoint::Managed(ManagedEndpoint::Cnpg { at, cluster }) => {
            Arc::new(Cnpg::new(target, (at, cluster), clusters))
        }
        Endpoint::Managed(ManagedEndpoint::Velero { at, schedule }) => {
            Arc::new(Velero::new(target, (at, schedule.as_deref()), clusters))
        }
        Endpoint::Managed(ManagedEndpoint::Argocd { at, application }) => {
            Arc::new(Argocd::new(target, (at, application), clusters))
        }
        _ => Arc::new(Absent::new(target, "kubernetes")),
    }
}

#[cfg(not(feature = "kubernetes"))]
fn kubernetes(target: &Target, _: &Shares) -> Shared {
    Arc::new(Absent::new(target, "kubernetes"))
}

#[cfg(feature = "aws")]
fn aws(target: &Target, shares: &Shares) -> Shared {
    let accounts = &shares.accounts;
    match &target.endpoint {
        Endpoint::Rds(at) => Arc::new(Rds::new(target, at, accounts)),
        Endpoint::Dns(at) => Arc::new(Route53::new(target, at, accounts)),
        Endpoint::Secret(at) => Arc::new(Secrets::new(target, at, accounts)),
        Endpoint::Managed(ManagedEndpoint::Ecs {
            cluster,
            service,
            account,
        }) => Arc::new(Ecs::new(target, (cluster, service), (account, accounts))),
        Endpoint::Managed(ManagedEndpoint::Aurora { global, account }) => {
            Arc::new(Aurora::new(target, global, (account, accounts)))
        }
        Endpoint::Managed(ManagedEndpoint::Elasticache { group, account }) => {
            Arc::new(Elasticache::new(target, group, (account, accounts)))
        }
        Endpoint::Store(StoreEndpoint::S3 {
            bucket,
            prefix,
            account,
        }) => Arc::new(S3::new(target, (bucket, prefix), (account, accounts))),
        Endpoint::Check(CheckEndpoint::Cloudwatch { prefix, account }) => {
            probed(target, Cloudwatch::new(target, prefix, (account, accounts)))
        }
        Endpoint::Check(CheckEndpoint::Ecr {
            repository,
            tag,
            account,
        }) => probed(
            target,
            Ecr::new(target, (repository, tag), (account, accounts)),
        ),
        _ => Arc::new(Absent::new(target, "aws")),
    }
}

#[cfg(not(feature = "aws"))]
fn aws(target: &Target, _: &Shares) -> Shared {
    Arc::new(Absent::new(target, "aws"))
}

fn check(target: &Target, at: &CheckEndpoint, shares: &Shares) -> Shared {
    match at {
        CheckEndpoint::Cloudwatch { .. } | CheckEndpoint::Ecr { .. } => aws(target, shares),
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
                Prometheus::new(target, (url, query), limits, bearer.clone(), shares.web()),
            )
        }
        CheckEndpoint::Alertmanager {
            url,
            filter,
            bearer,
        } => probed(
            target,
            Alertmanager::new(target, (url, filter), bearer.clone(), shares.web()),
        ),
        CheckEndpoint::Etcd { members } => probed(target, Etcd::new(target, members, shares.web())),
        CheckEndpoint::Vault { url } => probed(target, Vault::new(target, url, shares.web())),
        CheckEndpoint::Docker {
            socket,
            project,
            service,
        } => probed(
            target,
            Docker::new(target, socket, project, service.as_deref()),
        ),
        CheckEndpoint::Pgbouncer(at) => probed(target, Pgbouncer::new(target, at)),
        CheckEndpoint::Command { run } => probed(target, Command::new(target, run)),
    }
}

fn store(target: &Target, at: &StoreEndpoint, shares: &Shares) -> Shared {
    match at {
        StoreEndpoint::S3 { .. } => aws(target, shares),
        StoreEndpoint::Pgbackrest {
            stanza,
            run,
            verify,
        } => probed(target, Pgbackrest::new(target, stanza, run, *verify)),
        StoreEndpoint::Barman { server, run } => probed(target, Barman::new(target, server, run)),
        StoreEndpoint::Git { path, reference } => probed(target, Git::new(target, path, reference)),
        StoreEndpoint::Metrics {
            url,
            metric,
            labels,
        } => probed(
            target,
            Metrics::new(target, (url, metric), labels, shares.web()),
        ),
    }
}

fn probed(target: &Target, probe: impl Probe + 'static) -> Shared {
    Arc::new(Probed::new(target, probe))
}
