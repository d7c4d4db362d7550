//! Reading catalogues from files: a format turns bytes into [`Record`]s, the writer puts them into the
//! store in one transaction.

pub mod decimal;
mod delimited;
pub mod detect;
pub mod google;
mod grouped;
mod images;
pub mod json_values;
pub mod jsonl;
pub mod key_path;
pub mod lines;
pub mod mapped;
pub mod run;
mod seen;
pub mod shopify;
mod slug;
pub mod source;
pub mod timestamps;
mod weight;

use std::fmt;
use std::io::BufRead;

use super::input::ProductInput;
use super::money::Currency;

/// One product of a file, or why it could not be read; either way with its place.
pub type RecordResult = Result<Record, RecordError>;

/// What a format yields, in file order. Ends after an error that makes the rest unreadable
/// ([`RecordError::fatal`]).
pub type Records<'a> = Box<dyn Iterator<Item = RecordResult> + Send + 'a>;

/// One product of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Where it starts.
    pub place: Place,
    /// What the file says about it.
    pub product: ProductInput,
}

/// A place in a file, counted from 1. Column 0 means the whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line in the uncompressed text.
    pub line: u64,
    /// Character within the line for JSON, XML and YAML; number of the field for CSV and TSV.
    pub column: u64,
}

impl Place {
    /// The place after `passed`, which starts here. Columns count characters.
    #[must_use]
    #[expect(clippy::naive_bytecount, reason = "the compiler vectorizes it")]
    pub(crate) fn after(self, passed: &[u8]) -> Self {
        let newlines = passed.iter().filter(|byte| **byte == b'\n').count();
        let last = passed.iter().rposition(|byte| *byte == b'\n');
        let (start, rest) = match last {
            None => (self.column, passed),
            Some(last) => (1, &passed[last + 1..]),
        };
        let continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
        let characters = rest.iter().filter(|byte| !continuation(**byte)).count();
        Self {
            line: self.line + newlines as u64,
            column: start + characters as u64,
        }
    }
}

/// Why a record was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {field}{value}: {reason}", field = Named(.field), value = Quoted(.value))]
pub struct RecordError {
    /// Where the offending value stands.
    pub place: Place,
    /// Name of the column, key or path, shortened to 80 characters; empty where the record as a whole is at fault.
    pub field: String,
    /// The value as it stands in the file, shortened to 80 characters; empty where there is none.
    pub value: String,
    /// What is wrong and how to mend it.
    pub reason: String,
    /// True where nothing after this place can be read (broken quoting, truncated archive): such an
    /// error stops the import even with `--on-error skip`.
    pub fatal: bool,
}

impl RecordError {
    /// An error about one value. Long values are shortened to 80 characters, and whatever the file says is
    /// kept on one line and away from the terminal's control characters.
    pub fn new(
        place: Place,
        field: impl Into<String>,
        value: impl AsRef<str>,
        reason: impl fmt::Display,
    ) -> Self {
        // Reasons are our own words, but some quote the file.
        const LONGEST_REASON: usize = 600;
        Self {
            place,
            field: printable(&field.into(), SHOWN),
            value: shortened(value.as_ref(), SHOWN),
            reason: printable(&reason.to_string(), LONGEST_REASON),
            fatal: false,
        }
    }

    /// An error after which the file cannot be read on.
    pub fn fatal(place: Place, reason: impl fmt::Display) -> Self {
        Self {
            fatal: true,
            ..Self::new(place, "", "", reason)
        }
    }
}

/// Characters of an offending value that an error shows.
pub(crate) const SHOWN: usize = 80;

/// The first `limit` characters, and `…` if there are more.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// As [`shortened`], with control characters escaped.
fn printable(text: &str, limit: usize) -> String {
    let mut shown = shortened(text, limit);
    if shown.contains(char::is_control) {
        let mut escaped = String::with_capacity(shown.len());
        for character in shown.chars() {
            if character.is_control() {
                escaped.extend(character.escape_default());
            } else {
                escaped.push(character);
            }
        }
        shown = escaped;
    }
    shown
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            0 => write!(f, "line {}", self.line),
            column => write!(f, "line {}, column {column}", self.line),
        }
    }
}

struct Named<'a>(&'a str);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => f.write_str("record"),
            name => f.write_str(name),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            value => write!(f, " {value:?}"),
        }
    }
}

/// How a file is written.
#[derive(Debug, Clone)]
pub enum Format {
    /// One JSON object a line, with the keys of the public document and more ([`jsonl`]).
    Jsonl,
    /// Shopify's product CSV, legacy or current headers ([`shopify`]).
    ShopifyCsv,
    /// Google Merchant feed, RSS/Atom XML or TSV ([`google`]).
    GoogleFeed,
    /// JSON, JSON Lines, YAML or CSV through a mapping file ([`mapped`]).
    Mapped(Box<mapped::Mapping>),
}

/// What every format needs to know beside the bytes.
#[derive(Debug, Clone, Copy)]
pub struct ReadOptions {
    /// Assumed where a file gives amounts without a currency.
    pub default_currency: Currency,
}

/// The longest record accepted, in bytes: a line, a JSON object, an XML item or the rows of one handle.
/// Memory during an import is bounded by a few of these.
pub const MAX_RECORD_BYTES: usize = 4 * 1024 * 1024;

/// Starts reading `input` (already decompressed) as `format`. A header that cannot be understood is the
/// first and only item.
pub fn records<'a>(
    input: impl BufRead + Send + 'a,
    format: Format,
    options: ReadOptions,
) -> Records<'a> {
    match format {
        Format::Jsonl => jsonl::records(input),
        Format::ShopifyCsv => shopify::records(input, options),
        Format::GoogleFeed => google::records(input, options),
        Format::Mapped(mapping) => mapped::records(input, *mapping, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_short_printable_line_whatever_the_file_says() {
        let hostile = "\x1b[31mred\n\u{85}".repeat(100_000);
        let error = RecordError::new(Place::default(), hostile.as_str(), &hostile, &hostile);
        let line = error.to_string();
        assert!(!line.contains(char::is_control), "{line}");
        assert!(line.len() < 4_000, "{}", line.len());
        assert!(
            error.field.starts_with("\\u{1b}[31mred\\n"),
            "{}",
            error.field
        );
    }
}
