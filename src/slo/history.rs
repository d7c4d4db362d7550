//! Events of the last 30 days: by the minute for as long as the shorter windows reach, by the hour before that.

use std::collections::VecDeque;

use super::events::Events;
use super::objective::{Name, WINDOWS};

/// Of all objectives, in the order of [`Name::ALL`].
pub(super) type All = [Events; Name::ALL.len()];
/// Sums of all windows, in the order of [`WINDOWS`].
pub(super) type Sums = [All; WINDOWS.len()];

const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
/// Minutes are kept for so long, in seconds: the last window but one, and some more.
const MINUTES_FOR: i64 = WINDOWS[WINDOWS.len() - 2].seconds + HOUR;
const HOURS_FOR: i64 = WINDOWS[WINDOWS.len() - 1].seconds + HOUR;

/// Events of a stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bucket {
    /// When it begins, in seconds since 1970.
    pub(super) begins: i64,
    pub(super) events: All,
}

/// Buckets in the order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct History {
    pub(super) hours: VecDeque<Bucket>,
    pub(super) minutes: VecDeque<Bucket>,
}

impl History {
    /// Adds what happened up to now: it belongs to the second before. Where the clock was set back, it counts as of the newest minute there is.
    pub(super) fn add(&mut self, now: i64, events: &All) {
        let begins = (now - 1).div_euclid(MINUTE) * MINUTE;
        add(&mut self.minutes, begins, events);
        self.forget(now);
    }

    /// Adds all that another history has.
    pub(super) fn merge(&self, other: &Self) -> Self {
        let merged = |ones: &VecDeque<Bucket>, others: &VecDeque<Bucket>| {
            let mut all: Vec<_> = ones.iter().chain(others).copied().collect();
            all.sort_by_key(|bucket| bucket.begins);
            let mut merged = VecDeque::new();
            for bucket in all {
                add(&mut merged, bucket.begins, &bucket.events);
            }
            merged
        };
        Self {
            hours: merged(&self.hours, &other.hours),
            minutes: merged(&self.minutes, &other.minutes),
        }
    }

    /// Minutes that are old become part of their hour, and hours that are old nothing.
    pub(super) fn forget(&mut self, now: i64) {
        while let Some(oldest) = self.minutes.front().copied()
            && oldest.begins < now - MINUTES_FOR
        {
            self.minutes.pop_front();
            let begins = oldest.begins - oldest.begins.rem_euclid(HOUR);
            add(&mut self.hours, begins, &oldest.events);
        }
        while let Some(oldest) = self.hours.front()
            && oldest.begins < now - HOURS_FOR
        {
            self.hours.pop_front();
        }
    }

    /// What each window has. Those up to three days are exact at the turn of a minute, and else have up to a minute more;
    /// that of 30 days has up to an hour more.
    pub(super) fn sums(&self, now: i64) -> Sums {
        let mut sums = Sums::default();
        let mut so_far = All::default();
        let mut window = 0;
        let minutes = self.minutes.iter().rev().map(|bucket| (bucket, MINUTE));
        let hours = self.hours.iter().rev().map(|bucket| (bucket, HOUR));
        for (bucket, length) in minutes.chain(hours) {
            while window < WINDOWS.len() && bucket.begins + length <= now - WINDOWS[window].seconds
            {
                sums[window] = so_far;
                window += 1;
            }
            for (sum, events) in so_far.iter_mut().zip(bucket.events) {
                sum.add(events);
            }
        }
        for sum in &mut sums[window.min(WINDOWS.len())..] {
            *sum = so_far;
        }
        sums
    }
}

/// Adds to the newest bucket, or makes one.
fn add(buckets: &mut VecDeque<Bucket>, begins: i64, events: &All) {
    match buckets.back_mut() {
        Some(newest) if newest.begins >= begins => {
            for (sum, events) in newest.events.iter_mut().zip(events) {
                sum.add(*events);
            }
        }
        _ if events
            .iter()
            .all(|events| events.total == 0 && events.bad == 0) => {}
        _ => buckets.push_back(Bucket {
            begins,
            events: *events,
        }),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(total: u64, bad: u64) -> All {
        [Events {
            total,
            bad,
            broken: bad,
        }; 3]
    }

    #[test]
    fn a_window_ends_with_its_last_second() {
        let mut history = History::default();
        history.add(60, &events(10, 1));
        history.add(300, &events(5, 0));
        let five_minutes = |now| history.sums(now)[0][0].total;
        assert_eq!(five_minutes(300), 15);
        assert_eq!(five_minutes(359), 15);
        assert_eq!(five_minutes(360), 5);
        assert_eq!(history.sums(7_000_000)[7][0].total, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut history = History::default();
        history.add(6_000, &events(1, 0));
        history.add(120, &events(1, 0));
        assert_eq!(history.sums(6_000)[0][0].total, 2);
    }

    proptest! {
        /// Against the sum of everything that is young enough.
        #[test]
        fn windows_have_what_happened_in_them(
            steps in prop::collection::vec((0..200_000_i64, 1..100_u64), 1..200)
        ) {
            let mut history = History::default();
            let mut all = Vec::new();
            let mut now = 1_000_000_000;
            for (step, total) in steps {
                now += step;
                history.add(now, &events(total, total / 10));
                all.push((now, total));
            }
            let sums = history.sums(now);
            for (window, sum) in WINDOWS.iter().zip(sums) {
                let slack = if window.seconds > MINUTES_FOR { HOUR } else { MINUTE };
                let since = |age: i64| -> u64 {
                    let young = all.iter().filter(|(at, _)| *at > now - age);
                    young.map(|(_, total)| total).sum()
                };
                prop_assert!(sum[0].total >= since(window.seconds), "{}", window.name);
                prop_assert!(sum[0].total <= since(window.seconds + slack), "{}", window.name);
            }
        }

        #[test]
        fn two_histories_together_have_what_both_have(
            steps in prop::collection::vec((0..20_000_i64, any::<bool>()), 1..100)
        ) {
            let (mut one, mut other, mut both) = (History::default(), History::default(), History::default());
            let mut now = 1_000_000_000;
            for (step, is_one) in steps {
                now += step;
                let to = if is_one { &mut one } else { &mut other };
                to.add(now, &events(3, 1));
                both.add(now, &events(3, 1));
            }
            one.forget(now);
            other.forget(now);
            prop_assert_eq!(one.merge(&other), both);
        }
    }
}
