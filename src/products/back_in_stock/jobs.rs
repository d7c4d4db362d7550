//! What is done about sign-ups behind the requests: asking whether it was them, looking whether the product is there, and
//! telling those who wait.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::message::{self, Product};
use super::store::{SignUp, SignUpStatus};
use super::token::{Purpose, seal};
use crate::cache::Intent;
use crate::jobs::{Failure, Handler, Job, Kind, Limits, NewJob, Rate, Registered};
use crate::mail::{Mail, MailError, Mailer};
use crate::products::behind::{commit, new_job};
use crate::products::catalog::Catalog;
use crate::products::follow::{Follow, Follower};
use crate::products::store::{CatalogStore, CatalogTransaction, StoreError};

/// Asks whoever signed up whether it was them.
const CONFIRM: Kind = Kind {
    name: "mail.confirm",
    max_attempts: 15,
    keeps_done: true,
};

/// Reads what was committed, and enqueues a [`NOTIFY`] for each product that somebody waits for.
const WATCH: Kind = Kind {
    name: "back_in_stock.watch",
    max_attempts: 10_000,
    keeps_done: false,
};

/// Has mails be due to those who wait for a product, if it is there.
const NOTIFY: Kind = Kind {
    name: "back_in_stock.notify",
    max_attempts: 100,
    keeps_done: true,
};

/// Tells one who waits.
const TELL: Kind = Kind {
    name: "mail.back_in_stock",
    max_attempts: 15,
    keeps_done: true,
};

/// Mails that one transaction has be due.
const AT_ONCE: usize = 500;

#[derive(Serialize, Deserialize)]
struct OfSignUp {
    sign_up: i64,
}

#[derive(Serialize, Deserialize)]
struct OfProduct {
    product: i64,
}

/// To be enqueued when something was committed; one waits at most.
pub fn watch() -> Result<NewJob, StoreError> {
    Ok(new_job(&WATCH, &())?.unique("all"))
}

/// To be enqueued by the transaction that keeps a sign-up.
pub(in crate::products) fn confirm(
    sign_up: i64,
    trace: Option<String>,
) -> Result<NewJob, StoreError> {
    Ok(new_job(&CONFIRM, &OfSignUp { sign_up })?.traced(trace))
}

/// To be enqueued where somebody may be told of a product.
pub(in crate::products) fn notify(product: i64) -> Result<NewJob, StoreError> {
    Ok(new_job(&NOTIFY, &OfProduct { product })?.unique(product.to_string()))
}

/// To be enqueued by the transaction that has a mail be due.
fn tell(sign_up: i64) -> Result<NewJob, StoreError> {
    new_job(&TELL, &OfSignUp { sign_up })
}

/// Enqueues what follows from changes.
struct Awaited;

impl Follow for Awaited {
    fn pass_on(
        &self,
        transaction: &mut dyn CatalogTransaction,
        products: &[i64],
    ) -> Result<(), StoreError> {
        transaction.forget_unconfirmed()?;
        let awaited = transaction.awaited(products)?;
        let jobs: Vec<_> = awaited.into_iter().map(notify).collect::<Result<_, _>>()?;
        transaction.enqueue(&jobs)
    }
}

/// What mails are made of.
#[derive(Clone)]
struct Post {
    catalog: Catalog,
    store: Arc<dyn CatalogStore>,
    mailer: Mailer,
    /// What links begin with.
    links: Arc<str>,
}

impl Post {
    /// The product as it is now; `None` where it is not public.
    async fn product(&self, id: i64) -> Result<Option<Product>, Failure> {
        let documents = self.store.documents(&[id], Intent::Fresh).await;
        let stored = documents.map_err(Failure::passing)?.pop().flatten();
        let document = stored.and_then(|stored| stored.document.ok());
        Ok(document.and_then(|document| Product::of(&document.to_vec())))
    }

    async fn sign_up(&self, job: &Job) -> Result<Option<SignUp>, Failure> {
        let OfSignUp { sign_up } = job.read().map_err(Failure::lasting)?;
        self.store.sign_up(sign_up).await.map_err(Failure::passing)
    }

    async fn link(&self, purpose: Purpose, id: i64) -> Result<String, Failure> {
        let key = self.store.cursor_key().await.map_err(Failure::passing)?;
        let token = seal(&key, purpose, id);
        Ok(format!("{}/back-in-stock/{token}", self.links))
    }

    /// Sends the mail of a sign-up. An address that takes none, now or ever, is forgotten, and the job is a dead letter.
    async fn send(&self, sign_up: i64, mail: Mail) -> Result<(), Failure> {
        let mailer = self.mailer.clone();
        let sent = spawn_blocking(move || mailer.send(&mail)).await;
        match sent.map_err(Failure::passing)? {
            Ok(()) => Ok(()),
            Err(MailError::Refused(reason)) => {
                tracing::warn!("a mail was refused: {reason}");
                self.end(sign_up).await?;
                Err(Failure::Lasting(reason))
            }
            Err(error) => Err(Failure::passing(error)),
        }
    }

    async fn end(&self, id: i64) -> Result<(), Failure> {
        let work = move |transaction: &mut dyn CatalogTransaction| transaction.end_sign_up(id);
        commit(&self.catalog, work).await.map(|_| ())
    }
}

struct Confirm(Post);

impl Handler for Confirm {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let Some(sign_up) = self.0.sign_up(job).await? else {
                return Ok(());
            };
            if sign_up.status != SignUpStatus::Unconfirmed {
                return Ok(());
            }
            let Some(product) = self.0.product(sign_up.product_id).await? else {
                return self.0.end(sign_up.id).await;
            };
            let link = self.0.link(Purpose::Confirm, sign_up.id).await?;
            let unsubscribe = self.0.link(Purpose::Unsubscribe, sign_up.id).await?;
            let mail = message::confirm(&sign_up, &product, &link, &unsubscribe);
            self.0.send(sign_up.id, mail).await
        }
        .boxed()
    }
}

struct Notify(Post);

impl Handler for Notify {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            let OfProduct { product: id } = job.read().map_err(Failure::lasting)?;
            let product = self.0.product(id).await?;
            if !product.is_some_and(|product| product.is_there) {
                return Ok(());
            }
            loop {
                let due = commit(
                    &self.0.catalog,
                    move |transaction: &mut dyn CatalogTransaction| {
                        let due = transaction.have_due(id, AT_ONCE)?;
                        let jobs: Vec<_> = due.into_iter().map(tell).collect::<Result<_, _>>()?;
                        transaction.enqueue(&jobs)?;
                        Ok(jobs.len())
                    },
                );
                if due.await? < AT_ONCE {
                    return Ok(());
                }
            }
        }
        .boxed()
    }
}

struct Tell(Post);

impl Handler for Tell {
    fn run<'a>(&'a self, job: &'a Job) -> BoxFuture<'a, Result<(), Failure>> {
        async move {
            // Ended: told already, and the word of that was lost, or no longer wanted.
            let Some(sign_up) = self.0.sign_up(job).await? else {
                return Ok(());
            };
            if sign_up.status != SignUpStatus::Due {
                return Ok(());
            }
            let product = self.0.product(sign_up.product_id).await?;
            let Some(product) = product.filter(|product| product.is_there) else {
                // Sold before it was told of: the next time.
                let (due, waiting) = (SignUpStatus::Due, SignUpStatus::Waiting);
                let work = move |transaction: &mut dyn CatalogTransaction| {
                    let moved = transaction.move_sign_up(sign_up.id, due, waiting)?;
                    // What came in between looked for those who wait, and missed this one.
                    moved.map_or(Ok(()), |product| transaction.enqueue(&[notify(product)?]))
                };
                return commit(&self.0.catalog, work).await;
            };
            let link = self.0.link(Purpose::Unsubscribe, sign_up.id).await?;
            let mail = message::is_back(&sign_up, &product, &link);
            self.0.send(sign_up.id, mail).await?;
            self.0.end(sign_up.id).await
        }
        .boxed()
    }
}

/// Who does these jobs. `rate` is how many mails go out in a second.
pub fn registered(
    catalog: &Catalog,
    store: &Arc<dyn CatalogStore>,
    mailer: Mailer,
    links: &str,
    rate: u32,
) -> Vec<Registered> {
    let post = Post {
        catalog: catalog.clone(),
        store: Arc::clone(store),
        mailer,
        links: links.into(),
    };
    let one = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    // One after another, so that who signed up first is told first.
    let mails = Limits {
        rate: Some(Rate {
            jobs: rate,
            per: Duration::from_secs(1),
            burst: 1,
        }),
        ..one
    };
    let watch = Follower::new(catalog, store, "back-in-stock", Awaited);
    vec![
        Registered::new(CONFIRM, mails, Confirm(post.clone())),
        Registered::new(WATCH, one, watch),
        Registered::new(NOTIFY, Limits::default(), Notify(post.clone())),
        Registered::new(TELL, mails, Tell(post)),
    ]
}
