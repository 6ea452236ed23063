//! A Kubernetes API server (tests/lab/README.md) for all tests of a program. It ends with the program: its standard input does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::Value;
use warroom::incident::acts::{Act, Condition};
use warroom::incident::reading::{Failure, Outcome, Sight, Verdict};
use warroom::incident::site::Site;
use warroom::incident::sitefile;
use warroom::systems::{Shared, registry};
use warroom::world::Systems;
use warroom::world::judging::Judge;

/// A running cluster.
pub struct Kube {
    facts: Value,
    /// Its standard input stays open as long as this program runs.
    _child: Child,
    _folder: tempfile::TempDir,
}

/// Held by a test as long as it orders faults at the door, or counts what goes through it.
pub static DOOR: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// The cluster of this program, started at the first call.
pub fn cluster() -> &'static Kube {
    static CLUSTER: OnceLock<Kube> = OnceLock::new();
    CLUSTER.get_or_init(Kube::up)
}

impl Kube {
    /// A cluster besides the one of [`cluster`], for tests that stop its nodes. It ends with the program.
    pub fn up() -> Kube {
        let folder = tempfile::tempdir().unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lab/kubernetes");
        let mut child = Command::new(program)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let facts = serde_json::from_str(&line)
            .unwrap_or_else(|_| panic!("the Kubernetes lab said {line:?}"));
        Kube {
            facts,
            _child: child,
            _folder: folder,
        }
    }

    /// Its kubectl.
    pub fn program(&self) -> &str {
        self.facts["kubectl"].as_str().unwrap()
    }

    /// `admin`, `reader`, `nobody`, `door`: the kubeconfig of each.
    pub fn config(&self, who: &str) -> &str {
        self.facts[who].as_str().unwrap()
    }

    /// kubectl as the administrator.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .arg(format!("--kubeconfig={}", self.config("admin")))
            .args(args);
        command
    }

    /// kubectl as the administrator, which must succeed.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let done = self.command(args).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "kubectl {args:?}: {said}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// The same, with an object on its standard input.
    fn give(&self, args: &[&str], object: &Value) {
        let mut command = self.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(object.to_string().as_bytes()).unwrap();
        drop(stdin);
        assert!(child.wait().unwrap().success(), "kubectl {args:?} {object}");
    }

    /// Stores an object, with its status where it has one.
    pub fn apply(&self, object: &Value) {
        self.give(&["apply", "-f", "-"], object);
    }

    /// Changes an object where `path` says (`/apis/velero.io/v1/namespaces/x/backups/b`), as its operator would.
    pub fn write(&self, path: &str, change: impl Fn(&mut Value)) {
        let mut object = self.read(path);
        change(&mut object);
        self.give(&["replace", "--raw", path, "-f", "-"], &object);
    }

    /// An object as it is now; null when there is none.
    pub fn read(&self, path: &str) -> Value {
        let done = self.command(&["get", "--raw", path]).output().unwrap();
        serde_json::from_slice(&done.stdout).unwrap_or_default()
    }

    /// Waits until an object is as it should be.
    pub async fn appears(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..300 {
            let object = self.read(path);
            if wanted(&object) {
                return object;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{path}: {}", self.read(path))
    }

    /// A namespace of its own with a deployment `web` of three replicas that is rolled out.
    pub fn web(&self, namespace: &str) {
        self.kubectl(&["create", "namespace", namespace]);
        self.kubectl(&[
            "-n",
            namespace,
            "create",
            "deployment",
            "web",
            "--image=web:1",
            "--replicas=3",
        ]);
        self.kubectl(&[
            "-n",
            namespace,
            "rollout",
            "status",
            "deployment/web",
            "--timeout=60s",
        ]);
    }

    /// Sends a server a signal: `node-1`, `controllers`.
    pub fn signal(&self, server: &str, signal: &str) {
        let pid = self.facts["pids"][server].as_u64().unwrap().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{signal}"), &pid])
            .status();
        assert!(sent.unwrap().success());
    }

    /// An order to the door in front of the API server; gives the requests it counted, by method.
    pub fn order(&self, what: &Value) -> Value {
        super::act::order(self.facts["orders"].as_str().unwrap(), what)
    }

    /// A site with the one target `x` of the cluster, reached as somebody.
    fn site(&self, who: &str, target: &str) -> Site {
        let text = format!(
            "name = \"k\"\n[targets.x]\ntimeout = \"5s\"\ncontext = \"lab\"\nkubeconfig = \"{}\"\n{target}\n",
            self.config(who)
        );
        let (site, faults) = sitefile::parse("site.toml", &text, Path::new("/"));
        site.unwrap_or_else(|| panic!("{target}: {faults:#?}"))
    }

    /// The target `x`, reached as somebody.
    pub fn system(&self, who: &str, target: &str) -> Shared {
        let site = self.site(who, target);
        registry::open(&site).remove(&"x".into()).unwrap()
    }

    /// A condition on `x`, as the verification of a step judges it.
    pub async fn judged(&self, target: &str, condition: &Condition) -> Verdict {
        let site = self.site("admin", target);
        let systems = Systems::real(registry::open(&site));
        Judge::plain(&site, &systems).condition(condition).await
    }

    /// One look at a target, as somebody.
    pub async fn see(&self, who: &str, target: &str) -> Result<Sight, Failure> {
        self.system(who, target).observe().await.value
    }

    /// Looks until it is as it should be.
    pub async fn settled(&self, target: &str, wanted: impl Fn(&Sight) -> bool) -> Sight {
        for _ in 0..300 {
            if let Ok(sight) = self.see("admin", target).await
                && wanted(&sight)
            {
                return sight;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{target}: {:?}", self.see("admin", target).await)
    }

    /// Carries an act out on `x` as somebody, as a runbook writes it; gives what it printed, and its outcome.
    pub async fn act(&self, who: &str, target: &str, act: &Act) -> (Vec<String>, Outcome) {
        super::act::perform(&self.system(who, target), act).await
    }
}
