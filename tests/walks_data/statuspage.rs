//! A status page of the test's own: see `statuspage.py`.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::common::walk::wait_until;
use crate::company::{Company, certificate};
use crate::server::Server;

/// What opens it.
pub const TOKEN: &str = "a-token-of-the-test";

/// A status page with nothing on it.
pub struct StatusPage {
    /// Its host.
    pub host: String,
    folder: PathBuf,
    _server: Server,
}

impl StatusPage {
    /// Starts it; a console of the company trusts its certificate.
    pub fn of(company: &Company) -> Self {
        // A port of the lab is held by this test alone, and so is the address made of it.
        let port = company.lab.port("pg-east");
        let host = format!("127.11.{}.{}", port >> 8, port & 255);
        let folder = company.keeps("");
        certificate(&folder, "page", &format!("IP:{host}"));
        fs::write(folder.join("incidents.json"), "{}").unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walks_data/statuspage.py");
        let args = [
            program.display().to_string(),
            folder.display().to_string(),
            host.clone(),
            TOKEN.to_owned(),
        ];
        let server = Server::launch("python3", &args);
        wait_until("the status page listens", || {
            TcpStream::connect((host.as_str(), 443)).is_ok()
        });
        let trusted = folder.join("ca.pem").display().to_string();
        let environment = company.lab.path("home/environment");
        fs::write(environment, format!("SSL_CERT_FILE={trusted}\n")).unwrap();
        Self {
            host,
            folder,
            _server: server,
        }
    }

    /// An incident on it, as curl reads it; null where there is none.
    pub fn says(&self, id: &str) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--cacert"])
            .arg(self.folder.join("ca.pem"))
            .arg(format!("https://{}/api/incidents/{id}", self.host));
        let done = curl.output().unwrap();
        assert!(done.status.success(), "{done:?}");
        serde_json::from_slice(&done.stdout).unwrap()
    }
}
