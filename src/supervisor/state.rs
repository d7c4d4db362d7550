//! What a supervisor writes down for the next one.

use std::fs;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::definition::Definition;
use super::home::{Home, write_privately};
use super::procfs::{self, Identity};
use super::sockets::Known;

/// What runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Of the machine: after another one nothing of this is there.
    boot: String,
    pub(super) processes: Vec<KeptProcess>,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptProcess {
    pub(super) definition: Definition,
    /// 0 where it is stopped.
    pub(super) wanted: usize,
    pub(super) generation: u64,
    pub(super) sockets: Vec<Known>,
    pub(super) workers: Vec<KeptWorker>,
}

/// One of its instances.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptWorker {
    pub(super) number: usize,
    pub(super) generation: u64,
    pub(super) identity: Identity,
    /// Where it sends its notifications.
    pub(super) notify: PathBuf,
    /// The number of the signal.
    pub(super) handover: Option<i32>,
}

impl State {
    pub(super) fn new(processes: Vec<KeptProcess>) -> Self {
        Self {
            boot: procfs::boot(),
            processes,
        }
    }

    pub(super) fn write(&self, home: &Home) -> io::Result<()> {
        write_privately(&home.state(), &serde_json::to_string_pretty(self)?)
    }

    /// What runs, by what was written last; nothing where that was before the machine was started.
    pub(super) fn read(home: &Home) -> Vec<KeptProcess> {
        let Ok(text) = fs::read(home.state()) else {
            return Vec::new();
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(state) if state.boot == procfs::boot() => state.processes,
            Ok(_) => Vec::new(),
            Err(error) => {
                tracing::warn!(%error, "what the last supervisor wrote makes no sense: nothing is adopted");
                Vec::new()
            }
        }
    }
}
