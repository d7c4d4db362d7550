//! How processes are, for those who look.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::definition::Definition;

/// A process of the process file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessStatus {
    /// As it was defined.
    pub definition: Definition,
    /// Where its output goes.
    pub out_file: PathBuf,
    /// Where its errors go.
    pub error_file: PathBuf,
    /// How many there are to be; 0 where it is stopped.
    pub wanted: usize,
    /// Every instance, those that are being replaced included.
    pub instances: Vec<InstanceStatus>,
}

/// One of its instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// From 0.
    pub number: usize,
    /// `starting`, `online`, `draining`, `waiting` to be started again, `errored` or `stopped`.
    pub state: String,
    /// `None` where it does not run.
    pub pid: Option<i32>,
    /// Which generation it is of, from 1.
    pub generation: u64,
    /// In milliseconds.
    pub uptime_ms: u64,
    /// How often it was started again after it had ended by itself.
    pub restarts: u32,
    /// In bytes.
    pub memory: u64,
    /// Of one core, over the last second.
    pub cpu_percent: f64,
    /// What it says of itself.
    pub status: Option<String>,
    /// How it ended last.
    pub last_end: Option<String>,
}
