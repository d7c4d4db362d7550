//! What is said of a flag, in flagd's format: variants by name, which of them holds, and perhaps for whom another.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::feature::Feature;
use super::rule::Rule;

/// Longest key, in bytes.
const MAX_KEY: usize = 100;
/// Longest definition, in bytes.
const MAX_DEFINITION: usize = 64 * 1024;
/// Most flags of one layer.
pub(super) const MAX_FLAGS: usize = 500;
/// Steps that all rules of a layer may take together, at worst: a client may ask for all flags at once.
const MAX_STEPS_TOGETHER: u64 = 50_000;

/// What is wrong with a definition, and the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

impl Invalid {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    fn of(self, part: &str) -> Self {
        Self(format!("{part}: {}", self.0))
    }
}

/// What is said of a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(super) is_enabled: bool,
    pub(super) variants: Map<String, Value>,
    pub(super) default_variant: Option<String>,
    pub(super) rule: Option<Rule>,
    /// Texts, numbers, true and false.
    pub(super) metadata: Map<String, Value>,
    /// As it was written.
    source: Value,
}

impl Definition {
    /// Reads what one flag is said to be. A feature is on or off, so its variants have to be true and false.
    pub fn parse(key: &str, definition: &Value) -> Result<Self, Invalid> {
        Self::parse_with(key, definition, &Map::new()).map_err(|error| error.of(key))
    }

    /// That a flag is `on` or `off`, for everyone.
    pub fn switched(is_on: bool) -> Self {
        let default_variant = if is_on { "on" } else { "off" };
        let source = json!({
            "state": "ENABLED",
            "variants": { "on": true, "off": false },
            "defaultVariant": default_variant,
        });
        Self {
            is_enabled: true,
            variants: [
                ("on".to_owned(), json!(true)),
                ("off".to_owned(), json!(false)),
            ]
            .into_iter()
            .collect(),
            default_variant: Some(default_variant.to_owned()),
            rule: None,
            metadata: Map::new(),
            source,
        }
    }

    /// The same flag, with another variant for everyone of whom no rule says anything else.
    pub fn with_default(&self, variant: &str) -> Result<Self, Invalid> {
        if !self.variants.contains_key(variant) {
            let known: Vec<_> = self.variants.keys().map(String::as_str).collect();
            return Err(Invalid::new(format!(
                "there is no variant {variant:?}; known are {}",
                known.join(", ")
            )));
        }
        let mut changed = self.clone();
        changed.default_variant = Some(variant.to_owned());
        changed.source["defaultVariant"] = variant.into();
        Ok(changed)
    }

    /// As it was written.
    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The variant for everyone of whom no rule says anything else; `None` where that is the caller's affair.
    pub fn default_variant(&self) -> Option<&str> {
        self.default_variant.as_deref().filter(|_| self.is_enabled)
    }

    /// The names of its variants.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.keys().map(String::as_str)
    }

    /// Whether its metadata say `"risky": true`: something that is left alone while too much goes wrong already.
    pub fn is_risky(&self) -> bool {
        self.metadata.get("risky") == Some(&Value::Bool(true))
    }

    /// Whether it is off for everyone: disabled, or `false` without a rule.
    pub fn is_off(&self) -> bool {
        let is_false = |variant: &String| self.variants.get(variant) == Some(&Value::Bool(false));
        let default = self.default_variant.as_ref();
        !self.is_enabled || self.rule.is_none() && default.is_some_and(is_false)
    }

    /// Whether who asks makes a difference.
    pub fn has_rule(&self) -> bool {
        self.rule.is_some()
    }

    fn steps(&self) -> u64 {
        self.rule.as_ref().map_or(0, |rule| rule.steps)
    }

    fn parse_with(
        key: &str,
        definition: &Value,
        evaluators: &Map<String, Value>,
    ) -> Result<Self, Invalid> {
        check_key(key)?;
        let members = object(
            definition,
            "write an object with state, variants and defaultVariant",
        )?;
        let known = [
            "state",
            "variants",
            "defaultVariant",
            "targeting",
            "metadata",
            "$comment",
        ];
        if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(Invalid::new(format!(
                "has {name:?}, which means nothing here; known are {}",
                known.join(", ")
            )));
        }
        let is_enabled = match members.get("state").and_then(Value::as_str) {
            Some("ENABLED") => true,
            Some("DISABLED") => false,
            _ => return Err(Invalid::new("write ENABLED or DISABLED").of("state")),
        };
        let variants = variants(key, members.get("variants")).map_err(|it| it.of("variants"))?;
        let default_variant = match members.get("defaultVariant") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if variants.contains_key(name) => Some(name.clone()),
            Some(_) => {
                return Err(Invalid::new("name one of the variants").of("defaultVariant"));
            }
        };
        let targeting = members.get("targeting").unwrap_or(&Value::Null);
        let rule = Rule::parse(targeting, evaluators).map_err(|it| it.of("targeting"))?;
        let metadata = match members.get("metadata") {
            None => Map::new(),
            Some(metadata) => metadata_of(metadata).map_err(|it| it.of("metadata"))?,
        };
        Ok(Self {
            is_enabled,
            variants,
            default_variant,
            rule,
            metadata,
            source: definition.clone(),
        })
    }
}

fn check_key(key: &str) -> Result<(), Invalid> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    if key.is_empty() || key.len() > MAX_KEY || !key.bytes().all(is_plain) {
        return Err(Invalid::new(format!(
            "no key of a flag; write up to {MAX_KEY} letters, digits and -_.:"
        )));
    }
    Ok(())
}

fn object<'v>(value: &'v Value, mend: &str) -> Result<&'v Map<String, Value>, Invalid> {
    value
        .as_object()
        .ok_or_else(|| Invalid::new(format!("no object; {mend}")))
}

/// By name, all of one type.
fn variants(key: &str, variants: Option<&Value>) -> Result<Map<String, Value>, Invalid> {
    let mend = "write such as {\"on\":true,\"off\":false}";
    let variants = object(variants.unwrap_or(&Value::Null), mend)?;
    let kind = |value: &Value| match value {
        Value::Bool(_) => Some("true or false"),
        Value::String(_) => Some("a text"),
        Value::Number(_) => Some("a number"),
        Value::Object(_) => Some("an object"),
        Value::Null | Value::Array(_) => None,
    };
    let Some(first) = variants.values().next() else {
        return Err(Invalid::new(format!("none; {mend}")));
    };
    let expected = match Feature::by_name(key) {
        Some(_) => Some("true or false"),
        None => kind(first),
    };
    for (name, value) in variants {
        if expected.is_none() || kind(value) != expected {
            let expected = expected.unwrap_or("true or false, a text, a number or an object");
            return Err(Invalid::new(format!(
                "{name:?} is not {expected}, as it has to be here"
            )));
        }
    }
    Ok(variants.clone())
}

fn metadata_of(metadata: &Value) -> Result<Map<String, Value>, Invalid> {
    let members = object(metadata, "write names and plain values")?;
    match members
        .iter()
        .find(|(_, value)| value.is_object() || value.is_array() || value.is_null())
    {
        Some((name, _)) => Err(Invalid::new(format!(
            "{name:?} is not a text, a number, true or false"
        ))),
        None => Ok(members.clone()),
    }
}

/// Reads a document of flagd's format: flags by key, and rules they share. One that is wrong anywhere is refused as a
/// whole.
pub fn parse_document(text: &[u8]) -> Result<BTreeMap<String, Arc<Definition>>, Invalid> {
    let document: Value =
        serde_json::from_slice(text).map_err(|error| Invalid::new(format!("no JSON: {error}")))?;
    let members = object(&document, "write {\"flags\":{…}}")?;
    let evaluators = match members.get("$evaluators") {
        None => &Map::new(),
        Some(evaluators) => {
            object(evaluators, "write rules by name").map_err(|it| it.of("$evaluators"))?
        }
    };
    let flags = object(
        members.get("flags").unwrap_or(&Value::Null),
        "write flags by key",
    )
    .map_err(|it| it.of("flags"))?;
    let mut parsed = BTreeMap::new();
    for (key, definition) in flags {
        let definition = Definition::parse_with(key, definition, evaluators)
            .map_err(|it| it.of(key).of("flags"))?;
        parsed.insert(key.clone(), Arc::new(definition));
    }
    check_together(parsed.values().map(|definition| &**definition))?;
    Ok(parsed)
}

/// Bounds what a layer may hold.
pub(super) fn check_together<'d>(
    definitions: impl Iterator<Item = &'d Definition>,
) -> Result<(), Invalid> {
    let (mut count, mut steps) = (0, 0_u64);
    for definition in definitions {
        count += 1;
        steps = steps.saturating_add(definition.steps());
    }
    if count > MAX_FLAGS {
        return Err(Invalid::new(format!(
            "{count} flags, more than {MAX_FLAGS}; take some away"
        )));
    }
    if steps > MAX_STEPS_TOGETHER {
        return Err(Invalid::new(format!(
            "all rules together could take {steps} steps, more than {MAX_STEPS_TOGETHER}; make them simpler"
        )));
    }
    Ok(())
}

/// Reads the text of one definition.
pub(super) fn parse_text(key: &str, text: &str) -> Result<Definition, Invalid> {
    if text.len() > MAX_DEFINITION {
        return Err(Invalid::new(format!(
            "{key}: longer than {MAX_DEFINITION} bytes"
        )));
    }
    let value = serde_json::from_str(text)
        .map_err(|error| Invalid::new(format!("{key}: no JSON: {error}")))?;
    Definition::parse(key, &value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, definition: &Value) -> String {
        Definition::parse(key, definition).unwrap_err().to_string()
    }

    #[test]
    fn a_switch_reads_back_as_it_is_written() {
        for is_on in [true, false] {
            let switch = Definition::switched(is_on);
            assert_eq!(Definition::parse("reviews", switch.source()), Ok(switch));
        }
        let off = Definition::switched(true).with_default("off").unwrap();
        assert_eq!(off, Definition::switched(false));
        assert!(
            off.with_default("maybe")
                .unwrap_err()
                .to_string()
                .contains("known are on, off")
        );
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let variants = json!({"a": "x", "b": "y"});
        for (definition, told) in [
            (json!([]), "banner: no object"),
            (
                json!({"state": "ON", "variants": variants}),
                "banner: state",
            ),
            (
                json!({"state": "ENABLED", "variants": {}}),
                "banner: variants: none",
            ),
            (
                json!({"state": "ENABLED", "variants": {"a": 1, "b": "y"}}),
                "banner: variants: \"b\"",
            ),
            (
                json!({"state": "ENABLED", "variants": {"a": [1]}}),
                "banner: variants: \"a\"",
            ),
            (
                json!({"state": "ENABLED", "variants": variants, "defaultVariant": "c"}),
                "banner: defaultVariant",
            ),
            (
                json!({"state": "ENABLED", "variants": variants, "defautVariant": "a"}),
                "banner: has \"defautVariant\"",
            ),
            (
                json!({"state": "ENABLED", "variants": variants, "targeting": {"sleep": 1}}),
                "banner: targeting: has the operation \"sleep\"",
            ),
            (
                json!({"state": "ENABLED", "variants": variants, "metadata": {"a": {}}}),
                "banner: metadata",
            ),
        ] {
            let message = refused("banner", &definition);
            assert!(message.starts_with(told), "{message}");
        }
        let long = "k".repeat(MAX_KEY + 1);
        for key in ["", "a/b", "a b", &long] {
            assert!(
                refused(key, &json!({})).contains("no key of a flag"),
                "{key}"
            );
        }
    }

    #[test]
    fn a_feature_is_true_or_false() {
        let definition =
            json!({"state": "ENABLED", "variants": {"on": "yes"}, "defaultVariant": "on"});
        assert!(refused("reviews", &definition).contains("not true or false"));
        assert!(Definition::parse("banner", &definition).is_ok());
    }

    #[test]
    fn a_document_is_taken_as_a_whole() {
        let good = br#"{"flags":{"reviews":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"}}}"#;
        assert_eq!(parse_document(good).unwrap().len(), 1);
        for bad in [
            &b""[..],
            b"{",
            b"[]",
            b"{}",
            br#"{"flags":[]}"#,
            br#"{"flags":{"reviews":{"state":"ENABLED","variants":{"on":1},"defaultVariant":"on"},"search":{}}}"#,
        ] {
            assert!(parse_document(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        let deep = format!(
            "{{\"flags\":{}{}}}",
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        assert!(parse_document(deep.as_bytes()).is_err());
        let many: Map<_, _> = (0..=MAX_FLAGS)
            .map(|number| {
                (
                    format!("f{number}"),
                    Definition::switched(true).source().clone(),
                )
            })
            .collect();
        let many = json!({ "flags": many }).to_string();
        assert!(
            parse_document(many.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("more than 500")
        );
    }

    #[test]
    fn rules_are_bounded_together() {
        let heavy = json!({"map": [{"var": "a"}, {"and": [1, 2, 3, 4]}]});
        let flag = json!({"state": "ENABLED", "variants": {"on": true}, "targeting": heavy});
        let flags: Map<_, _> = (0..60)
            .map(|number| (format!("f{number}"), flag.clone()))
            .collect();
        let text = json!({ "flags": flags }).to_string();
        let message = parse_document(text.as_bytes()).unwrap_err().to_string();
        assert!(message.contains("all rules together"), "{message}");
    }
}
