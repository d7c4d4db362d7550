//! Values made of other values: each is good for exactly the source it was made of, so nothing expires and
//! nothing has to be invalidated.

use std::hash::Hash;

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::l1::{ENTRY_OVERHEAD, Weigh};

/// What a value typically weighs, which sizes the queue that remembers recently evicted keys.
const TYPICAL: u64 = 2_000;

#[derive(Debug, Clone)]
struct Made<V> {
    /// A hash of what it was made of.
    source: u64,
    value: V,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl<K, V: Weigh> Weighter<K, Made<V>> for ByBytes {
    fn weight(&self, _key: &K, made: &Made<V>) -> u64 {
        made.value.weight() as u64 + ENTRY_OVERHEAD
    }
}

/// Derived values within a budget of bytes. One who reads looks the source up first: that decides whether a
/// value is kept too long, or was made by one who came late with an older source. A source is named by a hash
/// of its content, never by its version alone.
#[derive(Debug)]
pub struct Derived<K, V> {
    kept: Cache<K, Made<V>, ByBytes>,
}

impl<K: Hash + Eq + Clone, V: Clone + Weigh> Derived<K, V> {
    /// None yet.
    pub fn new(bytes: u64) -> Self {
        let items = bytes / (TYPICAL + ENTRY_OVERHEAD);
        let items = usize::try_from(items).unwrap_or(usize::MAX);
        Self {
            kept: Cache::with_weighter(items, bytes, ByBytes),
        }
    }

    /// The value, where it was made of this source.
    pub fn get(&self, key: &K, source: u64) -> Option<V> {
        let made = self.kept.get(key)?;
        (made.source == source).then_some(made.value)
    }

    /// Like [`Derived::get`], but does not count as a use.
    pub fn peek(&self, key: &K, source: u64) -> Option<V> {
        let made = self.kept.peek(key)?;
        (made.source == source).then_some(made.value)
    }

    /// Keeps what was made of a source, in place of what was made of another one.
    pub fn keep(&self, key: K, source: u64, value: V) {
        self.kept.insert(key, Made { source, value });
    }

    /// Replaces a value by one made of the same source with more to it. Nothing happens where it is gone.
    /// Of two who do so at once one may lose what it added; it is added again at the next demand.
    pub fn amend(&self, key: &K, source: u64, amend: impl FnOnce(&V) -> Option<V>) {
        let Some(value) = self.peek(key, source).as_ref().and_then(amend) else {
            return;
        };
        // An error says that it was evicted meanwhile.
        let _ = self.kept.replace(key.clone(), Made { source, value }, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Text(String);

    impl Weigh for Text {
        fn weight(&self) -> usize {
            self.0.len()
        }
    }

    proptest! {
        /// Whoever kept what, in whatever order: what is got was made of the source asked for.
        #[test]
        fn a_value_never_outlives_its_source(
            steps in vec((0..3_u8, 0..4_u64, 0..3_u8), 1..60),
        ) {
            let derived = Derived::new(1 << 20);
            for (key, source, step) in steps {
                let expected = format!("{key} of {source}");
                let made = Text(expected.clone());
                match step {
                    0 => derived.keep(key, source, made),
                    1 => derived.amend(&key, source, |kept| {
                        assert_eq!(kept, &made);
                        Some(kept.clone())
                    }),
                    _ => if let Some(Text(found)) = derived.get(&key, source) {
                        prop_assert_eq!(found, expected);
                    },
                }
            }
        }
    }

    #[test]
    fn values_stay_within_the_budget() {
        let derived = Derived::new(100_000);
        for key in 0..1_000_u32 {
            derived.keep(key, 1, Text("x".repeat(800)));
        }
        let kept = (0..1_000)
            .filter(|key| derived.peek(key, 1).is_some())
            .count();
        assert!((50..=100).contains(&kept), "{kept}");
    }

    #[test]
    fn what_is_amended_is_found_by_its_source_alone() {
        let derived = Derived::new(100_000);
        derived.keep(1, 7, Text("a".to_owned()));
        derived.amend(&1, 8, |_| Some(Text("of another".to_owned())));
        derived.amend(&2, 7, |_| Some(Text("of another key".to_owned())));
        assert_eq!(derived.get(&1, 7), Some(Text("a".to_owned())));
        derived.amend(&1, 7, |Text(text)| Some(Text(text.to_owned() + "b")));
        assert_eq!(derived.get(&1, 7), Some(Text("ab".to_owned())));
        assert_eq!((derived.get(&1, 8), derived.get(&2, 7)), (None, None));
    }
}
