//! An attempt in an exercise: the same steps as a runner's, in this very process, on a world that can't be reached from
//! another one. It goes forward when it is polled, and it is polled whenever the exercise's time has moved.

use std::fs::DirBuilder;
use std::future::poll_fn;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use super::child::{Case, refused, report, steps};
use super::follow::Tail;
use super::{evidence, output_file};
use crate::incident::clean::Clean;
use crate::incident::journal::Report;
use crate::incident::redact::Redactor;
use crate::incident::runbook::ActionRef;
use crate::incident::site::Site;
use crate::world::exec::env::{Scratch, Tools};
use crate::world::exec::sink::Sink;
use crate::world::ledger::Committed;
use crate::world::{Systems, clock, proc};

/// An attempt that is under way.
pub struct Playing {
    /// The action.
    pub action: ActionRef,
    /// The attempt.
    pub attempt: u32,
    work: Pin<Box<dyn Future<Output = Report> + Send>>,
    tail: Tail,
    stop: Arc<AtomicBool>,
}

impl Playing {
    /// Takes a committed intent up; its first poll begins it. None: what was committed is no intent.
    pub fn new(committed: &Committed, dir: &Path, site: &Site, systems: &Systems) -> Option<Self> {
        let seq = committed.entry().seq;
        let confirmed = committed.confirmed();
        let resolved = confirmed.resolved();
        let case = Case {
            incident: dir.to_owned(),
            seq,
            intent: committed.intent()?,
            secrets: confirmed.secrets().clone(),
            site: site.clone(),
            systems: systems.clone(),
        };
        let stop = Arc::new(AtomicBool::new(false));
        Some(Self {
            action: resolved.action.clone(),
            attempt: resolved.attempt,
            work: Box::pin(work(case, Arc::clone(&stop))),
            tail: Tail::new(output_file(dir, seq)),
            stop,
        })
    }

    /// What the journal says of its start: that it is played by this process.
    pub fn started(&self) -> Report {
        let pid = std::process::id();
        Report::Started {
            action: self.action.clone(),
            attempt: self.attempt,
            pid,
            start_time: proc::stat(pid).map_or(0, |stat| stat.start_time),
            boot_id: clock::boot_id().to_owned(),
        }
    }

    /// Goes as far as the time allows: what it printed since, and its end.
    pub fn poll(&mut self) -> (Vec<Clean>, Option<Report>) {
        let mut cx = Context::from_waker(Waker::noop());
        let end = match self.work.as_mut().poll(&mut cx) {
            Poll::Ready(report) => Some(report),
            Poll::Pending => None,
        };
        (self.tail.lines(end.is_some()), end)
    }

    /// Has the next poll end it.
    pub fn cancel(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

async fn work(case: Case, stop: Arc<AtomicBool>) -> Report {
    let folder = case.incident.join(evidence(case.seq));
    let made = DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder);
    let redactor = Redactor::new(case.secrets.values().cloned());
    let sink = made.and_then(|()| Sink::create(&output_file(&case.incident, case.seq), redactor));
    let stopped = poll_fn(|_| match stop.load(Ordering::SeqCst) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    let closed = match sink {
        Ok(sink) => {
            let (tools, scratch) = (Tools::default(), Scratch::default());
            steps::go(&case, &tools, &scratch, &sink, stopped).await
        }
        Err(e) => refused(&format!("{}: {e}", folder.display())).into(),
    };
    let at = case.systems.clock.now();
    report(&case.intent, case.seq, closed, at)
}
