use super::*;

const PLAIN: &str = r#"
    [input]
    kind = "csv"
    [product]
    handle = "h"
    title = "Long Name.x"
    [variants]
    price = "p"
"#;

const GROUPED: &str = r#"
    [input]
    kind = "csv"
    delimiter = ";"
    group_by = "h"
    [product]
    handle = "h"
    title = "t"
    [attributes]
    collect = ["x."]
    [variants]
    each = "rows"
    prefer_with = "size"
    sku = "sku"
    price = "p"
    [[variants.options]]
    name = { constant = "Size" }
    value = "size"
"#;

#[test]
fn rows_become_products() {
    let file = "h,Long Name.x,p\r\na,\"x \"\"y\"\"\nz\",1.00\r\nb,,2\r\n";
    let read = read(PLAIN, file.as_bytes());
    let first = read[0].as_ref().unwrap();
    assert_eq!(first.product.title.as_deref(), Some("x \"y\"\nz"));
    let second = read[1].as_ref().unwrap();
    assert_eq!(
        (second.place.line, second.product.title.as_deref()),
        (4, None)
    );
    assert_eq!(read.len(), 2);
}

#[test]
fn rows_with_the_same_value_become_one_product() {
    let file = "h;t;x.w;sku;p;size\na;A;5;A;0;\na;;;A-S;1;S\na;;;A-M;2;M\nb;B;;B;3;\n";
    let read = read(GROUPED, file.as_bytes());
    let products: Vec<_> = read
        .iter()
        .map(|record| &record.as_ref().unwrap().product)
        .collect();
    assert_eq!(products.len(), 2);
    let variants = products[0].variants.as_deref().unwrap();
    assert_eq!(variants.len(), 2);
    assert_eq!(
        (variants[1].sku.as_deref(), &variants[1].option_values[..]),
        (Some("A-M"), &["M".to_owned()][..])
    );
    assert_eq!(
        serde_json::to_value(&products[0].attributes).unwrap(),
        json!({"w": "5"})
    );
    let alone = products[1].variants.as_deref().unwrap();
    assert_eq!((alone.len(), alone[0].price.unwrap().minor), (1, 300));
    assert_eq!(products[1].options, Some(Vec::new()));
}

#[test]
fn errors_name_line_and_column() {
    let error = only_error(PLAIN, "h,Long Name.x,p\na,x,\"1,299.00\"\n");
    assert!(error.to_string().starts_with(
        "line 2, column 3: variants.price (from `p`) \"1,299.00\": not a plain decimal"
    ));
    let error = only_error(GROUPED, "h;t;sku;p;size\na;A;A;0;\na;;A-S;-5;S\n");
    assert!(
        error.to_string().starts_with(
            "line 3, column 4: variants.price (from `rows[1].p`) \"-5\": a price cannot be negative"
        ),
        "{error}"
    );
}

#[test]
fn a_bad_row_costs_its_product_only() {
    let mut file = b"h;t;sku;p;size\na;A;1;1;S\na;A;2;1\nb;B;3;1;S\nb;\xff;4;1;M\n;C;5;1;S\nd;D;6;1;S\na;A;7;1;L\n".to_vec();
    file.extend_from_slice(b"e;E;8;1;S\n");
    let read = read(GROUPED, &file);
    let handles: Vec<_> = read
        .iter()
        .flatten()
        .map(|record| record.product.handle.as_str())
        .collect();
    assert_eq!(handles, ["d", "e"]);
    let errors: Vec<_> = read
        .iter()
        .filter_map(|record| record.as_ref().err())
        .collect();
    let lines: Vec<u64> = errors.iter().map(|error| error.place.line).collect();
    assert_eq!(lines, [3, 5, 6, 8]);
    for (error, reason) in
        errors
            .iter()
            .zip(["4 fields where the header has 5", "UTF-8", "blank", "sort"])
    {
        assert!(!error.fatal && error.reason.contains(reason), "{error}");
    }
}

#[test]
fn a_row_with_shifted_cells_refuses_the_product_above_and_the_one_it_seems_to_name() {
    let file = b"h;t;sku;p;size\na;A;1;1;S\nb;2;1;M\na;A;3;1;L\nb;B;4;1;S\n;;;;\nc;C;5;1;S\n";
    let (errors, products): (Vec<_>, Vec<_>) =
        read(GROUPED, file).into_iter().partition(Result::is_err);
    let lines: Vec<u64> = errors
        .iter()
        .map(|error| error.as_ref().unwrap_err().place.line)
        .collect();
    assert_eq!((lines, products.len()), (vec![3, 5], 1));
}

#[test]
fn a_quote_that_is_never_closed_is_fatal_and_named() {
    for file in [
        "h,Long Name.x,p\na,b,1\nb,\"c,2\nd,e,3\n",
        "h,Long Name.x,p\na,b,1\nb,c,\"2\n",
    ] {
        let read = read(PLAIN, file.as_bytes());
        assert_eq!(read.len(), 2);
        let error = read[1].as_ref().unwrap_err();
        assert!(
            error.fatal && error.place.line == 3 && error.reason.contains("never closed"),
            "{error}"
        );
    }
    let closed = "h,Long Name.x,p\na,\"5\"\"\",1\nb,5\" pipe,\"2\"";
    assert!(read(PLAIN, closed.as_bytes()).iter().all(Result::is_ok));
}

#[test]
fn a_row_beyond_the_limit_is_fatal_and_never_held() {
    let start = &b"h,Long Name.x,p\na,\""[..];
    let huge = std::io::Read::chain(
        start,
        std::io::Read::take(std::io::repeat(b'x'), 100_000_000),
    );
    let mapping = Mapping::parse(PLAIN).unwrap();
    let options = ReadOptions {
        default_currency: Currency::USD,
    };
    let read: Vec<_> = records(std::io::BufReader::new(huge), mapping, options).collect();
    let error = read[0].as_ref().unwrap_err();
    assert!(
        read.len() == 1
            && error.fatal
            && error.place.line == 2
            && error.reason.contains("never closed"),
        "{error}"
    );
}

#[test]
fn headers_are_checked_first() {
    for (file, reason) in [
        ("", "the file is empty"),
        ("h,p,h,Long Name.x\n", "two columns are named `h`"),
        ("h;p\n", "does not have: Long Name.x, h, p"),
    ] {
        let error = only_error(PLAIN, file);
        assert!(error.fatal && error.reason.contains(reason), "{error}");
    }
    assert_eq!(read(PLAIN, b"h,Long Name.x,p\n").len(), 0);
}
