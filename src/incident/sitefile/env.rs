//! What programs are told of a target that a fence runs `with=`: its place, never its secret, then the target's own variables.

use super::super::checks::{CheckEndpoint, StoreEndpoint};
use super::super::managed::ManagedEndpoint;
use super::super::site::{
    AwsAccount, Endpoint, KubeEndpoint, PgEndpoint, RedisEndpoint, Target, Tls,
};

type Env = Vec<(String, String)>;

/// Every name that a fence with a target may find set, its own variables and libpq's others aside.
pub const TOOL_NAMES: [&str; 27] = [
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "BACKUP_DIR",
    "BACKUP_PATTERN",
    "BEARER",
    "CNPG_CLUSTER",
    "ECS_CLUSTER",
    "ECS_SERVICE",
    "HEALTH_URL",
    "HOSTED_ZONE",
    "KUBECONFIG",
    "KUBE_CONTEXT",
    "KUBE_NAMESPACE",
    "KUBE_WORKLOAD",
    "RDS_INSTANCE",
    "REDISCLI_AUTH",
    "REDIS_DB",
    "REDIS_HOST",
    "REDIS_PORT",
    "REDIS_USER",
    "S3_BUCKET",
    "S3_PREFIX",
    "SECRET_NAME",
    "SENTINEL_MASTER",
    "SENTINEL_NODES",
];

/// Names of the one thing a target is: a fence with two of them is told neither. What says where to connect is never doubtful.
pub fn is_of_one(name: &str) -> bool {
    const OF_ONE: [&str; 6] = [
        "CNPG_CLUSTER",
        "ECS_CLUSTER",
        "ECS_SERVICE",
        "KUBE_WORKLOAD",
        "S3_BUCKET",
        "S3_PREFIX",
    ];
    OF_ONE.contains(&name)
}

/// Variables for the programs that a fence runs `with=` this target; the target's own win.
pub fn tool_env(target: &Target) -> Env {
    let mut env = place(&target.endpoint);
    env.retain(|(name, _)| !target.env.contains_key(name));
    let own = target.env.iter();
    env.extend(own.map(|(name, value)| (name.clone(), value.clone())));
    env
}

fn of(pairs: &[(&str, &str)]) -> Env {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    pairs.iter().map(own).collect()
}

fn place(endpoint: &Endpoint) -> Env {
    match endpoint {
        Endpoint::Postgres(e) => postgres(e),
        Endpoint::Redis(e) => redis(e),
        Endpoint::Sentinel(e) => of(&[
            ("SENTINEL_NODES", &e.nodes.join(",")),
            ("SENTINEL_MASTER", &e.master),
        ]),
        Endpoint::Http(e) => of(&[("HEALTH_URL", &e.url)]),
        Endpoint::Files(e) => of(&[
            ("BACKUP_DIR", &e.path.display().to_string()),
            ("BACKUP_PATTERN", &e.pattern),
        ]),
        Endpoint::Kube(e) => kube(e),
        Endpoint::Rds(e) => aws(&e.account, &[("RDS_INSTANCE", &e.instance)]),
        Endpoint::Secret(e) => aws(&e.account, &[("SECRET_NAME", &e.name)]),
        Endpoint::Dns(e) => aws(&e.account, &[("HOSTED_ZONE", &e.zone)]),
        Endpoint::Managed(managed) => match managed {
            ManagedEndpoint::Cnpg { at, cluster } => {
                let mut env = kube(at);
                env.extend(of(&[("CNPG_CLUSTER", cluster)]));
                env
            }
            ManagedEndpoint::Velero { at, .. } | ManagedEndpoint::Argocd { at, .. } => kube(at),
            ManagedEndpoint::Ecs {
                cluster,
                service,
                account,
            } => aws(
                account,
                &[("ECS_CLUSTER", cluster), ("ECS_SERVICE", service)],
            ),
            ManagedEndpoint::Aurora { account, .. }
            | ManagedEndpoint::Elasticache { account, .. } => aws(account, &[]),
        },
        Endpoint::Store(StoreEndpoint::S3 {
            bucket,
            prefix,
            account,
        }) => aws(account, &[("S3_BUCKET", bucket), ("S3_PREFIX", prefix)]),
        Endpoint::Check(
            CheckEndpoint::Cloudwatch { account, .. } | CheckEndpoint::Ecr { account, .. },
        ) => aws(account, &[]),
        Endpoint::Check(CheckEndpoint::Pgbouncer(at)) => postgres(at),
        // They are asked here, and a program has no use for them.
        Endpoint::Check(_) | Endpoint::Store(_) => Vec::new(),
    }
}

fn postgres(e: &PgEndpoint) -> Env {
    let mut env = of(&[
        ("PGHOST", &e.host),
        ("PGPORT", &e.port.to_string()),
        ("PGUSER", &e.user),
        ("PGDATABASE", &e.dbname),
    ]);
    env.extend(match e.tls {
        // The system's certificates, as for our own connections; libpq knows the word since 16.
        Tls::Verify => of(&[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", "system")]),
        Tls::Off => of(&[("PGSSLMODE", "disable")]),
    });
    env
}

/// `redis-cli` takes no place from its environment: a script writes `redis-cli -h "$REDIS_HOST" -p "$REDIS_PORT"`.
fn redis(e: &RedisEndpoint) -> Env {
    of(&[
        ("REDIS_HOST", &e.host),
        ("REDIS_PORT", &e.port.to_string()),
        ("REDIS_USER", e.user.as_deref().unwrap_or("default")),
        ("REDIS_DB", &e.db.to_string()),
    ])
}

fn kube(e: &KubeEndpoint) -> Env {
    let mut env = of(&[
        ("KUBE_CONTEXT", &e.context),
        ("KUBE_NAMESPACE", &e.namespace),
    ]);
    let workload = e.workload.iter().map(|it| ("KUBE_WORKLOAD", it.as_str()));
    env.extend(of(&workload.collect::<Vec<_>>()));
    let file = e.kubeconfig.iter().map(|path| path.display().to_string());
    env.extend(file.map(|path| ("KUBECONFIG".to_owned(), path)));
    env
}

fn aws(account: &AwsAccount, more: &[(&str, &str)]) -> Env {
    // Version 1 of the `aws` command line reads the second only.
    let region = account.region.as_str();
    let mut env = of(&[("AWS_REGION", region), ("AWS_DEFAULT_REGION", region)]);
    let profile = account
        .profile
        .iter()
        .map(|it| ("AWS_PROFILE", it.as_str()));
    let endpoint = account
        .endpoint
        .iter()
        .map(|it| ("AWS_ENDPOINT_URL", it.as_str()));
    env.extend(of(&profile.chain(endpoint).collect::<Vec<_>>()));
    env.extend(of(more));
    env
}
