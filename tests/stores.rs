//! The embedded store and PostgreSQL do the same, and PostgreSQL does so whether products are put one by one or many
//! at once: random writes, played against all three.

mod catalogue;
mod generate;
mod seen;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use catalogue::Catalogue;
use generate::{Names, Write};

/// Sequences of writes.
const CASES: u32 = 40;
/// Most writes of one.
const LONGEST: usize = 6;

/// What has to come about by and by, or the writes are too much alike.
const WHAT_HAPPENS: [&str; 9] = [
    "put",
    "Created",
    "Updated",
    "Unchanged",
    "sku is unique",
    "to get a new one",
    "needs a title",
    "needs a price",
    "UnresolvedRelation {",
];

#[test]
fn whatever_is_written_the_stores_are_the_same() {
    let catalogues = [
        Catalogue::embedded(),
        Catalogue::one_by_one(),
        Catalogue::many_at_once(),
    ];
    let config = ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(4),
        ..ProptestConfig::with_cases(cases())
    };
    let case = Cell::new(0);
    let writes = vec(generate::write(), 1..=LONGEST);
    let heard = RefCell::new(HashSet::new());
    let outcome = TestRunner::new(config).run(&writes, |writes| {
        // Products stay, so each case has names of its own.
        case.set(case.get() + 1);
        let names = Names::of(case.get());
        let mut write = Write::Again;
        for next in &writes {
            if !matches!(next, Write::Again) {
                write = names.give(next);
            }
            let [embedded, one_by_one, many_at_once] = catalogues
                .each_ref()
                .map(|catalogue| (catalogue.play(&write), seen::all(catalogue, &names)));
            for what in WHAT_HAPPENS {
                if one_by_one.0.iter().any(|told| told.contains(what)) {
                    heard.borrow_mut().insert(what);
                }
            }
            prop_assert_eq!(&one_by_one, &embedded, "{:?}", &write);
            prop_assert_eq!(&many_at_once, &one_by_one, "{:?}", &write);
        }
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(heard.into_inner(), HashSet::from(WHAT_HAPPENS));
}

/// More where somebody has the time.
fn cases() -> u32 {
    let said = std::env::var("PROPTEST_CASES").ok();
    said.and_then(|said| said.parse().ok()).unwrap_or(CASES)
}
