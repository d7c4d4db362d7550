//! `doorbuster completions`.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::exit::Exit;

const EXAMPLES: &str = "\
Examples:
  doorbuster completions bash > /etc/bash_completion.d/doorbuster
  doorbuster completions zsh > ~/.zfunc/_doorbuster
  doorbuster completions fish > ~/.config/fish/completions/doorbuster.fish";

/// Print a script that completes this command line in a shell
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The shell
    pub shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    // `generate` panics where a write fails, so it writes to memory.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "doorbuster", &mut script);
    out.write_all(&script)?;
    Ok(Exit::Done)
}
