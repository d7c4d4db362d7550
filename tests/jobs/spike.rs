//! A spike after a time in which there was nothing to do.

use std::time::{Duration, Instant};

use doorbuster::jobs::{End, Fate};

use super::on_both_stores;
use super::place::{PLAIN, Place, numbered};

on_both_stores!(a_backlog_after_a_quiet_time_is_begun_and_ended_by_its_indexes);

/// Many times what it takes, and half of what it takes to look at each job of the backlog for each of a batch.
const LIMIT: Duration = Duration::from_secs(2);

fn a_backlog_after_a_quiet_time_is_begun_and_ended_by_its_indexes(place: &Place) {
    const BACKLOG: i64 = 50_000;
    let end = |jobs: &[doorbuster::jobs::Job]| {
        let ends = jobs.iter().map(|job| End {
            lease: job.lease,
            attempt: job.attempt,
            fate: Fate::Done { keep: true },
        });
        place.wait(place.store.end(ends.collect())).unwrap().len()
    };
    // What the database knows of the table is that it is empty.
    let clean = ["DELETE FROM job", "VACUUM", "ANALYZE"];
    place.put(numbered(&PLAIN, 0));
    for statement in clean {
        place.raw().execute_batch(statement).unwrap();
    }
    // So often that each statement has been prepared, and planned for whatever comes, on each connection.
    for n in 0..40 {
        place.put(numbered(&PLAIN, n));
        assert_eq!(end(&place.fetch(&PLAIN, 500)), 1);
        place.look();
    }
    for statement in clean {
        place.raw().execute_batch(statement).unwrap();
    }
    for _ in 0..40 {
        assert_eq!(end(&place.fetch(&PLAIN, 500)), 0);
        place.look();
    }
    for batch in (0..BACKLOG).collect::<Vec<_>>().chunks(5_000) {
        let jobs = batch.iter().map(|n| numbered(&PLAIN, *n)).collect();
        place.wait(place.store.enqueue(jobs)).unwrap();
    }
    for _ in 0..8 {
        let begun = Instant::now();
        let jobs = place.fetch(&PLAIN, 500);
        assert_eq!(end(&jobs), 500);
        place.look();
        let took = begun.elapsed();
        assert!(took < LIMIT, "{took:?}");
    }
}
