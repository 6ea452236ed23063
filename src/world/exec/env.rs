//! What a shell's environment holds: a clean base, the step's variables, and of the targets it was given exactly theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use secrecy::{ExposeSecret, SecretString};

use crate::incident::names::TargetId;
use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::{Endpoint, PgEndpoint, SecretRef, Site, Target};
use crate::incident::sitefile;
#[cfg(feature = "kubernetes")]
use crate::systems::wire;
use crate::systems::wire::secret;
use crate::world::ledger::{Disk, RealDisk};
use crate::world::{places, proc};

/// The path a shell gets when there is none.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What the operator's environment passes on. Everything else (`PG*`, `AWS_*`, `KUBECONFIG`, `LD_*`, …) is not set.
const PASSED_ON: [&str; 7] = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"];

/// The environment of targets that a shell was given (`with=`).
#[derive(Debug, Default)]
pub struct Tools {
    /// Variables that hold no secret.
    pub plain: BTreeMap<String, String>,
    /// Variables that do.
    pub secret: BTreeMap<String, SecretString>,
    /// Lines of a password file for `psql` and its kin.
    pgpass: Vec<SecretString>,
    /// A kubeconfig of one context, for `kubectl` and its kin.
    kubeconfig: Option<SecretString>,
}

/// A folder of its own for files with secrets: made when the first is written, removed with this.
#[derive(Debug, Default)]
pub struct Scratch(OnceLock<PathBuf>);

impl Scratch {
    /// Writes a file for its owner only.
    fn file(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        let dir = match self.0.get() {
            Some(dir) => dir.clone(),
            None => {
                let made = scratch_dir()?;
                self.0.get_or_init(|| made).clone()
            }
        };
        let path = dir.join(name);
        let _ = std::fs::remove_file(&path);
        let file = RealDisk.create(&path);
        let written = file.and_then(|mut file| std::io::Write::write_all(&mut file, bytes));
        match written {
            Ok(()) => Ok(path),
            Err(e) => Err(places::local(&path, &format!("write: {e}"), "")),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Some(dir) = self.0.get() {
            let _ = std::fs::remove_dir_all(dir);
        }
    }
}

/// Makes a folder in the first place that takes it: the run-time directory where there is one.
fn scratch_dir() -> Result<PathBuf, Failure> {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let mut last = None;
    for parent in places::fallbacks() {
        let dir = parent.join(format!("{SCRATCH}{}-{number}", std::process::id()));
        match places::private_dir(&parent).and_then(|()| places::private_dir(&dir)) {
            Ok(()) => {
                sweep(&parent);
                return Ok(dir);
            }
            Err(failure) => last = Some(failure),
        }
    }
    Err(last.unwrap_or_else(|| places::local(Path::new("/var/tmp"), "no folder", "")))
}

/// What a scratch folder's name begins with; its process and a number follow.
const SCRATCH: &str = "scratch-";

/// Removes the folders of runners that were killed and could not.
fn sweep(parent: &Path) {
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.strip_prefix(SCRATCH));
        let owner = owner.and_then(|rest| rest.split('-').next()?.parse().ok());
        if owner.is_some_and(|pid| proc::stat(pid).is_none()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// What every shell gets.
pub fn base() -> BTreeMap<String, String> {
    let passed = PASSED_ON.iter().filter_map(|name| {
        let value = std::env::var(name).ok()?;
        Some(((*name).to_owned(), value))
    });
    let mut all: BTreeMap<_, _> = passed.collect();
    all.entry("PATH".into()).or_insert_with(|| PATH.into());
    all.insert("TERM".into(), "dumb".into());
    all
}

/// The environment of these targets, their passwords fetched.
///
/// # Errors
/// When a password can't be fetched, or two targets want one variable with two values.
pub async fn tools(with: &[TargetId], site: &Site) -> Result<Tools, Failure> {
    let mut tools = Tools::default();
    let mut unclear = BTreeSet::new();
    for id in with {
        let target = site.target(id).ok_or_else(|| {
            let what = "is no target of the site file";
            Failure::new(FailureKind::Local, id, what, "name it there")
        })?;
        for (name, value) in sitefile::tool_env(target) {
            match tools.plain.insert(name.clone(), value.clone()) {
                Some(other) if other != value && sitefile::is_of_one(&name) => {
                    unclear.insert(name);
                }
                Some(other) if other != value => {
                    let what = format!("with: {name} would be {other} and {value}");
                    let advice = "give the fence one of them";
                    return Err(Failure::new(FailureKind::Local, id, what, advice));
                }
                _ => {}
            }
        }
        #[cfg(feature = "kubernetes")]
        tools.narrow(target)?;
        tools.fetch(target).await?;
    }
    // Of two workloads neither is the one.
    tools.plain.retain(|name, _| !unclear.contains(name));
    Ok(tools)
}

fn password(endpoint: &Endpoint) -> Option<&SecretRef> {
    match endpoint {
        Endpoint::Postgres(e) => e.password.as_ref(),
        Endpoint::Redis(e) => e.password.as_ref(),
        Endpoint::Sentinel(e) => e.password.as_ref(),
        Endpoint::Http(e) => e.bearer.as_ref(),
        Endpoint::Files(_)
        | Endpoint::Kube(_)
        | Endpoint::Rds(_)
        | Endpoint::Dns(_)
        | Endpoint::Secret(_)
        | Endpoint::Check(_)
        | Endpoint::Store(_)
        | Endpoint::Managed(_) => None,
    }
}

impl Tools {
    /// Keeps the target's context as the only one. Two targets with two contexts were refused by their variables.
    #[cfg(feature = "kubernetes")]
    fn narrow(&mut self, target: &Target) -> Result<(), Failure> {
        if let Some(at) = target.endpoint.cluster() {
            let text = wire::kube::narrowed(at, &wire::on(target))?;
            self.kubeconfig = text.map(SecretString::from);
        }
        Ok(())
    }

    async fn fetch(&mut self, target: &Target) -> Result<(), Failure> {
        let Some(source) = password(&target.endpoint) else {
            return Ok(());
        };
        let value = secret::fetch(source, target.id.as_str()).await?;
        match &target.endpoint {
            Endpoint::Postgres(e) => {
                self.pgpass.push(pgpass(e, &value));
                self.secret.insert("PGPASSWORD".into(), value);
            }
            Endpoint::Redis(_) | Endpoint::Sentinel(_) => {
                self.secret.insert("REDISCLI_AUTH".into(), value);
            }
            Endpoint::Http(_) => {
                self.secret.insert("BEARER".into(), value);
            }
            Endpoint::Files(_)
            | Endpoint::Kube(_)
            | Endpoint::Rds(_)
            | Endpoint::Dns(_)
            | Endpoint::Secret(_)
            | Endpoint::Check(_)
            | Endpoint::Store(_)
            | Endpoint::Managed(_) => {}
        }
        Ok(())
    }

    /// For programs on this machine: passwords of PostgreSQL come in a file, and so does the one context of Kubernetes.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn local(&self, scratch: &Scratch) -> Result<BTreeMap<String, SecretString>, Failure> {
        let mut all = self.secret.clone();
        if all.remove("PGPASSWORD").is_some() {
            let lines: Vec<_> = self
                .pgpass
                .iter()
                .map(ExposeSecret::expose_secret)
                .collect();
            let path = scratch.file("pgpass", (lines.join("\n") + "\n").as_bytes())?;
            all.insert("PGPASSFILE".into(), path.display().to_string().into());
        }
        if let Some(text) = &self.kubeconfig {
            let path = scratch.file("kubeconfig", text.expose_secret().as_bytes())?;
            all.insert("KUBECONFIG".into(), path.display().to_string().into());
        }
        Ok(all)
    }
}

/// A line of a password file: `host:port:database:user:password`, with `\` before `:` and `\`.
fn pgpass(at: &PgEndpoint, password: &SecretString) -> SecretString {
    let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
    let (host, user, password) = (
        escape(&at.host),
        escape(&at.user),
        escape(password.expose_secret()),
    );
    format!("{host}:{}:*:{user}:{password}", at.port).into()
}
