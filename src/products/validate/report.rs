//! Collecting what is wrong, and where.

use std::fmt::{self, Display};
use std::ops::RangeInclusive;

use super::{MAX_NAME, MAX_TEXT_BYTES};
use crate::products::import::{SHOWN, shortened};

/// Something wrong with a product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer} {value:?}: {reason}")]
pub struct Invalid {
    /// Where it is in the document (JSON pointer, RFC 6901): `/variants/2/sku`.
    pub pointer: String,
    /// The value, shortened to 80 characters.
    pub value: String,
    /// What is wrong and how to mend it.
    pub reason: String,
}

/// A place in the document. It becomes a text only where something is wrong with it.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    parent: Option<&'a At<'a>>,
    segment: Segment<'a>,
}

#[derive(Clone, Copy)]
enum Segment<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> At<'a> {
    pub(super) const ROOT: At<'static> = At {
        parent: None,
        segment: Segment::Key(""),
    };

    pub(super) fn key(&'a self, key: &'a str) -> At<'a> {
        At {
            parent: Some(self),
            segment: Segment::Key(key),
        }
    }

    pub(super) fn index(&'a self, index: usize) -> At<'a> {
        At {
            parent: Some(self),
            segment: Segment::Index(index),
        }
    }
}

impl Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        match self.segment {
            Segment::Key(key) => {
                write!(f, "{parent}/{}", key.replace('~', "~0").replace('/', "~1"))
            }
            Segment::Index(index) => write!(f, "{parent}/{index}"),
        }
    }
}

/// What has been found so far.
#[derive(Default)]
pub(super) struct Report {
    pub(super) found: Vec<Invalid>,
}

impl Report {
    pub(super) fn add(&mut self, at: At<'_>, value: impl Display, reason: impl Into<String>) {
        self.found.push(Invalid {
            pointer: at.to_string(),
            value: shortened(&value.to_string(), SHOWN),
            reason: reason.into(),
        });
    }

    /// A text that may be empty, of at most `longest` characters.
    pub(super) fn text(&mut self, at: At<'_>, text: &str, longest: usize) {
        // A text has no more characters than bytes, so most need no counting.
        if text.len() > longest {
            let length = text.chars().count();
            if length > longest {
                let reason = format!("has {length} characters; the limit is {longest}");
                self.add(at, text, reason);
            }
        }
        self.no_controls(at, text);
    }

    /// A text of at most `longest` characters that is not blank.
    pub(super) fn required(&mut self, at: At<'_>, text: &str, longest: usize) {
        if text.trim().is_empty() {
            self.add(at, text, "must not be blank");
        }
        self.text(at, text, longest);
    }

    /// A name: not blank and not long.
    pub(super) fn name(&mut self, at: At<'_>, text: &str) {
        self.required(at, text, MAX_NAME);
    }

    /// A text that may be very long.
    pub(super) fn long_text(&mut self, at: At<'_>, text: &str) {
        if text.len() > MAX_TEXT_BYTES {
            let reason = format!("has {} bytes; the limit is {MAX_TEXT_BYTES}", text.len());
            self.add(at, text, reason);
        }
        self.no_controls(at, text);
    }

    fn no_controls(&mut self, at: At<'_>, text: &str) {
        // The bytes that C0 controls, DEL and C1 controls (U+0080 to U+009F, 0xC2 in front) are made of.
        if !text
            .bytes()
            .any(|byte| byte < b' ' || byte == 0x7f || byte == 0xc2)
        {
            return;
        }
        let refused = |c: &char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
        if let Some(control) = text.chars().find(refused) {
            let code = u32::from(control);
            self.add(
                at,
                text,
                format!("contains the control character U+{code:04X}; remove it"),
            );
        }
    }

    pub(super) fn positive(&mut self, at: At<'_>, number: Option<i64>) {
        if let Some(number) = number.filter(|number| *number < 1) {
            self.add(at, number, "must be 1 or more");
        }
    }

    pub(super) fn within(&mut self, at: At<'_>, number: Option<i64>, range: RangeInclusive<i64>) {
        if let Some(number) = number.filter(|number| !range.contains(number)) {
            let (least, most) = range.into_inner();
            self.add(at, number, format!("must be from {least} to {most}"));
        }
    }

    /// Whether there are few enough `things`. Those of a longer list are not worth looking at one by one.
    pub(super) fn at_most(&mut self, at: At<'_>, count: usize, limit: usize, things: &str) -> bool {
        if count > limit {
            self.add(
                at,
                count,
                format!("more than {limit} {things}; remove some"),
            );
        }
        count <= limit
    }

    pub(super) fn one_of(&mut self, at: At<'_>, word: &str, words: &[&str]) {
        if !words.contains(&word) {
            self.add(at, word, format!("must be one of {}", words.join(", ")));
        }
    }
}
