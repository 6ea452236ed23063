//! warroom: a full-screen incident console.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use warroom::incident::journal::digest;
use warroom::incident::reading::Failure;
use warroom::incident::site::{Objectives, Site};
use warroom::world::runner::RUN;
use warroom::world::runner::child::{self, Wiring};

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    match args.split_first() {
        Some((word, rest)) if word == RUN => child::run(
            rest,
            &Wiring {
                site: bare_site,
                systems: |_| BTreeMap::new(),
            },
        ),
        _ => ExitCode::from(2),
    }
}

/// A site without targets, until the site file's reader is wired in here.
fn bare_site(_: &Path, text: &str) -> Result<Site, Failure> {
    Ok(Site {
        name: String::new(),
        digest: digest(text.as_bytes()),
        regions: Vec::new(),
        targets: Vec::new(),
        links: Vec::new(),
        backups: Vec::new(),
        objectives: Objectives {
            rto: None,
            rpo: None,
        },
        severities: Vec::new(),
        categories: Vec::new(),
        ladder: Vec::new(),
        contacts: Vec::new(),
        theme: "default".into(),
        keymap: "default".into(),
        state_dir: None,
        runbooks: None,
    })
}
