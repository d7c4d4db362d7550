//! `doorbuster cache`: looking into the caches of running nodes, purging and filling them.

mod purge;
mod show;
mod warm;

use std::io::Write;

use clap::Subcommand;

use super::exit::Exit;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster cache show
  doorbuster cache show 456
  doorbuster cache purge 456 7
  doorbuster cache purge --tag vendor-acme --hard
  doorbuster cache warm --top 1000";

/// Look into the caches of running nodes, purge them and fill them
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    Show(show::Args),
    Purge(purge::Args),
    Warm(warm::Args),
}

/// Does what was asked, by way of the nodes' listeners for operators.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match &args.command {
        Action::Show(args) => show::run(args, config, out),
        Action::Purge(args) => purge::run(args, config, out),
        Action::Warm(args) => warm::run(args, config, out),
    }
}
