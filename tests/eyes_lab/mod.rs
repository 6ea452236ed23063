//! A lab of real services for one test file, and the site that describes it.

#![allow(
    dead_code,
    missing_docs,
    reason = "each test file uses its part of the lab"
)]

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use warroom::incident::now::Now;
use warroom::incident::reading::{Failure, Reading, Sight};
use warroom::incident::site::{
    Backup, Endpoint, FilesEndpoint, HttpEndpoint, Link, Objectives, RedisEndpoint, Region,
    RegionRole, SecretRef, SentinelEndpoint, Site, Target, Tls,
};
use warroom::systems::System;

/// A running lab; taken down when dropped.
pub struct Lab {
    folder: TempDir,
    ports: BTreeMap<String, u16>,
}

impl Lab {
    pub fn up() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("warroom-lab-")
            .tempdir_in("/tmp")
            .unwrap();
        let mut lab = Self {
            folder,
            ports: BTreeMap::new(),
        };
        lab.run(&["up"]);
        let text = std::fs::read_to_string(lab.path("lab.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        lab.ports = serde_json::from_value(json["ports"].clone()).unwrap();
        lab
    }

    /// `lab WORDS[0] DIR WORDS[1..]`; what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        let output = Command::new(lab)
            .arg(words[0])
            .arg(self.dir())
            .args(&words[1..])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned()
            + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab {words:?}: {said}");
        said
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn port(&self, name: &str) -> u16 {
        self.ports[name]
    }

    /// Where a server is: `127.0.0.1:PORT`.
    pub fn place(&self, name: &str) -> String {
        format!("127.0.0.1:{}", self.port(name))
    }

    pub fn is_open(&self, name: &str) -> bool {
        TcpStream::connect(self.place(name)).is_ok()
    }

    fn dir(&self) -> &Path {
        self.folder.path()
    }

    /// The lab's Redis servers, Sentinels, health endpoints and backups.
    pub fn site(&self) -> Site {
        let (east, west) = ("us-east-1", "us-west-2");
        let mut targets: Vec<Target> = vec![
            self.redis("redis-east", east),
            self.redis("redis-west", west),
            self.http("api-east", east, "database.writable", "true"),
            self.http("api-west", west, "database.status", "ok"),
        ];
        targets.push(self.sentinel("cache"));
        let dumps = FilesEndpoint {
            proof: None,
            wal_segment: None,
            path: self.path("backups"),
            pattern: "*.dump".into(),
            checksum: true,
        };
        targets.push(target("dumps", None, Endpoint::Files(dumps)));
        let backup = Backup {
            id: "pg-dump".into(),
            of: Some("dumps".into()),
            intended: true,
            younger: Duration::from_secs(25 * 3_600),
            size_change: 30,
            restore_test: None,
        };
        site(targets, vec![backup])
    }

    pub fn redis_endpoint(&self, name: &str) -> RedisEndpoint {
        RedisEndpoint {
            host: "127.0.0.1".into(),
            port: self.port(name),
            user: None,
            password: Some(SecretRef::File(self.path("secrets/redis"))),
            db: 0,
            tls: Tls::Off,
        }
    }

    fn redis(&self, name: &str, region: &str) -> Target {
        target(
            name,
            Some(region),
            Endpoint::Redis(self.redis_endpoint(name)),
        )
    }

    /// The three Sentinels, asked for `master`.
    pub fn sentinel(&self, master: &str) -> Target {
        let nodes = ["sentinel-1", "sentinel-2", "sentinel-3"];
        let endpoint = SentinelEndpoint {
            nodes: nodes.map(|node| self.place(node)).to_vec(),
            master: master.into(),
            password: None,
            tls: Tls::Off,
        };
        target("sentinel", None, Endpoint::Sentinel(endpoint))
    }

    fn http(&self, name: &str, region: &str, field: &str, equals: &str) -> Target {
        let endpoint = HttpEndpoint {
            url: format!("http://{}/health", self.place(name)),
            status: 200,
            field: Some(field.into()),
            equals: Some(equals.into()),
            bearer: None,
        };
        target(name, Some(region), Endpoint::Http(endpoint))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let lab = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab");
        let _ = Command::new(lab).arg("down").arg(self.dir()).output();
    }
}

/// A site of two regions, with replication from `redis-east` to `redis-west`.
pub fn site(targets: Vec<Target>, backups: Vec<Backup>) -> Site {
    let region = |id: &str, role| Region {
        id: id.into(),
        role,
    };
    Site {
        name: "lab".into(),
        digest: String::new(),
        regions: vec![
            region("us-east-1", RegionRole::Primary),
            region("us-west-2", RegionRole::Standby),
        ],
        targets,
        links: vec![Link {
            id: "redis".into(),
            from: "redis-east".into(),
            to: "redis-west".into(),
            target: Duration::from_secs(5),
            gate: Duration::from_secs(30),
            gate_bytes: None,
        }],
        backups,
        objectives: Objectives {
            rto: None,
            rpo: None,
        },
        severities: vec![],
        categories: vec![],
        ladder: vec![],
        contacts: vec![],
        drills: Vec::new(),
        theme: "default".into(),
        keymap: "default".into(),
        state_dir: None,
        runbooks: None,
        vars: Default::default(),
    }
}

/// A target that is looked at every second and must answer within one.
pub fn target(id: &str, region: Option<&str>, endpoint: Endpoint) -> Target {
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

/// Now, for readings of a test.
pub fn now() -> Now {
    Now {
        wall: chrono::Utc::now(),
        boot: Duration::ZERO,
        boot_id: "test".into(),
    }
}

/// One look as a reading of this moment.
pub async fn look(system: &dyn System) -> Reading {
    Reading {
        at: now(),
        value: system.observe().await.value,
        host: None,
    }
}

/// One look's failure.
pub async fn failure(system: &dyn System) -> Failure {
    match system.observe().await.value {
        Err(failure) => failure,
        Ok(sight) => panic!("seen after all: {sight:?}"),
    }
}

/// Looks again and again until a sight satisfies `wanted`, at most for 20 s.
pub async fn until(system: &dyn System, what: &str, wanted: impl Fn(&Sight) -> bool) -> Sight {
    let mut last = String::new();
    for _ in 0..200 {
        match system.observe().await.value {
            Ok(sight) if wanted(&sight) => return sight,
            other => last = format!("{other:?}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{what}: not seen within 20 s; last {last}")
}
