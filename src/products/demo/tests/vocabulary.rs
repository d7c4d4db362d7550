//! The vocabulary is complete and refers to nothing that is not there.

use std::collections::HashSet;

use crate::products::demo::vocabulary::{Attribute, DEPARTMENTS, KINDS, REVIEWS};

#[test]
fn nouns_and_codes_are_unique() {
    let nouns: HashSet<&str> = KINDS.iter().map(|(_, kind)| kind.noun.as_str()).collect();
    assert_eq!(nouns.len(), KINDS.len());
    let codes: HashSet<&str> = DEPARTMENTS.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes.len(), DEPARTMENTS.len());
    assert!(DEPARTMENTS.len() >= 8);
}

#[test]
fn words_within_a_list_are_unique() {
    for department in DEPARTMENTS.iter() {
        let styles = department.kinds.iter().map(|kind| {
            kind.styles
                .iter()
                .map(|style| style.word.clone())
                .collect::<Vec<_>>()
        });
        let values = department.axes.values().map(|axis| axis.values.clone());
        let features = department.kinds.iter().map(|kind| kind.features.clone());
        for list in [&department.series, &department.brands, &department.views]
            .into_iter()
            .cloned()
            .chain(styles)
            .chain(values)
            .chain(features)
        {
            let unique: HashSet<&String> = list.iter().collect();
            assert_eq!(unique.len(), list.len(), "{list:?}");
            assert!(!list.is_empty());
        }
    }
}

#[test]
fn axes_fit_their_values() {
    for department in DEPARTMENTS.iter() {
        for (key, axis) in &department.axes {
            let (fewest, most) = axis.take;
            let values = i64::try_from(axis.values.len()).unwrap();
            assert!(1 <= fewest && fewest <= most && most <= values, "{key}");
            for numbers in [&axis.price, &axis.weight, &axis.grams] {
                let complete = numbers.is_empty() || numbers.len() == axis.values.len();
                assert!(complete, "{key}");
                assert!(numbers.iter().all(|number| *number > 0));
            }
            let used = department.kinds.iter().any(|kind| kind.axes.contains(key));
            assert!(used, "no kind of {} uses {key}", department.name);
        }
    }
}

#[test]
fn kinds_refer_to_what_is_there() {
    for (department, kind) in KINDS.iter() {
        assert!(kind.axes.len() <= 3);
        assert!(
            kind.axes
                .iter()
                .all(|key| department.axes.contains_key(key))
        );
        assert!(kind.price.0 < kind.price.1 && kind.price.0 > 0);
        assert!(kind.weight.0 <= kind.weight.1 && kind.weight.0 > 0);
        let known = |noun: &String| KINDS.iter().any(|(_, other)| other.noun == *noun);
        assert!(kind.accessories.iter().all(known), "{}", kind.noun);
        assert!(!kind.accessories.contains(&kind.noun));
        for (name, attribute) in &kind.attributes {
            match attribute {
                Attribute::Choices(choices) => assert!(!choices.is_empty(), "{name}"),
                Attribute::Range { from, to, step } => {
                    assert!(from < to && (to - from) % step == 0, "{} {name}", kind.noun);
                }
                Attribute::People { people } => assert!(*people > 0),
            }
        }
    }
}

#[test]
fn reviews_have_words_for_every_number_of_stars() {
    assert_eq!(REVIEWS.stars.len(), 5);
    assert!(REVIEWS.names.len() >= 12);
    for stars in &REVIEWS.stars {
        assert!(!stars.titles.is_empty() && !stars.openings.is_empty());
        assert!(!stars.endings.is_empty());
    }
}
