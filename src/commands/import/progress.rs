//! Progress on stderr: a bar with rate and time left on a terminal, a plain line now and then otherwise.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::products::import::source::Source;

/// Between two plain lines.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// How far an import is, by compressed bytes where the length is known.
pub(super) struct Progress {
    name: String,
    total: Option<u64>,
    read: Arc<AtomicU64>,
    started: Instant,
    shown: Display,
}

enum Display {
    Bar(ProgressBar),
    Plain { last: Cell<Instant> },
}

impl Progress {
    pub(super) fn start(source: &Source) -> Self {
        let name = source.name().to_owned();
        let total = source.total_bytes();
        let now = Instant::now();
        let shown = if io::stderr().is_terminal() {
            Display::Bar(bar(&name, total))
        } else {
            Display::Plain {
                last: Cell::new(now),
            }
        };
        Self {
            name,
            total,
            read: source.bytes_read(),
            started: now,
            shown,
        }
    }

    pub(super) fn at(&self, products: u64) {
        match &self.shown {
            Display::Bar(bar) => {
                bar.set_position(self.read.load(Ordering::Relaxed));
                bar.set_message(format!("{products} products, {}/s", self.rate(products)));
            }
            Display::Plain { last } => {
                if last.get().elapsed() >= PLAIN_EVERY {
                    last.set(Instant::now());
                    print(&self.plain_line(products));
                }
            }
        }
    }

    /// Prints a line of its own, above the bar.
    pub(super) fn say(&self, line: &str) {
        match &self.shown {
            Display::Bar(bar) => bar.println(line),
            Display::Plain { .. } => print(line),
        }
    }

    pub(super) fn finish(&self) {
        if let Display::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn plain_line(&self, products: u64) -> String {
        let read = self.read.load(Ordering::Relaxed);
        let part = match self.total {
            Some(total) if total > 0 => format!(", {} %", read.min(total) * 100 / total),
            _ => String::new(),
        };
        let rate = self.rate(products);
        format!("{}: {products} products{part}, {rate}/s", self.name)
    }

    fn rate(&self, products: u64) -> u64 {
        let millis = self.started.elapsed().as_millis().max(1);
        u64::try_from(u128::from(products) * 1000 / millis).unwrap_or(u64::MAX)
    }
}

fn print(line: &str) {
    // Progress that nobody can see is no reason to stop an import.
    let _ = writeln!(io::stderr(), "{line}");
}

fn bar(name: &str, total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{prefix} [{bar:30}] {percent} % {msg}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{prefix} {spinner} {msg}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.with_prefix(name.to_owned())
}
