//! Redis: what it lets us do, and whether it is set to be a cache.

use super::report::Report;
use super::system::{SKEW, skew};
use crate::app;
use crate::cache::l2::RedisFacts;
use crate::config::Config;

/// An answer that takes more than this part of `redis.timeout` may well take longer under load.
const PART: u32 = 4;

pub(super) fn examine(config: &Config, report: &mut Report) {
    let name = "Redis";
    let Some(url) = &config.redis.url else {
        report.ok(
            name,
            "none is configured: each node has its own cache alone",
        );
        return;
    };
    let facts = match app::examine_redis(config, url) {
        Ok(facts) => facts,
        Err(error) => {
            let mend = "look whether it runs, and at redis.url; serve goes on without it";
            report.fail(name, error, mend);
            return;
        }
    };
    let keys = facts.keys;
    report.ok(name, format!("{}, {keys} keys", facts.version));
    speed(config, &facts, report);
    rights(&facts, report);
    memory(&facts, report);
    habits(&facts, report);
    if let Some(ahead) = facts.clock_ahead {
        skew("clock of Redis", ahead, SKEW, report);
    }
}

fn speed(config: &Config, facts: &RedisFacts, report: &mut Report) {
    let name = "Redis round trip";
    let limit = config.redis.timeout;
    let took = facts.round_trip.as_secs_f64() * 1_000.0;
    let detail = format!(
        "{took:.2} ms at worst, redis.timeout {} ms",
        limit.as_millis()
    );
    if facts.round_trip > limit {
        report.fail(name, detail, "move it nearer, or raise redis.timeout");
    } else if facts.round_trip > limit / PART {
        report.warn(name, detail, "move it nearer, or raise redis.timeout");
    } else {
        report.ok(name, detail);
    }
}

fn rights(facts: &RedisFacts, report: &mut Report) {
    let name = "Redis rights";
    if facts.forbidden.is_empty() {
        report.ok(name, "all that is needed");
    }
    for forbidden in &facts.forbidden {
        let mend = "let the user do what README.md lists (ACL SETUSER)";
        report.fail(name, forbidden, mend);
    }
}

fn memory(facts: &RedisFacts, report: &mut Report) {
    let name = "Redis memory";
    let mend = "set maxmemory, and maxmemory-policy allkeys-lru";
    let mib = |bytes: Option<u64>| bytes.unwrap_or(0) >> 20;
    let used = mib(facts.used_memory);
    let Some(policy) = &facts.policy else {
        report.warn(name, "it does not tell its limit", mend);
        return;
    };
    match facts.max_memory {
        None | Some(0) => report.warn(
            name,
            format!("{used} MiB and no limit: it grows until the system ends it"),
            mend,
        ),
        Some(_) if policy == "noeviction" => report.fail(
            name,
            format!(
                "{used} of {} MiB, and noeviction: once full it takes no invalidations, and is not used",
                mib(facts.max_memory)
            ),
            "set maxmemory-policy allkeys-lru",
        ),
        Some(_) => report.ok(
            name,
            format!("{used} of {} MiB, {policy}", mib(facts.max_memory)),
        ),
    }
}

fn habits(facts: &RedisFacts, report: &mut Report) {
    if let Some(seconds) = facts.timeout.filter(|seconds| *seconds > 0) {
        report.warn(
            "Redis idle connections",
            format!("it cuts them after {seconds} s: each time the cache is unused until the next one stands"),
            "set timeout 0, and tcp-keepalive 60",
        );
    }
    if let Some(events) = facts.notifications.as_ref().filter(|it| !it.is_empty()) {
        report.warn(
            "Redis notifications",
            format!("notify-keyspace-events is {events:?}: every change costs a message"),
            "set it to \"\", unless another program needs it",
        );
    }
}
