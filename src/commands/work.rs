//! `doorbuster work`.

use super::exit::Exit;
use super::help;
use super::serve::signals;
use crate::app;
use crate::config::{Config, ConfigErrors};

const EXAMPLES: &str = "\
Examples:
  doorbuster work --config /etc/doorbuster.toml
  DOORBUSTER_JOBS_SERVE=false doorbuster serve & doorbuster work

Several may run, on any hosts that reach the catalogue. SIGTERM gives jobs that are being done jobs.drain, and puts back
those that are not done by then.";

/// Do jobs, such as deciding on reviews, and nothing else
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help::long(EXAMPLES))]
pub struct Args {}

/// Does jobs until it is told to stop.
pub fn run(
    _args: &Args,
    config: &Config,
    read_again: &dyn Fn() -> Result<Config, ConfigErrors>,
) -> anyhow::Result<Exit> {
    let store = app::open_catalog(config)?;
    app::work(config, store, signals, read_again)?;
    tracing::info!("stopped");
    Ok(Exit::Done)
}
