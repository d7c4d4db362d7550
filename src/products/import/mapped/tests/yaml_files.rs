use super::*;

const MAPPING: &str = r#"
    [input]
    kind = "yaml"
    [product]
    handle = "h"
    title = "t"
    [attributes]
    collect = ["x_"]
"#;

fn handles(read: &[RecordResult]) -> Vec<&str> {
    read.iter()
        .flatten()
        .map(|record| record.product.handle.as_str())
        .collect()
}

#[test]
fn items_of_a_list_are_read_one_by_one() {
    let file = "%YAML 1.2\n---\n# a comment\n- h: a\n  t: \"two\n    lines\"\n  x_list:\n  - 1\n  - {k: 2.50}\n# another\n-\n  h: b\n  t: |\n    - not an item\n\n    text\r\n-   h: c\n    x_n: ~\n...\n";
    let read = read(MAPPING, file.as_bytes());
    assert_eq!(handles(&read), ["a", "b", "c"]);
    let first = &read[0].as_ref().unwrap().product;
    assert_eq!(first.title.as_deref(), Some("two lines"));
    assert_eq!(
        serde_json::to_value(&first.attributes).unwrap(),
        json!({"list": [1, {"k": 2.5}]})
    );
    assert_eq!(read[1].as_ref().unwrap().place.line, 11);
    assert_eq!(
        read[1].as_ref().unwrap().product.title.as_deref(),
        Some("- not an item\n\ntext")
    );
    let indented = super::read(MAPPING, b"  - h: a\n  - h: b\n    x_l:\n      - 1\n");
    assert_eq!(handles(&indented), ["a", "b"]);
}

#[test]
fn a_broken_item_costs_itself_only() {
    let file = b"- h: a\n- h: [b\n- h: c\n  h: d\n- h: \xff\n- h: *unknown\n- h: .nan\n- just text\n- h: e\n";
    let read = read(MAPPING, file);
    assert_eq!(handles(&read), ["a", "e"]);
    let errors: Vec<_> = read
        .iter()
        .filter_map(|record| record.as_ref().err())
        .collect();
    let lines: Vec<u64> = errors.iter().map(|error| error.place.line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 7, 8], "{errors:?}");
    assert!(errors.iter().all(|error| !error.fatal));
    assert!(errors[1].reason.contains("duplicate"), "{}", errors[1]);
    assert!(errors[2].reason.contains("UTF-8"), "{}", errors[2]);
    assert!(errors[3].reason.contains("alias"), "{}", errors[3]);
    assert!(errors[5].reason.contains("not an object"), "{}", errors[5]);
}

#[test]
fn aliases_are_refused_before_they_multiply() {
    let mut bomb = String::from("- a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ('b'..='i').zip('a'..) {
        let nine = vec![format!("*{before}"); 9].join(", ");
        bomb.extend([
            "  ",
            &name.to_string(),
            ": &",
            &name.to_string(),
            " [",
            &nine,
            "]
",
        ]);
    }
    let error = only_error(MAPPING, &bomb);
    assert!(error.reason.contains("alias"), "{error}");
}

#[test]
fn other_yaml_is_refused_at_once() {
    for file in ["h: a\n", "[{h: a}]\n", "{h: a}\n"] {
        let error = only_error(MAPPING, file);
        assert!(
            error.fatal && error.reason.contains("must be a list"),
            "{error}"
        );
    }
    assert_eq!(read(MAPPING, b"").len(), 0);
    assert_eq!(read(MAPPING, b"# nothing\n---\n").len(), 0);
}

#[test]
fn an_item_beyond_the_limit_is_skipped() {
    let long = "  x: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n".repeat(300_000);
    let read = read(MAPPING, format!("- h: a\n{long}- h: b\n").as_bytes());
    assert_eq!(handles(&read), ["b"]);
    assert!(
        read[0]
            .as_ref()
            .unwrap_err()
            .reason
            .contains("more than 4194304 bytes")
    );
}
