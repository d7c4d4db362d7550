use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::flags::definition::Definition;
use crate::flags::record::Said;

const LOOK: Millis = 500;

fn hot() -> Readings {
    Readings {
        limits: Pressure {
            queue_wait: Duration::from_millis(50),
            ..Pressure::default()
        },
        ..Readings::default()
    }
}

/// And what matters most is turned away.
fn severe() -> Readings {
    Readings {
        limits: Pressure {
            essential_shed_ratio: 0.1,
            ..hot().limits
        },
        ..Readings::default()
    }
}

fn busy() -> Readings {
    Readings {
        processor: 1.0,
        ..Readings::default()
    }
}

fn mild() -> Readings {
    Readings {
        limits: Pressure {
            queue_wait: Duration::from_millis(15),
            ..Pressure::default()
        },
        ..Readings::default()
    }
}

fn ladder() -> Ladder {
    Ladder::new(DEFAULT_LADDER.to_vec())
}

/// Looks for a time, and returns the steps with their times.
fn look(
    ladder: &mut Ladder,
    from: Millis,
    time: Millis,
    readings: &Readings,
) -> Vec<(Millis, Step)> {
    let looks = (from..from + time).step_by(usize::try_from(LOOK).unwrap());
    looks
        .filter_map(|now| Some((now, ladder.observe(now, readings, |_| false)?)))
        .collect()
}

#[test]
fn each_reading_makes_it_hot_and_keeps_it_from_being_calm() {
    type Reading = fn(&mut Readings, f64);

    let with = |reading: Reading, value| {
        let mut readings = Readings::default();
        reading(&mut readings, value);
        readings
    };
    let cases: [(Reading, f64, f64, Weather); 7] = [
        (
            |it, value| it.limits.saturation = value,
            0.9,
            1.0,
            Weather::Hot,
        ),
        (
            |it, value| it.limits.queue_wait = Duration::from_secs_f64(value),
            0.012,
            0.020,
            Weather::Hot,
        ),
        (
            |it, value| it.limits.shed_ratio = value,
            0.005,
            0.02,
            Weather::Hot,
        ),
        (
            |it, value| it.limits.loop_lag = Duration::from_secs_f64(value),
            0.030,
            0.100,
            Weather::Severe,
        ),
        (
            |it, value| it.limits.essential_shed_ratio = value,
            0.005,
            0.02,
            Weather::Severe,
        ),
        (
            |it, value| it.failed_ratio = value,
            0.005,
            0.02,
            Weather::Severe,
        ),
        (|it, value| it.burn = value, 7.0, 14.4, Weather::Severe),
    ];
    for (reading, mild, bad, weather) in cases {
        let (mild, bad) = (with(reading, mild), with(reading, bad));
        assert_eq!(mild.weather(), Weather::Mild, "{mild:?}");
        assert_eq!(bad.weather(), weather, "{bad:?}");
    }
    assert_eq!(Readings::default().weather(), Weather::Calm);
    assert_eq!(busy().weather(), Weather::Busy);
    let broken = Readings {
        failed_ratio: f64::NAN,
        ..Readings::default()
    };
    assert_eq!(broken.weather(), Weather::Mild);
}

#[test]
fn it_climbs_to_the_top_and_comes_down_again() {
    let mut ladder = ladder();
    let up = look(&mut ladder, 0, 120_000, &severe());
    let features: Vec<_> = up
        .iter()
        .map(|(_, step)| match step {
            Step::Up(feature) | Step::Down(feature) => *feature,
        })
        .collect();
    assert_eq!(features, DEFAULT_LADDER);
    assert_eq!(up[0].0, HOT_FOR);
    let down = look(&mut ladder, 120_000, 120_000, &Readings::default());
    assert_eq!(down.len(), DEFAULT_LADDER.len());
    assert_eq!(down[0], (130_000, Step::Down(Feature::CheckoutFirst)));
    assert!(ladder.taken().is_empty());
}

#[test]
fn nothing_is_refused_while_what_matters_most_is_served() {
    let mut ladder = ladder();
    look(&mut ladder, 0, 600_000, &hot());
    let taken = ladder.taken().to_vec();
    let saves = |rung: &Feature| !rung.refuses();
    let saving: Vec<_> = DEFAULT_LADDER.into_iter().filter(saves).collect();
    assert_eq!(taken, saving);
    let steps = look(&mut ladder, 600_000, HOT_FOR, &severe());
    assert_eq!(steps, [(600_000, Step::Up(Feature::Reviews))]);
}

#[test]
fn bursts_are_for_queues_and_mild_weather_holds() {
    let mut ladder = ladder();
    for burst in 0..20 {
        let from = burst * 3_000;
        assert!(look(&mut ladder, from, 1_500, &hot()).is_empty());
        assert!(look(&mut ladder, from + 1_500, 1_500, &mild()).is_empty());
    }
    assert_eq!(look(&mut ladder, 100_000, 3_000, &hot()).len(), 1);
    assert!(look(&mut ladder, 103_000, 600_000, &mild()).is_empty());
    assert_eq!(ladder.taken(), [Feature::Brotli]);
}

#[test]
fn a_busy_processor_alone_gives_up_what_costs_nothing_else() {
    let mut ladder = ladder();
    assert_eq!(look(&mut ladder, 0, 300_000, &busy()).len(), 1);
    assert_eq!(ladder.taken(), [Feature::Brotli]);
}

#[test]
fn what_an_operator_has_decided_on_is_left_out() {
    let mut ladder = ladder();
    let is_decided = |feature| feature == Feature::Brotli;
    let mut looks = (0..10).map(|look| look * LOOK);
    let step = looks.find_map(|now| ladder.observe(now, &hot(), is_decided));
    assert_eq!(step, Some(Step::Up(Feature::ViewCounts)));
}

fn readings() -> impl Strategy<Value = Readings> {
    let one = prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64];
    (
        one.clone(),
        0..200_u64,
        0..500_u64,
        0.0..0.05_f64,
        0.0..0.05_f64,
        0.0..0.05_f64,
        0.0..30.0_f64,
        one,
    )
        .prop_map(
            |(
                saturation,
                wait,
                lag,
                shed_ratio,
                essential_shed_ratio,
                failed_ratio,
                burn,
                processor,
            )| Readings {
                limits: Pressure {
                    saturation,
                    queue_wait: Duration::from_millis(wait),
                    loop_lag: Duration::from_millis(lag),
                    shed_ratio,
                    essential_shed_ratio,
                },
                failed_ratio,
                burn,
                processor,
            },
        )
}

/// Some time of the same weather.
fn spell() -> impl Strategy<Value = (Readings, u64)> {
    let readings = prop_oneof![
        Just(severe()),
        Just(hot()),
        Just(Readings::default()),
        readings()
    ];
    (readings, 1..60_u64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_two_steps_are_close_and_calm_undoes_all(
        spells in prop::collection::vec(spell(), 1..40),
        gaps in prop::collection::vec(1..3_000_u64, 1..50),
    ) {
        let mut ladder = ladder();
        let mut now = 0;
        let mut stepped = None;
        let mut gaps = gaps.iter().cycle();
        for (readings, looks) in spells {
            for _ in 0..looks {
                now += gaps.next().unwrap();
                let before = ladder.taken().len();
                if let Some(step) = ladder.observe(now, &readings, |_| false) {
                    if let Some(stepped) = stepped.replace(now) {
                        prop_assert!(now - stepped >= STEP_EVERY);
                    }
                    let after = ladder.taken().len();
                    match step {
                        Step::Up(_) => prop_assert_eq!(after, before + 1),
                        Step::Down(_) => prop_assert_eq!(after + 1, before),
                    }
                } else {
                    prop_assert_eq!(ladder.taken().len(), before);
                }
            }
        }
        // Calm for long enough, whatever was before.
        let rungs = ladder.taken().len() as u64;
        look(&mut ladder, now + 1, CALM_FOR + rungs * (STEP_EVERY + LOOK) + LOOK, &Readings::default());
        prop_assert!(ladder.taken().is_empty());
    }

    #[test]
    fn an_operators_word_always_wins(
        spells in prop::collection::vec(spell(), 1..30),
        words in prop::collection::vec((0..30_usize, 0..10_usize, prop::option::of(any::<bool>())), 0..20),
    ) {
        let flags = Flags::default();
        let mut ladder = ladder();
        let mut said: Vec<(Feature, bool)> = Vec::new();
        let mut now = 0;
        for (turn, (readings, looks)) in spells.into_iter().enumerate() {
            for (_, feature, word) in words.iter().filter(|(at, ..)| *at == turn) {
                let feature = Feature::ALL[*feature];
                said.retain(|(other, _)| *other != feature);
                said.extend(word.map(|is_on| (feature, is_on)));
                flags.set_database(&said.iter().map(|(feature, is_on)| row(*feature, *is_on)).collect::<Vec<_>>());
            }
            for _ in 0..looks {
                now += LOOK;
                flags.heed(&mut ladder, now, &readings);
                for (feature, is_on) in &said {
                    prop_assert_eq!(flags.features().is_on(*feature), *is_on);
                }
            }
        }
    }
}

fn row(feature: Feature, is_on: bool) -> Said {
    Said {
        key: feature.name().to_owned(),
        definition: Some(Definition::switched(is_on).source().to_string()),
        reason: String::new(),
        set_by: "test".to_owned(),
        set_at: "2026-11-28T00:00:00.000Z".to_owned(),
        expires_at: None,
        left: None,
    }
}
