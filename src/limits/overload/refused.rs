//! Why something is not done.

use super::priority::Priority;

/// Why a dependency was not asked, or not for long enough. Nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It has as much to do as it can, and others go first.
    #[error("{dependency} has more to do than it can, shed as {}", .priority.name())]
    Shed {
        /// Which one.
        dependency: &'static str,
        /// As what it asked.
        priority: Priority,
    },
    /// It failed several times in a row, and is given a rest.
    #[error("{dependency} does not answer, and is not asked for a moment")]
    Broken {
        /// Which one.
        dependency: &'static str,
    },
    /// The time that the client gave is over.
    #[error("the client's time is over")]
    OutOfTime,
}

impl Refused {
    /// Whether the same question may fare better when one of this priority asks who has time left: it was refused for
    /// the sake of the one who asked.
    #[must_use]
    pub fn was_personal(self, priority: Priority) -> bool {
        match self {
            Self::Shed { priority: of, .. } => priority < of,
            Self::OutOfTime => true,
            Self::Broken { .. } => false,
        }
    }
}
