//! `doorbuster export`.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum;
use serde_json::json;

use super::exit::Exit;
use crate::app;
use crate::config::Config;
use crate::products::export::Exporter;
use crate::products::export::google::{GoogleRss, Shop};
use crate::products::export::jsonl::JsonlExporter;
use crate::products::export::shopify::ShopifyCsv;
use crate::products::store::CatalogStore;

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
    /// Address of the shop, for the links of a Google feed
    #[arg(long, value_name = "URL", default_value = "https://shop.example")]
    pub shop_url: String,
    /// Name of the shop, for a Google feed
    #[arg(long, value_name = "NAME", default_value = "Shop")]
    pub shop_title: String,
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

impl Args {
    fn shop(&self) -> Shop {
        Shop {
            title: self.shop_title.clone(),
            url: self.shop_url.clone(),
        }
    }
}

/// Writes every product that is not deleted, in order of id.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let store = app::open_existing_catalog(config)?.with_context(|| {
        let url = &config.catalog.url;
        format!("there is no catalogue at {url}; name one with --data-dir or --catalog-url")
    })?;
    let started = Instant::now();
    let to_stdout = args.file.as_os_str() == "-";
    let products = if to_stdout {
        write_all(store.as_store(), args, out)?
    } else {
        write_file(store.as_store(), args)?
    };
    let seconds = started.elapsed().as_secs_f64();
    let summary = if args.json {
        let seconds = (seconds * 1000.0).round() / 1000.0;
        json!({ "products": products, "seconds": seconds }).to_string()
    } else {
        format!("{products} products exported in {seconds:.2} s")
    };
    if to_stdout {
        // The products are the output; what is said about them must not mix in.
        writeln!(io::stderr(), "{summary}")?;
    } else {
        writeln!(out, "{summary}")?;
    }
    Ok(Exit::Done)
}

/// Writes beside the file and renames, so that a failure leaves no half of one, and an old one whole.
fn write_file(store: &dyn CatalogStore, args: &Args) -> anyhow::Result<u64> {
    let named = || format!("cannot write {}", args.file.display());
    let folder = match args.file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut unfinished = tempfile::Builder::new()
        .prefix(".doorbuster-export-")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder)
        .with_context(named)?;
    let products = write_all(store, args, &mut BufWriter::new(unfinished.as_file_mut()))
        .with_context(named)?;
    unfinished
        .persist(&args.file)
        .map_err(|error| error.error)
        .with_context(named)?;
    Ok(products)
}

fn write_all(store: &dyn CatalogStore, args: &Args, out: &mut dyn Write) -> anyhow::Result<u64> {
    let mut exporter: Box<dyn Exporter + '_> = match args.format {
        Format::Jsonl => Box::new(JsonlExporter::new(&mut *out)),
        Format::ShopifyCsv => Box::new(ShopifyCsv::new(&mut *out)),
        Format::GoogleFeed => Box::new(GoogleRss::new(&mut *out, args.shop())),
    };
    let mut products = 0;
    let mut written = Ok(());
    store.for_each_product(&mut |product| {
        written = exporter.product(&product);
        products += u64::from(written.is_ok());
        written.is_ok()
    })?;
    written?;
    exporter.finish()?;
    drop(exporter);
    out.flush()?;
    Ok(products)
}
