use std::hash::Hash;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::Handle;

use super::*;
use crate::cache::{
    Clock, Derived, Intent, L1, L1Options, Load, LoadError, Loaded, ReadThrough, SystemClock, Weigh,
};
use crate::products::views::{DetailKey, Form, PageKey, PageView, Part, Source};

/// A store whose every product is its own id, many times.
struct Repeated;

impl Load<i64, Document> for Repeated {
    fn load(
        &self,
        id: i64,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<Document>, LoadError>> {
        let value = Ok(Document::new(id.to_string().repeat(1_000).as_bytes()));
        ready(Ok(Loaded::from_store(value, 1))).boxed()
    }
}

/// A page of any kind, long enough to be compressed.
struct Pages;

impl Load<PageKey, PageView> for Pages {
    fn load(
        &self,
        key: PageKey,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<PageView>, LoadError>> {
        let body = "{\"items\":[]}".repeat(500);
        let page = PageView::new(&key, SystemClock.now(), body.as_bytes(), None);
        let (value, version) = (Ok(page), 0);
        ready(Ok(Loaded::from_store(value, version))).boxed()
    }
}

const BUDGET: u64 = 1 << 20;

fn read_through<K, V>(loader: impl Load<K, V>) -> ReadThrough<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Weigh + Send + Sync + 'static,
{
    let l1 = L1::new(
        L1Options {
            bytes: BUDGET,
            negative_bytes: 0,
            fresh: 60_000,
            stale: 60_000,
            negative: 0,
            fence_lifetime: 4_000,
            fences_fills: false,
        },
        0,
    );
    ReadThrough::new(
        Some(l1),
        loader,
        SystemClock,
        Handle::current(),
        Duration::from_secs(1),
    )
}

fn shelves() -> Shelves {
    Shelves {
        documents: read_through(Repeated),
        details: Some(Arc::new(Derived::new(BUDGET))),
        pages: read_through(Pages),
    }
}

#[tokio::test]
async fn a_body_is_built_once_and_kept_beside_the_document() {
    let shelves = shelves();
    let documents = &shelves.documents;
    let compressor = Compressor::start(shelves.clone());
    let read = documents.read(&7).await.unwrap().value.unwrap();
    for coding in Coding::ALL {
        let [first, second] = [(); 2].map(|()| compressor.order(&Place::Product(7), &read, coding));
        let (first, second) = (first.wait().await.unwrap(), second.wait().await.unwrap());
        assert_eq!(first, coding.compress(&read.to_vec()).unwrap());
        // The same memory: the second order built nothing, and neither does one that comes late.
        assert_eq!(first.as_ptr(), second.as_ptr());
        let late = compressor
            .order(&Place::Product(7), &read, coding)
            .wait()
            .await
            .unwrap();
        assert_eq!(first.as_ptr(), late.as_ptr());
    }
    let kept = documents.peek(&7).unwrap();
    for coding in Coding::ALL {
        assert!(kept.compressed(coding).is_some(), "{coding:?}");
    }
    // In doubt it is loaded again, and the bytes turn out to be the same.
    documents.doubt_everything();
    documents.read(&7).await.unwrap();
    assert_eq!(documents.peek(&7), Some(kept));
}

#[tokio::test]
async fn a_body_of_other_bytes_is_not_put_beside_a_document() {
    let shelves = shelves();
    let documents = &shelves.documents;
    let compressor = Compressor::start(shelves.clone());
    documents.read(&7).await.unwrap();
    let older = Document::new("older".repeat(300).as_bytes());
    let body = compressor
        .order(&Place::Product(7), &older, Coding::Gzip)
        .wait()
        .await;
    assert_eq!(
        body.unwrap(),
        Coding::Gzip.compress(&older.to_vec()).unwrap()
    );
    assert_eq!(documents.peek(&7).unwrap().compressed(Coding::Gzip), None);
    // Nor is a product brought in that nobody keeps.
    compressor
        .order(&Place::Product(8), &older, Coding::Gzip)
        .wait()
        .await
        .unwrap();
    assert_eq!(documents.peek(&8), None);
}

#[tokio::test]
async fn what_the_queue_does_not_hold_is_told_at_once() {
    let (jobs, orders) = sync_channel(1);
    let compressor = Compressor {
        under_way: Flights::new(),
        jobs,
    };
    let document = Document::new(b"lamp");
    let waiting = compressor.order(&Place::Product(1), &document, Coding::Zstd);
    let refused = compressor.order(&Place::Product(2), &document, Coding::Zstd);
    assert_eq!(refused.wait().await, None);
    drop(orders);
    assert_eq!(waiting.wait().await, None);
}

#[tokio::test]
async fn bodies_are_paid_for_out_of_the_budget_of_the_first_tier() {
    let shelves = shelves();
    let documents = &shelves.documents;
    let compressor = Compressor::start(shelves.clone());
    // Documents of 3,000 bytes, which fill the tier by themselves to nine tenths.
    let ids = 100..400;
    for id in ids.clone() {
        documents.read(&id).await.unwrap();
    }
    let kept = || ids.clone().filter_map(|id| documents.peek(&id));
    let plain = kept().count();
    for id in ids.clone() {
        let Some(document) = documents.peek(&id) else {
            continue;
        };
        for coding in Coding::ALL {
            compressor
                .order(&Place::Product(id), &document, coding)
                .wait()
                .await
                .unwrap();
        }
    }
    let weight: usize = kept().map(|document| document.weight()).sum();
    assert!(weight as u64 <= BUDGET, "{weight}");
    assert!(kept().any(|document| document.compressed(Coding::Gzip).is_some()));
    assert!(kept().count() < plain, "of {plain} none was evicted");
}

#[tokio::test]
async fn views_have_their_bodies_beside_them_as_products_have() {
    let shelves = shelves();
    let compressor = Compressor::start(shelves.clone());
    let page = PageKey::Stock { product_id: 7 };
    let of_page = shelves.pages.read(&page).await.unwrap().value.unwrap();
    let source = Source {
        product: Document::new(format!("{{\"id\":[{}1]}}", "1,".repeat(2_000)).as_bytes()),
        reviews: Part::NotAsked,
        recommendations: Part::NotAsked,
        degraded: Vec::new(),
    };
    let form = Form::Json {
        fields: None,
        include: crate::products::views::Include::default(),
    };
    let made = source.detail(&form).unwrap();
    let key = DetailKey {
        product_id: 7,
        form: Arc::new(form),
    };
    let details = shelves.details.as_ref().unwrap();
    details.keep(key.clone(), 1, made.clone());
    let places = [
        (Place::Page(page), of_page.document),
        (Place::Detail(key.clone(), 1), made.document.clone()),
    ];
    for (place, document) in &places {
        for coding in Coding::ALL {
            let order = compressor.order(place, document, coding);
            let body = order.wait().await.unwrap();
            assert_eq!(body, coding.compress(&document.to_vec()).unwrap());
            let kept = shelves.peek(place).unwrap();
            assert_eq!(kept.compressed(coding), Some(&body), "{place:?}");
        }
    }
    // One of the same form, but made of another source.
    details.keep(key.clone(), 2, made.clone());
    let order = compressor.order(&places[1].0, &made.document, Coding::Gzip);
    order.wait().await.unwrap();
    let kept = details.get(&key, 2).unwrap();
    assert_eq!(kept.document.compressed(Coding::Gzip), None);
}
