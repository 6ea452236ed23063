//! `warroom init`: a first site file from what this machine's logins can see. What is there already is never written over.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{Common, block_on, fail, say, site};
use crate::systems::discover::{Found, Shown, sentinel};

/// Where is looked.
#[derive(Debug, Args)]
pub struct Where {
    /// Prints the file instead of writing it
    #[arg(long)]
    print: bool,
    /// An AWS region whose instances are looked for; several
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "REGION")]
    region: Vec<String>,
    /// The profile of ~/.aws/config
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// The URL of the API, where it is not AWS' own
    #[cfg(feature = "aws")]
    #[arg(long, value_name = "URL")]
    endpoint: Option<String>,
    /// The kubeconfig [default: $KUBECONFIG, else ~/.kube/config]
    #[cfg(feature = "kubernetes")]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
    /// A Sentinel, host:port; several
    #[arg(long, value_name = "HOST:PORT")]
    sentinel: Vec<String>,
}

/// Looks around, and writes a site file.
pub fn init(common: &Common, at: &Where) -> ExitCode {
    let Some(path) = common.site.clone().or_else(site::own) else {
        return fail("there is no home to write to — name a file with --site FILE");
    };
    if !at.print && path.exists() {
        let path = path.display();
        return fail(format!(
            "{path} is there already — see what it misses with --print"
        ));
    }
    let shown = match block_on(look(at)) {
        Ok(shown) => shown,
        Err(why) => return fail(format!("the runtime can't be started: {why}")),
    };
    let text = draft(&shown);
    if at.print {
        say(text.trim_end());
        return ExitCode::SUCCESS;
    }
    match write(&path, &text) {
        Ok(()) => {
            let targets = text.matches("\n[targets.").count();
            let path = path.display();
            say(format!(
                "{path}: {targets} targets — make it yours, then warroom check"
            ));
            ExitCode::SUCCESS
        }
        Err(why) => fail(format!("{}: write: {why}", path.display())),
    }
}

async fn look(at: &Where) -> Vec<Shown> {
    let mut shown = Vec::new();
    #[cfg(feature = "kubernetes")]
    shown.push(crate::systems::discover::kube::look(
        at.kubeconfig.as_deref(),
    ));
    #[cfg(feature = "aws")]
    for (number, region) in at.region.iter().enumerate() {
        let account = crate::incident::site::AwsAccount {
            region: region.clone(),
            profile: at.profile.clone(),
            endpoint: at.endpoint.clone(),
        };
        shown.extend(crate::systems::discover::aws::look(&account, number == 0).await);
    }
    for node in &at.sentinel {
        shown.push(sentinel::look(node).await);
    }
    shown
}

/// The site file: what was found as targets, what could not be asked as comments.
fn draft(shown: &[Shown]) -> String {
    let mut text = String::from(
        "# A first site file, from what this machine can see. warroom check finds what is wrong with it.\n\n\
         name = \"my site\"\n\n[objectives]\nrto = \"1h\"\nrpo = \"5m\"\n",
    );
    let mut taken = BTreeSet::new();
    for Shown { of, found } in shown {
        let _ = match found {
            Ok(found) if found.is_empty() => writeln!(text, "\n# {of}: nothing"),
            Ok(_) => writeln!(text, "\n# {of}"),
            Err(why) => writeln!(text, "\n# {of}: {}", why.replace('\n', " ")),
        };
        for one in found.iter().flatten() {
            target(&mut text, one, &mut taken);
        }
    }
    text
}

fn target(text: &mut String, one: &Found, taken: &mut BTreeSet<String>) {
    if one.keys.is_empty() {
        let _ = writeln!(text, "# {}: {}", one.name, one.note);
        return;
    }
    let id = named(&one.name, taken);
    let note = match one.note.as_str() {
        "" => String::new(),
        note => format!(" # {note}"),
    };
    let _ = writeln!(text, "\n[targets.{id}]{note}");
    for (key, value) in &one.keys {
        let _ = writeln!(text, "{key} = {value}");
    }
}

/// A name as targets have them, that no other has.
fn named(name: &str, taken: &mut BTreeSet<String>) -> String {
    let plain = |c: char| match c.is_ascii_alphanumeric() {
        true => c.to_ascii_lowercase(),
        false => '-',
    };
    let base: String = name.chars().map(plain).collect();
    let base = match base.trim_matches('-') {
        "" => "target",
        base => base,
    };
    let numbered = (2..).map(|n| format!("{base}-{n}"));
    let mut names = std::iter::once(base.to_owned()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    free.unwrap_or_default()
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = fs::File::options()
        .write(true)
        .create_new(true)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
