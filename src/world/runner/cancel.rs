//! Ending what a runner started: its whole process group, first asked, then made to.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use super::Running;
use crate::incident::reading::{Failure, FailureKind};
use crate::world::proc;

/// How long a group may take to end after TERM.
const GRACE: Duration = Duration::from_secs(5);

/// How often it is looked whether it ended.
const LOOK: Duration = Duration::from_millis(100);

/// Asks a runner to end what it runs. It answers with its end, as always.
///
/// # Errors
/// When that very process does not run any more.
pub fn cancel(running: &Running) -> Result<(), Failure> {
    let gone = || {
        let on = format!("runner of {}", running.action);
        Failure::new(
            FailureKind::Missing,
            on,
            "cancel: it does not run any more",
            "",
        )
    };
    if !proc::runs(running.pid, running.start_time, &running.boot_id) {
        return Err(gone());
    }
    let pid = pid(running.pid).ok_or_else(gone)?;
    kill_process(pid, Signal::TERM).map_err(|_| gone())
}

/// Ends a group: TERM, a grace, KILL. Returns what was ended, in words.
pub(super) async fn end_group(group: u32) -> String {
    let ended = proc::group(group);
    let Some(leader) = pid(group) else {
        return "nothing".into();
    };
    let mut how = "TERM";
    let _ = kill_process_group(leader, Signal::TERM);
    let mut left = GRACE;
    while !proc::group(group).is_empty() {
        if left.is_zero() {
            how = "KILL";
            let _ = kill_process_group(leader, Signal::KILL);
            break;
        }
        tokio::time::sleep(LOOK).await;
        left = left.saturating_sub(LOOK);
    }
    let names: Vec<_> = ended
        .iter()
        .map(|(pid, name)| format!("{name} ({pid})"))
        .collect();
    match names.as_slice() {
        [] => "nothing".into(),
        names => format!("{} by {how}", names.join(", ")),
    }
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}
