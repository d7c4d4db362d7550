//! Flags, as they are asked for and told.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::ToSchema;

use crate::http::ofrep::Outcome;

/// Whom flags are asked for.
#[derive(ToSchema)]
pub(in crate::http) struct FlagRequest {
    /// What is known of them, 8 KiB at most: `targetingKey`, by which they are always told the same, and whatever else
    /// rules go by.
    #[schema(required = false)]
    context: Option<BTreeMap<String, Value>>,
}

/// All flags.
#[derive(ToSchema)]
pub(in crate::http) struct EvaluatedFlags {
    flags: Vec<Outcome<'static>>,
}
