//! The random numbers of the demo shop: `SplitMix64`, small enough to be ours, so that no crate's update
//! changes the catalogue.
//!
//! Source: G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", OOPSLA
//! 2014; constants as in S. Vigna's public-domain C version (<https://prng.di.unimi.it/splitmix64.c>).

/// Chosen so that product 456, the one the documentation fetches, has several variants and pictures and
/// a document of about 1.9 KB.
const SEED: u64 = 143_722;

/// What a stream of random numbers decides.
#[derive(Debug, Clone, Copy)]
pub(super) enum Concern {
    Kind = 1,
    Stage,
    Dates,
    Pricing,
    Options,
    Stock,
    Prose,
    Features,
    SearchEngines,
    Attributes,
    Images,
    Reviews,
    Relations,
}

/// A stream of random numbers.
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// The stream of one concern of one product (or of any other thing with a number).
    pub(super) fn new(concern: Concern, number: usize) -> Self {
        let mut outer = Self { state: SEED };
        let mut inner = Self {
            state: outer.next() ^ ((concern as u64) << 48) ^ number as u64,
        };
        Self {
            state: inner.next(),
        }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound` by multiplication and shift (D. Lemire, "Fast random integer generation in
    /// an interval", 2019); the bias of leaving out the rejection step is below 2⁻⁴⁰ for our bounds.
    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        low.saturating_add_unsigned(self.below(low.abs_diff(high) + 1))
    }

    /// True in `percent` of 100 cases.
    pub(super) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// An index below `length`, which must not be 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the index is below a length that is a usize"
    )]
    pub(super) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// One of `items`, which must not be empty.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Puts `items` into random order (Fisher and Yates).
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.index(last + 1));
        }
    }

    /// Up to `count` different `items`, in random order.
    pub(super) fn sample<'a, T>(&mut self, items: &'a [T], count: usize) -> Vec<&'a T> {
        let mut all: Vec<&T> = items.iter().collect();
        self.shuffle(&mut all);
        all.truncate(count);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_gives_the_published_numbers() {
        let mut random = Random { state: 1_234_567 };
        let numbers: Vec<u64> = (0..5).map(|_| random.next()).collect();
        assert_eq!(
            numbers,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821
            ]
        );
    }

    #[test]
    fn draws_stay_within_their_bounds_and_reach_them() {
        let mut random = Random::new(Concern::Kind, 1);
        let draws: Vec<i64> = (0..1000).map(|_| random.between(-2, 3)).collect();
        assert_eq!(draws.iter().min(), Some(&-2));
        assert_eq!(draws.iter().max(), Some(&3));
        assert!((0..1000).all(|_| random.index(7) < 7));
        let mut sample = random.sample(&[1, 2, 3, 4], 4);
        sample.sort();
        assert_eq!(sample, [&1, &2, &3, &4]);
    }
}
