//! The tier among threads, in thousands of orders of their steps (shuttle: random, and by few preemptions, Burckhardt
//! et al., "A randomized scheduler with probabilistic guarantees of finding bugs").

use shuttle::sync::Arc;
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::{check_pct, check_random, thread};

use super::*;

const KEY: u8 = 1;
const OPTIONS: L1Options = L1Options {
    bytes: 1 << 20,
    negative_bytes: 1 << 16,
    fresh: 1_000,
    stale: 5_000,
    negative: 500,
    fence_lifetime: 10_000,
    fences_fills: false,
};
/// Orders that are tried of each kind.
const ORDERS: usize = 1_000;
/// Places at which a thread is made to wait, whatever it does there.
const PREEMPTIONS: usize = 3;

/// A version as a value. Where the tier asks it something, between its own steps, another thread may come.
#[derive(Debug, Clone, PartialEq)]
struct Watched(u64);

impl Weigh for Watched {
    fn weight(&self) -> usize {
        8
    }

    fn inherit(&mut self, _kept: &Self) {
        thread::yield_now();
    }

    fn lifetime(&self) -> Option<Lifetime> {
        thread::yield_now();
        None
    }
}

/// A tier, and a store of one key.
struct World {
    tier: L1<u8, Watched>,
    stored: AtomicU64,
    /// The version that whoever reads from now on must see, or a newer one.
    acknowledged: AtomicU64,
}

impl World {
    fn new(fences_fills: bool) -> Arc<Self> {
        let options = L1Options {
            fences_fills,
            ..OPTIONS
        };
        Arc::new(Self {
            tier: L1::new(options, 0),
            stored: AtomicU64::new(1),
            acknowledged: AtomicU64::new(1),
        })
    }

    /// Loads and fills; `read` is the store, or what is behind it.
    fn load(&self, read: impl Fn() -> u64) {
        let epoch = self.tier.epoch();
        let version = read();
        // Refused or not: the readers tell.
        let _ = self
            .tier
            .fill(&KEY, Ok(Watched(version)), version, epoch, 0);
    }

    /// Reads some times, and sees nothing older than was acknowledged, or than was seen before.
    fn look(&self) {
        let mut least = 0;
        for _ in 0..3 {
            least = least.max(self.acknowledged.load(Ordering::SeqCst));
            if let Some(found) = self.tier.get(&KEY, 0) {
                assert_eq!(found.value, Ok(Watched(found.version)));
                assert!(found.version >= least, "{} after {least}", found.version);
                least = found.version;
            }
        }
    }
}

/// Runs each on a thread of its own, to the end of all.
fn all(world: &Arc<World>, threads: Vec<fn(&World)>) {
    let threads: Vec<_> = threads
        .into_iter()
        .map(|run| {
            let world = Arc::clone(world);
            thread::spawn(move || run(&world))
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

fn check(model: fn()) {
    check_random(model, ORDERS);
    check_pct(model, ORDERS, PREEMPTIONS);
}

#[test]
fn what_is_acknowledged_is_seen_whatever_is_loaded_meanwhile() {
    fn model() {
        let load = |world: &World| {
            for _ in 0..2 {
                world.load(|| world.stored.load(Ordering::SeqCst));
            }
        };
        let write = |world: &World| {
            for version in 2..=3 {
                world.stored.store(version, Ordering::SeqCst);
                world.tier.invalidate(&KEY, version, 0);
                world.acknowledged.store(version, Ordering::SeqCst);
            }
        };
        let clear = |world: &World| {
            world.tier.begin_purge();
            world.tier.purge(&KEY, Depth::Soft, 0);
            world.tier.values.remove(&KEY);
        };
        all(
            &World::new(false),
            vec![load, load, write, clear, World::look, World::look],
        );
    }
    check(model);
}

#[test]
fn what_was_shown_is_followed_by_nothing_older_from_a_copy_that_is_behind() {
    fn model() {
        let world = World::new(true);
        world.stored.store(2, Ordering::SeqCst);
        all(
            &world,
            vec![
                |world| world.load(|| world.stored.load(Ordering::SeqCst)),
                |world| world.load(|| 1),
                |world| world.load(|| 1),
                |world| {
                    world.tier.values.remove(&KEY);
                },
                World::look,
                World::look,
            ],
        );
    }
    check(model);
}

#[test]
fn what_was_loaded_before_a_doubt_is_not_seen_after_it() {
    fn model() {
        let world = World::new(false);
        world.stored.store(2, Ordering::SeqCst);
        all(
            &world,
            vec![
                |world| world.load(|| world.stored.load(Ordering::SeqCst)),
                |world| world.load(|| world.stored.load(Ordering::SeqCst)),
                |world| {
                    // Put back from a backup: the older version is the truth.
                    world.stored.store(1, Ordering::SeqCst);
                    world.tier.doubt_everything();
                    for _ in 0..2 {
                        if let Some(found) = world.tier.get(&KEY, 0) {
                            assert_eq!(found.version, 1, "of before the doubt");
                        }
                    }
                },
            ],
        );
    }
    check(model);
}
