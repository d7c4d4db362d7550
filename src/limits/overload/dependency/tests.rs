use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::FutureExt;
use futures_util::future::{join_all, pending};
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

use super::*;
use crate::limits::RouteClass;
use crate::limits::overload::waiting::PATIENT;
use crate::limits::overload::{Bounds, Overload};

const LONG: Question = Question {
    kind: "any",
    places: 1,
    limit: Duration::from_mins(1),
};

/// Twice as many may be there at first.
fn dependency(parallel: u32) -> Dependency {
    let bounds = Bounds {
        queue_wait: Duration::from_millis(20),
    };
    let options = DependencyOptions {
        name: "test",
        parallel,
    };
    Overload::new(Some(bounds)).dependency(options)
}

fn of(class: RouteClass) -> Context {
    Context {
        priority: Priority::Request(class),
        deadline: None,
    }
}

async fn call<T>(
    dependency: &Dependency,
    context: Context,
    work: impl Future<Output = Result<T, Refused>>,
) -> Result<T, Refused> {
    context::scope(context, dependency.call(LONG, work, |_| Verdict::Answered)).await
}

/// Something that fails in a way of its own.
#[derive(Debug, PartialEq)]
enum Failure {
    Refused(Refused),
    Down,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

async fn fail(dependency: &Dependency) -> Failure {
    let down = async { Err::<(), _>(Failure::Down) };
    let outcome = dependency.call(LONG, down, |_| Verdict::Failed).await;
    outcome.unwrap_err()
}

#[tokio::test(start_paused = true)]
async fn who_matters_most_goes_first_and_the_others_are_shed_in_time() {
    let dependency = dependency(1);
    let gate = Semaphore::new(0);
    let order = Mutex::new(Vec::new());
    let (gate, order) = (&gate, &order);
    let ask = |class: RouteClass| {
        let work = async move {
            order.lock().unwrap().push(class);
            gate.acquire().await.unwrap().forget();
            Ok(())
        };
        call(&dependency, of(class), work)
    };
    let [write, product, list, search, extra] = RouteClass::ALL;
    let mut first = Box::pin(join_all([ask(extra), ask(extra)]));
    assert!(futures_util::poll!(&mut first).is_pending());
    // The least important comes first, and waits longest.
    let mut others = [extra, search, list, product, write].map(|class| Box::pin(ask(class)));
    for other in &mut others {
        assert!(futures_util::poll!(other).is_pending());
    }
    let [
        mut extras,
        mut searches,
        mut lists,
        mut products,
        mut writes,
    ] = others;
    gate.add_permits(3);
    first.await;
    // Each that leaves lets the next one in.
    assert_eq!(writes.as_mut().await, Ok(()));
    assert!(futures_util::poll!(&mut products).is_pending());
    assert!(futures_util::poll!(&mut lists).is_pending());
    assert_eq!(*order.lock().unwrap(), [extra, extra, write, product, list]);
    let shed = |class| {
        Err(Refused::Shed {
            dependency: "test",
            priority: Priority::Request(class),
        })
    };
    let begun = Instant::now();
    assert_eq!(extras.as_mut().await, shed(extra));
    assert_eq!(searches.as_mut().await, shed(search));
    assert!(begun.elapsed() <= Duration::from_millis(20) * PATIENT);
    assert_eq!(dependency.in_flight(), 2);
    let signals = dependency.signals().unwrap();
    assert_eq!((signals.shed["extra"], signals.shed["write"]), (1, 0));
    let lately = signals.lately;
    assert_eq!((lately.asked, lately.shed), (7, 2));
    assert_eq!((lately.essential_asked, lately.essential_shed), (2, 0));
    drop((products, lists));
    assert_eq!(dependency.in_flight(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_and_the_work_and_nothing_is_begun_after_it() {
    let dependency = dependency(1);
    let begun = AtomicUsize::new(0);
    let hang = || async {
        begun.fetch_add(1, Ordering::Relaxed);
        pending::<Result<(), Refused>>().await
    };
    let within = |time| of(RouteClass::Product).by((Instant::now() + time).into_std());
    let expired = call(&dependency, within(Duration::ZERO), hang()).await;
    assert_eq!(expired, Err(Refused::OutOfTime));
    assert_eq!(begun.load(Ordering::Relaxed), 0);
    let soon = Duration::from_millis(5);
    assert_eq!(
        call(&dependency, within(soon), hang()).await,
        Err(Refused::OutOfTime)
    );
    assert_eq!(begun.load(Ordering::Relaxed), 1);
    assert_eq!(dependency.in_flight(), 0, "its place was given back");
    // The work is told of a deadline although the client named none.
    let told = call(&dependency, of(RouteClass::List), async {
        Ok(context::current().deadline)
    });
    assert!(told.await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn after_failures_in_a_row_it_rests_and_one_finds_out_whether_it_is_well() {
    let dependency = dependency(4);
    for _ in 0..BREAKER.failures {
        assert_eq!(fail(&dependency).await, Failure::Down);
    }
    let broken = Failure::Refused(Refused::Broken { dependency: "test" });
    assert_eq!(fail(&dependency).await, broken);
    tokio::time::advance(Duration::from_millis(BREAKER.cool_down)).await;
    // The first one tries, and meanwhile nobody else does.
    let gate = Semaphore::new(0);
    let probing = call(&dependency, of(RouteClass::Product), async {
        gate.acquire().await.unwrap().forget();
        Ok(())
    });
    let mut probing = Box::pin(probing);
    assert!(futures_util::poll!(&mut probing).is_pending());
    assert_eq!(fail(&dependency).await, broken);
    gate.add_permits(1);
    assert_eq!(probing.await, Ok(()));
    assert_eq!(fail(&dependency).await, Failure::Down);
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_failure_and_impatience_is_none() {
    let dependency = dependency(4);
    let give_up = async |after: Duration| {
        let hang = pending::<Result<(), Refused>>();
        let call = dependency.call(LONG, hang, |_| Verdict::Answered);
        let mut call = Box::pin(call);
        assert!(futures_util::poll!(&mut call).is_pending());
        tokio::time::advance(after).await;
    };
    for _ in 0..2 * BREAKER.failures {
        give_up(LONG.limit / 3).await;
    }
    assert_eq!(
        fail(&dependency).await,
        Failure::Down,
        "it is asked all the same"
    );
    for _ in 1..BREAKER.failures {
        give_up(LONG.limit / 2).await;
    }
    let broken = Failure::Refused(Refused::Broken { dependency: "test" });
    assert_eq!(fail(&dependency).await, broken);
}

#[tokio::test]
async fn without_limits_anybody_may_and_deadlines_are_heeded() {
    let dependency = Overload::new(None).dependency(DependencyOptions {
        name: "test",
        parallel: 1,
    });
    let calls = (0..100).map(|number| {
        let work = async move {
            tokio::task::yield_now().await;
            Ok(number)
        };
        call(&dependency, Context::BACKGROUND, work)
    });
    assert!(join_all(calls).await.iter().all(Result::is_ok));
    let late = of(RouteClass::Write).by(Instant::now().into_std());
    let refused = call(&dependency, late, async { Ok(()) }).await;
    assert_eq!(refused, Err(Refused::OutOfTime));
    assert_eq!(dependency.signals(), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Futures dropped at any point, in any order: each place comes back, and whoever stays is served.
    #[test]
    fn no_place_is_lost_by_dropping(
        polls in prop::collection::vec((0_usize..12, 0_u8..4), 1..120),
        parallel in 1_u32..4,
    ) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let dependency = dependency(parallel);
            let within = Arc::new(AtomicUsize::new(0));
            let gate = Arc::new(Semaphore::new(0));
            let mut calls = Vec::new();
            for (number, (which, what)) in polls.into_iter().enumerate() {
                match what {
                    0 | 1 => {
                        let class = RouteClass::ALL[number % 5];
                        let (dependency, gate, within) = (dependency.clone(), Arc::clone(&gate), Arc::clone(&within));
                        let mut one = async move {
                            let work = async {
                                within.fetch_add(1, Ordering::Relaxed);
                                let _within = Within(&within);
                                gate.acquire().await.unwrap().forget();
                                Ok(())
                            };
                            call(&dependency, of(class), work).await
                        }
                        .boxed_local();
                        if futures_util::poll!(&mut one).is_pending() {
                            calls.push(one);
                        }
                    }
                    2 if !calls.is_empty() => {
                        let which = which % calls.len();
                        drop(calls.swap_remove(which));
                    }
                    _ if !calls.is_empty() => {
                        gate.add_permits(which % 2);
                        let which = which % calls.len();
                        if futures_util::poll!(&mut calls[which]).is_ready() {
                            drop(calls.swap_remove(which));
                        }
                    }
                    _ => {}
                }
                assert!(within.load(Ordering::Relaxed) <= 2 * parallel as usize, "too many at once");
            }
            drop(calls);
            assert_eq!(dependency.in_flight(), 0);
            let all = (0..parallel).map(|_| call(&dependency, Context::BACKGROUND, async { Ok(()) }));
            assert!(join_all(all).await.iter().all(Result::is_ok));
        });
    }
}

struct Within<'w>(&'w AtomicUsize);

impl Drop for Within<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
