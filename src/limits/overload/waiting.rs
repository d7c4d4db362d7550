//! Those who wait for a place: by importance, and bounded by time, not by number.
//!
//! As in Facebook's servers ("Fail at Scale", ACM Queue 13/8, 2015, after `CoDel`, RFC 8289): while the queue runs empty
//! now and then, a burst may wait for [`PATIENT`] times the target, first come, first served. One that has stood for that
//! long is no burst but overload: then nobody waits for longer than the target, and the last to come is served first,
//! since who came before has had the longest wait already and is the likeliest to have given up.
//!
//! Pure: time comes in as an argument.

use std::collections::VecDeque;
use std::time::Duration;

use super::priority::Priority;

/// A burst may wait for so many times the target.
pub(super) const PATIENT: u32 = 5;
/// Against the loss of all memory: who comes then is refused at once, unless there is one who matters less.
const MOST: usize = 10_000;

/// One who waits.
pub(super) trait Waiter {
    /// Whether it has given up.
    fn is_gone(&self) -> bool;
}

/// The queue.
#[derive(Debug)]
pub(super) struct Waiting<W> {
    target: Duration,
    lanes: [VecDeque<(Duration, W)>; Priority::COUNT],
    /// When nobody of a priority was last seen to wait, nor anybody who comes before.
    clear_at: [Duration; Priority::COUNT],
}

impl<W: Waiter> Waiting<W> {
    pub(super) fn new(target: Duration) -> Self {
        Self {
            target,
            lanes: Default::default(),
            clear_at: Default::default(),
        }
    }

    /// How long one who comes now may wait.
    pub(super) fn patience(&mut self, now: Duration, priority: Priority) -> Duration {
        self.note_clear(now);
        if self.stands(now, priority) {
            self.target
        } else {
            self.target * PATIENT
        }
    }

    /// Whether somebody has been waiting all the time lately, of this priority or of those before: what comes behind
    /// is nobody's overload but its own.
    fn stands(&self, now: Duration, priority: Priority) -> bool {
        now.saturating_sub(self.clear_at[priority.index()]) > self.target * PATIENT
    }

    fn note_clear(&mut self, now: Duration) {
        self.forget_the_gone();
        let clear = self.lanes.iter().take_while(|lane| lane.is_empty()).count();
        self.clear_at[..clear].fill(now);
    }

    /// Whether nobody waits who matters as much as this, or more.
    pub(super) fn is_clear_for(&mut self, priority: Priority) -> bool {
        self.forget_the_gone();
        let before = &self.lanes[..=priority.index()];
        before.iter().all(VecDeque::is_empty)
    }

    /// How many wait, those who have just given up included.
    pub(super) fn len(&self) -> usize {
        self.lanes.iter().map(VecDeque::len).sum()
    }

    /// Who came first gives up first, so those are at the front.
    fn forget_the_gone(&mut self) {
        for lane in &mut self.lanes {
            while lane.front().is_some_and(|(_, waiter)| waiter.is_gone()) {
                lane.pop_front();
            }
        }
    }

    /// Lets one wait. Where that is one too many, returns the one who has to go, which may be the same.
    pub(super) fn push(&mut self, now: Duration, priority: Priority, waiter: W) -> Option<W> {
        self.note_clear(now);
        let mut spared = None;
        if self.len() >= MOST {
            let less = &mut self.lanes[priority.index() + 1..];
            match less.iter_mut().rev().find_map(VecDeque::pop_front) {
                Some((_, other)) => spared = Some(other),
                None => return Some(waiter),
            }
        }
        self.lanes[priority.index()].push_back((now, waiter));
        spared
    }

    /// The one whose turn it is, and how long it waited: strictly the most important. None, too, where that one does
    /// not fit: nobody overtakes it.
    pub(super) fn pop(
        &mut self,
        now: Duration,
        fits: impl Fn(&W) -> bool,
    ) -> Option<(Priority, Duration, W)> {
        self.note_clear(now);
        for priority in Priority::ALL {
            let stands = self.stands(now, priority);
            let lane = &mut self.lanes[priority.index()];
            while let Some((_, next)) = if stands { lane.back() } else { lane.front() } {
                let is_gone = next.is_gone();
                if !is_gone && !fits(next) {
                    return None;
                }
                let next = if stands {
                    lane.pop_back()
                } else {
                    lane.pop_front()
                };
                if let Some((since, waiter)) = next.filter(|_| !is_gone) {
                    return Some((priority, now.saturating_sub(since), waiter));
                }
            }
        }
        self.note_clear(now);
        None
    }
}

#[cfg(test)]
mod tests;
