//! Durations and sizes as the configuration writes them: `5s`, `250ms`, `256MiB`.

use serde::{Deserialize, Deserializer, Serializer, de};

use crate::config::Value;

pub(super) fn serialize<T: Value, S: Serializer>(
    value: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&value.show())
}

pub(super) fn deserialize<'de, T: Value, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    read(&String::deserialize(deserializer)?)
}

fn read<T: Value, E: de::Error>(text: &str) -> Result<T, E> {
    T::parse(text).map_err(|reason| E::custom(format!("{text:?}: {reason}")))
}

/// One that need not be there.
pub(super) mod optional {
    use super::{Deserialize, Deserializer, Serializer, Value};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in crate::supervisor::definition) fn serialize<T: Value, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => super::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::supervisor::definition) fn deserialize<'de, T: Value, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| super::read(&text)).transpose()
    }
}
