//! A compose host of the lab's, and an operator's home beside it.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::operator::Home;
use crate::common::through::{Values, Walked, Walker, Ways};
use crate::server::{Server, free_port};

/// A host that is up, and who looks after it.
pub struct Host {
    /// The operator's home; the host's own files lie in its folder `host`.
    pub home: Home,
    /// For copies: outside of /tmp, as the runbooks ask.
    pub safe: TempDir,
    lab: Child,
    facts: Value,
    site: String,
    servers: Vec<Server>,
    walker: Option<Walker>,
}

/// A session of the operator's on the host, for what they do by hand.
#[derive(Clone)]
pub struct Hands {
    ssh: PathBuf,
}

impl Hands {
    /// What a script prints on the host. It must succeed.
    pub fn run(&self, script: &str) -> String {
        let mut ssh = Command::new(&self.ssh);
        ssh.args(["-T", "-o", "BatchMode=yes", "compose-host", "bash", "-s"]);
        let mut ssh = ssh
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let text = format!("set -eu -o pipefail\n{{\n{script}\n}} </dev/null\n");
        let mut stdin = ssh.stdin.take().unwrap();
        stdin.write_all(text.as_bytes()).unwrap();
        drop(stdin);
        let done = ssh.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{script}: {said}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

/// A program of the lab's.
pub fn lab(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/lab")
        .join(program)
}

impl Host {
    /// A host with the engine and an image to build on, and nothing else.
    pub fn bare() -> Self {
        let home = Home::new(&[]);
        fs::create_dir(home.path("bin")).unwrap();
        let mut lab = Command::new(lab("host"))
            .arg(home.path("host"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(lab.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the lab said {line:?}"));
        let state = home.path("state/warroom").display().to_string();
        let site = format!(
            "name = \"shop\"\nstate_dir = \"{state}\"\n[objectives]\nrto = \"4h\"\nrpo = \"1h\"\n"
        );
        let host = Self {
            home,
            safe: tempfile::tempdir_in("/var/tmp").unwrap(),
            lab,
            facts,
            site,
            servers: Vec::new(),
            walker: None,
        };
        host.programs();
        host.certificate();
        host.base_image();
        host
    }

    /// The real `ssh` with the keys of this host, and the real `docker` on its engine's socket.
    fn programs(&self) {
        symlink(self.file("bin/ssh"), self.home.path("bin/ssh")).unwrap();
        symlink(self.file("root/.docker"), self.home.path(".docker")).unwrap();
        let (socket, program) = (self.socket(), self.docker());
        let script = format!("#!/bin/sh\nDOCKER_HOST='{socket}' exec '{program}' \"$@\"\n");
        fs::write(self.home.path("bin/docker"), script).unwrap();
        fs::set_permissions(self.home.path("bin/docker"), Permissions::from_mode(0o755)).unwrap();
    }

    fn docker(&self) -> String {
        format!(
            "{}/usr/bin/docker",
            self.facts["programs"].as_str().unwrap()
        )
    }

    fn socket(&self) -> String {
        format!("unix://{}", self.path("docker.sock"))
    }

    /// A certificate for the host and for all who answer by HTTPS outside of it, and the authority that it comes from.
    fn certificate(&self) {
        let names = format!(
            "subjectAltName=DNS:localhost,DNS:payments.example,DNS:reserve.example,IP:{}",
            self.address(2)
        );
        let script = "
            new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
            openssl req $new -x509 -keyout ca.key -out ca.pem -days 7 -subj /CN=shop
            openssl req $new -keyout localhost.key -out localhost.csr -subj /CN=localhost
            echo \"$0\" >names.conf
            openssl x509 -req -in localhost.csr -out localhost.pem -days 7 -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names.conf
            cat localhost.key localhost.pem >tls.pem
            cp ca.pem root/
        ";
        let mut made = Command::new("sh");
        let made = made.args(["-euc", script, &names]);
        let made = made.current_dir(self.file("")).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let trusts = format!("cacert = {}\n", self.path("ca.pem"));
        fs::write(self.home.path(".curlrc"), trusts).unwrap();
    }

    /// What all images of the shop are built from: there is no registry to pull from.
    fn base_image(&self) {
        let script = "\"$0\" | docker import - shop/base >/dev/null";
        let mut made = Command::new("sh");
        made.args(["-euc", script, &lab("image").display().to_string()]);
        let bin = format!(
            "{}:{}",
            self.home.path("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let made = made.env("PATH", bin).output().unwrap();
        assert!(made.status.success(), "{made:?}");
    }

    /// A file of the host's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.home.path("host").join(name)
    }

    /// The same, as text.
    pub fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }

    /// An address of the network: 2 is the host's, 10 and 11 are third parties', 53 and 54 resolvers.
    pub fn address(&self, last: u8) -> String {
        format!("{}.{last}", self.facts["net"].as_str().unwrap())
    }

    /// The operator on the host.
    pub fn hands(&self) -> Hands {
        Hands {
            ssh: self.file("bin/ssh"),
        }
    }

    /// What the resolvers know from now on: a name's address, by its last number.
    pub fn names(&self) -> impl Fn(&[(&str, u8)]) + Send + use<> {
        let (file, net) = (self.file("names"), self.address(0));
        let net = net.trim_end_matches('0').to_owned();
        let outside = self.facts["outside"].to_string();
        let pids = [self.path("53.pid"), self.path("54.pid")];
        move |names| {
            let lines = names
                .iter()
                .map(|(name, last)| format!("{net}{last} {name}\n"));
            fs::write(&file, lines.collect::<String>()).unwrap();
            let enter = ["--target", &outside, "--pid", "--mount"];
            let mut told = Command::new("nsenter");
            told.args(enter)
                .args(["sh", "-euc", "kill -HUP $(cat \"$@\")", "sh"])
                .args(&pids);
            assert!(told.status().unwrap().success());
        }
    }

    /// Starts a program outside of the host, in the network beside it.
    pub fn outside(&mut self, words: &[&str]) {
        let pid = self.facts["outside"].to_string();
        let all = ["--target", &pid, "--net"]
            .into_iter()
            .chain(words.iter().copied());
        let all: Vec<String> = all.map(str::to_owned).collect();
        self.servers.push(Server::launch("nsenter", &all));
    }

    /// Starts a program on this machine, and waits for its port.
    pub fn server(&mut self, program: &str, args: &[String], port: u16) {
        self.servers.push(Server::start(program, args, port));
    }

    /// What a real Prometheus that scrapes the shop answers, as targets: an instant query each.
    /// Where it answers.
    pub fn prometheus(&mut self, queries: &[(&str, &str)]) -> String {
        let port = free_port();
        let config = self.home.path("prometheus.yml");
        let scrape = format!(
            "scrape_configs:\n- job_name: shop\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['{}:80']\n",
            self.address(2)
        );
        fs::write(&config, scrape).unwrap();
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", self.home.path("tsdb").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        self.server("prometheus", &args, port);
        for (id, query) in queries {
            let keys = format!(
                "system = \"prometheus\"\nurl = \"http://127.0.0.1:{port}\"\nquery = '{query}'\nbreach = \"> 1e9\""
            );
            self.target(id, &keys);
        }
        format!("http://127.0.0.1:{port}")
    }

    /// Adds to the site file.
    pub fn site(&mut self, text: &str) {
        self.site.push_str(text);
        fs::write(self.home.path("site.toml"), &self.site).unwrap();
    }

    /// Adds a target to the site file.
    pub fn target(&mut self, id: &str, keys: &str) {
        let text = format!("\n[targets.{id}]\ninterval = \"1s\"\ntimeout = \"10s\"\n{keys}\n");
        self.site(&text);
    }

    /// The operator's own copy of a built-in runbook, in which what takes minutes takes seconds.
    pub fn hurries(&self, runbook: &str, windows: &[(&str, &str)]) {
        let file = format!("{runbook}.md");
        let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
        let mut text = fs::read_to_string(Path::new(built_in).join(&file)).unwrap();
        for (long, short) in windows {
            assert!(text.contains(long), "{runbook} has no {long}");
            text = text.replace(long, short);
        }
        fs::write(self.home.path("config/warroom/runbooks").join(file), text).unwrap();
    }

    /// Who walks, in the one incident of the host.
    pub fn walker(&mut self) -> &mut Walker {
        let (home, site) = (self.home.path(""), self.home.path("site.toml"));
        self.walker
            .get_or_insert_with(|| Walker::declares(&home, &site, "The shop is down"))
    }

    /// What is typed into a runbook that another one opens.
    pub fn gives(&mut self, runbook: &str, values: Values<'_>) {
        self.walker();
        self.walker = self.walker.take().map(|w| w.gives(runbook, values));
    }

    /// Walks a runbook to its end.
    pub fn walks(&mut self, runbook: &str, values: Values<'_>, ways: Ways<'_>) -> Walked {
        self.walker().walks(runbook, values, ways)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // The console first: it has sessions on the host.
        self.walker = None;
        self.servers.clear();
        drop(self.lab.stdin.take());
        let _ = self.lab.wait();
    }
}
