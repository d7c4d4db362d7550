//! Another node, or this one, asked over its listener for operators. Blocks.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use ureq::http::{Request, Response};
use ureq::{Agent, AsSendBody, Body};

use crate::cache::warm_up::Warmed;
use crate::config::NodeUrl;
use crate::products::cache_warm::{LONGEST, Peer};
use crate::products::catalog::inspection::{Inspection, Scope};

/// How long a look may take.
const LOOK: Duration = Duration::from_secs(2);
/// How long a purge may take: it may go through all that Redis has.
const PURGE: Duration = Duration::from_mins(6);

/// How much longer than it may load products a node may take to say so.
const WORD_OF_IT: Duration = Duration::from_secs(5);

/// A node. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Node {
    url: NodeUrl,
    agent: Agent,
}

/// Why a node did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It gave no answer.
    #[error("{url} gives no answer: {error}")]
    Silent {
        /// The node.
        url: String,
        /// Why.
        error: Box<ureq::Error>,
    },
    /// It said no.
    #[error("{url} says {status}: {detail}")]
    Refused {
        /// The node.
        url: String,
        /// HTTP status.
        status: u16,
        /// In its own words.
        detail: String,
    },
    /// What it said is not what such a node says.
    #[error("{url} is no node of this version: {error}")]
    Foreign {
        /// The node.
        url: String,
        /// What is missing.
        error: String,
    },
}

impl Node {
    /// Makes no connection yet.
    pub fn new(url: NodeUrl) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // A proxy of the environment is for the web, not for nodes.
            .proxy(None)
            .timeout_global(Some(LOOK))
            .build();
        Self {
            url,
            agent: config.into(),
        }
    }

    /// Where it is.
    pub fn url(&self) -> &NodeUrl {
        &self.url
    }

    /// What it has of a product.
    pub fn inspect(&self, id: i64, scope: Scope) -> Result<Inspection, NodeError> {
        let tiers = match scope {
            Scope::L1 => "l1",
            Scope::All => "all",
        };
        self.get(&format!("/admin/cache/{id}?tiers={tiers}"))
    }

    /// How its caches stand.
    pub fn status(&self) -> Result<Value, NodeError> {
        self.get("/admin/cache")
    }

    /// How its objectives stand.
    pub fn slo(&self) -> Result<Value, NodeError> {
        self.get("/admin/slo")
    }

    /// What it has in force of a flag.
    pub fn flag(&self, key: &str) -> Result<Value, NodeError> {
        self.get(&format!("/admin/flags/{key}"))
    }

    /// Has it drop a product at once, from Redis, too.
    pub fn purge_one(&self, id: i64) -> Result<Value, NodeError> {
        let uri = self.uri(&format!("/admin/cache/{id}?hard=true"));
        self.ask(Request::delete(uri), (), PURGE)
    }

    /// Has it do what a body of `POST /admin/cache/purge` says.
    pub fn purge(&self, body: &Value) -> Result<Value, NodeError> {
        let request = Request::post(self.uri("/admin/cache/purge"));
        let request = request.header("content-type", "application/json");
        self.ask(request, body.to_string(), PURGE)
    }

    /// Has it do what a body of `POST /admin/cache/warm` says.
    pub fn warm(&self, body: &Value) -> Result<Value, NodeError> {
        self.warmed(body)
    }

    /// A job, as `GET /admin/jobs/{id}` shows it.
    pub fn job(&self, id: i64) -> Result<Value, NodeError> {
        self.get(&format!("/admin/jobs/{id}"))
    }

    fn warmed<T: DeserializeOwned>(&self, body: &Value) -> Result<T, NodeError> {
        let request = Request::post(self.uri("/admin/cache/warm"));
        let request = request.header("content-type", "application/json");
        self.ask(request, body.to_string(), LONGEST + WORD_OF_IT)
    }

    fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, NodeError> {
        self.ask(Request::get(self.uri(path)), (), LOOK)
    }

    fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        request: ureq::http::request::Builder,
        body: impl AsSendBody,
        limit: Duration,
    ) -> Result<T, NodeError> {
        let url = self.url.to_string();
        let silent = |error: ureq::Error| NodeError::Silent {
            url: url.clone(),
            error: Box::new(error),
        };
        let request = request
            .body(body)
            .map_err(|error| silent(ureq::Error::Http(error)))?;
        let request = self.agent.configure_request(request);
        let request = request.timeout_global(Some(limit)).build();
        let mut response: Response<Body> = self.agent.run(request).map_err(silent)?;
        let status = response.status();
        let body = response.body_mut().read_to_vec().map_err(silent)?;
        if !status.is_success() {
            let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
            return Err(NodeError::Refused {
                url,
                status: status.as_u16(),
                detail: problem["detail"].as_str().unwrap_or("nothing").to_owned(),
            });
        }
        serde_json::from_slice(&body).map_err(|error| NodeError::Foreign {
            url,
            error: error.to_string(),
        })
    }
}

impl Peer for Node {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn warm(&self, products: &[i64]) -> Result<Warmed, String> {
        let body = json!({ "keys": products, "here": true });
        self.warmed(&body).map_err(|error| error.to_string())
    }
}

/// The other nodes, for what is to be in the caches of all.
pub(super) fn peers(urls: &[NodeUrl]) -> Vec<Arc<dyn Peer>> {
    let peer = |url: &NodeUrl| Arc::new(Node::new(url.clone())) as Arc<dyn Peer>;
    urls.iter().map(peer).collect()
}
