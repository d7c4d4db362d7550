//! Whether running nodes have heeded what was said.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::app::node::{Node, NodeError};
use crate::commands::exit::{Exit, UsageError};
use crate::commands::nodes::NodeFlags;
use crate::config::Config;

/// How long a node may take; a second is promised.
const PATIENCE: Duration = Duration::from_secs(3);
const AGAIN: Duration = Duration::from_millis(25);

/// What became of it on one node.
pub(super) struct Heeded {
    url: String,
    outcome: Outcome,
}

enum Outcome {
    After(Duration),
    /// It has something else in force: in words.
    Not(String),
    Silent(String),
}

/// Whom to ask: all nodes, or that of this machine alone, since the file of another one is not written.
pub(super) fn to_ask(
    nodes: &NodeFlags,
    config: &Config,
    is_local: bool,
) -> Result<Vec<Node>, UsageError> {
    let mut nodes = nodes.nodes(config)?;
    if is_local {
        nodes.truncate(1);
    }
    Ok(nodes)
}

/// Asks each node until it has in force what it should. `is_heeded` says so of what it answers for the flag, which is
/// `None` where it knows of none.
pub(super) fn ask(
    nodes: &[Node],
    key: &str,
    is_heeded: impl Fn(Option<&Value>) -> bool,
) -> Vec<Heeded> {
    let started = Instant::now();
    let ask = |node: &Node| {
        loop {
            let answer = match node.flag(key) {
                Ok(flag) => Some(flag),
                Err(NodeError::Refused { status: 404, .. }) => None,
                Err(error) => return Outcome::Silent(error.to_string()),
            };
            if is_heeded(answer.as_ref()) {
                return Outcome::After(started.elapsed());
            }
            if started.elapsed() > PATIENCE {
                let answer = answer.unwrap_or_default();
                let word = |member: &str| answer[member].as_str().unwrap_or("nothing").to_owned();
                return Outcome::Not(format!("{} by the {}", word("variant"), word("layer")));
            }
            thread::sleep(AGAIN);
        }
    };
    let heeded = nodes.iter().map(|node| Heeded {
        url: node.url().to_string(),
        outcome: ask(node),
    });
    heeded.collect()
}

/// A node that has something else in force is a warning; one that gives no answer may be stopped.
pub(super) fn exit(heeded: &[Heeded]) -> Exit {
    let is_other = |it: &Heeded| matches!(it.outcome, Outcome::Not(_));
    if heeded.iter().any(is_other) {
        Exit::Partial
    } else {
        Exit::Done
    }
}

pub(super) fn write(heeded: &[Heeded], out: &mut dyn Write) -> std::io::Result<()> {
    for Heeded { url, outcome } in heeded {
        match outcome {
            Outcome::After(time) => {
                writeln!(out, "{url}: in force within {} ms", time.as_millis())?;
            }
            Outcome::Not(what) => writeln!(out, "{url}: NOT in force, but {what}")?,
            Outcome::Silent(error) => writeln!(
                out,
                "{url}: no answer; it holds there from the next start ({error})"
            )?,
        }
    }
    Ok(())
}

pub(super) fn json(heeded: &[Heeded]) -> Vec<Value> {
    let member = |Heeded { url, outcome }: &Heeded| match outcome {
        Outcome::After(time) => {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            json!({ "url": url, "in_force": true, "after_ms": millis })
        }
        Outcome::Not(what) => json!({ "url": url, "in_force": false, "instead": what }),
        Outcome::Silent(error) => json!({ "url": url, "error": error }),
    };
    heeded.iter().map(member).collect()
}
