//! What is said over the control socket: one request and one reply a connection, each a line of JSON.

use serde::{Deserialize, Serialize};

use super::definition::Definition;
use super::status::ProcessStatus;

/// What a daemon can be asked to do. Names of processes select them; none, or `all`, selects every one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Request {
    /// Run these. What runs already and is defined otherwise is reloaded.
    Start {
        /// What is to run.
        definitions: Vec<Definition>,
    },
    /// Start processes again that were stopped.
    StartAgain {
        /// Which.
        names: Vec<String>,
    },
    /// End them, and keep their definitions.
    Stop {
        /// Which.
        names: Vec<String>,
    },
    /// End them and forget them.
    Delete {
        /// Which.
        names: Vec<String>,
    },
    /// End them and start them again. Who connects meanwhile waits.
    Restart {
        /// Which.
        names: Vec<String>,
    },
    /// Replace them while they serve.
    Reload {
        /// Which.
        names: Vec<String>,
    },
    /// Have more or fewer instances.
    Scale {
        /// Of which.
        name: String,
        /// `3`, `+1` or `-1`.
        to: String,
    },
    /// Say how they are.
    List,
    /// Empty their logs.
    Flush {
        /// Whose.
        names: Vec<String>,
    },
    /// Keep what is to run for [`Request::Resurrect`].
    Save,
    /// Run what was kept.
    Resurrect,
    /// End all processes, and itself.
    Kill,
    /// End itself alone: the next daemon, of a newer version perhaps, adopts what runs.
    Update,
}

/// What became of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// What was done.
    pub done: Vec<String>,
    /// What was not, and why.
    pub failed: Vec<String>,
    /// How the processes are.
    pub processes: Vec<ProcessStatus>,
}

impl Reply {
    pub(super) fn failure(reason: impl Into<String>) -> Self {
        Self {
            failed: vec![reason.into()],
            ..Self::default()
        }
    }
}
