//! The prover, with the parts of this program: nodes and Redis as witnesses, the store's outbox as the journal.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::node::{Node, NodeError};
use crate::cache::prover::{Findings, Prover, ProverOptions, Report, Witness};
use crate::cache::{Depth, L2};
use crate::config::Config;
use crate::products::catalog::Catalog;
use crate::products::catalog::inspection::{Scope, redis};
use crate::products::catalog::purge::Purge;
use crate::products::document::Document;
use crate::products::loader::VersionJournal;
use crate::products::store::CatalogStore;

/// How often a command reads the outbox.
const POLL: Duration = Duration::from_millis(10);
/// The same for the sampler of a server, which has other things to do.
const SAMPLER_AGES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];
const SAMPLER_POLL: Duration = Duration::from_millis(250);

/// This node.
struct ThisNode {
    catalog: Catalog,
}

impl Witness<i64> for ThisNode {
    fn name(&self) -> String {
        "this node".to_owned()
    }

    fn look<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Result<Option<u64>, String>> {
        async move { Ok(self.catalog.inspect(*id, Scope::L1).await.l1.serves) }.boxed()
    }

    fn trace<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Value> {
        async move { json!(self.catalog.inspect(*id, Scope::All).await) }.boxed()
    }

    fn evict<'w>(&'w self, id: &'w i64, _version: u64) -> BoxFuture<'w, Result<(), String>> {
        async move {
            let purge = Purge::Products(vec![*id]);
            let report = self.catalog.purge(&purge, Depth::Hard).await;
            report.error.map_or(Ok(()), Err)
        }
        .boxed()
    }
}

/// A node that is asked by HTTP, on a thread that may wait.
struct OtherNode {
    node: Node,
}

impl OtherNode {
    async fn ask<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&Node) -> Result<T, NodeError> + Send + 'static,
    ) -> Result<T, String> {
        let node = self.node.clone();
        let asked = tokio::task::spawn_blocking(move || ask(&node)).await;
        asked
            .map_err(|error| error.to_string())?
            .map_err(|error| error.to_string())
    }
}

impl Witness<i64> for OtherNode {
    fn name(&self) -> String {
        self.node.url().to_string()
    }

    fn look<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Result<Option<u64>, String>> {
        let id = *id;
        async move {
            let inspection = self.ask(move |node| node.inspect(id, Scope::L1)).await?;
            Ok(inspection.l1.serves)
        }
        .boxed()
    }

    fn trace<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Value> {
        let id = *id;
        async move {
            match self.ask(move |node| node.inspect(id, Scope::All)).await {
                Ok(inspection) => json!(inspection),
                Err(error) => json!({ "error": error }),
            }
        }
        .boxed()
    }

    fn evict<'w>(&'w self, id: &'w i64, _version: u64) -> BoxFuture<'w, Result<(), String>> {
        let id = *id;
        async move {
            let report = self.ask(move |node| node.purge_one(id)).await?;
            let error = report["error"].as_str();
            error.map_or(Ok(()), |error| Err(error.to_owned()))
        }
        .boxed()
    }
}

/// Redis, asked over a connection of this process.
struct Redis {
    l2: L2<i64, Document>,
}

impl Witness<i64> for Redis {
    fn name(&self) -> String {
        "Redis".to_owned()
    }

    fn look<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Result<Option<u64>, String>> {
        async move {
            let view = self.l2.inspect(id).await;
            Ok(redis(Ok(view.map_err(|error| error.to_string())?)).serves)
        }
        .boxed()
    }

    fn trace<'w>(&'w self, id: &'w i64) -> BoxFuture<'w, Value> {
        async move { json!({ "l2": redis(self.l2.inspect(id).await) }) }.boxed()
    }

    fn evict<'w>(&'w self, id: &'w i64, version: u64) -> BoxFuture<'w, Result<(), String>> {
        async move {
            let purged = self.l2.purge(&[(*id, version)], Depth::Hard).await;
            purged.map(|_| ()).map_err(|error| error.to_string())
        }
        .boxed()
    }
}

/// Samples in the background, for as long as the runtime lives; nothing where the configuration says so.
pub(super) fn start_sampler(
    config: &Config,
    catalog: &Catalog,
    store: Arc<dyn CatalogStore>,
    findings: Findings,
    background: &Handle,
) {
    if config.cache.probes == 0 {
        return;
    }
    let mut witnesses: Vec<Arc<dyn Witness<i64>>> = vec![Arc::new(ThisNode {
        catalog: catalog.clone(),
    })];
    witnesses.extend(others(config.cache.peers.iter().cloned().map(Node::new)));
    witnesses.extend(catalog.l2().map(|l2| witness(l2.clone())));
    let options = ProverOptions {
        rate: config.cache.probes,
        poll: SAMPLER_POLL,
        ages: SAMPLER_AGES.to_vec(),
    };
    let prover = Prover::new(witnesses, options, findings);
    background.spawn(async move { prover.run(VersionJournal { store }, None).await });
}

/// How a command samples.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most changes a second.
    pub rate: u32,
    /// When copies are looked at, the youngest first.
    pub ages: Vec<Duration>,
    /// For how long.
    pub time: Duration,
}

/// Samples for a time, and returns what was found when the last sample has come of age. Redis is asked where `l2` is
/// there; nothing is read from it as a cache.
pub async fn prove(
    store: Arc<dyn CatalogStore>,
    nodes: Vec<Node>,
    l2: Option<L2<i64, Document>>,
    options: Options,
) -> Report {
    let mut witnesses = others(nodes.into_iter()).collect::<Vec<_>>();
    witnesses.extend(l2.map(witness));
    let time = options.time;
    let options = ProverOptions {
        rate: options.rate,
        poll: POLL,
        ages: options.ages,
    };
    let findings = Findings::default();
    let prover = Prover::new(witnesses, options, findings.clone());
    prover.run(VersionJournal { store }, Some(time)).await;
    findings.report()
}

fn others(nodes: impl Iterator<Item = Node>) -> impl Iterator<Item = Arc<dyn Witness<i64>>> {
    nodes.map(|node| Arc::new(OtherNode { node }) as Arc<dyn Witness<i64>>)
}

fn witness(l2: L2<i64, Document>) -> Arc<dyn Witness<i64>> {
    Arc::new(Redis { l2 })
}
