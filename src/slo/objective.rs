//! What is promised, and when somebody is told that it is in danger.

use std::time::Duration;

use crate::config::Percent;

/// Which objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name {
    /// Requests get an answer: neither a failure nor a refusal for want of room (503) is one.
    Availability,
    /// Reads of a product are answered fast.
    Latency,
    /// Requests do not fail by a fault of ours: what was shed is not counted.
    Errors,
}

impl Name {
    /// All of them, in the order of what counts them.
    pub const ALL: [Self; 3] = [Self::Availability, Self::Latency, Self::Errors];

    /// As labels, documents and people have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Availability => "availability",
            Self::Latency => "latency",
            Self::Errors => "errors",
        }
    }
}

/// Which share of events is to be good: what is aimed at, and what was promised to customers, which is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Service level objective.
    pub slo: Percent,
    /// Service level agreement.
    pub sla: Percent,
}

/// How fast a read of a product is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Objective; one of [`crate::telemetry::BOUNDS`].
    pub slo: Duration,
    /// Agreement; one of them, too.
    pub sla: Duration,
}

/// What is promised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Objectives {
    /// Requests that get an answer.
    pub availability: Target,
    /// Reads of a product that are answered within [`Objectives::fast`].
    pub latency: Target,
    /// What fast is.
    pub fast: Latency,
    /// Requests that do not fail.
    pub errors: Target,
    /// Where a window has fewer events, nobody is told of anything: one failure of ten is chance.
    pub min_requests: u64,
    /// Whether risky flags may not be switched on while a budget is gone.
    pub freeze: bool,
}

impl Objectives {
    /// Of an objective.
    pub fn target(&self, name: Name) -> Target {
        match name {
            Name::Availability => self.availability,
            Name::Latency => self.latency,
            Name::Errors => self.errors,
        }
    }
}

/// A stretch of time up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// As Prometheus writes it.
    pub name: &'static str,
    /// Its length in seconds.
    pub seconds: i64,
}

const fn window(name: &'static str, seconds: i64) -> Window {
    Window { name, seconds }
}

/// All windows, the shortest first. Budgets are those of the last.
pub const WINDOWS: [Window; 8] = [
    window("5m", 300),
    window("30m", 1_800),
    window("1h", 3_600),
    window("2h", 7_200),
    window("6h", 21_600),
    window("1d", 86_400),
    window("3d", 259_200),
    window("30d", 2_592_000),
];

/// How soon somebody has to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Now.
    Page,
    /// When there is time.
    Ticket,
}

impl Severity {
    /// As labels have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Ticket => "ticket",
        }
    }
}

/// A budget is being spent too fast when it is so in both windows: the long one tells that it matters, the short one that
/// it still goes on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alert {
    /// How soon somebody has to look.
    pub severity: Severity,
    /// So many times as fast as would last for 30 days.
    pub factor: f64,
    /// Place in [`WINDOWS`].
    pub long: usize,
    /// Place in [`WINDOWS`].
    pub short: usize,
}

const fn alert(severity: Severity, factor: f64, long: usize, short: usize) -> Alert {
    Alert {
        severity,
        factor,
        long,
        short,
    }
}

/// Sloth's: 2 % of the budget in an hour, 5 % in six, 10 % in a day or in three.
pub const ALERTS: [Alert; 4] = [
    alert(Severity::Page, 14.4, 2, 0),
    alert(Severity::Page, 6.0, 4, 1),
    alert(Severity::Ticket, 3.0, 5, 3),
    alert(Severity::Ticket, 1.0, 6, 4),
];
