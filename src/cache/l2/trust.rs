//! Whether the second tier may be believed: only while every invalidation that this node knows of is known to have
//! reached it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Trust in one session with the tier. It is lost at once and regained by the [relay](super::relay) alone.
#[derive(Debug, Default)]
pub(super) struct Trust {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Rises with every invalidation that may not have arrived.
    doubts: u64,
    /// The session that is believed.
    session: Option<u64>,
}

/// A count of doubts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Doubts(u64);

impl Trust {
    /// True where what this session says may be believed.
    pub(super) fn covers(&self, session: u64) -> bool {
        self.lock().session == Some(session)
    }

    /// An invalidation may not have arrived, or others may have been lost. Only one who begins after this to go
    /// through the journal can end it.
    pub(super) fn doubt(&self) {
        let mut state = self.lock();
        state.doubts += 1;
        state.session = None;
    }

    /// Not for now: the relay is too far behind. It ends when that has caught up.
    pub(super) fn suspend(&self) {
        self.lock().session = None;
    }

    /// The doubts so far. To be noted before the journal is read.
    pub(super) fn doubts(&self) -> Doubts {
        Doubts(self.lock().doubts)
    }

    /// The journal was delivered to its end, over this session, since these doubts. False where there are newer ones.
    pub(super) fn grant(&self, session: u64, since: Doubts) -> bool {
        let mut state = self.lock();
        let holds = state.doubts == since.0;
        if holds {
            state.session = Some(session);
        }
        holds
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_covers_one_session() {
        let trust = Trust::default();
        assert!(!trust.covers(0));
        assert!(trust.grant(1, trust.doubts()));
        assert!(trust.covers(1) && !trust.covers(2));
    }

    #[test]
    fn a_doubt_while_the_journal_is_read_outlives_it() {
        let trust = Trust::default();
        let since = trust.doubts();
        trust.doubt();
        assert!(!trust.grant(1, since));
        assert!(!trust.covers(1));
        assert!(trust.grant(1, trust.doubts()));
        trust.doubt();
        assert!(!trust.covers(1));
    }

    #[test]
    fn falling_behind_ends_with_catching_up() {
        let trust = Trust::default();
        let since = trust.doubts();
        trust.suspend();
        assert!(trust.grant(1, since));
    }
}
