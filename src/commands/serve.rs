//! `doorbuster serve`.

use std::io;

use anyhow::Context as _;
use tokio::signal::unix::{SignalKind, signal};

use super::exit::Exit;
use super::flags::ListenFlags;
use super::help;
use crate::app::{self, Addresses, Order};
use crate::config::{Config, ConfigErrors};
use crate::products::demo;
use crate::products::import::run::{self, OnError};
use crate::products::import::{Place, Record};
use crate::products::store::CatalogStore;
use crate::telemetry::Console;

const EXAMPLES: &str = "\
Examples:
  doorbuster serve --demo
  doorbuster serve --listen 0.0.0.0:8080 --data-dir /var/lib/doorbuster
  DOORBUSTER_CACHE_L1_BYTES=1GiB doorbuster serve --config /etc/doorbuster.toml";

const DEMO_PRODUCTS: usize = 1_000;

/// Answer HTTP requests for products until SIGTERM or SIGINT
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help::long(EXAMPLES))]
pub struct Args {
    /// Fill an empty catalogue with 1,000 invented products first, and show a shop of them at /demo
    #[arg(long)]
    pub demo: bool,
    /// Where to listen.
    #[command(flatten)]
    pub listen: ListenFlags,
}

/// Serves until it is told to stop: the first signal drains, a second one ends it at once. SIGHUP has the configuration
/// read again.
pub fn run(
    args: &Args,
    config: &Config,
    read_again: &dyn Fn() -> Result<Config, ConfigErrors>,
) -> anyhow::Result<Exit> {
    let store = app::open_catalog_to_serve(config)?;
    if args.demo {
        fill(store.as_store()).context("cannot fill the catalogue")?;
    }
    let access_log = config
        .telemetry
        .access_log
        .is_on(Console::stderr().is_terminal);
    let start = app::Start {
        access_log,
        demo_page: args.demo,
    };
    let announce = |addresses: &Addresses| announce(addresses, args.demo);
    app::serve(config, store, start, announce, signals, read_again)?;
    tracing::info!("stopped");
    Ok(Exit::Done)
}

/// Puts the demo products into an empty catalogue; leaves one with products alone.
fn fill(store: &dyn CatalogStore) -> anyhow::Result<()> {
    let mut is_empty = true;
    store.for_each_product(&mut |_| {
        is_empty = false;
        false
    })?;
    if !is_empty {
        tracing::info!("the catalogue has products; --demo adds none");
        return Ok(());
    }
    let products = demo::products(DEMO_PRODUCTS);
    let records = products.map(|product| {
        Ok(Record {
            place: Place::default(),
            product,
        })
    });
    let options = run::Options {
        on_error: OnError::Stop,
        dry_run: false,
        delete_missing: false,
    };
    let report = run::run(store, Box::new(records), options, &mut |_| {})?;
    tracing::info!(
        products = report.created,
        "filled the catalogue with a demo shop"
    );
    Ok(())
}

fn announce(addresses: &Addresses, demo_page: bool) {
    let scheme = if addresses.is_encrypted {
        "https"
    } else {
        "http"
    };
    for address in &addresses.public {
        let page = if demo_page {
            format!(", or see the shop at {scheme}://{address}/demo")
        } else {
            String::new()
        };
        tracing::info!(
            "listening on {scheme}://{address}, try: curl -i {scheme}://{address}/products/456{page}"
        );
    }
    if let Some(address) = addresses.admin {
        tracing::info!("listening for operators on http://{address}");
    }
}

/// Takes the signals over that are orders. Each call of what it returns waits for the next one of them, be it one
/// that came between two calls.
pub(super) fn signals() -> io::Result<impl AsyncFnMut() -> Order> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut quit = signal(SignalKind::quit())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move || {
        tokio::select! {
            _ = terminate.recv() => Order::Stop("SIGTERM"),
            _ = interrupt.recv() => Order::Stop("SIGINT"),
            _ = quit.recv() => Order::HandOver("SIGQUIT"),
            _ = hangup.recv() => Order::Reload("SIGHUP"),
        }
    })
}
