//! `doorbuster cache show`.

use std::io::Write;

use serde_json::{Value, json};

use crate::commands::exit::Exit;
use crate::commands::nodes::{NodeFlags, member};
use crate::commands::table::Table;
use crate::config::Config;
use crate::products::catalog::inspection::{Inspection, Scope, TierView};

const EXAMPLES: &str = "\
Examples:
  doorbuster cache show                      what the caches did so far
  doorbuster cache show 456                  what the tiers have of a product, and whether they agree
  doorbuster cache show 456 --json --node http://10.0.0.2:9090 --node http://10.0.0.3:9090

Exit code 1 where a node did not answer, 2 where tiers do not agree.";

/// Show what the caches of nodes did, or what they have of a product
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// Id of a product
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    id: Option<i64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let nodes = args.nodes.nodes(config)?;
    let mut exit = Exit::Done;
    let mut shown = Vec::new();
    for node in nodes {
        let url = node.url().to_string();
        let text = match args.id {
            None => node
                .status()
                .map(|status| (status.clone(), counts(&url, &status))),
            Some(id) => node.inspect(id, Scope::All).map(|inspection| {
                if inspection.agree == Some(false) && exit == Exit::Done {
                    exit = Exit::Partial;
                }
                let text = tiers(&url, &inspection);
                (json!(inspection), text)
            }),
        };
        if text.is_err() {
            exit = Exit::Failed;
        }
        shown.push((url, text));
    }
    if args.json {
        let nodes = shown
            .iter()
            .map(|(url, shown)| member(url, shown.as_ref().map(|(value, _)| value)));
        let nodes: Vec<_> = nodes.collect();
        writeln!(out, "{}", json!({ "nodes": nodes }))?;
        return Ok(exit);
    }
    for (_, shown) in &shown {
        match shown {
            Ok((_, text)) => writeln!(out, "{text}")?,
            Err(error) => writeln!(out, "FAILED {error}\n")?,
        }
    }
    Ok(exit)
}

fn counts(url: &str, status: &Value) -> String {
    let mut table = Table::default();
    let sections = status.as_object().into_iter().flatten();
    for (section, members) in sections {
        for (name, value) in members.as_object().into_iter().flatten() {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            table.row([section.clone(), name.clone(), value]);
        }
    }
    format!(
        "{url}, node {}\n{table}",
        status["node"].as_str().unwrap_or_default()
    )
}

fn tiers(url: &str, inspection: &Inspection) -> String {
    let mut table = Table::default();
    table.row(["tier", "state", "version", "serves", "age", "left", "tag"]);
    let views = [
        ("L1", Some(&inspection.l1)),
        ("Redis", inspection.l2.as_ref()),
        ("store", inspection.store.as_ref()),
    ];
    for (name, view) in views {
        if let Some(view) = view {
            table.row(row(name, view));
        }
    }
    let mut text = format!("{url}, node {}\n{table}", inspection.node);
    let mut add = |line: String| text.extend([line.as_str(), "\n"]);
    add(format!("fence {}", inspection.fence));
    if inspection.loading {
        add("being loaded".to_owned());
    }
    if let Some(lease) = inspection.l2.as_ref().and_then(|l2| l2.lease.as_ref()) {
        let left = lease
            .left_ms
            .map_or("no end".to_owned(), |left| format!("{left} ms left"));
        add(format!("leased by {}, {left}", lease.node));
    }
    for heard in &inspection.heard {
        let (by, version, age) = (&heard.by, heard.version, heard.age_ms);
        add(format!("version {version} by {by}, {age} ms ago"));
    }
    add(match inspection.agree {
        Some(true) => "they agree".to_owned(),
        Some(false) => "THEY DO NOT AGREE".to_owned(),
        None => "the store gives no answer".to_owned(),
    });
    text
}

fn row(name: &str, view: &TierView) -> [String; 7] {
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |it| it.to_string());
    let millis = |time: Option<i64>| time.map_or("-".to_owned(), |it| format!("{it} ms"));
    let state = match (&view.absence, &view.error) {
        (_, Some(error)) => format!("{}: {error}", view.state),
        (Some(absence), None) => format!("{} ({absence})", view.state),
        (None, None) => view.state.clone(),
    };
    [
        name.to_owned(),
        state,
        number(view.version),
        number(view.serves),
        millis(view.age_ms.map(u64::cast_signed)),
        millis(view.served_left_ms),
        view.etag.clone().unwrap_or("-".to_owned()),
    ]
}
