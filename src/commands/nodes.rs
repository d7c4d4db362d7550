//! Which nodes a command asks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::json;

use super::exit::UsageError;
use crate::app::node::{Node, NodeError};
use crate::config::{Config, NodeUrl, Value};

#[derive(clap::Args)]
pub(super) struct NodeFlags {
    #[arg(
        long = "node",
        value_name = "URL",
        help = "Ask the node with this admin address, such as http://10.0.0.2:9090; repeat it for several [default: \
                that of this machine, and cache.peers]"
    )]
    nodes: Vec<String>,
}

impl NodeFlags {
    /// Those that were named, or else those of the configuration.
    pub(super) fn nodes(&self, config: &Config) -> Result<Vec<Node>, UsageError> {
        if self.nodes.is_empty() {
            let peers = config.cache.peers.iter().cloned();
            return Ok(own(config)
                .into_iter()
                .chain(peers)
                .map(Node::new)
                .collect());
        }
        self.nodes.iter().map(|text| named(text)).collect()
    }
}

/// The one that was named, or else that of this machine.
pub(super) fn one(text: Option<&str>, config: &Config) -> Result<Node, UsageError> {
    match text {
        Some(text) => named(text),
        None => own(config).map(Node::new).ok_or_else(|| {
            UsageError("server.admin_listen is no address to ask; say --node".to_owned())
        }),
    }
}

fn named(text: &str) -> Result<Node, UsageError> {
    match NodeUrl::parse(text) {
        Ok(url) => Ok(Node::new(url)),
        Err(reason) => Err(UsageError(format!("--node {text:?}: {reason}"))),
    }
}

/// What a node answered, as programs are told.
pub(super) fn member(
    url: &str,
    answer: Result<&serde_json::Value, &NodeError>,
) -> serde_json::Value {
    match answer {
        Ok(answer) => json!({ "url": url, "answer": answer }),
        Err(error) => json!({ "url": url, "error": error.to_string() }),
    }
}

/// The node of this machine. One that listens on all addresses is on the loopback as well; the port has to be known.
fn own(config: &Config) -> Option<NodeUrl> {
    let mut address = config.server.admin_listen;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    NodeUrl::parse(&format!("http://{address}")).ok()
}
