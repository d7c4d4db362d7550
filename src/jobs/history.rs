//! What became of the jobs of each kind in the last hour, wherever they were done, and how long they waited and took.
//!
//! A row for each job that was done would cost as much as the job. Workers add up what they did, and add it once a second
//! to a row for the kind and ten seconds. What a worker did in its last second before it was killed is not told of, nor
//! are jobs that were taken from it; what was added and not known to have been, since the answer was lost, is told twice.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

use super::job::KindStats;
use super::store::{JobStore, JobStoreError};

/// What a row tells of, in milliseconds.
pub(super) const SLOT: i64 = 10_000;
/// How long rows are told of, in milliseconds.
pub(super) const HOUR: i64 = 3_600_000;
/// The same of what is told of as well alone.
pub(super) const MINUTE: i64 = 60_000;

/// Steps of a decade, each half as far again or nearly so.
const STEPS: [u64; 6] = [100, 150, 200, 300, 500, 700];
const DECADES: u32 = 8;
/// Up to 7,000 s, and what took longer.
const BUCKETS: usize = STEPS.len() * DECADES as usize + 1;

/// Upper bounds of all buckets but the last, in microseconds.
fn bounds() -> impl Iterator<Item = u64> {
    (0..DECADES).flat_map(|decade| STEPS.map(|step| step * 10_u64.pow(decade)))
}

/// How long things took, by buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub(super) buckets: [i64; BUCKETS],
    /// All together, in microseconds.
    pub(super) sum: i64,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            buckets: [0; BUCKETS],
            sum: 0,
        }
    }
}

impl Times {
    fn add(&mut self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let bucket = bounds().take_while(|bound| *bound < micros).count();
        self.buckets[bucket] += 1;
        self.sum = (self.sum).saturating_add(i64::try_from(micros).unwrap_or(i64::MAX));
    }

    /// Adds what a store had of the same. One of a program that had more buckets, or fewer, is added as far as there are.
    pub(super) fn add_stored(&mut self, buckets: &[i64], sum: i64) {
        for (bucket, more) in self.buckets.iter_mut().zip(buckets) {
            *bucket += more;
        }
        self.sum = self.sum.saturating_add(sum);
    }

    fn count(&self) -> i64 {
        self.buckets.iter().sum()
    }

    /// Half as much again as so many percent took at most, or less. What took longer than the last bound is told as
    /// that. `None` where there is nothing.
    pub fn percentile(&self, percent: u8) -> Option<Duration> {
        let rank = (self.count() * i64::from(percent) + 99) / 100;
        let mut below = 0;
        let reaches = |in_bucket: &i64| {
            below += in_bucket;
            below >= rank
        };
        let bucket = self.buckets.iter().position(reaches)?;
        let bound = bounds().nth(bucket).or_else(|| bounds().last());
        (rank > 0).then(|| Duration::from_micros(bound.unwrap_or_default()))
    }

    /// `None` where there is nothing.
    pub fn mean(&self) -> Option<Duration> {
        let mean = self.sum.checked_div(self.count())?;
        Some(Duration::from_micros(mean.unsigned_abs()))
    }

    /// In milliseconds, for people and programs.
    fn report(&self) -> Option<Value> {
        let millis = |time: Option<Duration>| Some(time?.as_secs_f64() * 1_000.0);
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        let mean = millis(Some(self.mean()?));
        Some(json!({ "mean": mean, "p50": millis(p50), "p99": millis(p99) }))
    }
}

/// What became of beginnings of jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Done.
    pub done: i64,
    /// Failed, to be begun again or not.
    pub failed: i64,
    /// How long they had been ready.
    pub waited: Times,
    /// How long they took.
    pub ran: Times,
}

impl Outcomes {
    /// Adds a beginning that has ended.
    pub fn add(&mut self, is_done: bool, waited: Duration, ran: Duration) {
        *(if is_done {
            &mut self.done
        } else {
            &mut self.failed
        }) += 1;
        self.waited.add(waited);
        self.ran.add(ran);
    }
}

/// What became of the jobs of a kind of late.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recent {
    /// How many were done in the last minute.
    pub done_in_a_minute: i64,
    /// How many failed in the last minute.
    pub failed_in_a_minute: i64,
    /// All of the last hour.
    pub hour: Outcomes,
}

/// How the jobs of a kind stand, and what became of those before.
#[derive(Debug, Clone, Default)]
pub struct KindReport {
    /// How they stand.
    pub stats: KindStats,
    /// What became of them.
    pub recent: Recent,
}

impl Serialize for KindReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Shown<'r> {
            #[serde(flatten)]
            stats: &'r KindStats,
            last_minute: Value,
            last_hour: Value,
        }
        let Recent {
            done_in_a_minute,
            failed_in_a_minute,
            hour,
        } = &self.recent;
        let shown = Shown {
            stats: &self.stats,
            last_minute: json!({ "done": done_in_a_minute, "failed": failed_in_a_minute }),
            last_hour: json!({
                "done": hour.done,
                "failed": hour.failed,
                "wait_ms": hour.waited.report(),
                "run_ms": hour.ran.report(),
            }),
        };
        shown.serialize(serializer)
    }
}

/// Of each kind of which there are jobs, something was said or something was done in the last hour.
pub async fn report(store: &dyn JobStore) -> Result<Vec<KindReport>, JobStoreError> {
    let mut kinds = BTreeMap::<String, KindReport>::new();
    for stats in store.stats().await? {
        let kind = stats.kind.clone();
        kinds.entry(kind).or_default().stats = stats;
    }
    for (kind, recent) in store.recent().await? {
        let report = kinds.entry(kind.clone()).or_default();
        report.recent = recent;
        report.stats.kind = kind;
    }
    Ok(kinds.into_values().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_no_less_than_it_was_and_at_most_half_as_much_again() {
        for micros in [1, 100, 101, 4_000, 70_000, 2_999_999, 7_000_000_000] {
            let mut times = Times::default();
            times.add(Duration::from_micros(micros));
            let told = times.percentile(99).unwrap().as_micros();
            let (least, most) = (u128::from(micros), u128::from(micros.max(67) * 5 / 3));
            assert!((least..=most).contains(&told), "{micros}: {told}");
        }
        let mut times = Times::default();
        assert_eq!((times.percentile(50), times.mean()), (None, None));
        for millis in 1..=100 {
            times.add(Duration::from_millis(millis));
        }
        assert_eq!(times.percentile(50), Some(Duration::from_millis(50)));
        assert_eq!(times.percentile(99), Some(Duration::from_millis(100)));
        assert_eq!(times.mean(), Some(Duration::from_micros(50_500)));
        times.add(Duration::from_hours(9));
        assert_eq!(times.percentile(100), Some(Duration::from_secs(7_000)));
    }

    #[test]
    fn what_is_stored_adds_up() {
        let (mut one, mut other) = (Times::default(), Times::default());
        one.add(Duration::from_millis(3));
        other.add(Duration::from_millis(30));
        let (buckets, sum) = (other.buckets, other.sum);
        one.add_stored(&buckets, sum);
        other.add(Duration::from_millis(3));
        assert_eq!(one, other);
    }
}
