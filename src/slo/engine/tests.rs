use std::time::Duration;

use super::*;
use crate::config::Percent;
use crate::slo::{Latency, Target};

const NOW: i64 = 1_700_000_040;
const MINUTE: i64 = 60;

fn objectives() -> Objectives {
    let target = |slo, sla| Target {
        slo: Percent(slo),
        sla: Percent(sla),
    };
    Objectives {
        availability: target(999_500, 999_000),
        latency: target(950_000, 950_000),
        fast: Latency {
            slo: Duration::from_millis(150),
            sla: Duration::from_millis(200),
        },
        errors: target(999_500, 999_000),
        min_requests: 1_000,
        freeze: true,
    }
}

/// Counters of a process that go on.
struct Traffic {
    slo: Slo,
    now: i64,
    counted: All,
}

impl Traffic {
    fn new(slo: Slo) -> Self {
        Self {
            slo,
            now: NOW,
            counted: All::default(),
        }
    }

    /// So many minutes of so many requests, of which some fail.
    fn minutes(&mut self, minutes: i64, total: u64, bad: u64) {
        for _ in 0..minutes {
            self.now += MINUTE;
            for events in &mut self.counted {
                events.total += total;
                events.bad += bad;
                events.broken += bad;
            }
            self.slo.observe(self.now, self.counted);
        }
    }

    fn availability(&self) -> crate::slo::ObjectiveStatus {
        self.slo.status().objectives[0].clone()
    }

    fn firing(&self) -> Vec<(&'static str, &'static str)> {
        let objective = self.availability();
        let firing = objective.alerts.iter().filter(|alert| alert.is_firing);
        firing.map(|alert| (alert.severity, alert.long)).collect()
    }
}

#[test]
fn an_outage_pages_and_the_page_ends_with_it() {
    let mut traffic = Traffic::new(Slo::open(objectives(), None, NOW));
    traffic.minutes(120, 1_000, 0);
    assert_eq!(traffic.firing(), []);
    // A tenth fails: 200 times as much as may.
    traffic.minutes(3, 1_000, 100);
    assert!(
        !traffic
            .firing()
            .iter()
            .any(|(severity, _)| *severity == "page"),
        "a blip"
    );
    traffic.minutes(3, 1_000, 100);
    assert!(traffic.firing().contains(&("page", "1h")));
    let lately = |bad| {
        let events = Events {
            total: 200,
            bad,
            broken: bad,
        };
        [events, Events::default(), Events::default()]
    };
    let burn = |traffic: &Traffic, bad| traffic.slo.status().pressing_burn(&lately(bad));
    assert!(burn(&traffic, 20) > 14.4);
    assert!(burn(&traffic, 0) < f64::EPSILON, "it ended this moment");
    assert!(burn(&traffic, 4) < f64::EPSILON, "four are none");
    traffic.minutes(5, 1_000, 0);
    assert!(!traffic.firing().contains(&("page", "1h")), "it is over");
    assert!(burn(&traffic, 20) < 1.0, "and begins anew");
}

#[test]
fn few_requests_tell_nobody_of_anything() {
    let mut traffic = Traffic::new(Slo::open(objectives(), None, NOW));
    traffic.minutes(60, 10, 5);
    assert_eq!(traffic.firing(), [], "600 in an hour are too few");
    assert!(!traffic.slo.is_frozen());
    traffic.minutes(60, 20, 10);
    assert!(traffic.firing().contains(&("page", "1h")));
}

#[test]
fn a_budget_is_told_in_time_and_in_requests_and_freezes_when_it_is_gone() {
    let mut traffic = Traffic::new(Slo::open(objectives(), None, NOW));
    traffic.minutes(100, 1_000, 0);
    traffic.minutes(1, 0, 25);
    let budget = traffic.availability().budget;
    assert!((budget.left_ratio - 0.5).abs() < 1e-9, "{budget:?}");
    assert!((budget.minutes - 21.6).abs() < 1e-9, "{budget:?}");
    assert!((budget.left_minutes - 10.8).abs() < 1e-9, "{budget:?}");
    assert_eq!(budget.left_requests, 25);
    assert!(traffic.availability().sla_budget.left_ratio > 0.7);
    assert!(!traffic.slo.is_frozen());
    traffic.minutes(1, 0, 25);
    assert!(traffic.slo.is_frozen() && traffic.availability().is_exhausted);
    traffic.minutes(60, 1_000, 0);
    assert!(!traffic.slo.is_frozen(), "more may fail of more");

    let lenient = Objectives {
        freeze: false,
        ..objectives()
    };
    let mut traffic = Traffic::new(Slo::open(lenient, None, NOW));
    traffic.minutes(10, 1_000, 500);
    assert!(traffic.availability().is_exhausted && !traffic.slo.is_frozen());
}

#[test]
fn a_restart_forgets_nothing_and_counts_nothing_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slo.json");
    let mut traffic = Traffic::new(Slo::open(objectives(), Some(&path), NOW));
    traffic.minutes(100, 1_000, 1);
    traffic.slo.save();
    traffic.minutes(10, 1_000, 1);
    traffic.slo.save();
    let before = traffic.availability();
    let now = traffic.now;
    drop(traffic);

    let mut after = Traffic::new(Slo::open(objectives(), Some(&path), now));
    after.now = now;
    assert_eq!(after.availability().events, 110_000);
    assert_eq!(after.availability().bad, before.bad);
    after.minutes(1, 500, 0);
    after.slo.save();
    assert_eq!(after.availability().events, 110_500);
}

#[test]
fn of_two_processes_one_writes_and_the_other_takes_over_with_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slo.json");
    let mut old = Traffic::new(Slo::open(objectives(), Some(&path), NOW));
    old.minutes(1, 100, 0);
    old.slo.save();
    let mut new = Traffic::new(Slo::open(objectives(), Some(&path), old.now));
    new.now = old.now;
    new.minutes(1, 10, 0);
    new.slo.save();
    old.minutes(2, 100, 0);
    old.slo.save();
    drop(old);
    new.slo.save();
    new.minutes(1, 10, 0);
    assert_eq!(new.availability().events, 320);
    new.slo.save();
    let third = Traffic::new(Slo::open(objectives(), Some(&path), new.now));
    assert_eq!(third.availability().events, 320);
}

#[test]
fn a_file_that_makes_no_sense_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("slo.json");
    for text in [
        "",
        "{}",
        "{\"version\":2,\"hours\":[],\"minutes\":[]}",
        "\0",
    ] {
        std::fs::write(&path, text).unwrap();
        let slo = Slo::open(objectives(), Some(&path), NOW);
        assert_eq!(slo.status().objectives[0].events, 0, "{text:?}");
    }
    let row = "[0,[[5,0,0],[5,0,0],[5,0,0]]]";
    let ahead = format!("[{},[[5,0,0],[5,0,0],[5,0,0]]]", NOW + 60);
    std::fs::write(
        &path,
        format!("{{\"version\":1,\"hours\":[],\"minutes\":[{row},{ahead}]}}"),
    )
    .unwrap();
    let slo = Slo::open(objectives(), Some(&path), NOW);
    assert_eq!(slo.status().objectives[0].events, 0, "too old, and ahead");
}
