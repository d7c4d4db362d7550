//! `doorbuster token new`.

use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;

use super::object;
use crate::commands::exit::Exit;
use crate::config::parse_duration;
use crate::tokens::{NewToken, Scope, Token, TokenStore};

const EXAMPLES: &str = "\
Examples:
  doorbuster token new --name feed --scope catalog:write,stock:write
  doorbuster token new --name agency --scope catalog:write --expires 90d --json
  TOKEN=$(doorbuster token new --name me --scope catalog:write)";

/// Longest name, in characters.
const MAX_NAME: usize = 100;

/// Make a token and print it, once: only its hash is kept
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Who or what will bear it
    #[arg(long, value_parser = name)]
    name: String,
    /// What it allows: catalog:write, stock:write, reviews:moderate, ops; several with commas
    #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPES", value_parser = scope)]
    scope: Vec<Scope>,
    /// How long it is good, such as 90d; for ever unless said
    #[arg(long, value_name = "DURATION", value_parser = lifetime)]
    expires: Option<Duration>,
    /// Print one JSON object, the token with what is known of it
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, store: &TokenStore, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let token = Token::generate().context("the system gives no random numbers")?;
    let new = NewToken {
        name: &args.name,
        scopes: args.scope.iter().copied().collect(),
        lifetime: args.expires,
    };
    let record = store
        .insert(&token, &new)
        .context("cannot keep the token")?;
    if args.json {
        let mut object = object(&record);
        object["token"] = token.reveal().into();
        writeln!(out, "{object}")?;
    } else {
        // Alone on standard output, for a shell to take.
        writeln!(out, "{}", token.reveal())?;
    }
    Ok(Exit::Done)
}

fn name(text: &str) -> Result<String, String> {
    let is_name = !text.trim().is_empty()
        && text.chars().count() <= MAX_NAME
        && !text.contains(char::is_control);
    is_name
        .then(|| text.to_owned())
        .ok_or_else(|| format!("write 1 to {MAX_NAME} characters, such as feed"))
}

fn scope(text: &str) -> Result<Scope, String> {
    Scope::parse(text).ok_or_else(|| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        format!("known are {known}")
    })
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => {
            Err("a token good for no time is of no use; write such as 90d".to_owned())
        }
        lifetime => Ok(lifetime),
    }
}
