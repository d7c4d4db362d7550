//! `doorbuster token`: making, listing and revoking bearer tokens.

mod list;
mod new;
mod revoke;

use std::io::Write;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use crate::app;
use crate::config::Config;
use crate::tokens::{Scope, Scopes, TokenRecord, TokenStore};

const EXAMPLES: &str = "\
Examples:
  doorbuster token new --name feed --scope catalog:write --expires 90d
  doorbuster token list
  doorbuster token revoke 3f9a1c0b77de";

/// Make, list and revoke the tokens that writes need
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    New(new::Args),
    List(list::Args),
    Revoke(revoke::Args),
}

/// Does what was asked with the tokens of the catalogue.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match &args.command {
        Action::New(args) => new::run(args, &app::open_catalog(config)?.tokens(), out),
        Action::List(args) => list::run(args, existing(config)?.as_ref(), out),
        Action::Revoke(args) => revoke::run(args, existing(config)?.as_ref(), out),
    }
}

/// Asking after tokens makes no catalogue.
fn existing(config: &Config) -> anyhow::Result<Option<TokenStore>> {
    let store = app::open_existing_catalog(config).context("cannot read the tokens")?;
    Ok(store.map(|store| store.tokens()))
}

fn names(scopes: Scopes) -> Vec<&'static str> {
    scopes.iter().map(Scope::as_str).collect()
}

/// A token without its secret.
fn object(record: &TokenRecord) -> Value {
    json!({
        "id": record.id.to_string(),
        "name": record.name,
        "scopes": names(record.scopes),
        "state": record.state(),
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "last_used_at": record.last_used_at,
        "revoked_at": record.revoked_at,
    })
}
