//! Secrets by reference: an environment variable, a file of its owner's, a program's output. Resolved when used, kept in
//! memory only as long as the connection that needs them.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};
use secrecy::SecretString;

use crate::incident::reading::{Failure, FailureKind};
use crate::incident::site::SecretRef;

/// How long a program that prints a secret may take.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(10);

/// Fetches a secret; `on` names what needs it.
///
/// # Errors
/// A failure of kind [`FailureKind::Local`] that names the source and never the secret.
pub async fn fetch(secret: &SecretRef, on: &str) -> Result<SecretString, Failure> {
    match secret {
        SecretRef::Env(name) => std::env::var(name).map(SecretString::from).map_err(|_| {
            local(
                on,
                format!("password: ${name} is not set"),
                "set it, or name another source in the site file",
            )
        }),
        SecretRef::File(path) => from_file(path, on),
        SecretRef::Command(argv) => from_command(argv, on).await,
    }
}

/// The first line of a file that nobody but its owner may read; symbolic links are refused.
fn from_file(path: &Path, on: &str) -> Result<SecretString, Failure> {
    let shown = path.display();
    let fail = |why: &dyn std::fmt::Display| {
        local(
            on,
            format!("password file {shown}: {why}"),
            "check the path in the site file",
        )
    };
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fd =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|e| fail(&std::io::Error::from(e)))?;
    let mut file = std::fs::File::from(fd);
    let mode = file.metadata().map_err(|e| fail(&e))?.mode();
    if mode & 0o077 != 0 {
        let what = format!(
            "password file {shown} may be read by others (mode {:o})",
            mode & 0o777
        );
        return Err(local(on, what, format!("chmod 600 {shown}")));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|e| fail(&e))?;
    Ok(SecretString::from(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

/// The first line a program prints.
async fn from_command(argv: &[String], on: &str) -> Result<SecretString, Failure> {
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let fail = |why: String| {
        local(
            on,
            format!("password command {name}: {why}"),
            "run it by hand to see",
        )
    };
    let child = tokio::process::Command::new(name)
        .args(argv.get(1..).unwrap_or_default())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = match tokio::time::timeout(COMMAND_TIMEOUT, child).await {
        Err(_) => return Err(fail("no answer within 10 s".into())),
        Ok(Err(error)) => return Err(fail(error.to_string())),
        Ok(Ok(output)) => output,
    };
    if !output.status.success() {
        return Err(fail(format!("{}", output.status)));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(SecretString::from(
        text.lines().next().unwrap_or_default().to_owned(),
    ))
}

fn local(on: &str, what: impl AsRef<str>, advice: impl Into<String>) -> Failure {
    Failure::new(FailureKind::Local, on, what, advice)
}
