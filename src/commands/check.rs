//! `doorbuster check`.

mod catalog;
mod reachability;
mod report;

use std::io::Write;

use super::exit::Exit;
use super::flags::ListenFlags;
use super::help;
use crate::config::{Config, ConfigErrors};

pub use catalog::catalog_status;
pub(super) use reachability::directory_status;

const EXAMPLES: &str = "\
Examples:
  doorbuster check --config /etc/doorbuster.toml
  doorbuster check --json | jq '.settings[] | select(.source != \"default\")'

The exit code is 64 where anything is wrong. Addresses that a running server listens on are taken.";

/// Check the configuration and what it names, and show each setting and where it comes from
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help::long(EXAMPLES))]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// Where `serve` would listen.
    #[command(flatten)]
    pub listen: ListenFlags,
}

/// Reports on a configuration, be it valid or not. Leaves nothing behind: no file, no directory, no
/// socket.
pub fn run(
    args: &Args,
    config: Result<Config, ConfigErrors>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let config = match config {
        Ok(config) => config,
        Err(errors) => {
            if args.json {
                report::invalid(&errors).write_json(out)?;
                return Ok(Exit::Usage);
            }
            return Err(errors.into());
        }
    };
    let probes = reachability::probe(&config);
    let report = report::valid(&config, &probes);
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(if report.ok { Exit::Done } else { Exit::Usage })
}
