//! Commands that have something done.

use std::io::Write;
use std::path::Path;

use super::Context;
use crate::commands::exit::Exit;
use crate::supervisor::{Definition, Reply, Request, read_process_file};

/// The process file unless another one is named.
const DEFAULT_FILE: &str = "processes.toml";

/// Run what a process file defines; returns when all are ready
#[derive(clap::Args)]
pub(super) struct Start {
    /// A process file, processes.toml unless another one is named; or the name of a process that is stopped
    #[arg(value_name = "FILE|NAME")]
    target: Option<String>,
    /// Have the overrides of this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Only the processes of these names
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,
}

/// End processes, and keep their definitions
#[derive(clap::Args)]
pub(super) struct Stop {
    /// Which; all unless some are named
    pub(super) names: Vec<String>,
}

/// End processes and start them again; connections wait meanwhile
#[derive(clap::Args)]
pub(super) struct Restart {
    /// Which; all unless some are named
    pub(super) names: Vec<String>,
}

/// Replace processes while they serve; where the new ones do not get ready, nothing changes
#[derive(clap::Args)]
pub(super) struct Reload {
    /// Which; all unless some are named. A process file is read again
    #[arg(value_name = "NAME|FILE")]
    targets: Vec<String>,
    /// Have the overrides of this environment
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
}

/// Have more or fewer instances of a process
#[derive(clap::Args)]
pub(super) struct Scale {
    /// Of which
    pub(super) name: String,
    /// How many: 3, +1 or -1
    #[arg(allow_hyphen_values = true)]
    pub(super) to: String,
}

/// End processes and forget them
#[derive(clap::Args)]
pub(super) struct Delete {
    /// Which
    #[arg(required = true)]
    pub(super) names: Vec<String>,
}

/// Empty logs
#[derive(clap::Args)]
pub(super) struct Flush {
    /// Whose; all unless some are named
    pub(super) names: Vec<String>,
}

/// Keep what runs for `resurrect`
#[derive(clap::Args)]
pub(super) struct Save {}

/// Run what was saved
#[derive(clap::Args)]
pub(super) struct Resurrect {}

/// Have the supervisor itself replaced by this version; what runs is not touched
#[derive(clap::Args)]
pub(super) struct Update {}

/// End all processes, and the supervisor
#[derive(clap::Args)]
pub(super) struct Kill {}

/// Asks a supervisor that runs.
pub(super) fn obey(request: &Request, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let reply = context.client.ask(request)?;
    tell(&reply, context.out)
}

fn is_file(target: &str) -> bool {
    Path::new(target).extension().is_some_and(|it| it == "toml") || target.contains('/')
}

pub(super) fn start(args: &Start, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let target = args.target.as_deref().unwrap_or(DEFAULT_FILE);
    if !is_file(target) {
        let names = vec![target.to_owned()];
        return obey(&Request::StartAgain { names }, context);
    }
    let mut definitions = read(target, args.env.as_deref())?;
    for name in &args.only {
        anyhow::ensure!(
            definitions.iter().any(|it| it.name == *name),
            "{target} has no process {name}"
        );
    }
    if !args.only.is_empty() {
        definitions.retain(|it| args.only.contains(&it.name));
    }
    let reply = context
        .client
        .ask_starting(&Request::Start { definitions })?;
    tell(&reply, context.out)
}

pub(super) fn reload(args: &Reload, context: &mut Context<'_>) -> anyhow::Result<Exit> {
    let mut names = Vec::new();
    let mut definitions = Vec::new();
    for target in &args.targets {
        if is_file(target) {
            definitions.extend(read(target, args.env.as_deref())?);
        } else {
            names.push(target.clone());
        }
    }
    if definitions.is_empty() {
        return obey(&Request::Reload { names }, context);
    }
    let client = context.client.clone();
    let started = client.ask(&Request::Start {
        definitions: definitions.clone(),
    })?;
    // Those that are defined as before have yet to be reloaded.
    let is_same = |it: &Definition| started.done.contains(&format!("{}: runs already", it.name));
    let same = definitions.iter().filter(|it| is_same(it));
    names.extend(same.map(|it| it.name.clone()));
    let mut reply = Reply::default();
    if !names.is_empty() {
        reply = client.ask(&Request::Reload { names })?;
    }
    let others = started
        .done
        .into_iter()
        .filter(|line| !line.ends_with(": runs already"));
    reply.done.splice(0..0, others);
    reply.failed.splice(0..0, started.failed);
    tell(&reply, context.out)
}

pub(super) fn resurrect(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    anyhow::ensure!(
        context.home.saved().exists(),
        "nothing was saved; run: doorbuster pm save"
    );
    let reply = context.client.ask_starting(&Request::Resurrect)?;
    tell(&reply, context.out)
}

pub(super) fn kill(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    context.client.ask(&Request::Kill)?;
    writeln!(context.out, "all processes and the supervisor have ended")?;
    Ok(Exit::Done)
}

pub(super) fn update(context: &mut Context<'_>) -> anyhow::Result<Exit> {
    context.client.ask(&Request::Update)?;
    let reply = context.client.ask_starting(&Request::List)?;
    let count: usize = reply.processes.iter().map(|it| it.instances.len()).sum();
    writeln!(
        context.out,
        "a new supervisor has {count} instances of {} processes",
        reply.processes.len()
    )?;
    Ok(Exit::Done)
}

fn read(file: &str, environment: Option<&str>) -> anyhow::Result<Vec<Definition>> {
    Ok(read_process_file(Path::new(file), environment)?)
}

/// What was done on standard output, what was not as an error.
fn tell(reply: &Reply, out: &mut dyn Write) -> anyhow::Result<Exit> {
    for line in &reply.done {
        writeln!(out, "{line}")?;
    }
    if reply.failed.is_empty() {
        return Ok(Exit::Done);
    }
    out.flush()?;
    anyhow::bail!("{}", reply.failed.join("\n"))
}
