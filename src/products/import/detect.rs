//! Telling a file's format by its first bytes.

use std::fmt;

use csv::ReaderBuilder;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::delimited::delimiter;
use super::{Format, printable, shortened};

/// Most characters shown of what the file says.
const SHOWN: usize = 40;

/// Why a file's format is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// No format that needs no mapping.
    #[error(
        "{seen}, which is none of the formats known by themselves (our JSON Lines, a Shopify \
         product CSV, a Google Merchant feed); name a mapping file with --map, or the format with \
         --format"
    )]
    NeedsMapping {
        /// What it looks like.
        seen: String,
    },
}

/// Tells the format from the first bytes of the text, at best some kilobytes of it.
pub fn detect(head: &[u8]) -> Result<Format, DetectError> {
    let text = head.trim_ascii_start();
    let needs_mapping = |seen: &dyn fmt::Display| DetectError::NeedsMapping {
        seen: seen.to_string(),
    };
    match text.first() {
        None => Err(DetectError::Empty),
        Some(b'<') => match root_element(text).as_deref() {
            Some("rss" | "feed") => Ok(Format::GoogleFeed),
            Some(root) => {
                let root = printable(root, SHOWN);
                Err(needs_mapping(&format!("XML that begins with <{root}>")))
            }
            None => Err(needs_mapping(&"markup without an element")),
        },
        Some(b'{') if is_jsonl(text) => Ok(Format::Jsonl),
        Some(b'{' | b'[') => Err(needs_mapping(&"JSON of another shape")),
        Some(_) => table(text).map_err(|seen| needs_mapping(&seen)),
    }
}

/// The first line is an object with a handle. It may go on beyond the head, or be broken: then the line
/// after it tells JSON Lines from one object that is spread over several lines.
fn is_jsonl(text: &[u8]) -> bool {
    const HANDLE: &[u8] = b"\"handle\"";
    let end = text.iter().position(|byte| *byte == b'\n');
    let (line, rest) = text.split_at(end.unwrap_or(text.len()));
    match serde_json::from_slice::<serde_json::Value>(line) {
        Ok(value) => value.get("handle").is_some(),
        Err(_) => {
            line.windows(HANDLE.len()).any(|window| window == HANDLE)
                && matches!(rest.trim_ascii_start().first(), None | Some(b'{'))
        }
    }
}

/// Name of the first element, without its namespace prefix.
fn root_element(text: &[u8]) -> Option<String> {
    let mut reader = Reader::from_reader(text);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) | Event::Empty(element) => {
                let name = element.local_name();
                return Some(name.as_ref().to_owned());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

/// Tells a table by the names of its columns. The error says what it looks like.
fn table(text: &[u8]) -> Result<Format, String> {
    let columns = header(text, delimiter(text));
    let has = |names: &[&str]| {
        columns
            .iter()
            .any(|column| names.contains(&column.as_str()))
    };
    let variant = ["variant sku", "variant price", "sku", "price"];
    if has(&["handle", "url handle"]) && (has(&["title"]) || has(&variant)) {
        return Ok(Format::ShopifyCsv);
    }
    let offer = ["link", "price", "image_link", "image link", "availability"];
    if has(&["id"]) && has(&["title"]) && has(&offer) {
        return Ok(Format::GoogleFeed);
    }
    match columns.as_slice() {
        [] => Err("a blank line first".to_owned()),
        [only] => {
            let shown = shortened(only, SHOWN);
            Err(format!("a first line that begins with {shown:?}"))
        }
        columns => {
            let shown = columns.iter().take(6).map(|name| printable(name, SHOWN));
            let shown: Vec<String> = shown.collect();
            Err(format!("a table with the columns {}", shown.join(", ")))
        }
    }
}

/// Column names in lower case.
fn header(text: &[u8], delimiter: u8) -> Vec<String> {
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .from_reader(text);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => {
            let name = |name| String::from_utf8_lossy(name).trim().to_ascii_lowercase();
            record.iter().map(name).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(head: &str) -> String {
        match detect(head.as_bytes()) {
            Ok(Format::Jsonl) => "jsonl".to_owned(),
            Ok(Format::ShopifyCsv) => "shopify".to_owned(),
            Ok(Format::GoogleFeed) => "google".to_owned(),
            Ok(Format::Mapped(_)) => "mapped".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn known_formats_are_told_by_their_first_bytes() {
        let long = format!("{{\"handle\":\"x\",\"title\":\"{}", "y".repeat(70_000));
        for (head, format) in [
            ("\n {\"id\":1,\"handle\":\"x\"}\n{", "jsonl"),
            (long.as_str(), "jsonl"),
            ("Handle,Title,Body (HTML)\r\n", "shopify"),
            ("\"Title\",\"URL handle\",Description\nx", "shopify"),
            ("Title;URL handle\n", "shopify"),
            ("\u{feff}Handle;Title\n", "shopify"),
            ("Handle\tVariant SKU\tVariant Price\n", "shopify"),
            (
                "<?xml version=\"1.0\"?>\n<!-- <html> -->\n<rss version=\"2.0\">",
                "google",
            ),
            ("<feed xmlns=\"http://www.w3.org/2005/Atom\">", "google"),
            ("<!DOCTYPE x [<!ENTITY a \"b\">]><rss>", "google"),
            ("id\ttitle\tdescription\tlink\tprice\n", "google"),
            ("id,title,availability\n", "google"),
            ("<html><body>", "needs"),
            ("[{\"handle\":\"x\"}]", "needs"),
            ("{\"products\":[{\"handle\":\"x\"}]}", "needs"),
            ("{\n\"handle\":\"x\"}", "needs"),
            ("{\"name\":\"x\"", "needs"),
            ("{\"handle\":\"x\",\n\"title\":\"t\"}", "needs"),
            ("{\"handle\":\"x\",\"n\":1e400}\n{", "jsonl"),
            ("{\"handle\":\"x\",\"title\":\n{\"handle\":", "jsonl"),
            ("slug,sku,name,price\n", "needs"),
            ("- id: 1\n", "needs"),
            ("\0\u{1}\u{fffd}", "needs"),
        ] {
            let found = seen(head);
            match format {
                "needs" => assert!(found.contains("--map"), "{head}: {found}"),
                format => assert_eq!(found, format, "{head}"),
            }
        }
    }

    #[test]
    fn refusals_say_what_the_file_looks_like() {
        assert_eq!(seen(" \n"), "the file is empty");
        let refused = seen("slug,sku,name\n");
        assert!(refused.starts_with("a table with the columns slug, sku, name, which is"));
        assert!(seen("<catalog>").contains("XML that begins with <catalog>"));
        for hostile in [
            format!("<{}>", "a".repeat(60_000)),
            format!("{},b", "a".repeat(60_000)),
            "\"a\x1b[31m\nb\",c".to_owned(),
        ] {
            let refused = seen(&hostile);
            assert!(refused.len() < 400, "{refused}");
            assert!(!refused.contains(char::is_control), "{refused}");
        }
    }
}
