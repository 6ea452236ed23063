//! An AWS API server (tests/lab/README.md) that goes away with the test, however the test ends.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use warroom::incident::acts::Condition;
use warroom::incident::reading::{Failure, Outcome, Sight, Verdict};
use warroom::incident::site::Site;
use warroom::incident::sitefile;
use warroom::systems::{Shared, registry};
use warroom::world::Systems;
use warroom::world::judging::Judge;

/// A running server.
pub struct Aws {
    child: Child,
    facts: Value,
}

fn lab(program: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/lab")
        .join(program)
}

/// Runs `test` in a process of its own, which has the lab's credentials in its environment from the beginning.
pub fn with_credentials(name: &str, test: impl Future<Output = ()>) {
    let lab = Path::new("lab");
    let env = [("AWS_ACCESS_KEY_ID", lab), ("AWS_SECRET_ACCESS_KEY", lab)];
    super::again::with_env(name, &env, test);
}

impl Aws {
    /// Starts and seeds a server.
    pub fn up() -> Aws {
        let mut child = Command::new(lab("aws"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let facts =
            serde_json::from_str(&line).unwrap_or_else(|_| panic!("the AWS lab said {line:?}"));
        Aws { child, facts }
    }

    /// `zone`, `endpoint`
    pub fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap()
    }

    /// An order to the proxy in front of it; gives the requests it counted.
    pub fn order(&self, what: &Value) -> Value {
        super::act::order(self.fact("endpoint").trim_start_matches("http://"), what)
    }

    /// How often an action was asked for.
    pub fn count(&self, action: &str) -> u64 {
        self.order(&serde_json::json!({}))
            .get(action)
            .and_then(Value::as_u64)
            .unwrap_or(0)
    }

    /// Asks by boto3, which shares nothing with warroom.
    pub fn boto(&self, service: &str, operation: &str, values: &Value) -> Value {
        let mut ask = Command::new(lab("awsask"));
        ask.args([
            self.fact("endpoint"),
            service,
            operation,
            &values.to_string(),
        ]);
        let done = ask.output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// The site file of what was seeded.
    pub fn site_text(&self) -> String {
        let (endpoint, zone) = (self.fact("endpoint"), self.fact("zone"));
        let rds = |id: &str, instance: &str| {
            format!(
                "[targets.{id}]\nsystem = \"rds\"\ninstance = \"{instance}\"\naws_region = \"us-east-1\"\nendpoint = \"{endpoint}\"\n"
            )
        };
        let secret = |id: &str, name: &str, more: &str| {
            format!(
                "[targets.{id}]\nsystem = \"secrets\"\nname = \"{name}\"\naws_region = \"us-east-1\"\nendpoint = \"{endpoint}\"\n{more}\n"
            )
        };
        let dns = |id: &str, record: &str| {
            format!(
                "[targets.{id}]\nsystem = \"route53\"\nzone = \"{zone}\"\nrecord = \"{record}\"\nendpoint = \"{endpoint}\"\nsets = {{ blue = \"us-east-1\", green = \"us-west-2\" }}\n"
            )
        };
        let more = |id: &str, system: &str, keys: &str| {
            format!(
                "[targets.{id}]\nsystem = \"{system}\"\naws_region = \"us-east-1\"\nendpoint = \"{endpoint}\"\n{keys}\n"
            )
        };
        [
            "name = \"aws\"\n".to_owned(),
            rds("orders", "orders-db"),
            rds("replica", "orders-db-replica"),
            rds("reports", "reports-db"),
            rds("gone", "no-such-db"),
            secret("keys", "harbour/api-keys", "generate = 32"),
            secret("plain", "harbour/plain", ""),
            dns("public", "www.harbour.example"),
            dns("unweighted", "plain.harbour.example"),
            more(
                "dumps",
                "s3",
                "bucket = \"harbour-backups\"\nprefix = \"db/\"",
            ),
            more("no-bucket", "s3", "bucket = \"no-such-bucket\""),
            more("web", "ecs", "cluster = \"main\"\nservice = \"web\""),
            more("sessions", "elasticache", "group = \"sessions\""),
            more("orders-global", "aurora", "global = \"orders-global\""),
            more("alarms", "cloudwatch", "prefix = \"db-\""),
            more("image", "ecr", "repository = \"web\"\ntag = \"v1\""),
            more("image-west", "ecr", "repository = \"web\"\ntag = \"v1\"")
                .replace("us-east-1", "us-west-2"),
        ]
        .concat()
    }

    /// A site of what was seeded.
    pub fn site(&self) -> Site {
        let (site, faults) = sitefile::parse("site.toml", &self.site_text(), Path::new("/"));
        assert!(faults.is_empty(), "{faults:#?}");
        site.unwrap()
    }

    /// A target of the site.
    pub fn system(&self, id: &str) -> Shared {
        registry::open(&self.site()).remove(&id.into()).unwrap()
    }

    /// One look at a target.
    pub async fn see(&self, id: &str) -> Result<Sight, Failure> {
        self.system(id).observe().await.value
    }

    /// A condition, as the verification of a step judges it.
    pub async fn judged(&self, condition: &Condition) -> Verdict {
        let site = self.site();
        let systems = Systems::real(registry::open(&site));
        Judge::plain(&site, &systems).condition(condition).await
    }

    /// Carries an act out, as a runbook writes it; gives what it printed, and its outcome.
    pub async fn act(&self, text: &str) -> (Vec<String>, Outcome) {
        let act = super::act::act(text);
        let target = act.target().unwrap().as_str().to_owned();
        super::act::perform(&self.system(&target), &act).await
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        // It ends with its standard input; the kill is for one that hangs.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
