use std::io::{BufReader, Read};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::products::import::key_path::KeyPath;

type Split = Result<(Place, String), RecordError>;

fn split_with(text: &[u8], path: &[&str], limit: usize, buffer: usize) -> Vec<Split> {
    let path = path.iter().map(|key| (*key).to_owned()).collect();
    let mut values = JsonValues::new(BufReader::with_capacity(buffer, text), path);
    values.limit = limit;
    let mut read = Vec::new();
    while let Some(value) = values.next_value() {
        read.push(value.map(|json| (json.place, json.text.to_owned())));
    }
    read
}

fn split(text: &str, path: &[&str]) -> Vec<Split> {
    let read = split_with(text.as_bytes(), path, 1000, 4096);
    assert_eq!(read, split_with(text.as_bytes(), path, 1000, 1));
    read
}

fn texts(read: &[Split]) -> Vec<&str> {
    read.iter()
        .map(|value| value.as_ref().unwrap().1.as_str())
        .collect()
}

fn place(line: u64, column: u64) -> Place {
    Place { line, column }
}

#[test]
fn arrays_nested_arrays_and_sequences_are_split_with_their_places() {
    let read = split("[\n {\"a\": \"ä]}\\\"\"},\r\n  [1, {}] ]\n", &[]);
    assert_eq!(texts(&read), ["{\"a\": \"ä]}\\\"\"}", "[1, {}]"]);
    assert_eq!(read[0].as_ref().unwrap().0, place(2, 2));
    assert_eq!(read[1].as_ref().unwrap().0, place(3, 3));

    let nested =
        r#"{"n": {"data": [9]}, "data": {"x": "]", "items": [{"a":1}, {"b":2}], "y": 0}, "z": []}"#;
    assert_eq!(
        texts(&split(nested, &["data", "items"])),
        ["{\"a\":1}", "{\"b\":2}"]
    );
    assert_eq!(texts(&split("{\"products\":[]}", &["products"])), [""; 0]);

    let sequence = split("{\"a\":1}\n\n{\"b\":\n2}{\"c\":3} 4 true\"x\"", &[]);
    assert_eq!(
        texts(&sequence),
        [
            "{\"a\":1}",
            "{\"b\":\n2}",
            "{\"c\":3}",
            "4",
            "true",
            "\"x\""
        ]
    );
    assert_eq!(sequence[2].as_ref().unwrap().0, place(4, 3));
    assert_eq!(split("", &[]), []);
    assert_eq!(split(" \n ", &["products"]), []);
}

#[test]
fn a_stream_that_is_not_balanced_ends_with_a_fatal_error() {
    for (text, path, reason) in [
        ("[{\"a\":1}", &[][..], "truncated"),
        ("[{\"a\":1},", &[], "truncated"),
        ("[{\"a\":", &[], "does not end"),
        ("[{\"a\":\"]", &[], "does not end"),
        ("[{} {}]", &[], "expected `,`, found `{`"),
        ("[{},]", &[], "expected a value, found `]`"),
        ("[,]", &[], "expected a value, found `,`"),
        ("[{}] x", &[], "end of the file"),
        ("{}, {}", &[], "found `,`"),
        ("{\"a\":[{}]", &["a"], "truncated"),
        ("{\"a\":[{}],\"b\":1", &["a"], "truncated"),
        ("{\"a\":[{}],\"a\":[]}", &["a"], "a second `a`"),
        ("{\"b\":[{}]}", &["a"], "no `a` in the file"),
        ("{\"a\":{}}", &["a", "b"], "no `a.b` in the file"),
        ("{\"a\":3}", &["a"], "expected `[`, found `3`"),
        ("[1]", &["a"], "expected `{`, found `[`"),
        ("{a:1}", &["a"], "a key in quotes"),
        ("{\"b\":}", &["a"], "expected a value, found `}`"),
    ] {
        let error = split(text, path).pop().unwrap().unwrap_err();
        assert!(
            error.fatal && error.reason.contains(reason),
            "{text}: {error}"
        );
    }
}

#[test]
fn a_value_beyond_the_limit_or_not_utf8_costs_itself_only() {
    let read = split_with(
        b"[{\"a\":\"0123456789\"},\n{\"b\":\"\xff\"}, {\"c\":1}]",
        &[],
        12,
        5,
    );
    let error = read[0].as_ref().unwrap_err();
    assert!(!error.fatal && error.reason.contains("limit is 12") && error.place == place(1, 2));
    let error = read[1].as_ref().unwrap_err();
    assert!(!error.fatal && error.value == "0xFF" && error.place == place(2, 7));
    assert_eq!(read[2].as_ref().unwrap().1, "{\"c\":1}");
}

#[test]
fn a_value_of_100_megabytes_is_never_held() {
    let huge = (&b"[\""[..])
        .chain(std::io::repeat(b'x').take(100_000_000))
        .chain(&b"\",{}]"[..]);
    let mut values = JsonValues::new(BufReader::new(huge), Vec::new());
    assert!(
        values
            .next_value()
            .unwrap()
            .unwrap_err()
            .reason
            .contains("100000002 bytes")
    );
    assert!(values.value.capacity() <= 2 * MAX_RECORD_BYTES);
    assert_eq!(values.next_value().unwrap().unwrap().text, "{}");
    assert!(values.next_value().is_none());
}

#[test]
fn parser_errors_are_placed_in_the_file() {
    let start = place(10, 5);
    for (text, expected, reason) in [
        ("{\"ä\": x}", place(10, 11), "expected value"),
        (
            "{\"a\": 1,\n  \"é\": tru }",
            place(11, 11),
            "expected ident",
        ),
        (
            "{\"a\": 1,\n\"a\": 2}",
            place(11, 3),
            "the key \"a\" occurs twice",
        ),
        ("{\"a\": 1e999}", place(10, 15), "number out of range"),
        ("{\"a\": \"\u{1}\"}", place(10, 12), "control character"),
    ] {
        let error = parse(JsonText { place: start, text }).unwrap_err();
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert_eq!(error.place, expected, "{text}: {error}");
    }
    let deep = "[".repeat(200) + &"]".repeat(200);
    let error = parse(JsonText {
        place: start,
        text: &deep,
    })
    .unwrap_err();
    assert!(error.reason.contains("127 levels"), "{error}");
}

#[test]
fn values_are_located_by_their_path() {
    let json = JsonText {
        place: place(3, 1),
        text: "{\"a\": {\"b\":\n  [1, \"é\", {\"c\" :  7}]},\"d\":0}",
    };
    for (path, expected) in [
        ("a", place(3, 7)),
        ("a.b[1]", place(4, 7)),
        ("a.b[2].c", place(4, 20)),
        ("d", place(4, 29)),
        ("nowhere", place(3, 1)),
        (".", place(3, 1)),
    ] {
        let path = KeyPath::parse(path).unwrap();
        assert_eq!(locate(json, &path.0), expected, "{path}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".*".prop_map(Value::from),
    ];
    scalar.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((".*", inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_split_and_parsed_back(
        values in prop::collection::vec(any_json(), 0..6),
        pretty: bool,
        buffer in 1..20_usize,
    ) {
        let document = json!({"before": values, "items": values, "after": {"items": values}});
        let text = if pretty {
            serde_json::to_string_pretty(&document).unwrap()
        } else {
            document.to_string()
        };
        let read = split_with(text.as_bytes(), &["items"], usize::MAX, buffer);
        let parsed: Vec<Value> = read
            .iter()
            .map(|value| value.as_ref().unwrap())
            .map(|(place, text)| parse(JsonText { place: *place, text }).unwrap())
            .collect();
        prop_assert_eq!(parsed, values);
    }

    #[test]
    fn no_input_panics(text in "[\\[\\]{}\",:a1 \\\\\n]*", path in prop::bool::ANY) {
        let path: &[&str] = if path { &["a"] } else { &[] };
        split(&text, path);
    }
}
