//! The command line: one subcommand a file, each an `Args` struct and a function
//! `run(&Args, &Config, &mut dyn Write) -> anyhow::Result<Exit>`.
//!
//! Commands write their results to the writer they are given, never to stdout itself, so that
//! `doorbuster export | head` ends quietly when `head` has seen enough. Logs and progress go to stderr.

#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod cache;
pub mod check;
pub mod completions;
pub mod copy;
mod credentials;
pub mod doctor;
pub mod exit;
pub mod export;
pub mod flags;
mod help;
pub mod import;
pub mod jobs;
pub mod migrate;
mod nodes;
pub mod openapi;
mod output;
pub mod pm;
pub mod prove;
pub mod serve;
pub mod slo;
pub mod switch;
mod table;
#[cfg(test)]
mod tests;
pub mod token;
pub mod version;
pub mod webhooks;
pub mod work;

use std::ffi::OsString;
use std::io::{self, Write};

use clap::{Parser, Subcommand};

use crate::config::{Config, ConfigErrors, Sources};
use crate::telemetry;
use exit::Exit;
use flags::{ConfigFlags, ListenFlags};
use output::Output;

/// Serves a shop's product catalogue
#[derive(Parser)]
#[command(
    name = "doorbuster",
    version,
    max_term_width = 100,
    after_help = help::EXAMPLES,
    after_long_help = help::long(help::EXAMPLES),
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub config: ConfigFlags,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Subcommand)]
#[expect(missing_docs, reason = "each variant's arguments say what it does")]
pub enum Command {
    Serve(serve::Args),
    Import(import::Args),
    Export(export::Args),
    Copy(copy::Args),
    Migrate(migrate::Args),
    Token(token::Args),
    Check(check::Args),
    Doctor(doctor::Args),
    Cache(cache::Args),
    Flags(switch::Args),
    Jobs(jobs::Args),
    Slo(slo::Args),
    Work(work::Args),
    Webhooks(webhooks::Args),
    Prove(prove::Args),
    Pm(pm::Args),
    Openapi(openapi::Args),
    Version(version::Args),
    Completions(completions::Args),
}

/// The whole program: parses `arguments` (the program's name first), runs the command and says on
/// stderr what failed.
pub fn main(
    arguments: impl IntoIterator<Item = OsString>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nobody is left to tell when the stream is closed.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Done
            };
        }
    };
    let sources = Sources::default().with_environment(environment);
    execute(&cli, &sources, &mut io::stdout(), &mut io::stderr())
}

/// Runs a command line that has been parsed.
fn execute(cli: &Cli, sources: &Sources, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Exit {
    let mut output = Output::new(stdout);
    let result = dispatch(cli, sources, &mut output).and_then(|exit| {
        output.flush()?;
        Ok(exit)
    });
    match result {
        Ok(exit) => exit,
        // The reader of a pipe has seen enough: that is its right, and no failure of ours.
        Err(_) if output.is_closed() => Exit::Done,
        Err(error) => {
            let _ = exit::report(&error, stderr);
            Exit::of(&error)
        }
    }
}

fn dispatch(cli: &Cli, sources: &Sources, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let load = |listen: &ListenFlags| -> Result<Config, ConfigErrors> {
        // Once more for each time, since a file may have changed.
        Config::load(&cli.config.add_to(listen.add_to(sources.clone()))?)
    };
    let no_listen = ListenFlags::default();
    match &cli.command {
        Command::Serve(args) => {
            let load = || load(&args.listen);
            with_logs(&load()?, |config| serve::run(args, config, &load))
        }
        Command::Import(args) => {
            with_logs(&load(&no_listen)?, |config| import::run(args, config, out))
        }
        Command::Export(args) => {
            with_logs(&load(&no_listen)?, |config| export::run(args, config, out))
        }
        Command::Copy(args) => with_logs(&load(&no_listen)?, |config| copy::run(args, config, out)),
        Command::Migrate(args) => {
            with_logs(&load(&no_listen)?, |config| migrate::run(args, config, out))
        }
        Command::Token(args) => {
            with_logs(&load(&no_listen)?, |config| token::run(args, config, out))
        }
        Command::Cache(args) => {
            with_logs(&load(&no_listen)?, |config| cache::run(args, config, out))
        }
        Command::Flags(args) => {
            with_logs(&load(&no_listen)?, |config| switch::run(args, config, out))
        }
        Command::Jobs(args) => with_logs(&load(&no_listen)?, |config| jobs::run(args, config, out)),
        Command::Slo(args) => with_logs(&load(&no_listen)?, |config| slo::run(args, config, out)),
        Command::Work(args) => {
            let load = || load(&no_listen);
            with_logs(&load()?, |config| work::run(args, config, &load))
        }
        Command::Webhooks(args) => with_logs(&load(&no_listen)?, |config| {
            webhooks::run(args, config, out)
        }),
        Command::Prove(args) => {
            with_logs(&load(&no_listen)?, |config| prove::run(args, config, out))
        }
        Command::Doctor(args) => {
            with_logs(&load(&no_listen)?, |config| doctor::run(args, config, out))
        }
        Command::Check(args) => check::run(args, load(&args.listen), out),
        Command::Pm(args) => pm::run(args, out),
        Command::Openapi(args) => openapi::run(args, out),
        Command::Version(args) => version::run(args, out),
        Command::Completions(args) => completions::run(args, out),
    }
}

fn with_logs(
    config: &Config,
    command: impl FnOnce(&Config) -> anyhow::Result<Exit>,
) -> anyhow::Result<Exit> {
    let _logs = telemetry::install(&config.telemetry)?;
    command(config)
}
