//! `doorbuster slo`: whether the promise is kept.

mod export;

use std::io::Write;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exit::Exit;
use super::nodes::{NodeFlags, member};
use super::table::Table;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster slo                                    what was promised, what is aimed at, and what is left
  doorbuster slo --json | jq '.nodes[].answer.objectives[] | {name, budget}'
  doorbuster slo export --format prometheus > /etc/prometheus/doorbuster-slo.yml
  doorbuster slo export --format openslo

Exit code 1 where a node did not answer, 2 where an error budget is gone.";

/// Show what is left of the error budgets, by asking running nodes
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    Export(export::Args),
}

/// Asks the nodes' listeners for operators, or writes the objectives of the configuration down.
pub fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    if let Some(Action::Export(args)) = &args.action {
        return export::run(args, config, out);
    }
    let mut exit = Exit::Done;
    let mut shown = Vec::new();
    for node in args.nodes.nodes(config)? {
        let url = node.url().to_string();
        let status = node.slo();
        match &status {
            Err(_) => exit = Exit::Failed,
            Ok(status) if is_exhausted(status) && exit == Exit::Done => exit = Exit::Partial,
            Ok(_) => {}
        }
        shown.push((url, status));
    }
    if args.json {
        let nodes = shown
            .iter()
            .map(|(url, status)| member(url, status.as_ref()));
        let nodes: Vec<_> = nodes.collect();
        writeln!(out, "{}", json!({ "nodes": nodes }))?;
        return Ok(exit);
    }
    for (url, status) in &shown {
        match status {
            Ok(status) => writeln!(out, "{}", text(url, status))?,
            Err(error) => writeln!(out, "FAILED {error}\n")?,
        }
    }
    Ok(exit)
}

fn objectives(status: &Value) -> impl Iterator<Item = &Value> {
    status["objectives"].as_array().into_iter().flatten()
}

fn is_exhausted(status: &Value) -> bool {
    objectives(status).any(|objective| objective["is_exhausted"] == true)
}

/// What a person reads.
fn text(url: &str, status: &Value) -> String {
    let number = |value: &Value, digits: usize| {
        value
            .as_f64()
            .map_or("-".to_owned(), |it| format!("{it:.digits$}"))
    };
    let mut table = Table::<8>::default();
    table.row([
        "objective",
        "good %",
        "SLO %",
        "SLA %",
        "budget left %",
        "minutes left",
        "requests left",
        "",
    ]);
    for objective in objectives(status) {
        let budget = &objective["budget"];
        let left = budget["left_ratio"].as_f64().map(|ratio| ratio * 100.0);
        let firing = objective["alerts"].as_array().into_iter().flatten();
        let firing = firing
            .filter(|alert| alert["is_firing"] == true)
            .map(|alert| {
                let word = |name: &str| alert[name].as_str().unwrap_or_default().to_owned();
                format!(
                    "{}: burns {}x over {}",
                    word("severity"),
                    alert["factor"],
                    word("long")
                )
            });
        let gone = (objective["is_exhausted"] == true).then(|| "THE BUDGET IS GONE".to_owned());
        let remarks: Vec<_> = gone.into_iter().chain(firing).collect();
        table.row([
            objective["name"].as_str().unwrap_or_default().to_owned(),
            number(&objective["good_percent"], 3),
            number(&objective["slo_percent"], 2),
            number(&objective["sla_percent"], 2),
            left.map_or("-".to_owned(), |left| format!("{left:.1}")),
            format!(
                "{} of {}",
                number(&budget["left_minutes"], 1),
                number(&budget["minutes"], 1)
            ),
            budget["left_requests"].to_string(),
            remarks.join("; "),
        ]);
    }
    let mut text = format!("{url}, {} days\n{table}", status["days"]);
    if status["is_frozen"] == true {
        text.push_str("risky flags may not be switched on\n");
    }
    text
}
