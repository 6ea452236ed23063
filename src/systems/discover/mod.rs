//! What there is to watch, as far as this machine's logins can see: for a first site file. Nothing is changed.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "kubernetes")]
pub mod kube;
pub mod sentinel;

use std::time::Duration;

use tokio::time::timeout;
use toml::Value;

use crate::incident::measure::Span;

/// How long one service may take.
const WITHIN: Duration = Duration::from_secs(15);

/// What one service shows.
#[derive(Debug)]
pub struct Shown {
    /// Who was asked: `RDS in us-east-1`.
    pub of: String,
    /// What it shows, or why it shows nothing.
    pub found: Result<Vec<Found>, String>,
}

/// Something that could become a target.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its name where it was found.
    pub name: String,
    /// The keys of the target it would be, and their values, `system` first; empty where the site file would want to know more.
    pub keys: Vec<(&'static str, Value)>,
    /// What else is to be said.
    pub note: String,
}

/// Asks a service, within its time.
async fn shown(of: String, asked: impl Future<Output = Result<Vec<Found>, String>>) -> Shown {
    let found = timeout(WITHIN, asked).await;
    let late = |_| Err(format!("no answer within {}", Span(WITHIN)));
    Shown {
        of,
        found: found.unwrap_or_else(late),
    }
}
