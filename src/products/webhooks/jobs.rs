//! Passing changes on, behind the requests: one job reads the stream of versions, and one for each receiver and product
//! tells it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::task::spawn_blocking;

use super::event::Event;
use super::sign::Secret;
use super::stock;
use crate::cache::Intent;
use crate::jobs::{Failure, Handler, Job, Kind, Limits, NewJob, Registered};
use crate::outbound::{Client, ClientError, Reach};
use crate::products::behind::{PATIENCE, commit, new_job};
use crate::products::catalog::Catalog;
use crate::products::follow::{AT_ONCE, Follow, Follower};
use crate::products::store::{CatalogStore, CatalogTransaction, Decision, StoreError};
use crate::telemetry::traces::{Carried, SpanKind, span};

/// Reads what was committed, and enqueues a [`DELIVER`] for each product that changed.
pub const COLLECT: Kind = Kind {
    name: "webhook.collect",
    max_attempts: 10_000,
    keeps_done: false,
};

/// Tells a receiver how a product is.
pub const DELIVER: Kind = Kind {
    name: "webhook.deliver",
    max_attempts: 10,
    keeps_done: true,
};

/// After each failure, as Standard Webhooks proposes: three days in all.
const AGAIN: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// Who follows the stream.
const FOLLOWER: &str = "webhooks";
/// Gone for good (RFC 9110 §15.5.11).
const GONE: u16 = 410;

/// Who is told of changes.
#[derive(Debug, Clone)]
pub struct Receivers {
    /// Their addresses.
    pub urls: Vec<String>,
    /// What the messages are signed with.
    pub secret: Secret,
    /// Whether addresses of a private network may be asked.
    pub allow_private: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) url: String,
    pub(super) product: i64,
}

/// To be enqueued when something was committed; one waits at most.
pub fn collect() -> Result<NewJob, StoreError> {
    Ok(new_job(&COLLECT, &())?.unique("all"))
}

/// Two that are to tell one receiver of one product are one: it is told how that is when it is told.
pub(super) fn deliveries(
    kind: &Kind,
    urls: &[String],
    products: &[i64],
) -> Result<Vec<NewJob>, StoreError> {
    let mut jobs = Vec::with_capacity(urls.len() * products.len());
    for url in urls {
        for product in products {
            let delivery = Delivery {
                url: url.clone(),
                product: *product,
            };
            let job = new_job(kind, &delivery)?;
            jobs.push(job.unique(format!("{product} {url}")));
        }
    }
    Ok(jobs)
}

/// Enqueues what follows from changes.
struct Collect {
    urls: Vec<String>,
}

impl Follow for Collect {
    fn pass_on(
        &self,
        transaction: &mut dyn CatalogTransaction,
        products: &[i64],
    ) -> Result<(), StoreError> {
        transaction.enqueue(&deliveries(&DELIVER, &self.urls, products)?)
    }
}

/// Sends messages to receivers.
pub(super) struct Sender {
    pub(super) catalog: Catalog,
    pub(super) store: Arc<dyn CatalogStore>,
    client: Client,
    secret: Secret,
}

impl Sender {
    pub(super) async fn is_disabled(&self, url: &str) -> Result<bool, Failure> {
        let disabled = self.store.disabled(url).await;
        Ok(disabled.map_err(Failure::passing)?.is_some())
    }

    async fn disable(&self, url: String, reason: String) -> Result<(), Failure> {
        tracing::warn!(url, "sent no webhooks any more: {reason}");
        let work = move |transaction: &mut dyn CatalogTransaction| {
            transaction.disable(&url, Some(&reason))
        };
        commit(&self.catalog, work).await
    }

    /// Sends a message. False where the receiver is sent nothing any more.
    pub(super) async fn send(
        &self,
        job: &Job,
        url: &str,
        event: impl FnOnce(&str) -> Event,
    ) -> Result<bool, Failure> {
        let now = OffsetDateTime::now_utc();
        let event = event(&now.format(&Rfc3339).map_err(Failure::lasting)?);
        let timestamp = now.unix_timestamp();
        let signature = self.secret.sign(&event.id, timestamp, &event.body);
        let mut headers = vec![
            ("webhook-id", event.id.clone()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ];
        let mut traced = span("webhook", SpanKind::Client);
        traced.set("http.request.method", "POST");
        headers.extend(traced.carried().iter().flat_map(Carried::headers));
        let (client, to) = (self.client.clone(), url.to_owned());
        let posted = spawn_blocking(move || client.post(&to, &headers, &event.body));
        let posted = posted.await.map_err(Failure::passing)?;
        if let Err(error) = &posted {
            traced.fail("webhook", error);
        }
        drop(traced);
        match posted {
            Ok(()) => Ok(true),
            Err(ClientError::Refused(GONE)) => {
                let reason = "it is gone (410)".to_owned();
                self.disable(url.to_owned(), reason).await?;
                Ok(false)
            }
            Err(error) if job.is_last_attempt() => {
                let reason = format!("nothing was taken for three days: {error}");
                self.disable(url.to_owned(), reason.clone()).await?;
                Err(Failure::Lasting(reason))
            }
            Err(error) => {
                let failures = usize::from(job.attempt).clamp(1, AGAIN.len());
                Err(Failure::PassingFor(AGAIN[failures - 1], error.to_string()))
            }
        }
    }
}

struct Deliver(Arc<Sender>);

impl Deliver {
    async fn deliver(&self, job: &Job) -> Result<(), Failure> {
        let Delivery { url, product } = job.read().map_err(Failure::lasting)?;
        let Self(sender) = self;
        if sender.is_disabled(&url).await? {
            return Ok(());
        }
        let ids = [product];
        let documents = sender.store.documents(&ids, Intent::Fresh).await;
        let Some(Some(stored)) = documents.map_err(Failure::passing)?.pop() else {
            return Ok(());
        };
        // Taken already: the word of that came before the end of the job.
        let sent = sender.store.sent(&url, product).await;
        if sent.map_err(Failure::passing)? >= stored.version {
            return Ok(());
        }
        let event = |at: &str| Event::of(product, &stored, at);
        if sender.send(job, &url, event).await? {
            let version = stored.version;
            let work = move |transaction: &mut dyn CatalogTransaction| {
                transaction.note_sent(&url, product, version)
            };
            commit(&sender.catalog, work).await?;
        }
        Ok(())
    }
}

impl Handler for Deliver {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        self.deliver(job).boxed()
    }
}

/// Who does these jobs.
pub fn registered(
    catalog: &Catalog,
    store: &Arc<dyn CatalogStore>,
    receivers: Receivers,
) -> Vec<Registered> {
    let Receivers {
        urls,
        secret,
        allow_private,
    } = receivers;
    let sender = Arc::new(Sender {
        catalog: catalog.clone(),
        store: Arc::clone(store),
        client: Client::new(if allow_private {
            Reach::Anywhere
        } else {
            Reach::Public("webhooks.allow_private")
        }),
        secret,
    });
    let one = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let several = Limits {
        concurrency: 16,
        ..Limits::default()
    };
    let collect_stock = stock::Collect::new(Arc::clone(&sender), urls.clone());
    let collect = Follower::new(catalog, store, FOLLOWER, Collect { urls });
    vec![
        Registered::new(COLLECT, one, collect),
        Registered::new(DELIVER, several, Deliver(Arc::clone(&sender))),
        Registered::new(stock::COLLECT, one, collect_stock),
        Registered::new(stock::DELIVER, several, stock::Deliver(sender)),
    ]
}

/// Has a receiver told again of everything that changed within the last `age`, and not left out any more. Returns how many
/// changes that are; `None` where the stream does not go back so far. Blocks, but for its reads.
pub async fn replay(
    store: &dyn CatalogStore,
    url: &str,
    age: Duration,
) -> Result<Option<usize>, StoreError> {
    let Some(mut mark) = store.outbox_before(age).await? else {
        return Ok(None);
    };
    let urls = [url.to_owned()];
    let mut count = 0;
    loop {
        let Some(page) = store.outbox_after(mark, AT_ONCE).await? else {
            return Ok(None);
        };
        let products: Vec<_> = page
            .changes
            .iter()
            .map(|change| change.product_id)
            .collect();
        let jobs = deliveries(&DELIVER, &urls, &products)?;
        let url = url.to_owned();
        let work = move |transaction: &mut dyn CatalogTransaction| {
            transaction.disable(&url, None)?;
            for product in &products {
                transaction.note_sent(&url, *product, 0)?;
            }
            transaction.enqueue(&jobs)?;
            Ok(Decision::Commit)
        };
        let written = store.write(Instant::now() + PATIENCE, Box::new(work)).await;
        written.map_err(|error| StoreError::new(error.to_string()))?;
        count += page.changes.len();
        if page.changes.len() < AT_ONCE {
            return Ok(Some(count));
        }
        mark = page.mark;
    }
}
