//! On a real file.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::db::sqlite::Sqlite;
use crate::products::sqlite::SqliteCatalog;
use crate::products::store::{CatalogStore, Decision};
use crate::products::testing::product;

struct Shop {
    store: SqliteCatalog,
    _folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("catalog.db")).unwrap();
        database.migrate().unwrap();
        Self {
            store: SqliteCatalog::new(database),
            _folder: folder,
        }
    }

    fn edit(&self, wanted: &Edit) -> Result<Edited, EditError> {
        let mut outcome = None;
        let work = &mut |transaction: &mut dyn CatalogTransaction| {
            let edited = edit(transaction, wanted.clone(), &|_, _| true);
            let decision = if edited.is_ok() {
                Decision::Commit
            } else {
                Decision::Rollback
            };
            outcome = Some(edited);
            Ok(decision)
        };
        self.store.transaction(work).unwrap();
        outcome.unwrap()
    }

    fn create(&self, product: &ProductInput) -> Edited {
        self.edit(&Edit::Create(document(product))).unwrap()
    }

    /// Everything that is kept, as an export says it.
    fn export(&self) -> Vec<ProductInput> {
        let mut products = Vec::new();
        let visit = &mut |product| {
            products.push(product);
            true
        };
        self.store.for_each_product(visit).unwrap();
        products
    }
}

fn document(product: &ProductInput) -> Value {
    jsonl::to_value(product).unwrap()
}

/// What two products have in common that were made in different ways to say the same.
fn said(mut product: ProductInput) -> ProductInput {
    product.id = None;
    product.version = None;
    product.created_at = None;
    product.updated_at = None;
    for variant in product.variants.iter_mut().flatten() {
        variant.id = None;
    }
    product
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Not even the version.
    #[test]
    fn a_product_replaced_by_its_own_export_stays_as_it_is(product in product()) {
        let shop = Shop::new();
        let created = shop.create(&product);
        let before = shop.export();
        let own = document(&before[0]);
        for same in [Edit::Replace(created.id, own), Edit::Patch(created.id, json!({}))] {
            prop_assert_eq!(&shop.edit(&same).unwrap(), &created);
            prop_assert_eq!(&shop.export(), &before);
        }
    }

    /// Nothing of what was there before is left.
    #[test]
    fn a_product_that_replaces_another_is_as_if_it_had_been_created(
        old in product(), new in product(),
    ) {
        let (shop, fresh) = (Shop::new(), Shop::new());
        let created = shop.create(&old);
        fresh.create(&new);
        let edited = shop.edit(&Edit::Replace(created.id, document(&new))).unwrap();
        prop_assert!(edited.version >= created.version);
        let said = |shop: &Shop| shop.export().into_iter().map(said).collect::<Vec<_>>();
        prop_assert_eq!(said(&shop), said(&fresh));
    }
}

#[test]
fn a_write_that_is_refused_leaves_nothing() {
    let shop = Shop::new();
    let lamp = json!({"handle": "lamp", "title": "Lamp"});
    shop.edit(&Edit::Create(lamp.clone())).unwrap();
    let before = shop.export();
    let astray = json!({"title": "New", "relations": [{"handle": "bed", "kind": "related"}]});
    for (wanted, expected) in [
        (Edit::Create(lamp), "1 other products are in the way"),
        (Edit::Patch(1, astray), "the document has 1 errors"),
        (
            Edit::Patch(1, json!({"title": 5})),
            "the document has 1 errors",
        ),
        (Edit::Delete(2), "there is no such product"),
    ] {
        let refused = shop.edit(&wanted).unwrap_err();
        assert_eq!(refused.to_string(), expected);
        assert_eq!(shop.export(), before);
    }
}
