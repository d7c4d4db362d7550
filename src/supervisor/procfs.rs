//! What `/proc` says of a process.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Clock ticks in a second: what Linux tells programs, whatever it counts in itself.
const TICKS: u64 = 100;

/// A process, and no other that has its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) pid: i32,
    /// When it began, in clock ticks since the machine did.
    pub(super) began: u64,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Usage {
    /// Memory, in bytes.
    pub(super) memory: u64,
    /// Time of the processor.
    pub(super) cpu: Duration,
}

/// The one that has this number now. `None` where it has ended.
pub(super) fn identify(pid: i32) -> Option<Identity> {
    let fields = stat(pid)?;
    // One that has ended and was not asked about yet is no process any more.
    let has_ended = ["Z", "X"].contains(&fields.first()?.as_str());
    let began = fields.get(19)?.parse().ok()?;
    (!has_ended).then_some(Identity { pid, began })
}

/// What it has used so far.
pub(super) fn usage(pid: i32) -> Option<Usage> {
    let fields = stat(pid)?;
    let ticks = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let resident = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    Some(Usage {
        memory: resident.unwrap_or(0) * 1024,
        cpu: Duration::from_millis((ticks(11)? + ticks(12)?) * 1_000 / TICKS),
    })
}

/// The number under which it has a socket open.
pub(super) fn descriptor_of_socket(pid: i32, inode: u64) -> Option<i32> {
    let wanted = PathBuf::from(format!("socket:[{inode}]"));
    let mut entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    entries.find_map(|entry| {
        let entry = entry.ok()?;
        let target = fs::read_link(entry.path()).ok()?;
        (target == wanted).then(|| entry.file_name().to_str()?.parse().ok())?
    })
}

/// What tells this run of the machine from others.
pub(super) fn boot() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.unwrap_or_default().trim().to_owned()
}

/// The fields of `/proc/PID/stat` after the name, which may have anything in it.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_known_and_uses_something() {
        let pid = i32::try_from(std::process::id()).unwrap();
        let identity = identify(pid).unwrap();
        assert!(identity.began > 0);
        assert_eq!(identify(pid), Some(identity));
        assert!(usage(pid).unwrap().memory > 1 << 20);
        assert_eq!(identify(i32::MAX), None);
    }

    #[test]
    fn a_socket_is_found_by_its_inode() {
        use std::os::fd::AsRawFd;

        let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let inode = rustix::fs::fstat(&socket).unwrap().st_ino;
        let pid = i32::try_from(std::process::id()).unwrap();
        assert_eq!(descriptor_of_socket(pid, inode), Some(socket.as_raw_fd()));
        drop(socket);
        assert_eq!(descriptor_of_socket(pid, inode), None);
    }
}
