//! `doorbuster pm import`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Context;
use crate::commands::exit::Exit;
use crate::supervisor::import as translate;

/// Print a process file made of PM2's ecosystem.config.json
#[derive(clap::Args)]
pub(super) struct Import {
    /// The file of PM2
    file: PathBuf,
}

/// What has to be looked at goes to standard error, and makes the exit code 2.
pub(super) fn import(args: &Import, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let text = fs::read_to_string(&args.file)
        .with_context(|| format!("cannot read {}", args.file.display()))?;
    let imported = translate(&text)?;
    write!(context.out, "{}", imported.text)?;
    context.out.flush()?;
    for warning in &imported.warnings {
        let _ = std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{warning}\n"));
    }
    Ok(if imported.warnings.is_empty() {
        Exit::Done
    } else {
        Exit::Partial
    })
}
