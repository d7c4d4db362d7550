//! Reading through, with a store whose loads a test starts and ends by hand.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::{Semaphore, mpsc};

use super::super::l1::L1Options;
use super::*;

#[derive(Debug, Clone, PartialEq)]
struct Text(&'static str);

impl Weigh for Text {
    fn weight(&self) -> usize {
        self.0.len()
    }
}

/// A store with one row; a load reads it, tells `started`, and returns what it read once a permit is
/// there.
#[derive(Clone)]
struct Store(Arc<StoreState>);

struct StoreState {
    row: Mutex<Result<Loaded<Text>, LoadError>>,
    started: mpsc::UnboundedSender<()>,
    permits: Semaphore,
    loads: AtomicU64,
}

impl Load<u8, Text> for Store {
    fn load(
        &self,
        _key: u8,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<Text>, LoadError>> {
        let store = self.clone();
        async move {
            store.0.loads.fetch_add(1, Ordering::SeqCst);
            let row = store.0.row.lock().unwrap().clone();
            store.0.started.send(()).unwrap();
            store.0.permits.acquire().await.unwrap().forget();
            row
        }
        .boxed()
    }
}

impl Store {
    fn write(&self, version: u64, text: &'static str) {
        *self.0.row.lock().unwrap() = Ok(loaded(version, text));
    }

    fn permit(&self, loads: usize) {
        self.0.permits.add_permits(loads);
    }

    fn loads(&self) -> u64 {
        self.0.loads.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::SeqCst)
    }
}

fn loaded(version: u64, text: &'static str) -> Loaded<Text> {
    Loaded::from_store(Ok(Text(text)), version)
}

struct Fixture {
    cache: ReadThrough<u8, Text>,
    store: Store,
    started: mpsc::UnboundedReceiver<()>,
    clock: HandClock,
}

fn fixture() -> Fixture {
    let (sender, started) = mpsc::unbounded_channel();
    let store = Store(Arc::new(StoreState {
        row: Mutex::new(Ok(loaded(1, "one"))),
        started: sender,
        permits: Semaphore::new(0),
        loads: AtomicU64::new(0),
    }));
    let clock = HandClock(Arc::new(AtomicU64::new(0)));
    let l1 = L1::new(
        L1Options {
            bytes: 1 << 20,
            negative_bytes: 1 << 16,
            fresh: 1_000,
            stale: 10_000,
            negative: 1_000,
            fence_lifetime: 60_000,
            fences_fills: false,
        },
        0,
    );
    let deadline = Duration::from_secs(5);
    let cache = ReadThrough::new(
        Some(l1),
        store.clone(),
        clock.clone(),
        Handle::current(),
        deadline,
    );
    Fixture {
        cache,
        store,
        started,
        clock,
    }
}

fn text(answer: &Result<Answer<Text>, LoadError>) -> &'static str {
    answer.as_ref().unwrap().value.as_ref().unwrap().0
}

#[tokio::test]
async fn a_thousand_callers_make_one_load() {
    let mut f = fixture();
    let callers: Vec<_> = (0..1_000)
        .map(|_| {
            let cache = f.cache.clone();
            tokio::spawn(async move { cache.read(&1).await })
        })
        .collect();
    f.started.recv().await.unwrap();
    f.store.permit(1_000);
    let answers = join_all(callers).await;
    assert!(
        answers
            .iter()
            .all(|answer| text(answer.as_ref().unwrap()) == "one")
    );
    assert_eq!(f.store.loads(), 1);
}

#[tokio::test]
async fn a_store_that_is_ready_at_once_is_read_on_the_callers_thread() {
    let f = fixture();
    f.store.permit(1);
    let answer = f.cache.read(&1).now_or_never().expect("nothing to await");
    assert!(matches!(
        answer.unwrap().status,
        Status::Miss {
            collapsed: false,
            ..
        }
    ));
    let hit = f.cache.read(&1).now_or_never().expect("nothing to await");
    assert!(matches!(
        hit.unwrap().status,
        Status::Hit { ttl: 900..=1_100 }
    ));
}

#[tokio::test]
async fn a_dropped_caller_does_not_stop_the_load() {
    let mut f = fixture();
    {
        let impatient = f.cache.read(&1);
        assert!(impatient.now_or_never().is_none());
    }
    f.started.recv().await.unwrap();
    let patient = f.cache.read(&1);
    f.store.permit(1);
    let answer = patient.await;
    assert_eq!(text(&answer), "one");
    assert!(matches!(
        answer.unwrap().status,
        Status::Miss {
            collapsed: true,
            ..
        }
    ));
    assert_eq!(f.store.loads(), 1);
}

#[tokio::test]
async fn an_invalidation_that_overtakes_a_load_wins() {
    let mut f = fixture();
    let cache = f.cache.clone();
    let reader = tokio::spawn(async move { cache.read(&1).await });
    f.started.recv().await.unwrap();
    f.store.write(2, "two");
    f.cache.invalidate(&1, 2, Cause::Journal);
    f.store.permit(2);
    assert_eq!(text(&reader.await.unwrap()), "two");
    assert_eq!(text(&f.cache.read(&1).await), "two");
    assert_eq!(f.store.loads(), 2);
}

/// The window between a fill and the end of its flight: whoever joins there after an invalidation must
/// not get the version from before.
#[tokio::test]
async fn a_follower_heeds_an_invalidation_that_came_before_it() {
    let mut f = fixture();
    let Role::Leader(pilot) = f.cache.shared.flights.join(&1) else {
        panic!("nobody else is here");
    };
    f.store.write(2, "two");
    f.cache.invalidate(&1, 2, Cause::Journal);
    let cache = f.cache.clone();
    let follower = tokio::spawn(async move { cache.read(&1).await });
    tokio::task::yield_now().await;
    assert_eq!(f.store.loads(), 0, "it follows");
    let answer = Answer {
        value: Ok(Text("one")),
        version: 1,
        status: Status::Miss {
            ttl: 1_000,
            collapsed: false,
            origin: Origin::Store,
        },
    };
    pilot.land(Ok(Landed { answer, epoch: 0 }));
    f.started.recv().await.unwrap();
    f.store.permit(1);
    assert_eq!(text(&follower.await.unwrap()), "two");
}

#[tokio::test]
async fn a_store_behind_its_own_invalidations_is_not_believed() {
    let f = fixture();
    f.cache.invalidate(&1, 2, Cause::Journal);
    f.store.permit(10);
    assert_eq!(f.cache.read(&1).await, Err(LoadError::Outdated));
}

#[tokio::test]
async fn a_stale_value_is_served_and_refreshed_behind_it() {
    let mut f = fixture();
    f.store.permit(1);
    f.cache.read(&1).await.unwrap();
    f.started.recv().await.unwrap();
    f.store.write(2, "two");
    f.clock.0.store(2_000, Ordering::SeqCst);
    for _ in 0..10 {
        let stale = f.cache.read(&1).now_or_never().expect("nothing to await");
        assert_eq!(text(&stale), "one");
        assert!(matches!(
            stale.unwrap().status,
            Status::Hit { ttl: -1_100..=-900 }
        ));
    }
    f.started.recv().await.unwrap();
    f.store.permit(1);
    loop {
        let answer = f.cache.read(&1).await;
        if text(&answer) == "two" {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(f.store.loads(), 2);
}

#[tokio::test]
async fn doubt_makes_every_reader_load_again() {
    let f = fixture();
    f.store.permit(2);
    f.cache.read(&1).await.unwrap();
    f.cache.doubt_everything();
    f.cache.read(&1).await.unwrap();
    assert_eq!(f.store.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_load_has_a_deadline_and_the_next_caller_a_new_chance() {
    let f = fixture();
    let deadline = Duration::from_secs(5);
    assert_eq!(
        f.cache.read(&1).await,
        Err(LoadError::DeadlineExceeded(deadline))
    );
    f.store.permit(1);
    assert_eq!(text(&f.cache.read(&1).await), "one");
}

#[tokio::test]
async fn a_failure_is_told_to_all_and_not_kept() {
    let f = fixture();
    *f.store.0.row.lock().unwrap() = Err(LoadError::Failed("disk".into()));
    f.store.permit(2);
    assert_eq!(
        f.cache.read(&1).await,
        Err(LoadError::Failed("disk".into()))
    );
    f.store.write(1, "one");
    assert_eq!(text(&f.cache.read(&1).await), "one");
}

struct Panics;

impl Load<u8, Text> for Panics {
    fn load(
        &self,
        _key: u8,
        _intent: Intent,
    ) -> BoxFuture<'static, Result<Loaded<Text>, LoadError>> {
        async {
            tokio::task::yield_now().await;
            panic!("in the loader")
        }
        .boxed()
    }
}

#[tokio::test]
async fn a_panic_in_a_load_frees_its_followers() {
    let f = fixture();
    let l1 = L1::new(
        L1Options {
            bytes: 1 << 20,
            negative_bytes: 0,
            fresh: 1,
            stale: 1,
            negative: 1,
            fence_lifetime: 1,
            fences_fills: false,
        },
        0,
    );
    let cache = ReadThrough::new(
        Some(l1),
        Panics,
        f.clock,
        Handle::current(),
        Duration::from_secs(5),
    );
    assert_eq!(cache.read(&1).await, Err(LoadError::Aborted));
    assert_eq!(cache.read(&1).await, Err(LoadError::Aborted));
}

#[tokio::test]
async fn without_a_tier_every_read_loads() {
    let f = fixture();
    let deadline = Duration::from_secs(5);
    let cache = ReadThrough::new(None, f.store.clone(), f.clock, Handle::current(), deadline);
    f.store.permit(2);
    for _ in 0..2 {
        let origin = Origin::Store;
        let status = cache.read(&1).await.unwrap().status;
        assert_eq!(status, Status::Bypass { origin });
    }
    assert_eq!(f.store.loads(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_read_shortly_before_its_end_is_refreshed_ahead() {
    let mut f = fixture();
    let cache = f.cache.clone();
    let first = tokio::spawn(async move { cache.read(&1).await });
    f.started.recv().await.unwrap();
    // So the loads take no less than a tenth of the time that values are fresh.
    f.cache.shared.ahead.measured(Duration::from_millis(100));
    f.store.permit(10);
    first.await.unwrap().unwrap();
    f.clock.0.store(100, Ordering::SeqCst);
    assert!(f.cache.read(&1).now_or_never().is_some());
    f.clock.0.store(880, Ordering::SeqCst);
    let mut reads = 0;
    while f.store.loads() < 2 {
        reads += 1;
        assert!(reads < 1_000, "no refresh in so many reads");
        let hit = f.cache.read(&1).now_or_never().expect("nothing to await");
        assert!(matches!(hit.unwrap().status, Status::Hit { ttl: 1.. }));
        tokio::task::yield_now().await;
    }
}
