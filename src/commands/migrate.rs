//! `doorbuster migrate`.

use std::io::Write;

use serde_json::json;

use super::exit::Exit;
use crate::app;
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
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let report = app::migrate(config)?;
    if args.json {
        let report = json!({ "applied": report.applied, "version": report.version });
        writeln!(out, "{report}")?;
        return Ok(Exit::Done);
    }
    for migration in &report.applied {
        writeln!(out, "applied {migration}")?;
    }
    writeln!(out, "schema version {}", report.version)?;
    Ok(Exit::Done)
}
