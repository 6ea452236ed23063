//! The program's commands, run to their end.

use std::process::Command;

use super::lab::Lab;
use super::pty::environment;

/// What a command did.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code.
    pub code: i32,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

/// Runs `warroom --site SITE WORDS`, on the lab's own site file.
pub fn warroom(lab: &Lab, words: &[&str]) -> Ran {
    let site = lab.path("site.toml").display().to_string();
    ran(lab, &[&["--site", &site], words].concat())
}

/// Runs `warroom WORDS` with a home in the lab.
pub fn ran(lab: &Lab, words: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_warroom"));
    command.env_clear().envs(environment(&lab.path("home")));
    let output = command.args(words).output().unwrap();
    Ran {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
