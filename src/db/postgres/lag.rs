//! How far a replica is behind, told by positions in the write-ahead log and our own clock alone: no heartbeat has to
//! be written, and the clocks of servers need not agree.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A position in the write-ahead log, in bytes.
pub(super) type Lsn = u64;

/// Positions kept at most; one that is older than all of them is as old as the oldest.
const KEPT: usize = 256;

/// When the primary was first known to have come to which position.
///
/// A replica lacks what lies between its position and the newest one. It has lacked that since the first position
/// behind its own was seen. So one that replays nothing is not behind as long as nothing happens on the primary; and
/// where the primary is out of reach, what it was last known to have written is what counts.
#[derive(Debug, Default)]
pub(super) struct Positions {
    seen: VecDeque<(Lsn, Instant)>,
}

impl Positions {
    /// The primary wrote this far, be it known from itself or from who received it.
    pub(super) fn note(&mut self, position: Lsn, now: Instant) {
        if self.newest().is_none_or(|newest| position > newest) {
            if self.seen.len() == KEPT {
                self.seen.pop_front();
            }
            self.seen.push_back((position, now));
        }
    }

    /// Begins anew: the log of a new primary, whose positions may be lower.
    pub(super) fn restart(&mut self) {
        self.seen.clear();
    }

    pub(super) fn newest(&self) -> Option<Lsn> {
        self.seen.back().map(|(position, _)| *position)
    }

    /// How long a replica that has replayed up to this position has been lacking something.
    pub(super) fn lag(&self, replayed: Lsn, now: Instant) -> Duration {
        let mut behind = self
            .seen
            .iter()
            .filter(|(position, _)| *position > replayed);
        let since = behind.next().map_or(now, |(_, seen)| *seen);
        now.saturating_duration_since(since)
    }
}

/// Looks in a row that have to be good before a replica is read from again.
const GOOD_LOOKS: u32 = 2;

/// Whether a replica is read from. It goes at the first bad look. Once it went, it has to be well within the limit
/// for a while, lest it come and go.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    is_in: bool,
    /// It was in before.
    went: bool,
    good_looks: u32,
}

impl Rotation {
    pub(super) fn is_in(&self) -> bool {
        self.is_in
    }

    /// Takes note of a look: how far it is behind, `None` where it gave no answer. Returns whether it is in.
    pub(super) fn look(&mut self, lag: Option<Duration>, limit: Duration) -> bool {
        match lag.filter(|lag| *lag <= limit) {
            None => {
                self.went |= self.is_in;
                self.is_in = false;
                self.good_looks = 0;
            }
            Some(_) if self.is_in => {}
            Some(lag) if lag <= limit / 2 => {
                self.good_looks += 1;
                self.is_in = !self.went || self.good_looks >= GOOD_LOOKS;
            }
            Some(_) => self.good_looks = 0,
        }
        self.is_in
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_replica_is_behind_since_it_first_lacked_something() {
        let start = Instant::now();
        let at = |seconds| start + SECOND * seconds;
        let mut positions = Positions::default();
        assert_eq!(positions.lag(0, at(0)), Duration::ZERO);
        positions.note(100, at(0));
        positions.note(100, at(9));
        // Nothing happened for long: who has it all is not behind, who has not is since the beginning.
        assert_eq!(positions.lag(100, at(9)), Duration::ZERO);
        assert_eq!(positions.lag(99, at(9)), SECOND * 9);
        positions.note(200, at(10));
        positions.note(300, at(11));
        assert_eq!(positions.lag(100, at(12)), SECOND * 2);
        assert_eq!(positions.lag(250, at(12)), SECOND);
        assert_eq!(positions.lag(300, at(12)), Duration::ZERO);
        // The primary is out of reach, and nothing more is known: what it had written still counts.
        assert_eq!(positions.lag(250, at(60)), SECOND * 49);
        assert_eq!(positions.lag(300, at(60)), Duration::ZERO);
    }

    #[test]
    fn what_is_forgotten_leaves_the_oldest_that_is_known() {
        let start = Instant::now();
        let mut positions = Positions::default();
        for number in 0..KEPT as u64 * 2 {
            positions.note(number + 1, start + SECOND * u32::try_from(number).unwrap());
        }
        assert_eq!(positions.seen.len(), KEPT);
        let end = start + SECOND * u32::try_from(KEPT * 2).unwrap();
        assert_eq!(positions.lag(0, end), SECOND * u32::try_from(KEPT).unwrap());
    }

    #[test]
    fn one_goes_at_once_and_comes_back_with_hysteresis() {
        let limit = SECOND * 5;
        let mut rotation = Rotation::default();
        assert!(!rotation.is_in());
        assert!(!rotation.look(None, limit));
        // The first time there is nothing to be wary of.
        assert!(rotation.look(Some(SECOND), limit));
        assert!(rotation.look(Some(limit), limit));
        assert!(!rotation.look(Some(limit + SECOND), limit));
        // Not before it is well within the limit, twice in a row.
        assert!(!rotation.look(Some(SECOND), limit));
        assert!(!rotation.look(Some(SECOND * 4), limit));
        assert!(!rotation.look(Some(SECOND), limit));
        assert!(rotation.look(Some(SECOND), limit));
        assert!(!rotation.look(None, limit));
        assert!(!rotation.look(Some(SECOND), limit));
        assert!(!rotation.look(None, limit));
        assert!(!rotation.look(Some(SECOND), limit));
        assert!(rotation.look(Some(SECOND), limit));
    }
}
