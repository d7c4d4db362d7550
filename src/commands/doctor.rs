//! `doorbuster doctor`: what a running fleet stands on, and what to change.

mod nodes;
mod postgres;
mod redis;
mod report;
mod system;

use std::io::Write;

use super::check::{catalog_status, directory_status};
use super::exit::Exit;
use super::nodes::NodeFlags;
use crate::config::{CatalogUrl, Config};
use report::Report;

const EXAMPLES: &str = "\
Examples:
  doorbuster doctor --config /etc/doorbuster.toml
  doorbuster doctor --json | jq '.checks[] | select(.state != \"ok\")'

Changes nothing but a key of its own in Redis, for a second. Exit code 0 where all is well, 1 where something fails, 2
where something should be changed. `check` looks at the configuration alone.";

/// Examine the catalogue's database, Redis, the nodes and this machine, and say what to change
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

/// Examines everything, whatever is wrong with the rest.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let nodes = args.nodes.nodes(config)?;
    let mut report = Report::default();
    let catalog = format!("catalogue {}", config.catalog.url);
    match catalog_status(config) {
        Ok(detail) if detail.contains("pending") => {
            report.warn(
                &catalog,
                detail,
                "run doorbuster migrate, or let serve do it",
            );
        }
        Ok(detail) => report.ok(&catalog, detail),
        Err(detail) => report.fail(&catalog, detail, "see what it says"),
    }
    if let CatalogUrl::Postgres(url) = &config.catalog.url {
        postgres::examine_primary(config, url, nodes.len(), &mut report);
    }
    for url in &config.catalog.replicas {
        postgres::examine_replica(config, url, nodes.len(), &mut report);
    }
    redis::examine(config, &mut report);
    nodes::examine(&nodes, &mut report);
    let directory = format!("data directory {}", config.server.data_dir.display());
    match directory_status(&config.server.data_dir) {
        Ok(detail) => report.ok(&directory, detail),
        Err(detail) => report.fail(&directory, detail, "let this user write there"),
    }
    system::examine(config, &mut report);
    if args.json {
        report.write_json(out)?;
    } else {
        report.write_text(out)?;
    }
    Ok(report.exit())
}
