//! How many may be at a dependency at once: found by how long it takes, as Netflix' `Gradient2Limit` finds it
//! (<https://github.com/Netflix/concurrency-limits>), which compares what lately was to what long was. What is other
//! than there:
//!
//! - **No climb under mild overload.** There the long mean follows the short one, until a queue that stands for long is
//!   taken for normal and the limit rises without end (issue 134 there). Here a baseline learns from calls that were made
//!   while less than half of the limit was in use, when no wait is of our own making; from the others only when they
//!   are faster. So what the limit itself causes never becomes normal.
//! - **No probes.** Envoy holds requests back now and then to measure the fastest time there is, which sheds at the calmest
//!   of times. Lulls do that here.
//! - **Fast recovery.** The limit rises by a rate of time, and not by one window after the other, which are long when a
//!   dependency is slow: four square roots of itself each second. And it rises to where it began without being used.
//! - **Kinds of calls apart.** A list takes longer than a product. Each kind is compared with its own baseline, so that
//!   another mix of them is no sign of trouble.
//! - **A floor**: what the dependency does in parallel, its connections or threads. Below that a limit wastes them, and
//!   however wrong a baseline is, these are in use.
//!
//! Pure: time comes in as an argument.

use std::time::Duration;

/// A window of measurements ends when it has so many…
const SAMPLES: u32 = 10;
/// …and is so old; …
const WINDOW: Duration = Duration::from_millis(50);
/// …or is so old, whatever it has.
const LONGEST_WINDOW: Duration = Duration::from_secs(1);
/// The share of a window in a baseline.
const LEARNING: f64 = 1.0 / 16.0;
/// A call counts as no worse than this, so that one stray call does not speak for all.
const WORST_RATIO: f64 = 10.0;
/// Growth in square roots of the limit, each second.
const GROWTH: f64 = 4.0;
/// Of a fall, the part that is taken each second, up to all of it.
const FALL: f64 = 4.0;

/// Within which bounds the limit is looked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct GradientOptions {
    /// Where it begins.
    pub initial: u32,
    /// It is never lower.
    pub floor: u32,
    /// It is never higher.
    pub ceiling: u32,
    /// How many times as long as alone a call may take: 2 lets as many wait at the dependency as it works on.
    pub tolerance: f64,
}

/// The limit and what it is made from.
#[derive(Debug)]
pub(super) struct Gradient {
    options: GradientOptions,
    limit: f64,
    kinds: Vec<Kind>,
    window: Window,
}

/// Calls of one kind. There are a handful, so a list beats a map.
#[derive(Debug)]
struct Kind {
    name: &'static str,
    /// In seconds; `None` before the first window.
    baseline: Option<f64>,
    /// In this window: calls, and seconds in sum.
    calls: u32,
    seconds: f64,
}

/// What was measured since the last change of the limit.
#[derive(Debug, Default)]
struct Window {
    since: Duration,
    samples: u32,
    most_in_flight: usize,
    /// The dependency let one go, or was given up.
    overflowed: bool,
}

impl Gradient {
    pub(super) fn new(options: GradientOptions) -> Self {
        Self {
            limit: f64::from(options.initial),
            options,
            kinds: Vec::new(),
            window: Window::default(),
        }
    }

    /// How many may be at it.
    pub(super) fn limit(&self) -> usize {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between the floor and the ceiling, which are whole numbers"
        )]
        let limit = self.limit as usize;
        limit
    }

    /// What a call of each kind takes when there are few, as far as known.
    pub(super) fn baselines(&self) -> impl Iterator<Item = (&'static str, Duration)> {
        let known = |kind: &Kind| Some((kind.name, Duration::from_secs_f64(kind.baseline?)));
        self.kinds.iter().filter_map(known)
    }

    /// A call of this kind was answered. `in_flight` were there with it when it began.
    pub(super) fn answered(
        &mut self,
        now: Duration,
        name: &'static str,
        took: Duration,
        in_flight: usize,
    ) {
        // Coarse clocks measure nothing at all sometimes.
        let took = took.as_secs_f64().max(1e-6);
        let kind = self.kind(name);
        let worst = kind.baseline.map_or(took, |it| it * WORST_RATIO);
        kind.calls += 1;
        kind.seconds += took.min(worst);
        self.measured(now, in_flight);
    }

    /// A call was refused by the dependency itself, or given up after a long wait: it has too much to do.
    pub(super) fn overflowed(&mut self, now: Duration, in_flight: usize) {
        self.window.overflowed = true;
        self.measured(now, in_flight);
    }

    fn kind(&mut self, name: &'static str) -> &mut Kind {
        let known = self.kinds.iter().position(|kind| kind.name == name);
        let place = known.unwrap_or(self.kinds.len());
        if known.is_none() {
            self.kinds.push(Kind {
                name,
                baseline: None,
                calls: 0,
                seconds: 0.0,
            });
        }
        &mut self.kinds[place]
    }

    fn measured(&mut self, now: Duration, in_flight: usize) {
        self.window.samples += 1;
        self.window.most_in_flight = self.window.most_in_flight.max(in_flight);
        let elapsed = now.saturating_sub(self.window.since);
        if (self.window.samples >= SAMPLES && elapsed >= WINDOW) || elapsed >= LONGEST_WINDOW {
            let window = std::mem::take(&mut self.window);
            self.window.since = now;
            self.conclude(&window, elapsed.min(LONGEST_WINDOW));
        }
    }

    fn conclude(&mut self, window: &Window, elapsed: Duration) {
        #[expect(clippy::cast_precision_loss, reason = "a few thousand at most")]
        let most_in_flight = window.most_in_flight as f64;
        let is_used = most_in_flight >= self.limit / 2.0;
        let ratio = self.compare(is_used);
        let gradient = match (window.overflowed, ratio) {
            (true, _) => 0.5,
            (false, Some(ratio)) => (self.options.tolerance / ratio).clamp(0.5, 1.0),
            (false, None) => return,
        };
        let seconds = elapsed.as_secs_f64();
        let initial = f64::from(self.options.initial);
        if gradient < 1.0 {
            self.limit *= 1.0 - (1.0 - gradient) * (FALL * seconds).min(1.0);
        } else if is_used {
            self.limit += GROWTH * self.limit.sqrt() * seconds;
        } else if self.limit < initial {
            self.limit = (self.limit + GROWTH * self.limit.sqrt() * seconds).min(initial);
        }
        let (floor, ceiling) = (self.options.floor, self.options.ceiling);
        self.limit = self.limit.clamp(f64::from(floor), f64::from(ceiling));
    }

    /// How many times as long as alone the calls of the window took, in the mean; and has the baselines learn from
    /// them. `None` where nothing is known to compare with.
    fn compare(&mut self, is_used: bool) -> Option<f64> {
        let (mut calls, mut sum) = (0.0, 0.0);
        for kind in self.kinds.iter_mut().filter(|kind| kind.calls > 0) {
            let count = f64::from(std::mem::take(&mut kind.calls));
            let seconds = std::mem::take(&mut kind.seconds);
            let mean = seconds / count;
            match &mut kind.baseline {
                None => kind.baseline = Some(mean),
                Some(baseline) => {
                    calls += count;
                    sum += seconds / *baseline;
                    if !is_used || mean < *baseline {
                        *baseline += LEARNING * (mean - *baseline);
                    }
                }
            }
        }
        (calls > 0.0).then(|| sum / calls)
    }
}

#[cfg(test)]
mod tests;
