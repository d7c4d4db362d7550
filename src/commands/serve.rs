//! `doorbuster serve`.

use std::io::Write;

use super::exit::Exit;
use super::flags::ListenFlags;
use super::help;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster serve --demo
  doorbuster serve --listen 0.0.0.0:8080 --data-dir /var/lib/doorbuster
  DOORBUSTER_CACHE_L1_BYTES=1GiB doorbuster serve --config /etc/doorbuster.toml";

/// Answer HTTP requests for products until SIGTERM or SIGINT
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help::long(EXAMPLES))]
pub struct Args {
    /// Fill an empty catalogue with 1,000 invented products first
    #[arg(long)]
    pub demo: bool,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenFlags,
}

/// Serves until it is told to stop.
pub fn run(_args: &Args, _config: &Config, _out: &mut dyn Write) -> anyhow::Result<Exit> {
    anyhow::bail!("not built yet")
}
