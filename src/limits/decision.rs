//! What a policy says to a request, and what all of them say together, in the words of the `RateLimit` fields
//! (IETF draft-ietf-httpapi-ratelimit-headers).

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use super::policy::{MAX_WINDOWS, Mode};
use super::rule::Rule;

/// How a window stands for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    /// Which of the policy's windows.
    pub(super) window: u8,
    /// Requests left.
    pub(super) remaining: u32,
    /// When there is one again, where none is left for this one; else when there are all.
    pub(super) after: Duration,
    /// It has none for this request.
    pub(super) is_violated: bool,
}

/// How the windows of a policy stand for a client, those that are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Decision {
    standings: [Option<Standing>; MAX_WINDOWS],
}

impl Decision {
    pub(super) fn of(standings: impl IntoIterator<Item = Standing>) -> Self {
        let mut decision = Self::default();
        for (place, standing) in decision.standings.iter_mut().zip(standings) {
            *place = Some(standing);
        }
        decision
    }

    pub(super) fn is_refusal(&self) -> bool {
        self.standings().any(|standing| standing.is_violated)
    }

    pub(super) fn standings(&self) -> impl Iterator<Item = &Standing> {
        self.standings.iter().flatten()
    }
}

/// What all policies say to a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be answered. The fields, where answers bear them.
    Allowed(Option<Fields>),
    /// It may not.
    Refused(Box<Refusal>),
}

/// The values of the fields of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Of `RateLimit-Policy`.
    pub policy: Arc<str>,
    /// Of `RateLimit`.
    pub limit: String,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The windows that have nothing left.
    pub violated: Vec<String>,
    /// For people: what was exceeded.
    pub exceeded: String,
    /// Seconds to wait, at least one; no less than the `t` of any violated window.
    pub retry_after: u64,
    /// Those of the answer.
    pub fields: Fields,
}

/// Gathers what policies say to a request.
pub(super) struct Tally {
    /// `None` where answers bear no fields.
    limit: Option<String>,
    policy: Arc<str>,
    refusal: Option<Box<Refusal>>,
}

impl Tally {
    pub(super) fn new(policy: &Arc<str>, shows: bool) -> Self {
        Self {
            limit: shows.then(String::new),
            policy: Arc::clone(policy),
            refusal: None,
        }
    }

    /// Takes note of what a policy says. True where it refuses: then no other need be asked.
    pub(super) fn add(&mut self, rule: &Rule, decision: &Decision) -> bool {
        let counters = rule.counters();
        let is_refusal = decision.is_refusal();
        if rule.policy().mode == Mode::Shadow {
            let counter = if is_refusal {
                &counters.shadow
            } else {
                &counters.allowed
            };
            counter.add();
            return false;
        }
        if is_refusal {
            counters.limited.add();
            self.refusal = Some(Box::new(refusal(rule, decision, &self.policy)));
            return true;
        }
        counters.allowed.add();
        if let Some(limit) = &mut self.limit {
            limit.reserve(48);
            decision
                .standings()
                .for_each(|standing| append(limit, rule, standing));
        }
        false
    }

    pub(super) fn verdict(self) -> Verdict {
        if let Some(refusal) = self.refusal {
            return Verdict::Refused(refusal);
        }
        let limit = self.limit.filter(|limit| !limit.is_empty());
        Verdict::Allowed(limit.map(|limit| Fields {
            policy: self.policy,
            limit,
        }))
    }
}

fn refusal(rule: &Rule, decision: &Decision, policy: &Arc<str>) -> Refusal {
    let (mut limit, mut violated, mut exceeded) = (String::new(), Vec::new(), String::new());
    let mut retry_after = 1;
    for standing in decision.standings().filter(|it| it.is_violated) {
        append(&mut limit, rule, standing);
        retry_after = retry_after.max(seconds(standing.after));
        if let Some(window) = rule.window(standing.window) {
            let and = if exceeded.is_empty() { "" } else { " and " };
            // Writing to a string cannot fail.
            let _ = write!(
                exceeded,
                "{and}{} requests in {} s",
                window.quota,
                window.length.as_secs()
            );
            violated.push(window.name.clone());
        }
    }
    Refusal {
        violated,
        exceeded,
        retry_after,
        fields: Fields {
            policy: Arc::clone(policy),
            limit,
        },
    }
}

/// Adds an item of `RateLimit`.
fn append(limit: &mut String, rule: &Rule, standing: &Standing) {
    let Some(window) = rule.window(standing.window) else {
        return;
    };
    let mut digits = itoa::Buffer::new();
    if !limit.is_empty() {
        limit.push_str(", ");
    }
    limit.push('"');
    limit.push_str(&window.name);
    limit.push_str("\";r=");
    limit.push_str(digits.format(standing.remaining));
    limit.push_str(";t=");
    limit.push_str(digits.format(seconds(standing.after)));
}

/// Whole seconds, rounded up, at least one: who waits as long finds what was promised.
fn seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

/// The value of `RateLimit-Policy` for these policies.
pub(super) fn policy_field<'r>(rules: impl Iterator<Item = &'r Arc<Rule>>) -> Arc<str> {
    let mut field = String::new();
    for rule in rules.filter(|rule| rule.policy().mode == Mode::Enforce) {
        for window in &rule.policy().windows {
            let comma = if field.is_empty() { "" } else { ", " };
            // Writing to a string cannot fail.
            let _ = write!(
                field,
                "{comma}\"{}\";q={};w={}",
                window.name,
                window.quota,
                window.length.as_secs()
            );
        }
    }
    field.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_rounded_up_and_never_none() {
        for (millis, expected) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2), (59_999, 60)] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
        assert_eq!(seconds(Duration::from_nanos(1_000_000_001)), 2);
    }
}
