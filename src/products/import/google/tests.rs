mod faults;
mod sample;
mod tsv;
mod xml;

use time::macros::datetime;

use crate::products::import::{ReadOptions, RecordError, RecordResult};
use crate::products::input::ProductInput;
use crate::products::money::Currency;

const OPTIONS: ReadOptions = ReadOptions {
    default_currency: Currency::USD,
};

fn read(text: impl AsRef<[u8]>) -> Vec<RecordResult> {
    super::records_at(text.as_ref(), OPTIONS, datetime!(2026-11-27 12:00 UTC)).collect()
}

fn products(text: impl AsRef<[u8]>) -> Vec<ProductInput> {
    read(text)
        .into_iter()
        .map(|record| record.unwrap().product)
        .collect()
}

/// The only error of a feed, and how many products came beside it.
fn error(text: impl AsRef<[u8]>) -> (RecordError, usize) {
    let (errors, products): (Vec<_>, Vec<_>) = read(text).into_iter().partition(Result::is_err);
    assert_eq!(errors.len(), 1, "{errors:?}");
    let error = errors.into_iter().next().unwrap().unwrap_err();
    (error, products.len())
}

/// An RSS feed of `items`.
fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <rss version=\"2.0\" xmlns:g=\"http://base.google.com/ns/1.0\"><channel><title>Shop</title>\n\
         {items}</channel></rss>\n"
    )
}

/// An item with what every item must have, and `more`.
fn item(id: &str, more: &str) -> String {
    format!("<item><g:id>{id}</g:id><g:title>{id}</g:title><g:price>5 USD</g:price>{more}</item>\n")
}

fn product(more: &str) -> ProductInput {
    let mut products = products(rss(&item("a", more)));
    assert_eq!(products.len(), 1);
    products.remove(0)
}
