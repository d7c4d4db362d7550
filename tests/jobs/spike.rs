//! A spike after a time in which there was nothing to do.

use std::time::Duration;

use doorbuster::jobs::{End, Fate, Selection};
use serde_json::{Deserializer, Value};

use super::on_both_stores;
use super::place::{LEASE, PLAIN, Place, leases, numbered};
use crate::harness::{Database, PATIENCE, PostgresDatabase, within};

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

/// Whether a plan reads the live jobs for each row of something else: then it passes by all that are enqueued meanwhile,
/// again and again, and is done when no more come. What it has read already it may not read for each row either: that is
/// a thousand times a thousand.
fn reads_again(plan: &Value, is_repeated: bool) -> bool {
    let is_read = plan["Relation Name"] == "job" || plan["Node Type"] == "CTE Scan";
    if is_repeated && is_read && plan["Node Type"] != "ModifyTable" {
        return true;
    }
    let parts = plan["Plans"].as_array().into_iter().flatten();
    parts.into_iter().any(|part| {
        let is_loop = plan["Node Type"] == "Nested Loop";
        let is_repeated = match part["Parent Relationship"].as_str().unwrap() {
            "InitPlan" => false,
            "SubPlan" => true,
            "Inner" => is_repeated || is_loop,
            _ => is_repeated,
        };
        reads_again(part, is_repeated)
    })
}

#[test]
fn no_statement_reads_the_live_jobs_for_each_row_of_something_else_whatever_is_planned() {
    let place = Place::of(PostgresDatabase::in_a_cluster_of_its_own());
    let Database::Postgres(session) = place.raw() else {
        unreachable!()
    };
    let database: String = session.value("SELECT current_database()::text");
    let settings = [
        "session_preload_libraries = 'auto_explain'",
        "auto_explain.log_min_duration = 0",
        "auto_explain.log_format = json",
        // What is left are loops.
        "enable_hashjoin = off",
        "enable_mergejoin = off",
        "enable_material = off",
        "enable_memoize = off",
        "enable_indexscan = off",
        "enable_indexonlyscan = off",
        "enable_bitmapscan = off",
    ];
    for setting in settings {
        let set = format!("ALTER DATABASE {database} SET {setting}");
        session.batch(&set).unwrap();
    }
    let unique = || numbered(&PLAIN, 0).unique("one");
    place.put(unique());
    for n in 1..=60 {
        place.put(numbered(&PLAIN, n));
    }
    let jobs = place.fetch(&PLAIN, 50);
    let extended = place.store.extend(leases(&jobs), LEASE);
    assert_eq!(place.wait(extended).unwrap().len(), 50);
    // Of the one it is asked for again, and of another one it is not.
    place.put(unique());
    let cancelled = Selection {
        ids: Some(vec![jobs[1].lease.id]),
        kind: None,
        state: None,
    };
    assert_eq!(place.wait(place.store.cancel(cancelled)).unwrap(), 1);
    let error = || "no".to_owned();
    let ends = jobs[..40].iter().enumerate().map(|(at, job)| End {
        lease: job.lease,
        attempt: job.attempt,
        fate: match at {
            1 | 2 => Fate::Returned,
            3..9 => Fate::Again {
                delay: Duration::from_mins(1),
                error: error(),
            },
            9..12 => Fate::Dead { error: error() },
            12..15 => Fate::Cancelled,
            _ => Fate::Done { keep: true },
        },
    });
    assert_eq!(
        place.wait(place.store.end(ends.collect())).unwrap().len(),
        40
    );
    session
        .batch("UPDATE job SET lease_until = 0 WHERE state = 'running'; UPDATE job SET run_at = 0")
        .unwrap();
    assert_eq!(place.look(), 10);
    let everything = Selection {
        ids: None,
        kind: None,
        state: None,
    };
    place.wait(place.store.retry(everything)).unwrap();

    let mut statements = 0;
    for entry in place.log().split("plan:\n").skip(1) {
        let mut values = Deserializer::from_str(entry).into_iter::<Value>();
        let logged = values.next().unwrap().unwrap();
        let (text, plan) = (logged["Query Text"].as_str().unwrap(), &logged["Plan"]);
        statements += usize::from(text.contains("job"));
        // From one kind to the next, of which there are few.
        let is_by_kind = text.contains("RECURSIVE ready");
        assert!(is_by_kind || !reads_again(plan, false), "{text}: {plan:#}");
    }
    assert!(statements > 70, "{statements}");
}
