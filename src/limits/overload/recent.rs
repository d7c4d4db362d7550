//! What happened within the last second or two.

use std::time::Duration;

/// Of this second and the one before.
const PERIOD: Duration = Duration::from_secs(1);

/// What is counted of a while.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct While {
    /// Who asked for a place.
    pub(super) asked: u64,
    /// Who was turned away.
    pub(super) shed: u64,
    /// Of those that asked, what others have to give way to.
    pub(super) essential_asked: u64,
    /// Of those that were turned away, the same.
    pub(super) essential_shed: u64,
    /// Who got a place.
    pub(super) admitted: u64,
    /// The longest wait of one who did, and of all together.
    pub(super) longest_wait: Duration,
    pub(super) waits: Duration,
    /// The parts of the limit that were in use when somebody asked, together.
    pub(super) in_use: f64,
}

impl While {
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            shed: self.shed + other.shed,
            essential_asked: self.essential_asked + other.essential_asked,
            essential_shed: self.essential_shed + other.essential_shed,
            admitted: self.admitted + other.admitted,
            longest_wait: self.longest_wait.max(other.longest_wait),
            waits: self.waits + other.waits,
            in_use: self.in_use + other.in_use,
        }
    }

    /// The part of the limit that was in use, 0 to 1, as those who asked found it: who comes at random sees the mean of
    /// the time (R. W. Wolff, "Poisson Arrivals See Time Averages", Operations Research 30/2, 1982). Where the limit is
    /// a few places, the most that was in use at a time says nothing.
    #[expect(clippy::cast_precision_loss, reason = "a count of two seconds")]
    pub(super) fn saturation(self) -> f64 {
        (self.in_use / self.asked.max(1) as f64).min(1.0)
    }

    /// How long those waited who got a place, in the mean.
    pub(super) fn mean_wait(self) -> Duration {
        self.waits / u32::try_from(self.admitted.max(1)).unwrap_or(u32::MAX)
    }
}

/// Two whiles, the one before and the one that is.
#[derive(Debug, Default)]
pub(super) struct Recent {
    since: Duration,
    now: While,
    before: While,
}

impl Recent {
    /// The while that is.
    pub(super) fn at(&mut self, now: Duration) -> &mut While {
        let age = now.saturating_sub(self.since);
        if age >= PERIOD {
            let ended = std::mem::take(&mut self.now);
            self.before = if age < 2 * PERIOD {
                ended
            } else {
                While::default()
            };
            self.since = now;
        }
        &mut self.now
    }

    /// Both.
    pub(super) fn read(&mut self, now: Duration) -> While {
        let current = *self.at(now);
        current.and(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_two_seconds_old_is_forgotten() {
        let at = Duration::from_millis;
        let mut recent = Recent::default();
        recent.at(at(100)).asked += 3;
        recent.at(at(100)).longest_wait = at(9);
        recent.at(at(100)).waits = at(12);
        recent.at(at(100)).admitted = 2;
        recent.at(at(100)).in_use = 1.5;
        assert_eq!(recent.read(at(900)).asked, 3);
        recent.at(at(1_100)).asked += 1;
        recent.at(at(1_100)).shed += 1;
        let both = recent.read(at(1_200));
        assert_eq!((both.asked, both.shed, both.longest_wait), (4, 1, at(9)));
        assert_eq!(both.mean_wait(), at(6));
        assert!((both.saturation() - 0.375).abs() < f64::EPSILON);
        assert_eq!(recent.read(at(2_200)).asked, 1);
        assert_eq!(recent.read(at(9_000)), While::default());
    }
}
