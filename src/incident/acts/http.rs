//! HTTP endpoints: what a probe sees.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::clean::Clean;

/// An endpoint as one probe saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpSight {
    /// The answer's status.
    pub status: u16,
    /// What the site's `field` said; none when the site names none, or the answer has none.
    pub field: Option<Clean>,
    /// Status and field are what the site calls healthy.
    pub healthy: bool,
    /// Time to the whole answer.
    pub took: Duration,
}
