//! Keeps programs running, and replaces them while they serve. It runs any program that takes listening sockets by
//! `LISTEN_FDS` and says over `NOTIFY_SOCKET` that it is ready, as programs for systemd do.
//!
//! The `daemon` holds the listening sockets. A reload starts a new generation beside the one that serves and, when all of
//! it is ready, ends the old one; until then nothing has changed. Workers write their logs themselves and need the daemon
//! for nothing, so where it is killed they go on serving, and the next daemon adopts them (`adopt`).

mod adopt;
mod client;
mod control;
mod daemon;
mod definition;
mod ecosystem;
mod group;
mod home;
mod listen;
mod logs;
mod notifications;
mod procfs;
mod restarts;
mod sockets;
mod spawn;
mod state;
mod status;
mod worker;

pub use client::{Client, ClientError};
pub use control::{Reply, Request};
pub use daemon::{DaemonError, run};
pub use definition::{Definition, DefinitionError, Instances, ProcessFile, read_process_file};
pub use ecosystem::{EcosystemError, Imported, import};
pub use home::Home;
pub use listen::Listen;
pub use spawn::exec_listen;
pub use status::{InstanceStatus, ProcessStatus};
