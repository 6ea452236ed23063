//! A company on a lab: its database administrator's site file, what stands beside its databases, and its programs.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;
use tokio_postgres::Client;
use warroom::incident::journal::fold::Phase;
use warroom::incident::journal::{Entry, Incident};
use warroom::incident::names::StepId;

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
        certificate(&folder, "localhost", "DNS:localhost");
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

    /// The same in a live drill.
    pub fn driller(&self, title: &str) -> Walker {
        Walker::drills(
            &self.lab.path("home"),
            &self.lab.path("company.toml"),
            title,
        )
    }

    /// Adds to the site file. A console that is open has read it already.
    pub fn adds(&self, text: &str) {
        let site = self.lab.path("company.toml");
        let before = fs::read_to_string(&site).unwrap();
        fs::write(site, before + text).unwrap();
    }

    /// A target of a server that has the lab's passwords, as its superuser.
    pub fn postgres(&self, id: &str, port: u16, database: &str) -> String {
        let password = self.lab.path("secrets/pg-admin").display().to_string();
        format!(
            "\n[targets.{id}]\nsystem = \"postgres\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"postgres\"\ndbname = \"{database}\"\n\
             tls = \"off\"\ninterval = \"1s\"\ntimeout = \"10s\"\npassword = {{ file = \"{password}\" }}\n"
        )
    }

    /// The operator's own copy of a built-in runbook, in which what takes minutes takes seconds.
    pub fn hurries(&self, runbook: &str, long: &str, short: &str) {
        let file = format!("{runbook}.md");
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("runbooks");
        let text = fs::read_to_string(built_in.join(&file)).unwrap();
        assert_eq!(text.matches(long).count(), 1, "{runbook}: {long}");
        let own = self.lab.path("home/config/warroom/runbooks");
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join(file), text.replace(long, short)).unwrap();
    }

    /// Puts a script in the operator's path.
    pub fn stands_in(&self, name: &str, text: &str) {
        let file = self.lab.path("home/bin").join(name);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, Permissions::from_mode(0o755)).unwrap();
    }

    /// Puts a program in the operator's path.
    pub fn installs(&self, name: &str, program: &str) {
        symlink(program, self.lab.path("home/bin").join(name)).unwrap();
    }

    /// The address of a service that is reached by TLS: `/erased`.
    pub fn https(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.tls_port)
    }

    /// A file of the company's services, as text.
    pub fn keeps(&self, name: &str) -> PathBuf {
        self.lab.path("company").join(name)
    }

    /// How many acts of a step are done, scripts that verify it among them, as the journal has it now; none before there is one.
    pub fn done(&self, step: &str) -> usize {
        let incidents = fs::read_dir(self.lab.path("state/incidents"));
        let journals = incidents.into_iter().flatten().flatten();
        let texts = journals.map(|one| fs::read_to_string(one.path().join("journal.jsonl")));
        let text: String = texts.flatten().collect();
        // A line that is being written is not there yet.
        let lines = text.split_inclusive('\n').filter(|l| l.ends_with('\n'));
        let entries: Vec<Entry> = lines.map(|l| serde_json::from_str(l).unwrap()).collect();
        let incident = Incident::fold(&entries);
        let walks = incident.iter().flat_map(|incident| &incident.walks);
        let states = walks.filter_map(|walk| walk.steps.get(&StepId(step.to_owned())));
        let acts = states.flat_map(|state| state.actions.values());
        acts.filter(|act| act.phase() == Phase::Done).count()
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

    /// What psql prints of a statement at any port, as a role of the lab's: `app`, `postgres`.
    pub fn psql(&self, port: u16, role: &str, database: &str, sql: &str) -> String {
        let to = format!("host=127.0.0.1 port={port} user={role} dbname={database}");
        let mut psql = Command::new("psql");
        psql.env("PGPASSFILE", self.lab.path("secrets/pgpass"));
        psql.args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-d", &to, "-c", sql]);
        let done = psql.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{sql}: {said}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// A superuser's session.
    pub async fn admin(&self, server: &str, database: &str) -> Client {
        session(&self.lab, server, "postgres", database).await
    }
}

/// Sets it when a walk ends, or fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Walks while others work: what they do is done again and again until the walk is over, however it ends.
pub fn beside<T>(mut others: impl FnMut() + Send, walk: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                others();
                thread::sleep(Duration::from_millis(200));
            }
        });
        let _ends = Ends(&over);
        walk()
    })
}

/// The program that migrates the company's database.
pub fn migrate() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/walks_data/migrate").display().to_string()
}

/// A certificate, `NAME.pem` and `NAME.key`, for `DNS:host` or `IP:address`, by the company's authority, which is made first.
pub fn certificate(folder: &Path, name: &str, of: &str) {
    let script = "
        new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        [ -e ca.pem ] || openssl req $new -x509 -keyout ca.key -out ca.pem -days 7 -subj /CN=company
        openssl req $new -keyout $1.key -out $1.csr -subj /CN=$1
        echo subjectAltName=$2 >names
        openssl x509 -req -in $1.csr -out $1.pem -days 7 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names
    ";
    let mut made = Command::new("sh");
    let made = made
        .args(["-euc", script, "sh", name, of])
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
