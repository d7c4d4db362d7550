//! `doorbuster pm`.

mod files;
mod list;
mod logs;
mod orders;
mod startup;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Subcommand;

use super::exit::Exit;
use super::help;
use crate::config::{Config, Sources};
use crate::supervisor::{Client, Home, Request, exec_listen, run as supervise};
use crate::telemetry;

const EXAMPLES: &str = "\
Examples:
  doorbuster pm start processes.toml     # returns when all are ready
  doorbuster pm reload                   # a new generation takes over; no request is lost
  doorbuster pm list
  doorbuster pm logs web -f
  doorbuster pm import ecosystem.config.json > processes.toml

pm2-equivalent/README.md says what a process file may hold, and which command of PM2 is which here.";

/// Names the folder of a supervisor.
const HOME: &str = "PM_HOME";
/// The folder unless something is said, in that of the user.
const DEFAULT_HOME: &str = ".doorbuster-pm";

/// Keep programs running, and replace them while they serve, as PM2 does
#[derive(clap::Args)]
#[command(after_help = EXAMPLES, after_long_help = help::long(EXAMPLES))]
pub struct Args {
    /// Keep what is the supervisor's in this folder; else in `PM_HOME`, else in ~/.doorbuster-pm
    #[arg(long, value_name = "DIR", global = true)]
    home: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Start(orders::Start),
    Stop(orders::Stop),
    Restart(orders::Restart),
    Reload(orders::Reload),
    Scale(orders::Scale),
    Delete(orders::Delete),
    List(list::List),
    Describe(list::Describe),
    Logs(logs::Args),
    Flush(orders::Flush),
    Save(orders::Save),
    Resurrect(orders::Resurrect),
    Startup(startup::Args),
    Import(files::Import),
    Update(orders::Update),
    Kill(orders::Kill),
    Daemon(Daemon),
    #[command(hide = true)]
    ExecListen(ExecListen),
}

/// Supervise in the foreground, for systemd; `start` begins it by itself
#[derive(clap::Args)]
struct Daemon {
    /// Start what was saved
    #[arg(long)]
    resurrect: bool,
}

/// Become another program, with the sockets of this process addressed to it
#[derive(clap::Args)]
struct ExecListen {
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

/// Whom to ask, and where to write.
struct Context<'a> {
    client: Client,
    home: Home,
    out: &'a mut dyn Write,
}

/// Does what the subcommand says.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Exit> {
    // Before anything else is opened: what is open stays open.
    if let Command::ExecListen(ExecListen { command }) = &args.command {
        let error = exec_listen(command);
        let program = command.first().map(|it| it.to_string_lossy().into_owned());
        return Err(error).with_context(|| format!("cannot run {}", program.unwrap_or_default()));
    }
    let path = home(args.home.as_ref())?;
    let home = Home::open(&path).with_context(|| format!("cannot use {}", path.display()))?;
    let context = &mut Context {
        client: Client::new(home.clone()),
        home,
        out,
    };
    match &args.command {
        Command::Start(args) => orders::start(args, context),
        Command::Stop(orders::Stop { names }) => orders::obey(
            &Request::Stop {
                names: names.clone(),
            },
            context,
        ),
        Command::Restart(orders::Restart { names }) => orders::obey(
            &Request::Restart {
                names: names.clone(),
            },
            context,
        ),
        Command::Reload(args) => orders::reload(args, context),
        Command::Scale(orders::Scale { name, to }) => {
            let (name, to) = (name.clone(), to.clone());
            orders::obey(&Request::Scale { name, to }, context)
        }
        Command::Delete(orders::Delete { names }) => orders::obey(
            &Request::Delete {
                names: names.clone(),
            },
            context,
        ),
        Command::List(args) => list::list(args, context),
        Command::Describe(args) => list::describe(args, context),
        Command::Logs(args) => logs::run(args, context),
        Command::Flush(orders::Flush { names }) => orders::obey(
            &Request::Flush {
                names: names.clone(),
            },
            context,
        ),
        Command::Save(_) => orders::obey(&Request::Save, context),
        Command::Resurrect(_) => orders::resurrect(context),
        Command::Startup(args) => startup::run(args, context),
        Command::Import(args) => files::import(args, context),
        Command::Update(_) => orders::update(context),
        Command::Kill(_) => orders::kill(context),
        Command::Daemon(Daemon { resurrect }) => daemon(*resurrect, &context.home),
        Command::ExecListen(_) => Ok(Exit::Usage),
    }
}

fn home(said: Option<&PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(path) = said {
        return Ok(path.clone());
    }
    if let Some(path) = std::env::var_os(HOME).filter(|path| !path.is_empty()) {
        return Ok(path.into());
    }
    let user = std::env::var_os("HOME").filter(|path| !path.is_empty());
    let user = user.context("no HOME to keep anything in; name a folder with --home")?;
    Ok(PathBuf::from(user).join(DEFAULT_HOME))
}

fn daemon(resurrects: bool, home: &Home) -> anyhow::Result<Exit> {
    let _logs = telemetry::install(&Config::load(&Sources::default())?.telemetry)?;
    supervise(home, resurrects)?;
    Ok(Exit::Done)
}
