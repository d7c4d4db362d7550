//! How many instances.

use std::num::NonZeroUsize;
use std::thread;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A number, or `"max"`: one for each core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Instances {
    /// So many.
    Exactly(NonZeroUsize),
    /// As many as there are cores.
    Max,
}

impl Instances {
    /// On this machine.
    pub fn count(self) -> usize {
        match self {
            Self::Exactly(count) => count.get(),
            Self::Max => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        }
    }

    /// What is written down where `count` run: `"max"` stays what it is where that is as many, for there may be more
    /// cores on another day.
    pub(in crate::supervisor) fn scaled(self, count: usize) -> Self {
        match NonZeroUsize::new(count) {
            Some(exactly) if self.count() != count => Self::Exactly(exactly),
            _ => self,
        }
    }
}

impl Default for Instances {
    fn default() -> Self {
        Self::Exactly(NonZeroUsize::MIN)
    }
}

impl Serialize for Instances {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Exactly(count) => serializer.serialize_u64(count.get() as u64),
            Self::Max => serializer.serialize_str("max"),
        }
    }
}

impl<'de> Deserialize<'de> for Instances {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Number(i64),
            Word(String),
        }
        /// More than that is a typing error.
        const MOST: i64 = 1_000;

        let refuse = || de::Error::custom("instances: write a number of at least 1, or \"max\"");
        match Written::deserialize(deserializer)? {
            Written::Number(number) if (1..=MOST).contains(&number) => usize::try_from(number)
                .ok()
                .and_then(NonZeroUsize::new)
                .map(Self::Exactly)
                .ok_or_else(refuse),
            Written::Word(word) if word == "max" => Ok(Self::Max),
            _ => Err(refuse()),
        }
    }
}
