mod faults;
mod fields;
mod rows;
mod sample;

use crate::products::import::{ReadOptions, RecordError, RecordResult};
use crate::products::input::{ProductInput, VariantInput};
use crate::products::money::Currency;

const OPTIONS: ReadOptions = ReadOptions {
    default_currency: Currency::USD,
};

fn read(text: impl AsRef<[u8]>) -> Vec<RecordResult> {
    super::records(text.as_ref(), OPTIONS).collect()
}

fn products(text: impl AsRef<[u8]>) -> Vec<ProductInput> {
    read(text)
        .into_iter()
        .map(|record| record.unwrap().product)
        .collect()
}

fn product(text: impl AsRef<[u8]>) -> ProductInput {
    let mut products = products(text);
    assert_eq!(products.len(), 1);
    products.remove(0)
}

#[test]
fn the_delimiter_is_told_however_little_comes_in_one_read() {
    let text = "Handle;Title;Variant Price\na;A, B;1.50\n";
    let dribbled = std::io::BufReader::with_capacity(1, text.as_bytes());
    let dribbled: Vec<_> = super::records(dribbled, OPTIONS).collect();
    assert_eq!(dribbled, read(text));
    assert_eq!(product(text).title.as_deref(), Some("A, B"));
}

fn variant(text: impl AsRef<[u8]>) -> VariantInput {
    product(text).variants.unwrap().remove(0)
}

/// The only error of a file, and how many products came beside it.
fn error(text: impl AsRef<[u8]>) -> (RecordError, usize) {
    let (errors, products): (Vec<_>, Vec<_>) = read(text).into_iter().partition(Result::is_err);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.into_iter().next().unwrap().unwrap_err();
    (error, products.len())
}
