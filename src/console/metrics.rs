//! What a node reads of itself, as Prometheus reads it and as a collector is told by OTLP. Every series is there from the
//! start, at zero.

use super::process::since_1970;
use super::readings::Readings;
use crate::flags::Feature;
use crate::products::catalog::status::{RedisStatus, TierCounts};
use crate::telemetry::metrics::{self as table, Exposition, Message, Samples};
use crate::telemetry::{Code, Route};

/// Kinds of jobs that are told of: those of a database that several programs share could be any number.
const MOST_KINDS: usize = 64;

/// All metrics, as a text. `started`: when the process was, in seconds since 1970.
pub fn exposition(readings: &Readings, started: f64) -> String {
    let mut out = Exposition::default();
    samples(&mut out, readings, started);
    out.finish()
}

/// All metrics, for a collector.
pub fn message(readings: &Readings, started: f64) -> Message {
    let mut out = Message::new(started, since_1970(readings.time));
    samples(&mut out, readings, started);
    out
}

fn samples(out: &mut impl Samples, readings: &Readings, started: f64) {
    process(out, readings, started);
    requests(out, readings);
    caches(out, readings);
    redis(out, readings);
    store(out, readings);
    limits_and_flags(out, readings);
    overload(out, readings);
    jobs(out, readings);
    slo(out, readings);
}

fn flag(is_so: bool) -> u8 {
    u8::from(is_so)
}

fn process(out: &mut impl Samples, readings: &Readings, started: f64) {
    let process = &readings.process;
    out.begin(&table::BUILD_INFO)
        .sample(&[env!("CARGO_PKG_VERSION"), &readings.cache.node], 1_u8);
    out.begin(&table::START_TIME).sample(&[], started);
    out.begin(&table::CPU)
        .sample(&[], process.cpu.as_secs_f64());
    out.begin(&table::MEMORY).sample(&[], process.memory);
    out.begin(&table::OPEN_FILES)
        .sample(&[], process.open_files);
    out.begin(&table::READY)
        .sample(&[], flag(readings.not_ready.is_none()));
    out.begin(&table::DEGRADED);
    for (part, is_so) in [
        ("primary", readings.lacks.primary),
        ("replicas", readings.lacks.replicas > 0),
        ("database", !readings.catalog_answers),
        ("redis", readings.redis_trouble.is_some()),
        ("limits", readings.limits.redis == Some(false)),
        ("flags", !readings.flag_trouble.0.is_empty()),
    ] {
        out.sample(&[part], flag(is_so));
    }
    out.begin(&table::LOG_LINES_DROPPED)
        .sample(&[], readings.dropped_lines);
    out.begin(&table::TRACE_SPANS)
        .sample(&["exported"], readings.spans.exported)
        .sample(&["queue_full"], readings.spans.queue_full)
        .sample(&["not_taken"], readings.spans.not_taken)
        .sample(&["trace_full"], readings.spans.trace_full);
    out.begin(&table::TRACES_OVER_RATE)
        .sample(&[], readings.spans.over_rate);
    out.begin(&table::METRIC_EXPORTS)
        .sample(&["taken"], readings.exports.taken())
        .sample(&["dropped"], readings.exports.dropped());
    out.begin(&table::CONSOLE_CLIENTS)
        .sample(&[], readings.clients);
}

fn requests(out: &mut impl Samples, readings: &Readings) {
    out.begin(&table::HTTP_REQUESTS);
    for (route, counts) in Route::ALL.iter().zip(&readings.requests) {
        for code in Code::ALL {
            out.sample(&[route.name(), code.name()], counts.ended(code));
        }
    }
    out.begin(&table::HTTP_DURATION);
    for (route, counts) in Route::ALL.iter().zip(&readings.requests) {
        out.durations(&[route.name()], &counts.durations);
    }
}

fn caches(out: &mut impl Samples, readings: &Readings) {
    let caches = [
        ("products", &readings.cache.l1),
        ("pages", &readings.cache.pages),
    ];
    out.begin(&table::CACHE_LOOKUPS);
    for (cache, tier) in caches {
        for (result, count) in [
            ("fresh", tier.hits),
            ("stale", tier.stale),
            ("absent", tier.absent),
            ("miss", tier.misses),
            ("bypass", tier.bypassed),
        ] {
            out.sample(&[cache, result], count);
        }
    }
    out.begin(&table::CACHE_LOADS);
    for (cache, tier) in caches {
        out.sample(&[cache, "loaded"], tier.loads)
            .sample(&[cache, "failed"], tier.loads_failed)
            .sample(&[cache, "refused"], tier.fills_refused);
    }
    for (metric, number) in [
        (
            &table::CACHE_JOINED,
            (|tier| tier.joined) as fn(&TierCounts) -> u64,
        ),
        (&table::CACHE_INVALIDATIONS, |tier| tier.invalidations),
        (&table::CACHE_ENTRIES, |tier| tier.entries as u64),
        (&table::CACHE_BYTES, |tier| tier.bytes),
        (&table::CACHE_BYTES_ALLOWED, |tier| tier.bytes_allowed),
    ] {
        out.begin(metric);
        for (cache, tier) in caches {
            out.sample(&[cache], number(tier));
        }
    }
}

/// Zeros where there is none, so that a rule need not know which nodes have one.
fn redis(out: &mut impl Samples, readings: &Readings) {
    let redis = readings.cache.l2.as_ref();
    let of = |number: fn(&RedisStatus) -> u64| redis.map_or(0, number);
    out.begin(&table::REDIS_LOOKUPS)
        .sample(&["hit"], of(|redis| redis.hits))
        .sample(&["lease"], of(|redis| redis.leases))
        .sample(&["held"], of(|redis| redis.held))
        .sample(&["unanswered"], of(|redis| redis.unanswered));
    out.begin(&table::REDIS_FILLS)
        .sample(&["kept"], of(|redis| redis.fills))
        .sample(&["refused"], of(|redis| redis.fills_refused));
    out.begin(&table::REDIS_INVALIDATIONS)
        .sample(&["taken"], of(|redis| redis.invalidations))
        .sample(&["failed"], of(|redis| redis.invalidations_failed));
    let is_open = redis.is_some_and(|redis| redis.breaker != "closed");
    out.begin(&table::REDIS_BREAKER).sample(&[], flag(is_open));
    let is_used = redis.is_some_and(|redis| redis.state == "used");
    out.begin(&table::REDIS_TRUSTED).sample(&[], flag(is_used));
}

fn store(out: &mut impl Samples, readings: &Readings) {
    let store = &readings.cache.store;
    out.begin(&table::STORE_QUERIES)
        .sample(&["answered"], store.queries.saturating_sub(store.failed))
        .sample(&["failed"], store.failed);
    out.begin(&table::STORE_PRODUCTS)
        .sample(&[], store.products);
    let servers = || {
        let servers = readings.servers.iter();
        servers.map(|server| (server, [server.name.as_str(), server.role()]))
    };
    out.begin(&table::DATABASE_READS);
    for (server, labels) in servers() {
        out.sample(&labels, server.reads);
    }
    out.begin(&table::DATABASE_IN_FLIGHT);
    for (server, labels) in servers() {
        out.sample(&labels, server.in_flight);
    }
    out.begin(&table::DATABASE_USED);
    for (server, labels) in servers() {
        out.sample(&labels, flag(server.is_used));
    }
    out.begin(&table::REPLICA_LAG);
    for (server, [name, _]) in servers() {
        if let Some(lag) = server.lag {
            out.sample(&[name], lag.as_secs_f64());
        }
    }
    out.begin(&table::TAIL_LAG)
        .sample(&[], readings.tail_lag.as_secs_f64());
}

fn limits_and_flags(out: &mut impl Samples, readings: &Readings) {
    out.begin(&table::RATE_DECISIONS);
    for (policy, counts) in &readings.limits.policies {
        for (decision, count) in [
            ("allowed", counts.allowed),
            ("limited", counts.limited),
            ("shadow", counts.shadow),
            ("overflow", counts.overflow),
            ("fallback", counts.fallback),
            ("remembered", counts.remembered),
        ] {
            out.sample(&[policy, decision], count);
        }
    }
    out.begin(&table::RATE_CLIENTS)
        .sample(&[], readings.limits.clients);
    out.begin(&table::LADDER_STEP)
        .sample(&[], readings.given_up().count());
    out.begin(&table::FEATURE_ON);
    for feature in Feature::ALL {
        out.sample(&[feature.name()], flag(readings.features.is_on(feature)));
    }
    out.begin(&table::FLAG_ERRORS)
        .sample(&[], readings.flag_trouble.1);
}

fn overload(out: &mut impl Samples, readings: &Readings) {
    let dependencies = &readings.overload.dependencies;
    out.begin(&table::OVERLOAD_LIMIT);
    for dependency in dependencies {
        out.sample(&[dependency.name], dependency.limit);
    }
    out.begin(&table::OVERLOAD_IN_FLIGHT);
    for dependency in dependencies {
        out.sample(&[dependency.name], dependency.in_flight);
    }
    out.begin(&table::OVERLOAD_WAITING);
    for dependency in dependencies {
        out.sample(&[dependency.name], dependency.waiting);
    }
    out.begin(&table::OVERLOAD_BREAKER);
    for dependency in dependencies {
        out.sample(&[dependency.name], flag(dependency.breaker != "closed"));
    }
    out.begin(&table::OVERLOAD_ASKED);
    for dependency in dependencies {
        for (decision, counts) in [
            ("admitted", &dependency.admitted),
            ("shed", &dependency.shed),
        ] {
            for (priority, count) in counts {
                out.sample(&[dependency.name, priority, decision], *count);
            }
        }
    }
    let lag = readings.overload.pressure.loop_lag_ms / 1_000.0;
    out.begin(&table::LOOP_LAG).sample(&[], lag);
    let refused = readings.retries.map_or(0, |retries| retries.refused);
    out.begin(&table::RETRIES_REFUSED).sample(&[], refused);
}

fn jobs(out: &mut impl Samples, readings: &Readings) {
    let kinds = || readings.jobs.kinds.iter().take(MOST_KINDS);
    out.begin(&table::JOBS);
    for kind in kinds() {
        for (state, count) in [
            ("ready", kind.ready),
            ("scheduled", kind.scheduled),
            ("running", kind.running),
            ("dead", kind.dead),
        ] {
            out.sample(&[&kind.kind, state], count);
        }
    }
    out.begin(&table::JOBS_OLDEST);
    for kind in kinds() {
        out.sample(&[&kind.kind], millis(kind.oldest_ready_ms));
    }
    let counters = || readings.job_counters.iter().flatten();
    out.begin(&table::JOBS_ENDED);
    for (kind, counts) in counters() {
        for (result, count) in [
            ("done", counts.done),
            ("failed", counts.failed),
            ("dead", counts.dead),
            ("lost", counts.lost),
            ("returned", counts.returned),
        ] {
            out.sample(&[kind, result], count);
        }
    }
    out.begin(&table::JOBS_RUNNING_TIME);
    for (kind, counts) in counters() {
        out.sample(&[kind], millis(counts.ran_ms));
    }
    out.begin(&table::JOBS_WAITING_TIME);
    for (kind, counts) in counters() {
        out.sample(&[kind], millis(counts.waited_ms));
    }
    out.begin(&table::JOBS_RETAKEN);
    out.sample(&[], readings.jobs_retaken.count);
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "seconds")]
fn millis(millis: u64) -> f64 {
    millis as f64 / 1_000.0
}

fn slo(out: &mut impl Samples, readings: &Readings) {
    let objectives = &readings.slo.objectives;
    out.begin(&table::SLO_OBJECTIVE);
    for objective in objectives {
        out.sample(
            &[objective.name],
            (objective.slo_percent * 1e4).round() / 1e6,
        );
    }
    out.begin(&table::SLO_EVENTS);
    for objective in objectives {
        out.sample(&[objective.name], objective.counted.total);
    }
    out.begin(&table::SLO_BAD_EVENTS);
    for objective in objectives {
        out.sample(&[objective.name], objective.counted.bad);
    }
    out.begin(&table::SLO_BUDGET_LEFT);
    for objective in objectives {
        out.sample(&[objective.name], objective.budget.left_ratio);
    }
    out.begin(&table::SLO_BURN);
    for objective in objectives {
        for burn in &objective.burn {
            out.sample(&[objective.name, burn.window], burn.rate.unwrap_or(0.0));
        }
    }
    out.begin(&table::SLO_FROZEN)
        .sample(&[], flag(readings.slo.is_frozen));
}
