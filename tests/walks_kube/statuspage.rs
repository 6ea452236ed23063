//! A status page of the test's own: see `standins/statuspage.py`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::place::Place;

/// Its host's name, and what opens it.
pub const HOST: &str = "status.harbour.example";
pub const TOKEN: &str = "a-token-of-the-test";

/// A status page with one incident, `now`.
pub struct StatusPage {
    folder: PathBuf,
    child: Child,
}

impl StatusPage {
    /// Starts it; a console of the place reaches it by its name, and trusts its certificate.
    pub fn of(place: &Place) -> Self {
        let folder = place.home.path("statuspage");
        fs::create_dir(&folder).unwrap();
        certificate(&folder);
        let incidents = json!({ "now": { "status": "investigating" } });
        fs::write(folder.join("incidents.json"), incidents.to_string()).unwrap();
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/walks_kube/standins/statuspage.py"
        );
        let mut child = Command::new("python3")
            .args([script, &folder.display().to_string(), TOKEN])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        place.environment("HTTPS_PROXY", &format!("http://127.0.0.1:{}", port.trim()));
        place.environment(
            "SSL_CERT_FILE",
            &folder.join("ca.pem").display().to_string(),
        );
        Self { folder, child }
    }

    /// What the page says of the incident.
    pub fn says(&self) -> String {
        let text = fs::read_to_string(self.folder.join("incidents.json")).unwrap();
        let incidents: Value = serde_json::from_str(&text).unwrap();
        incidents["now"]["status"].as_str().unwrap().to_owned()
    }
}

impl Drop for StatusPage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority of its own, and the page's certificate by it.
fn certificate(folder: &std::path::Path) {
    let new = ["req", "-newkey", "rsa:2048", "-nodes"];
    let openssl = |args: &[&str]| {
        let done = Command::new("openssl")
            .args(args)
            .current_dir(folder)
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    };
    fs::write(folder.join("names"), format!("subjectAltName=DNS:{HOST}\n")).unwrap();
    openssl(
        &[
            &new[..],
            &[
                "-x509", "-days", "30", "-subj", "/CN=test", "-keyout", "ca.key", "-out", "ca.pem",
            ],
        ]
        .concat(),
    );
    let page = format!("/CN={HOST}");
    openssl(
        &[
            &new[..],
            &["-subj", &page, "-keyout", "page.key", "-out", "page.csr"],
        ]
        .concat(),
    );
    let signer = [
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-extfile",
        "names",
        "-days",
        "30",
    ];
    openssl(
        &[
            &["x509", "-req", "-in", "page.csr", "-out", "page.pem"][..],
            &signer,
        ]
        .concat(),
    );
}
