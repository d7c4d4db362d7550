//! `doorbuster jobs stats`.

use std::io::Write;

use serde_json::json;

use super::Jobs;
use super::times::span;
use crate::commands::exit::Exit;
use crate::commands::table::Table;

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs stats
  doorbuster jobs stats --json | jq '.kinds[] | select(.dead > 0) | .kind'";

/// Show how the jobs of each kind stand
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, jobs: &Jobs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let stats = jobs.runtime.block_on(jobs.store.stats())?;
    if args.json {
        writeln!(out, "{}", json!({ "kinds": stats }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::<7>::default();
    table.row([
        "kind",
        "ready",
        "oldest",
        "scheduled",
        "running",
        "dead",
        "",
    ]);
    for kind in &stats {
        table.row([
            kind.kind.clone(),
            kind.ready.to_string(),
            span(kind.oldest_ready_ms),
            kind.scheduled.to_string(),
            kind.running.to_string(),
            kind.dead.to_string(),
            if kind.is_paused { "paused" } else { "" }.to_owned(),
        ]);
    }
    write!(out, "{table}")?;
    if stats.is_empty() {
        writeln!(
            out,
            "nothing is to be done, and nothing is dead; what was done: doorbuster jobs list"
        )?;
    }
    Ok(Exit::Done)
}
