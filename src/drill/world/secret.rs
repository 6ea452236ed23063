//! Secrets: their version, who uses which, and whether strangers do.

use std::time::Duration;

/// A secret.
#[derive(Debug, Clone)]
pub(super) struct Secret {
    pub version: u32,
    /// When the version that is current became so.
    pub changed: Duration,
    /// The version before is accepted.
    pub old_accepted: bool,
    /// Strangers have the version that is not newer than this.
    pub leaked: Option<u32>,
}

impl Default for Secret {
    fn default() -> Self {
        Self {
            version: 3,
            changed: Duration::ZERO,
            old_accepted: false,
            leaked: None,
        }
    }
}

impl Secret {
    pub(super) fn rotate(&mut self, at: Duration) {
        self.version += 1;
        self.changed = at;
        self.old_accepted = true;
    }

    /// Strangers get in: with the current version, or with the one before while it is accepted.
    pub(super) fn exposed(&self) -> bool {
        self.leaked.is_some_and(|leaked| {
            leaked >= self.version || (self.old_accepted && leaked + 1 >= self.version)
        })
    }
}
