//! Limits that all nodes share: the counts are in Redis, and a script counts.
//!
//! *Strict*: each request is one round trip, and no more are allowed than the quota. *Leased*: a node takes several
//! requests' allowance at a time, more the faster a client asks, up to a twentieth of the quota, for a second. They are
//! counted before they are used, so no more are allowed in all; but as many as a node holds may be used a second late,
//! or by nobody. So in any stretch of time there are at most (nodes × quota / 20) requests more or fewer than strict.
//!
//! What was refused is remembered until there is something again: who is over the limit costs Redis nothing.

mod link;

use std::fmt;
use std::time::Duration;

use tokio::runtime::Handle;

use super::client::Client;
use super::decision::{Decision, Standing};
use super::policy::{Counting, Window};
use super::rule::Rule;
use super::table::{Memory, Nanos, Table};
use crate::cache::l2::Server;
use link::Link;

/// How long what a node has taken ahead may be used.
const LEASE: Duration = Duration::from_secs(1);
/// The largest part of a quota that a node takes ahead.
const LEASED_PART: u32 = 20;
/// Most requests it takes ahead, whatever the quota.
const MOST_LEASED: u32 = 1_000;

/// Where limits are shared, and how.
#[derive(Debug, Clone)]
pub struct SharedOptions {
    /// The Redis.
    pub server: Server,
    /// Begins the name of every key.
    pub prefix: String,
    /// How long a request waits for it.
    pub patience: Duration,
}

/// The counts in Redis.
pub(super) struct Shared {
    link: Link,
    prefix: String,
    memory: Table<Remembered>,
}

/// What is known of a client's count without asking.
#[derive(Debug, Clone, Copy, Default)]
struct Remembered {
    /// When it is of no use any more.
    until: Nanos,
    /// It has nothing left until then; else this node holds a lease.
    is_refused: bool,
    /// The window that counts most for it.
    window: u8,
    /// Of that window, beside what this node holds.
    remaining: u32,
    /// When that window has all.
    whole_at: Nanos,
    /// What this node holds.
    held: u32,
    /// How much it took, when it did.
    taken: u32,
    /// Somebody is taking more, and will have it by then.
    taking_until: Nanos,
}

impl Memory for Remembered {
    fn is_over(&self, now: Nanos) -> bool {
        self.until.max(self.taking_until) <= now
    }
}

/// What is to be done about a request.
pub(super) enum Known {
    /// It is decided.
    Decided(Decision),
    /// Redis is to be asked for so many.
    Ask { units: u32 },
}

impl Shared {
    /// Begins to connect. `memory` is what is remembered of clients, in bytes.
    pub(super) fn new(options: SharedOptions, memory: u64, background: &Handle) -> Self {
        Self {
            link: Link::start(options.server, options.patience, background),
            prefix: options.prefix,
            memory: Table::new(memory),
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.link.is_up()
    }

    /// Sessions so far, and questions that were not answered.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.link.counts()
    }

    /// What there is to know of a client without asking, counted where that decides.
    pub(super) fn known(&self, rule: &Rule, client: Client, now: Nanos) -> Known {
        let patience = nanos(self.link.patience());
        let is_leased = rule.policy().counting == Counting::Leased;
        let known = self.memory.with(rule.key(client), now, |memory| {
            let is_of_use = now < memory.until;
            if is_of_use && (memory.is_refused || memory.held > 0) {
                rule.counters().remembered.add();
                return Known::Decided(memory.decide(now));
            }
            if !is_leased || now < memory.taking_until {
                return Known::Ask { units: 1 };
            }
            // All used up within its time: it may be more. After a pause it begins small again, so that little is lost
            // of what nobody uses.
            let more = if is_of_use { memory.taken * 2 } else { 1 };
            let units = more.clamp(1, most_leased(&rule.policy().windows));
            memory.taking_until = now + patience;
            Known::Ask { units }
        });
        known.unwrap_or(Known::Ask { units: 1 })
    }

    /// Asks Redis. `None` where it gives no answer, in time.
    pub(super) async fn ask(
        &self,
        rule: &Rule,
        client: Client,
        units: u32,
        clock: impl Fn() -> Nanos,
    ) -> Option<Decision> {
        let windows = &rule.policy().windows;
        let key = self.name(rule, client);
        let mut arguments = vec![units.to_string()];
        for window in windows {
            let length = window.length.as_micros().to_string();
            arguments.extend([window.name.clone(), window.quota.to_string(), length]);
        }
        let answer = self.link.run(&key, &arguments).await.ok()?;
        let (granted, numbers) = answer.split_first()?;
        let granted = u32::try_from(*granted).unwrap_or(0);
        let standings = (0..).zip(numbers.chunks_exact(3)).map(|(window, numbers)| {
            let micros = |number: i64| Duration::from_micros(u64::try_from(number).unwrap_or(0));
            let is_violated = granted == 0 && numbers[1] > 0;
            Standing {
                window,
                remaining: u32::try_from(numbers[0]).unwrap_or(0),
                after: micros(numbers[if is_violated { 1 } else { 2 }]),
                is_violated,
            }
        });
        let decision = Decision::of(standings);
        if granted == 0 && !decision.is_refusal() {
            return None;
        }
        let now = clock();
        if granted == 0 || rule.policy().counting == Counting::Leased {
            self.memory.with(rule.key(client), now, |memory| {
                memory.note(&decision, granted, now);
            });
        }
        Some(decision)
    }

    /// The key of a count. The braces are for Redis Cluster.
    fn name(&self, rule: &Rule, client: Client) -> String {
        let subject = match rule.subject(client) {
            None => "everybody".to_owned(),
            Some(Client::Token(number)) => format!("token:{number:012x}"),
            Some(Client::Address(site)) => site.address().to_string(),
        };
        format!("{}limit:{{{}:{subject}}}", self.prefix, rule.policy().name)
    }
}

impl Remembered {
    /// Decides by what is remembered, and takes one of what is held.
    fn decide(&mut self, now: Nanos) -> Decision {
        self.held = self.held.saturating_sub(1);
        let until = if self.is_refused {
            self.until
        } else {
            self.whole_at
        };
        Decision::of([Standing {
            window: self.window,
            remaining: if self.is_refused {
                0
            } else {
                self.remaining.saturating_add(self.held)
            },
            after: Duration::from_nanos(until.saturating_sub(now)),
            is_violated: self.is_refused,
        }])
    }

    /// Takes note of what Redis said: `granted`, of which one is used at once.
    fn note(&mut self, decision: &Decision, granted: u32, now: Nanos) {
        self.taking_until = 0;
        if granted == 0 {
            // What another request was granted meanwhile is there to be used.
            if self.held > 0 && now < self.until {
                return;
            }
            let violated = decision.standings().filter(|it| it.is_violated);
            if let Some(longest) = violated.max_by_key(|it| it.after) {
                *self = Self {
                    until: now + nanos(longest.after),
                    is_refused: true,
                    window: longest.window,
                    ..Self::default()
                };
            }
            return;
        }
        let Some(least) = decision.standings().min_by_key(|it| it.remaining) else {
            return;
        };
        let held = if !self.is_refused && now < self.until {
            self.held
        } else {
            0
        };
        *self = Self {
            until: now + nanos(LEASE),
            is_refused: false,
            window: least.window,
            remaining: least.remaining,
            whole_at: now + nanos(least.after),
            held: held + granted - 1,
            taken: granted,
            taking_until: 0,
        };
    }
}

/// Most that a node takes ahead.
fn most_leased(windows: &[Window]) -> u32 {
    let parts = windows
        .iter()
        .map(|window| window.quota.get() / LEASED_PART);
    parts.min().unwrap_or(1).clamp(1, MOST_LEASED)
}

fn nanos(duration: Duration) -> Nanos {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&self.link).finish()
    }
}
