//! The ladder of degradation, with the readings of this process and this machine.

use std::collections::VecDeque;
use std::fs;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};

use crate::cache::{Clock, SystemClock};
use crate::config::Config;
use crate::console::Vitals;
use crate::flags::pressure::{Ladder, Readings};
use crate::http::FlagAccess;
use crate::limits::overload::Pressure;
use crate::products::catalog::Catalog;
use crate::slo::{Events, Name};

/// How often it is looked whether a step is due.
const LOOK: Duration = Duration::from_millis(500);
/// Ten seconds of looks.
const LATELY: usize = 20;
/// Fewer answers than this between two looks tell nothing by how many of them failed.
const FEW_ANSWERS: u64 = 50;

/// Looks in the background, for as long as the runtime lives; not at all where nothing may be given up. `pressure` reads
/// the limits.
pub(super) fn start(
    config: &Config,
    catalog: &Catalog,
    access: &FlagAccess,
    pressure: impl Fn() -> Pressure + Send + 'static,
    vitals: &Vitals,
    background: &Handle,
) {
    if config.flags.ladder.is_empty() {
        return;
    }
    let mut ladder = Ladder::new(config.flags.ladder.clone());
    let (catalog, access, vitals) = (catalog.clone(), access.clone(), vitals.clone());
    background.spawn(async move {
        let mut looks = interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failed = Failed::default();
        let mut processor = Processor::default();
        let mut lately = Lately::default();
        loop {
            looks.tick().await;
            let failures = access.failures.so_far();
            let status = vitals.slo().status();
            let counted = std::array::from_fn(|at| status.objectives[at].counted);
            let readings = Readings {
                limits: pressure(),
                failed_ratio: failed.ratio(answers(&catalog), failures),
                burn: status.pressing_burn(&lately.events(counted, failures)),
                processor: processor.share().unwrap_or(0.0),
            };
            vitals.note_pressure(readings);
            access.flags.heed(&mut ladder, SystemClock.now(), &readings);
        }
    });
}

/// Answers that came from the caches so far, by which those that failed are measured.
fn answers(catalog: &Catalog) -> u64 {
    let status = catalog.cache_status();
    status.l1.lookups() + status.pages.lookups()
}

/// How many answers fail.
#[derive(Default)]
struct Failed {
    answers: u64,
    failures: u64,
}

impl Failed {
    /// Since the last look, as a share.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn ratio(&mut self, answers: u64, failures: u64) -> f64 {
        let answered = answers.saturating_sub(self.answers);
        let failed = failures.saturating_sub(self.failures);
        *self = Self { answers, failures };
        // What failed before the cache was asked is no part of its count.
        let all = answered.max(failed);
        if all < FEW_ANSWERS {
            0.0
        } else {
            failed as f64 / all as f64
        }
    }
}

/// What happened within the last [`LATELY`] looks.
#[derive(Default)]
struct Lately(VecDeque<[Events; Name::ALL.len()]>);

impl Lately {
    /// Takes what was counted since the start of the process, of each objective in the order of [`Name::ALL`]. Of
    /// availability only those are bad that failed: what was meant to be refused is no failure.
    fn events(
        &mut self,
        mut counted: [Events; Name::ALL.len()],
        failures: u64,
    ) -> [Events; Name::ALL.len()] {
        for (name, events) in Name::ALL.into_iter().zip(&mut counted) {
            if name == Name::Availability {
                events.bad = failures;
            }
        }
        let before = *self.0.front().unwrap_or(&counted);
        self.0.push_back(counted);
        if self.0.len() > LATELY {
            self.0.pop_front();
        }
        std::array::from_fn(|at| counted[at].since(before[at]))
    }
}

/// How busy the machine is, by `/proc/stat`.
#[derive(Default)]
struct Processor {
    busy: u64,
    all: u64,
}

impl Processor {
    /// Since the last look; `None` where the system does not tell.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    fn share(&mut self) -> Option<f64> {
        let text = fs::read_to_string("/proc/stat").ok()?;
        let (busy, all) = times(text.lines().next()?)?;
        let before = std::mem::replace(self, Self { busy, all });
        let all = all.saturating_sub(before.all);
        let is_first = before.all == 0;
        (!is_first && all > 0).then(|| busy.saturating_sub(before.busy) as f64 / all as f64)
    }
}

/// Time that was used, and all time, in ticks since the start of the machine: user, nice, system, idle, iowait, irq,
/// softirq, steal (proc(5)).
fn times(line: &str) -> Option<(u64, u64)> {
    let numbers = line.strip_prefix("cpu ")?.split_ascii_whitespace();
    let numbers: Vec<u64> = numbers.take(8).map_while(|it| it.parse().ok()).collect();
    let idle = numbers.get(3)? + numbers.get(4).unwrap_or(&0);
    let all: u64 = numbers.iter().sum();
    Some((all - idle, all))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_that_waits_for_a_disk_is_not_busy() {
        assert_eq!(times("cpu  10 1 5 80 4 0 0 0 0 0"), Some((16, 100)));
        assert_eq!(times("cpu0 1 2 3 4"), None);
        assert_eq!(times("cpu 1 2"), None);
    }

    #[test]
    fn what_is_meant_to_be_refused_is_no_failure_and_ten_seconds_are_kept() {
        let mut lately = Lately::default();
        let counted = |total, bad| {
            let events = Events {
                total,
                bad,
                broken: bad,
            };
            [events; Name::ALL.len()]
        };
        let nothing = lately.events(counted(1_000, 900), 7);
        assert_eq!(nothing, [Events::default(); Name::ALL.len()]);
        let [availability, latency, errors] = lately.events(counted(1_100, 980), 9);
        assert_eq!((availability.total, availability.bad), (100, 2));
        assert_eq!((latency.bad, errors.bad), (80, 80));
        for _ in 0..LATELY {
            lately.events(counted(1_100, 980), 9);
        }
        let over = lately.events(counted(1_100, 980), 9);
        assert_eq!(over, [Events::default(); Name::ALL.len()]);
    }

    #[test]
    fn what_fails_is_a_share_of_what_is_answered() {
        let mut failed = Failed::default();
        assert!(failed.ratio(1_000, 0).abs() < f64::EPSILON);
        assert!((failed.ratio(2_000, 100) - 0.1).abs() < f64::EPSILON);
        assert!(
            failed.ratio(2_010, 110).abs() < f64::EPSILON,
            "too few to tell"
        );
        assert!((failed.ratio(2_010, 310) - 1.0).abs() < f64::EPSILON);
    }
}
