//! Durations and sizes as the configuration writes them: `5s`, `250ms`, `256MiB`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de};

use crate::config::{ByteSize, Value, format_duration, parse_duration};

fn text<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(|reason| de::Error::custom(format!("{text:?}: {reason}")))
}

pub(super) mod duration {
    use super::{Deserializer, Duration, Serializer, format_duration, parse_duration, text};

    pub(in crate::supervisor::definition) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*duration))
    }

    pub(in crate::supervisor::definition) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        text(deserializer, parse_duration)
    }
}

pub(super) mod optional_duration {
    use super::{Deserialize, Deserializer, Duration, Serializer, de, duration, parse_duration};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in crate::supervisor::definition) fn serialize<S: Serializer>(
        duration: &Option<Duration>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match duration {
            Some(duration) => duration::serialize(duration, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::supervisor::definition) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Duration>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parse = |text: String| {
            parse_duration(&text).map_err(|reason| de::Error::custom(format!("{text:?}: {reason}")))
        };
        text.map(parse).transpose()
    }
}

pub(super) mod size {
    use super::{ByteSize, Deserializer, Serializer, Value, text};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub(in crate::supervisor::definition) fn serialize<S: Serializer>(
        size: &ByteSize,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&size.show())
    }

    pub(in crate::supervisor::definition) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<ByteSize, D::Error> {
        text(deserializer, ByteSize::parse)
    }
}

pub(super) mod optional_size {
    use super::{ByteSize, Deserialize, Deserializer, Serializer, Value, de, size};

    #[expect(clippy::ref_option, reason = "serde calls it so")]
    pub(in crate::supervisor::definition) fn serialize<S: Serializer>(
        size: &Option<ByteSize>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match size {
            Some(size) => size::serialize(size, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::supervisor::definition) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<ByteSize>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let parse = |text: String| {
            ByteSize::parse(&text)
                .map_err(|reason| de::Error::custom(format!("{text:?}: {reason}")))
        };
        text.map(parse).transpose()
    }
}
