//! A status page of the test's own: see `standins/statuspage.py`.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::place::Place;

/// Its host's name, and what opens it.
pub const HOST: &str = "status.harbour.example";
pub const TOKEN: &str = "a-token-of-the-test";

/// A status page with one incident, `now`.
pub struct StatusPage {
    folder: PathBuf,
    proxy: String,
    child: Child,
}

impl StatusPage {
    /// Starts it; a console of the place reaches it by its name, and trusts its certificate.
    pub fn of(place: &Place) -> Self {
        let folder = place.home.path("statuspage");
        fs::create_dir(&folder).unwrap();
        certificate(&folder, "page", HOST);
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
        let proxy = format!("http://127.0.0.1:{}", port.trim());
        place.environment("HTTPS_PROXY", &proxy);
        let authority = folder.join("ca.pem").display().to_string();
        place.environment("SSL_CERT_FILE", &authority);
        Self {
            folder,
            proxy,
            child,
        }
    }

    /// What the page says of the incident, asked by curl.
    pub fn says(&self) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail", "--cacert"])
            .arg(self.folder.join("ca.pem"))
            .args(["--proxy", &self.proxy, "--header"])
            .arg(format!("Authorization: Bearer {TOKEN}"))
            .arg(format!("https://{HOST}/api/incidents/now"));
        let done = curl.output().unwrap();
        let why = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{why}");
        let incident: Value = serde_json::from_slice(&done.stdout).unwrap();
        incident["status"].as_str().unwrap().to_owned()
    }
}

impl Drop for StatusPage {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority of its own, `ca.pem`, and a host's certificate by it, `NAME.pem` and `NAME.key`.
pub fn certificate(folder: &Path, name: &str, host: &str) {
    let script = "
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req $new -x509 -days 7 -subj /CN=test -keyout ca.key -out ca.pem
        openssl req $new -subj \"/CN=$2\" -keyout \"$1.key\" -out \"$1.csr\"
        echo \"subjectAltName=DNS:$2\" >names
        openssl x509 -req -days 7 -in \"$1.csr\" -out \"$1.pem\" -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names
    ";
    let made = Command::new("sh")
        .args(["-euc", script, "sh", name, host])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}
