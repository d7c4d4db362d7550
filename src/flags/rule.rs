//! Targeting rules (`JsonLogic`), bounded before they are let in: a rule is run for every request that asks, so one that
//! could take long, or fill the memory, is no rule.
//!
//! Without loops each operation of a rule runs once at most, and makes no more than it was given. Loops are allowed
//! over one list of a bounded length, not within each other; `reduce` is not, since what it gathers can double at each
//! step. What is left is counted, and bounded.

use serde_json::{Map, Value};

use super::definition::Invalid;

/// Operations within each other.
const MAX_DEPTH: usize = 32;
/// Steps that one rule may take, at worst.
pub(super) const MAX_STEPS: u64 = 5_000;
/// Items of a list that a loop goes over, be it in the rule or in the context.
pub(super) const MAX_ITEMS: usize = 256;

/// Operations over a list.
const LOOPS: [&str; 5] = ["map", "filter", "all", "none", "some"];
/// All others of flagd's format.
const OPERATIONS: [&str; 32] = [
    "var",
    "missing",
    "missing_some",
    "if",
    "?:",
    "==",
    "===",
    "!=",
    "!==",
    "!",
    "!!",
    "or",
    "and",
    ">",
    ">=",
    "<",
    "<=",
    "max",
    "min",
    "+",
    "-",
    "*",
    "/",
    "%",
    "merge",
    "in",
    "cat",
    "substr",
    "fractional",
    "sem_ver",
    "starts_with",
    "ends_with",
];

/// A rule that takes a bounded number of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    /// JSON, references replaced by what they refer to.
    pub(super) text: String,
    /// Steps at worst.
    pub(super) steps: u64,
}

impl Rule {
    /// `None` where there is no rule: `{}` or `null`.
    pub(super) fn parse(
        rule: &Value,
        evaluators: &Map<String, Value>,
    ) -> Result<Option<Self>, Invalid> {
        let is_none = rule.is_null() || rule.as_object().is_some_and(Map::is_empty);
        if is_none {
            return Ok(None);
        }
        let mut left = MAX_STEPS;
        let resolved = resolve(rule, evaluators, &mut Vec::new(), &mut left, 0)?;
        let steps = steps(&resolved, 0, false)?;
        if steps > MAX_STEPS {
            return Err(Invalid::new(format!(
                "could take {steps} steps, more than {MAX_STEPS}; make it simpler"
            )));
        }
        let text = resolved.to_string();
        Ok(Some(Self { text, steps }))
    }
}

/// Replaces references to shared rules, which may refer to others: a few lines could stand for billions.
fn resolve(
    value: &Value,
    evaluators: &Map<String, Value>,
    within: &mut Vec<String>,
    left: &mut u64,
    depth: usize,
) -> Result<Value, Invalid> {
    *left = left.checked_sub(1).ok_or_else(too_large)?;
    if depth > 2 * MAX_DEPTH {
        return Err(too_deep());
    }
    Ok(match value {
        Value::Object(members) => {
            let reference = members.get("$ref").filter(|_| members.len() == 1);
            if let Some(name) = reference.and_then(Value::as_str) {
                let rule = evaluators
                    .get(name)
                    .filter(|_| within.iter().all(|it| it != name));
                let rule = rule.ok_or_else(|| {
                    Invalid::new(format!(
                        "refers to {name:?}, which is not among $evaluators, or is within itself"
                    ))
                })?;
                within.push(name.to_owned());
                let resolved = resolve(rule, evaluators, within, left, depth + 1)?;
                within.pop();
                return Ok(resolved);
            }
            let mut resolved = Map::new();
            for (name, value) in members {
                let value = resolve(value, evaluators, within, left, depth + 1)?;
                resolved.insert(name.clone(), value);
            }
            Value::Object(resolved)
        }
        Value::Array(items) => {
            let items = items.iter();
            let items = items.map(|item| resolve(item, evaluators, within, left, depth + 1));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        other => other.clone(),
    })
}

/// Steps at worst.
fn steps(value: &Value, depth: usize, is_in_loop: bool) -> Result<u64, Invalid> {
    if depth > 2 * MAX_DEPTH {
        return Err(too_deep());
    }
    let deeper = |value: &Value| steps(value, depth + 1, is_in_loop);
    match value {
        Value::Object(members) => {
            let mut members = members.iter();
            let (Some((name, operands)), None) = (members.next(), members.next()) else {
                return Err(Invalid::new(
                    "has an object that is no operation; write one member, such as {\"==\":[…]}",
                ));
            };
            if LOOPS.contains(&name.as_str()) {
                return loop_steps(name, operands, depth, is_in_loop);
            }
            if !OPERATIONS.contains(&name.as_str()) {
                return Err(Invalid::new(format!(
                    "has the operation {name:?}, which is not allowed; known are {}, {}",
                    OPERATIONS.join(" "),
                    LOOPS.join(" ")
                )));
            }
            Ok(deeper(operands)?.saturating_add(1))
        }
        Value::Array(items) => items.iter().try_fold(1_u64, |sum, item| {
            Ok(sum.saturating_add(steps(item, depth + 1, is_in_loop)?))
        }),
        _ => Ok(1),
    }
}

fn loop_steps(
    name: &str,
    operands: &Value,
    depth: usize,
    is_in_loop: bool,
) -> Result<u64, Invalid> {
    if is_in_loop {
        return Err(Invalid::new(format!(
            "has {name} within a loop; use one loop"
        )));
    }
    let Some([list, body]) = operands.as_array().map(Vec::as_slice) else {
        return Err(Invalid::new(format!(
            "gives {name} no list and rule for its items"
        )));
    };
    let is_bounded = match list {
        Value::Array(items) => items.len() <= MAX_ITEMS,
        // Of the context, whose lists are bounded.
        Value::Object(members) => members.contains_key("var"),
        _ => false,
    };
    if !is_bounded {
        return Err(Invalid::new(format!(
            "has {name} over what is neither a var nor a list of at most {MAX_ITEMS} items"
        )));
    }
    let times = MAX_ITEMS as u64;
    let each = steps(body, depth + 1, true)?.saturating_mul(times);
    Ok(steps(list, depth + 1, is_in_loop)?.saturating_add(each))
}

fn too_deep() -> Invalid {
    Invalid::new(format!(
        "is deeper than {MAX_DEPTH} operations; make it simpler"
    ))
}

fn too_large() -> Invalid {
    Invalid::new(format!("has more than {MAX_STEPS} parts; make it simpler"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(rule: &Value) -> Result<Option<Rule>, Invalid> {
        Rule::parse(rule, &Map::new())
    }

    #[test]
    fn an_empty_rule_is_none() {
        assert_eq!(parse(&json!({})), Ok(None));
        assert_eq!(parse(&Value::Null), Ok(None));
    }

    #[test]
    fn rules_of_the_format_pass() {
        for rule in [
            json!({"if": [{"ends_with": [{"var": "email"}, "@shop.example"]}, "on", "off"]}),
            json!({"fractional": [["on", 10], ["off", 90]]}),
            json!({"fractional": [{"cat": [{"var": "$flagd.flagKey"}, {"var": "email"}]}, ["on", 1]]}),
            json!({"if": [{"sem_ver": [{"var": "version"}, ">=", "1.0.0"]}, "on", null]}),
            json!({"if": [{"some": [{"var": "groups"}, {"==": [{"var": ""}, "staff"]}]}, "on", "off"]}),
        ] {
            assert!(parse(&rule).unwrap().unwrap().steps < MAX_STEPS, "{rule}");
        }
    }

    #[test]
    fn a_reference_stands_for_its_rule() {
        let evaluators = json!({"staff": {"in": ["@shop", {"var": "email"}]}});
        let rule = json!({"if": [{"$ref": "staff"}, "on", "off"]});
        let rule = Rule::parse(&rule, evaluators.as_object().unwrap()).unwrap();
        let expected = json!({"if": [{"in": ["@shop", {"var": "email"}]}, "on", "off"]});
        assert_eq!(rule.unwrap().text, expected.to_string());
    }

    #[test]
    fn bombs_are_refused() {
        let doubling = json!({"reduce": [[1, 2, 3], {"cat": [{"var": "accumulator"}, {"var": "accumulator"}]}, "x"]});
        let nested =
            json!({"map": [{"var": "a"}, {"map": [{"var": "a"}, {"map": [{"var": "a"}, 1]}]}]});
        let unbounded = json!({"map": [{"merge": [{"var": "a"}, {"var": "a"}]}, 1]});
        let wide = json!({"cat": vec![json!({"var": "a"}); 3_000]});
        let busy = json!({"map": [{"var": "a"}, {"and": vec![1; 50]}]});
        let deep = (0..100).fold(json!(true), |within, _| json!({"!": within}));
        let long = json!({"map": [vec![1; 1_000], 1]});
        let unknown = json!({"sleep": [10]});
        let two = json!({"==": [1, 1], "!=": [1, 1]});
        for rule in [
            doubling, nested, unbounded, wide, busy, deep, long, unknown, two,
        ] {
            assert!(parse(&rule).is_err(), "{rule}");
        }
    }

    #[test]
    fn references_cannot_stand_for_billions_or_for_themselves() {
        let mut evaluators = Map::new();
        evaluators.insert("r0".to_owned(), json!({"var": "a"}));
        for level in 1..40 {
            let before = json!({"$ref": format!("r{}", level - 1)});
            evaluators.insert(format!("r{level}"), json!({"and": [before, before]}));
        }
        assert!(Rule::parse(&json!({"$ref": "r39"}), &evaluators).is_err());
        assert!(Rule::parse(&json!({"$ref": "r5"}), &evaluators).is_ok());
        let circle = json!({"a": {"!": {"$ref": "b"}}, "b": {"!": {"$ref": "a"}}});
        let circle = circle.as_object().unwrap();
        assert!(Rule::parse(&json!({"$ref": "a"}), circle).is_err());
        assert!(Rule::parse(&json!({"$ref": "nowhere"}), circle).is_err());
    }
}
