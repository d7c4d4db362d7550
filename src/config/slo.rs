//! `[slo]`: what is promised, and what is aimed at to keep the promise.

use std::time::Duration;

use super::percent::Percent;
use super::reader::Reader;
use super::units::format_duration;
use crate::slo::{Latency, Objectives, Target};
use crate::telemetry::BOUNDS;

/// The objectives.
#[derive(Debug, Clone)]
pub struct SloConfig {
    /// All of them.
    pub objectives: Objectives,
}

impl SloConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("slo");
        let availability = Target {
            slo: section.value(
                "availability",
                Percent(999_500),
                "share of requests that get an answer, over 30 days; neither a failure nor a 503 is one",
            ),
            sla: section.value(
                "availability_sla",
                Percent(999_000),
                "the same, as customers were promised",
            ),
        };
        let latency = Target {
            slo: section.value(
                "fast",
                Percent(950_000),
                "share of answered reads of a product that are fast",
            ),
            sla: section.value(
                "fast_sla",
                Percent(950_000),
                "the same, as customers were promised",
            ),
        };
        let fast = Latency {
            slo: section.value(
                "latency",
                Duration::from_millis(150),
                "what fast is; a bound of the histogram, such as 100ms, 150ms, 200ms or 300ms",
            ),
            sla: section.value(
                "latency_sla",
                Duration::from_millis(200),
                "the same, as customers were promised",
            ),
        };
        let errors = (
            section.value(
                "errors",
                Percent(500),
                "share of requests that may fail by a fault (5xx but 503)",
            ),
            section.value(
                "errors_sla",
                Percent(1_000),
                "the same, as customers were promised",
            ),
        );
        let config = Self {
            objectives: Objectives {
                availability,
                latency,
                fast,
                errors: Target {
                    slo: errors.0.rest(),
                    sla: errors.1.rest(),
                },
                min_requests: u64::from(section.value::<u32>(
                    "min_requests",
                    1_000,
                    "nobody is told of a window with fewer requests: one failure of ten is chance",
                )),
                freeze: section.value(
                    "freeze",
                    true,
                    "whether flags whose metadata say \"risky\" may not be switched on while a budget is gone",
                ),
            },
        };
        config.check(reader);
        config
    }

    fn check(&self, reader: &mut Reader<'_>) {
        let Objectives {
            availability,
            latency,
            fast,
            errors,
            ..
        } = &self.objectives;
        for (name, target) in [
            ("slo.availability", availability),
            ("slo.fast", latency),
            ("slo.errors", errors),
        ] {
            let is_sane = (Percent(1)..Percent::WHOLE).contains(&target.slo);
            reader.require(
                is_sane,
                name,
                "leaves no budget, or is no aim; write a share between 0% and 100%",
            );
            let sla = format!("{name}_sla");
            let is_sane = (Percent(1)..Percent::WHOLE).contains(&target.sla);
            reader.require(
                is_sane,
                &sla,
                "leaves no budget, or is no promise; write a share between 0% and 100%",
            );
            reader.require_between(
                target.slo >= target.sla,
                name,
                &sla,
                "less is aimed at than was promised:",
                "aim at as much at least",
            );
        }
        for (name, limit) in [("slo.latency", fast.slo), ("slo.latency_sla", fast.sla)] {
            let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
            let bounds = BOUNDS.iter().map(|bound| Duration::from_nanos(*bound));
            // Durations are written in whole milliseconds.
            let whole = |bound: &Duration| bound.subsec_nanos().is_multiple_of(1_000_000);
            let known: Vec<_> = bounds.filter(whole).map(format_duration).collect();
            reader.require(
                BOUNDS.contains(&nanos),
                name,
                &format!(
                    "is no bound of the histogram; write one of {}",
                    known.join(", ")
                ),
            );
        }
        reader.require_between(
            fast.slo <= fast.sla,
            "slo.latency",
            "slo.latency_sla",
            "longer than was promised:",
            "aim at the same or less",
        );
    }
}
