//! A test in a process of its own, for what a process reads from its environment at its beginning.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs `test` in a process of its own that has `env` from its beginning and a home of its own; `name` is the test's own name, by
/// which it is found again there.
pub fn with_env(name: &str, env: &[(&str, &Path)], test: impl Future<Output = ()>) {
    const INSIDE: &str = "WARROOM_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build();
        return runtime.unwrap().block_on(test);
    }
    let home = tempfile::tempdir().unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", name, "--nocapture"]);
    again.env(INSIDE, "1").env("HOME", home.path());
    again.envs(env.iter().copied());
    // What labs keep for the next time lies in the real home.
    if let Some(home) = std::env::var_os("HOME") {
        let own = || Path::new(&home).join(".cache");
        again.env(
            "XDG_CACHE_HOME",
            std::env::var_os("XDG_CACHE_HOME").map_or_else(own, PathBuf::from),
        );
    }
    let done = again.output().unwrap();
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.contains("1 passed"), "{said}");
}
