//! `doorbuster migrate`.

use std::io::Write;

use super::exit::Exit;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster migrate
  doorbuster migrate --catalog-url sqlite:/var/lib/doorbuster/catalog.db --json";

/// Bring the catalogue's schema up to this version; `serve` and `import` do so by themselves
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print what was done as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Applies the migrations that are missing.
pub fn run(_args: &Args, _config: &Config, _out: &mut dyn Write) -> anyhow::Result<Exit> {
    anyhow::bail!("not built yet")
}
