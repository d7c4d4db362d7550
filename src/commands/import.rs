//! `doorbuster import`.

mod progress;
mod summary;

use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;

use super::exit::{Exit, UsageError};
use crate::app;
use crate::config::Config;
use crate::products::import;
use crate::products::import::detect::{DetectError, detect};
use crate::products::import::mapped::Mapping;
use crate::products::import::run::{self, Event, Options, Report};
use crate::products::import::source::Source;
use crate::products::money::Currency;
use crate::products::store::CatalogStore;
use progress::Progress;
use summary::Summary;

const EXAMPLES: &str = "\
Examples:
  doorbuster import samples/shopify-products.csv
  doorbuster import --dry-run --on-error skip samples/shopify-products.csv samples/google-feed.xml
  doorbuster import samples/posters.json --map samples/mappings/posters.toml
  gzip -c samples/shopify-products.csv | doorbuster import --default-currency EUR --json -

Each file is a transaction of its own: where one fails, those before it stay imported.
The exit code is 0 when all was done, 1 when an import failed, 2 when rows were skipped or
something was warned about, and 64 for a wrong command line or mapping. How to write a
mapping is told in samples/mappings/README.md.";

/// Read products from files into the catalogue, one transaction a file
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Files to read, plain or compressed by gzip, zstd or zip; - is standard input
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

/// Imports each file and prints a summary. Files before one that fails stay imported, and the summary tells
/// of them.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let format = args.resolved_format()?;
    if args.delete_missing && args.files.len() > 1 {
        let reason = "--delete-missing takes one file: each file would delete what the others hold";
        return Err(UsageError(reason.to_owned()).into());
    }
    let mapping = args.map.as_deref().map(read_mapping).transpose()?;
    // A dry run leaves nothing behind, not even an empty catalogue.
    let scratch = tempfile::tempdir().context("no room for temporary files")?;
    let store = match app::open_existing_catalog(config)? {
        Some(store) => store,
        None if args.dry_run => app::open_sqlite(&scratch.path().join("catalog.db"))?,
        None => app::open_catalog(config)?,
    };
    let mut summary = Summary::start(args.dry_run);
    for (done, file) in args.files.iter().enumerate() {
        let report = Source::open(file).map_err(Into::into).and_then(|source| {
            import_file(args, format, mapping.as_ref(), source, store.as_store())
        });
        match report {
            Ok(report) => summary.add(&report),
            Err(error) if done > 0 => {
                summary.print(args.json, out)?;
                return Err(error.context(format!(
                    "stopped after {done} of {} files",
                    args.files.len()
                )));
            }
            Err(error) => return Err(error),
        }
    }
    // Copies what is still in the log into the database file: part of the time it took.
    drop(store);
    summary.print(args.json, out)?;
    Ok(summary.exit())
}

fn read_mapping(path: &Path) -> anyhow::Result<Mapping> {
    let named = || format!("cannot use the mapping {}", path.display());
    let text = read_text(path)
        .map_err(|error| UsageError(error.to_string()))
        .with_context(named)?;
    Mapping::parse(&text)
        .map_err(|error| UsageError(error.to_string()))
        .with_context(named)
}

/// The text of a small file: a path named by mistake may be endless, such as a device.
fn read_text(path: &Path) -> io::Result<String> {
    const LIMIT: u64 = 1024 * 1024;
    let mut text = String::new();
    File::open(path)?
        .take(LIMIT + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > LIMIT {
        let reason = format!("more than {LIMIT} bytes; a mapping is a short TOML file");
        return Err(io::Error::other(reason));
    }
    Ok(text)
}

fn import_file(
    args: &Args,
    format: Format,
    mapping: Option<&Mapping>,
    mut source: Source,
    store: &dyn CatalogStore,
) -> anyhow::Result<Report> {
    let name = source.name().to_owned();
    let format = match (format, mapping) {
        (Format::Jsonl, _) => import::Format::Jsonl,
        (Format::ShopifyCsv, _) => import::Format::ShopifyCsv,
        (Format::GoogleFeed, _) => import::Format::GoogleFeed,
        (Format::Mapped, Some(mapping)) => import::Format::Mapped(Box::new(mapping.clone())),
        (Format::Auto | Format::Mapped, _) => {
            let head = source.head().with_context(|| name.clone())?;
            detect(head).map_err(|error| match error {
                DetectError::Empty => anyhow!("{name}: {error}"),
                DetectError::NeedsMapping { .. } => UsageError(format!("{name}: {error}")).into(),
            })?
        }
    };
    let options = Options {
        on_error: match args.on_error {
            OnError::Stop => run::OnError::Stop,
            OnError::Skip => run::OnError::Skip,
        },
        dry_run: args.dry_run,
        delete_missing: args.delete_missing,
    };
    let progress = Progress::start(&source);
    let read_options = import::ReadOptions {
        default_currency: args.default_currency,
    };
    let records = import::records(source.into_text(), format, read_options);
    let outcome = run::run(store, records, options, &mut |event| match event {
        Event::Progress(products) => progress.at(products),
        Event::Skipped(error) => progress.say(&format!("skipped: {name}: {error}")),
        Event::Warning(text) => progress.say(&format!("warning: {name}: {text}")),
    });
    progress.finish();
    outcome.with_context(|| name)
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
