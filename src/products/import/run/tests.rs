//! Whole imports into a real embedded store.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::cache::Intent;
use crate::db::sqlite::Sqlite;
use crate::products::export::Exporter;
use crate::products::export::jsonl::JsonlExporter;
use crate::products::import::jsonl;
use crate::products::input::ProductInput;
use crate::products::sqlite::SqliteCatalog;
use crate::products::testing;
use proptest::prelude::*;

const STOP: Options = Options {
    on_error: OnError::Stop,
    dry_run: false,
    delete_missing: false,
};
const SKIP: Options = Options {
    on_error: OnError::Skip,
    ..STOP
};

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

    /// Imports lines; returns the report and what was reported on the way.
    fn import(&self, lines: &str, options: Options) -> (Result<Report, ImportError>, Vec<String>) {
        let mut told = Vec::new();
        let records = jsonl::records(lines.as_bytes());
        let report = run(&self.store, records, options, &mut |event| match event {
            Event::Progress(_) => {}
            Event::Skipped(error) => told.push(format!("skipped {error}")),
            Event::Warning(text) => told.push(format!("warning {text}")),
        });
        (report, told)
    }

    fn error(&self, lines: &str) -> String {
        self.import(lines, STOP).0.unwrap_err().to_string()
    }

    fn handles(&self) -> Vec<String> {
        self.products().into_iter().map(|p| p.handle).collect()
    }

    fn products(&self) -> Vec<ProductInput> {
        let mut products = Vec::new();
        let visit = &mut |product| {
            products.push(product);
            true
        };
        self.store.for_each_product(visit).unwrap();
        products
    }

    fn document(&self, id: i64) -> Option<Vec<u8>> {
        let documents = self
            .store
            .documents(&[id], Intent::Any)
            .now_or_never()
            .unwrap()
            .unwrap();
        documents[0]
            .clone()?
            .document
            .ok()
            .map(|document| document.to_vec())
    }
}

const TWO: &str = r#"{"handle":"a","title":"A"}
{"handle":"b","title":"B"}
"#;

#[test]
fn a_second_import_changes_nothing() {
    let shop = Shop::new();
    assert_eq!(shop.import(TWO, STOP).0.unwrap().created, 2);
    let before = shop.products();
    let report = shop.import(TWO, STOP).0.unwrap();
    assert_eq!(
        (report.created, report.updated, report.unchanged),
        (0, 0, 2)
    );
    assert_eq!(shop.products(), before);
}

#[test]
fn stop_leaves_the_catalogue_untouched() {
    let shop = Shop::new();
    let error = shop.error(&format!("{TWO}{{\"handle\":\"c d\",\"title\":\"C\"}}\n"));
    assert!(
        error.starts_with("line 3, column 1: /handle \"c d\": "),
        "{error}"
    );
    assert!(shop.handles().is_empty());
}

#[test]
fn skip_goes_on_without_the_record() {
    let shop = Shop::new();
    let lines = format!("not json\n{TWO}{{\"handle\":\"b\",\"title\":\"Again\"}}\n");
    let (report, told) = shop.import(&lines, SKIP);
    let report = report.unwrap();
    assert_eq!((report.created, report.skipped), (2, 2));
    assert!(told[0].starts_with("skipped line 1"), "{told:?}");
    assert!(
        told[1].contains("handle \"b\": appears twice; first at line 3"),
        "{told:?}"
    );
}

#[test]
fn a_sku_of_another_product_is_told_with_its_owner() {
    let shop = Shop::new();
    let line = |handle: &str| {
        format!(
            r#"{{"handle":"{handle}","title":"T","variants":[{{"sku":"X-1","price":{{"amount_minor":5,"currency":"USD"}}}}]}}"#
        )
    };
    let error = shop.error(&format!("{}\n{}\n", line("a"), line("b")));
    assert!(
        error.starts_with("line 2, column 1: variants[0].sku \"X-1\": belongs to product \"a\""),
        "{error}"
    );
    assert!(shop.handles().is_empty());
}

#[test]
fn a_dry_run_tells_and_writes_nothing() {
    let shop = Shop::new();
    let dry = Options {
        dry_run: true,
        ..STOP
    };
    assert_eq!(shop.import(TWO, dry).0.unwrap().created, 2);
    assert!(shop.handles().is_empty());
}

#[test]
fn what_is_missing_is_deleted_only_on_demand_and_never_after_skips() {
    let shop = Shop::new();
    shop.import(TWO, STOP).0.unwrap();
    let full = Options {
        delete_missing: true,
        ..SKIP
    };
    let (report, told) = shop.import("{\"handle\":\"a\"}\noops\n", full);
    assert_eq!((report.unwrap().deleted, told.len()), (0, 2));
    assert_eq!(shop.handles(), ["a", "b"]);
    let (report, _) = shop.import("{\"handle\":\"a\"}\n", full);
    assert_eq!(report.unwrap().deleted, 1);
    assert_eq!(shop.handles(), ["a"]);
}

#[test]
fn a_relation_to_nowhere_stops_or_is_left_out() {
    let shop = Shop::new();
    let lines = r#"{"handle":"a","title":"A","relations":[{"handle":"ghost","kind":"related"}]}"#;
    let error = shop.error(lines);
    assert!(
        error.starts_with("line 1, column 1: relations \"ghost\": "),
        "{error}"
    );
    let (report, told) = shop.import(lines, SKIP);
    let report = report.unwrap();
    assert_eq!((report.created, report.warnings, report.skipped), (1, 1, 0));
    assert!(told[0].contains("left out"), "{told:?}");
}

#[test]
fn an_early_error_frees_the_reader() {
    let shop = Shop::new();
    let many = "{\"handle\":\"same\",\"title\":\"T\"}\n".repeat(BATCH * AHEAD * 4);
    assert!(shop.error(&many).contains("appears twice"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_export_restores_every_document_byte_by_byte(
        mut products in prop::collection::vec(testing::product(), 0..8)
    ) {
        let mut handles = std::collections::HashSet::new();
        products.retain(|product| handles.insert(product.handle.clone()));
        let shop = Shop::new();
        let mut lines = JsonlExporter::new(Vec::new());
        for product in &products {
            lines.product(product).unwrap();
        }
        let written = lines.into_text();
        let (report, _) = shop.import(&written, STOP);
        prop_assert_eq!(report.unwrap().created, products.len() as u64);

        let mut exported = JsonlExporter::new(Vec::new());
        for product in shop.products() {
            exported.product(&product).unwrap();
        }
        let exported = exported.into_text();
        let copy = Shop::new();
        copy.import(&exported, STOP).0.unwrap();
        let originals = shop.products();
        prop_assert_eq!(&copy.products(), &originals);
        for product in originals {
            let id = product.id.unwrap();
            prop_assert_eq!(copy.document(id), shop.document(id));
        }

        let (again, _) = copy.import(&exported, STOP);
        prop_assert_eq!(again.unwrap().unchanged, products.len() as u64);
    }
}

#[test]
fn heavy_products_are_not_read_far_ahead() {
    const HEAVY: usize = 1024 * 1024;
    let read = &AtomicUsize::new(0);
    let records = (0..60).map(move |number| {
        read.fetch_add(1, Ordering::SeqCst);
        Ok(Record {
            place: Place::default(),
            product: ProductInput {
                handle: format!("p{number}"),
                description_html: Some("x".repeat(HEAVY)),
                ..ProductInput::default()
            },
        })
    });
    let (batches, received) = sync_channel(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || read_ahead(Box::new(records), &batches));
        let mut written = 0;
        for batch in received {
            // Lets the reader run as far ahead as it can.
            thread::sleep(Duration::from_millis(2));
            let ahead = read.load(Ordering::SeqCst) - written;
            assert!(ahead * HEAVY <= (AHEAD + 4) * BATCH_BYTES, "{ahead}");
            written += batch.len();
        }
        assert_eq!(written, 60);
    });
}
