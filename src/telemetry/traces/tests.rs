use std::time::Duration;

use super::current::{self, State};
use super::*;

#[test]
fn the_threshold_is_the_share() {
    assert_eq!(threshold(0), 0);
    assert_eq!(threshold(1_000_000), u64::MAX);
    assert_eq!(threshold(500_000), 1 << 63);
}

#[test]
fn nothing_is_recorded_where_nobody_looks() {
    let span = span("a", SpanKind::Internal);
    assert!(!span.is_recording() && carried().is_none());
}

#[test]
fn a_request_that_nobody_keeps_is_recorded_from_its_first_span_on() {
    let mut idle = Current(State::Idle(None));
    {
        let _entered = idle.enter();
        assert!(!span_of_sampled("hit", SpanKind::Internal).is_recording());
        assert!(current::with(|it| matches!(it.0, State::Idle(_))));
        assert!(span("miss", SpanKind::Internal).is_recording());
        assert!(span_of_sampled("hit", SpanKind::Internal).is_recording());
    }
    assert!(
        matches!(idle.0, State::Recording(_)),
        "it is kept for the end"
    );
    assert!(carried().is_none(), "and the thread is free again");
}

#[tokio::test]
async fn a_span_rides_with_the_task() {
    let mut idle = Current(State::Idle(None));
    idle.record();
    let outer = idle.clone();
    let id = outer.carried().unwrap().traceparent;
    scope(outer, async {
        let inner = span("inner", SpanKind::Client);
        let within = inner.carried().unwrap().traceparent;
        assert_eq!(within.trace_id, id.trace_id);
        assert_ne!(within.span_id, id.span_id);
        inner
            .scope(async {
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert_eq!(carried().unwrap().traceparent, within);
            })
            .await;
        assert_eq!(carried().unwrap().traceparent, id);
    })
    .await;
    assert_eq!(carried(), None);
}

#[test]
fn what_is_done_for_several_has_no_one_trace() {
    let one = || {
        let mut current = Current(State::Idle(None));
        current.record();
        current
    };
    let both = Current::together([one(), Current::default(), one()]);
    assert!(matches!(&both.0, State::Recording(places) if places.len() == 2));
    assert_eq!(both.carried(), None);
    assert!(matches!(
        Current::together([Current::default()]).0,
        State::Off
    ));
}
