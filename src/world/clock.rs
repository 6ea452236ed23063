//! The only clock: both of its hands at once. An exercise has a clock of its own, whose time passes when it is told to.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::Poll;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use rustix::time::{ClockId, clock_gettime};

use crate::incident::now::Now;

/// What tells the time in a world.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// This machine's clocks.
    #[default]
    Real,
    /// An exercise's.
    Played(Arc<Played>),
}

impl Clock {
    /// This instant.
    pub fn now(&self) -> Now {
        match self {
            Clock::Real => now(),
            Clock::Played(played) => played.now(),
        }
    }

    /// Waits for so long, by this clock.
    pub async fn sleep(&self, span: Duration) {
        match self {
            Clock::Real => tokio::time::sleep(span).await,
            Clock::Played(played) => played.sleep(span).await,
        }
    }

    /// Waits for `work`, at most for so long. In an exercise nothing hangs: what is slow there says so itself.
    pub async fn limit<T>(&self, span: Duration, work: impl Future<Output = T>) -> Option<T> {
        match self {
            Clock::Real => tokio::time::timeout(span, work).await.ok(),
            Clock::Played(_) => Some(work.await),
        }
    }
}

/// The clock of an exercise. It wakes nobody: whoever sets it forward polls what waits again.
#[derive(Debug)]
pub struct Played {
    begins: DateTime<Utc>,
    hands: Mutex<Hands>,
}

#[derive(Debug, Default)]
struct Hands {
    passed: Duration,
    /// Until when somebody waits.
    waits: Vec<Duration>,
}

impl Played {
    /// A clock that stands at `begins`.
    pub fn new(begins: DateTime<Utc>) -> Self {
        Self {
            begins,
            hands: Mutex::default(),
        }
    }

    /// Time since the beginning.
    pub fn passed(&self) -> Duration {
        self.hands().passed
    }

    /// When it began.
    pub fn begins(&self) -> DateTime<Utc> {
        self.begins
    }

    /// Sets it forward; it never runs backwards.
    pub fn set(&self, passed: Duration) {
        let mut hands = self.hands();
        hands.passed = hands.passed.max(passed);
        let now = hands.passed;
        hands.waits.retain(|until| *until > now);
    }

    /// The first instant that somebody waits for.
    pub fn next_wait(&self) -> Option<Duration> {
        self.hands().waits.iter().min().copied()
    }

    fn now(&self) -> Now {
        let passed = self.passed();
        let wall = TimeDelta::from_std(passed)
            .ok()
            .and_then(|passed| self.begins.checked_add_signed(passed));
        Now {
            wall: wall.unwrap_or(DateTime::<Utc>::MAX_UTC),
            boot: passed,
            boot_id: "exercise".into(),
        }
    }

    async fn sleep(&self, span: Duration) {
        let until = self.passed().saturating_add(span);
        poll_fn(|_| {
            let mut hands = self.hands();
            if hands.passed >= until {
                return Poll::Ready(());
            }
            hands.waits.push(until);
            Poll::Pending
        })
        .await;
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

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
