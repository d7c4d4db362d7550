//! A spike after a time in which there was nothing to do.

use doorbuster::jobs::{End, Fate};

use super::on_both_stores;
use super::place::{PLAIN, Place, numbered};
use crate::harness::{Database, PATIENCE, within};

on_both_stores!(a_backlog_after_a_quiet_time_is_begun_and_ended_by_its_indexes);

/// Rows and entries of indexes that were read in this database so far, by statements of all sessions: PostgreSQL counts
/// those of a session for certain when it ends.
fn read_so_far(place: &Place) -> Option<i64> {
    let Database::Postgres(session) = place.raw() else {
        return None;
    };
    let others =
        "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    session
        .execute(&format!("SELECT pg_terminate_backend(pid) {others}"))
        .unwrap();
    within(PATIENCE, "the end of all other sessions", || {
        (session.value::<i64>(&format!("SELECT count(*) {others}")) == 0).then_some(())
    });
    Some(session.value(
        "SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname LIKE 'job%')
             + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname LIKE 'job%'))::bigint",
    ))
}

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
        let jobs = place.fetch(&PLAIN, 500);
        assert_eq!(end(&jobs), 500);
        place.look();
    }
    // Some for each job that was put, begun and ended; where plans were kept, 2.3 million.
    if let Some(read) = read_so_far(place) {
        assert!(read < 10 * BACKLOG, "{read}");
    }
}
