//! A company on a lab: its database administrator's site file, what stands beside its databases, and its programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio_postgres::Client;

use crate::common::lab::Lab;
use crate::common::pg::session;
use crate::common::through::Walker;
use crate::server::{Server, free_port};

/// Where PostgreSQL has programs that Debian does not put on the path.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A company with a running lab.
pub struct Company {
    /// Its servers.
    pub lab: Lab,
    /// For copies: outside of /tmp, as the runbooks ask.
    pub safe: TempDir,
    tls_port: u16,
    _services: Server,
}

impl Company {
    /// A running one. `more` stands in its site file beside what the lab has.
    pub fn up(more: &str) -> Self {
        let lab = Lab::up();
        let folder = lab.path("company");
        fs::create_dir(&folder).unwrap();
        certificate(&folder);
        for (name, text) in [
            ("erased.json", "[]"),
            ("audit.key", "audit-4711"),
            ("login.key", "login-0815"),
        ] {
            fs::write(folder.join(name), text).unwrap();
            fs::set_permissions(folder.join(name), Permissions::from_mode(0o600)).unwrap();
        }
        let home = lab.path("home");
        fs::create_dir_all(home.join("bin")).unwrap();
        fs::write(
            home.join(".curlrc"),
            format!("cacert = {}\n", folder.join("ca.pem").display()),
        )
        .unwrap();
        for program in ["pg_amcheck", "pg_verifybackup"] {
            symlink(
                Path::new(PROGRAMS).join(program),
                home.join("bin").join(program),
            )
            .unwrap();
        }
        let (port, tls_port) = (free_port(), free_port());
        let services = services(&lab, port, tls_port);
        fs::write(lab.path("company.toml"), site(&lab, port) + more).unwrap();
        let safe = tempfile::tempdir_in("/var/tmp").unwrap();
        Self {
            lab,
            safe,
            tls_port,
            _services: services,
        }
    }

    /// A person at the console, and an incident of that title.
    pub fn walker(&self, title: &str) -> Walker {
        Walker::declares(
            &self.lab.path("home"),
            &self.lab.path("company.toml"),
            title,
        )
    }

    /// The address of a service that is reached by TLS: `/erased`.
    pub fn https(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.tls_port)
    }

    /// A file of the company's services, as text.
    pub fn keeps(&self, name: &str) -> PathBuf {
        self.lab.path("company").join(name)
    }

    /// A path in the folder for copies, as text.
    pub fn copy(&self, name: &str) -> String {
        self.safe.path().join(name).display().to_string()
    }

    /// A number that PostgreSQL answers with, asked by somebody else.
    pub async fn number(&self, server: &str, database: &str, question: &str) -> i64 {
        let client = self.admin(server, database).await;
        client.query_one(question, &[]).await.unwrap().get(0)
    }

    /// A superuser's session.
    pub async fn admin(&self, server: &str, database: &str) -> Client {
        session(&self.lab, server, "postgres", database).await
    }
}

/// The program that migrates the company's database.
pub fn migrate() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/walks_data/migrate").display().to_string()
}

/// A certificate for `localhost` and the authority it comes from, made by openssl.
fn certificate(folder: &Path) {
    let script = "
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req $new -x509 -keyout ca.key -out ca.pem -days 7 -subj /CN=company
        openssl req $new -keyout localhost.key -out localhost.csr -subj /CN=localhost
        echo subjectAltName=DNS:localhost >names
        openssl x509 -req -in localhost.csr -out localhost.pem -days 7 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names
    ";
    let mut made = Command::new("sh");
    let made = made
        .args(["-euc", script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

fn services(lab: &Lab, port: u16, tls_port: u16) -> Server {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walks_data/company.py");
    let (east, west) = (lab.port("pg-east"), lab.port("pg-west"));
    let database = format!(
        "host=127.0.0.1,127.0.0.1 port={east},{west} user=app dbname=app connect_timeout=2 target_session_attrs=read-write"
    );
    let args = [
        program.display().to_string(),
        lab.path("company").display().to_string(),
        port.to_string(),
        tls_port.to_string(),
        database,
        lab.path("secrets/pgpass").display().to_string(),
    ];
    Server::start("python3", &args, port)
}

/// The lab's site file as the company's database administrator has it: a superuser, and the company's own endpoints.
fn site(lab: &Lab, port: u16) -> String {
    let text = fs::read_to_string(lab.path("site.toml")).unwrap();
    let text = text.replace("user = \"warroom\"", "user = \"postgres\"");
    let text = text.replace("secrets/pg\"", "secrets/pg-admin\"");
    // A busy machine is no outage.
    let text = text.replace("timeout = \"1s\"", "timeout = \"10s\"");
    let login = lab.path("company/login.key").display().to_string();
    text + &format!(
        r#"
[targets.shop]
system = "http"
url = "http://127.0.0.1:{port}/health"
field = "status"
equals = "ok"

[targets.login]
system = "http"
url = "http://127.0.0.1:{port}/login"
bearer = {{ file = "{login}" }}
"#
    )
}
