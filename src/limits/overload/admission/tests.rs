use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::limits::overload::gradient::GradientOptions;

#[derive(Debug, Clone)]
struct Numbered(usize, Rc<Cell<bool>>);

impl MayLeave for Numbered {
    fn is_gone(&self) -> bool {
        self.1.get()
    }
}

/// What a random client does.
#[derive(Debug, Clone)]
enum Step {
    /// With so much importance, for so many places.
    Ask(usize, usize),
    /// The oldest or a later one of those within leaves.
    Leave(usize, bool),
    /// One of those who wait gives up.
    GiveUp(usize),
    Pass(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..Priority::COUNT, 1_usize..4).prop_map(|(index, places)| Step::Ask(index, places)),
        3 => (any::<usize>(), any::<bool>()).prop_map(|(which, well)| Step::Leave(which, well)),
        1 => any::<usize>().prop_map(Step::GiveUp),
        2 => (0_u64..40).prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..400)
}

proptest! {
    /// Places are neither lost nor made, and nobody gets one while somebody who matters more waits.
    #[test]
    fn order_is_strict_and_places_are_kept(steps in steps()) {
        let options = GradientOptions { initial: 3, floor: 2, ceiling: 6, tolerance: 2.0 };
        let mut admission = Admission::new(options, Duration::from_millis(20));
        let mut now = Duration::ZERO;
        let mut within: Vec<Place> = Vec::new();
        let mut waiting: Vec<(Ask, Numbered)> = Vec::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Pass(millis) => now += Duration::from_millis(millis),
                Step::Ask(index, places) => {
                    let ask = Ask { priority: Priority::ALL[index], kind: "any", places };
                    if let Some(place) = admission.ask(now, ask) {
                        let is_first = waiting.iter().all(|(other, _)| ask.priority < other.priority);
                        prop_assert!(is_first, "{ask:?} overtakes {waiting:?}");
                        within.push(place);
                    } else {
                        let waiter = Numbered(number, Rc::default());
                        number += 1;
                        waiting.push((ask, waiter.clone()));
                        prop_assert!(admission.wait(now, ask, waiter).is_none());
                    }
                }
                Step::GiveUp(which) => {
                    if !waiting.is_empty() {
                        let which = which % waiting.len();
                        waiting.swap_remove(which).1.1.set(true);
                    }
                }
                Step::Leave(which, well) => {
                    if within.is_empty() {
                        continue;
                    }
                    let which = which % within.len();
                    let place = within.swap_remove(which);
                    let outcome = if well { Outcome::Answered } else { Outcome::Overflowed };
                    for (place, waiter) in admission.leave(now, place, outcome) {
                        let most = waiting.iter().map(|(ask, _)| ask.priority).min();
                        prop_assert_eq!(Some(place.ask.priority), most);
                        let at = waiting.iter().position(|(_, other)| other.0 == waiter.0);
                        waiting.swap_remove(at.expect("it waits"));
                        within.push(place);
                    }
                }
            }
            let view = admission.view(now);
            let taken: usize = within.iter().map(|place| place.ask.places).sum();
            prop_assert_eq!(view.in_flight, taken);
            prop_assert!(taken <= view.limit.max(6), "{:?}", view);
            let admitted: u64 = view.admitted.iter().sum();
            prop_assert!(admitted >= within.len() as u64);
            // Nobody waits in vain.
            prop_assert!(waiting.is_empty() || !within.is_empty(), "{view:?}");
        }
        // All leave, and all who wait get their turn.
        while let Some(place) = within.pop() {
            within.extend(admission.leave(now, place, Outcome::Unknown).into_iter().map(|(place, waiter)| {
                waiting.retain(|(_, other)| other.0 != waiter.0);
                place
            }));
        }
        prop_assert!(waiting.is_empty());
        prop_assert_eq!(admission.view(now).in_flight, 0);
    }
}
