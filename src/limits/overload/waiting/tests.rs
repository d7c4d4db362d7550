use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::limits::RouteClass;

/// A number, until it has given up.
#[derive(Debug, Clone)]
struct Numbered(u32, Rc<Cell<bool>>);

impl Waiter for Numbered {
    fn is_gone(&self) -> bool {
        self.1.get()
    }
}

const TARGET: Duration = Duration::from_millis(20);
const WRITE: Priority = Priority::Request(RouteClass::Write);
const LIST: Priority = Priority::Request(RouteClass::List);

fn at(millisecond: u64) -> Duration {
    Duration::from_millis(millisecond)
}

fn waiter(number: u32) -> Numbered {
    Numbered(number, Rc::default())
}

fn push(waiting: &mut Waiting<Numbered>, now: u64, priority: Priority, number: u32) {
    assert!(waiting.push(at(now), priority, waiter(number)).is_none());
}

fn pop(waiting: &mut Waiting<Numbered>, now: u64) -> Option<u32> {
    waiting
        .pop(at(now), |_| true)
        .map(|(_, _, waiter)| waiter.0)
}

#[test]
fn a_burst_is_served_in_order_and_overload_in_reverse() {
    let mut waiting = Waiting::new(TARGET);
    assert_eq!(waiting.patience(at(0), LIST), TARGET * PATIENT);
    for number in 0..3 {
        push(&mut waiting, 0, LIST, number);
    }
    assert_eq!(pop(&mut waiting, 50), Some(0));
    // It has stood for as long as a burst may.
    assert_eq!(waiting.patience(at(101), LIST), TARGET);
    assert_eq!(pop(&mut waiting, 101), Some(2));
    assert_eq!(pop(&mut waiting, 101), Some(1));
    // And ran empty.
    assert_eq!(pop(&mut waiting, 101), None);
    assert_eq!(waiting.patience(at(102), LIST), TARGET * PATIENT);
    push(&mut waiting, 102, LIST, 7);
    push(&mut waiting, 102, LIST, 8);
    assert_eq!(pop(&mut waiting, 103), Some(7));
}

#[test]
fn who_comes_before_does_not_suffer_from_who_comes_behind() {
    let mut waiting = Waiting::new(TARGET);
    push(&mut waiting, 0, LIST, 1);
    push(&mut waiting, 300, WRITE, 2);
    push(&mut waiting, 301, WRITE, 3);
    assert_eq!(waiting.patience(at(301), LIST), TARGET);
    assert_eq!(waiting.patience(at(301), WRITE), TARGET * PATIENT);
    // One after the other, as in a burst.
    assert_eq!(pop(&mut waiting, 302), Some(2));
    // But those behind stand as long as those before do.
    push(&mut waiting, 303, Priority::Background, 4);
    assert_eq!(waiting.patience(at(303), Priority::Background), TARGET);
}

#[test]
fn the_most_important_comes_first_and_who_has_gone_never() {
    let mut waiting = Waiting::new(TARGET);
    push(&mut waiting, 0, Priority::Background, 1);
    push(&mut waiting, 1, LIST, 2);
    let gone = waiter(3);
    assert!(waiting.push(at(2), WRITE, gone.clone()).is_none());
    push(&mut waiting, 3, WRITE, 4);
    gone.1.set(true);
    let (priority, waited, next) = waiting.pop(at(9), |_| true).unwrap();
    assert_eq!((priority, waited, next.0), (WRITE, at(6), 4));
    assert_eq!(pop(&mut waiting, 9), Some(2));
    assert_eq!(pop(&mut waiting, 9), Some(1));
    assert_eq!(pop(&mut waiting, 9), None);
}

#[test]
fn one_who_does_not_fit_is_overtaken_by_who_matters_more_alone() {
    let mut waiting = Waiting::new(TARGET);
    push(&mut waiting, 0, LIST, 1);
    push(&mut waiting, 0, Priority::Background, 2);
    let not_the_first = |waiter: &Numbered| waiter.0 != 1;
    assert!(waiting.pop(at(1), not_the_first).is_none());
    assert!(!waiting.is_clear_for(LIST) && waiting.is_clear_for(WRITE));
    push(&mut waiting, 1, WRITE, 3);
    assert!(!waiting.is_clear_for(WRITE));
    let (priority, _, next) = waiting.pop(at(1), not_the_first).unwrap();
    assert_eq!((priority, next.0), (WRITE, 3));
    assert!(waiting.pop(at(1), not_the_first).is_none());
    assert_eq!(pop(&mut waiting, 2), Some(1));
}

#[test]
fn memory_is_bounded_and_who_matters_least_goes() {
    let mut waiting = Waiting::new(TARGET);
    for number in (0..).take(MOST) {
        push(&mut waiting, 0, LIST, number);
    }
    let spared = |waiting: &mut Waiting<Numbered>, priority| {
        waiting.push(at(1), priority, waiter(99_999)).map(|it| it.0)
    };
    assert_eq!(spared(&mut waiting, LIST), Some(99_999));
    assert_eq!(spared(&mut waiting, Priority::Background), Some(99_999));
    assert_eq!(spared(&mut waiting, WRITE), Some(0));
    assert_eq!(waiting.len(), MOST);
    assert_eq!(pop(&mut waiting, 1), Some(99_999));
}
