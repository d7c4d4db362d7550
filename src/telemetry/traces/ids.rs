//! Random numbers for ids and lots: fast, a thread's own, and of no use to whoever needs secrets.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

thread_local! {
    static STATE: Cell<[u64; 4]> = Cell::new(seed());
}

/// A hasher of the standard library has random keys. All zeros is the one state that is forbidden; four hashes are that
/// once in 2^256.
fn seed() -> [u64; 4] {
    std::array::from_fn(|index| {
        let keys = RandomState::new();
        getrandom::u64().unwrap_or_else(|_| keys.hash_one(index))
    })
}

/// xoshiro256++ 1.0 (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021).
pub(super) fn random() -> u64 {
    let [mut a, mut b, mut c, mut d] = STATE.get();
    let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
    let shifted = b << 17;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = d.rotate_left(45);
    STATE.set([a, b, c, d]);
    result
}

/// Not 0, which stands for none.
pub(super) fn span_id() -> u64 {
    random().max(1)
}

/// Not 0, which stands for none.
pub(super) fn trace_id() -> u128 {
    (u128::from(random()) << 64 | u128::from(random())).max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_differ_between_threads_and_within_them() {
        let some = || (0..1_000).map(|_| trace_id()).collect::<Vec<_>>();
        let elsewhere = std::thread::spawn(some).join().unwrap();
        let ids: HashSet<_> = some().into_iter().chain(elsewhere).collect();
        assert_eq!(ids.len(), 2_000);
    }

    #[test]
    fn each_bit_is_set_as_often_as_not() {
        let mut set = [0_u32; 64];
        for _ in 0..4_096 {
            let number = random();
            for (bit, count) in set.iter_mut().enumerate() {
                *count += u32::from(number >> bit & 1 == 1);
            }
        }
        // Eight standard deviations.
        assert!(
            set.iter().all(|count| (1_792..2_304).contains(count)),
            "{set:?}"
        );
    }
}
