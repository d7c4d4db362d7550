//! The rate limits in force: asked for each request, and replaced as a whole while requests are asking.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::RouteClass;
use super::client::Client;
use super::counters::Counts;
use super::decision::{Tally, Verdict, policy_field};
use super::document;
use super::policy::{Counting, Policy};
use super::rule::{Arrivals, Rule};
use super::shared::{Known, Shared, SharedOptions};
use super::table::{Nanos, Table};

/// The part of the memory that what Redis said has besides.
const SHARED_PART: u64 = 4;

/// How limits are kept.
#[derive(Debug, Clone)]
pub struct RateOptions {
    /// Those of the configuration.
    pub policies: Vec<Policy>,
    /// Memory for what is remembered of clients, in bytes.
    pub memory: u64,
    /// Whether answers that are allowed bear the fields, too.
    pub shows_always: bool,
    /// Nodes that share what is counted in Redis.
    pub nodes: NonZeroU32,
    /// The Redis, if there is one.
    pub shared: Option<SharedOptions>,
}

/// The limits. Clones are the same limits.
#[derive(Clone)]
pub struct RateLimits(Arc<Inner>);

struct Inner {
    /// Whether there is any policy. All that is asked where there is none.
    has_rules: AtomicBool,
    rules: ArcSwap<Rules>,
    /// Held while they are replaced.
    replacing: Mutex<()>,
    options: RateOptions,
    /// What the configuration says by now.
    configured: ArcSwap<Vec<Policy>>,
    /// From the first policy on.
    table: OnceLock<Table<Arrivals>>,
    /// From the first policy on that counts in Redis.
    shared: OnceLock<Shared>,
    background: Handle,
}

/// Policies in force, by what they count.
struct Rules {
    all: Vec<Arc<Rule>>,
    /// By class, and whether there is a valid token.
    lines: [[Line; 2]; RouteClass::ALL.len()],
}

/// Those that a request is counted by.
struct Line {
    /// Those counted here first: what they refuse, Redis need not be asked.
    rules: Vec<Arc<Rule>>,
    field: Arc<str>,
}

/// What is said to a request.
pub enum Check {
    /// At once.
    Done(Verdict),
    /// When Redis has answered, or has not in time. Dropping it gives up the request; it may have been counted.
    Asked(BoxFuture<'static, Verdict>),
}

/// How the limits stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What became of requests, by the name of the policy.
    pub policies: Vec<(String, Counts)>,
    /// Clients that are remembered.
    pub clients: usize,
    /// How many can be.
    pub room: usize,
    /// Whether Redis counts; `None` where nothing is counted there.
    pub redis: Option<bool>,
}

/// Why policies cannot come into force.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplaceError {
    /// Something counts in Redis.
    #[error("policy {0}: counts in Redis, and redis.url names none; write counting = \"local\"")]
    NoRedis(String),
}

impl RateLimits {
    /// Policies that count in Redis count here where there is none: what the configuration has is checked before.
    pub fn new(options: RateOptions, background: &Handle) -> Self {
        let limits = Self(Arc::new(Inner {
            has_rules: AtomicBool::new(false),
            rules: ArcSwap::from_pointee(Rules::of(Vec::new())),
            replacing: Mutex::new(()),
            table: OnceLock::new(),
            shared: OnceLock::new(),
            background: background.clone(),
            configured: ArcSwap::from_pointee(options.policies.clone()),
            options,
        }));
        limits.reset();
        limits
    }

    /// Whether any request is counted.
    pub fn is_active(&self) -> bool {
        self.0.has_rules.load(Ordering::Relaxed)
    }

    /// Counts a request, and says what comes of it.
    pub fn check(&self, class: RouteClass, client: Client) -> Check {
        self.check_at(class, client, now())
    }

    fn check_at(&self, class: RouteClass, client: Client, now: Nanos) -> Check {
        let inner = &*self.0;
        let rules = inner.rules.load();
        let has_token = matches!(client, Client::Token(_));
        let line = &rules.lines[class.index()][usize::from(has_token)];
        if line.rules.is_empty() {
            return Check::Done(Verdict::Allowed(None));
        }
        let mut tally = Tally::new(&line.field, inner.options.shows_always);
        let mut questions = Vec::new();
        for rule in &line.rules {
            let decision = match inner.shared.get() {
                Some(shared) if rule.is_shared() => match shared.known(rule, client, now) {
                    Known::Decided(decision) => decision,
                    Known::Ask { units } => {
                        questions.push((Arc::clone(rule), units));
                        continue;
                    }
                },
                _ => rule.take(inner.table(), client, now),
            };
            if tally.add(rule, &decision) {
                return Check::Done(tally.verdict());
            }
        }
        if questions.is_empty() {
            return Check::Done(tally.verdict());
        }
        let limits = self.clone();
        Check::Asked(
            async move {
                limits.ask(questions, client, &mut tally).await;
                tally.verdict()
            }
            .boxed(),
        )
    }

    /// Asks Redis, everything at once, and counts here what it does not answer.
    async fn ask(&self, questions: Vec<(Arc<Rule>, u32)>, client: Client, tally: &mut Tally) {
        let inner = &*self.0;
        let decisions = questions.iter().map(async |(rule, units)| {
            let answer = match inner.shared.get() {
                Some(shared) => shared.ask(rule, client, *units, now).await,
                None => None,
            };
            answer.unwrap_or_else(|| rule.take_part(inner.table(), client, now()))
        });
        let decisions = join_all(decisions).await;
        for ((rule, _), decision) in questions.iter().zip(&decisions) {
            if tally.add(rule, decision) {
                return;
            }
        }
    }

    /// Has other policies in force from now on. Of those that go on, counts and what is remembered of clients stay.
    pub fn replace(&self, policies: Vec<Policy>) -> Result<(), ReplaceError> {
        check_counting(&policies, self.0.options.shared.is_some())?;
        self.put_in_force(policies);
        Ok(())
    }

    /// Has those of the configuration in force again.
    pub fn reset(&self) {
        self.put_in_force(self.0.configured.load().to_vec());
    }

    /// The configuration says something else from now on. Changes nothing where it cannot be in force.
    pub fn reconfigure(&self, policies: Vec<Policy>) -> Result<(), ReplaceError> {
        self.replace(policies.clone())?;
        self.0.configured.store(Arc::new(policies));
        Ok(())
    }

    fn put_in_force(&self, policies: Vec<Policy>) {
        let inner = &*self.0;
        let replacing = inner.replacing.lock();
        let _replacing = replacing.unwrap_or_else(PoisonError::into_inner);
        let counts_there = |policy: &Policy| policy.counting != Counting::Local;
        if policies.iter().any(counts_there)
            && let Some(options) = &inner.options.shared
        {
            let memory = inner.options.memory / SHARED_PART;
            let connect = || Shared::new(options.clone(), memory, &inner.background);
            inner.shared.get_or_init(connect);
        }
        let before = inner.rules.load_full();
        let rules = policies.into_iter().map(|policy| {
            let same = before.all.iter().find(|rule| *rule.policy() == policy);
            same.cloned()
                .unwrap_or_else(|| Arc::new(Rule::new(policy, inner.options.nodes)))
        });
        let rules = Rules::of(rules.collect());
        let has_rules = !rules.all.is_empty();
        inner.rules.store(Arc::new(rules));
        inner.has_rules.store(has_rules, Ordering::Relaxed);
    }

    /// The policies in force.
    pub fn policies(&self) -> Vec<Policy> {
        let rules = self.0.rules.load();
        rules.all.iter().map(|rule| rule.policy().clone()).collect()
    }

    /// How it stands, for those who count.
    pub fn standing(&self) -> Standing {
        let inner = &*self.0;
        let rules = inner.rules.load();
        let policies = rules.all.iter().map(|rule| {
            let counts = rule.counters().read();
            (rule.policy().name.clone(), counts)
        });
        let table = inner.table.get();
        Standing {
            policies: policies.collect(),
            clients: table.map_or(0, |table| table.live(now())),
            room: table.map_or(0, Table::capacity),
            redis: inner.shared.get().map(Shared::is_up),
        }
    }

    /// How it stands, for operators.
    pub fn status(&self) -> Value {
        let inner = &*self.0;
        let rules = inner.rules.load();
        let policies = rules.all.iter().map(|rule| {
            let mut policy = document::write_one(rule.policy());
            policy["counts"] = json!(rule.counters().read());
            policy
        });
        let policies: Vec<_> = policies.collect();
        let table = inner.table.get();
        let redis = inner.shared.get().map(|shared| {
            let (sessions, unanswered) = shared.counts();
            json!({ "up": shared.is_up(), "sessions": sessions, "unanswered": unanswered })
        });
        json!({
            "policies": policies,
            "nodes": inner.options.nodes,
            "clients": {
                "remembered": table.map_or(0, |table| table.live(now())),
                "room": table.map_or(0, Table::capacity),
                "bytes": table.map_or(0, Table::bytes),
            },
            "redis": redis,
        })
    }
}

/// Whether policies can be in force.
pub(crate) fn check_counting(policies: &[Policy], has_redis: bool) -> Result<(), ReplaceError> {
    let is_shared = |policy: &&Policy| policy.counting != Counting::Local;
    match policies.iter().find(is_shared) {
        Some(policy) if !has_redis => Err(ReplaceError::NoRedis(policy.name.clone())),
        _ => Ok(()),
    }
}

impl Inner {
    fn table(&self) -> &Table<Arrivals> {
        self.table.get_or_init(|| Table::new(self.options.memory))
    }
}

impl Rules {
    fn of(all: Vec<Arc<Rule>>) -> Self {
        let line = |class: RouteClass, has_token: bool| {
            let counts = |rule: &&Arc<Rule>| {
                rule.policy().classes.contains(&class) && rule.applies(has_token)
            };
            let mut rules: Vec<_> = all.iter().filter(counts).cloned().collect();
            let field = policy_field(rules.iter());
            rules.sort_by_key(|rule| (rule.is_shared(), rule.policy().windows[0].length));
            Line { rules, field }
        };
        Self {
            lines: RouteClass::ALL
                .map(|class| [false, true].map(|has_token| line(class, has_token))),
            all,
        }
    }
}

/// Nanoseconds of the kernel's monotonic clock as of its last tick, a few milliseconds ago at most: reading it costs a
/// fifth of reading the time itself, and no window is shorter than a second.
fn now() -> Nanos {
    #[cfg(target_os = "linux")]
    let clock = ClockId::MonotonicCoarse;
    #[cfg(not(target_os = "linux"))]
    let clock = ClockId::Monotonic;
    let now = clock_gettime(clock);
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

impl fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimits")
            .field("policies", &self.policies())
            .field("shared", &self.0.shared.get())
            .finish_non_exhaustive()
    }
}
