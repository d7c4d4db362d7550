//! `doorbuster export`.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::Exit;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster export shop.jsonl
  doorbuster export --format shopify-csv shop.csv
  doorbuster export | head -1 | jq .";

/// Write the whole catalogue to a file that `import` reads
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// File to write; - is standard output
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// How to write the products
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// End with a summary as one JSON object, on stderr where the products are on standard output
    #[arg(long)]
    pub json: bool,
}

/// A value of `--format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line, with everything
    #[default]
    Jsonl,
    /// Shopify's product CSV
    ShopifyCsv,
    /// Google Merchant feed, XML
    GoogleFeed,
}

/// Writes every product.
pub fn run(_args: &Args, _config: &Config, _out: &mut dyn Write) -> anyhow::Result<Exit> {
    anyhow::bail!("not built yet")
}
