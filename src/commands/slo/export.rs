//! `doorbuster slo export`.

use std::io::Write;

use clap::ValueEnum;

use crate::commands::exit::Exit;
use crate::config::Config;
use crate::slo::export;

const EXAMPLES: &str = "\
Examples:
  doorbuster slo export --format prometheus > /etc/prometheus/doorbuster-slo.yml
  doorbuster slo export --format openslo > doorbuster.openslo.yml";

/// Write the objectives down for others
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// For whom
    #[arg(long, value_enum)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// Recording and alerting rules of Prometheus, for a whole fleet
    Prometheus,
    /// Documents of `OpenSLO` v1
    Openslo,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let objectives = &config.slo.objectives;
    let text = match args.format {
        Format::Prometheus => export::prometheus(objectives),
        Format::Openslo => export::openslo(objectives),
    };
    write!(out, "{text}")?;
    Ok(Exit::Done)
}
