//! Where a walk takes place: a namespace of the cluster that all walks share, an operator's home with a site file of its own, what
//! stands in for programs, and the service's health and metrics, which are files that a real web server gives out.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use warroom::incident::journal::fold::{ActionState, Phase};
use warroom::incident::journal::{Entry, Incident};
use warroom::incident::names::StepId;

use crate::aws::Aws;
use crate::common::lab::Lab;
use crate::common::operator::Home;
use crate::common::through::{Values, Walked, Walker};
use crate::common::walk::wait_until;
use crate::kube::Kube;
use crate::server::{Server, free_port};

/// Sets it when a walk ends, or fails.
struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A namespace, a home, a site.
pub struct Place {
    /// The operator's home. Its folder `web` is what the web server gives out, `bin` what stands in for programs.
    pub home: Home,
    /// The cluster.
    pub kube: &'static Kube,
    /// The namespace.
    pub namespace: String,
    web: u16,
    site: String,
    servers: Vec<Server>,
    /// What is typed into runbooks that others open: the runbook's id, and values of its variables.
    subs: Vec<(String, Vec<(String, String)>)>,
    /// Who walks, in the one incident of the place.
    walker: Mutex<Option<Walker>>,
}

impl Place {
    /// A namespace of that name, in the primary region us-east-1. Its service is healthy: `targets.api`.
    pub fn new(kube: &'static Kube, namespace: &str) -> Self {
        Self::within(kube, namespace, ("us-east-1", "us-west-2"))
    }

    /// The same after a failover: us-west-2 is the primary region that was lost.
    pub fn after_failover(kube: &'static Kube, namespace: &str) -> Self {
        Self::within(kube, namespace, ("us-west-2", "us-east-1"))
    }

    fn within(kube: &'static Kube, namespace: &str, (primary, standby): (&str, &str)) -> Self {
        let regions = format!(
            "[regions.{primary}]\nrole = \"primary\"\n[regions.{standby}]\nrole = \"standby\"\n"
        );
        let home = Home::new(&[]);
        kube.kubectl(&["create", "namespace", namespace]);
        for folder in ["web", "bin", "pod"] {
            fs::create_dir(home.path(folder)).unwrap();
        }
        fs::write(home.path("log"), "GET / 200\n").unwrap();
        fs::write(home.path("kubectl.real"), kube.program()).unwrap();
        let state = home.path("state/warroom").display().to_string();
        let web = free_port();
        let server = Server::start("python3", &web_server(&home.path("web"), web), web);
        let mut place = Self {
            home,
            kube,
            namespace: namespace.to_owned(),
            web,
            site: format!(
                "name = \"{namespace}\"\nstate_dir = \"{state}\"\n[objectives]\nrto = \"4h\"\nrpo = \"1h\"\n{regions}"
            ),
            servers: vec![server],
            subs: Vec::new(),
            walker: Mutex::new(None),
        };
        place.stands_in("kubectl", include_str!("standins/kubectl"));
        place.healthy(true);
        place.target(
            "api",
            &format!("system = \"http\"\nurl = \"{}\"", place.url("health")),
        );
        place
    }

    /// Puts a script in the operator's path.
    pub fn stands_in(&self, program: &str, text: &str) {
        let path = self.home.path(&format!("bin/{program}"));
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Sets a variable in the environment of the console.
    pub fn environment(&self, name: &str, value: &str) {
        let file = self.home.path("environment");
        let before = fs::read_to_string(&file).unwrap_or_default();
        fs::write(file, format!("{before}{name}={value}\n")).unwrap();
    }

    /// The operator's own copy of a built-in runbook, in which what takes minutes takes seconds: `("for = \"5m\"", "for = \"5s\"")`.
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

    /// Where the web server gives a file out.
    pub fn url(&self, file: &str) -> String {
        format!("http://127.0.0.1:{}/{file}", self.web)
    }

    /// Whether the service answers 200 or 404.
    pub fn healthy(&self, so: bool) {
        let page = self.home.path("web/health");
        match so {
            true => fs::write(page, "ok").unwrap(),
            false => fs::remove_file(page).unwrap(),
        }
    }

    /// What the service tells Prometheus from now on.
    pub fn metrics(&self, text: &str) {
        let new = self.home.path("metrics");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.home.path("web/metrics")).unwrap();
    }

    /// Adds to the site file.
    pub fn site(&mut self, text: &str) {
        self.site.push_str(text);
        fs::write(self.home.path("site.toml"), &self.site).unwrap();
    }

    /// Adds a target to the site file.
    pub fn target(&mut self, id: &str, keys: &str) {
        let text = format!("\n[targets.{id}]\ninterval = \"1s\"\ntimeout = \"5s\"\n{keys}\n");
        self.site(&text);
    }

    /// Adds a target of the cluster, `kind` one of `kubernetes`, `cnpg`, `velero`, `argocd`.
    pub fn kubernetes(&mut self, id: &str, kind: &str, keys: &str) {
        self.kubernetes_by(self.kube.config("admin"), id, kind, keys);
    }

    /// The same, reached by a kubeconfig that need not be there yet.
    pub fn kubernetes_by(&mut self, config: &str, id: &str, kind: &str, keys: &str) {
        let namespace = &self.namespace;
        let text = format!(
            "system = \"{kind}\"\ncontext = \"lab\"\nkubeconfig = \"{config}\"\nnamespace = \"{namespace}\"\n{keys}"
        );
        self.target(id, &text);
    }

    /// A deployment of three replicas that is rolled out, as a target of its name.
    pub fn deployment(&mut self, name: &str) {
        self.kubectl(&[
            "create",
            "deployment",
            name,
            "--image=web:1",
            "--replicas=3",
        ]);
        self.rolled_out(name);
        self.kubernetes(
            name,
            "kubernetes",
            &format!("workload = \"deployment/{name}\""),
        );
    }

    /// Waits until a deployment is rolled out.
    pub fn rolled_out(&self, name: &str) {
        let workload = format!("deployment/{name}");
        self.kubectl(&["rollout", "status", &workload, "--timeout=120s"]);
    }

    /// A release of a deployment: another image.
    pub fn released(&self, name: &str, image: &str) {
        let (workload, image) = (format!("deployment/{name}"), format!("web={image}"));
        self.kubectl(&["set", "image", &workload, &image]);
        self.rolled_out(name);
    }

    /// What a real Prometheus answers, as targets: an instant query each.
    pub fn prometheus(&mut self, queries: &[(&str, &str)]) {
        let port = free_port();
        let config = self.home.path("prometheus.yml");
        let scrape = format!(
            "scrape_configs:\n- job_name: web\n  scrape_interval: 1s\n  static_configs:\n  - targets: ['127.0.0.1:{}']\n",
            self.web
        );
        fs::write(&config, scrape).unwrap();
        let args = [
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", self.home.path("tsdb").display()),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        self.servers.push(Server::start("prometheus", &args, port));
        for (id, query) in queries {
            let keys = format!(
                "system = \"prometheus\"\nurl = \"http://127.0.0.1:{port}\"\nquery = '{query}'\nbreach = \"> 1e9\""
            );
            self.target(id, &keys);
        }
    }

    /// The administrator's kubectl, in the namespace.
    pub fn kubectl(&self, args: &[&str]) -> String {
        let mut all = vec!["--namespace", &self.namespace];
        all.extend(args);
        self.kube.kubectl(&all)
    }

    /// A part of an object of the namespace: `deployment/web`, `{.spec.replicas}`.
    pub fn get(&self, object: &str, path: &str) -> String {
        self.kubectl(&["get", object, &format!("--output=jsonpath={path}")])
    }

    /// A variable in the environment of a deployment's container.
    pub fn variable(&self, workload: &str, name: &str) -> String {
        let path =
            format!("{{.spec.template.spec.containers[0].env[?(@.name==\"{name}\")].value}}");
        self.get(&format!("deployment/{workload}"), &path)
    }

    /// Adds targets of a lab to the site, and the links between them, as the lab's own site file has them.
    pub fn of_lab(&mut self, lab: &Lab, targets: &[&str]) {
        let text = fs::read_to_string(lab.path("site.toml")).unwrap();
        let has = |name: &str| targets.contains(&name);
        for section in text.split("\n\n") {
            let target = targets
                .iter()
                .any(|id| section.starts_with(&format!("[targets.{id}]")));
            let between = section.starts_with("[links.pg]") && has("pg-west")
                || section.starts_with("[links.redis]") && has("redis-west");
            if target || between {
                // A busy machine is no outage.
                let patient = section.replace("timeout = \"1s\"", "timeout = \"10s\"");
                self.site(&format!("\n{patient}\n"));
            }
        }
    }

    /// A PostgreSQL server of a lab at a port, as the application logs in there.
    pub fn database(&mut self, id: &str, lab: &Lab, port: u16) {
        self.postgres(id, lab, port, ("app", "pg-app"));
    }

    /// The same, as a superuser logs in there.
    pub fn database_admin(&mut self, id: &str, lab: &Lab, port: u16) {
        self.postgres(id, lab, port, ("postgres", "pg-admin"));
    }

    fn postgres(&mut self, id: &str, lab: &Lab, port: u16, (user, secret): (&str, &str)) {
        let secret = lab.path("secrets").join(secret).display().to_string();
        let keys = format!(
            "system = \"postgres\"\nhost = \"127.0.0.1\"\nport = {port}\nuser = \"{user}\"\ndbname = \"app\"\ntls = \"off\"\npassword = {{ file = \"{secret}\" }}"
        );
        self.target(id, &keys);
    }

    /// A bucket of an AWS lab; whoever asks logs in by the home's own credentials.
    pub fn bucket(&mut self, id: &str, aws: &Aws, bucket: &str) {
        self.credentials();
        let endpoint = aws.fact("endpoint");
        let keys = format!(
            "system = \"s3\"\nbucket = \"{bucket}\"\naws_region = \"us-east-1\"\nendpoint = \"{endpoint}\""
        );
        self.target(id, &keys);
    }

    /// A weighted name of the AWS lab, whose sets are `blue` (us-east-1) and `green` (us-west-2), and the resolver of it.
    pub fn record(&mut self, id: &str, aws: &Aws, resolver: u16, name: &str) {
        self.credentials();
        let (endpoint, zone) = (aws.fact("endpoint"), aws.fact("zone"));
        let keys = format!(
            "system = \"route53\"\nzone = \"{zone}\"\nrecord = \"{name}\"\nendpoint = \"{endpoint}\"\nsets = {{ blue = \"us-east-1\", green = \"us-west-2\" }}\nresolvers = [\"127.0.0.1:{resolver}\"]"
        );
        self.target(id, &keys);
    }

    /// Puts the real AWS command line in the operator's path; it is kept in the cache of whoever runs the tests.
    pub fn aws_cli(&self) {
        let cache = std::env::var("XDG_CACHE_HOME")
            .unwrap_or_else(|_| format!("{}/.cache", std::env::var("HOME").unwrap()));
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lab/bin/aws");
        self.stands_in(
            "aws",
            &format!("#!/bin/sh\nXDG_CACHE_HOME={cache} exec {program} \"$@\"\n"),
        );
    }

    fn credentials(&self) {
        let credentials = "[default]\naws_access_key_id = lab\naws_secret_access_key = lab\n";
        fs::create_dir_all(self.home.path(".aws")).unwrap();
        fs::write(self.home.path(".aws/credentials"), credentials).unwrap();
    }

    /// What is typed into a runbook that another one opens, beside what that one gives it. Said before the first walk.
    pub fn gives(&mut self, runbook: &str, values: Values<'_>) {
        let values = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.subs.push((runbook.to_owned(), values.collect()));
    }

    /// Who walks: a person with a console on the site, who has declared an incident.
    fn person(&self) -> Walker {
        let (home, site) = (self.home.path(""), self.home.path("site.toml"));
        let walker = Walker::declares(&home, &site, &self.namespace);
        self.subs.iter().fold(walker, |walker, (runbook, values)| {
            let values: Vec<(&str, &str)> = values.iter().map(|(n, v)| (&**n, &**v)).collect();
            walker.gives(runbook, &values)
        })
    }

    /// Walks a runbook to its end: values of its variables, and the ways at its forks.
    pub fn walk(&self, runbook: &str, values: Values<'_>, ways: Values<'_>) -> Told {
        let mut walker = self.walker.lock().unwrap();
        let walker = walker.get_or_insert_with(|| self.person());
        Told {
            walked: walker.walks(runbook, values, ways),
            runbook: runbook.to_owned(),
        }
    }

    /// Walks a runbook while others work: what they do is called again and again until the walk is over, however it ends.
    pub fn walk_beside(
        &self,
        mut others: impl FnMut() + Send,
        runbook: &str,
        values: Values<'_>,
        ways: Values<'_>,
    ) -> Told {
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::SeqCst) {
                    others();
                    thread::sleep(Duration::from_millis(200));
                }
            });
            let _ends = Ends(&over);
            self.walk(runbook, values, ways)
        })
    }

    /// Whether something of a step was done, as the journal has it now.
    pub fn done(&self, step: &str) -> bool {
        let lines = self.journal();
        // A line that is being written is not there yet.
        let whole = lines
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n'));
        let entries: Vec<Entry> = whole
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let incident = Incident::fold(&entries);
        let walks = incident.iter().flat_map(|incident| &incident.walks);
        let mut states = walks.filter_map(|walk| walk.steps.get(&StepId(step.to_owned())));
        states.any(|state| {
            let ran =
                |action: &ActionState| action.attempts.iter().any(|a| a.phase() == Phase::Done);
            !state.ticks.is_empty() || state.branched.is_some() || state.actions.values().any(ran)
        })
    }

    /// Waits until something is so.
    pub fn until(&self, what: &str, so: impl FnMut() -> bool) {
        wait_until(&format!("{}: {what}", self.namespace), so);
    }

    /// The journal's text; empty before there is an incident.
    pub fn journal(&self) -> String {
        let incidents = self.home.path("state/warroom/incidents");
        let found = fs::read_dir(incidents).into_iter().flatten().flatten();
        let texts = found.map(|one| fs::read_to_string(one.path().join("journal.jsonl")));
        texts.flatten().collect()
    }
}

/// A walk that is at its end, and the runbook that was walked.
pub struct Told {
    walked: Walked,
    runbook: String,
}

impl Told {
    /// These steps were done, in this order, and no other.
    #[track_caller]
    pub fn went(&self, steps: &[&str]) {
        self.went_in(&self.runbook, steps);
    }

    /// The same of a runbook that was opened by this one, or by one of those.
    #[track_caller]
    pub fn went_in(&self, runbook: &str, steps: &[&str]) {
        assert_eq!(self.walked.steps(runbook), steps, "{runbook}");
    }

    /// The last lines that the acts of a step printed.
    pub fn printed(&self, step: &str) -> String {
        let walks = &self.walked.incident.walks;
        let states = walks
            .iter()
            .filter_map(|walk| walk.steps.get(&StepId(step.to_owned())));
        let attempts =
            states.flat_map(|state| state.actions.values().flat_map(|action| &action.attempts));
        let ended = attempts.filter_map(|attempt| attempt.ended.as_ref());
        ended.map(|ended| ended.excerpt.to_string()).collect()
    }
}

fn web_server(folder: &Path, port: u16) -> Vec<String> {
    [
        "-m",
        "http.server",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--directory",
        &folder.display().to_string(),
    ]
    .map(str::to_owned)
    .to_vec()
}
