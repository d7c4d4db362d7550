//! `doorbuster flags`: what is switched, by whom, and for how long.

mod get;
mod history;
mod list;
mod nodes;
mod set;
mod unset;

use std::io::Write;

use anyhow::Context as _;
use clap::Subcommand;
use serde_json::Value;

use super::exit::{Exit, UsageError};
use crate::app;
use crate::config::Config;
use crate::flags::{Entry, Feature, FlagStore, Flags, Snapshot};

const EXAMPLES: &str = "\
Examples:
  doorbuster flags list
  doorbuster flags set recommendations off --reason 'database is slow' --for 2h
  doorbuster flags set search off --local          on this machine alone, with the database down
  doorbuster flags unset recommendations
  doorbuster flags history recommendations";

/// Switch features while servers run, and see who switched what
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    List(list::Args),
    Get(get::Args),
    Set(set::Args),
    Unset(unset::Args),
    History(history::Args),
}

/// Does what was asked with the flags of the catalogue, and of this machine. Running servers heed it within a second.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    match &args.command {
        Action::List(args) => list::run(args, config, out),
        Action::Get(args) => get::run(args, config, out),
        Action::Set(args) => set::run(args, config, out),
        Action::Unset(args) => unset::run(args, config, out),
        Action::History(args) => history::run(args, config, out),
    }
}

/// The words of the catalogue; `None` where there is no catalogue yet: asking after flags makes none.
fn existing(config: &Config) -> anyhow::Result<Option<FlagStore>> {
    let store = app::open_existing_catalog(config).context("cannot read the flags")?;
    Ok(store.map(|store| store.flags()))
}

/// What a server that starts here now would have in force, and what is wrong with what it would read. A database that
/// gives no answer is among that.
fn at_rest(config: &Config) -> Flags {
    let flags = Flags::default();
    flags.read_once(&config.flags.file);
    let words = existing(config).and_then(|store| {
        let words = store.map(|store| store.current()).transpose()?;
        Ok(words.unwrap_or_default())
    });
    match words {
        Ok(words) => flags.take_words(&words),
        Err(error) => flags.note_silence(&format!("{error:#}")),
    }
    flags
}

/// Tells on standard error what is wrong. True where something is.
fn tell_trouble(flags: &Flags) -> bool {
    let trouble = flags.trouble().now();
    for (place, what) in &trouble {
        tracing::warn!("{}: {what}", place.name());
    }
    !trouble.is_empty()
}

fn unknown(in_force: &Snapshot, key: &str) -> anyhow::Error {
    let similar = |known: &str| strsim::jaro_winkler(known, key);
    let nearest = in_force
        .iter()
        .map(|(known, _)| known)
        .filter(|known| similar(known) >= 0.8)
        .max_by(|one, other| similar(one).total_cmp(&similar(other)));
    let mend = match nearest {
        Some(known) => format!("did you mean {known}?"),
        None => "see `doorbuster flags list`; a new one takes --definition".to_owned(),
    };
    UsageError(format!("flag {key:?}: there is none; {mend}")).into()
}

/// In one word: on, off, the name of a variant.
fn value(entry: &Entry) -> String {
    let variant = entry.definition.default_variant().unwrap_or("-");
    let rule = if entry.definition.has_rule() {
        " (and rules)"
    } else {
        ""
    };
    format!("{variant}{rule}")
}

/// For programs, with whether it is one of the program's features.
fn object(key: &str, entry: &Entry) -> Value {
    let mut shown = entry.to_json(key);
    shown["is_feature"] = Feature::by_name(key).is_some().into();
    shown
}

/// Who asks, as the system knows them.
fn whoever() -> String {
    let names = ["SUDO_USER", "USER", "LOGNAME"].into_iter();
    let name = names
        .filter_map(|name| std::env::var(name).ok())
        .find(|it| !it.is_empty());
    name.unwrap_or_else(|| format!("user {}", rustix::process::getuid().as_raw()))
}
