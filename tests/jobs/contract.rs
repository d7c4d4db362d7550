//! What a store of jobs promises, asked of it directly.

use std::time::Duration;

use doorbuster::db::sqlite::SqliteError;
use doorbuster::jobs::{End, Fate, Job, Kind, NewJob, Rate, Retention};

use super::on_both_stores;
use super::place::{LEASE, Opened, PLAIN, Place, leases, number, numbered, numbers};

const SMALL: Kind = Kind {
    name: "test.small",
    max_attempts: 3,
    keeps_done: false,
};

const ONCE: Kind = Kind {
    name: "test.once",
    max_attempts: 1,
    keeps_done: true,
};

on_both_stores!(
    a_rolled_back_transaction_leaves_no_job_and_a_committed_one_does,
    jobs_come_by_priority_and_then_as_they_were_enqueued,
    nobody_begins_a_job_that_another_one_has,
    of_a_key_there_is_one_live_job_whoever_asks,
    what_is_asked_for_while_it_runs_is_done_again,
    what_is_asked_for_while_its_last_worker_dies_is_done_again,
    a_stale_fence_ends_nothing,
    a_job_without_a_word_from_its_worker_is_taken_and_in_the_end_given_up,
    a_clock_that_is_set_takes_no_job_along,
    an_end_that_is_told_twice_is_one_end,
    a_failure_waits_and_a_return_does_not_count,
    a_rate_holds_for_all_together,
    a_paused_kind_rests_and_goes_on,
    a_turn_of_a_schedule_is_enqueued_once,
    what_ended_long_ago_is_forgotten_and_what_is_live_is_not,
    the_end_in_a_transaction_is_undone_with_it,
);

fn end(job: &Job, fate: Fate) -> End {
    End {
        lease: job.lease,
        attempt: job.attempt,
        fate,
    }
}

fn done(job: &Job) -> End {
    end(job, Fate::Done { keep: true })
}

impl Place {
    fn end(&self, ends: Vec<End>) -> Vec<i64> {
        self.wait(self.store.end(ends)).unwrap()
    }
}

/// Enqueues in a transaction of its own, and does with it what is wanted.
fn enqueue_in_a_transaction(place: &Place, job: NewJob, commit: bool) {
    match &place.opened {
        Opened::Sqlite(database) => {
            let written = place.wait(database.write(move |connection| {
                doorbuster::jobs::sqlite::enqueue(connection, &[job])?;
                if commit {
                    Ok(())
                } else {
                    Err(SqliteError::Busy)
                }
            }));
            assert_eq!(written.is_ok(), commit);
        }
        Opened::Postgres(database) => {
            let mut transaction = database.write(None).unwrap();
            let put = transaction.on(async |connection| {
                doorbuster::jobs::postgres::enqueue(connection, &[job]).await
            });
            assert_eq!(put.unwrap().len(), 1);
            if commit {
                transaction.commit().unwrap();
            }
        }
    }
}

fn a_rolled_back_transaction_leaves_no_job_and_a_committed_one_does(place: &Place) {
    enqueue_in_a_transaction(place, numbered(&PLAIN, 1), false);
    assert!(place.fetch(&PLAIN, 10).is_empty());
    enqueue_in_a_transaction(place, numbered(&PLAIN, 2), true);
    assert_eq!(numbers(&place.fetch(&PLAIN, 10)), [2]);
}

fn jobs_come_by_priority_and_then_as_they_were_enqueued(place: &Place) {
    let with = |n, priority| NewJob {
        priority,
        ..numbered(&PLAIN, n)
    };
    let jobs = vec![with(1, 0), with(2, 5), with(3, -5), with(4, 0)];
    place.wait(place.store.enqueue(jobs)).unwrap();
    place.put(numbered(&PLAIN, 5).after(Duration::from_hours(1)));
    assert_eq!(numbers(&place.fetch(&PLAIN, 2)), [3, 1]);
    assert_eq!(numbers(&place.fetch(&PLAIN, 10)), [4, 2]);
    // The time of the last one comes.
    place.set_clock_forward(Duration::from_hours(1), true);
    place.look();
    let later = place.fetch(&PLAIN, 10);
    assert!(numbers(&later).contains(&5), "{later:?}");
}

fn nobody_begins_a_job_that_another_one_has(place: &Place) {
    let jobs = (0..200).map(|n| numbered(&PLAIN, n)).collect();
    place.wait(place.store.enqueue(jobs)).unwrap();
    let mut begun = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let mut mine = Vec::new();
                    loop {
                        let jobs = place.fetch(&PLAIN, 7);
                        if jobs.is_empty() {
                            return mine;
                        }
                        mine.extend(jobs.iter().map(number));
                    }
                })
            })
            .collect();
        let all = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap());
        all.collect::<Vec<_>>()
    });
    begun.sort_unstable();
    assert_eq!(begun, (0..200).collect::<Vec<_>>());
}

fn of_a_key_there_is_one_live_job_whoever_asks(place: &Place) {
    const ASKED: i64 = 1_000;
    let new: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..10)
            .map(|_| {
                scope.spawn(|| {
                    let put = |n| place.put(numbered(&PLAIN, n).unique("the one"));
                    (0..ASKED / 10).filter(|n| put(*n)).count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(new, 1);
    assert_eq!(place.raw().number("SELECT count(*) FROM job"), 1);
    // The same key twice in one batch, and another one.
    let jobs = ["a", "b", "a"].map(|key| numbered(&PLAIN, 1).unique(key));
    let ids = place.wait(place.store.enqueue(jobs.to_vec())).unwrap();
    assert_eq!(ids.iter().filter(|id| id.is_some()).count(), 2, "{ids:?}");

    // A retry is not in its own way.
    let jobs = place.fetch(&PLAIN, 1);
    let again = Fate::Again {
        delay: Duration::ZERO,
        error: "once more".to_owned(),
    };
    assert_eq!(place.end(vec![end(&jobs[0], again)]), [jobs[0].lease.id]);
    let jobs = place.fetch(&PLAIN, 1);
    assert_eq!((jobs[0].attempt, jobs[0].is_unique), (2, true));
    place.end(vec![done(&jobs[0])]);
    // It is over, so the key is free.
    assert!(place.put(numbered(&PLAIN, 9).unique("the one")));
}

fn what_is_asked_for_while_it_runs_is_done_again(place: &Place) {
    place.put(numbered(&PLAIN, 1).unique("product 7"));
    let first = place.fetch(&PLAIN, 1);
    assert!(
        !place.put(
            numbered(&PLAIN, 1)
                .unique("product 7")
                .after(Duration::from_hours(1))
        )
    );
    assert!(!place.put(numbered(&PLAIN, 1).unique("product 7")));
    assert_eq!(
        place.end(vec![done(&first[0])]),
        leases(&first).iter().map(|it| it.id).collect::<Vec<_>>()
    );
    assert_eq!(place.state(first[0].lease.id), Some(("scheduled", 0)));
    place.look();
    let second = place.fetch(&PLAIN, 1);
    assert_eq!(second[0].lease.id, first[0].lease.id);
    assert_eq!(place.end(vec![done(&second[0])]).len(), 1);
    assert_eq!(place.state(first[0].lease.id), Some(("done", 1)));
}

/// However a beginning ends, who asked meanwhile has asked for another one.
fn what_is_asked_for_while_its_last_worker_dies_is_done_again(place: &Place) {
    let job = || numbered(&ONCE, 1).unique("1");
    assert!(place.put(job()));
    let begun = place.fetch(&ONCE, 1);
    assert!(begun[0].is_last_attempt());
    assert!(!place.put(job()));
    place.set_clock_forward(2 * LEASE, true);
    assert_eq!(place.look(), 1);
    place.look();
    let again = place.fetch(&ONCE, 1);
    assert_eq!((numbers(&again), again[0].attempt), (vec![1], 1));
    // Nobody asked for one more.
    place.set_clock_forward(2 * LEASE, true);
    assert_eq!(place.look(), 1);
    assert_eq!(place.state(again[0].lease.id), Some(("dead", 1)));
}

fn a_stale_fence_ends_nothing(place: &Place) {
    place.put(numbered(&PLAIN, 1));
    let slow = place.fetch(&PLAIN, 1);
    place.set_clock_forward(LEASE + Duration::from_secs(1), true);
    assert_eq!(place.look(), 1);
    let quick = place.fetch(&PLAIN, 1);
    assert_eq!((quick[0].attempt, quick[0].lease.id), (2, slow[0].lease.id));
    assert!(quick[0].lease.fence > slow[0].lease.fence);
    for fate in [
        Fate::Done { keep: true },
        Fate::Returned,
        Fate::Cancelled,
        Fate::Dead {
            error: "no".to_owned(),
        },
        Fate::Again {
            delay: Duration::ZERO,
            error: "no".to_owned(),
        },
    ] {
        assert!(place.end(vec![end(&slow[0], fate)]).is_empty());
        assert_eq!(place.state(slow[0].lease.id), Some(("running", 2)));
    }
    let extended = place
        .wait(place.store.extend(leases(&slow), LEASE))
        .unwrap();
    assert!(extended.is_empty());
    assert_eq!(place.end(vec![done(&quick[0])]).len(), 1);
}

fn a_job_without_a_word_from_its_worker_is_taken_and_in_the_end_given_up(place: &Place) {
    place.put(numbered(&PLAIN, 1));
    let mut id = 0;
    for attempt in 1..=PLAIN.max_attempts {
        // It may wait for some seconds after a second loss.
        place
            .raw()
            .execute("UPDATE job SET state = 'ready'", [])
            .unwrap();
        let jobs = place.fetch(&PLAIN, 1);
        assert_eq!(jobs[0].attempt, attempt);
        id = jobs[0].lease.id;
        assert_eq!(place.look(), 0);
        // Word of it keeps it.
        place.set_clock_forward(LEASE / 2, true);
        let extended = place
            .wait(place.store.extend(leases(&jobs), LEASE))
            .unwrap();
        assert_eq!(extended.len(), 1);
        place.set_clock_forward(LEASE / 2 + Duration::from_secs(1), true);
        assert_eq!(place.look(), 0);
        place.set_clock_forward(LEASE, true);
        assert_eq!(place.look(), 1);
    }
    assert_eq!(place.state(id), Some(("dead", PLAIN.max_attempts)));
    let record = place.wait(place.store.find(id)).unwrap().unwrap();
    let errors = record.errors.as_array().unwrap();
    assert_eq!(errors.len(), usize::from(PLAIN.max_attempts));
    assert_eq!(errors[2]["attempt"], 3);
    let text = errors[2]["error"].as_str().unwrap();
    assert!(text.starts_with("tester said nothing"), "{text}");
    assert!(errors[2]["at"].as_i64().unwrap() > 1_700_000_000_000);
}

fn a_clock_that_is_set_takes_no_job_along(place: &Place) {
    let hour = Duration::from_hours(1);
    place.put(numbered(&PLAIN, 1));
    // Set back: what was to be done at once is done at once.
    place.set_clock_forward(hour, false);
    let jobs = place.fetch(&PLAIN, 1);
    assert_eq!(jobs[0].waited, 0);
    // Set back while its worker is dead: the lease seems to last for an hour, and does not.
    place.set_clock_forward(hour, false);
    assert_eq!(place.look(), 1);
    let jobs = place.fetch(&PLAIN, 1);
    assert_eq!(jobs[0].attempt, 2);
    // Set forward: a living worker loses it, and cannot end what another one does then.
    place.set_clock_forward(hour, true);
    assert_eq!(place.look(), 1);
    assert!(place.end(vec![done(&jobs[0])]).is_empty());
    let rate = Rate {
        jobs: 1,
        per: Duration::from_secs(1),
        burst: 1,
    };
    place.put(numbered(&SMALL, 1));
    place.put(numbered(&SMALL, 2));
    assert_eq!(place.fetched(&SMALL, 5, Some(rate)).jobs.len(), 1);
    place.set_clock_forward(hour, false);
    assert_eq!(place.fetched(&SMALL, 5, Some(rate)).jobs.len(), 1);
}

fn an_end_that_is_told_twice_is_one_end(place: &Place) {
    for n in 0..3 {
        place.put(numbered(&PLAIN, n));
    }
    let jobs = place.fetch(&PLAIN, 3);
    let again = Fate::Again {
        delay: Duration::from_hours(1),
        error: "busy".to_owned(),
    };
    let ends = vec![
        done(&jobs[0]),
        end(&jobs[1], again),
        end(&jobs[2], Fate::Returned),
    ];
    assert_eq!(place.end(ends.clone()).len(), 3);
    assert!(place.end(ends).is_empty());
    let states = [0, 1, 2].map(|n: usize| place.state(jobs[n].lease.id).unwrap());
    assert_eq!(states, [("done", 1), ("scheduled", 1), ("ready", 0)]);
    let record = place
        .wait(place.store.find(jobs[1].lease.id))
        .unwrap()
        .unwrap();
    assert_eq!(record.errors.as_array().unwrap().len(), 1);
}

fn a_failure_waits_and_a_return_does_not_count(place: &Place) {
    place.put(numbered(&SMALL, 1));
    let jobs = place.fetch(&SMALL, 1);
    place.end(vec![end(&jobs[0], Fate::Returned)]);
    let jobs = place.fetch(&SMALL, 1);
    assert_eq!(jobs[0].attempt, 1);
    let again = Fate::Again {
        delay: Duration::from_hours(1),
        error: "\"quoted\" \\ and \u{1f980}".to_owned(),
    };
    place.end(vec![end(&jobs[0], again)]);
    place.look();
    assert!(place.fetch(&SMALL, 1).is_empty());
    place.set_clock_forward(Duration::from_hours(1), true);
    place.look();
    let jobs = place.fetch(&SMALL, 1);
    assert_eq!(jobs[0].attempt, 2);
    let record = place
        .wait(place.store.find(jobs[0].lease.id))
        .unwrap()
        .unwrap();
    assert_eq!(record.errors[0]["error"], "\"quoted\" \\ and \u{1f980}");
    // Of this kind nothing is left of what was done.
    place.end(vec![end(&jobs[0], Fate::Done { keep: false })]);
    assert_eq!(place.state(jobs[0].lease.id), None);
}

fn a_rate_holds_for_all_together(place: &Place) {
    let rate = Rate {
        jobs: 1,
        per: Duration::from_hours(1),
        burst: 3,
    };
    let jobs = (0..10).map(|n| numbered(&PLAIN, n)).collect();
    place.wait(place.store.enqueue(jobs)).unwrap();
    let begun: usize = std::thread::scope(|scope| {
        let threads =
            [(); 5].map(|()| scope.spawn(|| place.fetched(&PLAIN, 2, Some(rate)).jobs.len()));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(begun, 3);
    let none = place.fetched(&PLAIN, 2, Some(rate));
    let next_in = none.next_in.unwrap();
    assert!(
        none.jobs.is_empty() && next_in > Duration::from_mins(50),
        "{next_in:?}"
    );
    place.set_clock_forward(Duration::from_mins(61), true);
    assert_eq!(place.fetched(&PLAIN, 2, Some(rate)).jobs.len(), 1);
}

fn a_paused_kind_rests_and_goes_on(place: &Place) {
    place.put(numbered(&PLAIN, 1));
    place.put(numbered(&SMALL, 2));
    let pause = |is_paused| {
        let pause = place.store.pause(PLAIN.name.to_owned(), is_paused);
        place.wait(pause).unwrap();
    };
    pause(true);
    assert!(place.fetch(&PLAIN, 1).is_empty());
    let rate = Rate {
        jobs: 100,
        per: Duration::from_secs(1),
        burst: 9,
    };
    assert!(place.fetched(&PLAIN, 1, Some(rate)).jobs.is_empty());
    assert_eq!(numbers(&place.fetch(&SMALL, 1)), [2]);
    pause(false);
    assert_eq!(numbers(&place.fetch(&PLAIN, 1)), [1]);
}

fn a_turn_of_a_schedule_is_enqueued_once(place: &Place) {
    let turn = |at| {
        let turn = place
            .store
            .enqueue_turn("nightly", at, numbered(&PLAIN, at));
        place.wait(turn).unwrap()
    };
    let all: usize = std::thread::scope(|scope| {
        let threads = [(); 6].map(|()| scope.spawn(|| usize::from(turn(1_000))));
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    assert_eq!(all, 1);
    // A clock that was set back brings no turn back.
    assert!(!turn(500));
    assert!(turn(2_000));
    assert_eq!(numbers(&place.fetch(&PLAIN, 10)), [1_000, 2_000]);
}

fn what_ended_long_ago_is_forgotten_and_what_is_live_is_not(place: &Place) {
    for n in 0..4 {
        place.put(numbered(&PLAIN, n));
    }
    let jobs = place.fetch(&PLAIN, 3);
    let dead = Fate::Dead {
        error: "no".to_owned(),
    };
    place.end(vec![done(&jobs[0]), end(&jobs[1], dead)]);
    let day = Duration::from_hours(24);
    let retention = Retention {
        ended: day,
        dead: 14 * day,
    };
    let left = || {
        while place.wait(place.store.forget(retention)).unwrap() {}
        place.raw().number("SELECT count(*) FROM job_ended")
    };
    assert_eq!(left(), 2);
    place.set_clock_forward(2 * day, true);
    assert_eq!(left(), 1);
    place.set_clock_forward(14 * day, true);
    assert_eq!(left(), 0);
    assert_eq!(place.raw().number("SELECT count(*) FROM job"), 2);
}

fn the_end_in_a_transaction_is_undone_with_it(place: &Place) {
    place.put(numbered(&PLAIN, 1));
    let slow = place.fetch(&PLAIN, 1);
    place.set_clock_forward(2 * LEASE, true);
    // Longer than any lease ahead of a clock, or behind it.
    assert_eq!(place.look(), 1);
    let quick = place.fetch(&PLAIN, 1);
    let write = |lease| place.wait(place.opened.write_effect(lease, 1));
    assert!(write(slow[0].lease).is_err());
    assert_eq!(place.raw().number("SELECT count(*) FROM effect"), 0);
    write(quick[0].lease).unwrap();
    assert!(write(quick[0].lease).is_err());
    assert_eq!(place.raw().number("SELECT count(*) FROM effect"), 1);
    assert_eq!(place.state(quick[0].lease.id), Some(("done", 2)));
}
