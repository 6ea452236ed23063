//! etcd is restored from a snapshot on three hosts. Its members are real; the hosts are folders (`standins/ssh`), and their kubelets,
//! which run what lies in the folder of manifests, are the test.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use serde_json::Value;

use crate::database::Service;
use crate::kube::cluster;
use crate::place::Place;
use crate::server::{Server, free_port};

/// One control-plane host, and its etcd when it runs.
struct Host {
    name: &'static str,
    folder: PathBuf,
    client: u16,
    peer: u16,
    etcd: Option<Server>,
}

impl Host {
    fn new(place: &Place, name: &'static str) -> Self {
        let folder = place.home.path(&format!("hosts/{name}"));
        for path in ["etc/kubernetes/manifests", "var/lib/etcd"] {
            fs::create_dir_all(folder.join(path)).unwrap();
        }
        for manifest in ["etcd", "kube-apiserver"] {
            fs::write(
                folder.join(format!("etc/kubernetes/manifests/{manifest}.yaml")),
                "",
            )
            .unwrap();
        }
        Self {
            name,
            folder,
            client: free_port(),
            peer: free_port(),
            etcd: None,
        }
    }

    fn client(&self) -> String {
        format!("http://127.0.0.1:{}", self.client)
    }

    fn peer(&self) -> String {
        format!("https://127.0.0.1:{}", self.peer)
    }

    fn has(&self, path: &str) -> bool {
        self.folder.join(path).exists()
    }

    /// What the kubelet does: etcd runs while its manifest lies there, and can't without its data.
    fn keeps(&mut self, members: &str) {
        let wanted = self.has("etc/kubernetes/manifests/etcd.yaml") && self.has("var/lib/etcd");
        match (wanted, &self.etcd) {
            (true, None) => {
                let args = [
                    format!("--name={}", self.name),
                    format!("--data-dir={}", self.folder.join("var/lib/etcd").display()),
                    format!("--listen-client-urls={}", self.client()),
                    format!("--advertise-client-urls={}", self.client()),
                    format!("--listen-peer-urls={}", self.peer()),
                    format!("--initial-advertise-peer-urls={}", self.peer()),
                    format!("--initial-cluster={members}"),
                    "--peer-auto-tls".to_owned(),
                ];
                self.etcd = Some(Server::launch("etcd", &args));
            }
            (false, Some(_)) => self.etcd = None,
            _ => {}
        }
        let api = self.has("etc/kubernetes/manifests/kube-apiserver.yaml");
        let running = [(self.etcd.is_some(), "etcd\n"), (api, "kube-apiserver\n")];
        let running: String = running
            .iter()
            .filter(|(runs, _)| *runs)
            .map(|(_, name)| *name)
            .collect();
        fs::write(self.folder.join("etc/running"), running).unwrap();
    }
}

/// etcdctl at all of the hosts.
fn etcdctl(hosts: &[Host], args: &[&str]) -> Output {
    let urls: Vec<String> = hosts.iter().map(Host::client).collect();
    let mut etcdctl = Command::new("etcdctl");
    etcdctl
        .env("ETCDCTL_API", "3")
        .arg(format!("--endpoints={}", urls.join(",")))
        .args(args);
    etcdctl.output().unwrap()
}

fn asked(hosts: &[Host], args: &[&str]) -> String {
    let done = etcdctl(hosts, args);
    assert!(
        done.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

fn healthy(hosts: &[Host]) -> bool {
    etcdctl(hosts, &["endpoint", "health"]).status.success()
}

/// A cluster of three with a snapshot on each host and a key written after it; then two of its members are lost for good.
fn lost(place: &Place) -> ([Host; 3], String) {
    let mut hosts = ["host-1", "host-2", "host-3"].map(|name| Host::new(place, name));
    let members: Vec<String> = hosts
        .iter()
        .map(|host| format!("{}={}", host.name, host.peer()))
        .collect();
    let members = members.join(",");
    hosts.iter_mut().for_each(|host| host.keeps(&members));
    place.until("a quorum", || healthy(&hosts));
    asked(&hosts, &["put", "before", "kept"]);
    let snapshot = place.home.path("snapshot.db").display().to_string();
    asked(&hosts[..1], &["snapshot", "save", &snapshot]);
    asked(&hosts, &["put", "after", "lost"]);
    for host in &mut hosts[1..] {
        host.etcd.as_mut().unwrap().kill();
        fs::remove_dir_all(host.folder.join("var/lib/etcd/member")).unwrap();
    }
    (hosts, members)
}

/// A kubeconfig that reaches the cluster's API server by another port.
fn by(place: &Place, port: u16) -> String {
    let text = fs::read_to_string(place.kube.config("admin")).unwrap();
    let mut config: Value = serde_json::from_str(&text).unwrap();
    config["clusters"][0]["cluster"]["server"] = format!("https://127.0.0.1:{port}").into();
    let path = place.home.path("kubeconfig");
    fs::write(&path, config.to_string()).unwrap();
    path.display().to_string()
}

fn api_port(place: &Place) -> u16 {
    let text = fs::read_to_string(place.kube.config("admin")).unwrap();
    let config: Value = serde_json::from_str(&text).unwrap();
    let url = config["clusters"][0]["cluster"]["server"].as_str().unwrap();
    url.rsplit(':').next().unwrap().parse().unwrap()
}

#[test]
fn etcd_without_a_quorum_is_restored_from_one_snapshot_on_every_host() {
    let mut place = Place::new(cluster(), "etcd");
    place.deployment("web");
    for (name, text) in [
        ("ssh", include_str!("standins/ssh")),
        ("crictl", include_str!("standins/crictl")),
        ("etcdutl", include_str!("standins/etcdutl")),
        ("smoke", "#!/bin/sh\necho \"$HOSTNAME is well\"\n"),
    ] {
        place.stands_in(name, text);
    }
    let (mut hosts, members) = lost(&place);
    let urls: Vec<String> = hosts.iter().map(Host::client).collect();
    place.target("etcd", &format!("system = \"etcd\"\nmembers = {urls:?}"));
    // The API servers answer while a manifest of theirs lies on a host and etcd has its quorum.
    let api = Service::to(api_port(&place));
    let config = by(&place, api.port);
    place.target(
        "nodes",
        &format!("system = \"kubernetes\"\ncontext = \"lab\"\nkubeconfig = \"{config}\""),
    );
    let (snapshot, smoke) = (place.home.path("snapshot.db"), place.home.path("bin/smoke"));
    let (snapshot, smoke) = (snapshot.display().to_string(), smoke.display().to_string());
    let values = [
        ("CLUSTER", "nodes"),
        ("WEB", "web"),
        ("SELECTOR", "app=web"),
        ("MANIFESTS", "/none"),
        ("API", "api"),
        ("SMOKE", &smoke),
        ("ETCD", "etcd"),
        ("SNAPSHOT", &snapshot),
        ("HOST_1", "host-1"),
        ("HOST_2", "host-2"),
        ("HOST_3", "host-3"),
        ("MEMBERS", &members),
    ];
    let ways = [
        ("symptom", "The API server does not answer"),
        ("etcd", "fail"),
        ("left", "All is well"),
    ];
    let dead = free_port();
    let walked = place.walk_beside(
        || {
            hosts.iter_mut().for_each(|host| host.keeps(&members));
            let serves =
                hosts[0].has("etc/kubernetes/manifests/kube-apiserver.yaml") && healthy(&hosts);
            api.leads_to(if serves { api_port(&place) } else { dead });
        },
        "cluster-recovery",
        &values,
        &ways,
    );
    walked.went(&[
        "look",
        "symptom",
        "etcd",
        "etcd-sure",
        "etcd-snapshot",
        "etcd-stop",
        "etcd-keep",
        "etcd-restore",
        "etcd-start",
        "api-start",
        "nodes",
        "health",
        "smoke",
        "left",
        "after",
    ]);
    assert_eq!(
        asked(&hosts, &["get", "--print-value-only", "before"]),
        "kept"
    );
    assert_eq!(asked(&hosts, &["get", "--print-value-only", "after"]), "");
    assert_eq!(
        asked(&hosts, &["member", "list"])
            .matches("started")
            .count(),
        3
    );
    for host in &hosts {
        assert!(
            host.has("var/lib/etcd.before"),
            "{}: what was there is kept",
            host.name
        );
    }
}
