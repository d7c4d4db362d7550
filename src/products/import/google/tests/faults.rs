//! Malformed feeds: each fault has a defined outcome with its place.

use std::io::{self, BufReader, Read};

use proptest::prelude::*;

use super::*;
use crate::products::import::{MAX_RECORD_BYTES, Place};

fn fatal(text: impl AsRef<[u8]>, reason: &str) -> RecordError {
    let mut records = read(text);
    let error = records.pop().unwrap().unwrap_err();
    assert!(error.fatal && error.reason.contains(reason), "{error}");
    error
}

/// The reason why an item is refused, alone.
fn refused(more: &str) -> String {
    let (error, others) = error(rss(
        &[item("x", ""), item("a", more), item("z", "")].concat()
    ));
    assert_eq!(
        (error.place.line, error.fatal, others),
        (4, false, 2),
        "{error}"
    );
    error.to_string()
}

#[test]
fn a_bomb_of_entities_is_refused_unread() {
    let mut bomb = "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [<!ENTITY lol0 \"lol\">".to_owned();
    for level in 1..10 {
        let uses = format!("&lol{};", level - 1).repeat(10);
        bomb.extend(["<!ENTITY lol", &level.to_string(), " \"", &uses, "\">"]);
    }
    bomb.push_str("]>\n<rss><channel><item><title>&lol9;</title></item></channel></rss>");
    let error = fatal(bomb, "DOCTYPE is refused");
    assert_eq!(error.place, Place { line: 2, column: 1 });
}

#[test]
fn external_entities_are_refused_unread() {
    fatal(
        "<!DOCTYPE feed [<!ENTITY file SYSTEM \"file:///etc/passwd\">]><feed><entry>&file;</entry></feed>",
        "DOCTYPE is refused",
    );
    fatal(
        "<!DOCTYPE rss SYSTEM \"https://evil.example/x.dtd\"><rss/>",
        "DOCTYPE is refused",
    );
    fatal("<!DOCTYPE rss [", "DOCTYPE is refused");
}

#[test]
fn undefined_entities_refuse_their_item() {
    let reason = refused("<g:brand>A&nbsp;B</g:brand>");
    assert!(
        reason.starts_with("line 4, column 75: brand \"&nbsp;\": not an entity"),
        "{reason}"
    );
    assert!(refused("<g:brand>&#0;</g:brand>").contains("not an entity"));
    assert!(refused("<g:brand>&#xFFFFFFFF;</g:brand>").contains("not an entity"));
}

#[test]
fn prices() {
    for (price, reason) in [
        ("1,299.00 USD", "not a price"),
        ("-5 USD", "cannot be negative"),
        ("1e9 USD", "not a price"),
        ("12.345 USD", "USD has 2 decimal places"),
        ("5 BTC", "not an ISO 4217 currency"),
        ("5.01 USD", "higher than `price`"),
        ("5 EUR", "not in USD, the currency of `price`"),
    ] {
        let found = refused(&format!("<g:sale_price>{price}</g:sale_price>"));
        assert!(
            found.contains(reason) && found.contains("sale_price"),
            "{found}"
        );
    }
    let (error, _) = error(rss("<item><g:id>a</g:id></item>"));
    assert_eq!(
        error.to_string(),
        "line 3, column 1: price: missing; every item must have it (in XML as `g:price`, where xmlns:g is \
         \"http://base.google.com/ns/1.0\")"
    );
}

#[test]
fn words() {
    assert!(refused("<g:availability>maybe</g:availability>").contains("write in_stock"));
    assert!(refused("<g:condition>fair</g:condition>").contains("write new"));
    assert!(refused("<g:shipping_weight>2 stone</g:shipping_weight>").contains("unit of weight"));
    assert!(refused("<g:brand>A</g:brand><g:brand>B</g:brand>").contains("given twice"));
    assert!(refused("<g:brand><b>A</b></g:brand>").contains("elements within"));
    assert!(refused("<g:sale_price>4</g:sale_price><g:sale_price_effective_date>soon</g:sale_price_effective_date>")
        .contains("write two times"));
}

#[test]
fn an_id_used_twice() {
    let (error, others) = error(rss(&[item("a", ""), item("a", "")].concat()));
    assert_eq!(others, 1);
    assert_eq!(
        error.to_string(),
        "line 4, column 1: id \"a\": used before on line 3; give each item an id of its own"
    );
}

#[test]
fn groups() {
    let grouped =
        |id: &str, more: &str| item(id, &format!("<g:item_group_id>G</g:item_group_id>{more}"));
    let (size, red) = (
        |size: &str| format!("<g:size>{size}</g:size>"),
        "<g:color>Red</g:color>",
    );
    let (error, others) = error(rss(
        &[grouped("1", ""), item("x", ""), grouped("2", "")].concat()
    ));
    assert_eq!(others, 2);
    assert_eq!(
        error.to_string(),
        "line 5, column 1: item_group_id \"G\": used before on line 3; the items of a group must stand together"
    );
    let (error, _) = super::error(rss(&[grouped("1", ""), grouped("2", "")].concat()));
    assert!(
        error.place.line == 4 && error.reason.contains("line 3"),
        "{error}"
    );
    let (error, _) = super::error(rss(&[grouped("1", &size("S")), grouped("2", red)].concat()));
    assert!(error.reason.contains("missing, though"), "{error}");
    let all = |word: &str| {
        ["color", "size", "material", "pattern"]
            .map(|name| format!("<g:{name}>{word}</g:{name}>"))
            .concat()
    };
    let (error, _) = super::error(rss(
        &[grouped("1", &all("a")), grouped("2", &all("b"))].concat()
    ));
    assert!(error.reason.contains("3 options"), "{error}");
    let (error, others) = super::error(rss(&[
        grouped("1", &size("S")),
        grouped("2", "<g:size>M&x;</g:size>"),
        item("y", ""),
    ]
    .concat()));
    assert_eq!((error.place.line, others), (4, 1));
}

#[test]
fn broken_xml_is_fatal_with_its_place() {
    let error = fatal(rss("<item>\n<g:id>a</g:ID></item>"), "broken XML");
    assert_eq!(error.place, Place { line: 4, column: 8 });
    fatal(
        rss("<item><g:title>Salt & Pepper</g:title></item>"),
        "write & as &amp;",
    );
    fatal(rss("<item><g:id>a</item>"), "broken XML");
    fatal(
        rss("<item><q:id>a</q:id></item>"),
        "the prefix \"q\" is not declared",
    );
    fatal("<html><body/></html>", "<html> is not a feed");
    fatal("<?xml version=\"1.0\"?>", "there is no feed");
    fatal(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><rss/>",
        "encoding \"ISO-8859-1\"",
    );
    let mut broken = rss(&item("a", "")).into_bytes();
    let position = broken
        .windows(5)
        .position(|window| window == b"5 USD")
        .unwrap();
    broken[position] = 0xff;
    fatal(broken, "not UTF-8");
}

#[test]
fn truncation_anywhere_is_fatal() {
    let text = rss(&[item("a", "<g:brand><![CDATA[x]]></g:brand>"), item("b", "")].concat());
    for end in 60..text.trim_end().len() {
        let error = read(&text[..end]).pop().unwrap().unwrap_err();
        assert!(error.fatal, "{end}: {error}");
    }
}

#[test]
fn nesting_is_bounded() {
    fatal(
        rss(&format!("<item>{}", "<a>".repeat(100_000))),
        "nested deeper",
    );
    fatal(format!("<rss>{}", "<a>".repeat(100_000)), "nested deeper");
}

#[test]
fn an_item_of_100_mb_is_refused_without_reading_it_all() {
    for head in [
        "<rss><channel><item><title>",
        "<rss><channel><item><title",
        "<rss><channel><item><title x=\"",
        "<rss><channel><item><![CDATA[",
        "<rss><channel><title>",
        "<rss><!--",
        "<!DOCTYPE ",
    ] {
        let feed = head.as_bytes().chain(io::repeat(b'x').take(100 << 20));
        let mut rest = BufReader::new(feed);
        let records: Vec<_> = super::super::records(&mut rest, OPTIONS).collect();
        let error = records.last().unwrap().as_ref().unwrap_err();
        assert!(
            error.fatal && error.reason.contains("longer than"),
            "{head}: {error}"
        );
        let left = io::copy(&mut rest, &mut io::sink()).unwrap();
        assert!(
            left > (100 << 20) - 2 * MAX_RECORD_BYTES as u64,
            "{head}: {left}"
        );
    }
    let spaces: Vec<String> = (0..200).map(|n| format!("xmlns:a{n}='u{n}'")).collect();
    fatal(
        rss(&format!("<item {}>", spaces.join(" "))),
        "more than 128 xmlns attributes; remove",
    );
    // Many short elements are as long as one long one.
    fatal(
        rss(&format!("<item>{}", "<g:a/>".repeat(5000))),
        "more than 4096 elements",
    );
    let long = format!("<g:a>{}</g:a>", "x".repeat(MAX_RECORD_BYTES / 100));
    fatal(rss(&format!("<item>{}", long.repeat(101))), "longer than");
}

proptest! {
    #[test]
    fn arbitrary_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(read(&bytes).len() <= bytes.len() + 1);
        prop_assert!(read([b"<", &bytes[..]].concat()).len() <= bytes.len() + 1);
    }

    #[test]
    fn arbitrary_markup_ends_without_panic(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<item>", "</item>", "<g:id>", "</g:id>", "<g:price>", "</g:price>", "<link href='x'/>", "<g:size/>",
            "5 USD", "a", "&amp;", "&x;", "&", "<![CDATA[", "]]>", "<!--", "-->", "<?x", "?>", "é", "<", ">", "\r\n",
            "<g:item_group_id>G</g:item_group_id>", "<g:shipping><g:a>1</g:a></g:shipping>", "</channel>", "</rss>",
        ]), 0..60),
    ) {
        let text = rss(&parts.concat());
        prop_assert!(read(&text).len() <= text.len());
    }
}
