//! Google Merchant Center product feeds: RSS 2.0 and Atom with the namespace
//! `http://base.google.com/ns/1.0` under any prefix, and tab-separated text with a header row.
//!
//! - **Items with the same `item_group_id`** are the variants of one product and must stand together; any
//!   other item is a product. Where the items of a group differ in `color`, `size`, `material` or
//!   `pattern`, these become options; where that does not tell them all apart, what follows the words with
//!   which all titles begin becomes one more. The first item describes the product; its title is
//!   `item_group_title`, or the words with which all titles begin.
//! - **Handles** depend on the product alone, so that the same feed always finds the same products: the
//!   last segment of the `link` if it is a handle already and the same for all items, else the
//!   `item_group_id` or `id` in lower case with hyphens. A link whose query could tell products apart
//!   (`/product?id=7`) is not used; `?variant=` is, within a group. Two products that come to the same
//!   handle are an error.
//! - **Prices**: with a `sale_price` that is the price, and `price` becomes the compare-at price. Outside
//!   its `sale_price_effective_date` a sale does not count (both are kept as attributes).
//! - **Availability**: `in_stock` is not tracked; `out_of_stock` is tracked with none left; `preorder` and
//!   `backorder` likewise, and selling goes on.
//! - **Descriptions** are plain text, or text with plain formatting tags; anything else in them is escaped.
//! - **Everything else** Google defines, or a shop adds to Google's namespace, becomes an attribute under
//!   its own name; an array where it is repeated or differs between the items.
//! - **What is absent** says nothing; what is blank clears the field, where it can be cleared.
//!
//! A DOCTYPE is refused and entities other than XML's own are never expanded. The format:
//! <https://support.google.com/merchants/answer/7052112>.

mod handle;
mod html;
mod item;
mod product;
mod sale;
mod titles;
mod tsv;
mod variation;
mod xml;

use std::io::{self, BufRead, Cursor, Read};

use time::OffsetDateTime;

use self::item::Item;
use self::product::Products;
use super::grouped::{Belongs, Grouped, Part};
use super::{Place, ReadOptions, RecordError, Records};

/// Bytes looked at to tell XML from tab-separated text: enough for any blank lines before it.
const SNIFFED: usize = 4096;

/// Reads the products of a feed, in its order, in memory bounded by the items of one.
///
/// A fault refuses its whole product: each yields one error. Broken XML, a DOCTYPE and a header without
/// `id` are fatal.
pub fn records<'a>(input: impl BufRead + Send + 'a, options: ReadOptions) -> Records<'a> {
    records_at(input, options, OffsetDateTime::now_utc())
}

/// As [`records`], with the time at which sales are judged.
fn records_at<'a>(
    mut input: impl BufRead + Send + 'a,
    options: ReadOptions,
    now: OffsetDateTime,
) -> Records<'a> {
    let start = match start(&mut input) {
        Ok(start) => start,
        Err(error) => {
            let place = Place { line: 1, column: 0 };
            let error = RecordError::fatal(place, format_args!("cannot be read: {error}"));
            return Box::new(std::iter::once(Err(error)));
        }
    };
    let is_xml = start.last() == Some(&b'<');
    let input = Cursor::new(start).chain(input);
    let products = Products::new(options, now);
    if is_xml {
        return Box::new(Grouped::new(parts(xml::Items::new(input)), products));
    }
    match tsv::items(input) {
        Ok(items) => Box::new(Grouped::new(parts(items), products)),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}

/// Takes the first byte that is neither space nor byte order mark, and what stands before it.
fn start(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    for byte in input.take(SNIFFED as u64).bytes() {
        start.push(byte?);
        let mark = "\u{feff}".as_bytes();
        let text = start.strip_prefix(mark).unwrap_or(&start);
        if !mark.starts_with(&start) && !text.trim_ascii().is_empty() {
            break;
        }
    }
    if start.starts_with("\u{feff}".as_bytes()) {
        start.drain(.."\u{feff}".len());
    }
    Ok(start)
}

fn parts<I>(items: I) -> impl Iterator<Item = Result<Part<Item>, RecordError>>
where
    I: Iterator<Item = Result<Item, RecordError>>,
{
    items.map(|item| item.map(part))
}

fn part(mut item: Item) -> Part<Item> {
    let (belongs, missing) = belongs(&item);
    let fault = item.fault.take().or(missing);
    Part {
        belongs,
        place: item.place,
        bytes: item.bytes,
        content: fault.map_or(Ok(item), Err),
    }
}

fn belongs(item: &Item) -> (Belongs, Option<RecordError>) {
    let group = item.filled("item_group_id");
    let id = item.required("id");
    let error = group.as_ref().err().or(id.as_ref().err()).cloned();
    let belongs = match (group, id) {
        (Ok(Some(group)), _) => Belongs::To(format!("item_group_id={}", group.value)),
        (_, Ok(id)) => Belongs::Starts(format!("id={}", id.value)),
        _ => Belongs::Nameless,
    };
    let belongs = match belongs {
        // What cannot be read may be a variant of the product above: refused rather than cut short.
        _ if item.is_doubtful => Belongs::ToPrevious,
        Belongs::To(key) | Belongs::Starts(key) if key.contains(char::REPLACEMENT_CHARACTER) => {
            Belongs::ToPrevious
        }
        belongs => belongs,
    };
    (belongs, error)
}

#[cfg(test)]
mod tests;
