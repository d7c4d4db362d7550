//! `doorbuster jobs`: looking at the queue, and at what became of jobs.

mod change;
mod list;
mod show;
mod stats;
mod times;

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Subcommand;
use tokio::runtime::{Builder, Runtime};

use super::exit::{Exit, UsageError};
use crate::app;
use crate::config::Config;
use crate::jobs::{JobId, JobStore, Selection, State};

const EXAMPLES: &str = "\
Examples:
  doorbuster jobs stats
  doorbuster jobs list --state dead
  doorbuster jobs show 4711
  doorbuster jobs retry --kind review.moderate --state dead
  doorbuster jobs pause rating.refresh";

/// Look at the jobs of the catalogue, and retry, cancel, remove or hold them
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    List(list::Args),
    Show(show::Args),
    Stats(stats::Args),
    #[command(
        about = "Have jobs done again that were given up, and those at once that wait for their time"
    )]
    Retry(change::Args),
    #[command(about = "End jobs that wait, and stop those that are being done")]
    Cancel(change::Args),
    #[command(about = "Remove what is remembered of jobs that have ended")]
    Purge(change::Args),
    #[command(about = "Begin no more jobs of a kind, on any host")]
    Pause(change::KindArgs),
    #[command(about = "Begin jobs of a kind again")]
    Resume(change::KindArgs),
}

/// The jobs of a catalogue, for code that blocks.
struct Jobs {
    store: Arc<dyn JobStore>,
    runtime: Runtime,
}

/// Does what was asked.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let store = app::open_existing_jobs(config).context("cannot read the jobs")?;
    let store = store.ok_or_else(|| {
        UsageError("there is no catalogue yet; doorbuster migrate makes an empty one".to_owned())
    })?;
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let jobs = Jobs { store, runtime };
    match &args.command {
        Action::List(args) => list::run(args, &jobs, out),
        Action::Show(args) => show::run(args, &jobs, out),
        Action::Stats(args) => stats::run(args, &jobs, out),
        Action::Retry(args) => change::run(args, &jobs, change::Change::Retry, out),
        Action::Cancel(args) => change::run(args, &jobs, change::Change::Cancel, out),
        Action::Purge(args) => change::run(args, &jobs, change::Change::Purge, out),
        Action::Pause(args) => change::pause(args, &jobs, true, out),
        Action::Resume(args) => change::pause(args, &jobs, false, out),
    }
}

/// Which jobs.
#[derive(clap::Args)]
struct SelectionFlags {
    /// Numbers of jobs
    #[arg(value_name = "ID")]
    ids: Vec<JobId>,
    /// Jobs of this kind, such as review.moderate
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Jobs in this state: ready, scheduled, running, done, dead or cancelled
    #[arg(long, value_name = "STATE", value_parser = parse_state)]
    state: Option<State>,
}

fn parse_state(text: &str) -> Result<State, String> {
    State::parse(text).ok_or_else(|| {
        let known = State::ALL.map(State::as_str).join(", ");
        format!("not a state; known are {known}")
    })
}

impl SelectionFlags {
    fn selection(&self) -> Selection {
        Selection {
            ids: (!self.ids.is_empty()).then(|| self.ids.clone()),
            kind: self.kind.clone(),
            state: self.state,
        }
    }
}
