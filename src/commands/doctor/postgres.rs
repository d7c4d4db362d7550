//! PostgreSQL: what it lets us do, how it is set, how much it can take.

use super::report::Report;
use super::system::{SKEW, skew};
use crate::config::{Config, PostgresUrl};
use crate::db::postgres::{Facts, WRITERS, examine};

/// Beside the pools: what listens, and what looks after the server.
const OTHER_CONNECTIONS: usize = 3;
/// `shared_buffers` as PostgreSQL ships it, in pages of 8 KiB.
const DEFAULT_BUFFERS: i64 = 16_384;
const PAGE: i64 = 8_192;

/// Examines the server that takes the writes.
pub(super) fn examine_primary(
    config: &Config,
    url: &PostgresUrl,
    nodes: usize,
    report: &mut Report,
) {
    let name = "PostgreSQL";
    let facts = match examine(url.reveal()) {
        Ok(facts) => facts,
        Err(error) => {
            let mend = "look whether it runs, whether this machine may connect (pg_hba.conf), and at catalog.url";
            report.fail(name, error.to_string(), mend);
            return;
        }
    };
    if facts.is_replica {
        let mend = "name the primary in catalog.url";
        report.fail(name, "it is a replica and takes no writes", mend);
    } else {
        let round_trip = facts.round_trip.as_secs_f64() * 1_000.0;
        report.ok(
            name,
            format!("{}, answers in {round_trip:.1} ms", facts.version),
        );
    }
    privileges(config, &facts, report);
    durability(&facts, report);
    let each = config.catalog.pool_size.get() + WRITERS + OTHER_CONNECTIONS;
    connections(
        "PostgreSQL connections",
        config,
        &facts,
        each * nodes.max(1),
        report,
    );
    memory(&facts, report);
    skew("clock of PostgreSQL", facts.clock_ahead, SKEW, report);
}

fn privileges(config: &Config, facts: &Facts, report: &mut Report) {
    let name = "PostgreSQL privileges";
    let mut missing = Vec::new();
    let tables = facts.forbidden_tables.join(", ");
    if !tables.is_empty() {
        missing.push((
            format!("not all of {tables} may be read and written"),
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA to this user, or make it their owner",
        ));
    }
    if !facts.may_make_temporary_tables {
        missing.push((
            "no temporary tables may be made, which imports need".to_owned(),
            "GRANT TEMPORARY ON DATABASE to this user",
        ));
    }
    if !facts.may_ask_for_history {
        missing.push((
            "it may not be asked which history of the data this is, which following the outbox needs".to_owned(),
            "GRANT EXECUTE ON FUNCTION pg_control_system(), pg_control_checkpoint() to this user",
        ));
    }
    for (detail, mend) in &missing {
        report.fail(name, detail, *mend);
    }
    if missing.is_empty() {
        report.ok(name, "tables, temporary tables, history");
    }
    let name = "PostgreSQL notifications";
    match &facts.listen {
        _ if config.catalog.pgbouncer => report.ok(
            name,
            "not through PgBouncer: changes are seen by a poll, 100 ms later at most",
        ),
        Ok(()) => report.ok(name, "LISTEN works"),
        Err(error) => report.warn(
            name,
            format!("LISTEN does not work ({error}): changes are seen by a poll"),
            "connect without a pooler in transaction mode, or set catalog.pgbouncer = true",
        ),
    }
}

fn durability(facts: &Facts, report: &mut Report) {
    let name = "PostgreSQL durability";
    let off = |setting: &str| facts.setting(setting) == "off";
    if off("fsync") || off("full_page_writes") {
        report.fail(
            name,
            "fsync or full_page_writes is off: a crash may destroy the catalogue",
            "set both on",
        );
    } else if off("synchronous_commit") {
        report.warn(
            name,
            "synchronous_commit is off: a crash loses the last writes that were acknowledged",
            "set synchronous_commit = on",
        );
    } else if facts.replicas > 0 && facts.setting("synchronous_standby_names").is_empty() {
        report.warn(
            name,
            "no replica is synchronous: a promoted one may lack the last writes that were acknowledged",
            "set synchronous_standby_names = 'ANY 1 (*)'",
        );
    } else {
        report.ok(name, "acknowledged writes outlive a crash");
    }
    let name = "PostgreSQL replication";
    match facts.setting("wal_level") {
        "minimal" => report.warn(
            name,
            "wal_level is minimal: it can have no replica, and no backup while it runs",
            "set wal_level = replica, and restart it",
        ),
        level => report.ok(
            name,
            format!("wal_level {level}, {} replicas", facts.replicas),
        ),
    }
}

fn connections(name: &str, config: &Config, facts: &Facts, needed: usize, report: &mut Report) {
    let needed = i64::try_from(needed).unwrap_or(i64::MAX);
    let most = facts.number("max_connections") - facts.number("superuser_reserved_connections");
    let free = most - facts.connections_of_others;
    let detail = format!(
        "the nodes take up to {needed} of {free} that others leave (max_connections {})",
        facts.setting("max_connections")
    );
    if config.catalog.pgbouncer {
        report.ok(name, format!("{detail}; PgBouncer has a say in it"));
    } else if needed > free {
        let mend = "lower catalog.pool_size, raise max_connections, or use PgBouncer";
        report.fail(name, detail, mend);
    } else {
        report.ok(name, detail);
    }
}

/// Examines a server that may be read from.
pub(super) fn examine_replica(
    config: &Config,
    url: &PostgresUrl,
    nodes: usize,
    report: &mut Report,
) {
    let name = format!("replica {url}");
    let facts = match examine(url.reveal()) {
        Ok(facts) => facts,
        Err(error) => {
            let mend =
                "look whether it runs, and at catalog.replicas; the others are read from meanwhile";
            report.fail(&name, error.to_string(), mend);
            return;
        }
    };
    let most = i64::try_from(config.catalog.max_replica_lag.as_millis()).unwrap_or(i64::MAX);
    if !facts.is_replica {
        let mend = "name it in catalog.url, or leave it out of catalog.replicas";
        report.fail(&name, "it is no replica: it takes writes", mend);
        return;
    }
    match facts.lag {
        Some(lag) if lag > most => report.warn(
            &name,
            format!("{lag} ms behind, more than catalog.max_replica_lag: it is not read from"),
            "look at its disk and its network, and whether replay is paused (pg_is_wal_replay_paused)",
        ),
        lag => report.ok(
            &name,
            format!("{}, {} ms behind", facts.version, lag.unwrap_or(0)),
        ),
    }
    if facts.setting("hot_standby_feedback") == "off" {
        report.warn(
            &format!("{name}, reads"),
            "hot_standby_feedback is off: a vacuum of the primary may cancel what is being read, or hold up the replay",
            "set hot_standby_feedback = on",
        );
    }
    let each = config.catalog.pool_size.get() + OTHER_CONNECTIONS;
    let needed = each * nodes.max(1);
    connections(
        &format!("{name}, connections"),
        config,
        &facts,
        needed,
        report,
    );
    skew(&format!("clock of {name}"), facts.clock_ahead, SKEW, report);
}

fn memory(facts: &Facts, report: &mut Report) {
    let name = "PostgreSQL memory";
    let buffers = facts.number("shared_buffers");
    let mib = |bytes: i64| bytes >> 20;
    let detail = format!(
        "shared_buffers {} MiB, database {} MiB",
        mib(buffers * PAGE),
        mib(facts.size)
    );
    if buffers <= DEFAULT_BUFFERS && facts.size > buffers * PAGE {
        let mend = "set shared_buffers to a quarter of its machine's memory, and restart it";
        report.warn(name, detail, mend);
    } else {
        report.ok(name, detail);
    }
}
