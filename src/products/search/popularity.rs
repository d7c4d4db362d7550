//! How popular views make products. They are counted behind the requests and make no versions, so the index, which follows
//! versions, knows nothing of them: they are read from the store now and then, while somebody wants an order by them.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::Mutex;

use crate::products::popularity::VIEWS_OF_A_RATING;
use crate::products::store::CatalogStore;

/// How long what was read is good enough: as long as counts take to be written.
const FRESH: Duration = Duration::from_secs(5);
/// Products whose views are heeded, the most viewed ones. Of more, the others go by their ratings alone.
const MOST: usize = 100_000;

/// By product, as how many ratings its views count. Those that count as none are left out.
pub(super) type Ratings = HashMap<i64, u64>;

/// What was read.
#[derive(Clone)]
struct Known {
    ratings: Arc<Ratings>,
    at: Instant,
}

pub(super) struct Popularity {
    store: Arc<dyn CatalogStore>,
    known: RwLock<Option<Known>>,
    /// Whose turn it is to read.
    turn: Arc<Mutex<()>>,
}

impl Popularity {
    pub(super) fn new(store: Arc<dyn CatalogStore>) -> Self {
        Self {
            store,
            known: RwLock::default(),
            turn: Arc::default(),
        }
    }

    /// What is known, from some seconds ago. The first who asks waits for it, for `patience` at most; for others it is read
    /// on `background`. Where the store does not answer, what was known last is.
    pub(super) async fn ratings(
        self: &Arc<Self>,
        background: &Handle,
        patience: Duration,
    ) -> Arc<Ratings> {
        let Some(known) = self.known() else {
            let _turn = self.turn.lock().await;
            if self.known().is_none() {
                self.read(patience).await;
            }
            return self.known().map(|it| it.ratings).unwrap_or_default();
        };
        if known.at.elapsed() >= FRESH
            && let Ok(turn) = Arc::clone(&self.turn).try_lock_owned()
        {
            let popularity = Arc::clone(self);
            background.spawn(async move {
                popularity.read(patience).await;
                drop(turn);
            });
        }
        known.ratings
    }

    fn known(&self) -> Option<Known> {
        let known = self.known.read();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read(&self, patience: Duration) {
        let reading = self.store.most_viewed(VIEWS_OF_A_RATING, MOST);
        let read = match tokio::time::timeout(patience, reading).await {
            Ok(Ok(viewed)) => Some(viewed),
            Ok(Err(error)) => {
                tracing::debug!("searches go by older views: {error}");
                None
            }
            Err(_) => None,
        };
        let ratings = read.map(|viewed| {
            let of_a_rating = VIEWS_OF_A_RATING.unsigned_abs();
            let viewed = viewed.into_iter();
            let ratings: Ratings = viewed
                .map(|it| (it.product_id, it.views / of_a_rating))
                .collect();
            Arc::new(ratings)
        });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let last = known.take().map(|it| it.ratings);
        *known = Some(Known {
            ratings: ratings.or(last).unwrap_or_default(),
            // A failure, too, is not tried again by each search.
            at: Instant::now(),
        });
    }
}
