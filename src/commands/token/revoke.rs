//! `doorbuster token revoke`.

use std::io::Write;

use super::object;
use crate::commands::exit::Exit;
use crate::tokens::{Token, TokenId, TokenRecord, TokenStore};

const EXAMPLES: &str = "\
Examples:
  doorbuster token revoke 3f9a1c0b77de
  doorbuster token revoke feed";

/// Have a token refused, by every running server within a second
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// The token, the twelve digits behind its dbt_, or its name where one active token has it
    #[arg(value_name = "ID|NAME")]
    token: String,
    /// Print what is known of the token as one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(
    args: &Args,
    store: Option<&TokenStore>,
    out: &mut dyn Write,
) -> anyhow::Result<Exit> {
    let unknown = || {
        anyhow::anyhow!(
            "token = {:?}: there is none; see `doorbuster token list`",
            shown(&args.token)
        )
    };
    let store = store.ok_or_else(unknown)?;
    let id = find(&store.list()?, &args.token)?.ok_or_else(unknown)?;
    let record = store.revoke(id)?.ok_or_else(unknown)?;
    if args.json {
        writeln!(out, "{}", object(&record))?;
    } else {
        writeln!(out, "revoked {} ({})", record.id, record.name)?;
    }
    Ok(Exit::Done)
}

/// By id, alone or with all that follows it, else by the name of one that is active.
fn find(records: &[TokenRecord], token: &str) -> anyhow::Result<Option<TokenId>> {
    let whole = Token::parse(token).map(|token| token.id());
    let id = whole.or_else(|| TokenId::parse(token.strip_prefix("dbt_").unwrap_or(token)));
    if let Some(record) = records.iter().find(|record| Some(record.id) == id) {
        return Ok(Some(record.id));
    }
    let mut named = records
        .iter()
        .filter(|record| record.name == token && record.state() == "active");
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => anyhow::bail!(
            "token = {token:?}: several active tokens have this name; give the id of one, see \
             `doorbuster token list`"
        ),
        (one, _) => Ok(one.map(|record| record.id)),
    }
}

/// A secret given by mistake is not repeated.
fn shown(token: &str) -> String {
    Token::parse(token).map_or_else(|| token.to_owned(), |token| token.id().to_string())
}
