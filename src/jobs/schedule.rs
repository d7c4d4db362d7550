//! Jobs that come back by the clock.

use std::str::FromStr;

use croner::Cron;

use super::job::NewJob;

/// A schedule that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} is no schedule: {reason}")]
pub struct ScheduleError {
    pattern: String,
    reason: String,
}

/// A job that is enqueued at each turn of a schedule, by whichever process comes first, and once. A turn that comes while
/// no process runs is made up for by one job, however many turns it was.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name in the database.
    pub name: &'static str,
    cron: Cron,
    /// What is enqueued.
    pub job: NewJob,
}

impl Schedule {
    /// By a pattern of five fields as `cron` knows them, in UTC, or of six that begin with seconds.
    pub fn new(name: &'static str, pattern: &str, job: NewJob) -> Result<Self, ScheduleError> {
        let cron = Cron::from_str(pattern).map_err(|error| ScheduleError {
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { name, cron, job })
    }

    /// The last turn up to `now`, both in milliseconds since 1970.
    pub(super) fn last_turn(&self, now: i64) -> Option<i64> {
        let now = chrono::DateTime::from_timestamp_millis(now)?;
        let turn = self.cron.find_previous_occurrence(&now, true).ok()?;
        Some(turn.timestamp_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Kind;

    const KIND: Kind = Kind {
        name: "test.turn",
        max_attempts: 1,
        keeps_done: false,
    };

    #[test]
    fn the_last_turn_is_the_one_before_or_now() {
        let job = NewJob::new(&KIND, &()).unwrap();
        let hourly = Schedule::new("hourly", "5 * * * *", job.clone()).unwrap();
        let hour = 3_600_000;
        let five_past = 10 * hour + 5 * 60_000;
        assert_eq!(hourly.last_turn(five_past), Some(five_past));
        assert_eq!(hourly.last_turn(five_past - 1), Some(five_past - hour));
        assert_eq!(hourly.last_turn(five_past + hour - 1), Some(five_past));
        let refused = Schedule::new("never", "61 * * * *", job).unwrap_err();
        assert!(refused.to_string().contains("61 * * * *"), "{refused}");
    }
}
