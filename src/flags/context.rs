//! Whom a flag is evaluated for, as they say themselves.

use std::sync::Arc;

use open_feature::{
    EvaluationContext, EvaluationContextFieldValue, StructValue, Value as FieldValue,
};
use serde_json::{Map, Value};

use super::rule::MAX_ITEMS;

/// Longest context, in bytes of JSON. What a rule does grows with it.
pub const MAX_CONTEXT: usize = 8 * 1024;
/// Values within each other.
const MAX_DEPTH: usize = 16;
/// The member that names a user.
const TARGETING_KEY: &str = "targetingKey";

/// What is known of whoever asks.
#[derive(Debug, Clone, Default)]
pub struct Context {
    pub(super) fields: EvaluationContext,
}

/// A context that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// It is no object.
    #[error("the context is no object; write {{\"targetingKey\":\"user-1\"}}")]
    NoObject,
    /// The key is no text.
    #[error("targetingKey is no text")]
    TargetingKey,
    /// There is too much of it.
    #[error(
        "the context is too large; send what rules ask for, lists of at most {MAX_ITEMS} items"
    )]
    TooLarge,
}

impl Context {
    /// Reads a context of at most [`MAX_CONTEXT`] bytes.
    pub fn parse(context: &Value) -> Result<Self, ContextError> {
        let members = context.as_object().ok_or(ContextError::NoObject)?;
        let mut fields = EvaluationContext::default();
        for (name, value) in members {
            match value {
                Value::Null => {}
                Value::String(key) if name == TARGETING_KEY => {
                    fields.targeting_key = Some(key.clone());
                }
                _ if name == TARGETING_KEY => return Err(ContextError::TargetingKey),
                value => fields.add_custom_field(name.clone(), field(value)?),
            }
        }
        Ok(Self { fields })
    }
}

fn field(value: &Value) -> Result<EvaluationContextFieldValue, ContextError> {
    Ok(match inner(value, 0)? {
        FieldValue::Bool(value) => EvaluationContextFieldValue::Bool(value),
        FieldValue::Int(value) => EvaluationContextFieldValue::Int(value),
        FieldValue::Float(value) => EvaluationContextFieldValue::Float(value),
        FieldValue::String(value) => EvaluationContextFieldValue::String(value),
        // The engine looks for this type within.
        composed => EvaluationContextFieldValue::Struct(Arc::new(composed)),
    })
}

fn inner(value: &Value, depth: usize) -> Result<FieldValue, ContextError> {
    if depth > MAX_DEPTH {
        return Err(ContextError::TooLarge);
    }
    Ok(match value {
        // There is no such thing in the types of the SDK.
        Value::Null => FieldValue::String(String::new()),
        Value::Bool(value) => FieldValue::Bool(*value),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => FieldValue::Int(integer),
            None => FieldValue::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => FieldValue::String(text.clone()),
        Value::Array(items) if items.len() > MAX_ITEMS => return Err(ContextError::TooLarge),
        Value::Array(items) => {
            let items = items.iter().map(|item| inner(item, depth + 1));
            FieldValue::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(members) => FieldValue::Struct(structure(members, depth)?),
    })
}

fn structure(members: &Map<String, Value>, depth: usize) -> Result<StructValue, ContextError> {
    let mut fields = StructValue::default();
    for (name, value) in members {
        fields.add_field(name.clone(), inner(value, depth + 1)?);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_context_is_an_object_of_bounded_size() {
        assert!(
            Context::parse(&json!({"targetingKey": "u", "a": [1, {"b": null}], "c": null})).is_ok()
        );
        let refused = |context: Value| Context::parse(&context).unwrap_err();
        assert_eq!(refused(json!([])), ContextError::NoObject);
        assert_eq!(
            refused(json!({"targetingKey": 1})),
            ContextError::TargetingKey
        );
        assert_eq!(
            refused(json!({"a": vec![1; MAX_ITEMS + 1]})),
            ContextError::TooLarge
        );
        let deep = (0..50).fold(json!(1), |within, _| json!({ "a": within }));
        assert_eq!(refused(deep), ContextError::TooLarge);
    }
}
