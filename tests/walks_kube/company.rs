//! What a company has beside its cluster, asked by HTTPS: a login, a WebSocket endpoint, an erasure register (see
//! `walks_data/company.py`).

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::common::lab::Lab;
use crate::place::Place;
use crate::server::{Server, free_port};
use crate::statuspage::certificate;

/// A running company.
pub struct Company {
    folder: PathBuf,
    tls_port: u16,
    _server: Server,
}

impl Company {
    /// Starts it beside a lab; curl of the place trusts its certificate. `targets.login` answers with a login only.
    pub fn of(place: &mut Place, lab: &Lab) -> Self {
        let folder = place.home.path("company");
        fs::create_dir(&folder).unwrap();
        certificate(&folder, "localhost", "localhost");
        for (name, text) in [
            ("erased.json", "[]"),
            ("audit.key", "audit-4711"),
            ("login.key", "login-0815"),
        ] {
            fs::write(folder.join(name), text).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
        }
        let authority = folder.join("ca.pem").display().to_string();
        fs::write(
            place.home.path(".curlrc"),
            format!("cacert = {authority}\n"),
        )
        .unwrap();
        let (port, tls_port) = (free_port(), free_port());
        let database = format!(
            "host=127.0.0.1 port={} user=app dbname=app connect_timeout=2",
            lab.port("pg-east")
        );
        let args = [
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/walks_data/company.py").to_owned(),
            folder.display().to_string(),
            port.to_string(),
            tls_port.to_string(),
            database,
            lab.path("secrets/pgpass").display().to_string(),
        ];
        let server = Server::start("python3", &args, tls_port);
        let login = folder.join("login.key").display().to_string();
        let keys = format!(
            "system = \"http\"\nurl = \"http://127.0.0.1:{port}/login\"\nbearer = {{ file = \"{login}\" }}"
        );
        place.target("login", &keys);
        Self {
            folder,
            tls_port,
            _server: server,
        }
    }

    /// The address of one of its services: `/erased`.
    pub fn https(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.tls_port)
    }

    /// One of its files.
    pub fn keeps(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
