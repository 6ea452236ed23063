//! Vault is snapshotted and brought back. Vault itself is a stand-in (`standins/vault`); age, the AWS command line and the bucket's
//! API are real.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::{Value, json};

use crate::aws::Aws;
use crate::kube::cluster;
use crate::place::Place;
use crate::server::{Server, free_port};

/// A Vault with a canary, a key pair, and a folder of the operator's.
pub struct Vault {
    _server: Server,
    port: u16,
}

impl Vault {
    /// Starts it, and logs the operator in: `targets.vault`.
    pub fn of(place: &mut Place) -> Self {
        place.stands_in("vault", include_str!("standins/vault"));
        fs::create_dir(place.home.path("folder")).unwrap();
        let held = json!({
            "initialized": true, "sealed": false, "keys": ["old-1"], "secrets": { "secret/canary": { "sings": "yes" } },
        });
        write(place, &held);
        fs::write(place.home.path(".vault-token"), "root-of-the-test\n").unwrap();
        let port = free_port();
        let program = place.home.path("bin/vault").display().to_string();
        let args = [
            "serve".to_owned(),
            place.home.path("").display().to_string(),
            port.to_string(),
        ];
        let server = Server::start(&program, &args, port);
        let url = format!("http://127.0.0.1:{port}");
        place.target(
            "vault",
            &format!("system = \"vault\"\nurl = \"{url}\"\nenv = {{ VAULT_ADDR = \"{url}\" }}"),
        );
        keys(place);
        Self {
            _server: server,
            port,
        }
    }

    /// What the holders of the old unseal keys do.
    pub fn unseal(&self, place: &Place) {
        let done = Command::new(place.home.path("bin/vault"))
            .args(["operator", "unseal", "old-1"])
            .env("VAULT_ADDR", format!("http://127.0.0.1:{}", self.port))
            .env("HOME", place.home.path(""))
            .status();
        assert!(done.unwrap().success());
    }
}

/// What the Vault holds.
pub fn held(place: &Place) -> Value {
    serde_json::from_str(&fs::read_to_string(place.home.path("vault.json")).unwrap()).unwrap()
}

/// Another Vault in the place of the one that is lost.
pub fn write(place: &Place, held: &Value) {
    fs::write(place.home.path("vault.json"), held.to_string()).unwrap();
}

/// A key pair of age's, the private one for its owner only.
fn keys(place: &Place) {
    let identity = place.home.path("identity");
    let made = Command::new("age-keygen")
        .arg("-o")
        .arg(&identity)
        .output()
        .unwrap();
    let said = String::from_utf8(made.stderr).unwrap();
    let public = said.trim().strip_prefix("Public key: ").unwrap();
    fs::write(place.home.path("recipients"), format!("{public}\n")).unwrap();
    fs::set_permissions(&identity, fs::Permissions::from_mode(0o600)).unwrap();
}

/// The variables of the runbook.
pub fn values(place: &Place) -> Vec<(&'static str, String)> {
    let file = |name: &str| place.home.path(name).display().to_string();
    vec![
        ("VAULT", "vault".to_owned()),
        ("BUCKET", "bucket".to_owned()),
        ("BUCKET_NAME", "harbour-backups/vault".to_owned()),
        ("RECIPIENTS", file("recipients")),
        ("IDENTITY", file("identity")),
        ("FOLDER", file("folder")),
        ("CANARY", "secret/canary".to_owned()),
    ]
}

#[test]
fn a_snapshot_is_put_away_and_a_lost_vault_comes_back_from_it() {
    let aws = Aws::up();
    let mut place = Place::new(cluster(), "vault");
    place.bucket("bucket", &aws, "harbour-backups");
    place.aws_cli();
    let vault = Vault::of(&mut place);
    let values = values(&place);
    let values: Vec<(&str, &str)> = values
        .iter()
        .map(|(name, value)| (*name, &**value))
        .collect();
    let walked = place.walk("vault-snapshot", &values, &[("way", "Take a snapshot")]);
    walked.went(&["way", "snapshot", "read-back", "keys", "end", "tidy"]);
    let stored = json!({ "Bucket": "harbour-backups", "Prefix": "vault/" });
    let stored = aws.boto("s3", "list_objects_v2", &stored);
    assert_eq!(
        stored["KeyCount"], 2,
        "the snapshot and its checksum: {stored}"
    );

    // A new Vault, with keys of its own and nothing in it.
    write(
        &place,
        &json!({ "initialized": true, "sealed": false, "keys": ["new-1"], "secrets": {} }),
    );
    let others = || {
        if held(&place)["sealed"] == true && place.done("unseal") {
            vault.unseal(&place);
        }
    };
    let walked = place.walk_beside(others, "vault-snapshot", &values, &[("way", "Restore one")]);
    walked.went(&[
        "way", "fetch", "open", "ready", "keep", "restore", "unseal", "unsealed", "canary", "tidy",
        "end",
    ]);
    let now = held(&place);
    assert_eq!(now["keys"], json!(["old-1"]));
    assert_eq!(now["secrets"]["secret/canary"]["sings"], "yes");
    assert!(
        !place.home.path("folder/restore.snap").exists(),
        "an open copy stays"
    );
}
