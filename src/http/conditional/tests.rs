use super::*;
use proptest::prelude::*;

fn headers(value: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(IF_NONE_MATCH, HeaderValue::from_str(value).unwrap());
    headers
}

#[test]
fn each_representation_has_its_tag_and_the_longest_fits() {
    let mut tags = EntityTags::new(u64::MAX, u64::MAX);
    let stem = "18446744073709551615-ffffffffffffffff";
    let written = REPRESENTATIONS.map(|representation| tags.header(representation));
    assert_eq!(
        written,
        [
            format!("\"{stem}\""),
            format!("\"{stem}-br\""),
            format!("\"{stem}-zstd\""),
            format!("\"{stem}-gzip\""),
        ]
    );
    for (written, own) in written.iter().zip(REPRESENTATIONS) {
        for other in REPRESENTATIONS {
            let known = tags.are_known_to(&headers(written.to_str().unwrap()), other);
            assert_eq!(known, own == other);
        }
    }
}

#[test]
fn any_tag_of_the_list_counts_weak_or_not() {
    let tags = EntityTags::new(7, 0xabc);
    let knows = |value: &str| tags.are_known_to(&headers(value), None);
    for value in [
        "\"7-0000000000000abc\"",
        "W/\"7-0000000000000abc\"",
        "\"a,b\", \"7-0000000000000abc\"",
        "\"x\",W/\"7-0000000000000abc\"",
    ] {
        assert!(knows(value), "{value}");
    }
    for value in [
        "",
        "*",
        "7-0000000000000abc",
        "\"8-0000000000000abc\"",
        "\"7-0000000000000abc",
        "\"7-0000000000000abcd\"",
        "\"\", \"7-0000000000000ab\"",
    ] {
        assert!(!knows(value), "{value}");
    }
}

#[test]
fn a_star_stands_alone() {
    for (value, expected) in [("*", true), (" * ", true), ("\"*\"", false), ("", false)] {
        assert_eq!(has_any(&headers(value)), expected, "{value}");
    }
}

fn with(name: &HeaderName, values: &[&str]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn is_demanded(headers: &HeaderMap, modified: Option<u32>) -> bool {
    let tags = EntityTags::new(7, 0xabc);
    let modified = modified.map(|seconds| Seconds::new(seconds).unwrap());
    tags.demanded(headers, modified).is_ok()
}

#[test]
fn if_match_is_compared_strongly_with_every_coding() {
    for (value, expected) in [
        ("*", true),
        ("\"7-0000000000000abc\"", true),
        ("\"7-0000000000000abc-br\"", true),
        ("\"x\", \"7-0000000000000abc-gzip\"", true),
        ("W/\"7-0000000000000abc\"", false),
        ("W/\"7-0000000000000abc\", \"7-0000000000000abc\"", true),
        ("\"7-0000000000000abc-deflate\"", false),
        ("\"8-0000000000000abc\"", false),
        ("7-0000000000000abc", false),
        ("", false),
    ] {
        assert_eq!(
            is_demanded(&with(&IF_MATCH, &[value]), None),
            expected,
            "{value}"
        );
    }
    assert!(is_demanded(
        &with(&IF_MATCH, &["\"x\"", "\"7-0000000000000abc\""]),
        None
    ));
    assert!(is_demanded(&HeaderMap::new(), None));
}

#[test]
fn a_date_is_heeded_where_no_tag_is_given_and_there_is_one_to_compare() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let unmodified = with(&IF_UNMODIFIED_SINCE, &[date]);
    assert!(is_demanded(&unmodified, Some(784_111_777)));
    assert!(!is_demanded(&unmodified, Some(784_111_778)));
    assert!(is_demanded(&unmodified, None));
    let mut both = unmodified;
    both.insert(IF_MATCH, HeaderValue::from_static("\"7-0000000000000abc\""));
    assert!(is_demanded(&both, Some(784_111_778)));

    let modified = Seconds::new(784_111_777);
    let mut since = with(&IF_MODIFIED_SINCE, &[date]);
    assert!(has_the_latest(&since, modified));
    assert!(!has_the_latest(&since, Seconds::new(784_111_778)));
    assert!(!has_the_latest(&since, None));
    since.insert(IF_NONE_MATCH, HeaderValue::from_static("\"x\""));
    assert!(!has_the_latest(&since, modified));
}

#[test]
fn conditions_are_told_by_their_names() {
    for name in [
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
    ] {
        assert!(is_conditional(&with(&name, &[""])));
    }
    assert!(!is_conditional(&with(
        &HeaderName::from_static("x-if-match"),
        &[""]
    )));
    assert!(!is_conditional(&HeaderMap::new()));
}

/// A tag as RFC 9110 §8.8.3 has it: `[ W/ ] DQUOTE *etagc DQUOTE`.
#[derive(Debug, Clone)]
struct Given {
    is_weak: bool,
    opaque: String,
}

fn given() -> impl Strategy<Value = Given> {
    let opaque = prop_oneof![
        "[!#-~\u{80}-\u{ff}]{0,8}",
        Just("7-0000000000000abc".to_owned()),
        Just("7-0000000000000abc-br".to_owned()),
        Just("7-0000000000000abc-gzip".to_owned()),
        Just("a, \\".to_owned()),
        Just("W/".to_owned()),
    ];
    (any::<bool>(), opaque).prop_map(|(is_weak, opaque)| Given { is_weak, opaque })
}

proptest! {
    /// Against the definition, read off the list before it was written.
    #[test]
    fn lists_are_read_as_they_were_written(
        lists in prop::collection::vec(
            prop::collection::vec((given(), "[ \t]{0,2},[ \t]{0,2}"), 0..5),
            0..3,
        )
    ) {
        let tags = EntityTags::new(7, 0xabc);
        let ours = ["7-0000000000000abc", "7-0000000000000abc-br", "7-0000000000000abc-gzip"];
        let all: Vec<_> = lists.iter().flatten().map(|(tag, _)| tag.clone()).collect();
        for name in [IF_NONE_MATCH, IF_MATCH] {
            let mut headers = HeaderMap::new();
            for list in &lists {
                let written = list.iter().map(|(tag, comma)| {
                    let weak = if tag.is_weak { "W/" } else { "" };
                    format!("{weak}\"{}\"{comma}", tag.opaque)
                });
                let text: String = written.collect();
                // Bytes above ASCII are `obs-text`: one byte each.
                let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
                headers.append(name.clone(), HeaderValue::from_bytes(&bytes).unwrap());
            }
            if name == IF_NONE_MATCH {
                for (opaque, representation) in ours.iter().zip([None, Some(Coding::Brotli), Some(Coding::Gzip)]) {
                    let expected = all.iter().any(|tag| tag.opaque == *opaque);
                    prop_assert_eq!(tags.are_known_to(&headers, representation), expected);
                }
            } else {
                let is_ours = |tag: &Given| !tag.is_weak && ours.contains(&&*tag.opaque);
                prop_assert_eq!(tags.match_strongly(&headers), all.iter().any(is_ours));
            }
        }
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        let Ok(value) = HeaderValue::from_bytes(&bytes) else { return Ok(()) };
        for name in [IF_MATCH, IF_NONE_MATCH, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.clone());
            let tags = EntityTags::new(7, 0xabc);
            let modified = Seconds::new(784_111_777);
            let _ = tags.demanded(&headers, modified);
            let _ = (tags.are_known_to(&headers, None), has_any(&headers));
            let _ = has_the_latest(&headers, modified);
        }
    }
}

#[test]
fn a_write_needs_a_strong_tag_of_the_version_in_any_coding() {
    let condition = |value: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(IF_MATCH, HeaderValue::from_str(value).unwrap());
        IfMatch::of(&headers).unwrap().holds_for(7, 0xabc)
    };
    for value in [
        "*",
        "\"7-0000000000000abc\"",
        "\"7-0000000000000abc-br\"",
        "\"7-0000000000000abc-zstd\"",
        "W/\"x\", \"7-0000000000000abc-gzip\"",
        "\"7\"",
    ] {
        assert!(condition(value), "{value}");
    }
    for value in [
        "",
        "7",
        "W/\"7-0000000000000abc\"",
        "W/\"7\"",
        "\"8-0000000000000abc\"",
        "\"7-0000000000000abd\"",
        "\"7-0000000000000abc-lzma\"",
        "\"6\", \"8\"",
    ] {
        assert!(!condition(value), "{value}");
    }
    assert!(IfMatch::of(&HeaderMap::new()).is_none());
}
