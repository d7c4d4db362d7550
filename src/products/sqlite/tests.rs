//! The embedded catalogue, on real files.

use std::sync::mpsc;
use std::time::Duration;

use futures_util::FutureExt;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::*;
use crate::products::input::{
    ImageInput, Price, ProductOption, RelationInput, ReviewInput, Status, VariantInput,
};
use crate::products::money::Currency;
use crate::products::store::{Change, PutError, Settled};
use crate::products::tail::TailEvent;

struct Catalog {
    store: SqliteCatalog,
    folder: tempfile::TempDir,
}

impl Catalog {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Sqlite::open(&folder.path().join("catalog.db")).unwrap();
        database.migrate().unwrap();
        Self {
            store: SqliteCatalog::new(database),
            folder,
        }
    }

    /// A connection that knows nothing of Doorbuster, as the sqlite3 shell would have.
    fn outsider(&self) -> Connection {
        Connection::open(self.folder.path().join("catalog.db")).unwrap()
    }

    fn put(&self, products: &[ProductInput]) -> Settled {
        let mut settled = None;
        self.store
            .transaction(&mut |transaction| {
                for product in products {
                    transaction.put(product).unwrap();
                }
                settled = Some(transaction.settle()?);
                Ok(Decision::Commit)
            })
            .unwrap();
        settled.unwrap()
    }

    fn refused(&self, product: &ProductInput) -> String {
        let mut message = String::new();
        self.store
            .transaction(&mut |transaction| {
                message = match transaction.put(product) {
                    Err(error @ PutError::Conflict { .. }) => error.to_string(),
                    other => panic!("expected a conflict, got {other:?}"),
                };
                transaction.settle()?;
                Ok(Decision::Commit)
            })
            .unwrap();
        message
    }

    fn document(&self, id: i64) -> Option<StoredDocument> {
        let documents = self.store.documents(&[id], Intent::Any).now_or_never();
        documents.expect("point reads are ready at once").unwrap()[0].clone()
    }

    fn body(&self, id: i64) -> Value {
        serde_json::from_slice(&self.document(id).unwrap().document.unwrap().to_vec()).unwrap()
    }

    fn id(&self, handle: &str) -> i64 {
        let id = self.store.id_by_handle(handle).now_or_never();
        id.unwrap().unwrap().unwrap()
    }
}

fn usd(minor: i64) -> Price {
    Price {
        minor,
        currency: Currency::USD,
    }
}

fn shirt() -> ProductInput {
    ProductInput {
        handle: "shirt".into(),
        title: Some("Shirt \"Löwe\"".into()),
        vendor: Some("Harbour".into()),
        category: Some("Apparel > Shirts".into()),
        tags: Some(vec!["cotton".into(), "new".into()]),
        options: Some(vec![ProductOption {
            name: "Size".into(),
            values: vec!["S".into(), "M".into()],
        }]),
        images: Some(vec![ImageInput {
            url: "https://cdn.example.com/shirt.jpg".into(),
            alt: "A shirt".into(),
            width: Some(800),
            height: Some(600),
        }]),
        variants: Some(vec![
            VariantInput {
                sku: Some("SH-S".into()),
                option_values: vec!["S".into()],
                price: Some(usd(1999)),
                on_hand: Some(3),
                weight_g: Some(Some(180)),
                ..VariantInput::default()
            },
            VariantInput {
                sku: Some("SH-M".into()),
                option_values: vec!["M".into()],
                price: Some(usd(2499)),
                compare_at_minor: Some(Some(2999)),
                on_hand: Some(0),
                ..VariantInput::default()
            },
        ]),
        reviews: Some(vec![
            review(5, "published"),
            review(4, "published"),
            review(1, "pending"),
        ]),
        created_at: Some("2026-01-02T03:04:05.678Z".into()),
        updated_at: Some("2026-02-03T04:05:06.789Z".into()),
        ..ProductInput::default()
    }
}

fn review(rating: i64, status: &str) -> ReviewInput {
    ReviewInput {
        rating,
        title: String::new(),
        body: "Fits".into(),
        author: "Ada".into(),
        status: status.into(),
        created_at: None,
    }
}

#[test]
fn the_document_has_the_promised_shape() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let document = catalog.document(1).unwrap();
    assert_eq!(document.version, 1);
    insta::assert_snapshot!(String::from_utf8_lossy(&document.document.unwrap().to_vec()), @r#"{"id":1,"handle":"shirt","title":"Shirt \"Löwe\"","description_html":"","vendor":"Harbour","product_type":"","category":"Apparel > Shirts","tags":["cotton","new"],"status":"active","options":[{"name":"Size","values":["S","M"]}],"price":{"min":{"amount_minor":1999,"currency":"USD"},"max":{"amount_minor":2499,"currency":"USD"}},"availability":"low_stock","rating":{"average":4.5,"count":2},"images":[{"url":"https://cdn.example.com/shirt.jpg","alt":"A shirt","width":800,"height":600}],"variants":[{"id":1,"sku":"SH-S","barcode":null,"options":{"Size":"S"},"price":{"amount_minor":1999,"currency":"USD"},"compare_at_price":null,"availability":"low_stock","weight_g":180},{"id":2,"sku":"SH-M","barcode":null,"options":{"Size":"M"},"price":{"amount_minor":2499,"currency":"USD"},"compare_at_price":{"amount_minor":2999,"currency":"USD"},"availability":"out_of_stock","weight_g":null}],"attributes":{},"seo":{"title":null,"description":null},"version":1,"created_at":"2026-01-02T03:04:05.678Z","updated_at":"2026-02-03T04:05:06.789Z"}"#);
}

#[test]
fn putting_the_same_again_changes_nothing() {
    let catalog = Catalog::new();
    let first = catalog.put(&[shirt()]);
    assert_eq!((first.created, first.updated, first.unchanged), (1, 0, 0));
    let before = catalog.document(1);
    let second = catalog.put(&[shirt()]);
    assert_eq!(
        (second.created, second.updated, second.unchanged),
        (0, 0, 1)
    );
    assert_eq!(catalog.document(1), before);
}

#[test]
fn every_difference_makes_exactly_one_version() {
    type Edit = fn(&mut ProductInput);
    let edits: [Edit; 9] = [
        |p| p.title = Some("Other".into()),
        |p| p.tags = Some(vec![]),
        |p| p.images.as_mut().unwrap()[0].alt = "Other".into(),
        |p| p.images = Some(vec![]),
        |p| p.variants.as_mut().unwrap()[0].price = Some(usd(1)),
        |p| p.variants.as_mut().unwrap()[1].compare_at_minor = Some(None),
        |p| p.variants.as_mut().unwrap().swap(0, 1),
        |p| drop(p.variants.as_mut().unwrap().pop()),
        |p| p.status = Some(Status::Draft),
    ];
    let catalog = Catalog::new();
    let mut product = shirt();
    catalog.put(&[product.clone()]);
    for (edit, expected) in edits.iter().zip(2..) {
        edit(&mut product);
        assert_eq!(catalog.put(&[product.clone()]).updated, 1);
        assert_eq!(catalog.document(1).unwrap().version, expected);
    }
    assert_eq!(
        catalog.document(1).unwrap().document,
        Err(Absence::Unknown),
        "a draft is not public"
    );
}

#[test]
fn what_is_not_said_is_kept() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let variant = |sku: &str, value: &str| VariantInput {
        sku: Some(sku.into()),
        option_values: vec![value.into()],
        price: Some(usd(1500)),
        ..VariantInput::default()
    };
    catalog.put(&[ProductInput {
        handle: "shirt".into(),
        variants: Some(vec![variant("SH-S", "S"), variant("SH-M", "M")]),
        ..ProductInput::default()
    }]);
    let body = catalog.body(1);
    assert_eq!(body["title"], json!("Shirt \"Löwe\""));
    assert_eq!(body["price"]["max"]["amount_minor"], json!(1500));
    assert_eq!(body["variants"][0]["weight_g"], json!(180));
    assert_eq!(body["variants"][0]["availability"], json!("low_stock"));
    assert_eq!(
        body["variants"][1]["compare_at_price"]["amount_minor"],
        json!(2999)
    );
}

#[test]
fn conflicts_name_the_field_and_leave_nothing_behind() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let mut thief = ProductInput {
        handle: "thief".into(),
        ..shirt()
    };
    assert_eq!(
        catalog.refused(&thief),
        "variants[0].sku \"SH-S\": belongs to product \"shirt\"; a sku is unique in the catalogue"
    );
    thief.variants = None;
    thief.id = Some(1);
    assert_eq!(
        catalog.refused(&thief),
        "id \"1\": belongs to product \"shirt\"; leave it out to get a new one"
    );
    thief.id = None;
    thief.title = None;
    assert!(
        catalog
            .refused(&thief)
            .starts_with("title \"\": a new product")
    );
    let count: i64 = catalog
        .outsider()
        .query_row(
            "SELECT (SELECT count(*) FROM product) + (SELECT count(*) FROM image)",
            [],
            |r| r.get(0),
        )
        .unwrap();
    assert_eq!(count, 2);
}

#[test]
fn a_renamed_sku_keeps_its_variant() {
    let catalog = Catalog::new();
    let mut product = shirt();
    catalog.put(&[product.clone()]);
    let before = catalog.body(1)["variants"][0]["id"].clone();
    product.variants.as_mut().unwrap()[0].sku = Some("SH-SMALL".into());
    catalog.put(&[product]);
    assert_eq!(catalog.body(1)["variants"][0]["id"], before);
    assert_eq!(catalog.body(1)["variants"][0]["sku"], json!("SH-SMALL"));
}

#[test]
fn products_missing_from_a_full_file_go_and_can_come_back() {
    let catalog = Catalog::new();
    let other = ProductInput {
        handle: "other".into(),
        title: Some("Other".into()),
        ..ProductInput::default()
    };
    catalog.put(&[shirt(), other.clone()]);
    let mut settled = Settled::default();
    catalog
        .store
        .transaction(&mut |transaction| {
            transaction.put(&other).unwrap();
            transaction.delete_missing()?;
            settled = transaction.settle()?;
            Ok(Decision::Commit)
        })
        .unwrap();
    assert_eq!(
        (settled.deleted, settled.updated, settled.unchanged),
        (1, 0, 1)
    );
    let gone = catalog.document(catalog.id("shirt")).unwrap();
    assert_eq!((gone.version, gone.document), (2, Err(Absence::Removed)));

    // Its sku may be claimed while it is gone.
    let heir = ProductInput {
        handle: "heir".into(),
        ..shirt()
    };
    let settled = catalog.put(&[heir]);
    assert_eq!(
        (settled.created, settled.updated, settled.unchanged),
        (1, 0, 0)
    );

    let back = ProductInput {
        handle: "shirt".into(),
        ..ProductInput::default()
    };
    assert_eq!(catalog.put(&[back]).updated, 1);
    assert!(
        catalog
            .document(catalog.id("shirt"))
            .unwrap()
            .document
            .is_ok()
    );
}

#[test]
fn relations_may_point_forward_and_missing_targets_are_told() {
    let catalog = Catalog::new();
    let relation = |handle: &str| RelationInput {
        handle: handle.into(),
        kind: "related".into(),
    };
    let mut first = shirt();
    first.relations = Some(vec![relation("later"), relation("nowhere")]);
    let later = ProductInput {
        handle: "later".into(),
        title: Some("Later".into()),
        ..ProductInput::default()
    };
    let settled = catalog.put(&[first, later]);
    assert_eq!(settled.unresolved.len(), 1);
    assert_eq!(settled.unresolved[0].related, "nowhere");
    let mut seen = Vec::new();
    let visit = &mut |product: ProductInput| {
        seen.push(product.relations.unwrap());
        true
    };
    catalog.store.for_each_product(visit).unwrap();
    assert_eq!(seen, vec![vec![relation("later")], vec![]]);
}

#[test]
fn a_rolled_back_transaction_leaves_nothing() {
    let catalog = Catalog::new();
    catalog
        .store
        .transaction(&mut |transaction| {
            transaction.put(&shirt()).unwrap();
            transaction.settle()?;
            Ok(Decision::Rollback)
        })
        .unwrap();
    assert_eq!(catalog.document(1), None);
}

#[test]
fn a_sale_makes_a_version_only_when_the_level_changes() {
    let catalog = Catalog::new();
    let mut product = shirt();
    product.variants.as_mut().unwrap()[0].on_hand = Some(100);
    catalog.put(&[product]);
    let (_tail, events) = tail(&catalog);
    let outsider = catalog.outsider();
    let sell = |left: i64| {
        outsider
            .execute(
                "UPDATE inventory SET on_hand = ?1 WHERE variant_id = 1",
                [left],
            )
            .unwrap();
    };
    (6..100).rev().for_each(sell);
    sell(5);
    assert_eq!(
        next(&events),
        TailEvent::Changes(vec![Change {
            product_id: 1,
            version: 2
        }])
    );
    assert_eq!(
        catalog.body(1)["variants"][0]["availability"],
        json!("low_stock")
    );
}

fn tail(catalog: &Catalog) -> (Tail, mpsc::Receiver<TailEvent>) {
    let (sender, events) = mpsc::channel();
    let tail = Tail::start(catalog.store.database(), move |event| {
        let _ = sender.send(event);
    });
    (tail.unwrap(), events)
}

/// The next event but that nothing is left to be told, which comes whenever a while is over.
fn next(events: &mpsc::Receiver<TailEvent>) -> TailEvent {
    loop {
        let event = events.recv_timeout(Duration::from_secs(10)).unwrap();
        if event != TailEvent::CaughtUp {
            return event;
        }
    }
}

#[test]
fn what_another_program_writes_becomes_a_version() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let (_tail, events) = tail(&catalog);
    catalog
        .outsider()
        .execute(
            "UPDATE product SET title = 'By hand' WHERE handle = 'shirt'",
            [],
        )
        .unwrap();
    assert_eq!(
        next(&events),
        TailEvent::Changes(vec![Change {
            product_id: 1,
            version: 2
        }])
    );
    assert_eq!(catalog.body(1)["title"], json!("By hand"));
}

#[test]
fn removed_outbox_rows_are_a_gap() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let (_tail, events) = tail(&catalog);
    let mut outsider = catalog.outsider();
    let transaction = outsider.transaction().unwrap();
    transaction
        .execute_batch(
            "INSERT INTO catalog_outbox (product_id, version, kind) VALUES (1, 2, 'updated'), (1, 3, 'updated');
             DELETE FROM catalog_outbox WHERE version = 2",
        )
        .unwrap();
    transaction.commit().unwrap();
    assert_eq!(next(&events), TailEvent::Gap);
}

#[test]
fn rows_are_never_removed_under_a_version() {
    let catalog = Catalog::new();
    catalog.put(&[shirt()]);
    let refused = catalog
        .outsider()
        .execute("DELETE FROM product", [])
        .unwrap_err();
    assert!(
        refused.to_string().contains("set deleted_at instead"),
        "{refused}"
    );
}
