//! What an import did, over all its files.

use std::io::{self, Write};
use std::time::Instant;

use serde_json::json;

use super::Exit;
use crate::products::import::run::Report;

/// The counts, in products, and the clock.
pub(super) struct Summary {
    total: Report,
    dry_run: bool,
    started: Instant,
}

impl Summary {
    pub(super) fn start(dry_run: bool) -> Self {
        Self {
            total: Report::default(),
            dry_run,
            started: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, report: &Report) {
        let total = &mut self.total;
        total.created += report.created;
        total.updated += report.updated;
        total.unchanged += report.unchanged;
        total.deleted += report.deleted;
        total.skipped += report.skipped;
        total.warnings += report.warnings;
    }

    pub(super) fn exit(&self) -> Exit {
        if self.total.skipped + self.total.warnings > 0 {
            Exit::Partial
        } else {
            Exit::Done
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate for people; 2^53 products do not happen"
    )]
    pub(super) fn print(&self, as_json: bool, out: &mut dyn Write) -> io::Result<()> {
        let Report {
            created,
            updated,
            unchanged,
            deleted,
            skipped,
            warnings,
        } = self.total;
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = (created + updated + unchanged) as f64 / seconds.max(0.001);
        if as_json {
            let summary = json!({
                "created": created,
                "updated": updated,
                "unchanged": unchanged,
                "deleted": deleted,
                "skipped": skipped,
                "warnings": warnings,
                "seconds": round(seconds, 1000.0),
                "products_per_second": round(rate, 1.0),
                "dry_run": self.dry_run,
            });
            return writeln!(out, "{summary}");
        }
        let dry_run = if self.dry_run {
            "; dry run, nothing was written"
        } else {
            ""
        };
        writeln!(
            out,
            "{created} created, {updated} updated, {unchanged} unchanged, {deleted} deleted, \
             {skipped} skipped in {seconds:.2} s ({rate:.0} products/s){dry_run}"
        )
    }
}

fn round(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
