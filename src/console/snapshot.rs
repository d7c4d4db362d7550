//! What a page of the console is told, as one document: made once a second, whoever watches, and where something else is
//! lost than before.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use super::audit::Deed;
use super::process::since_1970;
use super::readings::Readings;
use super::trouble::troubles;
use crate::flags::Feature;
use crate::products::catalog::status::TierCounts;
use crate::telemetry::{Code, Durations, Route, RouteCounts};

/// Points of the lines, one a second.
const POINTS: usize = 120;
/// Percentiles and shares are those of so many seconds: of one second they would dance.
const SMOOTH: usize = 10;
/// The slowest routes are those of so many seconds.
const LONG: usize = 60;

/// Draws what is shown, and remembers what was read before.
pub(super) struct Artist {
    started: f64,
    before: VecDeque<Readings>,
    points: VecDeque<Point>,
}

/// A second of the history: requests a second, their p99 in milliseconds, the share that L1 answered, and how many failed a
/// second.
pub(super) type Point = [f64; 4];

/// What happened between two readings.
struct Between<'r> {
    now: &'r Readings,
    then: &'r Readings,
    seconds: f64,
}

impl Artist {
    pub(super) fn new(started: f64) -> Self {
        Self {
            started,
            before: VecDeque::new(),
            points: VecDeque::new(),
        }
    }

    /// The document, as JSON, and what of it is remembered once it is due.
    pub(super) fn draw(
        &self,
        now: &Readings,
        hottest: &[(i64, u64)],
        audit: &[Deed],
    ) -> (Vec<u8>, Point) {
        let smooth = self.since(now, SMOOTH);
        let (traffic, tiers) = (traffic(&self.since(now, 1), &smooth), tiers(&smooth));
        let number = |value: &Value| value.as_f64().unwrap_or(0.0);
        let point = [
            number(&traffic["rps"]),
            number(&traffic["p99_ms"]),
            number(&tiers["l1"]),
            number(&traffic["failed_ps"]) + number(&traffic["unavailable_ps"]),
        ];
        let document = json!({
            "at": round(since_1970(now.time), 3),
            "node": now.cache.node,
            "version": env!("CARGO_PKG_VERSION"),
            "uptime_s": round(since_1970(now.time) - self.started, 0),
            "not_ready": now.not_ready,
            "trouble": troubles(now),
            "traffic": traffic,
            "tiers": tiers,
            "cache": cache(now, &smooth),
            "redis": redis(now, &smooth),
            "database": database(now, &smooth),
            "limits": limits(now, &smooth),
            "overload": overload(now, &smooth),
            "ladder": ladder(now),
            "flags": flags(now),
            "slo": *now.slo,
            "jobs": jobs(now),
            "routes": self.routes(now),
            "hottest": hottest,
            "process": {
                "cpu": round(smooth.per_second(|it| u64::try_from(it.process.cpu.as_millis()).unwrap_or(0)) / 1_000.0, 3),
                "memory": now.process.memory,
                "open_files": now.process.open_files,
                "clients": now.clients,
            },
            "audit": audit,
            "history": self.points,
        });
        (document.to_string().into_bytes(), point)
    }

    /// Goes on to the next second.
    pub(super) fn remember(&mut self, now: Readings, point: Point) {
        if self.points.len() == POINTS {
            self.points.pop_front();
        }
        self.points.push_back(point);
        if self.before.len() > LONG {
            self.before.pop_back();
        }
        self.before.push_front(now);
    }

    /// Between some looks ago, or the oldest that is known, and now.
    fn since<'r>(&'r self, now: &'r Readings, looks: usize) -> Between<'r> {
        let at = looks.min(self.before.len());
        let then = at.checked_sub(1).map_or(now, |at| &self.before[at]);
        Between {
            now,
            then,
            seconds: (now.at - then.at).as_secs_f64(),
        }
    }

    /// The routes that were asked lately, the slowest first.
    fn routes(&self, now: &Readings) -> Value {
        let between = self.since(now, LONG);
        let mut routes: Vec<_> = Route::ALL
            .into_iter()
            .enumerate()
            .map(|(at, route)| {
                let new = now.requests[at].since(&between.then.requests[at]);
                (route, new)
            })
            .filter(|(_, new)| new.count() > 0)
            .collect();
        routes.sort_by_key(|(_, new)| std::cmp::Reverse(new.durations.quantile(0.99)));
        let rows = routes.into_iter().map(|(route, new)| {
            json!({
                "route": route.name(),
                "rps": round(between.rate(new.count()), 1),
                "p50_ms": millis(&new.durations, 0.5),
                "p99_ms": millis(&new.durations, 0.99),
                "failed": new.ended(Code::ServerError) + new.ended(Code::Unavailable),
                "limited": new.ended(Code::RateLimited),
            })
        });
        rows.collect()
    }
}

impl Between<'_> {
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    fn rate(&self, count: u64) -> f64 {
        if self.seconds > 0.0 {
            count as f64 / self.seconds
        } else {
            0.0
        }
    }

    fn more(&self, number: impl Fn(&Readings) -> u64) -> u64 {
        number(self.now).saturating_sub(number(self.then))
    }

    fn per_second(&self, number: impl Fn(&Readings) -> u64) -> f64 {
        round(self.rate(self.more(number)), 1)
    }

    /// All requests but those after health.
    fn requests(&self) -> RouteCounts {
        let routes = Route::ALL.into_iter().enumerate();
        let asked = routes.filter(|(_, route)| *route != Route::Health);
        let new = asked.map(|(at, _)| self.now.requests[at].since(&self.then.requests[at]));
        new.fold(RouteCounts::default(), |all, new| all.with(&new))
    }
}

fn traffic(second: &Between<'_>, smooth: &Between<'_>) -> Value {
    let new = second.requests();
    let durations = smooth.requests().durations;
    let rate = |code| round(second.rate(new.ended(code)), 1);
    json!({
        "rps": round(second.rate(new.count()), 1),
        "p50_ms": millis(&durations, 0.5),
        "p95_ms": millis(&durations, 0.95),
        "p99_ms": millis(&durations, 0.99),
        "failed_ps": rate(Code::ServerError),
        "unavailable_ps": rate(Code::Unavailable),
        "limited_ps": rate(Code::RateLimited),
        "cancelled_ps": rate(Code::Cancelled),
        "client_errors_ps": rate(Code::ClientError),
    })
}

/// Who answered the lookups of products, as shares of all.
fn tiers(smooth: &Between<'_>) -> Value {
    let lookups = smooth.more(|it| it.cache.l1.lookups());
    let share = |count: u64| (lookups > 0).then(|| share(count, lookups));
    let redis = smooth.more(|it| it.cache.l2.as_ref().map_or(0, |redis| redis.hits));
    json!({
        "lookups_ps": round(smooth.rate(lookups), 1),
        "l1": share(smooth.more(|it| it.cache.l1.answered())),
        "l2": share(redis),
        "database": share(smooth.more(|it| it.cache.store.products)),
        "joined": share(smooth.more(|it| it.cache.l1.joined)),
    })
}

fn cache(now: &Readings, smooth: &Between<'_>) -> Value {
    let tier = |tier: &TierCounts| {
        json!({
            "entries": tier.entries,
            "bytes": tier.bytes,
            "allowed": tier.bytes_allowed,
            "loading": tier.loading,
        })
    };
    let pages = smooth.more(|it| it.cache.pages.lookups());
    let hits = smooth.more(|it| it.cache.pages.answered());
    json!({
        "products": tier(&now.cache.l1),
        "pages": tier(&now.cache.pages),
        "page_hits": (pages > 0).then(|| share(hits, pages)),
        "invalidations_ps": smooth.per_second(|it| it.cache.l1.invalidations),
        "failed_loads_ps": smooth.per_second(|it| it.cache.l1.loads_failed),
    })
}

fn redis(now: &Readings, smooth: &Between<'_>) -> Value {
    let Some(redis) = &now.cache.l2 else {
        return Value::Null;
    };
    let per_second = |number: fn(&crate::products::catalog::status::RedisStatus) -> u64| {
        smooth.per_second(|it| it.cache.l2.as_ref().map_or(0, number))
    };
    json!({
        "state": redis.state,
        "breaker": redis.breaker,
        "server": redis.server,
        "behind": redis.behind,
        "hits_ps": per_second(|redis| redis.hits),
        "unanswered_ps": per_second(|redis| redis.unanswered),
        "invalidations_ps": per_second(|redis| redis.invalidations),
    })
}

fn database(now: &Readings, smooth: &Between<'_>) -> Value {
    let servers = now.servers.iter().enumerate().map(|(at, server)| {
        let reads = |it: &Readings| it.servers.get(at).map_or(0, |server| server.reads);
        json!({
            "name": server.name,
            "role": server.role(),
            "used": server.is_used,
            "lag_s": server.lag.map(|lag| round(lag.as_secs_f64(), 3)),
            "reads_ps": smooth.per_second(reads),
            "in_flight": server.in_flight,
        })
    });
    json!({
        "answers": now.catalog_answers,
        "servers": servers.collect::<Vec<_>>(),
        "queries_ps": smooth.per_second(|it| it.cache.store.queries),
        "failed_ps": smooth.per_second(|it| it.cache.store.failed),
        "tail_lag_s": round(now.tail_lag.as_secs_f64(), 3),
    })
}

fn limits(now: &Readings, smooth: &Between<'_>) -> Value {
    let policies = now.limits.policies.iter().map(|(name, counts)| {
        let of = |it: &Readings| {
            let mut policies = it.limits.policies.iter();
            policies
                .find(|(other, _)| other == name)
                .map(|(_, counts)| *counts)
        };
        json!({
            "name": name,
            "allowed_ps": smooth.per_second(|it| of(it).map_or(0, |counts| counts.allowed)),
            "limited_ps": smooth.per_second(|it| of(it).map_or(0, |counts| counts.limited)),
            "shadow_ps": smooth.per_second(|it| of(it).map_or(0, |counts| counts.shadow)),
            "limited": counts.limited,
        })
    });
    json!({
        "policies": policies.collect::<Vec<_>>(),
        "clients": now.limits.clients,
        "room": now.limits.room,
        "redis": now.limits.redis,
    })
}

fn overload(now: &Readings, smooth: &Between<'_>) -> Value {
    let dependencies = now.overload.dependencies.iter().enumerate();
    let rows = dependencies.map(|(at, dependency)| {
        let shed = |it: &Readings| {
            let dependency = it.overload.dependencies.get(at);
            dependency.map_or(0, |it| it.shed.values().sum())
        };
        json!({
            "name": dependency.name,
            "limit": dependency.limit,
            "in_flight": dependency.in_flight,
            "waiting": dependency.waiting,
            "breaker": dependency.breaker,
            "shed_ps": smooth.per_second(shed),
        })
    });
    rows.collect()
}

fn ladder(now: &Readings) -> Value {
    let readings = now.pressure.map(|it| {
        json!({
            "saturation": round(it.limits.saturation, 3),
            "queue_wait_ms": round(it.limits.queue_wait.as_secs_f64() * 1_000.0, 1),
            "loop_lag_ms": round(it.limits.loop_lag.as_secs_f64() * 1_000.0, 1),
            "shed_ratio": round(it.limits.shed_ratio, 4),
            "essential_shed_ratio": round(it.limits.essential_shed_ratio, 4),
            "failed_ratio": round(it.failed_ratio, 4),
            "processor": round(it.processor, 3),
            "burn": round(it.burn, 2),
        })
    });
    json!({
        "given_up": now.given_up().collect::<Vec<_>>(),
        "readings": readings,
    })
}

fn flags(now: &Readings) -> Value {
    let rows = now.flags.iter().map(|(key, entry)| {
        let definition = &entry.definition;
        json!({
            "key": key,
            "feature": Feature::by_name(key).is_some(),
            "variant": definition.default_variant(),
            "variants": definition.variants().collect::<Vec<_>>(),
            "targeting": definition.has_rule(),
            "risky": definition.is_risky(),
            "layer": entry.layer.name(),
            "reason": entry.reason,
            "set_by": entry.set_by,
            "expires_at": entry.expires_at,
        })
    });
    rows.collect()
}

fn jobs(now: &Readings) -> Value {
    let kinds = now.jobs.kinds.iter().map(|kind| {
        let counters = now.job_counters.as_ref();
        json!({
            "kind": kind.kind,
            "ready": kind.ready,
            "scheduled": kind.scheduled,
            "running": kind.running,
            "dead": kind.dead,
            "oldest_s": kind.oldest_ready_ms / 1_000,
            "paused": kind.is_paused,
            "here": counters.and_then(|counters| counters.get(kind.kind.as_str())),
        })
    });
    json!({ "kinds": kinds.collect::<Vec<_>>(), "error": now.jobs.error })
}

fn millis(durations: &Durations, quantile: f64) -> Option<f64> {
    let quantile: Duration = durations.quantile(quantile)?;
    Some(round(quantile.as_secs_f64() * 1_000.0, 4))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn share(part: u64, whole: u64) -> f64 {
    round((part as f64 / whole as f64).min(1.0), 4)
}

/// What nobody reads is not sent.
fn round(number: f64, digits: i32) -> f64 {
    let factor = 10_f64.powi(digits);
    (number * factor).round() / factor
}
