//! `doorbuster jobs list`.

use std::io::Write;

use serde_json::json;

use super::times::{shown, shown_or};
use super::{Jobs, SelectionFlags};
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::jobs::JobRecord;

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs list
  doorbuster jobs list --kind review.moderate --state dead --limit 1000
  doorbuster jobs list --json | jq '.jobs[].errors'";

/// Show jobs, the newest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    selection: SelectionFlags,
    /// At most so many
    #[arg(long, value_name = "NUMBER", default_value_t = 50)]
    limit: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, jobs: &Jobs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let selection = args.selection.selection();
    let listed = jobs
        .runtime
        .block_on(jobs.store.list(selection, args.limit))?;
    if args.json {
        writeln!(out, "{}", json!({ "jobs": listed }))?;
    } else {
        write!(out, "{}", table(&listed))?;
    }
    Ok(Exit::Done)
}

fn table(jobs: &[JobRecord]) -> Table<7> {
    let mut table = Table::default();
    table.row([
        "id",
        "kind",
        "state",
        "attempt",
        "run at",
        "ended",
        "last error",
    ]);
    for job in jobs {
        let errors = job.errors.as_array();
        let error = errors.and_then(|errors| errors.last()?["error"].as_str());
        table.row([
            job.id.to_string(),
            job.kind.clone(),
            job.state.as_str().to_owned(),
            format!("{}/{}", job.attempt, job.max_attempts),
            shown(job.run_at),
            shown_or(job.ended_at, "-"),
            error
                .unwrap_or("-")
                .lines()
                .next()
                .unwrap_or_default()
                .to_owned(),
        ]);
    }
    table
}
