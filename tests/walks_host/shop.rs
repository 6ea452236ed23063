//! The shop on a host: its compose project, what it is told in `.env`, and what others are told of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::host::Host;

/// Where its folder is on the host.
pub const FOLDER: &str = "srv/shop";

/// A certificate's names: the shop's provider, and another one.
const PROVIDERS: [(&str, u8); 2] = [("payments.example", 10), ("reserve.example", 11)];

/// A folder or file of these tests.
pub fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

impl Host {
    /// A host on which the shop runs, with customers, and outside of it what the shop needs.
    pub fn with_shop() -> Self {
        let mut host = Self::bare();
        host.third_parties();
        host.sources(&host.file(FOLDER));
        host.settings(FOLDER);
        host.starts_shop(FOLDER);
        host.targets();
        host
    }

    /// Two providers by HTTPS, and the names of all.
    pub fn third_parties(&mut self) {
        self.names()(&[PROVIDERS[0], PROVIDERS[1], ("git.shop.example", 5)]);
        let (program, certificate) = (ours("walks_host/provider.py"), self.path("tls.pem"));
        for (name, last) in PROVIDERS {
            let (address, limited) = (self.address(last), self.path(&format!("{name}.limited")));
            let program = program.display().to_string();
            self.outside(&["python3", &program, &address, &certificate, &limited]);
        }
    }

    /// The project as its repository has it, which it is.
    pub fn sources(&self, folder: &Path) {
        let script = "
            mkdir -p \"$(dirname \"$1\")\"
            cp -r \"$2\" \"$1\"
            cp \"$3\" \"$1/app\"
            cd \"$1\"
            printf '%s\\n' '.env*' '*.before*' >.gitignore
            git init --quiet --initial-branch=main
            git add .
            git -c user.name=ana -c user.email=ana@shop.example commit --quiet --message='Sell'
            git tag v1
        ";
        let mut made = Command::new("sh");
        let made = made.args(["-euc", script, "sh"]).args([
            folder,
            &ours("walks_host/shop"),
            &ours("walks_data/company.py"),
        ]);
        let made = made.output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// Its settings.
    pub fn settings(&self, folder: &str) {
        let text = format!(
            "POSTGRES_USER=postgres\nPOSTGRES_PASSWORD=admin-4711\nPOSTGRES_DB=app\nAPP_PASSWORD=app-0815\nREDIS_PASSWORD=cache-1234\n\
             RESOLVER={}\nPROVIDER=payments.example\nLOGIN_KEY=login-0815\nADMIN_KEY=warm-4711\nCERTIFICATES={}\n",
            self.address(53),
            self.path("")
        );
        fs::write(self.file(folder).join(".env"), text).unwrap();
        for (name, secret) in [
            ("pg", "admin-4711"),
            ("redis", "cache-1234"),
            ("login", "login-0815"),
        ] {
            let file = self.home.path(&format!("{name}.secret"));
            let made = Command::new("install")
                .args(["-m", "600", "/dev/null"])
                .arg(&file)
                .status();
            assert!(made.unwrap().success());
            fs::write(file, secret).unwrap();
        }
    }

    /// Starts it, with customers in its database.
    pub fn starts_shop(&self, folder: &str) {
        self.hands().run(&format!(
            "cd {}
             docker compose build --quiet
             docker compose up --detach --wait --wait-timeout 120 db cache
             docker compose exec -T db psql --no-psqlrc --quiet --set=ON_ERROR_STOP=1 -U postgres app <<'SQL'
             SET ROLE app;
             CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
             CREATE TABLE profiles (customer_id bigint NOT NULL REFERENCES customers, words text NOT NULL);
             INSERT INTO customers SELECT n, 'Customer ' || n FROM generate_series(1, 40) n;
             INSERT INTO profiles SELECT n, 'about ' || n FROM generate_series(1, 40) n;
SQL
             docker compose up --detach --wait --wait-timeout 120",
            self.path(folder)
        ));
    }

    /// The shop in the site file: `shop` by HTTP, `project`, `pg` with its superuser, `cache`.
    pub fn targets(&mut self) {
        let (address, socket) = (self.address(2), self.path("docker.sock"));
        let secret = |name: &str| {
            self.home
                .path(&format!("{name}.secret"))
                .display()
                .to_string()
        };
        let (pg, redis) = (secret("pg"), secret("redis"));
        self.target(
            "shop",
            &format!("system = \"http\"\nurl = \"http://{address}/health\"\nfield = \"status\"\nequals = \"ok\""),
        );
        self.target(
            "project",
            &format!("system = \"docker\"\nsocket = \"{socket}\"\nproject = \"shop\""),
        );
        self.target(
            "pg",
            &format!("system = \"postgres\"\nhost = \"{address}\"\nuser = \"postgres\"\ndbname = \"app\"\ntls = \"off\"\npassword = {{ file = \"{pg}\" }}"),
        );
        self.target(
            "cache",
            &format!("system = \"redis\"\nhost = \"{address}\"\npassword = {{ file = \"{redis}\" }}\ntls = \"off\""),
        );
    }

    /// What psql answers to a question, asked as the superuser.
    pub fn sql(&self, question: &str) -> String {
        let mut psql = Command::new("psql");
        psql.args([
            "--no-psqlrc",
            "-XAtqc",
            question,
            "-U",
            "postgres",
            "-d",
            "app",
        ]);
        psql.args(["-h", &self.address(2)])
            .env("PGPASSWORD", "admin-4711");
        told(&mut psql)
    }

    /// What redis-cli answers.
    pub fn redis(&self, words: &[&str]) -> String {
        let mut redis = Command::new("redis-cli");
        redis.args(["-e", "-h", &self.address(2)]).args(words);
        told(redis.env("REDISCLI_AUTH", "cache-1234"))
    }

    /// The status that curl gets from the shop: `/health`.
    pub fn status(&self, words: &[&str], path: &str) -> String {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--max-time", "20", "--output", "/dev/null"]);
        curl.args(["--write-out", "%{http_code}"]).args(words);
        told(curl.arg(format!("http://{}{path}", self.address(2))))
    }
}

/// What curl gets from an address.
pub fn asked(url: &str) -> String {
    told(Command::new("curl").args(["--silent", "--fail", "--max-time", "20", url]))
}

fn told(command: &mut Command) -> String {
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {said}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}
