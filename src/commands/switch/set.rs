//! `doorbuster flags set`.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{at_rest, nodes, unknown, whoever};
use crate::app;
use crate::commands::exit::{Exit, UsageError};
use crate::commands::nodes::NodeFlags;
use crate::config::{Config, parse_duration};
use crate::flags::{Definition, Feature, Word, write_override};

const EXAMPLES: &str = "\
Examples:
  doorbuster flags set recommendations off --reason 'database is slow' --for 2h
  doorbuster flags set writes off --reason migration
  doorbuster flags set search off --local          with the database down; once on each machine
  doorbuster flags set banner --definition banner.json

Then it asks the nodes whether they have it in force, and says so. Exit code 2 where one has something else: the file of
that machine is above the database.";

/// Say what a flag is, for all nodes or for this machine
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["variant", "definition"]))]
pub(super) struct Args {
    /// Of the flag
    #[arg(value_name = "KEY")]
    key: String,
    /// on, off, or another of its variants
    #[arg(value_name = "VARIANT")]
    variant: Option<String>,
    /// A file with the whole flag in flagd's format: state, variants, defaultVariant, targeting
    #[arg(long, value_name = "FILE")]
    definition: Option<PathBuf>,
    /// Why, for those who ask later
    #[arg(long, default_value = "")]
    reason: String,
    /// For how long, such as 2h; then it is as if nothing had been said
    #[arg(long = "for", value_name = "DURATION", value_parser = lifetime)]
    lifetime: Option<Duration>,
    /// Who, for those who ask later [default: the user of the system]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Write it to the file of this machine (flags.file), which needs no database and is above it
    #[arg(long)]
    local: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let definition = definition(args, config)?;
    let set_by = args.by.clone().unwrap_or_else(whoever);
    if args.local {
        let source = for_the_file(args, &definition, &set_by)?;
        let path = &config.flags.file;
        write_override(path, &args.key, Some(&source))
            .with_context(|| format!("cannot write {}", path.display()))?;
    } else {
        let word = Word {
            key: args.key.clone(),
            definition: Some(definition.source().to_string()),
            reason: args.reason.clone(),
            set_by: set_by.clone(),
            lifetime: args.lifetime,
        };
        let store = app::open_catalog(config)
            .context("cannot keep the flag")?
            .flags();
        store.say(&word).context(
            "cannot keep the flag; --local needs no database, and works on this machine alone",
        )?;
    }
    let asked = nodes::to_ask(&args.nodes, config, args.local)?;
    let wanted = definition.default_variant().map(str::to_owned);
    let heeded = nodes::ask(&asked, &args.key, |flag| {
        flag.is_some_and(|flag| flag["variant"].as_str() == wanted.as_deref())
    });
    let layer = if args.local { "file" } else { "database" };
    let value = wanted.as_deref().unwrap_or("-");
    if args.json {
        let nodes = nodes::json(&heeded);
        let key = &args.key;
        writeln!(
            out,
            "{}",
            json!({ "key": key, "variant": value, "layer": layer, "set_by": set_by, "nodes": nodes })
        )?;
    } else {
        writeln!(out, "{} is {value}, by the {layer}", args.key)?;
        nodes::write(&heeded, out)?;
    }
    Ok(nodes::exit(&heeded))
}

fn definition(args: &Args, config: &Config) -> anyhow::Result<Definition> {
    let usage = |error: &dyn ToString| UsageError(error.to_string());
    if let Some(path) = &args.definition {
        let shown = path.display();
        let text = fs::read(path).with_context(|| format!("cannot read {shown}"))?;
        let definition: Value = serde_json::from_slice(&text)
            .map_err(|error| UsageError(format!("{shown}: no JSON: {error}")))?;
        let parsed = Definition::parse(&args.key, &definition);
        return Ok(parsed.map_err(|error| UsageError(format!("{shown}: {error}")))?);
    }
    let variant = args.variant.as_deref().unwrap_or_default();
    let changed = if args.local && Feature::by_name(&args.key).is_some() {
        // The database may be what is wrong.
        Definition::switched(true).with_default(variant)
    } else {
        let flags = at_rest(config);
        let in_force = flags.in_force();
        let entry = in_force
            .get(&args.key)
            .ok_or_else(|| unknown(&in_force, &args.key))?;
        entry.definition.with_default(variant)
    };
    Ok(changed.map_err(|error| usage(&format!("flag {}: {error}", args.key)))?)
}

/// With what the database has columns for.
fn for_the_file(args: &Args, definition: &Definition, set_by: &str) -> anyhow::Result<Value> {
    let now = OffsetDateTime::now_utc();
    let mut source = definition.source().clone();
    let metadata = &mut source["metadata"];
    if !metadata.is_object() {
        *metadata = json!({});
    }
    metadata["reason"] = args.reason.as_str().into();
    metadata["set_by"] = set_by.into();
    metadata["set_at"] = now.format(&Rfc3339)?.into();
    if let Some(members) = metadata.as_object_mut() {
        members.shift_remove("expires_at");
    }
    if let Some(lifetime) = args.lifetime {
        metadata["expires_at"] = (now + lifetime).format(&Rfc3339)?.into();
    }
    Ok(source)
}

fn lifetime(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        Duration::ZERO => Err("no time at all; write such as 2h".to_owned()),
        lifetime => Ok(lifetime),
    }
}
