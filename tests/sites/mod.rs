//! The site of the lab as a value: two regions, a streaming pair, Redis with its Sentinels, two endpoints, a folder of dumps.

use std::collections::BTreeMap;
use std::time::Duration;

use warroom::incident::site::{
    Backup, Endpoint, FilesEndpoint, HttpEndpoint, Objectives, PgEndpoint, RedisEndpoint, Region,
    RegionRole, SentinelEndpoint, Site, Target, Tls,
};

/// A site with the lab's names.
pub fn lab() -> Site {
    let (east, west) = ("us-east-1", "us-west-2");
    Site {
        name: "lab".into(),
        digest: String::new(),
        regions: vec![
            region(east, RegionRole::Primary),
            region(west, RegionRole::Standby),
        ],
        targets: vec![
            target("pg-east", Some(east), postgres()),
            target("pg-west", Some(west), postgres()),
            target("redis-east", Some(east), redis()),
            target("redis-west", Some(west), redis()),
            target("api-east", Some(east), http()),
            target("api-west", Some(west), http()),
            target("sentinel", None, sentinel()),
            target("dumps", None, files()),
        ],
        links: Vec::new(),
        backups: vec![Backup {
            id: "pg-dump".into(),
            of: Some("dumps".into()),
            intended: true,
            younger: Duration::from_secs(90_000),
            size_change: 30,
            restore_test: None,
        }],
        objectives: Objectives {
            rto: Some(Duration::from_secs(3_600)),
            rpo: Some(Duration::from_secs(300)),
        },
        severities: Vec::new(),
        categories: Vec::new(),
        ladder: Vec::new(),
        contacts: Vec::new(),
        drills: Vec::new(),
        theme: "default".into(),
        keymap: "default".into(),
        state_dir: None,
        runbooks: None,
        vars: Default::default(),
    }
}

fn region(id: &str, role: RegionRole) -> Region {
    Region {
        id: id.into(),
        role,
    }
}

fn target(id: &str, region: Option<&str>, endpoint: Endpoint) -> Target {
    Target {
        id: id.into(),
        region: region.map(Into::into),
        endpoint,
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        failures: 3,
        fence: None,
        env: BTreeMap::new(),
        drill: false,
    }
}

fn postgres() -> Endpoint {
    Endpoint::Postgres(PgEndpoint {
        host: "127.0.0.1".into(),
        port: 5432,
        user: "warroom".into(),
        dbname: "app".into(),
        password: None,
        tls: Tls::Off,
        heartbeat: Some("heartbeat".into()),
    })
}

fn redis() -> Endpoint {
    Endpoint::Redis(RedisEndpoint {
        host: "127.0.0.1".into(),
        port: 6379,
        user: None,
        password: None,
        db: 0,
        tls: Tls::Off,
    })
}

fn http() -> Endpoint {
    Endpoint::Http(HttpEndpoint {
        url: "http://127.0.0.1:8080/health".into(),
        status: 200,
        field: None,
        equals: None,
        bearer: None,
    })
}

fn sentinel() -> Endpoint {
    Endpoint::Sentinel(SentinelEndpoint {
        nodes: vec!["127.0.0.1:26379".into()],
        master: "cache".into(),
        password: None,
        tls: Tls::Off,
    })
}

fn files() -> Endpoint {
    Endpoint::Files(FilesEndpoint {
        proof: None,
        wal_segment: None,
        path: "/backups".into(),
        pattern: "*.dump".into(),
        checksum: true,
    })
}
