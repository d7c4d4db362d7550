//! `doorbuster flags unset`.

use std::io::Write;

use anyhow::Context as _;
use serde_json::json;

use super::{at_rest, existing, nodes, unknown, whoever};
use crate::commands::exit::Exit;
use crate::commands::nodes::NodeFlags;
use crate::config::Config;
use crate::flags::{Flags, Layer, Word, write_override};

const EXAMPLES: &str = "\
Examples:
  doorbuster flags unset recommendations --reason 'database is well again'
  doorbuster flags unset search --local";

/// Take back what was said of a flag; what is built in holds again
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Of the flag
    #[arg(value_name = "KEY")]
    key: String,
    /// Why, for those who ask later
    #[arg(long, default_value = "")]
    reason: String,
    /// Who, for those who ask later [default: the user of the system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Take it out of the file of this machine
    #[arg(long)]
    local: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let layer = if args.local {
        Layer::File
    } else {
        Layer::Database
    };
    let flags = if args.local {
        // The database may be what is wrong.
        let flags = Flags::default();
        flags.read_once(&config.flags.file);
        flags
    } else {
        at_rest(config)
    };
    if flags.said_by(layer, &args.key).is_none() {
        let in_force = flags.in_force();
        if in_force.get(&args.key).is_none() {
            return Err(unknown(&in_force, &args.key));
        }
        anyhow::bail!("flag {}: the {} says nothing of it", args.key, layer.name());
    }
    if args.local {
        let path = &config.flags.file;
        write_override(path, &args.key, None)
            .with_context(|| format!("cannot write {}", path.display()))?;
    } else if let Some(store) = existing(config)? {
        let word = Word {
            key: args.key.clone(),
            definition: None,
            reason: args.reason.clone(),
            set_by: args.by.clone().unwrap_or_else(whoever),
            lifetime: None,
        };
        store.say(&word).context("cannot take the flag back")?;
    }
    let asked = nodes::to_ask(&args.nodes, config, args.local)?;
    let heeded = nodes::ask(&asked, &args.key, |flag| {
        flag.is_none_or(|flag| flag["layer"].as_str() != Some(layer.name()))
    });
    if args.json {
        let (key, nodes) = (&args.key, nodes::json(&heeded));
        writeln!(
            out,
            "{}",
            json!({ "key": key, "layer": layer.name(), "nodes": nodes })
        )?;
    } else {
        writeln!(
            out,
            "{}: the {} says nothing of it any more",
            args.key,
            layer.name()
        )?;
        nodes::write(&heeded, out)?;
    }
    Ok(nodes::exit(&heeded))
}
