//! `doorbuster jobs show`.

use std::io::Write;

use super::Jobs;
use super::times::{shown, shown_or};
use crate::commands::exit::Exit;
use crate::jobs::JobId;

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs show 4711
  doorbuster jobs show 4711 --json | jq .payload";

/// Show all that is known of a job, with the history of its errors
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Its number
    #[arg(value_name = "ID")]
    id: JobId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, jobs: &Jobs, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let job = jobs.runtime.block_on(jobs.store.find(args.id))?;
    let Some(job) = job else {
        anyhow::bail!(
            "job {}: there is none, or what is remembered of it was removed; see `doorbuster jobs list`",
            args.id
        );
    };
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&job)?)?;
        return Ok(Exit::Done);
    }
    let text = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
    for (name, value) in [
        ("id", job.id.to_string()),
        ("kind", job.kind.clone()),
        ("state", job.state.as_str().to_owned()),
        (
            "attempt",
            format!("{} of {}", job.attempt, job.max_attempts),
        ),
        ("priority", job.priority.to_string()),
        ("created", shown(job.created_at)),
        ("run at", shown(job.run_at)),
        ("started", shown_or(job.started_at, "-")),
        ("ended", shown_or(job.ended_at, "-")),
        ("worker", text(&job.worker)),
        ("key", text(&job.unique_key)),
        ("trace", text(&job.trace)),
        ("payload", job.payload.to_string()),
    ] {
        writeln!(out, "{name:9} {value}")?;
    }
    for error in job.errors.as_array().into_iter().flatten() {
        let at = shown(error["at"].as_i64().unwrap_or_default());
        let text = error["error"].as_str().unwrap_or_default();
        writeln!(out, "attempt {} at {at}: {text}", error["attempt"])?;
    }
    Ok(Exit::Done)
}
