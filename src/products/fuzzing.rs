//! What has to hold for any bytes that come as a cursor, as a document or as a file. See [`crate::fuzzing`].

#![expect(
    clippy::missing_panics_doc,
    reason = "to panic is what these functions are for"
)]

mod source;

use std::io::{BufRead, BufReader};

use serde_json::Value;

use super::cursor::{CursorKey, Position};
use super::edit::whole::whole;
use super::export::Exporter;
use super::export::jsonl::{JsonlExporter, to_value};
use super::import::mapped::Mapping;
use super::import::{Format, ReadOptions, RecordResult, SHOWN, jsonl, records};
use super::input::ProductInput;
use super::money::Currency;
use super::validate::validate;
pub use source::import_source;

/// Most bytes of an error of an import.
const LONGEST_ERROR: usize = 4_000;

/// Refuses an error that would not stand on one line of a log or a terminal.
pub(crate) fn assert_line(text: &str, longest: usize) {
    assert!(!text.contains(char::is_control), "controls in {text:?}");
    assert!(text.len() <= longest, "{} bytes: {text:?}", text.len());
}

/// What a cursor opens to seals to the same cursor. A position comes back from its own cursor, with its own key,
/// for its own list, unaltered, or not at all.
pub fn cursor(data: &[u8]) {
    const LIST: &str = "products 1 {}";
    let key = CursorKey::new([7; 32]);
    let text = String::from_utf8_lossy(data);
    if let Some(position) = key.open(LIST, &text) {
        assert_eq!(key.seal(LIST, &position), text);
    }
    let Ok(position) = serde_json::from_slice::<Position>(data) else {
        return;
    };
    let cursor = key.seal(LIST, &position);
    let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(cursor.bytes().all(is_safe), "{cursor}");
    assert_eq!(key.open(LIST, &cursor), Some(position));
    assert_eq!(key.open("products 1 {\"vendor\":\"x\"}", &cursor), None);
    assert_eq!(CursorKey::new([8; 32]).open(LIST, &cursor), None);
    for at in (0..cursor.len()).step_by(cursor.len() / 16 + 1) {
        let mut forged = cursor.clone();
        let other = if forged[at..].starts_with('A') {
            "B"
        } else {
            "A"
        };
        forged.replace_range(at..=at, other);
        assert_eq!(key.open(LIST, &forged), None, "{forged}");
    }
}

/// A document that is accepted as the whole of a product obeys the rules, and is the same product again after
/// it was written and read. One that is refused is told why, in short.
pub(crate) fn document(document: Value) {
    match whole(document) {
        Ok(product) => {
            assert_eq!(validate(&product), []);
            match to_value(&product) {
                Ok(written) => assert_eq!(whole(written), Ok(product)),
                Err(error) => panic!("{error}: {product:?}"),
            }
        }
        Err(wrong) => {
            assert!(!wrong.is_empty());
            for invalid in wrong {
                assert!(invalid.value.chars().count() <= SHOWN + 1, "{invalid}");
                let is_pointer = invalid.pointer.is_empty() || invalid.pointer.starts_with('/');
                assert!(is_pointer, "{invalid}");
            }
        }
    }
}

/// See [`import`].
pub fn import_jsonl(data: &[u8]) {
    import(data, &Format::Jsonl);
}

/// See [`import`].
pub fn import_shopify(data: &[u8]) {
    import(data, &Format::ShopifyCsv);
}

/// See [`import`]. XML and tab-separated text.
pub fn import_google(data: &[u8]) {
    import(data, &Format::GoogleFeed);
}

/// See [`import`]. A mapping file, a line of `====` and a file for it. In place of the mapping there may stand
/// the kind of the file alone.
pub fn import_mapped(data: &[u8]) {
    const FIELDS: &str = include_str!("fuzzing/fields.toml");
    const SEPARATOR: &[u8] = b"\n====\n";
    let mut windows = data.windows(SEPARATOR.len());
    let (mapping, file) = match windows.position(|window| window == SEPARATOR) {
        Some(end) => (&data[..end], &data[end + SEPARATOR.len()..]),
        None => (data, &[][..]),
    };
    let mapping = match mapping {
        kind @ (b"json" | b"jsonl" | b"yaml" | b"csv") => {
            format!(
                "input.kind = \"{}\"\n{FIELDS}",
                String::from_utf8_lossy(kind)
            )
        }
        mapping => String::from_utf8_lossy(mapping).into_owned(),
    };
    match Mapping::parse(&mapping) {
        Ok(mapping) => import(file, &Format::Mapped(Box::new(mapping))),
        Err(error) => {
            let mistakes = error.to_string();
            assert!(!mistakes.is_empty());
            for mistake in mistakes.split('\n') {
                assert_line(mistake, LONGEST_ERROR);
            }
        }
    }
}

/// A file comes to the same records however it is cut into reads; each is a product that survives an export, or
/// a short error on one line, at a place in the file. After a fatal one nothing comes.
fn import(data: &[u8], format: &Format) {
    let read = read_all(data, format);
    assert_eq!(read, read_all(BufReader::with_capacity(7, data), format));
    assert!(read.len() <= data.len() + 1, "{} records", read.len());
    // A carriage return ends a line, too, in tables and in XML.
    let lines = data.split(|byte| b"\r\n".contains(byte)).count() as u64;
    for record in read {
        let place = match record {
            Ok(record) => {
                assert_survives_export(&record.product);
                record.place
            }
            Err(error) => {
                assert_line(&error.to_string(), LONGEST_ERROR);
                error.place
            }
        };
        assert!(
            (1..=lines).contains(&place.line),
            "{place} of {lines} lines"
        );
    }
}

fn read_all(input: impl BufRead + Send, format: &Format) -> Vec<RecordResult> {
    let options = ReadOptions {
        default_currency: Currency::USD,
    };
    let mut records = records(input, format.clone(), options);
    let mut read = Vec::new();
    while let Some(record) = records.next() {
        let is_fatal = record.as_ref().is_err_and(|error| error.fatal);
        read.push(record);
        if is_fatal {
            assert!(records.next().is_none(), "goes on after {read:?}");
            break;
        }
    }
    read
}

/// A valid product, written as our own JSON Lines, is read as the same.
fn assert_survives_export(product: &ProductInput) {
    if !validate(product).is_empty() {
        return;
    }
    let mut line = Vec::new();
    let mut exporter = JsonlExporter::new(&mut line);
    let written = exporter.product(product).and_then(|()| exporter.finish());
    drop(exporter);
    if let Err(error) = written {
        // What a file says of a product that is there already may be no product by itself.
        let variants = product.variants.as_deref().unwrap_or_default();
        let is_partial =
            product.options.is_none() || variants.iter().any(|variant| variant.price.is_none());
        assert!(is_partial, "{error}: {product:?}");
        return;
    }
    // With a date it is published; without one, that is what a new product is.
    let is_hidden = product.published_at.is_none() && product.published == Some(false);
    let expected = ProductInput {
        published: is_hidden.then_some(false),
        ..product.clone()
    };
    match jsonl::records(line.as_slice())
        .collect::<Vec<_>>()
        .as_slice()
    {
        [Ok(record)] => assert_eq!(record.product, expected),
        read => panic!("{read:?} of {}", String::from_utf8_lossy(&line)),
    }
}
