//! How rows become products.

use super::*;
use crate::products::import::Place;
use crate::products::input::{ImageInput, ProductOption};

#[test]
fn spreadsheets_may_separate_cells_by_semicolons_or_tabs() {
    let text = "Handle,\"Note, or; not\",Title,Tags,SKU,Price\na,n,A,\"x, y\",s,1299.00\n";
    let expected = product(text);
    assert_eq!(expected.tags.as_deref().unwrap(), ["x", "y"]);
    for delimiter in [";", "\t"] {
        let header = [
            "Handle",
            "\"Note, or; not\"",
            "Title",
            "Tags",
            "SKU",
            "Price",
        ];
        let row = ["a", "n", "A", "\"x, y\"", "s", "1299.00"];
        let text = [header, row]
            .map(|cells| cells.join(delimiter))
            .join("\r\n");
        assert_eq!(product(format!("\u{feff}{text}\r\n")), expected);
    }
}

#[test]
fn rows_of_one_handle_become_one_product() {
    let text = "\
Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Price,Image Src
shirt,Shirt,Size,S,Colour,Red,a,10,/1.jpg
shirt,,,M,,Red,b,11,/2.jpg
shirt,,,S,,Blue,c,12,
shirt,,,,,,,,/3.jpg
mug,Mug,,,,,d,5,
";
    let records: Vec<_> = read(text).into_iter().map(Result::unwrap).collect();
    let lines: Vec<_> = records.iter().map(|record| record.place.line).collect();
    assert_eq!(lines, [2, 6]);
    let shirt = &records[0].product;
    let option = |name: &str, values: &[&str]| ProductOption {
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    assert_eq!(
        shirt.options,
        Some(vec![
            option("Size", &["S", "M"]),
            option("Colour", &["Red", "Blue"])
        ])
    );
    let variants = shirt.variants.as_ref().unwrap();
    assert_eq!(variants.len(), 3);
    assert_eq!(variants[2].option_values, ["S", "Blue"]);
    let images: Vec<_> = shirt
        .images
        .as_ref()
        .unwrap()
        .iter()
        .map(|image| &image.url)
        .collect();
    assert_eq!(images, ["/1.jpg", "/2.jpg", "/3.jpg"]);
    let mug = &records[1].product;
    assert_eq!(mug.options, Some(vec![]));
    assert_eq!(mug.variants.as_ref().unwrap()[0].option_values, [""; 0]);
}

#[test]
fn both_dialects_and_a_mixture_in_any_order_mean_the_same() {
    let legacy = "Handle,Title,Body (HTML),Variant SKU,Variant Price,Published,Variant Inventory Qty,Variant Inventory Policy\n\
        a,A,<p>x</p>,s,1.50,false,3,continue\n";
    let current = "Title,URL handle,Description,SKU,Price,Published on online store,Inventory quantity,Continue selling when out of stock\n\
        A,a,<p>x</p>,s,1.50,FALSE,3,TRUE\n";
    let mixed = " PRICE ,body (html),sku,Url Handle,published,TITLE,inventory quantity,Variant inventory policy\n\
        1.50,<p>x</p>,s,a,False,A,3,CONTINUE\n";
    assert_eq!(product(legacy), product(current));
    assert_eq!(product(legacy), product(mixed));
}

#[test]
fn every_line_end_and_a_byte_order_mark_mean_the_same() {
    let text = "Handle,Title,Body (HTML)\na,A,\"x\n\ny\"\nb,B,\n";
    let expected = [("a", 2), ("b", 5)];
    for text in [
        text.to_owned(),
        text.replace('\n', "\r\n"),
        text.replace('\n', "\r"),
        format!("\u{feff}{text}"),
    ] {
        let records = read(&text);
        let found: Vec<_> = records
            .iter()
            .map(|record| record.as_ref().unwrap())
            .map(|record| (record.product.handle.as_str(), record.place.line))
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }
    assert_eq!(
        products(text.replace('\n', "\r\n"))[0]
            .description_html
            .as_deref(),
        Some("x\r\n\r\ny")
    );
}

#[test]
fn an_absent_column_keeps_and_a_blank_cell_clears() {
    let kept = product("Handle\na\n");
    assert_eq!(
        kept,
        ProductInput {
            handle: "a".to_owned(),
            ..ProductInput::default()
        }
    );
    let cleared = product(
        "Handle,Title,Body (HTML),Vendor,Type,Tags,SEO Title,Product Category,Status,Published,Image Src,Option1 Name,Gift Card,Variant SKU,Variant Price\n\
         a,A,,,,,,,,,,,,,\n",
    );
    let empty = Some(String::new());
    assert_eq!(
        cleared,
        ProductInput {
            handle: "a".to_owned(),
            title: Some("A".to_owned()),
            description_html: empty.clone(),
            vendor: empty.clone(),
            product_type: empty.clone(),
            category: empty.clone(),
            seo_title: empty,
            tags: Some(vec![]),
            images: Some(vec![]),
            options: Some(vec![]),
            attributes: Some(serde_json::Map::new().into()),
            variants: Some(vec![]),
            ..ProductInput::default()
        }
    );
}

#[test]
fn handles_come_from_titles_only_without_a_handle_column() {
    let text = "Title,SKU,Price\nBlue Shirt,a,1\n,b,2\nCafé Mug,c,3\n";
    let found = products(text);
    assert_eq!(found[0].handle, "blue-shirt");
    assert_eq!(found[0].variants.as_ref().unwrap().len(), 2);
    assert_eq!(found[1].handle, "cafe-mug");
    let (error, others) = error("Title,SKU,Price\nBlue Shirt,a,1\nBlue shirt,b,2\n");
    assert_eq!((error.place.line, others), (3, 1));
    assert!(error.reason.contains("line 2"), "{error}");
    let (error, _) = super::error("Title\n🎁\n");
    assert!(error.reason.contains("URL handle"), "{error}");
}

#[test]
fn a_blank_handle_refuses_its_product_alone() {
    let (error, others) = error("Handle,Title,SKU,Price\na,A,x,1\n,B,y,1\n,,z,1\nc,C,w,1\n");
    assert_eq!(others, 2);
    assert_eq!(error.place, Place { line: 3, column: 1 });
    assert!(error.reason.contains("blank"), "{error}");
}

#[test]
fn a_handle_that_comes_back_names_its_first_line() {
    let text = "Handle,Title,SKU,Price\na,A,x,1\nb,B,y,1\na,,z,1\n";
    let (error, others) = error(text);
    assert_eq!((error.place.line, others), (4, 2));
    assert_eq!(
        error.to_string(),
        "line 4: handle \"a\": used before by the product that begins on line 2; put its rows together"
    );
}

#[test]
fn the_first_row_has_the_title() {
    let (error, _) = error("Handle,Title,SKU,Price\na,,x,1\n");
    assert_eq!(error.place, Place { line: 2, column: 2 });
    assert!(error.reason.contains("title"), "{error}");
    let (error, _) = super::error("Title,SKU,Price\n,x,1\n");
    assert!(error.reason.contains("none came before"), "{error}");
}

#[test]
fn further_rows_may_repeat_the_product_but_not_differ() {
    assert_eq!(
        product("Handle,Title,SKU,Price\na,A,x,1\na,A,y,2\n")
            .variants
            .unwrap()
            .len(),
        2
    );
    let (error, _) = error("Handle,Title,SKU,Price\na,A,x,1\na,B,y,2\n");
    assert_eq!(error.place, Place { line: 3, column: 2 });
    assert!(error.reason.contains("line 2"), "{error}");
}

#[test]
fn blank_rows_are_skipped() {
    assert_eq!(products("Handle,Title\n,\na,A\n , \n").len(), 1);
}

#[test]
fn images_are_sorted_by_position_and_variants_point_at_theirs() {
    let text = "\
Handle,Title,SKU,Price,Image Src,Image Position,Image Alt Text,Variant Image
a,A,x,1,/2.jpg,2,Back,/1.jpg
a,,y,1,/1.jpg,1,Front,/9.jpg
a,,z,1,/2.jpg,2,,/9.jpg
";
    let product = product(text);
    let image = |url: &str, alt: &str| ImageInput {
        url: url.to_owned(),
        alt: alt.to_owned(),
        ..ImageInput::default()
    };
    assert_eq!(
        product.images,
        Some(vec![
            image("/1.jpg", "Front"),
            image("/2.jpg", "Back"),
            image("/9.jpg", "")
        ])
    );
    let variants = product.variants.unwrap();
    let images: Vec<_> = variants.iter().map(|variant| variant.image).collect();
    assert_eq!(images, [Some(0), Some(2), Some(2)]);
}
