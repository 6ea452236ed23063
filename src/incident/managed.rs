//! What an operator in Kubernetes or a service of AWS runs: how it is reached.

use super::checks::{CheckEndpoint, StoreEndpoint};
use super::runbook::System;
use super::site::{AwsAccount, Endpoint, KubeEndpoint};

/// How something is reached that takes orders ([`super::acts::orders`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ManagedEndpoint {
    /// `system = "cnpg"`: a `Cluster`.
    Cnpg {
        /// Context and namespace.
        at: KubeEndpoint,
        /// Its name.
        cluster: String,
    },
    /// `system = "velero"`: `Backup`s, and `Restore`s of them.
    Velero {
        /// Context and namespace (`velero` when not given).
        at: KubeEndpoint,
        /// Only the backups of this schedule.
        schedule: Option<String>,
    },
    /// `system = "argocd"`: an `Application`.
    Argocd {
        /// Context and namespace (`argocd` when not given).
        at: KubeEndpoint,
        /// Its name.
        application: String,
    },
    /// `system = "ecs"`
    Ecs {
        /// The cluster.
        cluster: String,
        /// The service.
        service: String,
        /// Where it is asked for.
        account: AwsAccount,
    },
    /// `system = "aurora"`: a global database.
    Aurora {
        /// Its identifier.
        global: String,
        /// Where it is asked for.
        account: AwsAccount,
    },
    /// `system = "elasticache"`
    Elasticache {
        /// The replication group.
        group: String,
        /// Where it is asked for.
        account: AwsAccount,
    },
}

impl Endpoint {
    /// The account it is asked in, where AWS runs it.
    pub fn account(&self) -> Option<&AwsAccount> {
        match self {
            Endpoint::Rds(at) => Some(&at.account),
            Endpoint::Secret(at) => Some(&at.account),
            Endpoint::Dns(at) => Some(&at.account),
            Endpoint::Managed(
                ManagedEndpoint::Ecs { account, .. }
                | ManagedEndpoint::Aurora { account, .. }
                | ManagedEndpoint::Elasticache { account, .. },
            )
            | Endpoint::Store(StoreEndpoint::S3 { account, .. })
            | Endpoint::Check(
                CheckEndpoint::Cloudwatch { account, .. } | CheckEndpoint::Ecr { account, .. },
            ) => Some(account),
            _ => None,
        }
    }
}

impl ManagedEndpoint {
    /// Which system it is.
    pub fn system(&self) -> System {
        match self {
            ManagedEndpoint::Cnpg { .. } => System::Cnpg,
            ManagedEndpoint::Velero { .. } => System::Velero,
            ManagedEndpoint::Argocd { .. } => System::Argocd,
            ManagedEndpoint::Ecs { .. } => System::Ecs,
            ManagedEndpoint::Elasticache { .. } => System::Elasticache,
            ManagedEndpoint::Aurora { .. } => System::Aurora,
        }
    }

    /// See [`super::site::Endpoint::place`].
    pub fn place(&self) -> String {
        let within =
            |at: &KubeEndpoint, name: &str| format!("{} {}/{name}", at.context, at.namespace);
        match self {
            ManagedEndpoint::Cnpg { at, cluster } => within(at, cluster),
            ManagedEndpoint::Velero { at, schedule } => {
                within(at, schedule.as_deref().unwrap_or("every schedule"))
            }
            ManagedEndpoint::Argocd { at, application } => within(at, application),
            ManagedEndpoint::Ecs {
                cluster,
                service,
                account,
            } => format!("{cluster}/{service} in {}", account.region),
            ManagedEndpoint::Aurora { global, account } => {
                format!("{global} in {}", account.region)
            }
            ManagedEndpoint::Elasticache { group, account } => {
                format!("{group} in {}", account.region)
            }
        }
    }
}
