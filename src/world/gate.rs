//! How many looks are under way at once: over all, and at one host. Without this a site of a thousand targets would ask in
//! bursts, and a hundred targets behind one proxy would be an attack on it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::incident::checks::{CheckEndpoint, StoreEndpoint};
use crate::incident::managed::ManagedEndpoint;
use crate::incident::names::TargetId;
use crate::incident::site::{Endpoint, Site, Target};

/// How many looks are under way at once.
const AT_ONCE: usize = 64;

/// How many of them at one host.
const AT_A_HOST: usize = 16;

/// Whoever has got no answer for so long only waits, costs nothing, and makes room: hanging servers keep nobody from the
/// living ones.
const PATIENCE: Duration = Duration::from_millis(250);

/// Lets looks through in the order they come.
#[derive(Debug)]
pub struct Gate {
    all: Semaphore,
    hosts: BTreeMap<TargetId, Arc<Semaphore>>,
}

impl Gate {
    /// The gate of a site.
    pub fn new(site: &Site) -> Self {
        let mut known = BTreeMap::<String, Arc<Semaphore>>::new();
        let hosts = site.targets.iter().map(|target| {
            let host = known.entry(host(target));
            let slots = host.or_insert_with(|| Arc::new(Semaphore::new(AT_A_HOST)));
            (target.id.clone(), Arc::clone(slots))
        });
        Self {
            hosts: hosts.collect(),
            all: Semaphore::new(AT_ONCE),
        }
    }

    /// Carries out a look at the target once it is its turn. The look's own clock starts then.
    pub async fn pass<T>(&self, target: &TargetId, look: impl Future<Output = T>) -> T {
        // A place at the host first: who waits for a busy host takes no place from others. The gate is never closed.
        let host = match self.hosts.get(target) {
            Some(host) => host.acquire().await.ok(),
            None => None,
        };
        let place = (host, self.all.acquire().await.ok());
        let mut look = std::pin::pin!(look);
        tokio::select! {
            biased;
            seen = &mut look => return seen,
            () = sleep(PATIENCE) => drop(place),
        }
        look.await
    }
}

/// Who is asked about the target: a host, a cluster, a service in a region, or this machine.
fn host(target: &Target) -> String {
    let service = |region: &str| format!("{} in {region}", target.endpoint.system());
    match &target.endpoint {
        Endpoint::Postgres(at) => at.host.clone(),
        Endpoint::Redis(at) => at.host.clone(),
        Endpoint::Sentinel(at) => of_list(&at.nodes),
        Endpoint::Http(at) => of_url(&at.url),
        Endpoint::Kube(at) => at.context.clone(),
        Endpoint::Rds(at) => service(&at.account.region),
        Endpoint::Secret(at) => service(&at.account.region),
        Endpoint::Dns(at) => service(&at.account.region),
        Endpoint::Managed(managed) => match managed {
            ManagedEndpoint::Cnpg { at, .. }
            | ManagedEndpoint::Velero { at, .. }
            | ManagedEndpoint::Argocd { at, .. } => at.context.clone(),
            ManagedEndpoint::Ecs { account, .. }
            | ManagedEndpoint::Aurora { account, .. }
            | ManagedEndpoint::Elasticache { account, .. } => service(&account.region),
        },
        Endpoint::Check(check) => match check {
            CheckEndpoint::Tcp { host, .. } | CheckEndpoint::Tls { host, .. } => host.clone(),
            CheckEndpoint::Dns { resolvers, .. } => of_list(resolvers),
            CheckEndpoint::Prometheus { url, .. }
            | CheckEndpoint::Alertmanager { url, .. }
            | CheckEndpoint::Vault { url } => of_url(url),
            CheckEndpoint::Etcd { members } => of_list(members),
            CheckEndpoint::Cloudwatch { account, .. } | CheckEndpoint::Ecr { account, .. } => {
                service(&account.region)
            }
            CheckEndpoint::Pgbouncer(at) => at.host.clone(),
            CheckEndpoint::Docker { .. } | CheckEndpoint::Command { .. } => this_machine(),
        },
        Endpoint::Store(StoreEndpoint::S3 { account, .. }) => service(&account.region),
        Endpoint::Store(StoreEndpoint::Metrics { url, .. }) => of_url(url),
        Endpoint::Store(_) | Endpoint::Files(_) => this_machine(),
    }
}

/// Programs and folders: no host, and a limit nevertheless.
fn this_machine() -> String {
    String::new()
}

/// The host of the first of several servers.
fn of_list(nodes: &[String]) -> String {
    nodes.first().map_or_else(String::new, |node| of_url(node))
}

/// The host of an URL, or of `host:port`.
fn of_url(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host);
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;
    use crate::incident::sitefile;

    fn gate(targets: usize, url: impl Fn(usize) -> String) -> (Gate, Vec<TargetId>) {
        let targets = (0..targets)
            .map(|n| format!("[targets.t{n}]\nsystem = \"http\"\nurl = \"{}\"\n", url(n)));
        let text = format!("name = \"x\"\n{}", targets.collect::<String>());
        let (site, faults) = sitefile::parse("x", &text, std::path::Path::new("/"));
        let site = site.unwrap_or_else(|| panic!("{faults:?}"));
        let ids = site
            .targets
            .iter()
            .map(|target| target.id.clone())
            .collect();
        (Gate::new(&site), ids)
    }

    /// The most looks that were under way at once; each takes a few turns.
    async fn most(gate: &Gate, ids: &[TargetId]) -> usize {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let look = || async {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            for _ in 0..8 {
                yield_now().await;
            }
            now.fetch_sub(1, Ordering::SeqCst);
        };
        join_all(ids.iter().map(|id| gate.pass(id, look()))).await;
        most.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn looks_wait_for_their_turn_over_all_and_at_a_host() {
        let (gate, ids) = gate(200, |n| format!("https://host-{n}:8443/health"));
        assert_eq!(most(&gate, &ids).await, AT_ONCE);
        let (gate, ids) = self::gate(200, |n| format!("https://proxy:{n}/health"));
        assert_eq!(most(&gate, &ids).await, AT_A_HOST);
    }

    #[tokio::test]
    async fn what_hangs_makes_room() {
        let (gate, ids) = gate(AT_ONCE * 2 + 1, |n| format!("http://host-{n}/"));
        let (living, hanging) = ids.split_last().unwrap();
        let hang = join_all(hanging.iter().map(|id| gate.pass(id, pending::<()>())));
        tokio::select! {
            _ = hang => unreachable!("nobody answers them"),
            seen = async { sleep(Duration::from_millis(1)).await; gate.pass(living, async { "ok" }).await } => {
                assert_eq!(seen, "ok");
            }
        }
    }
}
