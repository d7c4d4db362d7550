//! `doorbuster openapi`.

use std::io::Write;

use super::exit::Exit;
use crate::http::openapi;

const EXAMPLES: &str = "\
Examples:
  doorbuster openapi > openapi.json
  doorbuster openapi | jq '.paths | keys'";

/// Print the description of the HTTP API (OpenAPI 3.1, JSON)
///
/// It is what a running server answers at /openapi.json.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {}

/// Prints it.
pub fn run(_args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    out.write_all(openapi::json().as_bytes())?;
    Ok(Exit::Done)
}
