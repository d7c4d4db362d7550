//! `doorbuster flags list`.

use std::io::Write;

use serde_json::json;

use super::{at_rest, object, tell_trouble, value};
use crate::commands::exit::Exit;
use crate::commands::table::Table;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster flags list
  doorbuster flags list --json | jq '.flags[] | select(.layer != \"default\")'

What a running server has given up under pressure is in its GET /admin/flags. Exit code 2 where the file or the
database is not as it should be.";

/// Show every flag, and who says so
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let flags = at_rest(config);
    let in_force = flags.in_force();
    if args.json {
        let shown: Vec<_> = in_force
            .iter()
            .map(|(key, entry)| object(key, entry))
            .collect();
        let trouble = flags.trouble().now().into_iter();
        let trouble: Vec<_> = trouble
            .map(|(place, what)| json!({ "place": place.name(), "what": what }))
            .collect();
        writeln!(out, "{}", json!({ "flags": shown, "trouble": trouble }))?;
    } else {
        let mut table = Table::default();
        table.row(["flag", "value", "by", "who", "until", "why"]);
        for (key, entry) in in_force.iter() {
            let or_dash = |text: &Option<String>| text.clone().unwrap_or("-".to_owned());
            table.row([
                key.to_owned(),
                value(entry),
                entry.layer.name().to_owned(),
                or_dash(&entry.set_by),
                or_dash(&entry.expires_at),
                or_dash(&entry.reason),
            ]);
        }
        write!(out, "{table}")?;
    }
    Ok(if tell_trouble(&flags) {
        Exit::Partial
    } else {
        Exit::Done
    })
}
