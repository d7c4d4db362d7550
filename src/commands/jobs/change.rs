//! `doorbuster jobs retry`, `cancel`, `purge`, `pause` and `resume`.

use std::io::Write;

use serde_json::json;

use super::{Jobs, SelectionFlags};
use crate::commands::exit::{Exit, UsageError};
use crate::jobs::Selection;

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs retry 4711 4712
  doorbuster jobs retry --kind review.moderate --state dead
  doorbuster jobs cancel --kind review.moderate --state scheduled
  doorbuster jobs purge --state done";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    selection: SelectionFlags,
    /// All jobs, whatever their kind and state
    #[arg(long, conflicts_with_all = ["ids", "kind", "state"])]
    all: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  doorbuster jobs pause rating.refresh\n  doorbuster jobs resume rating.refresh"
)]
pub(super) struct KindArgs {
    /// Kind of the jobs, such as review.moderate
    #[arg(value_name = "KIND")]
    kind: String,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// What becomes of jobs.
#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Retry,
    Cancel,
    Purge,
}

pub(super) fn run(
    args: &Args,
    jobs: &Jobs,
    change: Change,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let selection = args.selection.selection();
    if selection == Selection::default() && !args.all {
        return Err(
            UsageError("name jobs, their kind or their state, or say --all".to_owned()).into(),
        );
    }
    let changed = jobs.runtime.block_on(async {
        match change {
            Change::Retry => jobs.store.retry(selection).await,
            Change::Cancel => jobs.store.cancel(selection).await,
            Change::Purge => jobs.store.purge(selection).await,
        }
    })?;
    let word = match change {
        Change::Retry => "to be done again",
        Change::Cancel => "cancelled",
        Change::Purge => "removed",
    };
    if args.json {
        writeln!(out, "{}", json!({ "jobs": changed }))?;
    } else {
        writeln!(out, "{changed} {word}")?;
    }
    Ok(Exit::Done)
}

pub(super) fn pause(
    args: &KindArgs,
    jobs: &Jobs,
    is_paused: bool,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let pause = jobs.store.pause(args.kind.clone(), is_paused);
    jobs.runtime.block_on(pause)?;
    if args.json {
        writeln!(
            out,
            "{}",
            json!({ "kind": args.kind, "is_paused": is_paused })
        )?;
    } else {
        let word = if is_paused { "paused" } else { "resumed" };
        writeln!(out, "{word} {}", args.kind)?;
    }
    Ok(Exit::Done)
}
