//! RDS instances: available, rebooting into another zone, restored.

use std::time::Duration;

use crate::incident::acts::rds::RdsSight;

/// An instance.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    zone: char,
    /// Not available until then.
    pub busy_until: Option<Duration>,
    pub snapshot: Option<Duration>,
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            zone: 'a',
            busy_until: None,
            snapshot: None,
        }
    }
}

impl Instance {
    pub(super) fn fail_over(&mut self) {
        self.zone = if self.zone == 'a' { 'b' } else { 'a' };
    }

    pub(super) fn available(&self, at: Duration) -> bool {
        self.busy_until.is_none_or(|until| at >= until)
    }

    pub(super) fn sight(&self, region: &str, world: &super::World) -> RdsSight {
        let at = world.at;
        RdsSight {
            status: match self.available(at) {
                true => "available".into(),
                false => "rebooting".into(),
            },
            zone: format!("{region}{}", self.zone),
            multi_az: true,
            replica_of: None,
            lag: None,
            latest_restorable: Some(world.wall(at.saturating_sub(Duration::from_secs(300)))),
            newest_snapshot: self.snapshot.map(|at| world.wall(at)),
        }
    }
}
