//! What operators ask of the queue, at the store, at the command line and at the listener for operators.

use std::time::Duration;

use doorbuster::jobs::{End, Fate, Job, KindReport, Retention, Selection, State, report};
use serde_json::{Value, json};

use super::on_both_stores;
use super::place::{PLAIN, Place, kind, numbered, numbers};
use super::process::FAIL;
use crate::harness::{Ended, PATIENCE, Shop, within};

on_both_stores!(
    jobs_are_chosen_by_number_kind_and_state,
    what_is_told_of_a_kind_is_so,
    what_another_process_did_is_told_of_for_an_hour,
);

const OTHER: doorbuster::jobs::Kind = kind("test.other", 2);

fn dead(job: &Job) -> End {
    End {
        lease: job.lease,
        attempt: job.attempt,
        fate: Fate::Dead {
            error: "for good".to_owned(),
        },
    }
}

fn of(kind: Option<&str>, state: Option<State>) -> Selection {
    Selection {
        ids: None,
        kind: kind.map(str::to_owned),
        state,
    }
}

fn jobs_are_chosen_by_number_kind_and_state(place: &Place) {
    for n in 0..3 {
        place.put(numbered(&PLAIN, n).unique(n.to_string()));
        place.put(numbered(&OTHER, n));
    }
    place.put(numbered(&OTHER, 3).after(Duration::from_hours(1)));
    let jobs = place.fetch(&PLAIN, 2);
    let ended = place.wait(place.store.end(jobs.iter().map(dead).collect()));
    assert_eq!(ended.unwrap().len(), 2);
    let list = |selection| place.wait(place.store.list(selection, 100)).unwrap();
    assert_eq!(list(Selection::default()).len(), 7);
    let letters = list(of(Some(PLAIN.name), Some(State::Dead)));
    assert_eq!(letters.len(), 2);
    assert!(letters[0].id > letters[1].id && letters[0].ended_at.is_some());
    assert_eq!(
        place
            .wait(place.store.list(Selection::default(), 3))
            .unwrap()
            .len(),
        3
    );

    // A key that is live again is in the way of its letter, and of no other.
    assert!(place.put(numbered(&PLAIN, 0).unique("0")));
    let retry = |selection| place.wait(place.store.retry(selection)).unwrap();
    assert_eq!(retry(of(None, Some(State::Dead))), 1);
    assert_eq!(list(of(None, Some(State::Dead))).len(), 1);
    let again = place.fetch(&PLAIN, 10);
    assert_eq!(
        again.iter().map(|job| job.attempt).collect::<Vec<_>>(),
        [1, 1, 1]
    );
    let mut all = numbers(&again);
    all.sort_unstable();
    assert_eq!(all, [0, 1, 2]);
    // A lease of before ends nothing now.
    assert!(
        place
            .wait(place.store.end(jobs.iter().map(dead).collect()))
            .unwrap()
            .is_empty()
    );

    assert_eq!(retry(of(Some(OTHER.name), Some(State::Scheduled))), 1);
    let cancel = |selection| place.wait(place.store.cancel(selection)).unwrap();
    let first = list(of(Some(OTHER.name), None)).pop().unwrap().id;
    let ids = Selection {
        ids: Some(vec![first]),
        ..Selection::default()
    };
    assert_eq!(cancel(ids.clone()), 1);
    assert_eq!(cancel(ids), 0);
    assert_eq!(numbers(&place.fetch(&OTHER, 10)), [1, 2, 3]);
    let purge = |selection| place.wait(place.store.purge(selection)).unwrap();
    assert_eq!(purge(of(None, Some(State::Cancelled))), 1);
    assert_eq!(purge(Selection::default()), 1);
    // What is live is not removed.
    assert_eq!(list(Selection::default()).len(), 6);
}

fn what_is_told_of_a_kind_is_so(place: &Place) {
    for n in 0..4 {
        place.put(numbered(&PLAIN, n));
    }
    place.put(numbered(&PLAIN, 5).after(Duration::from_hours(1)));
    let jobs = place.fetch(&PLAIN, 2);
    place.wait(place.store.end(vec![dead(&jobs[0])])).unwrap();
    place.set_clock_forward(Duration::from_mins(1), true);
    place
        .wait(place.store.pause(OTHER.name.to_owned(), true))
        .unwrap();
    let stats = place.wait(place.store.stats()).unwrap();
    assert_eq!(stats.len(), 2, "{stats:?}");
    assert_eq!(
        (stats[0].kind.as_str(), stats[0].is_paused),
        (OTHER.name, true)
    );
    let plain = &stats[1];
    let counts = (
        plain.ready,
        plain.scheduled,
        plain.running,
        plain.dead,
        plain.is_paused,
    );
    assert_eq!(counts, (2, 1, 1, 1, false));
    assert!(
        (60_000..90_000).contains(&plain.oldest_ready_ms),
        "{plain:?}"
    );
}

fn what_another_process_did_is_told_of_for_an_hour(place: &Place) {
    let told = || {
        let kinds = place.wait(report(&*place.store)).unwrap();
        kinds.into_iter().find(|it| it.stats.kind == FAIL.name)
    };
    let counts = |it: &KindReport| {
        let (recent, hour) = (&it.recent, &it.recent.hour);
        let minute = (recent.done_in_a_minute, recent.failed_in_a_minute);
        (minute, (hour.done, hour.failed))
    };
    // One that fails three times, one that takes 100 ms each time and then fails, and four that are done.
    for n in [0, 3, 4, 5, 6, 7] {
        place.put(numbered(&FAIL, n));
    }
    place.set_clock_forward(Duration::from_secs(20), true);
    let worker = place.worker(Duration::from_secs(30), 6);
    let all = within(
        PATIENCE,
        "all of it is told of while the worker lives",
        || told().filter(|it| counts(it).1 == (4, 6)),
    );
    assert_eq!(counts(&all), ((4, 6), (4, 6)));
    let hour = &all.recent.hour;
    assert!(
        hour.waited.percentile(99).unwrap() >= Duration::from_secs(20),
        "{hour:?}"
    );
    let ran = |percent| hour.ran.percentile(percent).unwrap();
    assert!(
        ran(99) >= Duration::from_millis(100) && ran(10) < ran(99),
        "{hour:?}"
    );
    assert!(
        hour.ran.mean().unwrap() >= Duration::from_millis(30),
        "{hour:?}"
    );

    // What was not told yet when it has to end is told then, and added.
    place.put(numbered(&FAIL, 8));
    place.await_no_job();
    assert!(worker.drain());
    assert_eq!(counts(&told().unwrap()).1, (5, 6));
    place.set_clock_forward(Duration::from_mins(2), true);
    assert_eq!(counts(&told().unwrap()), ((0, 0), (5, 6)));
    place.set_clock_forward(Duration::from_mins(59), true);
    assert!(told().is_none_or(|it| counts(&it).1 == (0, 0)));
    let month = Duration::from_hours(30 * 24);
    let retention = Retention {
        ended: month,
        dead: month,
    };
    place.wait(place.store.forget(retention)).unwrap();
    assert_eq!(place.raw().number("SELECT count(*) FROM job_history"), 0);
}

fn jobs(shop: &Shop, arguments: &[&str]) -> Ended {
    shop.run("jobs", arguments)
}

#[test]
fn the_command_line_shows_and_changes_jobs() {
    let shop = Shop::blank();
    assert!(
        jobs(&shop, &["stats"])
            .with(64)
            .stderr
            .contains("no catalogue yet")
    );
    shop.run("migrate", &[]).with(0);
    let put = "INSERT INTO job (kind, state, run_at, max_attempts, payload, created_at)
        VALUES ('review.moderate', 'ready', 1764374400000, 3, '{\"submission\":1}', 1764374400000),
            ('rating.refresh', 'ready', 1764374400000, 3, '{\"product\":1}', 1764374400000)";
    shop.database().execute(put, []).unwrap();
    let table = jobs(&shop, &["list"]).with(0).stdout;
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("review.moderate") && table.contains("2025-11-29T00:00:00Z"));
    let listed = jobs(&shop, &["list", "--kind=rating.refresh", "--json"])
        .with(0)
        .summary();
    assert_eq!(listed["jobs"].as_array().unwrap().len(), 1);
    let id = listed["jobs"][0]["id"].to_string();
    let shown = jobs(&shop, &["show", &id]).with(0).stdout;
    assert!(shown.contains("payload   {\"product\":1}"), "{shown}");
    jobs(&shop, &["show", "4711"]).with(1);

    let needs_a_choice = jobs(&shop, &["cancel"]).with(64);
    assert!(
        needs_a_choice.stderr.contains("--all"),
        "{needs_a_choice:?}"
    );
    jobs(&shop, &["list", "--state=lost"]).with(64);
    let cancelled = jobs(&shop, &["cancel", &id]).with(0);
    assert_eq!(cancelled.stdout, "1 cancelled\n");
    assert_eq!(
        jobs(&shop, &["retry", &id, "--json"]).with(0).summary(),
        json!({ "jobs": 1 })
    );
    jobs(&shop, &["pause", "rating.refresh"]).with(0);
    let stats = jobs(&shop, &["stats"]).with(0).stdout;
    assert!(stats.contains("paused"), "{stats}");
    jobs(&shop, &["resume", "rating.refresh"]).with(0);
    assert_eq!(
        jobs(&shop, &["cancel", "--all"]).with(0).stdout,
        "2 cancelled\n"
    );
    assert_eq!(
        jobs(&shop, &["purge", "--state=cancelled"]).with(0).stdout,
        "2 removed\n"
    );
    assert_eq!(
        jobs(&shop, &["list", "--json"]).with(0).summary(),
        json!({ "jobs": [] })
    );
}

/// What is told of this kind.
fn of_kind<'s>(stats: &'s Value, kind: &str) -> &'s Value {
    let mut kinds = stats["kinds"].as_array().unwrap().iter();
    kinds.find(|it| it["kind"] == kind).unwrap()
}

#[test]
fn the_listener_for_operators_shows_and_changes_jobs() {
    let shop = Shop::empty();
    let server = shop.serve();
    let json_type = [("content-type", "application/json")];
    let post =
        |path: &str, body: Value| server.send_admin("POST", path, &json_type, body.to_string());
    // A kind that nobody here does.
    let put = "INSERT INTO job (kind, state, run_at, max_attempts, payload, created_at)
        VALUES ('test.plain', 'ready', 0, 3, '{}', 0)";
    shop.database().execute(put, []).unwrap();
    let stats = server.get_admin("/admin/jobs/stats").with(200).json();
    // Schedules of the program come and go beside it.
    assert_eq!(of_kind(&stats, "test.plain")["ready"], 1);
    assert_eq!(stats["this_process"]["review.moderate"]["begun"], 0);
    let nothing = json!({ "done": 0, "failed": 0, "wait_ms": null, "run_ms": null });
    assert_eq!(of_kind(&stats, "test.plain")["last_hour"], nothing);
    let listed = server
        .get_admin("/admin/jobs?kind=test.plain&state=ready")
        .with(200)
        .json();
    let id = &listed["jobs"][0]["id"];
    let job = server
        .get_admin(&format!("/admin/jobs/{id}"))
        .with(200)
        .json();
    assert_eq!(
        (&job["state"], &job["payload"]),
        (&json!("ready"), &json!({}))
    );
    server
        .get_admin("/admin/jobs/4711")
        .problem(404, "job-not-found");
    server
        .get_admin("/admin/jobs?state=lost")
        .problem(400, "invalid-query");
    post("/admin/jobs/cancel", json!({})).problem(400, "invalid-selection");
    post("/admin/jobs/cancel", json!({ "all": true, "ids": [1] }))
        .problem(400, "invalid-selection");
    post("/admin/jobs/cancel", json!({ "id": 1 })).problem(400, "invalid-selection");
    post("/admin/jobs/pause", json!({ "all": true })).problem(400, "invalid-selection");
    let page = [json_type[0], ("origin", "https://evil.example")];
    server
        .send_admin("POST", "/admin/jobs/cancel", &page, "{\"all\":true}")
        .problem(403, "page-refused");
    let changed = post("/admin/jobs/cancel", json!({ "ids": [id] }))
        .with(200)
        .json();
    assert_eq!(changed, json!({ "jobs": 1 }));
    assert_eq!(
        post("/admin/jobs/retry", json!({ "all": true }))
            .with(200)
            .json()["jobs"],
        1
    );
    post("/admin/jobs/pause", json!({ "kind": "test.plain" })).with(200);
    let stats = server.get_admin("/admin/jobs/stats").with(200).json();
    assert_eq!(of_kind(&stats, "test.plain")["is_paused"], true);
    post("/admin/jobs/resume", json!({ "kind": "test.plain" })).with(200);
    server.stop();
}
