//! A TCP port: whether it takes connections. A frozen process takes them too: a port is the least that can be asked.

use futures_util::future::{BoxFuture, FutureExt};
use tokio::time::Instant;

use super::probe::Probe;
use super::wire::{self, net};
use crate::incident::acts::check::{CheckSight, CheckState};
use crate::incident::measure::Span;
use crate::incident::reading::{Failure, Sight};
use crate::incident::site::Target;

/// One port of the site.
pub struct Tcp {
    on: String,
    host: String,
    port: u16,
}

impl Tcp {
    /// The port of `target`.
    pub fn new(target: &Target, host: &str, port: u16) -> Self {
        Self {
            on: wire::on(target),
            host: host.to_owned(),
            port,
        }
    }

    async fn connect(&self) -> Result<Sight, Failure> {
        let begun = Instant::now();
        let stream = net::connect(&self.on, (&self.host, self.port)).await?;
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
