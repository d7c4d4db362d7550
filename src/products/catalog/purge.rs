//! Dropping cached products because somebody says so: an operator, or the prover.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use super::Catalog;
use crate::cache::l2::{L2Error, Purged};
use crate::cache::{Depth, Intent, LoadMany, ReadThrough};
use crate::products::document::Document;

/// What is to be dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Purge {
    /// These products.
    Products(Vec<i64>),
    /// Every product that bears this surrogate key, such as `vendor-acme`.
    Tag(String),
    /// All products, and all that is made of them.
    Everything,
}

/// For people.
impl fmt::Display for Purge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Products(ids) => match ids.as_slice() {
                [id] => write!(f, "product {id}"),
                ids => write!(f, "{} products", ids.len()),
            },
            Self::Tag(tag) => write!(f, "what bears {tag}"),
            Self::Everything => f.write_str("everything"),
        }
    }
}

/// What was dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PurgeReport {
    /// Products dropped from, or questioned in, the memory of this node; `null` where all were.
    pub l1: Option<usize>,
    /// Records dropped from Redis; `null` where there is none, or it was not reached.
    pub l2: Option<usize>,
    /// Who did it: this node alone, or all that hear messages of Redis.
    pub nodes: Nodes,
    /// Why Redis was not reached, and with it the other nodes.
    pub error: Option<String>,
}

/// Nodes that were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Nodes {
    /// The one that was asked.
    This,
    /// All that are connected to Redis.
    All,
}

impl Catalog {
    /// Drops from Redis first and then from memory, since the one fills the other. What is being loaded meanwhile is
    /// loaded again.
    pub async fn purge(&self, purge: &Purge, depth: Depth) -> PurgeReport {
        let documents = &self.shelves.documents;
        let (l1, l2) = match purge {
            Purge::Products(ids) => {
                let keys = self.with_versions(ids).await;
                let l2 = match &self.l2 {
                    None => None,
                    Some(l2) => Some(l2.purge(&keys, depth).await),
                };
                (Some(documents.purge(&keys, depth)), l2)
            }
            Purge::Tag(tag) => {
                let l2 = match &self.l2 {
                    None => None,
                    Some(l2) => {
                        let bears = |document: &Document| document.bears(tag);
                        Some(l2.purge_tag(tag, depth, &bears).await)
                    }
                };
                (Some(purge_tag(documents, tag, depth).await), l2)
            }
            Purge::Everything => {
                let l2 = match &self.l2 {
                    None => None,
                    Some(l2) => Some(l2.purge_everything(depth).await),
                };
                documents.purge_everything(depth);
                (None, l2)
            }
        };
        // What is made of products is seconds old at most; what was meant to be gone at once is not.
        if depth == Depth::Hard || *purge == Purge::Everything {
            self.shelves.pages.purge_everything(depth);
        }
        report(l1, l2)
    }

    /// The versions that must not be undercut after the purge: those of the store. Where it gives no answer nothing is
    /// forbidden.
    async fn with_versions(&self, ids: &[i64]) -> Vec<(i64, u64)> {
        let loading = self.loader.load_many(ids.to_vec(), Intent::Fresh);
        let loaded = tokio::time::timeout(self.deadline, loading).await;
        match loaded {
            Ok(Ok(loaded)) => {
                let versions = loaded.iter().map(|loaded| loaded.version);
                ids.iter().copied().zip(versions).collect()
            }
            _ => ids.iter().map(|id| (*id, 0)).collect(),
        }
    }
}

fn report(l1: Option<usize>, l2: Option<Result<usize, L2Error>>) -> PurgeReport {
    let (l2, nodes, error) = match l2 {
        None => (None, Nodes::This, None),
        Some(Ok(dropped)) => (Some(dropped), Nodes::All, None),
        Some(Err(error)) => (None, Nodes::This, Some(error.to_string())),
    };
    PurgeReport {
        l1,
        l2,
        nodes,
        error,
    }
}

/// Looks at every product in memory, on a thread for that.
async fn purge_tag(documents: &ReadThrough<i64, Document>, tag: &str, depth: Depth) -> usize {
    let (documents, tag) = (documents.clone(), tag.to_owned());
    let work = move || documents.purge_where(depth, |_, document| document.bears(&tag));
    // Fails at the end of the program alone.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

/// Does what another node was asked to do.
pub(in crate::products) fn heed(
    documents: &ReadThrough<i64, Document>,
    what: &Purged<i64>,
    depth: Depth,
) {
    match what {
        Purged::Key(id, version) => {
            documents.purge(&[(*id, *version)], depth);
        }
        Purged::Everything => documents.purge_everything(depth),
        Purged::Tag(tag) => {
            let (documents, tag) = (documents.clone(), Arc::<str>::from(tag.as_str()));
            tokio::task::spawn_blocking(move || {
                documents.purge_where(depth, |_, document| document.bears(&tag))
            });
        }
    }
}
