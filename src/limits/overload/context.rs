//! What a request brings along to whatever it asks of: how much it matters, and until when it wants an answer.
//!
//! It rides with the task. The listener puts it around the request's future, and whoever hands work to another task
//! or thread takes it along: single-flight, batches, searches, the category tree. So nothing between has a parameter for
//! it, and what forgets to take it along is treated as what nobody waits for, which is the safe mistake. Setting it costs
//! a store and a load of a cell of the thread each time the request is polled.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::time::{Duration, Instant};

use tokio::time::{self, timeout_at};

use super::Refused;
use super::priority::Priority;

/// Of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// How much it matters.
    pub priority: Priority,
    /// When the client stops waiting. `None` where it did not say.
    pub deadline: Option<Instant>,
}

impl Context {
    /// Of what nobody waits for.
    pub const BACKGROUND: Self = Self {
        priority: Priority::Background,
        deadline: None,
    };

    /// The same, ending at `deadline` at the latest.
    #[must_use]
    pub fn by(self, deadline: Instant) -> Self {
        Self {
            deadline: Some(
                self.deadline
                    .map_or(deadline, |earlier| earlier.min(deadline)),
            ),
            ..self
        }
    }

    /// [`Refused::OutOfTime`] where the client does not wait any more.
    pub fn check(&self) -> Result<(), Refused> {
        match self.deadline {
            Some(deadline) if now() >= deadline => Err(Refused::OutOfTime),
            _ => Ok(()),
        }
    }

    /// Whether the same question may fare better if this one asks it than the one did to whom it was refused.
    #[must_use]
    pub fn may_ask_after(&self, refused: Refused) -> bool {
        refused.was_personal(self.priority) && self.check().is_ok()
    }

    /// How long the client still waits. `None` where it did not say.
    #[must_use]
    pub fn left(&self) -> Option<Duration> {
        Some(self.deadline?.saturating_duration_since(now()))
    }
}

/// On the clock of the timers, which tests may move.
fn now() -> Instant {
    time::Instant::now().into_std()
}

thread_local! {
    static CURRENT: Cell<Context> = const { Cell::new(Context::BACKGROUND) };
}

/// That of the task or thread that asks; [`Context::BACKGROUND`] where none was set.
#[must_use]
pub fn current() -> Context {
    CURRENT.get()
}

/// Puts the one before back.
#[must_use]
pub struct Entered(Context);

/// From here to the end of the result this thread works for `context`. Not to be held across an await: see [`scope`].
pub fn enter(context: Context) -> Entered {
    Entered(CURRENT.replace(context))
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Polls `future` for `context`, on whichever thread. As cancel safe as `future`.
pub async fn scope<F: Future>(context: Context, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|task| {
        let _entered = enter(context);
        future.as_mut().poll(task)
    })
    .await
}

/// Awaits `future`, but no longer than the client of the current context does. Dropping it drops `future`.
pub async fn in_time<F: Future>(future: F) -> Result<F::Output, Refused> {
    in_time_of(current(), future).await
}

/// The same, for the client of a context.
pub(super) async fn in_time_of<F: Future>(
    context: Context,
    future: F,
) -> Result<F::Output, Refused> {
    match context.deadline {
        None => Ok(future.await),
        Some(deadline) => timeout_at(deadline.into(), future)
            .await
            .map_err(|_| Refused::OutOfTime),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::RouteClass;

    #[tokio::test]
    async fn it_rides_with_the_task_and_not_with_the_thread() {
        let of = |class| Context {
            priority: Priority::Request(class),
            deadline: None,
        };
        let seen = async |class| {
            tokio::task::yield_now().await;
            assert_eq!(current(), of(class));
            // Within another one, and back.
            scope(Context::BACKGROUND, async {
                tokio::task::yield_now().await;
                assert_eq!(current(), Context::BACKGROUND);
            })
            .await;
            assert_eq!(current(), of(class));
        };
        // Both on one thread, in turn.
        let one = scope(of(RouteClass::Search), seen(RouteClass::Search));
        let other = scope(of(RouteClass::Write), seen(RouteClass::Write));
        tokio::join!(one, other);
        assert_eq!(current(), Context::BACKGROUND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_ends_the_waiting_and_nothing_extends_it() {
        let soon = now() + Duration::from_millis(5);
        let context = Context::BACKGROUND.by(soon);
        assert_eq!(context.by(soon + Duration::from_secs(1)), context);
        let late = scope(context, in_time(std::future::pending::<()>())).await;
        assert_eq!(late, Err(Refused::OutOfTime));
        assert_eq!(scope(context, in_time(async { 1 })).await, Ok(1));
        assert_eq!(in_time(async { 2 }).await, Ok(2));
    }
}
