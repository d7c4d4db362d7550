//! `doorbuster flags get`.

use std::io::Write;

use super::{at_rest, object, tell_trouble, unknown, value};
use crate::commands::exit::Exit;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster flags get recommendations
  doorbuster flags get banner --json | jq .definition > banner.json";

/// Show one flag: its value in a word
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Of the flag
    #[arg(value_name = "KEY")]
    key: String,
    /// Print one JSON object, with the definition
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let flags = at_rest(config);
    let in_force = flags.in_force();
    let entry = in_force
        .get(&args.key)
        .ok_or_else(|| unknown(&in_force, &args.key))?;
    if args.json {
        writeln!(out, "{}", object(&args.key, entry))?;
    } else {
        writeln!(out, "{}", value(entry))?;
    }
    Ok(if tell_trouble(&flags) {
        Exit::Partial
    } else {
        Exit::Done
    })
}
