//! What tab-separated feeds mean.

use super::*;
use crate::products::import::Place;

#[test]
fn names_with_spaces_or_underscores_mean_the_same_as_xml() {
    let xml = rss(&item(
        "a",
        "<description>x</description><g:image_link>/1.jpg</g:image_link>\
         <g:additional_image_link>/2.jpg</g:additional_image_link>\
         <g:additional_image_link>/3.jpg</g:additional_image_link><g:age_group>adult</g:age_group>",
    ));
    let expected = products(xml);
    for header in [
        "id\ttitle\tprice\tdescription\timage_link\tadditional_image_link\tage_group",
        "\u{feff}ID\tTitle\tPrice\tDescription\tImage Link\tadditional image link\tg:age group",
    ] {
        let text = format!("{header}\na\ta\t5 USD\tx\t/1.jpg\t\"/2.jpg, /3.jpg\"\tadult\n");
        assert_eq!(products(&text), expected);
        assert_eq!(products(text.replace('\n', "\r\n")), expected);
    }
}

#[test]
fn quoted_cells_hold_tabs_line_breaks_and_quotes() {
    let text = "id\ttitle\tprice\tdescription\n\
        a\t\"5\"\" pipe\"\t1 USD\t\"one\ttwo\n\nthree\"\n\
        b\t5\" pipe\t2 USD\tx\n";
    let found = products(text);
    assert_eq!(found[0].title.as_deref(), Some("5\" pipe"));
    assert_eq!(
        found[0].description_html.as_deref(),
        Some("<p>one\ttwo</p><p>three</p>")
    );
    assert_eq!(found[1].title.as_deref(), Some("5\" pipe"));
}

#[test]
fn faults_have_their_place() {
    let fatal = |text: &[u8]| {
        let (error, _) = error(text);
        assert!(error.fatal, "{error}");
        error
    };
    assert!(fatal(b"title\tprice\n").reason.contains("no `id`"));
    assert!(fatal(b"id,title,price\n").reason.contains("tabs"));
    assert!(fatal(b"id\tTitle\ttitle\n").reason.contains("twice"));
    assert!(fatal(b"").reason.contains("empty"));
    assert!(fatal(b"\xff\xfei\0d\0").reason.contains("UTF-8"));
    assert_eq!(fatal(b"id\tprice\na\t\"5\nb\t6\n").place.line, 2);

    let (error, others) = error(b"id\tprice\na\t5 USD\nb\t\xff\n");
    assert_eq!((error.place, others), (Place { line: 3, column: 2 }, 1));
    // A row that may have been of the group above refuses it: the group would lose a variant.
    let groups = "id\titem_group_id\tsize\tprice\na\tg\tS\t5 USD\nb\tg\t5 USD\nc\th\t\t5 USD\n";
    let (error, others) = super::error(groups);
    assert_eq!((error.place.line, others), (3, 1), "{error}");

    let (error, others) = super::error("id\tprice\na\t5 USD\nb\nd\t5 USD\n");
    assert!(
        error.reason.contains("1 fields where the header has 2"),
        "{error}"
    );
    assert_eq!((error.place.line, others), (3, 2));
}

#[test]
fn groups_work_as_in_xml() {
    let text = "id\ttitle\tprice\titem group id\tsize\n\
        1\tMug S\t5\tmug\tS\n\
        2\tMug L\t6\tmug\tL\n\
        3\tPlate\t7\t\t\n";
    let found = products(text);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].handle, "mug");
    assert_eq!(found[0].variants.as_ref().unwrap()[1].option_values, ["L"]);
    assert_eq!(found[1].options, Some(vec![]));
}
