//! pgBackRest on a company's primary, and the host that recoveries are made on: see the program `archive`.

use std::path::Path;
use std::process::Command;

use crate::company::Company;
use crate::server::{Server, free_port};

/// The host that recoveries are made on, as ssh knows it.
pub const HOST: &str = "recovery";

/// A company's archive.
pub struct Archive {
    lab: String,
    /// The port that a recovered copy is to listen on.
    pub port: u16,
    /// The port of a server that serves nobody.
    pub scratch: u16,
    _sshd: Server,
}

impl Archive {
    /// Hands the primary's WAL to pgBackRest. A recovered copy is `targets.copy`, and the archive `backups.archive`.
    pub fn up(company: &Company) -> Self {
        let lab = company.lab.path("").display().to_string();
        let lab = lab.trim_end_matches('/').to_owned();
        let (port, door) = (free_port(), free_port());
        program(&lab, &["up", &door.to_string()]);
        logs_in_by(company, &format!("{lab}/pgbackrest/ssh.conf"));
        company.adds(&company.postgres("copy", port, "app"));
        company.adds(&format!(
            "\n[targets.archive]\nsystem = \"files\"\npath = \"{lab}/pgbackrest/repo/archive/main/15-1/0000000100000000\"\npattern = \"*.gz\"\n\n\
             [backups.archive]\nof = \"archive\"\nyounger = \"15m\"\n"
        ));
        let config = format!("{lab}/pgbackrest/sshd.conf");
        let args = ["-D".to_owned(), "-f".to_owned(), config];
        // sshd wants to be called by its whole path.
        let sshd = Server::start("/usr/sbin/sshd", &args, door);
        Self {
            lab,
            port,
            scratch: free_port(),
            _sshd: sshd,
        }
    }

    /// Takes a full backup now.
    pub fn backup(&self) {
        program(&self.lab, &["backup"]);
    }

    /// Takes one as it would have been seven hours ago.
    pub fn backup_of_earlier(&self) {
        program(&self.lab, &["earlier"]);
    }

    /// A folder that a copy is recovered into.
    pub fn folder(&self) -> String {
        format!("{}/pgbackrest/app-recovered", self.lab)
    }

    /// Starts that server: `targets.scratch`.
    pub fn starts_scratch(&self, company: &Company) {
        program(&self.lab, &["scratch", &self.scratch.to_string()]);
        company.adds(&company.postgres("scratch", self.scratch, "postgres"));
    }
}

impl Drop for Archive {
    fn drop(&mut self) {
        program(&self.lab, &["down"]);
    }
}

fn program(lab: &str, words: &[&str]) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/walks_data/archive");
    let (command, rest) = words.split_first().unwrap();
    let mut archive = Command::new(program);
    archive.arg(command).arg(lab).args(rest);
    let done = archive.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(
        done.status.success() || std::thread::panicking(),
        "archive {words:?}: {said}{}",
        String::from_utf8_lossy(&done.stdout)
    );
}

/// ssh reads the configuration in the home of whoever runs it, whatever `HOME` says: here it is told the operator's.
fn logs_in_by(company: &Company, config: &str) {
    let script = format!("#!/bin/sh\nexec /usr/bin/ssh -F '{config}' \"$@\"\n");
    company.stands_in("ssh", &script);
}
