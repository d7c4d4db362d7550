//! How hard it is, in a few numbers.

use std::time::Duration;

/// How hard the program has it just now: what a ladder of degradation steps goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// How much of its limit the most loaded dependency has in use: 0 idle, 1 full.
    pub saturation: f64,
    /// The longest wait for a permit among those admitted lately, over all dependencies.
    pub queue_wait: Duration,
    /// How late the slowest HTTP worker was with its timer lately.
    pub loop_lag: Duration,
    /// Requests shed, as a share of those that asked for a permit lately: 0 none, 1 all.
    pub shed_ratio: f64,
}
