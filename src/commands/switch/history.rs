//! `doorbuster flags history`.

use std::io::Write;

use serde_json::{Value, json};

use super::existing;
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::config::Config;
use crate::flags::{Definition, FlagStore, Said};

const EXAMPLES: &str = "\
Examples:
  doorbuster flags history
  doorbuster flags history recommendations --limit 5";

/// Show who said what of flags, when, why and until when, the newest first
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Of one flag alone
    #[arg(value_name = "KEY")]
    key: Option<String>,
    /// Lines at most
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let limit = usize::from(args.limit);
    let history = |store: FlagStore| store.history(args.key.as_deref(), limit);
    let words = existing(config)?
        .map(history)
        .transpose()?
        .unwrap_or_default();
    if args.json {
        let words: Vec<Value> = words.iter().map(Said::to_json).collect();
        writeln!(out, "{}", json!({ "history": words }))?;
        return Ok(Exit::Done);
    }
    let mut table = Table::default();
    table.row(["when", "flag", "value", "who", "until", "why"]);
    for word in words {
        let definition = word.definition.as_deref();
        let value = definition.map_or("taken back".to_owned(), |text| variant(&word.key, text));
        table.row([
            word.set_at,
            word.key,
            value,
            word.set_by,
            word.expires_at.unwrap_or("-".to_owned()),
            word.reason,
        ]);
    }
    write!(out, "{table}")?;
    Ok(Exit::Done)
}

fn variant(key: &str, text: &str) -> String {
    let definition = serde_json::from_str(text).ok();
    let definition = definition.and_then(|it: Value| Definition::parse(key, &it).ok());
    let variant = definition.and_then(|it| it.default_variant().map(str::to_owned));
    variant.unwrap_or("-".to_owned())
}
