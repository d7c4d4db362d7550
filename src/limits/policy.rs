//! What is allowed: policies, each with one or more windows.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::RouteClass;

/// Most windows of a policy: "burst", "hourly" and "daily" are three.
pub const MAX_WINDOWS: usize = 4;

/// A rate limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What it is called; no two have the same name.
    pub name: String,
    /// Which requests it counts.
    pub classes: Vec<RouteClass>,
    /// Whose requests share a count.
    pub per: Per,
    /// Where the count is kept.
    pub counting: Counting,
    /// Whether it refuses.
    pub mode: Mode,
    /// Each of them has to have something left: from 1 to [`MAX_WINDOWS`], the shortest first.
    pub windows: Vec<Window>,
}

/// So many requests in so much time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// As in `RateLimit-Policy`; no two of all policies have the same name.
    pub name: String,
    /// Requests.
    pub quota: NonZeroU32,
    /// Time in which they come back: whole seconds, at least one.
    pub length: Duration,
}

/// Whose requests share a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Those of a token; without a valid one, those of an address.
    Client,
    /// Those of an address, of requests without a valid token; others are not counted.
    Address,
    /// Those of a token; requests without a valid one are not counted.
    Token,
    /// All.
    Everybody,
}

/// Where a count is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// Each node counts what it answers.
    Local,
    /// In Redis, for each request.
    Strict,
    /// In Redis, from which a node takes some requests' allowance at a time.
    Leased,
}

/// What comes of a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// What is over it is refused.
    Enforce,
    /// What is over it is counted and answered all the same.
    Shadow,
}

/// A type of a few words.
pub(super) trait Word: Copy + PartialEq + Sized + 'static {
    /// All of them; the first is the default.
    const WORDS: &'static [(&'static str, Self)];

    /// As it is written.
    fn word(self) -> &'static str {
        let mut words = Self::WORDS.iter();
        words
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

impl Word for Per {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("client", Self::Client),
        ("address", Self::Address),
        ("token", Self::Token),
        ("everybody", Self::Everybody),
    ];
}

impl Word for Counting {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("local", Self::Local),
        ("strict", Self::Strict),
        ("leased", Self::Leased),
    ];
}

impl Word for Mode {
    const WORDS: &'static [(&'static str, Self)] =
        &[("enforce", Self::Enforce), ("shadow", Self::Shadow)];
}

impl Word for RouteClass {
    const WORDS: &'static [(&'static str, Self)] = &[
        (Self::Write.name(), Self::Write),
        (Self::Product.name(), Self::Product),
        (Self::List.name(), Self::List),
        (Self::Search.name(), Self::Search),
        (Self::Extra.name(), Self::Extra),
    ];
}

impl Mode {
    /// Reads `enforce` or `shadow`.
    pub fn by_name(name: &str) -> Option<Self> {
        let mut words = Self::WORDS.iter();
        words.find(|(word, _)| *word == name).map(|(_, mode)| *mode)
    }

    /// As it is written.
    pub fn name(self) -> &'static str {
        self.word()
    }
}

/// For people, in a line.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.name)?;
        for (at, window) in self.windows.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let Window { name, quota, .. } = window;
            let seconds = window.length.as_secs();
            write!(f, "{comma} {name} {quota} in {seconds} s")?;
        }
        write!(f, " per {}", self.per.word())?;
        if self.classes.len() < RouteClass::ALL.len() {
            let names: Vec<_> = self.classes.iter().map(|class| class.name()).collect();
            write!(f, " of {}", names.join("+"))?;
        }
        if self.counting != Counting::Local {
            write!(f, ", {}", self.counting.word())?;
        }
        if self.mode == Mode::Shadow {
            f.write_str(", shadow")?;
        }
        Ok(())
    }
}
