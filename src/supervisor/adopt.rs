//! Taking over what a supervisor left that was killed. Its workers serve on, and have the listening sockets: those are
//! taken from them (`pidfd_getfd(2)`), so that no connection is lost that waits in one.

use std::io;
use std::os::fd::OwnedFd;

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::procfs::{self, Identity};
use super::sockets::{Known, Sockets};

/// Takes each of these sockets from whichever of these processes has it. Fails where the system does not let one process
/// take from another (`kernel.yama.ptrace_scope`).
pub(super) fn take_sockets(
    sockets: &mut Sockets,
    known: &[Known],
    from: &[Identity],
) -> io::Result<()> {
    for known in known {
        let taken = from
            .iter()
            .find_map(|identity| take(*identity, known.inode));
        if let Some(taken) = taken {
            sockets.adopt(known.listen.clone(), taken?);
        }
    }
    Ok(())
}

fn take(from: Identity, inode: u64) -> Option<io::Result<OwnedFd>> {
    let number = procfs::descriptor_of_socket(from.pid, inode)?;
    let pid = Pid::from_raw(from.pid)?;
    let taken = pidfd_open(pid, PidfdFlags::empty())
        .and_then(|process| pidfd_getfd(process, number, PidfdGetfdFlags::empty()));
    Some(taken.map_err(io::Error::from))
}
