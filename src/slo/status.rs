//! How the objectives stand, for people and programs.

use serde::Serialize;

use super::events::Events;
use super::history::{All, Sums};
use super::objective::{ALERTS, Name, Objectives, WINDOWS};
use crate::config::Percent;

/// Fewer bad events than this within seconds say nothing.
const FEW: u64 = 5;

/// How all objectives stand.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// As of when, in seconds since 1970.
    pub at: i64,
    /// Days of the window that budgets are for.
    pub days: u32,
    /// Windows with fewer events tell nobody of anything.
    pub min_requests: u64,
    /// A budget is gone, and risky flags may not be switched on.
    pub is_frozen: bool,
    /// Each of them.
    pub objectives: Vec<ObjectiveStatus>,
}

/// How an objective stands.
#[derive(Debug, Clone, Serialize)]
pub struct ObjectiveStatus {
    /// Which.
    pub name: &'static str,
    /// In words.
    pub meaning: String,
    /// What is aimed at, in percent.
    pub slo_percent: f64,
    /// What was promised, in percent.
    pub sla_percent: f64,
    /// Which part of the events of 30 days was good, in percent; `null` where there were none.
    pub good_percent: Option<f64>,
    /// Events since the start of the process.
    pub counted: Events,
    /// Events of 30 days.
    pub events: u64,
    /// Of those, the bad ones.
    pub bad: u64,
    /// Of the objective.
    pub budget: Budget,
    /// Of the agreement.
    pub sla_budget: Budget,
    /// Whether the budget is gone, and there were enough events to say so.
    pub is_exhausted: bool,
    /// How fast the budget is spent, by window; at 1 it lasts for 30 days exactly. `null` where there were no events.
    pub burn: Vec<Burn>,
    /// Each that there is.
    pub alerts: Vec<AlertStatus>,
}

/// What is left of what may go wrong in 30 days.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Budget {
    /// As a share of the whole; below 0 where more was spent.
    pub left_ratio: f64,
    /// As time in which everything goes wrong, in minutes.
    pub left_minutes: f64,
    /// All of it, in minutes.
    pub minutes: f64,
    /// As events, by how many there were so far.
    pub left_requests: i64,
}

/// A burn rate.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Burn {
    /// In which window.
    pub window: &'static str,
    /// The rate.
    pub rate: Option<f64>,
    /// Events in the window.
    pub events: u64,
}

/// An alert.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct AlertStatus {
    /// `page` or `ticket`.
    pub severity: &'static str,
    /// The burn rate that both windows have to exceed.
    pub factor: f64,
    /// The long window.
    pub long: &'static str,
    /// The short one.
    pub short: &'static str,
    /// Whether they do.
    pub is_firing: bool,
}

impl Status {
    pub(super) fn of(objectives: &Objectives, counted: &All, sums: &Sums, now: i64) -> Self {
        let all = Name::ALL.into_iter().enumerate();
        let all: Vec<_> = all
            .map(|(at, name)| ObjectiveStatus::of(objectives, name, counted[at], at, sums))
            .collect();
        Self {
            at: now,
            days: 30,
            min_requests: objectives.min_requests,
            is_frozen: objectives.freeze && all.iter().any(|objective| objective.is_exhausted),
            objectives: all,
        }
    }

    /// How fast the budget is spent that is spent fastest, where it has been for an hour and is to this moment; what the
    /// ladder of degradation heeds. `lately`: events of the last seconds, of each objective in the order of
    /// [`Name::ALL`], without what was turned away and what was refused because it is given up: both spend the budget
    /// of availability, and a ladder that heeded that would hold itself up for minutes.
    pub fn pressing_burn(&self, lately: &[Events; Name::ALL.len()]) -> f64 {
        let pressing = self
            .objectives
            .iter()
            .zip(lately)
            .map(|(objective, lately)| {
                let [five_minutes, _, hour, ..] = objective.burn.as_slice() else {
                    return 0.0;
                };
                if hour.events < self.min_requests {
                    return 0.0;
                }
                if lately.bad < FEW {
                    return 0.0;
                }
                let rate = |burn: &Burn| burn.rate.unwrap_or(0.0);
                let allowed = (100.0 - objective.slo_percent) / 100.0;
                let now = lately.bad_ratio() / allowed;
                rate(five_minutes).min(rate(hour)).min(now)
            });
        pressing.fold(0.0, f64::max)
    }
}

impl ObjectiveStatus {
    fn of(objectives: &Objectives, name: Name, counted: Events, at: usize, sums: &Sums) -> Self {
        let target = objectives.target(name);
        let allowed = target.slo.rest().ratio();
        let of_window = |window: usize| sums[window][at];
        let month = of_window(WINDOWS.len() - 1);
        let budget = budget(target.slo, month.total, month.bad);
        let is_over = |window: usize, factor: f64| of_window(window).bad_ratio() > factor * allowed;
        Self {
            name: name.as_str(),
            meaning: meaning(objectives, name),
            slo_percent: target.slo.percent(),
            sla_percent: target.sla.percent(),
            good_percent: (month.total > 0).then(|| 100.0 * (1.0 - month.bad_ratio())),
            counted,
            events: month.total,
            bad: month.bad,
            budget,
            sla_budget: self::budget(target.sla, month.total, month.broken),
            is_exhausted: month.total >= objectives.min_requests && budget.left_ratio <= 0.0,
            burn: WINDOWS
                .iter()
                .enumerate()
                .map(|(window, of)| Burn {
                    window: of.name,
                    rate: Some(of_window(window).bad_ratio() / allowed).filter(|it| it.is_finite()),
                    events: of_window(window).total,
                })
                .collect(),
            alerts: ALERTS
                .iter()
                .map(|alert| AlertStatus {
                    severity: alert.severity.as_str(),
                    factor: alert.factor,
                    long: WINDOWS[alert.long].name,
                    short: WINDOWS[alert.short].name,
                    is_firing: of_window(alert.long).total >= objectives.min_requests
                        && is_over(alert.long, alert.factor)
                        && is_over(alert.short, alert.factor),
                })
                .collect(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "figures for people"
)]
fn budget(share: Percent, total: u64, bad: u64) -> Budget {
    const MINUTES: f64 = 30.0 * 24.0 * 60.0;
    let allowed = share.rest().ratio();
    let (may_fail, bad) = (total as f64 * allowed, bad as f64);
    let left_ratio = if total == 0 {
        1.0
    } else {
        1.0 - bad / may_fail
    };
    Budget {
        left_ratio,
        left_minutes: MINUTES * allowed * left_ratio,
        minutes: MINUTES * allowed,
        left_requests: (may_fail - bad).floor() as i64,
    }
}

fn meaning(objectives: &Objectives, name: Name) -> String {
    match name {
        Name::Availability => "requests that got an answer (no 5xx)".to_owned(),
        Name::Latency => format!(
            "reads of a product answered within {} ms (agreed: {} ms)",
            objectives.fast.slo.as_millis(),
            objectives.fast.sla.as_millis()
        ),
        Name::Errors => "requests that did not fail (no 5xx but 503)".to_owned(),
    }
}
