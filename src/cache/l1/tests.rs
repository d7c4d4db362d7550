//! The tier against a model: any order of writes, loads, invalidations, evictions and ticks.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;

use super::*;

impl Weigh for u64 {
    fn weight(&self) -> usize {
        8
    }
}

const OPTIONS: L1Options = L1Options {
    bytes: 1 << 20,
    negative_bytes: 1 << 16,
    fresh: 1_000,
    stale: 5_000,
    negative: 500,
    fence_lifetime: 10_000,
    fences_fills: false,
};

fn tier() -> L1<u8, u64> {
    L1::new(OPTIONS, 0)
}

fn depth(is_hard: bool) -> Depth {
    if is_hard { Depth::Hard } else { Depth::Soft }
}

#[test]
fn an_entry_is_fresh_then_stale_then_gone() {
    let tier = tier();
    let fresh_for = tier.fill(&1, Ok(7), 3, tier.epoch(), 0).unwrap();
    assert!((900..=1_100).contains(&fresh_for), "{fresh_for}");
    let last_fresh = tier.get(&1, fresh_for - 1).unwrap();
    assert_eq!(
        (last_fresh.freshness, last_fresh.ttl),
        (Freshness::Fresh, 1)
    );
    let stale = tier.get(&1, fresh_for + 4_999).unwrap();
    assert_eq!((stale.freshness, stale.ttl), (Freshness::Stale, -4_999));
    assert_eq!(tier.get(&1, fresh_for + 5_000), None);
}

#[test]
fn a_value_is_stretched_unless_something_is_known_of_a_newer_one() {
    let tier = tier();
    let fill = |key| tier.fill(&key, Ok(7), 3, tier.epoch(), 0).unwrap();
    let (fresh_for, _) = (fill(1), fill(2));
    tier.stretch(10_000);
    let at = |key, now| {
        tier.get(&key, now)
            .map(|lookup| (lookup.freshness, lookup.ttl))
    };
    assert_eq!(at(1, fresh_for - 1), Some((Freshness::Stretched, 1)));
    assert_eq!(
        at(1, fresh_for + 9_999),
        Some((Freshness::Stretched, -9_999))
    );
    assert_eq!(at(1, fresh_for + 10_000), Some((Freshness::Stale, -10_000)));
    assert_eq!(at(1, fresh_for + 14_999), Some((Freshness::Stale, -14_999)));
    assert_eq!(at(1, fresh_for + 15_000), None);
    tier.begin_purge();
    assert!(tier.purge(&2, Depth::Soft, 1));
    assert_eq!(at(2, 2).unwrap().0, Freshness::Stale, "purged");
    tier.question_everything();
    assert_eq!(at(1, 2).unwrap().0, Freshness::Stale, "questioned");
    tier.invalidate(&1, 4, 2);
    assert_eq!(at(1, 2), None);
    let fresh_for = tier.fill(&1, Ok(8), 4, tier.epoch(), 0).unwrap();
    tier.stretch(0);
    assert_eq!(at(1, fresh_for), Some((Freshness::Stale, -1)));
}

/// A value with a lifetime of its own.
#[derive(Debug, Clone, PartialEq)]
struct Bounded(Lifetime);

impl Weigh for Bounded {
    fn weight(&self) -> usize {
        0
    }

    fn lifetime(&self) -> Option<Lifetime> {
        Some(self.0)
    }
}

proptest! {
    /// Whatever the jitter, and however long the load took: never served later than promised.
    #[test]
    fn a_value_with_a_lifetime_of_its_own_ends_on_time(
        since in 0..1_000_u64, took in 0..3_000_u64, fresh in 0..2_000_u64, stale in 0..2_000_u64,
    ) {
        let tier: L1<u8, Bounded> = L1::new(OPTIONS, 0);
        let now = since + took;
        let value = Bounded(Lifetime { since, fresh, stale });
        let fresh_for = tier.fill(&1, Ok(value), 0, tier.epoch(), now).unwrap();
        prop_assert!(fresh_for <= (fresh + fresh / 10).min(fresh + stale));
        let end = since + fresh + stale;
        for later in [now, now + fresh_for, end.saturating_sub(1), end, end + 1] {
            let found = tier.get(&1, later);
            prop_assert_eq!(found.is_some(), later < end, "at {}", later);
            if let Some(lookup) = found {
                let is_fresh = lookup.freshness == Freshness::Fresh;
                prop_assert_eq!(is_fresh, lookup.ttl > 0);
            }
        }
    }
}

#[test]
fn what_is_filled_together_does_not_expire_together() {
    let tier = tier();
    let lifetimes: Vec<_> = (0..=255)
        .map(|key| tier.fill(&key, Ok(7), 1, tier.epoch(), 0).unwrap())
        .collect();
    let distinct: std::collections::HashSet<_> = lifetimes.iter().collect();
    assert!(distinct.len() > 50, "{distinct:?}");
}

#[test]
fn a_scan_of_unknown_keys_evicts_no_value() {
    let tier: L1<u64, u64> = L1::new(
        L1Options {
            bytes: 100_000,
            negative_bytes: 10_000,
            ..OPTIONS
        },
        0,
    );
    for key in 0..50 {
        tier.fill(&key, Ok(key), 1, 0, 0).unwrap();
    }
    for key in 1_000..100_000 {
        tier.fill(&key, Err(Absence::Unknown), 0, 0, 0).unwrap();
    }
    assert!((0..50).all(|key| tier.get(&key, 1).is_some()));
    assert!(tier.absences.weight() <= 10_000);
}

#[test]
fn the_budget_holds() {
    let tier: L1<u64, u64> = L1::new(OPTIONS, 0);
    for key in 0..100_000 {
        tier.fill(&key, Ok(key), 1, 0, 0).unwrap();
    }
    assert!(tier.values.weight() <= OPTIONS.bytes);
    assert!(tier.len() > 1_000);
}

#[test]
fn an_older_fill_never_replaces_a_newer_entry() {
    let tier = tier();
    tier.fill(&1, Ok(7), 3, 0, 0).unwrap();
    assert_eq!(tier.fill(&1, Ok(6), 2, 0, 1), Err(Refused { fence: 3 }));
    assert_eq!(
        tier.fill(&1, Err(Absence::Unknown), 2, 0, 1),
        Err(Refused { fence: 3 })
    );
    assert_eq!(tier.get(&1, 1).unwrap().value, Ok(7));
}

#[test]
fn creation_ends_an_absence() {
    let tier = tier();
    tier.fill(&1, Err(Absence::Unknown), 0, 0, 0).unwrap();
    assert_eq!(tier.get(&1, 1).unwrap().value, Err(Absence::Unknown));
    tier.invalidate(&1, 1, 1);
    assert_eq!(tier.get(&1, 1), None);
}

#[test]
fn doubt_hides_entries_and_lets_older_versions_replace_them() {
    let tier = tier();
    tier.fill(&1, Ok(7), 3, tier.epoch(), 0).unwrap();
    let before = tier.epoch();
    tier.doubt_everything();
    assert_eq!(tier.get(&1, 1), None);
    assert!(
        tier.fill(&1, Ok(7), 3, before, 1).is_err(),
        "loaded before the doubt"
    );
    tier.fill(&1, Ok(6), 2, tier.epoch(), 1).unwrap();
    assert_eq!(tier.get(&1, 1).unwrap().version, 2);
}

#[test]
fn a_fill_can_be_a_fence() {
    for fences_fills in [false, true] {
        let options = L1Options {
            fences_fills,
            ..OPTIONS
        };
        let tier: L1<u8, u64> = L1::new(options, 0);
        tier.fill(&1, Ok(7), 3, tier.epoch(), 0).unwrap();
        tier.values.remove(&1);
        let older = tier.fill(&1, Ok(6), 2, tier.epoch(), 1);
        assert_eq!(older.is_err(), fences_fills);
        tier.doubt_everything();
        tier.fill(&1, Ok(6), 2, tier.epoch(), 1).unwrap();
    }
}

#[test]
fn a_question_makes_values_stale_and_ends_absences() {
    let tier = tier();
    tier.fill(&1, Ok(7), 3, tier.epoch(), 0).unwrap();
    tier.fill(&2, Err(Absence::Unknown), 0, tier.epoch(), 0)
        .unwrap();
    let before = tier.epoch();
    tier.question_everything();
    let stale = tier.get(&1, 1).unwrap();
    assert_eq!((stale.freshness, stale.ttl), (Freshness::Stale, -1));
    assert_eq!(tier.get(&2, 1), None);
    assert!(
        tier.fill(&1, Ok(6), 2, tier.epoch(), 1).is_err(),
        "a question allows no older version"
    );
    // What was loaded before the question does not answer it.
    tier.fill(&1, Ok(7), 3, before, 1).unwrap();
    assert_eq!(tier.get(&1, 1).unwrap().freshness, Freshness::Stale);
    tier.fill(&1, Ok(7), 3, tier.epoch(), 1).unwrap();
    assert_eq!(tier.get(&1, 1).unwrap().freshness, Freshness::Fresh);
}

#[derive(Debug, Clone)]
enum Step {
    Write(u8),
    Remove(u8),
    StartLoad(u8),
    FinishLoad(u8),
    /// Delivers one of the invalidations not yet delivered, in any order.
    Deliver(usize),
    Evict(u8),
    Doubt,
    Question,
    Purge(u8, bool),
    PurgeAll(bool),
    Tick(u64),
    Get(u8),
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..3_u8;
    prop_oneof![
        3 => key.clone().prop_map(Step::Write),
        1 => key.clone().prop_map(Step::Remove),
        4 => key.clone().prop_map(Step::StartLoad),
        4 => key.clone().prop_map(Step::FinishLoad),
        3 => any::<usize>().prop_map(Step::Deliver),
        1 => key.clone().prop_map(Step::Evict),
        1 => Just(Step::Doubt),
        1 => Just(Step::Question),
        1 => (key.clone(), any::<bool>()).prop_map(|(key, is_hard)| Step::Purge(key, is_hard)),
        1 => any::<bool>().prop_map(Step::PurgeAll),
        2 => (0..900_u64).prop_map(Step::Tick),
        6 => key.prop_map(Step::Get),
    ]
}

/// What a store with one row per key holds: its version and whether it is visible.
type Row = (u64, bool);

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// One load per key at a time, as single-flight guarantees; a load takes less than a fence lives.
    #[test]
    fn no_version_is_followed_by_an_older_one(steps in prop::collection::vec(step(), 1..120)) {
        let tier = tier();
        let mut now = 0;
        let mut rows: HashMap<u8, Row> = HashMap::new();
        let mut loading: HashMap<u8, (Row, Epoch, u64)> = HashMap::new();
        let mut undelivered: Vec<(u8, u64)> = Vec::new();
        let mut delivered: HashMap<u8, u64> = HashMap::new();
        let mut seen: HashMap<u8, u64> = HashMap::new();
        // What is being loaded since before a purge.
        let mut before_purge: HashSet<u8> = HashSet::new();

        for step in steps {
            match step {
                Step::Write(key) | Step::Remove(key) => {
                    let version = rows.get(&key).map_or(0, |row| row.0) + 1;
                    rows.insert(key, (version, matches!(step, Step::Write(_))));
                    undelivered.push((key, version));
                }
                Step::StartLoad(key) => {
                    let row = rows.get(&key).copied().unwrap_or((0, false));
                    loading.entry(key).or_insert((row, tier.epoch(), now));
                }
                Step::FinishLoad(key) => {
                    if let Some(((version, visible), epoch, started)) = loading.remove(&key)
                        && now - started < OPTIONS.fence_lifetime
                    {
                        let value = visible.then_some(version).ok_or(Absence::Removed);
                        let filled = tier.fill(&key, value, version, epoch, now);
                        prop_assert!(filled.is_err() || !before_purge.contains(&key));
                    }
                    before_purge.remove(&key);
                }
                Step::Deliver(index) => {
                    if !undelivered.is_empty() {
                        let (key, version) = undelivered.swap_remove(index % undelivered.len());
                        tier.invalidate(&key, version, now);
                        let lowest = delivered.entry(key).or_insert(0);
                        *lowest = (*lowest).max(version);
                    }
                }
                Step::Evict(key) => {
                    tier.values.remove(&key);
                    tier.absences.remove(&key);
                }
                Step::Doubt => tier.doubt_everything(),
                Step::Question => tier.question_everything(),
                Step::Purge(key, is_hard) => {
                    tier.begin_purge();
                    tier.purge(&key, depth(is_hard), now);
                    prop_assert!(!is_hard || tier.get(&key, now).is_none());
                    before_purge.extend(loading.keys());
                }
                Step::PurgeAll(is_hard) => {
                    tier.purge_everything(depth(is_hard));
                    prop_assert!(!is_hard || (0..3).all(|key| tier.get(&key, now).is_none()));
                    before_purge.extend(loading.keys());
                }
                Step::Tick(by) => now += by,
                Step::Get(key) => {
                    if let Some(lookup) = tier.get(&key, now) {
                        let lowest = delivered.get(&key).copied().unwrap_or(0);
                        prop_assert!(lookup.version >= lowest, "invalidated: {lookup:?} < {lowest}");
                        let last = seen.insert(key, lookup.version).unwrap_or(0);
                        prop_assert!(lookup.version >= last, "went backwards: {lookup:?} < {last}");
                        prop_assert_eq!(lookup.value.unwrap_or(lookup.version), lookup.version);
                    }
                }
            }
        }
    }
}

#[test]
fn an_amended_value_keeps_version_and_lifetime() {
    let tier = tier();
    tier.fill(&1, Ok(10), 7, 0, 0).unwrap();
    let before = tier.get(&1, 5).unwrap();
    tier.amend(&1, 5, |value| Some(value + 1));
    let after = tier.get(&1, 5).unwrap();
    assert_eq!(after.value, Ok(11));
    assert_eq!(
        after,
        Lookup {
            value: Ok(11),
            ..before
        }
    );
    tier.amend(&1, 5, |_| None);
    assert_eq!(tier.peek(&1), Some(11));
    // What is not there is not brought in.
    tier.amend(&2, 5, |_| Some(1));
    assert_eq!(tier.peek(&2), None);
    // And what was invalidated stays away.
    tier.invalidate(&1, 8, 5);
    tier.amend(&1, 5, |value| Some(value + 1));
    assert_eq!(tier.peek(&1), None);
}

#[test]
fn what_is_purged_softly_is_served_until_it_is_loaded_again() {
    let tier = tier();
    for key in [1, 2] {
        tier.fill(&key, Ok(7), 3, tier.epoch(), 0).unwrap();
    }
    tier.fill(&3, Err(Absence::Unknown), 0, tier.epoch(), 0)
        .unwrap();
    tier.begin_purge();
    assert!(tier.purge(&1, Depth::Soft, 1) && tier.purge(&3, Depth::Soft, 1));
    assert!(!tier.purge(&4, Depth::Soft, 1));
    let freshness = |key| tier.get(&key, 1).map(|lookup| lookup.freshness);
    assert_eq!(freshness(1), Some(Freshness::Stale));
    assert_eq!(freshness(2), Some(Freshness::Fresh), "it was not meant");
    assert_eq!(freshness(3), None);
    // However often everything is questioned afterwards, the purged one is no surer.
    for _ in 0..5 {
        tier.question_everything();
        assert_eq!(freshness(1), Some(Freshness::Stale));
    }
    tier.fill(&1, Ok(8), 3, tier.epoch(), 1).unwrap();
    assert_eq!(freshness(1), Some(Freshness::Fresh));
}

#[test]
fn what_is_meant_is_purged_and_nothing_else() {
    let tier = tier();
    for key in 0..100 {
        tier.fill(&key, Ok(u64::from(key)), 1, tier.epoch(), 0)
            .unwrap();
    }
    tier.begin_purge();
    let purged = tier.purge_where(Depth::Hard, 1, |_, value| value % 2 == 0);
    assert_eq!(purged, 50);
    assert!((0..100).all(|key| tier.get(&key, 1).is_some() == (key % 2 == 1)));
    tier.purge_everything(Depth::Soft);
    assert_eq!(tier.get(&1, 1).unwrap().freshness, Freshness::Stale);
    tier.purge_everything(Depth::Hard);
    assert!((0..100).all(|key| tier.get(&key, 1).is_none()) && tier.is_empty());
}

#[test]
fn a_purge_of_everything_leaves_the_fences() {
    let tier = tier();
    tier.invalidate(&1, 3, 0);
    tier.purge_everything(Depth::Hard);
    let older = tier.fill(&1, Ok(6), 2, tier.epoch(), 1);
    assert_eq!(older, Err(Refused { fence: 3 }));
}

#[test]
fn looking_tells_how_an_entry_stands_and_changes_nothing() {
    let tier = tier();
    let none = tier.inspect(&1, 0);
    assert_eq!((none.kept, none.fence), (None, 0));
    let fresh_for = tier.fill(&1, Ok(7), 3, tier.epoch(), 100).unwrap();
    tier.invalidate(&1, 2, 100);
    let mut last = None;
    for (now, standing) in [
        (100, Standing::Fresh),
        (100 + fresh_for - 1, Standing::Fresh),
        (100 + fresh_for, Standing::Stale),
        (100 + fresh_for + 4_999, Standing::Stale),
        (100 + fresh_for + 5_000, Standing::Expired),
    ] {
        let inspected = tier.inspect(&1, now);
        let kept = inspected.kept.unwrap();
        assert_eq!((kept.standing, kept.age), (standing, now - 100), "{now}");
        assert_eq!((kept.value, kept.version), (Ok(7), 3));
        let left = (100 + fresh_for).cast_signed() - now.cast_signed();
        assert_eq!((kept.fresh_left, kept.served_left), (left, left + 5_000));
        assert_eq!(tier.get(&1, now).is_some(), standing.is_served());
        last = Some(inspected.epoch);
    }
    tier.question_everything();
    let kept = |now| tier.inspect(&1, now).kept.unwrap();
    assert_eq!(kept(101).standing, Standing::Questioned);
    tier.doubt_everything();
    assert_eq!(kept(101).standing, Standing::Doubted);
    let (before, now) = (last.unwrap(), tier.inspect(&1, 0).epoch);
    assert_eq!(
        (now.doubts, now.questions, now.purges),
        (before.doubts + 1, before.questions + 1, before.purges)
    );
    tier.fill(&2, Err(Absence::Removed), 4, tier.epoch(), 100)
        .unwrap();
    let kept = tier.inspect(&2, 200).kept.unwrap();
    assert_eq!((kept.value, kept.age), (Err(Absence::Removed), 100));
    assert_eq!((kept.fresh_left, kept.served_left), (400, 400));
}
