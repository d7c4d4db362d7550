use std::io::{self, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::*;
use crate::products::import::MAX_RECORD_BYTES;

fn rows(text: &[u8]) -> (Vec<String>, Vec<Result<Row, RecordError>>) {
    let mut rows = Rows::new(text, b',');
    let header = rows.header().unwrap().names;
    (header, rows.collect())
}

fn lines(text: &str) -> Vec<u64> {
    rows(text.as_bytes())
        .1
        .into_iter()
        .map(|row| row.unwrap().line)
        .collect()
}

#[test]
fn a_row_of_too_many_fields_ends_the_reading_before_they_take_memory() {
    for (text, line) in [
        (",".repeat(5_000), 1),
        (format!("a,b\n1,2\n{}\n", ",".repeat(5_000)), 3),
    ] {
        let mut rows = Rows::new(text.as_bytes(), b',');
        let error = match rows.header() {
            Err(error) => error,
            Ok(_) => rows.find_map(Result::err).unwrap(),
        };
        assert!(error.fatal && error.place.line == line, "{error}");
        assert!(error.reason.contains("more than 4096 fields"), "{error}");
    }
}

#[test]
fn lines_are_counted_for_every_line_end_and_within_quotes() {
    assert_eq!(lines("a,b\n1,2\n\n3,4\n"), [2, 4]);
    assert_eq!(lines("a,b\r\n1,\"x\r\ny\"\r\n3,4"), [2, 4]);
    assert_eq!(lines("a,b\r1,\"x\ry\"\r\r3,4\r"), [2, 5]);
    assert_eq!(lines("\u{feff}\"a\",b\n1,2"), [2]);
}

#[test]
fn a_byte_order_mark_is_not_part_of_the_first_name() {
    assert_eq!(rows("\u{feff}\"a\" , b\n".as_bytes()).0, ["a", "b"]);
}

#[test]
fn a_row_of_another_width_is_refused_alone() {
    let (_, found) = rows(b"a,b\n1\n1,2,3\n1,2\n");
    let faults: Vec<_> = found
        .into_iter()
        .map(|row| row.unwrap().fault.map(|fault| fault.to_string()))
        .collect();
    assert!(
        faults[0]
            .as_deref()
            .unwrap()
            .starts_with("line 2: record: 1 fields where the header has 2")
    );
    assert!(
        faults[1]
            .as_deref()
            .unwrap()
            .starts_with("line 3: record: 3 fields where the header has 2")
    );
    assert_eq!(faults[2], None);
}

#[test]
fn broken_utf8_is_a_fault_of_its_row_alone() {
    let (_, found) = rows(b"a,b\n1,\xff2\n3,4\n");
    let first = found[0].as_ref().unwrap().fault.clone().unwrap();
    assert_eq!(
        (
            first.place,
            first.field.as_str(),
            first.value.as_str(),
            first.fatal
        ),
        (Place { line: 2, column: 2 }, "b", "\u{fffd}2", false)
    );
    assert!(found[1].as_ref().unwrap().fault.is_none());
}

#[test]
fn a_broken_header_is_fatal() {
    let error = Rows::new(&b"a,\xffb\n"[..], b',').header().unwrap_err();
    assert!(error.fatal && error.place.column == 2, "{error}");
    let error = Rows::new(&b"\n\n"[..], b',').header().unwrap_err();
    assert!(
        error.fatal && error.to_string().contains("empty"),
        "{error}"
    );
}

#[test]
fn an_unbalanced_quote_is_reported_where_it_opens() {
    let (_, found) = rows(b"a,b\n1,2\n3,\"4\n5,6\n7,8\n");
    assert_eq!(found.len(), 2);
    assert!(found[0].is_ok());
    let error = found[1].as_ref().unwrap_err();
    assert!(error.fatal);
    assert_eq!(error.place, Place { line: 3, column: 0 });
    assert!(error.reason.contains("never closed"), "{error}");
}

/// Counts what is taken from the reader within.
struct Counted<R>(R, Arc<AtomicU64>);

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(buffer)?;
        self.1.fetch_add(length as u64, Ordering::Relaxed);
        Ok(length)
    }
}

#[test]
fn a_line_of_100_mb_is_refused_without_reading_it_all() {
    for (head, text) in [
        ("a,b\n1,2\n3,\"", "never closed"),
        ("a,b\n1,2\n3,", "longer than"),
    ] {
        let taken = Arc::new(AtomicU64::new(0));
        let line = head.as_bytes().chain(io::repeat(b'x').take(100 << 20));
        let mut rows = Rows::new(BufReader::new(Counted(line, Arc::clone(&taken))), b',');
        rows.header().unwrap();
        assert!(rows.next().unwrap().is_ok());
        let error = rows.next().unwrap().unwrap_err();
        assert!(error.fatal, "{error}");
        assert_eq!(error.place.line, 3);
        assert!(error.reason.contains(text), "{error}");
        assert!(rows.next().is_none());
        assert!(taken.load(Ordering::Relaxed) < 2 * MAX_RECORD_BYTES as u64);
    }
}

/// The line on which each record begins, by the offsets that the `csv` crate gives.
fn expected_lines(text: &str) -> Vec<u64> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    reader
        .byte_records()
        .map(|record| {
            let offset = record.unwrap().position().unwrap().byte();
            let (before, rest) = text.split_at(usize::try_from(offset).unwrap());
            let blank = rest.len() - rest.trim_start_matches(['\r', '\n']).len();
            let before = &text[..before.len() + blank];
            let breaks = before.replace("\r\n", "\n").replace('\r', "\n");
            breaks.matches('\n').count() as u64 + 1
        })
        .collect()
}

proptest! {
    /// The guard and the `csv` crate agree on what a record is and where it begins.
    #[test]
    fn every_record_has_its_line(text in "[a,\"\r\n ]{0,60}") {
        let expected = expected_lines(&text);
        let mut rows = Rows::new(text.as_bytes(), b',');
        if rows.header().is_ok() {
            let found: Vec<_> = rows.collect();
            let open_quote = found.last().is_some_and(Result::is_err);
            let lines: Vec<_> = found.into_iter().map_while(Result::ok).map(|row| row.line).collect();
            prop_assert_eq!(lines.len() + usize::from(open_quote), expected.len() - 1);
            prop_assert_eq!(&lines[..], &expected[1..=lines.len()]);
        }
    }

    #[test]
    fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut rows = Rows::new(&bytes[..], b'\t');
        if rows.header().is_ok() {
            prop_assert!(rows.count() <= bytes.len());
        }
    }
}
