//! Which of many documents are looked at to count all of them.
//!
//! Systematic sampling of blocks (Cochran, "Sampling Techniques", 1977, chapter 8), at intervals that double whenever
//! the number of documents has: what lies together in the catalogue, and is alike, falls into few intervals, and each
//! doubling costs as much as the one before.

/// Draws blocks of documents as they come.
#[derive(Debug)]
pub(super) struct Sample {
    /// So many documents are all looked at; then whole blocks only.
    one_by_one: u64,
    block: usize,
    seen: u64,
    /// What those that were looked at stand for: nearly all that were seen.
    represented: u64,
    /// Blocks passed over since the last one that was looked at.
    passed_over: u64,
}

impl Sample {
    pub(super) fn new(one_by_one: u64, block: usize) -> Self {
        Self {
            one_by_one,
            block,
            seen: 0,
            represented: 0,
            passed_over: 0,
        }
    }

    /// Whether the next block, of that many documents, is looked at; then it says how many each of them stands for.
    pub(super) fn next(&mut self, documents: usize) -> Option<u32> {
        let size = documents as u64;
        self.seen += size;
        let interval = if self.is_whole() {
            1
        } else {
            self.passed_over += 1;
            (self.seen / self.one_by_one + 1).next_power_of_two()
        };
        let is_due = self.is_whole() || (self.passed_over >= interval && documents == self.block);
        if !is_due {
            return None;
        }
        self.passed_over = 0;
        self.represented += interval * size;
        Some(u32::try_from(interval).unwrap_or(u32::MAX))
    }

    /// True as long as all were looked at.
    pub(super) fn is_whole(&self) -> bool {
        self.seen <= self.one_by_one
    }

    /// What a sum of what was looked at makes for all that were seen.
    pub(super) fn of_all(&self, sum: u64) -> u64 {
        if self.represented == 0 {
            return sum;
        }
        let of_all = u128::from(sum) * u128::from(self.seen) / u128::from(self.represented);
        u64::try_from(of_all).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BLOCK: usize = 64;

    /// Counts the documents for which `has` is true, as a search does.
    fn estimate(documents: u64, has: impl Fn(u64) -> bool) -> (u64, bool) {
        let mut sample = Sample::new(20_000, BLOCK);
        let mut sum = 0;
        let mut looked_at = 0;
        let all: Vec<u64> = (0..documents).collect();
        for block in all.chunks(BLOCK) {
            if let Some(stands_for) = sample.next(block.len()) {
                looked_at += block.len();
                let here = block.iter().filter(|document| has(**document)).count() as u64;
                sum += here * u64::from(stands_for);
            }
        }
        assert!(looked_at < 120_000, "{looked_at}");
        (sample.of_all(sum), sample.is_whole())
    }

    #[test]
    fn few_are_counted_one_by_one() {
        assert_eq!(estimate(20_000, |document| document % 7 == 0), (2858, true));
        assert!(!estimate(20_001, |_| true).1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// All of them are exactly all, a share that lies together or is strewn about is nearly that share.
        #[test]
        fn many_are_estimated(documents in 20_001_u64..600_000, from in 0.0..0.9, part in 2_u64..20) {
            prop_assert_eq!(estimate(documents, |_| true).0, documents);
            let near = |(estimated, _): (u64, bool), real: u64| {
                estimated.abs_diff(real) <= documents / 50
            };
            let strewn = estimate(documents, |document| document % part == 0);
            prop_assert!(near(strewn, documents / part), "{strewn:?} of {}", documents / part);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a place")]
            let first = (documents as f64 * from) as u64;
            let last = first + documents / 10;
            let together = estimate(documents, |document| (first..last).contains(&document));
            prop_assert!(near(together, documents / 10), "{together:?} of {}", documents / 10);
        }
    }
}
