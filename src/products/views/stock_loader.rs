//! Reads exact stock from the store.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::runtime::Handle;

use crate::cache::{Absence, Batched, Intent, Load, LoadError, LoadMany, Loaded};
use crate::products::store::CatalogStore;
use crate::products::store_gate::StoreGate;

/// The way to exact stock: one product at a time in an embedded store, in batches in one behind a network, where each
/// question alone would take a connection from whoever is about to buy something else. Clones share everything.
#[derive(Clone)]
pub(in crate::products) enum StockLoader {
    OneByOne { store: Store, gate: StoreGate },
    Batched(Batched<i64, String>),
}

#[derive(Clone)]
pub(in crate::products) struct Store(Arc<dyn CatalogStore>);

impl StockLoader {
    /// Batches run on `background`, each for no longer than `deadline`.
    pub(in crate::products) fn new(
        store: Arc<dyn CatalogStore>,
        gate: StoreGate,
        deadline: Duration,
        background: &Handle,
    ) -> Self {
        let is_remote = store.reach().is_remote;
        let store = Store(store);
        if is_remote {
            Self::Batched(Batched::new(
                store,
                gate.keys("stock"),
                deadline,
                background,
            ))
        } else {
            Self::OneByOne { store, gate }
        }
    }

    /// The exact stock of a public product, as JSON; `None` where there is no such product.
    pub(super) async fn stock(&self, product_id: i64) -> Result<Option<String>, LoadError> {
        match self {
            Self::OneByOne { store, gate } => {
                let ids = [product_id];
                let found = gate.ask("stock", store.0.stocks(&ids)).await?;
                Ok(found.into_iter().next().flatten())
            }
            Self::Batched(batches) => Ok(batches.load(product_id, Intent::Fresh).await?.value.ok()),
        }
    }
}

impl LoadMany<i64, String> for Store {
    fn load_many(
        &self,
        keys: Vec<i64>,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Vec<Loaded<String>>, LoadError>> {
        let Self(store) = self.clone();
        async move {
            let stocks = store.stocks(&keys).await?.into_iter();
            let loaded = stocks.map(|it| Loaded::from_store(it.ok_or(Absence::Unknown), 0));
            Ok(loaded.collect())
        }
        .boxed()
    }
}
