//! Malformed files: each fault has a defined outcome with its place.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::products::import::{MAX_RECORD_BYTES, Place};

/// A good product, then one with `value` in one more column, then a good one.
fn amid(column: &str, value: &str) -> String {
    format!(
        "Handle,Title,SKU,Price,{column}\ngood,Good,x,1,\nbad,Bad,y,1,{value}\nlast,Last,z,1,\n"
    )
}

fn refused(column: &str, value: &str) -> String {
    let (error, others) = error(amid(column, value));
    assert_eq!((error.fatal, others), (false, 2), "{error}");
    assert_eq!(error.place, Place { line: 3, column: 5 });
    assert_eq!(error.field, column);
    error.reason
}

#[test]
fn amounts_that_are_not_plain_decimals() {
    for (price, reason) in [
        ("\"1,299.00\"", "not a plain decimal"),
        ("-5", "cannot be negative"),
        ("1e9", "not a plain decimal"),
        ("12.345", "USD has 2 decimal places"),
        ("12.345 USD", "not a plain decimal"),
        ("$5", "not a plain decimal"),
        ("99999999999999999999", "larger than"),
    ] {
        for column in ["Compare-at price", "Cost per item"] {
            let found = refused(column, price);
            assert!(found.contains(reason), "{price}: {found}");
        }
        let text = format!("Handle,Title,Variant Price\na,A,{price}\n");
        let (error, _) = error(text);
        assert!(error.reason.contains(reason), "{error}");
        assert_eq!(
            (error.place.line, error.field.as_str()),
            (2, "Variant Price")
        );
    }
}

#[test]
fn a_variant_without_a_price() {
    let (error, _) = error("Handle,Title,SKU,Price\na,A,s,\n");
    assert_eq!(
        error.to_string(),
        "line 2, column 4: Price: a price is missing; write it like 19.99"
    );
    assert_eq!(
        product("Handle,Title,SKU,Price\na,A,,\n").variants,
        Some(vec![])
    );
}

#[test]
fn words_and_numbers() {
    assert!(refused("Status", "unlisted").contains("draft"));
    assert!(refused("Published", "maybe").contains("TRUE"));
}

#[test]
fn unknown_currency() {
    assert!(refused("Doorbuster currency", "BTC").contains("ISO 4217"));
}

#[test]
fn more_than_three_options() {
    assert!(refused("Option4 Value", "x").contains("3 options"));
    assert_eq!(products(amid("Option4 Name", "")).len(), 3);
}

#[test]
fn options_without_name_or_value() {
    let head = "Handle,Title,Option1 Name,Option1 Value,Price\n";
    let (error, _) = error(format!("{head}a,A,,Red,1\n"));
    assert!(
        error.reason.contains("no name") && error.place.column == 4,
        "{error}"
    );
    let (error, _) = super::error(format!("{head}a,A,Colour,,1\n"));
    assert!(error.reason.contains("no value for \"Colour\""), "{error}");
}

#[test]
fn headers() {
    let fatal = |text: &str| {
        let (error, others) = error(text);
        assert!(error.fatal && others == 0, "{error}");
        error.to_string()
    };
    assert!(fatal("Vendor,Price\nx,1\n").contains("neither `Title` nor `Handle`"));
    assert!(fatal("").contains("empty"));
    assert!(
        fatal("Handle,Title,handle \na,A,a\n")
            .starts_with("line 1, column 3: header \"handle\": the column is there twice")
    );
    assert!(
        fatal("Handle,Title,URL handle\na,A,a\n")
            .contains("means the same as the column \"Handle\"")
    );
    assert!(fatal("\r\n\nTitle,title\n").starts_with("line 3, column 2: header"));
    assert!(fatal("Handle,Material,material\na,,\n").contains("twice"));
    let (error, _) = error("Handle,\na,x\n");
    assert!(error.reason.contains("no name"), "{error}");
    assert_eq!(products("Handle,,\na,,\n").len(), 1);
}

#[test]
fn rows_of_another_width() {
    let (error, others) = error("Handle,Title\na,A\nb\nc,C\n");
    assert_eq!((error.place.line, error.fatal, others), (3, false, 2));
    assert!(
        error.reason.contains("1 fields where the header has 2"),
        "{error}"
    );
}

#[test]
fn a_refused_row_refuses_its_whole_product() {
    let (error, others) = error("Handle,Title,SKU,Price\na,A,x,1\na,,y\na,,z,1\nb,B,w,1\n");
    assert_eq!((error.place.line, others), (3, 1));
}

#[test]
fn broken_utf8_refuses_its_product_alone() {
    let (error, others) = error(b"Handle,Title\na,A\nb,B\xff\nc,C\n");
    assert_eq!((error.place, others), (Place { line: 3, column: 2 }, 2));
    assert!(error.reason.contains("UTF-8") && !error.fatal, "{error}");
    // A handle that cannot be read continues the product above, which is refused rather than cut short.
    let (_, others) = super::error(b"Handle,Title,SKU,Price\na,A,x,1\n\xff,,y,1\nc,C,z,1\n");
    assert_eq!(others, 1);
}

#[test]
fn a_quote_that_swallows_its_row_refuses_the_product_of_the_row() {
    // The quote before the second `a` makes one field of the row up to the next quote.
    let rows = "Handle,Title,SKU,Price\na,A,x,1\n\"a,,y,\"1\na,,z,1\nb,B,t,1\n";
    let (error, others) = error(rows);
    assert_eq!((error.place.line, others), (3, 1), "{error}");
    assert!(error.reason.contains("1 fields where"), "{error}");
}

#[test]
fn unbalanced_quotes_are_fatal_where_they_open() {
    let records = read("Handle,Title\na,A\nb,\"B\nc,C\nd,D\n");
    let error = records.last().unwrap().as_ref().unwrap_err();
    assert!(error.fatal && error.place.line == 3, "{error}");
}

#[test]
fn a_product_of_too_many_rows_is_refused_alone() {
    let description = "x".repeat(MAX_RECORD_BYTES / 4);
    let mut text = "Handle,Title,Note,SKU,Price\na,A,,s,1\n".to_owned();
    for sku in ["t", "u", "v", "w", "x"] {
        text.extend(["a,,", &description, ",", sku, ",1\n"]);
    }
    text.push_str("b,B,,t,1\n");
    let (error, others) = error(text);
    assert_eq!((error.fatal, others), (false, 1));
    assert!(error.reason.contains("more than"), "{error}");
}

#[test]
fn a_product_of_too_many_small_rows_is_refused_before_it_is_put_together() {
    let rows = "a,,x\n".repeat(3_000);
    let (error, others) = error(format!("Handle,Title,SKU\na,A,s\n{rows}b,B,t\n"));
    assert_eq!((error.place.line, others), (2 + 2_298, 1));
    assert!(error.reason.contains("more than 2298 rows"), "{error}");
}

#[test]
fn the_time_for_many_tags_does_not_grow_with_their_square() {
    let tags: Vec<String> = (0..200_000).map(|tag| tag.to_string()).collect();
    let start = Instant::now();
    let product = product(format!("Handle,Title,Tags\na,A,\"{}\"\n", tags.join(",")));
    assert_eq!(product.tags.unwrap(), tags);
    assert!(start.elapsed() < Duration::from_secs(10));
}

proptest! {
    #[test]
    fn arbitrary_bytes_end_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).len() <= bytes.len() + 1);
    }

    #[test]
    fn arbitrary_cells_end_without_panic(
        columns in prop::collection::vec(prop::sample::select(vec![
            "Title", "Handle", "Price", "SKU", "Option1 name", "Option1 value", "Image Src", "Image Position",
            "Variant Grams", "Status", "Published", "Variant Image", "Doorbuster attributes", "Tags", "Gift Card",
        ]), 1..8),
        cells in "([a-c1-3{}\" ,.-]|\n|TRUE){0,120}",
    ) {
        let text = format!("{}\n{cells}", columns.join(","));
        prop_assert!(read(&text).len() <= text.len());
    }
}
