//! An application on AWS and the operator who answers for it: its database at RDS is the lab's PostgreSQL, its services and secrets
//! are the AWS lab's, and users reach it by HTTPS (tests/lab/app.py).

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use warroom::incident::runbook::parse;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::common::through::{Values, Walked, Walker, Ways};

/// Where copies that RDS makes answer: `lab copy`.
pub const COPIES: &str = "127.0.0.2";

/// A running application.
pub struct World {
    pub lab: Lab,
    pub aws: Aws,
    app: Child,
    /// The address its users reach, without a port: HTTPS is at 443.
    pub host: String,
}

impl World {
    /// Brings it up. `keys`: how many of the newest keys it takes logins of.
    pub fn up(keys: u8) -> World {
        let (lab, aws) = (Lab::up(), Aws::up());
        aws.order(&json!({ "addresses": { "app-db": "127.0.0.1", "*": COPIES } }));
        // A port of the lab is held by this test alone, and so is the address made of it.
        let port = lab.port("pg-east");
        let host = format!("127.10.{}.{}", port >> 8, port & 255);
        certify(&lab.path(""), &host);
        let app = starts(&lab, &aws, &host, keys);
        let world = World {
            lab,
            aws,
            app,
            host,
        };
        world.furnish();
        world
    }

    /// All that it needs but a database stands in another region or account, which a login leads to.
    pub fn could_move_to(&self, region: &str, login: &str) {
        let mut rooms = Command::new("python3");
        rooms.arg("-B").arg(tests("lab/app.py"));
        let done = rooms
            .args(["rooms", self.aws.fact("endpoint"), region, login])
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }

    /// The operator's home: logins, the site file, programs that are not the machine's.
    fn furnish(&self) {
        let home = self.home();
        for folder in [".aws", "bin", "folder", "runbooks", "terraform"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        let login = |id: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = lab\n");
        // The proxy takes a login of twelve digits into the account of that number.
        let logins = format!(
            "[default]\n{}[drill]\n{}",
            login("lab"),
            login(DRILL_ACCOUNT)
        );
        fs::write(home.join(".aws/credentials"), logins).unwrap();
        // As version 2 of the command line writes times by itself.
        let config = "cli_timestamp_format = iso8601\n";
        let config = format!("[default]\n{config}[profile drill]\n{config}");
        fs::write(home.join(".aws/config"), config).unwrap();
        fs::copy(self.lab.path("ca.pem"), home.join("ca.pem")).unwrap();
        let trusted = home.join("ca.pem").display().to_string();
        fs::write(
            home.join("environment"),
            format!("SSL_CERT_FILE={trusted}\n"),
        )
        .unwrap();
        fs::write(home.join(".curlrc"), format!("cacert = \"{trusted}\"\n")).unwrap();
        let cache = cache().display().to_string();
        let aws = tests("lab/bin/aws").display().to_string();
        let script = format!("#!/bin/sh\nXDG_CACHE_HOME='{cache}' exec '{aws}' \"$@\"\n");
        fs::write(home.join("bin/aws"), script).unwrap();
        fs::set_permissions(home.join("bin/aws"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink(tests("walks_aws/terraform"), home.join("bin/terraform")).unwrap();
        fs::write(home.join("site.toml"), self.site()).unwrap();
    }

    fn home(&self) -> PathBuf {
        self.lab.path("home")
    }

    /// A file of the operator's home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home().join(name)
    }

    /// The same, as a variable of a runbook has it.
    pub fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    /// The site file, made of walks_aws/site.toml.
    fn site(&self) -> String {
        let text = fs::read_to_string(tests("walks_aws/site.toml")).unwrap();
        let named = [
            ("ENDPOINT", self.aws.fact("endpoint").to_owned()),
            ("ZONE", self.aws.fact("zone").to_owned()),
            ("HOST", self.host.clone()),
            ("COPIES", COPIES.to_owned()),
            ("PG", self.lab.port("pg-east").to_string()),
            ("REDIS", self.lab.port("redis-east").to_string()),
            ("LAB", self.lab.path("").display().to_string()),
            ("HOME", self.home().display().to_string()),
        ];
        named.into_iter().fold(text, |text, (name, value)| {
            text.replace(&format!("<{name}>"), &value)
        })
    }

    /// An operator who has declared an incident of that title.
    pub fn declares(&self, title: &str) -> Walker {
        Walker::declares(&self.home(), &self.path("site.toml"), title)
    }

    /// Walks a runbook to its end: its variables have the values given here, else those that are usual in this world.
    pub fn walks(
        &self,
        walker: &mut Walker,
        runbook: &str,
        own: Values<'_>,
        ways: Ways<'_>,
    ) -> Walked {
        let values = self.values(runbook, own);
        walker.walks(runbook, &borrowed(&values), ways)
    }

    /// The same for a runbook that another one opens. What that one gives it has to be said here too.
    pub fn gives(&self, walker: Walker, runbook: &str, own: Values<'_>) -> Walker {
        let values = self.values(runbook, own);
        walker.gives(runbook, &borrowed(&values))
    }

    fn values(&self, runbook: &str, own: Values<'_>) -> Vec<(String, String)> {
        let file = tests(&format!("../runbooks/{runbook}.md"));
        let (parsed, _) = parse(runbook, &fs::read_to_string(file).unwrap(), runbook.into());
        let vars = parsed.unwrap().card.vars;
        let own = own.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let all: BTreeMap<&str, String> = self.usual().into_iter().chain(own).collect();
        let value = |name: &String| {
            let value = all
                .get(name.as_str())
                .unwrap_or_else(|| panic!("{runbook} asks for {name}"));
            (name.clone(), value.clone())
        };
        vars.iter().map(|var| value(&var.name)).collect()
    }

    fn usual(&self) -> Vec<(&'static str, String)> {
        let named = [
            ("DB", "app-db"),
            ("SERVER", "pg"),
            ("DATABASE", "app"),
            ("APP_ROLE", "app"),
            ("TABLE", "customers"),
            ("EXTENSIONS", "plpgsql"),
            ("TOLERANCE", "1"),
            ("SECRET", "session-key"),
            ("PREFIX", "app/production/session"),
            ("CLUSTER", "production"),
            ("SERVICE", "gateway"),
            ("GATEWAY", "gateway"),
            ("PROCESSOR", "processor"),
            ("WORKERS", "workers"),
            ("LOGS", "/app/processor"),
            ("CACHE", "cache"),
            ("IMAGE", "image"),
            ("API", "app"),
            ("HEALTH", "app"),
            ("ADDRESS", "aws_db_instance.main"),
            ("WORKSPACE", "production"),
            ("SNAPSHOT_VARIABLE", "snapshot_identifier"),
        ];
        let named = named.map(|(name, value)| (name, value.to_owned()));
        let made = [
            ("HOST", self.host.clone()),
            ("FOLDER", self.word("folder")),
            ("STATE", self.word("terraform")),
            ("COUNTS", self.word("folder/counts.json")),
        ];
        named.into_iter().chain(made).collect()
    }

    /// An instance as boto3 reads it.
    pub fn instance(&self, name: &str) -> Value {
        let asked = json!({ "DBInstanceIdentifier": name });
        self.aws.boto("rds", "describe_db_instances", &asked)["DBInstances"][0].clone()
    }

    /// The names of all instances.
    pub fn instances(&self) -> Vec<String> {
        let all = self.aws.boto("rds", "describe_db_instances", &json!({}));
        let all = all["DBInstances"].as_array().unwrap().iter();
        all.map(|one| one["DBInstanceIdentifier"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What the application answers at a path, asked by curl with these words beside.
    pub fn curl(&self, path: &str, words: &[&str]) -> Value {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--cacert"])
            .arg(self.lab.path("ca.pem"));
        let done = curl
            .args(words)
            .arg(format!("https://{}{path}", self.host))
            .output()
            .unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        serde_json::from_slice(&done.stdout).unwrap()
    }

    /// A token of the test user, from a login made now.
    pub fn logs_in(&self) -> String {
        self.curl("/login", &["--request", "POST"])["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Rows as psql reads them; `host` is the instance's address.
    pub fn psql(&self, host: &str, question: &str) -> String {
        let password = fs::read_to_string(self.lab.path("secrets/pg-admin")).unwrap();
        let mut psql = Command::new("psql");
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            host,
            "-U",
            "postgres",
            "-d",
            "app",
            "-c",
            question,
        ]);
        psql.arg("-p").arg(self.lab.port("pg-east").to_string());
        let done = psql.env("PGPASSWORD", password.trim()).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Writes down how many rows every table has now.
    pub fn counts(&self) {
        let tables = ["customers", "debates", "messages", "heartbeat"];
        let rows = tables.map(|table| {
            let rows: i64 = self
                .psql("127.0.0.1", &format!("SELECT count(*) FROM {table}"))
                .parse()
                .unwrap();
            (format!("public.{table}"), rows.into())
        });
        let counts = Value::Object(rows.into_iter().collect());
        fs::write(self.path("folder/counts.json"), counts.to_string()).unwrap();
    }

    /// The configuration names an instance, and the state has another one, or none, under the same address.
    pub fn knows_the_instance(&self, state: &str, configuration: &str) {
        let folder = self.path("terraform");
        fs::create_dir_all(folder.join(".stand-in")).unwrap();
        let instance = json!({ "identifier": configuration, "snapshot_identifier": "${var.snapshot_identifier}" });
        let told = json!({ "variable": { "snapshot_identifier": { "default": null } }, "locals": { "workspaces": ["production", "drill"] },
            "resource": { "aws_db_instance": { "main": instance } } });
        fs::write(folder.join("main.tf.json"), told.to_string()).unwrap();
        let resources = match state {
            "" => json!({}),
            name => json!({ "aws_db_instance.main": name }),
        };
        let state = json!({ "version": 4, "serial": 1, "resources": resources });
        fs::write(
            folder.join(".stand-in/production.tfstate"),
            state.to_string(),
        )
        .unwrap();
        fs::write(folder.join(".stand-in/workspace"), "production").unwrap();
    }

    /// The lab's server that is there once Terraform has made the instance: RDS starts it, and the AWS lab can't.
    pub fn starts_with_the_instance(&self, server: &str) {
        let lab = tests("lab/lab").display().to_string();
        let script = format!(
            "#!/bin/sh\nexec '{lab}' start '{}' {server}\n",
            self.lab.path("").display()
        );
        let file = self.path("terraform/.stand-in/made");
        fs::write(&file, script).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// What the operator's own `aws` says with a profile.
    pub fn asks_as(&self, profile: &str, words: &[&str]) -> String {
        let mut aws = Command::new(self.path("bin/aws"));
        aws.env("HOME", self.home())
            .env("AWS_ENDPOINT_URL", self.aws.fact("endpoint"));
        aws.args([
            "--profile",
            profile,
            "--region",
            "us-east-1",
            "--output",
            "text",
        ]);
        let done = aws.args(words).output().unwrap();
        assert!(
            done.status.success(),
            "{}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// The application looks for its database at this address from now on.
    pub fn serves_from(&self, host: &str) {
        let place =
            json!({ "host": host, "port": self.lab.port("pg-east"), "user": "app" }).to_string();
        let stored = json!({ "SecretId": "app/production/database", "SecretString": place });
        self.aws.boto("secretsmanager", "put_secret_value", &stored);
    }

    /// The image of the service lies in a region's registry too.
    pub fn pushes_the_image(&self, region: &str) {
        let asked = json!({ "repositoryName": "web", "imageIds": [{ "imageTag": "v1" }] });
        let found = self.aws.boto("ecr", "batch_get_image", &asked);
        let manifest = &found["images"][0]["imageManifest"];
        let put = json!({ "repositoryName": "web", "imageTag": "v1", "imageManifest": manifest });
        self.aws.boto(&format!("ecr:{region}"), "put_image", &put);
    }

    /// A runbook of the site's own: the built-in one with its observation window, so long, of two seconds. What a window does is
    /// shown in tests/constructs.rs; here it would only be waited for.
    pub fn shortens(&self, runbook: &str, window: &str) {
        let text = fs::read_to_string(tests(&format!("../runbooks/{runbook}.md"))).unwrap();
        let (long, short) = (
            format!("hold     = {{ for = \"{window}\""),
            "hold     = { for = \"2s\"",
        );
        assert_eq!(
            text.matches(&long).count(),
            1,
            "{runbook} has one window of {window}"
        );
        fs::write(
            self.path("runbooks").join(format!("{runbook}.md")),
            text.replace(&long, short),
        )
        .unwrap();
    }

    /// A new key of a region, which encrypts copies there; gives its ARN.
    pub fn key(&self, region: &str) -> String {
        let made = self
            .aws
            .boto(&format!("kms:{region}"), "create_key", &json!({}));
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.app.kill();
        let _ = self.app.wait();
    }
}

/// The account that drills are held in.
pub const DRILL_ACCOUNT: &str = "111122223333";

/// A moment so many minutes ago, as a runbook's variable has it.
pub fn minutes_ago(minutes: i64) -> String {
    let at = chrono::Utc::now() - chrono::Duration::minutes(minutes);
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn borrowed(values: &[(String, String)]) -> Vec<(&str, &str)> {
    values
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

fn tests(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// Where labs keep what they have installed.
fn cache() -> PathBuf {
    let own = || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(own, PathBuf::from)
}

/// An authority of the lab's own, and a certificate of it for an address, with its key in one file.
fn certify(folder: &Path, address: &str) {
    let script = format!(
        "new='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2'\n\
         openssl req -x509 $new -keyout ca.key -out ca.pem -subj /CN=lab\n\
         openssl req -x509 -CA ca.pem -CAkey ca.key $new -keyout app.key -out app.crt -subj /CN=app \
         -addext basicConstraints=critical,CA:FALSE -addext subjectAltName=IP:{address}\n\
         cat app.key app.crt >app.pem"
    );
    let made = Command::new("sh")
        .args(["-ec", &script])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// Deploys the application, and waits until it answers.
fn starts(lab: &Lab, aws: &Aws, host: &str, keys: u8) -> Child {
    let mut app = Command::new("python3");
    app.arg("-B")
        .arg(tests("lab/app.py"))
        .args([host])
        .arg(lab.path(""));
    app.args([aws.fact("endpoint"), &keys.to_string()]);
    let mut app = app
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(app.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line.trim(), host, "the application did not start");
    app
}
