//! `doorbuster jobs stats`.

use std::io::Write;

use serde_json::json;

use super::Jobs;
use super::times::{brief, span};
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::jobs::{KindReport, Times, report};

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs stats
  doorbuster jobs stats --json | jq '.kinds[] | select(.dead > 0) | .kind'
  doorbuster jobs stats --json | jq '.kinds[] | [.kind, .last_minute.done, .last_hour.wait_ms.p99]'";

/// Show how the jobs of each kind stand, and what was done of them in the last hour
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, jobs: &Jobs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let kinds = jobs.runtime.block_on(report(&*jobs.store))?;
    if args.json {
        writeln!(out, "{}", json!({ "kinds": kinds }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::<11>::default();
    table.row([
        "kind",
        "ready",
        "oldest",
        "scheduled",
        "running",
        "dead",
        "done",
        "failed",
        "waited",
        "took",
        "",
    ]);
    for KindReport { stats, recent } in &kinds {
        table.row([
            stats.kind.clone(),
            stats.ready.to_string(),
            span(stats.oldest_ready_ms),
            stats.scheduled.to_string(),
            stats.running.to_string(),
            stats.dead.to_string(),
            recent.hour.done.to_string(),
            recent.hour.failed.to_string(),
            halves(&recent.hour.waited),
            halves(&recent.hour.ran),
            if stats.is_paused { "paused" } else { "" }.to_owned(),
        ]);
    }
    write!(out, "{table}")?;
    if kinds.is_empty() {
        writeln!(
            out,
            "nothing is to be done, nothing is dead, and nothing was done in the last hour; \
             what was before: doorbuster jobs list"
        )?;
    } else {
        writeln!(
            out,
            "done, failed: in the last hour; waited, took: half of those and 99 % of them at most"
        )?;
    }
    Ok(Exit::Done)
}

/// At most how long half of them took, and 99 %.
fn halves(times: &Times) -> String {
    let shown = |percent| Some(brief(times.percentile(percent)?));
    let (half, most) = (shown(50), shown(99));
    half.zip(most)
        .map_or_else(|| "-".to_owned(), |(half, most)| format!("{half}/{most}"))
}
