//! `doorbuster cache warm`.

use std::io::{self, IsTerminal, Write};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::node::{Node, NodeError};
use crate::commands::exit::Exit;
use crate::commands::nodes::one;
use crate::config::Config;

const EXAMPLES: &str = "\
Examples:
  doorbuster cache warm 456 7                before the sale of these
  doorbuster cache warm --top 5000           what was looked at most in the last weeks
  doorbuster cache warm --top 5000 --no-wait

One server of those that share the queue loads them and, by way of its cache.peers, the other nodes do. What nobody asks
for is dropped again after cache.fresh + cache.stale, so begin some minutes before the sale does. Customers go first: no
more than 2000 products are loaded in a second. Exit code 1 where the node does not answer, 2 where not all was done.";

/// How often it is looked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Between two lines of progress where nobody watches.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Load products into the caches of all nodes, and into Redis
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["ids", "top"]))]
pub(super) struct Args {
    /// Ids of products
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    ids: Vec<i64>,
    /// So many products, those that were looked at most
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: Option<u32>,
    /// Do not wait until it is done: see `doorbuster jobs list --kind=cache.warm`
    #[arg(long)]
    no_wait: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Ask the node with this admin address, such as `http://10.0.0.2:9090` [default: that of this machine]
    #[arg(long, value_name = "URL")]
    node: Option<String>,
}

pub(super) fn run(args: &Args, config: &Config, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let node = one(args.node.as_deref(), config)?;
    let body = match args.top {
        Some(top) => json!({ "top": top }),
        None => json!({ "keys": args.ids }),
    };
    let accepted = node.warm(&body)?;
    let products = accepted["products"].as_u64().unwrap_or_default();
    let jobs = accepted["jobs"].as_array().into_iter().flatten();
    let jobs: Vec<i64> = jobs.filter_map(Value::as_i64).collect();
    let undone = if args.no_wait {
        Vec::new()
    } else {
        follow(&node, &jobs, products)?
    };
    if args.json {
        let undone: Vec<_> = undone.iter().map(Undone::to_json).collect();
        let told = json!({ "products": products, "jobs": jobs, "undone": undone });
        writeln!(out, "{told}")?;
    } else {
        for job in &undone {
            writeln!(out, "FAILED job {}: {}", job.id, job.why)?;
        }
        writeln!(out, "{}", summary(args, products, jobs.len(), &undone))?;
    }
    Ok(if undone.is_empty() && products > 0 {
        Exit::Done
    } else {
        Exit::Partial
    })
}

fn summary(args: &Args, products: u64, jobs: usize, undone: &[Undone]) -> String {
    match (products, undone.len()) {
        (0, _) => "nothing was loaded: no product has been looked at yet".to_owned(),
        (1, _) if args.no_wait => "1 product is being loaded".to_owned(),
        _ if args.no_wait => format!("{products} products are being loaded"),
        (1, 0) => "1 product is in the caches".to_owned(),
        (_, 0) => format!("{products} products are in the caches"),
        (_, failed) => format!("{failed} of {jobs} jobs did not load all they should"),
    }
}

/// A job that did not end well.
struct Undone {
    id: i64,
    why: String,
}

impl Undone {
    fn to_json(&self) -> Value {
        json!({ "job": self.id, "error": self.why })
    }
}

/// Waits for the end of each job. Those that did not end well.
fn follow(node: &Node, jobs: &[i64], products: u64) -> Result<Vec<Undone>, NodeError> {
    let is_watched = io::stderr().is_terminal();
    let mut told = Instant::now();
    let mut undone = Vec::new();
    for (index, id) in jobs.iter().enumerate() {
        let job = loop {
            match node.job(*id) {
                Ok(job) if is_over(&job) => break job,
                Ok(_) => {}
                // Done, and forgotten since.
                Err(NodeError::Refused { status: 404, .. }) => break Value::Null,
                Err(error) => return Err(error),
            }
            if is_watched || told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let end = if is_watched { "\r" } else { "\n" };
                let done = products * index as u64 / jobs.len() as u64;
                // Progress is no result: nobody may be there to read it.
                let _ = write!(io::stderr(), "{done} of {products} products{end}");
            }
            sleep(LOOK_EVERY);
        };
        if let Some("dead" | "cancelled") = job["state"].as_str() {
            let errors = job["errors"].as_array();
            let last = errors.and_then(|errors| errors.last());
            let why = last.and_then(|last| last["error"].as_str());
            let why = why.unwrap_or("it was cancelled").to_owned();
            undone.push(Undone { id: *id, why });
        }
    }
    if is_watched && !jobs.is_empty() {
        let _ = writeln!(io::stderr());
    }
    Ok(undone)
}

fn is_over(job: &Value) -> bool {
    matches!(job["state"].as_str(), Some("done" | "dead" | "cancelled"))
}
