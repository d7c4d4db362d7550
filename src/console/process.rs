//! What the system says of this process (proc(5)); nothing where it has no `/proc`.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The process, as the system sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Process {
    /// Processor time used.
    pub cpu: Duration,
    /// Memory in RAM, in bytes.
    pub memory: u64,
    /// Open files and connections.
    pub open_files: usize,
}

impl Process {
    /// As of now. A few system calls.
    pub fn read() -> Option<Self> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        let (cpu, pages) = parse(&stat)?;
        // The descriptor that lists them is among them.
        let open_files = fs::read_dir("/proc/self/fd")
            .ok()?
            .count()
            .saturating_sub(1);
        Some(Self {
            cpu,
            memory: pages * rustix::param::page_size() as u64,
            open_files,
        })
    }
}

/// Processor time and pages in RAM, of `/proc/self/stat`. What is before the last bracket is a name, and may hold anything.
fn parse(stat: &str) -> Option<(Duration, u64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)?;
    let per_second = rustix::param::clock_ticks_per_second().max(1);
    let cpu = Duration::from_millis(ticks * 1_000 / per_second);
    Some((cpu, number(21)?))
}

/// Seconds since 1970.
pub(super) fn since_1970(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_trouble() {
        let stat =
            "7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 250 50 0 0 20 0 4 0 100 4096 321 18446744073709551615";
        let (cpu, pages) = parse(stat).unwrap();
        assert_eq!(pages, 321);
        assert!(cpu > Duration::ZERO);
        assert_eq!(parse("7 (a) S"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_process_uses_memory_and_files() {
        let process = Process::read().unwrap();
        assert!(
            process.memory > 1 << 20 && process.open_files > 2,
            "{process:?}"
        );
    }
}
