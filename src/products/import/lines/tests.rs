use std::io::{BufReader, Read};

use super::*;

type ReadLine = Result<(u64, String), RecordError>;

fn read(text: &[u8], limit: usize) -> Vec<ReadLine> {
    // A tiny buffer, so that lines span several of them.
    let mut lines = Lines::with_limit(BufReader::with_capacity(3, text), limit);
    let mut read = Vec::new();
    while let Some(line) = lines.next_line() {
        read.push(line.map(|line| (line.number, line.text.to_owned())));
    }
    read
}

#[expect(clippy::unnecessary_wraps, reason = "it is compared with results")]
fn line(number: u64, text: &str) -> ReadLine {
    Ok((number, text.to_owned()))
}

#[test]
fn both_line_ends_and_a_missing_last_one_are_understood() {
    let expected = [line(1, "a"), line(2, ""), line(3, "bc"), line(4, "d\re")];
    assert_eq!(read(b"a\n\r\nbc\r\nd\re", 10), expected);
    assert_eq!(read(b"", 10), []);
    assert_eq!(read(b"\n", 10), [line(1, "")]);
}

#[test]
fn a_line_of_exactly_the_limit_passes_and_a_longer_one_is_skipped() {
    assert_eq!(read(b"12345\r\nx\n", 5), [line(1, "12345"), line(2, "x")]);
    let lines = read(b"123456\nx\n1234567890", 5);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], line(2, "x"));
    for (index, number) in [(0, 1), (2, 3)] {
        let error = lines[index].as_ref().unwrap_err();
        assert_eq!(
            error.place,
            Place {
                line: number,
                column: 0
            }
        );
        assert!(
            !error.fatal && error.reason.contains("limit is 5"),
            "{error}"
        );
    }
}

#[test]
fn a_line_of_100_megabytes_is_never_held() {
    let huge = std::io::repeat(b'x')
        .take(100_000_000)
        .chain(&b"\nnext\n"[..]);
    let mut lines = Lines::new(BufReader::new(huge));
    assert!(
        lines
            .next_line()
            .unwrap()
            .unwrap_err()
            .reason
            .contains("100000001 bytes")
    );
    assert!(lines.line.capacity() <= 2 * MAX_RECORD_BYTES + 16);
    assert_eq!(lines.next_line().unwrap().unwrap().text, "next");
    assert!(lines.next_line().is_none());
}

#[test]
fn broken_utf8_costs_its_own_line_only() {
    let lines = read("äö\u{20ac}|\n".as_bytes(), 99);
    assert_eq!(lines, [line(1, "äö€|")]);
    let lines = read(b"ok\n\xc3\xa4\xc3(x\nafter", 99);
    let error = lines[1].as_ref().unwrap_err();
    assert_eq!(error.place, Place { line: 2, column: 2 });
    assert_eq!(error.value, "0xC3");
    assert!(!error.fatal);
    assert_eq!(lines[2], line(3, "after"));
}

#[test]
fn a_failing_input_is_fatal_and_ends_the_lines() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("truncated"))
        }
    }
    let mut lines = Lines::new(BufReader::new((&b"a\nb"[..]).chain(Failing)));
    assert_eq!(lines.next_line().unwrap().unwrap().text, "a");
    let error = lines.next_line().unwrap().unwrap_err();
    assert!(error.fatal && error.reason == "truncated" && error.place.line == 2);
    assert!(lines.next_line().is_none());
}
