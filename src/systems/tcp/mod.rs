//! A TCP port: whether it takes connections. A frozen process takes them too: a port is the least that can be asked.

use std::io;
use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use super::probe::Probe;
use super::wire;
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, FailureKind, Sight};
use crate::incident::site::Target;

/// One port of the site.
pub struct Tcp {
    on: String,
    host: String,
    port: u16,
    timeout: Duration,
}

impl Tcp {
    /// The port of `target`.
    pub fn new(target: &Target, host: &str, port: u16) -> Self {
        Self {
            on: wire::on(target),
            host: host.to_owned(),
            port,
            timeout: target.timeout,
        }
    }

    async fn connect(&self) -> Result<Sight, Failure> {
        let begun = Instant::now();
        let stream = connect(&self.on, (&self.host, self.port), self.timeout).await?;
        drop(stream);
        let words = format!("open {}", Span(begun.elapsed()));
        Ok(Sight::Check(CheckSight::new(CheckState::Fine, words)))
    }
}

impl Probe for Tcp {
    fn look(&self) -> BoxFuture<'_, Result<Sight, Failure>> {
        self.connect().boxed()
    }
}

/// A connection, within a time-out.
async fn connect(on: &str, place: (&str, u16), limit: Duration) -> Result<TcpStream, Failure> {
    match timeout(limit, TcpStream::connect(place)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => {
            let (kind, advice) = match error.kind() {
                io::ErrorKind::ConnectionRefused => (FailureKind::Refused, "nothing listens there"),
                io::ErrorKind::TimedOut => (FailureKind::TimedOut, ""),
                _ => (
                    FailureKind::Unreachable,
                    "check the host's name and the way there",
                ),
            };
            Err(Failure::new(kind, on, format!("connect: {error}"), advice))
        }
        Err(_) => {
            let what = format!("connect: no answer within {}", Span(limit));
            Err(Failure::new(FailureKind::TimedOut, on, what, ""))
        }
    }
}
