//! How hard it is, in a few numbers.

use std::time::Duration;

/// How hard the program has it just now: what a ladder of degradation steps goes by.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pressure {
    /// How much of its limit the most loaded dependency had in use lately, in the mean: 0 idle, 1 full.
    pub saturation: f64,
    /// How long those waited for a place who got one lately, in the mean, at the dependency where that was longest.
    pub queue_wait: Duration,
    /// How late the slowest HTTP worker was with its timer lately.
    pub loop_lag: Duration,
    /// Requests shed, as a share of those that asked for a permit lately: 0 none, 1 all.
    pub shed_ratio: f64,
    /// The same of writes and reads of one product alone, to which all others give way.
    pub essential_shed_ratio: f64,
}
