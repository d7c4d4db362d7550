//! How many connections the system allows: each is an open file.

use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Files that are none of a connection: database and log of each thread that reads, listeners, pipes.
const FOR_OTHERS: usize = 128;
const FOR_EACH_WORKER: usize = 8;

/// Most connections of a worker that may be closing at once.
const MOST_CLOSING: usize = 128;

/// Raises the limit on open files as far as the process may. The low default is for programs that use
/// `select(2)`, which no part of this one does.
pub(in crate::http) fn raise_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit on open files cannot be raised");
    }
}

/// How many connections a worker may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct Share {
    /// Open and in use.
    pub(in crate::http) connections: usize,
    /// More of them for the moment, while others close to make room. Beyond these a newcomer waits to be accepted.
    pub(in crate::http) closing: usize,
}

/// The share of each worker in the connections wanted, or in as many as there may be files for. Says so where
/// they are fewer.
pub(in crate::http) fn share_of_a_worker(wanted: NonZeroUsize, workers: usize) -> Share {
    let files = getrlimit(Resource::Nofile).current;
    let files = files.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    });
    let share = share(wanted.get(), workers, files);
    let allowed = share.connections.saturating_mul(workers);
    if allowed < wanted.get() {
        tracing::warn!(
            "server.max_connections = {wanted} is more than the {files} open files that the system allows: \
             {allowed} it is; raise LimitNOFILE or ulimit -n"
        );
    }
    share
}

fn share(wanted: usize, workers: usize, files: usize) -> Share {
    let closing_beside = |connections: usize| (connections / 8).clamp(1, MOST_CLOSING);
    let share = |connections: usize| Share {
        connections,
        closing: closing_beside(connections),
    };
    let wanted = share(wanted.div_ceil(workers));
    let others = FOR_OTHERS + FOR_EACH_WORKER * workers;
    // However few files there are, some connections there must be. To accept one too many fails, and is tried
    // again.
    let left = files.saturating_sub(others).max(files / 4) / workers;
    if wanted.connections.saturating_add(wanted.closing) <= left {
        return wanted;
    }
    share(left.saturating_sub(closing_beside(left)).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_wanted_is_given_where_there_are_files_for_it() {
        let share = |wanted, workers, files| {
            let Share {
                connections,
                closing,
            } = super::share(wanted, workers, files);
            (connections, closing)
        };
        assert_eq!(share(10_000, 2, 20_000), (5_000, 128));
        assert_eq!(share(10_000, 2, usize::MAX), (5_000, 128));
        assert_eq!(share(7, 2, 20_000), (4, 1));
        assert_eq!(share(10_000, 2, 1_024), (385, 48));
        assert_eq!(share(10_000, 2, 200), (25, 3));
        assert_eq!(share(10_000, 8, 0), (1, 1));
    }

    proptest! {
        #[test]
        fn others_keep_their_share(wanted in 1..100_000_usize, workers in 1..64_usize, files in 1_024..200_000_usize) {
            let Share { connections, closing } = share(wanted, workers, files);
            prop_assert!(connections >= 1 && connections <= wanted.div_ceil(workers));
            prop_assert!((connections + closing) * workers + 128 + 8 * workers <= files.max(8 * 1_024));
        }
    }
}
