//! When what ended is started again: at once where it had run for a while, later and later where it had not, as PM2 does
//! with `exp_backoff_restart_delay`.

use std::time::Duration;

use super::definition::Definition;

/// Longest pause.
const LONGEST: Duration = Duration::from_secs(15);

/// How the instance has been doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct History {
    /// Times it was started again.
    pub(super) restarts: u32,
    /// Unstable ends in a row.
    unstable: u32,
}

impl History {
    /// It has ended by itself after this long. How long to wait before it is started again; `None` gives it up.
    pub(super) fn ended(&mut self, definition: &Definition, uptime: Duration) -> Option<Duration> {
        if !definition.autorestart {
            return None;
        }
        if uptime >= definition.min_uptime {
            self.unstable = 0;
            self.restarts += 1;
            return Some(Duration::ZERO);
        }
        self.unstable += 1;
        if self.unstable > definition.max_restarts {
            return None;
        }
        self.restarts += 1;
        let power = i32::try_from(self.unstable - 1).unwrap_or(i32::MAX);
        let delay = definition.exp_backoff_restart_delay.as_secs_f64() * 1.5_f64.powi(power);
        Some(Duration::from_secs_f64(delay.min(LONGEST.as_secs_f64())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(lines: &str) -> Definition {
        toml::from_str(&format!("name = \"a\"\ncommand = \"a\"\n{lines}")).unwrap()
    }

    #[test]
    fn pauses_grow_until_it_is_given_up() {
        let definition = definition("max_restarts = 4\nexp_backoff_restart_delay = \"8s\"");
        let mut history = History::default();
        let at_once = Duration::ZERO;
        let pauses: Vec<_> = (0..5)
            .map(|_| history.ended(&definition, at_once))
            .collect();
        let seconds = |number| Some(Duration::from_secs(number));
        assert_eq!(
            pauses,
            [seconds(8), seconds(12), seconds(15), seconds(15), None]
        );
        assert_eq!(history.restarts, 4);
    }

    #[test]
    fn one_that_ran_for_a_while_is_started_at_once_and_begins_anew() {
        let definition = definition("max_restarts = 1");
        let mut history = History::default();
        for _ in 0..3 {
            assert!(history.ended(&definition, Duration::ZERO).is_some());
            let started = history.ended(&definition, Duration::from_secs(1));
            assert_eq!(started, Some(Duration::ZERO));
        }
    }

    #[test]
    fn one_that_is_not_to_be_started_again_is_not() {
        let definition = definition("autorestart = false");
        let ended = History::default().ended(&definition, Duration::from_mins(1));
        assert_eq!(ended, None);
    }
}
