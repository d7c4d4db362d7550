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
