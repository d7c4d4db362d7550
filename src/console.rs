//! What operators see of a node: its vital signs, as numbers for Prometheus and once a second as one document for every
//! page of the console that is open.

mod audit;
mod board;
mod metrics;
mod process;
mod readings;
mod snapshot;
mod trouble;
mod vitals;

pub use audit::Audit;
pub use board::{Board, Watcher};
pub use metrics::{exposition, message};
pub use readings::{JobsSeen, Readings};
pub(crate) use vitals::seconds_now;
pub use vitals::{Sources, Vitals};

/// The files of the page.
pub mod page {
    /// The page itself.
    pub const HTML: &str = include_str!("console/page.html");
    /// How it looks.
    pub const STYLE: &str = include_str!("console/style.css");
    /// What it does.
    pub const SCRIPT: &str = include_str!("console/app.js");
    /// Its picture in a tab.
    pub const ICON: &str = include_str!("console/icon.svg");
}
