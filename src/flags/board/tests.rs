use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::*;
use crate::flags::context::Context;
use crate::flags::definition::parse_document;

/// A clock that is set by hand.
#[derive(Clone, Default)]
struct HandClock(Arc<AtomicU64>);

impl Clock for HandClock {
    fn now(&self) -> Millis {
        self.0.load(Ordering::Relaxed)
    }
}

fn board() -> (Flags, HandClock) {
    let clock = HandClock::default();
    (Flags::new(clock.clone()), clock)
}

fn row(key: &str, definition: &str, set_at: &str, left: Option<i64>) -> Said {
    Said {
        key: key.to_owned(),
        definition: Some(definition.to_owned()),
        reason: "why".to_owned(),
        set_by: "anna".to_owned(),
        set_at: set_at.to_owned(),
        expires_at: left.map(|_| "until".to_owned()),
        left,
    }
}

fn off() -> String {
    Definition::switched(false).source().to_string()
}

fn file(flags: &[(&str, bool)]) -> BTreeMap<String, Arc<Definition>> {
    let flags = flags.iter();
    flags
        .map(|(key, is_on)| ((*key).to_owned(), Arc::new(Definition::switched(*is_on))))
        .collect()
}

#[test]
fn the_highest_layer_that_says_anything_wins() {
    let (flags, _) = board();
    let layer = |flags: &Flags| flags.in_force().get("reviews").unwrap().layer;
    let is_on = |flags: &Flags| flags.features().is_on(Feature::Reviews);
    assert_eq!((layer(&flags), is_on(&flags)), (Layer::Default, true));
    flags.set_pressure(vec![Feature::Reviews]);
    assert_eq!((layer(&flags), is_on(&flags)), (Layer::Pressure, false));
    let on = Definition::switched(true).source().to_string();
    flags.set_database(&[row("reviews", &on, "1", None)]);
    assert_eq!((layer(&flags), is_on(&flags)), (Layer::Database, true));
    flags.set_file(file(&[("reviews", false)]));
    assert_eq!((layer(&flags), is_on(&flags)), (Layer::File, false));
    flags.set_file(BTreeMap::new());
    flags.set_database(&[]);
    assert_eq!((layer(&flags), is_on(&flags)), (Layer::Pressure, false));
    flags.set_pressure(Vec::new());
    assert!(flags.features().now().is_none());
}

#[test]
fn a_word_for_a_time_comes_back_by_itself() {
    let (flags, clock) = board();
    flags.set_database(&[row("search", &off(), "1", Some(7_200_000))]);
    assert!(!flags.features().is_on(Feature::Search));
    clock.0.store(7_199_999, Ordering::Relaxed);
    flags.tick();
    assert!(!flags.features().is_on(Feature::Search));
    clock.0.store(7_200_000, Ordering::Relaxed);
    flags.tick();
    assert!(flags.features().is_on(Feature::Search));
    assert_eq!(flags.said_by(Layer::Database, "search"), None);
}

#[test]
fn whatever_the_time_of_day_does_an_end_comes_once_and_stays() {
    let (flags, clock) = board();
    let word = |left| row("search", &off(), "1", Some(left));
    flags.set_database(&[word(60_000)]);
    // A day ahead, and a day back: the same word, read anew.
    for left in [60_000 - 86_400_000, 60_000 + 86_400_000] {
        flags.set_database(&[word(left)]);
        assert!(!flags.features().is_on(Feature::Search), "{left}");
    }
    clock.0.store(60_000, Ordering::Relaxed);
    flags.tick();
    assert!(flags.features().is_on(Feature::Search));
    flags.set_database(&[word(86_400_000)]);
    assert!(flags.features().is_on(Feature::Search));
    // Said again, it holds again.
    flags.set_database(&[row("search", &off(), "2", Some(1_000))]);
    assert!(!flags.features().is_on(Feature::Search));
}

#[test]
fn what_makes_no_sense_leaves_what_was_good_and_is_counted() {
    let (flags, _) = board();
    flags.set_database(&[
        row("reviews", &off(), "1", None),
        row("search", &off(), "1", None),
    ]);
    let bad = r#"{"state":"ENABLED","variants":{"on":"yes"},"defaultVariant":"on"}"#;
    for (count, definition) in [(1, "{"), (2, bad)] {
        let words = [row("reviews", definition, "2", None)];
        flags.set_database(&words);
        flags.set_database(&words);
        assert!(!flags.features().is_on(Feature::Reviews));
        // What another row says is heeded all the same.
        assert!(flags.features().is_on(Feature::Search));
        assert_eq!(flags.trouble().count(), count);
        assert_eq!(flags.trouble().now()[0].0, Place::Row("reviews".to_owned()));
    }
    flags.set_database(&[]);
    assert_eq!(flags.trouble().now(), []);
    assert_eq!(flags.trouble().count(), 2);
    assert!(flags.features().is_on(Feature::Reviews));
}

#[test]
fn a_feature_whose_flag_has_no_value_is_as_it_is_built_to_be() {
    let (flags, _) = board();
    let disabled =
        r#"{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"off"}"#;
    let nothing = r#"{"state":"ENABLED","variants":{"on":true,"off":false}}"#;
    let broken = r#"{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[true,"maybe"]}}"#;
    for definition in [disabled, nothing, broken] {
        flags.set_database(&[row("reviews", definition, definition, None)]);
        assert!(flags.features().now().is_none(), "{definition}");
        assert_eq!(
            flags.in_force().get("reviews").unwrap().layer,
            Layer::Database
        );
    }
}

#[test]
fn a_rule_of_a_feature_goes_by_the_time() {
    let (flags, _) = board();
    let ruled = r#"{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",
        "targeting":{"if":[{">":[{"var":"$flagd.timestamp"},1000]},"off","on"]}}"#;
    flags.set_database(&[row("reviews", ruled, "1", None)]);
    flags.tick();
    assert!(!flags.features().is_on(Feature::Reviews));
}

#[test]
fn those_who_listen_hear_of_every_change_and_of_no_other() {
    let (flags, _) = board();
    let heard = Arc::<Mutex<Vec<Deviations>>>::default();
    let hear = Arc::clone(&heard);
    flags.on_change(move |deviations| hear.lock().unwrap().push(deviations));
    flags.set_file(file(&[("reviews", true)]));
    flags.set_file(file(&[("reviews", false)]));
    flags.set_file(file(&[("reviews", false), ("banner", true)]));
    flags.set_file(BTreeMap::new());
    let heard = heard.lock().unwrap();
    let counts: Vec<_> = heard
        .iter()
        .map(|deviations| deviations.iter().count())
        .collect();
    assert_eq!(counts, [0, 1, 0]);
}

#[test]
fn flags_of_the_shop_stand_beside_those_of_the_program() {
    let (flags, _) = board();
    let document = json!({
        "$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@shop.example"]}},
        "flags": {"banner": {
            "state": "ENABLED",
            "variants": {"big": "b", "small": "s"},
            "defaultVariant": "small",
            "targeting": {"if": [{"$ref": "staff"}, "big"]},
        }},
    });
    let before = flags.in_force().fingerprint();
    flags.set_file(parse_document(document.to_string().as_bytes()).unwrap());
    let in_force = flags.in_force();
    assert_ne!(in_force.fingerprint(), before);
    assert_eq!(in_force.iter().count(), Feature::ALL.len() + 1);
    let context = Context::parse(&json!({"email": "a@shop.example"})).unwrap();
    assert_eq!(
        in_force.evaluate("banner", &context).unwrap().variant,
        Some("big")
    );
    assert_eq!(
        in_force
            .evaluate("banner", &Context::default())
            .unwrap()
            .variant,
        Some("small")
    );
    assert!(in_force.evaluate("nothing", &context).is_err());
}
