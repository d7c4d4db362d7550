//! `doorbuster import`.

use std::io::Write;
use std::path::PathBuf;

use clap::ValueEnum;

use super::exit::{Exit, UsageError};
use crate::config::Config;
use crate::products::money::Currency;

const EXAMPLES: &str = "\
Examples:
  doorbuster import products_export.csv
  doorbuster import --dry-run --on-error skip products_export.csv
  doorbuster import --format mapped --map samples/mappings/dummyjson.toml products.json
  zstdcat feed.xml.zst | doorbuster import --format google-feed --default-currency EUR -

The exit code is 2 where rows were skipped.";

/// Read products from files into the catalogue, one transaction a file
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files to read, plain or .gz or .zst; - is standard input
    #[arg(value_name = "FILE", default_value = "-")]
    pub files: Vec<PathBuf>,
    /// What the files hold; auto looks into each
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Read any JSON, JSON Lines, YAML or CSV by this mapping (implies --format mapped)
    #[arg(long, value_name = "MAP.toml", required_if_eq("format", "mapped"))]
    pub map: Option<PathBuf>,
    /// What a wrong row does: stop leaves the catalogue untouched, skip goes on without the row
    #[arg(long, value_name = "ACTION", value_enum, default_value_t)]
    pub on_error: OnError,
    /// Read and check everything, then roll back
    #[arg(long)]
    pub dry_run: bool,
    /// Delete the products that the file does not contain
    #[arg(long)]
    pub delete_missing: bool,
    /// Currency of amounts that are given without one
    #[arg(long, value_name = "CODE", default_value = "USD", value_parser = Currency::parse)]
    pub default_currency: Currency,
    /// End with a summary as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A value of `--format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tell by the content
    #[default]
    Auto,
    /// One JSON object a line, as `export` writes it
    Jsonl,
    /// Shopify's product export
    ShopifyCsv,
    /// Google Merchant feed, XML or TSV
    GoogleFeed,
    /// Whatever --map says
    Mapped,
}

/// A value of `--on-error`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum OnError {
    /// Stop and leave the catalogue as it was
    #[default]
    Stop,
    /// Leave out the row, report it and exit with 2
    Skip,
}

impl Args {
    /// The format to read: what `--format` says, or [`Format::Mapped`] where there is a mapping. A
    /// mapping beside another format is refused.
    pub fn resolved_format(&self) -> Result<Format, UsageError> {
        match (self.format, &self.map) {
            (format, None) => Ok(format),
            (Format::Auto | Format::Mapped, Some(_)) => Ok(Format::Mapped),
            (Format::Jsonl | Format::ShopifyCsv | Format::GoogleFeed, Some(_)) => Err(UsageError(
                "--map needs --format mapped; leave out one of them".to_owned(),
            )),
        }
    }
}

/// Imports each file and prints a summary.
pub fn run(_args: &Args, _config: &Config, _out: &mut dyn Write) -> anyhow::Result<Exit> {
    anyhow::bail!("not built yet")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn parse(line: &str) -> Args {
        Line::try_parse_from(line.split(' ')).unwrap().args
    }

    #[test]
    fn without_arguments_it_reads_standard_input_whatever_that_is() {
        let args = parse("import");
        assert_eq!(args.files, [PathBuf::from("-")]);
        assert_eq!(args.resolved_format(), Ok(Format::Auto));
        assert_eq!(
            (args.on_error, args.default_currency.code()),
            (OnError::Stop, "USD")
        );
    }

    #[test]
    fn a_mapping_decides_the_format() {
        assert_eq!(
            parse("import --map m.toml a").resolved_format(),
            Ok(Format::Mapped)
        );
        let args = parse("import --map m.toml --format jsonl a");
        assert!(
            args.resolved_format()
                .unwrap_err()
                .0
                .contains("--format mapped")
        );
        assert!(Line::try_parse_from(["import", "--format", "mapped"]).is_err());
    }

    #[test]
    fn a_currency_has_to_exist() {
        assert_eq!(
            parse("import --default-currency JPY")
                .default_currency
                .exponent(),
            0
        );
        assert!(Line::try_parse_from(["import", "--default-currency", "XXQ"]).is_err());
    }
}
