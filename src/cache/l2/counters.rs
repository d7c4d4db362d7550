//! What happened in the tier, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$meta:meta])* $name:ident,)*) => {
        /// Numbers since the start.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        pub struct L2Counts {
            $($(#[$meta])* pub $name: u64,)*
        }

        #[derive(Debug, Default)]
        pub(super) struct Counters {
            $(pub(super) $name: Counter,)*
        }

        impl Counters {
            pub(super) fn read(&self) -> L2Counts {
                L2Counts {
                    $($name: self.$name.0.load(Ordering::Relaxed),)*
                }
            }
        }
    };
}

counters! {
    /// Questions that the tier answered with what it had.
    hits,
    /// Questions that it answered with a lease.
    leases,
    /// Questions that it answered with another one's lease.
    held,
    /// Questions that it did not answer: down, too slow, not to be trusted.
    unanswered,
    /// Records that could not be read.
    unreadable,
    /// Values that were put in.
    fills,
    /// Values that were not let in: the fence forbade them, or the lease was gone.
    fills_refused,
    /// Invalidations that Redis took.
    invalidations,
    /// Invalidations that it may not have taken, of those that were tried.
    invalidations_failed,
    /// Records that were dropped because somebody said so.
    purged,
    /// Messages of other nodes that were heard.
    messages,
    /// How often messages may have been missed.
    missed,
}

/// One number.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }
}
