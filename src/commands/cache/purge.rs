//! `doorbuster cache purge`.

use std::io::Write;

use serde_json::{Value, json};

use crate::app::node::NodeError;
use crate::commands::exit::Exit;
use crate::commands::nodes::{NodeFlags, member};
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster cache purge 456                 served once more while it is loaded again
  doorbuster cache purge 456 --hard          not served once more
  doorbuster cache purge --tag category-home/lamps
  doorbuster cache purge --all

With Redis, one node tells the others. A CDN in front is not told. Exit code 1 where a node did not answer, 2 where one
did not reach Redis.";

/// Drop products from the caches of all nodes, and from Redis
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["ids", "tag", "all"]))]
pub(super) struct Args {
    /// Ids of products
    #[arg(value_name = "ID")]
    ids: Vec<i64>,
    /// Every product with this surrogate key, such as vendor-acme or category-home/lamps
    #[arg(long, value_name = "KEY")]
    tag: Option<String>,
    /// Every product, and all that is made of them
    #[arg(long)]
    all: bool,
    /// Serve nothing of it any more; without this it is served once more while it is loaded again
    #[arg(long)]
    hard: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    nodes: NodeFlags,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let mut body = match (&args.tag, args.all) {
        (Some(tag), _) => json!({ "tag": tag }),
        (None, true) => json!({ "all": true }),
        (None, false) => json!({ "keys": args.ids }),
    };
    body["hard"] = args.hard.into();
    let mut exit = Exit::Done;
    let mut answers = Vec::new();
    for node in args.nodes.nodes(config)? {
        let answer = node.purge(&body);
        match &answer {
            Err(_) => exit = Exit::Failed,
            Ok(answer) if !answer["error"].is_null() && exit == Exit::Done => exit = Exit::Partial,
            Ok(_) => {}
        }
        answers.push((node.url().to_string(), answer));
    }
    if args.json {
        let nodes = answers
            .iter()
            .map(|(url, answer)| member(url, answer.as_ref()));
        let nodes: Vec<_> = nodes.collect();
        writeln!(out, "{}", json!({ "nodes": nodes }))?;
    } else {
        for (url, answer) in &answers {
            writeln!(out, "{}", line(url, answer))?;
        }
    }
    Ok(exit)
}

fn line(url: &str, answer: &Result<Value, NodeError>) -> String {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return format!("FAILED {error}"),
    };
    let l1 = answer["l1"]
        .as_u64()
        .map_or("all".to_owned(), |n| n.to_string());
    let l2 = match (answer["error"].as_str(), answer["l2"].as_u64()) {
        (Some(error), _) => format!("Redis was not reached: {error}"),
        (None, Some(dropped)) => format!("{dropped} from Redis, other nodes were told"),
        (None, None) => "no Redis, no other node was told".to_owned(),
    };
    format!("{url}: {l1} from memory, {l2}")
}
