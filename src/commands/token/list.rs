//! `doorbuster token list`.

use std::io::Write;

use serde_json::{Value, json};

use super::object;
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::tokens::{TokenRecord, TokenStore};

const EXAMPLES: &str = "\
Examples:
  doorbuster token list
  doorbuster token list --json | jq '.tokens[] | select(.state == \"active\") | .name'";

/// Show every token with its state, never its secret
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    store: Option<&TokenStore>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let records = store.map(TokenStore::list).transpose()?.unwrap_or_default();
    if args.json {
        let tokens: Vec<Value> = records.iter().map(object).collect();
        writeln!(out, "{}", json!({ "tokens": tokens }))?;
    } else {
        write!(out, "{}", table(&records))?;
    }
    Ok(Exit::Done)
}

fn table(records: &[TokenRecord]) -> Table<7> {
    let mut table = Table::default();
    table.row([
        "id",
        "name",
        "state",
        "scopes",
        "created",
        "expires",
        "last used",
    ]);
    for record in records {
        let or = |time: &Option<String>, word: &str| time.clone().unwrap_or(word.to_owned());
        table.row([
            record.id.to_string(),
            record.name.clone(),
            record.state().to_owned(),
            record.scopes.to_string(),
            record.created_at.clone(),
            or(&record.expires_at, "never"),
            or(&record.last_used_at, "never"),
        ]);
    }
    table
}
