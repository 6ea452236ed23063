//! Redis in Kubernetes is recovered from an RDB file. Its servers and Sentinels are the lab's, and run as long as the pods of a
//! stateful set do, whose volumes are the servers' own folders; what enters a container is the stand-in `kubectl`.

use std::fs::{self, OpenOptions};
use std::path::Path;
use std::process::Command;

use redis::{FromRedisValue, from_redis_value};
use serde_json::{Value, json};

use crate::common::cache::{master_port, redis};
use crate::common::lab::Lab;
use crate::common::through::{Walked, Ways};
use crate::company::{Company, beside};
use crate::kube::cluster;

/// The pods, each with the server that runs in it.
const PODS: [(&str, &str); 2] = [("redis-0", "redis-east"), ("redis-1", "redis-west")];

/// An RDB file of the master as it is now: `targets.rdbs`, `backups.rdb`. Gives its path.
pub fn rdb(company: &Company) -> String {
    let lab = &company.lab;
    let folder = lab.path("rdb");
    fs::create_dir(&folder).unwrap();
    let file = folder.join("cache.rdb").display().to_string();
    let secret = fs::read_to_string(lab.path("secrets/redis")).unwrap();
    let port = lab.port("redis-east").to_string();
    let mut kept = Command::new("redis-cli");
    kept.env("REDISCLI_AUTH", secret.trim());
    let kept = kept.args(["-p", &port, "--rdb", &file]).output().unwrap();
    assert!(kept.status.success(), "{kept:?}");
    // A file that changed just now may still grow, unless its sum is there.
    let summed = Command::new("sh")
        .args(["-euc", "sha256sum \"$1\" >\"$1.sha256\"", "sh", &file])
        .status();
    assert!(summed.unwrap().success());
    company.adds(&format!(
        "\n[targets.rdbs]\nsystem = \"files\"\npath = \"{}\"\npattern = \"*.rdb\"\nchecksum = true\n\n[backups.rdb]\nof = \"rdbs\"\nyounger = \"7h\"\n",
        folder.display()
    ));
    file
}

/// An answer of a server of the lab.
fn asks<T: FromRedisValue>(lab: &Lab, server: &str, words: &[&str]) -> T {
    from_redis_value(redis(lab, server, words)).unwrap()
}

/// A volume that is a server's own folder, kept for the claim of its pod.
fn volume(lab: &Lab, namespace: &str, pod: &str, server: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": { "name": format!("{namespace}-{pod}") },
        "spec": {
            "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"],
            "hostPath": { "path": lab.path(server) },
            "claimRef": { "namespace": namespace, "name": format!("data-{pod}") },
        },
    })
}

fn stateful_set(namespace: &str) -> Value {
    let container = json!({
        "name": "redis", "image": "redis:7", "volumeMounts": [{ "name": "data", "mountPath": "/data" }],
    });
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": { "name": "redis", "namespace": namespace },
        "spec": {
            "replicas": 2, "serviceName": "redis", "selector": { "matchLabels": { "app": "redis" } },
            "template": { "metadata": { "labels": { "app": "redis" } }, "spec": { "containers": [container] } },
            "volumeClaimTemplates": [{
                "metadata": { "name": "data" },
                "spec": {
                    "accessModes": ["ReadWriteOnce"], "storageClassName": "",
                    "resources": { "requests": { "storage": "1Gi" } },
                },
            }],
        },
    })
}

/// Redis in a namespace, and what was kept of it before everything was deleted.
struct Lost {
    company: Company,
    namespace: &'static str,
    file: String,
}

impl Lost {
    fn of(namespace: &'static str, before: impl Fn(&Lab)) -> Self {
        let company = Company::up("");
        let lab = &company.lab;
        before(lab);
        let kube = cluster();
        kube.kubectl(&["create", "namespace", namespace]);
        for (pod, server) in PODS {
            kube.apply(&volume(lab, namespace, pod, server));
        }
        kube.apply(&stateful_set(namespace));
        let whole = ["rollout", "status", "statefulset/redis", "--timeout=120s"];
        kube.kubectl(&[&["-n", namespace][..], &whole].concat());
        fs::write(lab.path("home/kubectl.real"), kube.program()).unwrap();
        company.stands_in("kubectl", include_str!("kubectl"));
        company.adds(&format!(
            "\n[targets.nodes]\nsystem = \"kubernetes\"\ncontext = \"lab\"\nkubeconfig = \"{}\"\nnamespace = \"{namespace}\"\n\
             workload = \"statefulset/redis\"\ninterval = \"1s\"\ntimeout = \"10s\"\n",
            kube.config("admin")
        ));
        let file = rdb(&company);
        asks::<String>(lab, "redis-east", &["FLUSHALL"]);
        asks::<String>(lab, "redis-east", &["SET", "written:since", "1"]);
        Self {
            company,
            namespace,
            file,
        }
    }

    /// Walks the runbook, while servers run where pods do, and `also` goes on.
    fn walks(&self, ways: Ways<'_>, mut also: impl FnMut() + Send) -> Walked {
        let values = [
            ("NODES", "nodes"),
            ("STATEFULSET", "redis"),
            ("SELECTOR", "app=redis"),
            ("CLAIM", "data-redis-0"),
            ("MASTER", "redis-east"),
            ("SENTINEL", "sentinel"),
            ("RDBS", "rdbs"),
            ("BACKUP", "rdb"),
            ("HEALTH", "shop"),
        ];
        let mut walker = self.company.walker("The cache is empty");
        let mut up = [true; 2];
        let others = || {
            self.runs(&mut up);
            also();
        };
        beside(others, || walker.walks("redis-recovery", &values, ways))
    }

    /// What the nodes would do, which run no containers: a server runs as long as its pod does.
    fn runs(&self, up: &mut [bool; 2]) {
        for ((pod, server), up) in PODS.into_iter().zip(up) {
            let path = format!("/api/v1/namespaces/{}/pods/{pod}", self.namespace);
            let pod = cluster().read(&path);
            let there = pod["status"]["phase"] == "Running"
                && pod["metadata"]["deletionTimestamp"].is_null();
            if there != *up {
                let word = if there { "start" } else { "stop" };
                self.company.lab.cmd(&[word, server]);
                *up = there;
            }
        }
    }

    fn asks<T: FromRedisValue>(&self, server: &str, words: &[&str]) -> T {
        asks(&self.company.lab, server, words)
    }

    fn on_the_volume(&self, name: &str) -> bool {
        self.company.lab.path("redis-east").join(name).exists()
    }

    /// Everything of the file is there, on both servers, and nothing that was written since.
    fn is_recovered(&self) {
        for server in ["redis-east", "redis-west"] {
            assert_eq!(self.asks::<u64>(server, &["DBSIZE"]), 402, "{server}");
            let queue: Vec<u64> = self.asks(server, &["LRANGE", "queue:debates", "0", "-1"]);
            assert_eq!(queue, (1..=40).collect::<Vec<_>>(), "{server}");
            assert_eq!(self.asks::<u64>(server, &["EXISTS", "written:since"]), 0);
        }
        assert!(self.on_the_volume("before"), "what was there is set aside");
        self.is_watched();
    }

    /// The Sentinels are as they were, and the master they know is the one that was recovered.
    fn is_watched(&self) {
        let lab = &self.company.lab;
        assert_eq!(master_port(lab), lab.port("redis-east"));
        for sentinel in ["sentinel-1", "sentinel-2", "sentinel-3"] {
            let told: Vec<String> = self.asks(sentinel, &["SENTINEL", "MASTER", "cache"]);
            let after = told.windows(2);
            let mut after = after.filter(|pair| pair[0] == "down-after-milliseconds");
            assert_eq!(after.next().unwrap()[1], "1500", "{sentinel}");
        }
        let helper = format!(
            "/api/v1/namespaces/{}/pods/warroom-redis-restore",
            self.namespace
        );
        assert!(cluster().read(&helper).is_null(), "the helper is gone");
    }
}

const TO_THE_FILE: [&str; 10] = [
    "find",
    "prove",
    "keep-numbers",
    "agree",
    "sentinel-off",
    "stop",
    "helper",
    "keep",
    "put",
    "load",
];

const FROM_THE_HELPER: [&str; 7] = [
    "helper-off",
    "start",
    "count",
    "start-all",
    "sentinel-on",
    "service",
    "rest",
];

#[test]
fn an_append_only_server_serves_what_the_file_holds_and_not_its_own_log() {
    let lost = Lost::of("cache-aof", |_| {});
    let walked = lost.walks(&[], || {});
    assert_eq!(
        walked.steps("redis-recovery"),
        [&TO_THE_FILE[..], &FROM_THE_HELPER].concat()
    );
    lost.is_recovered();
    let info: String = lost.asks("redis-east", &["INFO", "persistence"]);
    assert!(info.contains("aof_enabled:1"), "{info}");
    let kept = Path::new("before/appendonlydir").display().to_string();
    assert!(lost.on_the_volume(&kept), "its own log is kept");
}

/// The servers keep RDB files only, as if they had never done anything else.
fn keeps_no_log(lab: &Lab) {
    for (_, server) in PODS {
        asks::<String>(lab, server, &["CONFIG", "SET", "appendonly", "no"]);
        asks::<String>(lab, server, &["CONFIG", "REWRITE"]);
        asks::<String>(lab, server, &["SAVE"]);
        fs::remove_dir_all(lab.path(server).join("appendonlydir")).unwrap();
    }
}

#[test]
fn a_server_without_a_log_serves_what_the_file_holds() {
    let lost = Lost::of("cache-rdb", keeps_no_log);
    let walked = lost.walks(&[], || {});
    assert_eq!(
        walked.steps("redis-recovery"),
        [&TO_THE_FILE[..], &FROM_THE_HELPER].concat()
    );
    lost.is_recovered();
    let info: String = lost.asks("redis-east", &["INFO", "persistence"]);
    assert!(info.contains("aof_enabled:0"), "{info}");
    assert!(lost.on_the_volume("before/dump.rdb"));
    assert!(!lost.on_the_volume("before/appendonlydir"));
}

#[test]
fn a_file_that_does_not_load_is_taken_away_and_what_was_there_serves_again() {
    let lost = Lost::of("cache-back", |_| {});
    let size = fs::metadata(&lost.file).unwrap().len();
    let mut whole = true;
    // The volume loses the end of the file once it was compared.
    let disk = || {
        if whole && lost.company.done("put") == 2 {
            let file = lost.company.lab.path("redis-east/dump.rdb");
            let file = OpenOptions::new().write(true).open(file).unwrap();
            file.set_len(size / 2).unwrap();
            whole = false;
        }
    };
    let ways = [
        ("load", "go to Put back what was there"),
        ("count", "skip it, with a reason"),
    ];
    let walked = lost.walks(&ways, disk);
    assert_eq!(
        walked.steps("redis-recovery"),
        [&TO_THE_FILE[..], &["put-back"], &FROM_THE_HELPER].concat()
    );
    for server in ["redis-east", "redis-west"] {
        assert_eq!(lost.asks::<u64>(server, &["DBSIZE"]), 1, "{server}");
        assert_eq!(lost.asks::<u64>(server, &["GET", "written:since"]), 1);
    }
    assert!(!lost.on_the_volume("before"));
    lost.is_watched();
}
