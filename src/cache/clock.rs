//! Time for the cache: milliseconds on a clock that never goes back, replaceable in tests.

use rustix::time::{ClockId, clock_gettime};

/// Milliseconds since an arbitrary start.
pub type Millis = u64;

/// `span` ± 10 %, as the dice fall, so that what began together does not end together.
pub(super) fn jittered(span: Millis, dice: u64) -> Millis {
    let tenth = span / 10;
    span - tenth + dice % (2 * tenth + 1)
}

/// A monotonic clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;
}

/// The kernel's monotonic clock as of its last tick, a few milliseconds ago at most: reading it costs a
/// fifth of reading the time itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        #[cfg(target_os = "linux")]
        let clock = ClockId::MonotonicCoarse;
        #[cfg(not(target_os = "linux"))]
        let clock = ClockId::Monotonic;
        let now = clock_gettime(clock);
        now.tv_sec.unsigned_abs() * 1_000 + now.tv_nsec.unsigned_abs() / 1_000_000
    }
}
