//! What is not as it should be, in words, the worst first.

use std::time::Duration;

use serde::Serialize;

use super::readings::Readings;
use crate::flags::{Feature, Layer};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Degree {
    /// Customers feel it, or will.
    Critical,
    /// Something is lost that others stand in for.
    Warning,
    /// Worth knowing.
    Notice,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Trouble {
    degree: Degree,
    /// What it is about, in one word.
    part: &'static str,
    /// What it is, and what follows.
    text: String,
}

impl Trouble {
    /// What it is, without what may be another each time.
    pub(super) fn kind(&self) -> (Degree, &'static str) {
        (self.degree, self.part)
    }
}

/// Behind the outbox by more than this, nodes show old products.
const TAIL_LATE: Duration = Duration::from_secs(2);
/// A job that is ready for longer waits for somebody.
const JOB_LATE: u64 = 60_000;

/// For so long it is told that jobs were taken from a worker that is gone.
const RETAKEN_LATELY: Duration = Duration::from_mins(1);

/// All of it.
pub(super) fn troubles(now: &Readings) -> Vec<Trouble> {
    let mut found = Vec::new();
    let mut note = |degree, part, text: String| found.push(Trouble { degree, part, text });
    if let Some(why) = now.not_ready {
        note(
            Degree::Critical,
            "node",
            format!("This node wants no traffic. {why}"),
        );
    }
    store(now, &mut note);
    tiers(now, &mut note);
    promises(now, &mut note);
    switches(now, &mut note);
    jobs(now, &mut note);
    found.sort_by_key(|trouble| trouble.degree);
    found
}

fn store(now: &Readings, note: &mut impl FnMut(Degree, &'static str, String)) {
    if !now.catalog_answers {
        let follows =
            "Cached products are served until they are too old, everything else is told 503.";
        note(
            Degree::Critical,
            "database",
            format!("The catalogue gives no answer. {follows}"),
        );
    }
    if now.lacks.primary {
        let follows = "Reads go on, writes are told 503.";
        note(
            Degree::Critical,
            "primary",
            format!("The primary gives no answer. {follows}"),
        );
    }
    let replicas = now
        .servers
        .iter()
        .filter(|server| !server.is_primary)
        .count();
    match now.lacks.replicas {
        0 => {}
        lost if lost == replicas => {
            let follows = "The primary has all reads, under a cap.";
            note(
                Degree::Critical,
                "replicas",
                format!("No replica is read from. {follows}"),
            );
        }
        lost => {
            let which = now
                .servers
                .iter()
                .filter(|it| !it.is_primary && !it.is_used);
            let which: Vec<_> = which
                .map(|server| match server.lag {
                    Some(lag) => format!("{} ({:.1} s behind)", server.name, lag.as_secs_f64()),
                    None => format!("{} (no answer)", server.name),
                })
                .collect();
            let text = format!(
                "{lost} of {replicas} replicas not read from: {}.",
                which.join(", ")
            );
            note(Degree::Warning, "replicas", text);
        }
    }
    if now.tail_lag > TAIL_LATE {
        let late = now.tail_lag.as_secs();
        let text = format!("Nothing was heard of changes for {late} s. What is shown may be old.");
        note(Degree::Critical, "outbox", text);
    }
}

fn tiers(now: &Readings, note: &mut impl FnMut(Degree, &'static str, String)) {
    match now.redis_trouble {
        None => {}
        Some("distrusted") => note(
            Degree::Notice,
            "redis",
            "Redis answers, and is being told what it missed. Misses go to the database until then.".to_owned(),
        ),
        Some(state) => {
            let text = format!("Redis is {state}. Misses go to the database, under a cap.");
            note(Degree::Warning, "redis", text);
        }
    }
    for dependency in &now.overload.dependencies {
        let name = dependency.name;
        if dependency.breaker != "closed" {
            let text = format!("{name} failed several times in a row, and is given a rest.");
            note(Degree::Warning, "breaker", text);
        } else if dependency.saturation >= 0.95 && dependency.waiting > 0 {
            let waiting = dependency.waiting;
            let text =
                format!("{name} has all it can bear to do, and {waiting} questions wait for it.");
            note(Degree::Notice, "overload", text);
        }
    }
    if now.limits.redis == Some(false) {
        let text = "Redis does not count. Each node allows its part of the rate limits.";
        note(Degree::Warning, "limits", text.to_owned());
    }
}

fn promises(now: &Readings, note: &mut impl FnMut(Degree, &'static str, String)) {
    for objective in &now.slo.objectives {
        // Of those that fire the first is the most urgent.
        if let Some(alert) = objective.alerts.iter().find(|alert| alert.is_firing) {
            let degree = match alert.severity {
                "page" => Degree::Critical,
                _ => Degree::Warning,
            };
            let text = format!(
                "The error budget of {} is spent more than {} times too fast over {} and {}.",
                objective.name, alert.factor, alert.long, alert.short
            );
            note(degree, "slo", text);
        }
        if objective.is_exhausted {
            let follows = if now.slo.is_frozen {
                " Risky flags may not be switched on."
            } else {
                ""
            };
            let text = format!("The error budget of {} is gone.{follows}", objective.name);
            note(Degree::Warning, "slo", text);
        }
    }
}

fn switches(now: &Readings, note: &mut impl FnMut(Degree, &'static str, String)) {
    for (place, what) in &now.flag_trouble.0 {
        note(Degree::Warning, "flags", format!("Flags, {place}: {what}"));
    }
    let given_up: Vec<_> = now.given_up().collect();
    if !given_up.is_empty() {
        let text = format!("Given up under pressure: {}.", given_up.join(", "));
        note(Degree::Warning, "ladder", text);
    }
    for feature in now.features.iter() {
        let name = feature.name();
        let Some(entry) = now.flags.get(name).filter(|it| it.layer != Layer::Pressure) else {
            continue;
        };
        let state = if now.features.is_on(feature) {
            "on"
        } else {
            "off"
        };
        let who = entry.set_by.as_deref().unwrap_or(entry.layer.name());
        let degree = match feature {
            Feature::Writes | Feature::Search | Feature::CheckoutFirst => Degree::Warning,
            _ => Degree::Notice,
        };
        note(degree, "flags", format!("{name} is {state}, by {who}."));
    }
}

fn jobs(now: &Readings, note: &mut impl FnMut(Degree, &'static str, String)) {
    if let Some(error) = &now.jobs.error {
        let text = format!("The queue cannot be looked at: {error}. Its numbers are old.");
        note(Degree::Warning, "jobs", text);
    }
    let retaken = now.jobs_retaken;
    let is_recent = |last| now.at.saturating_duration_since(last) < RETAKEN_LATELY;
    if retaken.last.is_some_and(is_recent) {
        let count = retaken.count;
        let text = format!(
            "Jobs were taken from workers that said nothing, and are begun anew: {count} since the start."
        );
        note(Degree::Warning, "jobs", text);
    }
    for kind in &now.jobs.kinds {
        let name = &kind.kind;
        if kind.dead > 0 {
            let text = format!("{} dead letters of {name}.", kind.dead);
            note(Degree::Warning, "jobs", text);
        }
        if kind.is_paused {
            note(Degree::Notice, "jobs", format!("{name} is paused."));
        } else if kind.oldest_ready_ms > JOB_LATE {
            let late = kind.oldest_ready_ms / 1_000;
            let text = format!("A job of {name} has been ready for {late} s.");
            note(Degree::Warning, "jobs", text);
        }
    }
}
