//! What is told of a span.

use std::borrow::Cow;

/// On which side of a call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// Within this process.
    Internal,
    /// Answers somebody else.
    Server,
    /// Asks somebody else.
    Client,
    /// Does what was put into a queue.
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum AttributeValue {
    /// A text.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl From<&'static str> for AttributeValue {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for AttributeValue {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for AttributeValue {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for AttributeValue {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for AttributeValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Names come from the semantic conventions of OpenTelemetry (1.37), where those have one.
pub type Attributes = Vec<(&'static str, AttributeValue)>;

/// A span that has ended. Times are in nanoseconds since 1970.
#[derive(Debug, Clone)]
pub(super) struct SpanRecord {
    pub(super) id: u64,
    /// 0 where there is none.
    pub(super) parent: u64,
    pub(super) name: Cow<'static, str>,
    pub(super) kind: SpanKind,
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) attributes: Attributes,
    /// What went wrong.
    pub(super) error: Option<Cow<'static, str>>,
}
