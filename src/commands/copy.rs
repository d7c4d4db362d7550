//! `doorbuster copy`.

use std::io::Write;
use std::time::Instant;

use anyhow::anyhow;
use serde_json::{Map, json};

use super::exit::{Exit, UsageError};
use crate::app;
use crate::config::{CatalogUrl, Config};

const EXAMPLES: &str = "\
Examples:
  doorbuster copy --from sqlite:/var/lib/doorbuster/catalog.db --to postgres://shop@db/shop
  doorbuster copy --from postgres://shop@db/shop --to sqlite:backup.db --json

Copies one moment of the source; what is written to it meanwhile is left out, so stop writing first.";

/// Copy a whole catalogue into an empty one, of whichever store: products with their ids and versions, deleted ones
/// too, stock, reviews, tokens
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The catalogue to copy
    #[arg(long, value_name = "URL")]
    pub from: CatalogUrl,
    /// Where to; created where there is none
    #[arg(long, value_name = "URL")]
    pub to: CatalogUrl,
    /// Print what was copied as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// Copies, and prints how many rows of each table.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if args.from == args.to {
        let reason = "--from and --to name the same catalogue; name another one to copy into";
        return Err(UsageError(reason.to_owned()).into());
    }
    let started = Instant::now();
    let at = |url: &CatalogUrl| {
        let mut config = config.clone();
        config.catalog.url = url.clone();
        config
    };
    let from = app::open_existing_catalog(&at(&args.from))?;
    let from = from.ok_or_else(|| anyhow!("there is no catalogue at {}", args.from))?;
    let to = app::open_catalog(&at(&args.to))?;
    let counts = app::copy_catalog(&from, &to)?;
    if args.json {
        let rows = counts
            .iter()
            .map(|(table, rows)| ((*table).to_owned(), json!(rows)));
        let rows: Map<_, _> = rows.collect();
        let seconds = started.elapsed().as_secs_f64();
        writeln!(out, "{}", json!({ "rows": rows, "seconds": seconds }))?;
        return Ok(Exit::Done);
    }
    for (table, rows) in counts {
        writeln!(out, "{rows:>10} {table}")?;
    }
    Ok(Exit::Done)
}
