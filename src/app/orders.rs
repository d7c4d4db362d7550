//! What a running process can be told by its operator.

/// An order. Each has the name of the signal it came by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Finish what is being done, and end.
    Stop(&'static str),
    /// The same, but another process has the listening sockets already: leave new connections to it at once.
    HandOver(&'static str),
    /// Read the configuration again.
    Reload(&'static str),
}

impl Order {
    /// The signal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop(name) | Self::HandOver(name) | Self::Reload(name) => name,
        }
    }
}
