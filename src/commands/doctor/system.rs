//! This machine: open files, memory, clocks.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::report::Report;
use crate::config::Config;

/// Files beside connections of clients: the catalogue, the index, other servers, logs.
const OTHER_FILES: u64 = 512;
/// Clocks that differ by more than this many milliseconds make absences live too long, and logs hard to read.
pub(super) const SKEW: u64 = 1_000;

pub(super) fn examine(config: &Config, report: &mut Report) {
    open_files(config, report);
    memory(config, report);
}

fn open_files(config: &Config, report: &mut Report) {
    let name = "open files";
    let needed = config.server.max_connections.get() as u64 + OTHER_FILES;
    match getrlimit(Resource::Nofile).current {
        Some(limit) if limit < needed => report.warn(
            name,
            format!("{limit} allowed, {needed} needed for server.max_connections"),
            format!("set LimitNOFILE={needed} in the unit, or ulimit -n {needed}"),
        ),
        Some(limit) => report.ok(name, format!("{limit} allowed, {needed} needed")),
        None => report.ok(name, "no limit"),
    }
}

fn memory(config: &Config, report: &mut Report) {
    let name = "memory";
    let cache = &config.cache;
    let planned = cache.l1_bytes.0 + cache.views_bytes.0 + cache.negative_bytes.0;
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let Some(total) = total_bytes(&text) else {
        return;
    };
    let detail = format!(
        "caches may take {} MiB of {} MiB",
        planned >> 20,
        total >> 20
    );
    if planned > total / 4 * 3 {
        let mend = "lower cache.l1_bytes, before the system ends the process";
        report.fail(name, detail, mend);
    } else {
        report.ok(name, detail);
    }
}

fn total_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|it| it.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Tells how far another clock is ahead of ours, or behind it.
pub(super) fn skew(name: &str, ahead: i64, most: u64, report: &mut Report) {
    let detail = format!("{ahead} ms ahead of this machine");
    if ahead.unsigned_abs() > most {
        report.warn(name, detail, "run chrony or systemd-timesyncd on both");
    } else {
        report.ok(name, detail);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_linux_tells_it() {
        let text = "MemTotal:       16384000 kB\nMemFree:  1 kB\n";
        assert_eq!(total_bytes(text), Some(16_384_000 << 10));
        assert_eq!(total_bytes("MemFree: 1 kB\n"), None);
    }
}
