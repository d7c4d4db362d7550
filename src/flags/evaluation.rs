//! What a flag is for whoever asks. Nothing here waits for anything: rules are bounded when they are let in.

use std::sync::LazyLock;
use std::time::SystemTime;

use flagd_evaluation_engine::Operator;
use serde_json::{Map, Value};

use super::context::Context;
use super::definition::Definition;

static ENGINE: LazyLock<Operator> = LazyLock::new(Operator::new);

/// What a flag is.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation<'f> {
    /// `None` where the caller's own default holds.
    pub value: Option<&'f Value>,
    /// Name of that value.
    pub variant: Option<&'f str>,
    /// Why this one.
    pub reason: Reason,
    /// What the flag says of itself.
    pub metadata: &'f Map<String, Value>,
}

/// Why a flag is as it is, in the words of `OpenFeature`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It is the same for everyone.
    Static,
    /// A rule has chosen.
    TargetingMatch,
    /// No rule had anything to say.
    Default,
    /// The flag is out of use.
    Disabled,
}

impl Reason {
    /// As `OpenFeature` writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "STATIC",
            Self::TargetingMatch => "TARGETING_MATCH",
            Self::Default => "DEFAULT",
            Self::Disabled => "DISABLED",
        }
    }
}

/// Why there is no telling.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// Nobody ever said anything of it.
    #[error("there is no such flag")]
    NotFound,
    /// The rule cannot be run, or has chosen what is not there.
    #[error("the rule of the flag does not work: {0}")]
    Rule(String),
}

impl Definition {
    /// What the flag is for this context. Without a rule that is a look at what is there.
    pub fn evaluate(
        &self,
        key: &str,
        context: &Context,
    ) -> Result<Evaluation<'_>, EvaluationError> {
        if !self.is_enabled {
            return Ok(self.of_variant(None, Reason::Disabled));
        }
        let Some(rule) = &self.rule else {
            return Ok(self.of_variant(self.default_variant.as_deref(), Reason::Static));
        };
        // The engine asks what time it is, and takes none before 1970.
        if SystemTime::now() < SystemTime::UNIX_EPOCH {
            return Err(EvaluationError::Rule("the clock is wrong".to_owned()));
        }
        let chosen = ENGINE.apply(key, &rule.text, &context.fields);
        match chosen.map_err(|error| EvaluationError::Rule(error.to_string()))? {
            None => Ok(self.of_variant(self.default_variant.as_deref(), Reason::Default)),
            Some(chosen) => match self.variants.get_key_value(&chosen) {
                Some((name, _)) => Ok(self.of_variant(Some(name), Reason::TargetingMatch)),
                None => Err(EvaluationError::Rule(format!(
                    "it chose {chosen:?}, which is no variant"
                ))),
            },
        }
    }

    fn of_variant<'f>(&'f self, variant: Option<&'f str>, reason: Reason) -> Evaluation<'f> {
        Evaluation {
            value: variant.and_then(|name| self.variants.get(name)),
            variant,
            reason,
            metadata: &self.metadata,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::*;

    fn flag(targeting: &Value) -> Definition {
        let definition = json!({
            "state": "ENABLED",
            "variants": {"red": "#f00", "blue": "#00f"},
            "defaultVariant": "blue",
            "targeting": targeting,
        });
        Definition::parse("colour", &definition).unwrap()
    }

    fn context(context: &Value) -> Context {
        Context::parse(context).unwrap()
    }

    #[test]
    fn a_rule_chooses_or_leaves_it_at_the_default() {
        let rule = json!({"if": [{"in": ["staff", {"var": "groups"}]}, "red", null]});
        let flag = flag(&rule);
        let of = |groups: Value| {
            let context = context(&json!({ "groups": groups }));
            let evaluation = flag.evaluate("colour", &context).unwrap();
            (evaluation.value.cloned().unwrap(), evaluation.reason)
        };
        assert_eq!(
            of(json!(["staff", "x"])),
            (json!("#f00"), Reason::TargetingMatch)
        );
        assert_eq!(of(json!(["x"])), (json!("#00f"), Reason::Default));
        assert_eq!(of(json!("none")), (json!("#00f"), Reason::Default));
    }

    #[test]
    fn a_share_of_users_is_the_same_users_each_time() {
        let flag = flag(&json!({"fractional": [["red", 25], ["blue", 75]]}));
        let variant = |user: u32| {
            let context = context(&json!({ "targetingKey": format!("user-{user}") }));
            let evaluation = flag.evaluate("colour", &context).unwrap();
            evaluation.variant.unwrap().to_owned()
        };
        let red = (0..2_000).filter(|user| variant(*user) == "red").count();
        assert!((400..600).contains(&red), "{red} of 2000");
        assert!((0..100).all(|user| variant(user) == variant(user)));
    }

    #[test]
    fn a_rule_that_chooses_what_is_not_there_is_told() {
        let flag = flag(&json!({"if": [true, "green"]}));
        let error = flag.evaluate("colour", &Context::default());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("\"green\", which is no variant")
        );
    }

    #[test]
    fn a_disabled_flag_has_no_value_of_its_own() {
        let definition =
            json!({"state": "DISABLED", "variants": {"on": true}, "defaultVariant": "on"});
        let flag = Definition::parse("reviews", &definition).unwrap();
        let evaluation = flag.evaluate("reviews", &Context::default()).unwrap();
        assert_eq!(
            (evaluation.value, evaluation.reason),
            (None, Reason::Disabled)
        );
    }

    /// Printed, not asserted: `--release --no-capture` shows what is worth believing.
    #[test]
    fn a_static_flag_and_one_with_a_rule_take_some_time() {
        const TIMES: u32 = 20_000;
        let fixed = Definition::switched(true);
        let ruled = flag(&json!({"if": [{"in": ["staff", {"var": "groups"}]}, "red", null]}));
        let context = context(&json!({"targetingKey": "u", "groups": ["staff"]}));
        for (name, flag) in [("static", &fixed), ("with a rule", &ruled)] {
            let started = Instant::now();
            for _ in 0..TIMES {
                assert!(std::hint::black_box(flag.evaluate("colour", &context)).is_ok());
            }
            println!("{name}: {:?}", started.elapsed() / TIMES);
        }
    }

    /// Not a measurement: what a bomb would take is beyond any machine.
    #[test]
    fn the_worst_rule_with_the_worst_context_comes_to_an_end() {
        let texts: Vec<_> = (0..18).map(|_| json!({"var": "text"})).collect();
        let body = json!({"<": [{"cat": texts}, "b"]});
        let definition = json!({
            "state": "ENABLED",
            "variants": {"true": "x", "false": "y"},
            "targeting": {"all": [{"var": "list"}, {"!": {"!": {"in": ["b", {"var": ""}]}}}]},
        });
        let looped = Definition::parse("a", &definition).unwrap();
        let wide = Definition::parse(
            "b",
            &json!({
                "state": "ENABLED",
                "variants": {"true": "x", "false": "y"},
                "targeting": {"and": vec![body; 100]},
            }),
        )
        .unwrap();
        let context = context(&json!({"text": "a".repeat(7_000), "list": vec!["b"; 256]}));
        let started = Instant::now();
        assert!(looped.evaluate("a", &context).is_ok());
        assert!(wide.evaluate("b", &context).is_ok());
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
