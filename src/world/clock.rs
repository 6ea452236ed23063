//! The only clock: both of its hands at once.

use std::sync::OnceLock;
use std::time::Duration;

use chrono::Utc;
use rustix::time::{ClockId, clock_gettime};

use crate::incident::now::Now;

/// This instant, by the wall clock and by `CLOCK_BOOTTIME`.
pub fn now() -> Now {
    let boot = clock_gettime(ClockId::Boottime);
    Now {
        wall: Utc::now(),
        boot: Duration::new(
            u64::try_from(boot.tv_sec).unwrap_or_default(),
            u32::try_from(boot.tv_nsec).unwrap_or_default(),
        ),
        boot_id: boot_id().to_owned(),
    }
}

/// This boot's id; empty where the kernel does not tell, which makes ages fall back to the wall clock's differences.
pub fn boot_id() -> &'static str {
    static BOOT_ID: OnceLock<String> = OnceLock::new();
    BOOT_ID.get_or_init(|| {
        let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        id.unwrap_or_default().trim().to_owned()
    })
}
