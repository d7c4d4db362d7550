#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a limit of some hundred"
)]

use proptest::prelude::*;

use super::*;

const OPTIONS: GradientOptions = GradientOptions {
    initial: 32,
    floor: 4,
    ceiling: 1_000,
    tolerance: 2.0,
};
const PRODUCT: &str = "product";
const LIST: &str = "list";
const ALONE: Duration = Duration::from_millis(2);

/// Ten thousand calls a second with this many there.
fn run(gradient: &mut Gradient, now: &mut Duration, last: Duration, took: Duration, used: f64) {
    let end = *now + last;
    while *now < end {
        *now += Duration::from_micros(100);
        let in_flight = (gradient.limit() as f64 * used) as usize;
        gradient.answered(*now, PRODUCT, took, in_flight);
    }
}

/// After a minute of quiet.
fn settled() -> (Gradient, Duration) {
    let mut gradient = Gradient::new(OPTIONS);
    let mut now = Duration::ZERO;
    run(&mut gradient, &mut now, Duration::from_mins(1), ALONE, 0.3);
    assert_eq!(gradient.limit(), 32, "what is not used does not grow");
    (gradient, now)
}

#[test]
fn mild_overload_for_half_an_hour_does_not_raise_the_limit() {
    let (mut gradient, mut now) = settled();
    let before = gradient.limit();
    // The gradient is 0.8.
    let took = ALONE.mul_f64(OPTIONS.tolerance / 0.8);
    for _ in 0..30 * 60 {
        run(&mut gradient, &mut now, Duration::from_secs(1), took, 1.0);
        assert!(
            gradient.limit() <= before,
            "{} at {now:?}",
            gradient.limit()
        );
    }
    let (_, baseline) = gradient.baselines().next().unwrap();
    assert!(baseline < ALONE.mul_f64(1.01), "{baseline:?}");
}

#[test]
fn ten_times_as_slow_for_a_minute_is_over_ten_seconds_after() {
    let (mut gradient, mut now) = settled();
    // Used in full first, at a latency at which it stays.
    run(&mut gradient, &mut now, Duration::from_secs(5), ALONE, 1.0);
    let before = gradient.limit();
    assert!(before > 100, "{before}");
    run(
        &mut gradient,
        &mut now,
        Duration::from_mins(1),
        ALONE * 10,
        1.0,
    );
    assert_eq!(gradient.limit(), 4);
    run(&mut gradient, &mut now, Duration::from_secs(10), ALONE, 1.0);
    assert!(
        gradient.limit() * 10 >= before * 9,
        "{} of {before}",
        gradient.limit()
    );
}

#[test]
fn it_recovers_to_where_it_began_without_being_used() {
    let (mut gradient, mut now) = settled();
    run(
        &mut gradient,
        &mut now,
        Duration::from_secs(20),
        ALONE * 10,
        1.0,
    );
    assert_eq!(gradient.limit(), 4);
    run(&mut gradient, &mut now, Duration::from_secs(10), ALONE, 0.3);
    assert!(gradient.limit() >= 32, "{}", gradient.limit());
}

#[test]
fn a_slow_dependency_recovers_as_fast() {
    let mut gradient = Gradient::new(OPTIONS);
    let mut now = Duration::ZERO;
    // Twenty calls a second, of 400 ms.
    let mut second = |gradient: &mut Gradient, took: u64, in_flight: usize| {
        for _ in 0..20 {
            now += Duration::from_millis(50);
            gradient.answered(now, PRODUCT, Duration::from_millis(took), in_flight);
        }
    };
    (0..30).for_each(|_| second(&mut gradient, 400, 8));
    (0..60).for_each(|_| second(&mut gradient, 4_000, 32));
    assert_eq!(gradient.limit(), 4);
    (0..10).for_each(|_| second(&mut gradient, 400, 8));
    assert!(gradient.limit() >= 29, "{}", gradient.limit());
}

#[test]
fn another_mix_of_kinds_is_no_trouble() {
    let mut gradient = Gradient::new(OPTIONS);
    let mut now = Duration::ZERO;
    let mut second = |gradient: &mut Gradient, lists: u32| {
        for number in 0..10_000 {
            now += Duration::from_micros(100);
            let (kind, took) = if number % 100 < lists {
                (LIST, ALONE * 20)
            } else {
                (PRODUCT, ALONE)
            };
            gradient.answered(now, kind, took, 8);
        }
    };
    (0..30).for_each(|_| second(&mut gradient, 1));
    (0..30).for_each(|_| second(&mut gradient, 90));
    assert_eq!(gradient.limit(), 32);
}

#[test]
fn what_got_slower_for_good_is_learned_in_a_lull() {
    let (mut gradient, mut now) = settled();
    run(
        &mut gradient,
        &mut now,
        Duration::from_secs(30),
        ALONE * 5,
        1.0,
    );
    assert_eq!(gradient.limit(), 4);
    run(
        &mut gradient,
        &mut now,
        Duration::from_secs(30),
        ALONE * 5,
        0.3,
    );
    assert_eq!(gradient.limit(), 32);
}

#[test]
fn overflowing_halves_and_one_stray_call_does_not() {
    let (mut gradient, mut now) = settled();
    for _ in 0..50 {
        now += Duration::from_millis(20);
        gradient.overflowed(now, 32);
    }
    assert!(gradient.limit() < 10, "{}", gradient.limit());

    let (mut gradient, mut now) = settled();
    gradient.answered(now, PRODUCT, ALONE * 10_000, 32);
    run(
        &mut gradient,
        &mut now,
        Duration::from_millis(60),
        ALONE,
        0.3,
    );
    assert!(gradient.limit() >= 31, "{}", gradient.limit());
}

proptest! {
    /// Whatever is measured, the limit stays within its bounds and finite.
    #[test]
    fn it_stays_within_its_bounds(
        steps in prop::collection::vec((0_u64..2_000, 0_u64..10_000_000, 0_usize..3_000, any::<bool>()), 0..500),
    ) {
        let mut gradient = Gradient::new(OPTIONS);
        let mut now = Duration::ZERO;
        for (pause, took, in_flight, overflows) in steps {
            now += Duration::from_millis(pause);
            if overflows {
                gradient.overflowed(now, in_flight);
            } else {
                gradient.answered(now, LIST, Duration::from_micros(took), in_flight);
            }
            prop_assert!((4..=1_000).contains(&gradient.limit()));
            prop_assert!(gradient.limit.is_finite());
        }
    }
}
