//! `doorbuster webhooks`: telling receivers again.

use std::io::Write;
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use tokio::runtime::Builder;

use super::exit::{Exit, UsageError};
use crate::app;
use crate::config::{Config, parse_duration};
use crate::products::webhooks::replay;

const EXAMPLES: &str = "\
Examples:
  doorbuster webhooks replay https://erp.example/doorbuster --since 6h";

/// Tell receivers of webhooks again what they missed
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    Replay(ReplayArgs),
}

/// Tell a receiver of every product that changed since then, and send it webhooks again if it was given up
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
struct ReplayArgs {
    /// Its address, as in webhooks.urls
    #[arg(value_name = "URL")]
    url: String,
    /// How long ago that began, such as 6h; the stream goes back for 7 days
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    since: Duration,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Does what was asked.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let Action::Replay(args) = &args.command;
    if !config.webhooks.urls.iter().any(|url| url.0 == args.url) {
        let none = format!("{:?} is none of webhooks.urls", args.url);
        return Err(UsageError(none).into());
    }
    let store = app::open_catalog(config)?.into_store();
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let told = runtime.block_on(replay(&*store, &args.url, args.since))?;
    let Some(told) = told else {
        anyhow::bail!("the stream of changes does not go back so far; ask for less");
    };
    if args.json {
        writeln!(out, "{}", json!({ "changes": told }))?;
    } else {
        writeln!(out, "{told} changes are told again")?;
    }
    Ok(Exit::Done)
}
