//! The ladder: what is given up under pressure, one step at a time, and taken up again when it is calm.
//!
//! Steps are far apart, so that each can show what it brings before the next is taken, and what makes a step up is far
//! from what makes one down, so that nothing swings. While only what matters least is turned away, nothing is given up
//! without which requests are refused: the limits turn away no more than they have to, and let everybody in again the
//! moment there is room. All of this is worked out from readings and a clock that are
//! given; nothing here measures.

use super::board::Flags;
use super::feature::Feature;
use crate::cache::Millis;
use crate::limits::overload::Pressure;

/// No two steps are closer, up or down.
pub const STEP_EVERY: Millis = 10_000;
/// For how long it has to be hot before a step up: a single burst is for queues.
const HOT_FOR: Millis = 2_000;
/// For how long it has to be calm before a step down.
const CALM_FOR: Millis = 10_000;
/// How many steps a busy processor alone can cause: those that save nothing else.
const STEPS_OF_PROCESSOR: usize = 1;

/// What is given up first, and last. Writes are never given up but by a person.
pub const DEFAULT_LADDER: [Feature; 8] = [
    Feature::Brotli,
    Feature::ViewCounts,
    Feature::FreshPrices,
    Feature::Recommendations,
    Feature::Facets,
    Feature::Reviews,
    Feature::Search,
    Feature::CheckoutFirst,
];

/// How the program fares.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Readings {
    /// Of the limits.
    pub limits: Pressure,
    /// Answers that failed on our side, as a share of all: 0 none, 1 all. What was shed is not among them.
    pub failed_ratio: f64,
    /// How fast the error budget is spent that is spent fastest, where it has been for an hour and is to this moment: at 1
    /// it lasts for as long as it has to.
    pub burn: f64,
    /// How much of the machine's processors is in use: 0 idle, 1 full.
    pub processor: f64,
}

/// What readings amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    Calm,
    /// Neither: nothing is to be changed.
    Mild,
    /// The processor alone.
    Busy,
    /// More is asked than can be done.
    Hot,
    /// And what matters most suffers.
    Severe,
}

impl Readings {
    fn weather(&self) -> Weather {
        let Pressure {
            saturation,
            queue_wait,
            loop_lag,
            shed_ratio,
            essential_shed_ratio,
        } = self.limits;
        let (queue_wait, loop_lag) = (queue_wait.as_secs_f64(), loop_lag.as_secs_f64());
        // Of each: calm below the first, hot from the second on. Waits in seconds; 20 ms in the mean are what DAGOR takes
        // for overload (H. Zhou et al., "Overload Control for Scaling WeChat Microservices", SoCC 2018).
        let load = [
            (saturation, 0.7, 0.95),
            (queue_wait, 0.010, 0.020),
            (shed_ratio, 0.001, 0.010),
        ];
        let damage = [
            (loop_lag, 0.025, 0.100),
            (essential_shed_ratio, 0.001, 0.010),
            (self.failed_ratio, 0.001, 0.010),
            // Hot is what somebody is woken for.
            (self.burn, 6.0, 14.4),
        ];
        // A reading that is no number says nothing good.
        let mut all = load.iter().chain(&damage);
        let is_calm = all.all(|(reading, calm, _)| reading < calm);
        if damage.iter().any(|(reading, _, hot)| reading >= hot) {
            Weather::Severe
        } else if load.iter().any(|(reading, _, hot)| reading >= hot) {
            Weather::Hot
        } else if self.processor >= 0.95 {
            Weather::Busy
        } else if is_calm && self.processor < 0.8 {
            Weather::Calm
        } else {
            Weather::Mild
        }
    }
}

/// A step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// This was given up.
    Up(Feature),
    /// This was taken up again.
    Down(Feature),
}

/// Where we stand on the ladder.
#[derive(Debug)]
pub struct Ladder {
    rungs: Vec<Feature>,
    taken: Vec<Feature>,
    stepped: Option<Millis>,
    /// Since when the weather is as it is.
    weather: Option<(Weather, Millis)>,
}

impl Ladder {
    /// At the foot of it.
    pub fn new(rungs: Vec<Feature>) -> Self {
        Self {
            rungs,
            taken: Vec::new(),
            stepped: None,
            weather: None,
        }
    }

    /// What is given up now, the first one first.
    pub fn taken(&self) -> &[Feature] {
        &self.taken
    }

    /// Takes a step if it is time for one. What an operator has decided on is left out: a step that changes nothing
    /// would only cost time.
    pub fn observe(
        &mut self,
        now: Millis,
        readings: &Readings,
        is_decided: impl Fn(Feature) -> bool,
    ) -> Option<Step> {
        let weather = readings.weather();
        // From hot to busy is no turn for the better, nor from busy to hot one that begins anew.
        let is_bad = |weather| matches!(weather, Weather::Severe | Weather::Hot | Weather::Busy);
        let since = match self.weather {
            Some((before, since)) if before == weather || is_bad(before) && is_bad(weather) => {
                since
            }
            _ => now,
        };
        self.weather = Some((weather, since));
        let lasts = now.saturating_sub(since);
        let may_step = self
            .stepped
            .is_none_or(|stepped| now.saturating_sub(stepped) >= STEP_EVERY);
        if !may_step {
            return None;
        }
        let step = match weather {
            Weather::Severe if lasts >= HOT_FOR => self.up(|rung| !is_decided(rung)),
            Weather::Hot if lasts >= HOT_FOR => {
                self.up(|rung| !rung.refuses() && !is_decided(rung))
            }
            Weather::Busy if lasts >= HOT_FOR && self.taken.len() < STEPS_OF_PROCESSOR => {
                self.up(|rung| !is_decided(rung))
            }
            Weather::Calm if lasts >= CALM_FOR => self.taken.pop().map(Step::Down),
            _ => None,
        };
        if step.is_some() {
            self.stepped = Some(now);
        }
        step
    }

    fn up(&mut self, may_be_taken: impl Fn(Feature) -> bool) -> Option<Step> {
        let mut left = self.rungs.iter().copied();
        let next = left.find(|rung| !self.taken.contains(rung) && may_be_taken(*rung))?;
        self.taken.push(next);
        Some(Step::Up(next))
    }
}

impl Flags {
    /// Has the ladder look at readings, and what it gives up or takes up is in force when this returns.
    pub fn heed(&self, ladder: &mut Ladder, now: Millis, readings: &Readings) -> Option<Step> {
        let step = ladder.observe(now, readings, |feature| self.is_decided(feature))?;
        match step {
            Step::Up(feature) => {
                let Pressure {
                    saturation,
                    queue_wait,
                    loop_lag,
                    shed_ratio,
                    essential_shed_ratio,
                } = readings.limits;
                tracing::warn!(
                    saturation,
                    ?queue_wait,
                    ?loop_lag,
                    shed_ratio,
                    essential_shed_ratio,
                    failed_ratio = readings.failed_ratio,
                    burn = readings.burn,
                    processor = readings.processor,
                    "pressure: {} is given up",
                    feature.name()
                );
            }
            Step::Down(feature) => tracing::warn!("calm: {} is taken up again", feature.name()),
        }
        self.set_pressure(ladder.taken().to_vec());
        Some(step)
    }
}

#[cfg(test)]
mod tests;
