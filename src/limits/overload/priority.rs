//! Who goes first where not all can go.

use super::super::RouteClass;

/// How much a request matters behind the caches. The least is what nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A client waits.
    Request(RouteClass),
    /// Nobody waits: refreshes of what is still served, warming up, views for operators.
    Background,
}

impl Priority {
    /// How many there are.
    pub const COUNT: usize = RouteClass::ALL.len() + 1;

    /// All of them, the most important first.
    pub const ALL: [Self; Self::COUNT] = {
        let [write, product, list, search, extra] = RouteClass::ALL;
        [
            Self::Request(write),
            Self::Request(product),
            Self::Request(list),
            Self::Request(search),
            Self::Request(extra),
            Self::Background,
        ]
    };

    /// As it is written in configuration, metrics and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request(class) => class.name(),
            Self::Background => "background",
        }
    }

    /// Whether a client waits for what stands between it and a purchase.
    #[must_use]
    pub const fn is_essential(self) -> bool {
        match self {
            Self::Request(class) => class.is_essential(),
            Self::Background => false,
        }
    }

    /// Position in [`Self::ALL`]: 0 is the most important.
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Request(class) => class.index(),
            Self::Background => Self::COUNT - 1,
        }
    }
}
