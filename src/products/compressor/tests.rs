use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::Handle;

use super::*;
use crate::cache::{L1, L1Options, Load, LoadError, Loaded, SystemClock, Weigh};

/// A store whose every product is its own id, many times.
struct Repeated;

impl Load<i64, Document> for Repeated {
    fn load(&self, id: i64) -> BoxFuture<'static, Result<Loaded<Document>, LoadError>> {
        let value = Ok(Document::new(id.to_string().repeat(1_000).as_bytes()));
        ready(Ok(Loaded { value, version: 1 })).boxed()
    }
}

const BUDGET: u64 = 1 << 20;

fn documents() -> ReadThrough<i64, Document> {
    let l1 = L1::new(
        L1Options {
            bytes: BUDGET,
            negative_bytes: 0,
            fresh: 60_000,
            stale: 60_000,
            negative: 0,
            fence_lifetime: 4_000,
        },
        0,
    );
    ReadThrough::new(
        Some(l1),
        Repeated,
        SystemClock,
        Handle::current(),
        Duration::from_secs(1),
    )
}

#[tokio::test]
async fn a_body_is_built_once_and_kept_beside_the_document() {
    let documents = documents();
    let compressor = Compressor::start(documents.clone());
    let read = documents.read(&7).await.unwrap().value.unwrap();
    for coding in Coding::ALL {
        let [first, second] = [(); 2].map(|()| compressor.order(7, &read, coding));
        let (first, second) = (first.wait().await.unwrap(), second.wait().await.unwrap());
        assert_eq!(first, coding.compress(&read.to_vec()).unwrap());
        // The same memory: the second order built nothing, and neither does one that comes late.
        assert_eq!(first.as_ptr(), second.as_ptr());
        let late = compressor.order(7, &read, coding).wait().await.unwrap();
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
    let documents = documents();
    let compressor = Compressor::start(documents.clone());
    documents.read(&7).await.unwrap();
    let older = Document::new("older".repeat(300).as_bytes());
    let body = compressor.order(7, &older, Coding::Gzip).wait().await;
    assert_eq!(
        body.unwrap(),
        Coding::Gzip.compress(&older.to_vec()).unwrap()
    );
    assert_eq!(documents.peek(&7).unwrap().compressed(Coding::Gzip), None);
    // Nor is a product brought in that nobody keeps.
    compressor
        .order(8, &older, Coding::Gzip)
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
    let waiting = compressor.order(1, &document, Coding::Zstd);
    let refused = compressor.order(2, &document, Coding::Zstd);
    assert_eq!(refused.wait().await, None);
    drop(orders);
    assert_eq!(waiting.wait().await, None);
}

#[tokio::test]
async fn bodies_are_paid_for_out_of_the_budget_of_the_first_tier() {
    let documents = documents();
    let compressor = Compressor::start(documents.clone());
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
                .order(id, &document, coding)
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
