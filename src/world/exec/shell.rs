//! Shell fences: the script the operator read, in a process group of its own, without a terminal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::{Context, Ran, env};
use crate::incident::reading::{Failure, FailureKind, Outcome};
use crate::incident::runbook::Shell;
use crate::world::ledger::{Disk, RealDisk};
use crate::world::places;

/// How long a pipe is read after the shell ended: what it left behind may hold it open for ever.
const LINGER: Duration = Duration::from_secs(2);

/// As much of the output is kept in memory, for `expect` and `as`.
pub(super) const KEPT: usize = 1 << 20;

/// What ssh exits with when it, not the script, failed.
const SSH_FAILED: i32 = 255;

/// Runs a script, here or over ssh.
pub(super) async fn run(cx: &Context<'_>, shell: Shell, script: &str, host: Option<&str>) -> Ran {
    let started = match host {
        None => here(cx, shell, script),
        Some(host) => there(cx, script, host).await,
    };
    let child = match started {
        Ok(child) => child,
        Err(failure) => return Ran::failed(failure),
    };
    cx.group.set(child.id());
    let (status, output) = attend(cx, child).await;
    cx.group.set(None);
    let on = host.unwrap_or("this machine");
    Ran {
        outcome: outcome(status, on, host.is_some()),
        output,
    }
}

fn outcome(status: std::io::Result<ExitStatus>, on: &str, remote: bool) -> Outcome {
    let fail = |what: String, advice: &str| Failure::new(FailureKind::Local, on, what, advice);
    match status {
        Ok(status) if status.success() => Outcome::Done {
            said: crate::incident::clean::Clean::new("exit 0"),
        },
        Ok(status) if remote && status.code() == Some(SSH_FAILED) => Outcome::Unknown {
            failure: fail(
                "ssh: the connection was lost or never made (exit 255)".into(),
                "look on the host whether it ran",
            ),
        },
        Ok(status) => Outcome::Failed {
            failure: fail(format!("script: {status}"), "read its output"),
            exit: status.code(),
        },
        Err(error) => Outcome::Unknown {
            failure: fail(
                format!("script: wait: {error}"),
                "look whether it still runs",
            ),
        },
    }
}

/// Starts the script on this machine. It stands in a file beside its output, so that what ran can be read afterwards.
fn here(cx: &Context<'_>, shell: Shell, script: &str) -> Result<Child, Failure> {
    let path = write_script(cx.evidence, script)?;
    let (program, flags): (_, &[&str]) = match shell {
        Shell::Sh => ("sh", &["-eu"]),
        Shell::Bash => ("bash", &["--noprofile", "--norc", "-eu", "-o", "pipefail"]),
        Shell::Zsh => ("zsh", &["-f", "-eu", "-o", "pipefail"]),
    };
    let mut command = Command::new(program);
    command
        .args(flags)
        .arg(path)
        .env_clear()
        .envs(env::base())
        .envs(cx.tools.plain.iter())
        .envs(cx.vars)
        .stdin(Stdio::null());
    for (name, value) in cx.tools.local(cx.scratch)?.iter().chain(cx.secrets) {
        command.env(name, value.expose_secret());
    }
    start(command, program)
}

fn write_script(evidence: &Path, script: &str) -> Result<PathBuf, Failure> {
    let mut number = 1;
    loop {
        let path = evidence.join(format!("script-{number}"));
        let written = RealDisk
            .create(&path)
            .and_then(|mut file| std::io::Write::write_all(&mut file, script.as_bytes()));
        match written {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
            Err(e) => return Err(places::local(&path, &format!("write: {e}"), "")),
        }
    }
}

/// Starts the script on a host: everything goes through ssh's standard input, nothing through its arguments.
async fn there(cx: &Context<'_>, script: &str, host: &str) -> Result<Child, Failure> {
    if host.starts_with('-') {
        let what = "is no host name";
        return Err(Failure::new(FailureKind::Local, host, what, "correct on="));
    }
    let mut command = Command::new("ssh");
    command
        .args(["-T", "-o", "BatchMode=yes", "--", host, "bash", "-s"])
        .env_clear()
        .envs(env::base())
        .envs(std::env::var("SSH_AUTH_SOCK").map(|at| ("SSH_AUTH_SOCK", at)))
        .stdin(Stdio::piped());
    let mut child = start(command, "ssh")?;
    let text = remote(
        cx.vars,
        &cx.tools.plain,
        &[&cx.tools.secret, cx.secrets],
        script,
    );
    if let Some(mut stdin) = child.stdin.take() {
        // A host that can't be reached closes the pipe; ssh's exit says so.
        let _ = stdin.write_all(text.expose_secret().as_bytes()).await;
        let _ = stdin.shutdown().await;
    }
    Ok(child)
}

/// What a remote bash reads: exports, then the script in braces, so that all of it is read before any of it runs and a
/// command that reads its input can't eat the rest.
fn remote(
    vars: &BTreeMap<String, String>,
    plain: &BTreeMap<String, String>,
    secrets: &[&BTreeMap<String, SecretString>],
    script: &str,
) -> SecretString {
    let quote = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
    let mut text = String::from("set -eu -o pipefail\n");
    for (name, value) in plain.iter().chain(vars) {
        text.push_str(&format!("export {name}={}\n", quote(value)));
    }
    for (name, value) in secrets.iter().copied().flatten() {
        text.push_str(&format!("export {name}={}\n", quote(value.expose_secret())));
    }
    text.push_str(&format!("{{\n{script}\n}} </dev/null\n"));
    text.into()
}

fn start(mut command: Command, program: &str) -> Result<Child, Failure> {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    command.spawn().map_err(|e| {
        let what = format!("start {program}: {e}");
        Failure::new(FailureKind::Local, "this machine", what, "install it")
    })
}

/// Reads both of its streams until it ended, and a little longer.
async fn attend(cx: &Context<'_>, mut child: Child) -> (std::io::Result<ExitStatus>, String) {
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut kept = Vec::new();
    let status = {
        let reading = async {
            tokio::join!(pump(cx, stdout, Some(&mut kept)), pump(cx, stderr, None));
        };
        tokio::pin!(reading);
        let (status, read) = tokio::select! {
            () = &mut reading => (child.wait().await, true),
            status = child.wait() => (status, false),
        };
        if !read && tokio::time::timeout(LINGER, reading).await.is_err() {
            cx.sink.line("[something it started still runs and holds its output; it is not read any further]");
        }
        status
    };
    (status, String::from_utf8_lossy(&kept).into_owned())
}

async fn pump(
    cx: &Context<'_>,
    from: Option<impl AsyncRead + Unpin>,
    mut kept: Option<&mut Vec<u8>>,
) {
    let Some(mut from) = from else { return };
    let mut pipe = cx.sink.pipe();
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer.get(..count).unwrap_or_default();
        pipe.push(bytes);
        if let Some(kept) = kept.as_deref_mut() {
            let room = KEPT.saturating_sub(kept.len()).min(count);
            kept.extend_from_slice(bytes.get(..room).unwrap_or_default());
        }
    }
    pipe.finish();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remote_bash_takes_every_value_literally_and_reads_all_before_it_runs() {
        let nasty = "it's; rm -rf \"$HOME\" `id`\n$(id)";
        let vars = BTreeMap::from([("NASTY".to_owned(), nasty.to_owned())]);
        let secrets = BTreeMap::from([("PW".to_owned(), SecretString::from("p'w"))]);
        let script = "cat\nprintf '%s|%s' \"$NASTY\" \"$PW\"";
        let text = remote(&vars, &BTreeMap::new(), &[&secrets], script);
        let mut bash = std::process::Command::new("bash")
            .arg("-s")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = bash.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, text.expose_secret().as_bytes()).unwrap();
        drop(stdin);
        let output = bash.wait_with_output().unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).unwrap(),
            format!("{nasty}|p'w")
        );
    }
}
