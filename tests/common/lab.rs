//! A lab of real servers (tests/lab/README.md) that goes away with the test, however the test ends.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use warroom::incident::site::{Endpoint, Fence, PgEndpoint, SecretRef, Target, Tls};

/// A running lab.
pub struct Lab {
    dir: tempfile::TempDir,
    ports: serde_json::Value,
}

impl Lab {
    /// Brings a lab up in a folder of its own.
    pub fn up() -> Lab {
        let mut lab = Lab {
            dir: tempfile::tempdir().unwrap(),
            ports: serde_json::Value::Null,
        };
        lab.cmd(&["up"]);
        let text = std::fs::read_to_string(lab.path("lab.json")).unwrap();
        lab.ports = serde_json::from_str::<serde_json::Value>(&text).unwrap()["ports"].take();
        lab
    }

    /// Runs a command of the lab, which must succeed: `["kill", "pg-east"]`; the lab's folder is put in by itself.
    pub fn cmd(&self, words: &[&str]) -> String {
        let output = self.try_cmd(words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab {words:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn try_cmd(&self, words: &[&str]) -> Output {
        let [command, rest @ ..] = words else {
            panic!("no command")
        };
        let mut lab = Command::new(Self::program());
        lab.arg(command).arg(self.dir.path()).args(rest);
        lab.output().unwrap()
    }

    fn program() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/lab")
    }

    /// A file of the lab.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The port of a service.
    pub fn port(&self, name: &str) -> u16 {
        u16::try_from(self.ports[name].as_u64().unwrap()).unwrap()
    }

    /// A PostgreSQL target as the lab's site file has it.
    pub fn postgres(&self, name: &str) -> Target {
        let host = |word: &str| {
            let lab = Self::program().display().to_string();
            let dir = self.dir.path().display().to_string();
            vec![lab, word.to_owned(), dir, name.to_owned()]
        };
        Target {
            id: name.into(),
            region: None,
            endpoint: Endpoint::Postgres(PgEndpoint {
                host: "127.0.0.1".into(),
                port: self.port(name),
                user: "warroom".into(),
                dbname: "app".into(),
                password: Some(SecretRef::File(self.path("secrets/pg"))),
                tls: Tls::Off,
                heartbeat: Some("heartbeat".into()),
            }),
            interval: Duration::from_secs(1),
            // Longer than in the site file: a busy machine is no outage.
            timeout: Duration::from_secs(2),
            failures: 3,
            fence: Some(Fence {
                run: host("fence"),
                proof: host("fenced"),
                undo: Some(host("unfence")),
            }),
            env: Default::default(),
            drill: false,
        }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let output = self.try_cmd(&["down", "--rm"]);
        if !output.status.success() && !std::thread::panicking() {
            panic!("lab down: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
