//! `doorbuster version`.

use std::io::Write;

use serde::Serialize;

use super::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  doorbuster version
  doorbuster version --json | jq -r .sqlite";

/// Show the version of the program and of the database it carries
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Versions {
    version: &'static str,
    /// Set by whoever builds a release; a build script that asked git would run on every build.
    commit: Option<&'static str>,
    sqlite: &'static str,
}

/// Prints the versions.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let versions = Versions {
        version: env!("CARGO_PKG_VERSION"),
        commit: option_env!("DOORBUSTER_COMMIT"),
        sqlite: rusqlite::version(),
    };
    if args.json {
        serde_json::to_writer(&mut *out, &versions)?;
        writeln!(out)?;
    } else {
        writeln!(out, "doorbuster {}", versions.version)?;
        if let Some(commit) = versions.commit {
            writeln!(out, "commit {commit}")?;
        }
        writeln!(out, "SQLite {}", versions.sqlite)?;
    }
    Ok(Exit::Done)
}
