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
    /// The longest wait of one who got a place.
    pub(super) longest_wait: Duration,
    /// The largest part of the limit that was in use.
    pub(super) saturation: f64,
}

impl While {
    fn and(self, other: Self) -> Self {
        Self {
            asked: self.asked + other.asked,
            shed: self.shed + other.shed,
            longest_wait: self.longest_wait.max(other.longest_wait),
            saturation: self.saturation.max(other.saturation),
        }
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
        assert_eq!(recent.read(at(900)).asked, 3);
        recent.at(at(1_100)).asked += 1;
        recent.at(at(1_100)).shed += 1;
        let both = recent.read(at(1_200));
        assert_eq!((both.asked, both.shed, both.longest_wait), (4, 1, at(9)));
        assert_eq!(recent.read(at(2_200)).asked, 1);
        assert_eq!(recent.read(at(9_000)), While::default());
    }
}
