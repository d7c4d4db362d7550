//! Time for the cache: milliseconds on a clock that never goes back, replaceable in tests.

use std::time::Instant;

/// Milliseconds since an arbitrary start.
pub type Millis = u64;

/// A monotonic clock.
pub trait Clock: Send + Sync + 'static {
    /// Now.
    fn now(&self) -> Millis;
}

/// The system's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts at zero.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Millis {
        // A u64 of milliseconds lasts 584 million years.
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(Millis::MAX)
    }
}
