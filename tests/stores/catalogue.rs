//! A catalogue, and writes to it.

use std::sync::Mutex;

use doorbuster::db::sqlite::Sqlite;
use doorbuster::products::input::ProductInput;
use doorbuster::products::sqlite::SqliteCatalog;
use doorbuster::products::store::{
    CatalogStore, CatalogTransaction, Decision, OutboxMark, StoreError,
};
use futures_util::future::BoxFuture;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::generate::Write;
use crate::harness::PostgresDatabase;

/// One of the catalogues that are compared.
pub(super) struct Catalogue {
    pub(super) store: Box<dyn CatalogStore>,
    many_at_once: bool,
    /// How far the outbox was read.
    mark: Mutex<OutboxMark>,
    runtime: Runtime,
    _place: Place,
}

/// What goes with the catalogue.
enum Place {
    Folder(#[expect(dead_code, reason = "removed when dropped")] TempDir),
    Database(#[expect(dead_code, reason = "removed when dropped")] PostgresDatabase),
}

impl Catalogue {
    pub(super) fn embedded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("catalog.db")).unwrap();
        database.migrate().unwrap();
        let store = Box::new(SqliteCatalog::new(database));
        Self::new(store, false, Place::Folder(folder))
    }

    pub(super) fn one_by_one() -> Self {
        Self::in_postgres(false)
    }

    pub(super) fn many_at_once() -> Self {
        Self::in_postgres(true)
    }

    fn in_postgres(many_at_once: bool) -> Self {
        let database = PostgresDatabase::new();
        let store = Box::new(crate::outbox::store(&database));
        Self::new(store, many_at_once, Place::Database(database))
    }

    fn new(store: Box<dyn CatalogStore>, many_at_once: bool, place: Place) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let mark = runtime.block_on(store.outbox_end()).unwrap();
        Self {
            store,
            many_at_once,
            mark: Mutex::new(mark),
            runtime,
            _place: place,
        }
    }

    pub(super) fn read<'a, T>(
        &'a self,
        read: impl FnOnce(&'a dyn CatalogStore) -> BoxFuture<'a, Result<T, StoreError>>,
    ) -> T {
        self.runtime.block_on(read(&*self.store)).unwrap()
    }

    pub(super) fn id(&self, handle: &str) -> Option<i64> {
        self.read(|store| store.id_by_handle(handle))
    }

    /// The versions made since the last call.
    pub(super) fn changes(&self) -> Vec<(i64, u64)> {
        let mut mark = self.mark.lock().unwrap();
        let page = self.read(|store| store.outbox_after(mark.clone(), 10_000));
        let page = page.expect("nothing is missing");
        *mark = page.mark;
        let changes = page.changes.iter();
        changes
            .map(|change| (change.product_id, change.version))
            .collect()
    }

    /// Does the write; tells what became of it, with handles for the ids that were given out.
    pub(super) fn play(&self, write: &Write) -> Vec<String> {
        let mut told = Vec::new();
        let transaction = self.store.transaction(&mut |transaction| {
            told.clear();
            self.write(transaction, write, &mut told)
        });
        transaction.unwrap();
        told
    }

    fn write(
        &self,
        transaction: &mut dyn CatalogTransaction,
        write: &Write,
        told: &mut Vec<String>,
    ) -> Result<Decision, StoreError> {
        let refused = |told: &mut Vec<String>, why: String| {
            told.push(why);
            Ok(Decision::Rollback)
        };
        match write {
            Write::Put(products) => self.put(transaction, products, told)?,
            Write::PutAll(products) => {
                self.put(transaction, products, told)?;
                transaction.delete_missing()?;
            }
            Write::PutEach(products) => {
                for outcome in transaction.put_each(products)? {
                    told.push(match outcome {
                        Ok(put) => {
                            format!("{:?} {}, {:?}", put.status, put.version, put.unresolved)
                        }
                        Err(invalid) => format!("{invalid:?}"),
                    });
                }
            }
            Write::Create(product) => {
                let conflicts = transaction.conflicts(None, product)?;
                if !conflicts.is_empty() {
                    return refused(told, self.named(&format!("{conflicts:?}"), &product.handle));
                }
                if let Err(error) = transaction.create(product) {
                    return refused(told, error.to_string());
                }
            }
            Write::Replace(product) => {
                let Some(id) = self.id(&product.handle) else {
                    return refused(told, "none".to_owned());
                };
                let found = transaction.find(id)?.unwrap();
                told.push(format!("{} {}", found.version, found.is_deleted));
                let conflicts = transaction.conflicts(Some(id), product)?;
                if !conflicts.is_empty() {
                    return refused(told, format!("{conflicts:?}"));
                }
                if let Err(error) = transaction.replace(id, product) {
                    return refused(told, error.to_string());
                }
            }
            Write::Delete(handle) => {
                if let Some(id) = self.id(handle) {
                    transaction.delete(id)?;
                }
            }
            Write::Again => {}
            Write::Stock(sku, change) => {
                let changed = transaction.change_stock(sku, change)?;
                told.push(match changed {
                    Ok(stock) => {
                        format!(
                            "{:?} {:?} {}",
                            stock.policy, stock.quantities, stock.version
                        )
                    }
                    Err(refusal) => format!("{refusal:?}"),
                });
            }
        }
        let mut settled = transaction.settle()?;
        settled
            .unresolved
            .sort_by_key(|it| (it.handle.clone(), it.related.clone()));
        told.push(format!("{settled:?}"));
        Ok(Decision::Commit)
    }

    fn put(
        &self,
        transaction: &mut dyn CatalogTransaction,
        products: &[ProductInput],
        told: &mut Vec<String>,
    ) -> Result<(), StoreError> {
        let outcomes = if self.many_at_once {
            transaction.put_many(&products.iter().collect::<Vec<_>>())?
        } else {
            products.iter().map(|it| transaction.put(it)).collect()
        };
        for outcome in outcomes {
            told.push(match outcome {
                Ok(()) => "put".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        Ok(())
    }

    /// The text with the handle in place of its id.
    fn named(&self, text: &str, handle: &str) -> String {
        match self.id(handle) {
            Some(id) => text.replace(&format!("product {id}"), handle),
            None => text.to_owned(),
        }
    }
}
