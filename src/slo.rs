//! Whether the promise is kept: objectives, what was spent of their budgets in 30 days, and how fast it is being spent.
//!
//! Multi-window, multi-burn-rate alerts (B. Beyer et al., "The Site Reliability Workbook", chapter 5), with the windows
//! that Sloth has. The figures are those of one node; [`export::prometheus`] writes rules by which Prometheus works out
//! the same for a fleet.

mod engine;
mod events;
pub mod export;
mod file;
mod history;
mod objective;
mod status;

pub use engine::Slo;
pub use events::Events;
pub use objective::{ALERTS, Alert, Latency, Name, Objectives, Severity, Target, WINDOWS, Window};
pub use status::{AlertStatus, Budget, ObjectiveStatus, Status};
