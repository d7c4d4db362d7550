//! What a follower of the stream of committed versions is told, whichever store it is.

use super::store::Change;

/// What the tail saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TailEvent {
    /// Committed versions, in order of their commits.
    Changes(Vec<Change>),
    /// Everything that was committed before now has been told.
    CaughtUp,
    /// Some versions can no longer be told apart (rows removed, a catalogue put back from a backup): everything
    /// cached is in doubt.
    Gap,
}
