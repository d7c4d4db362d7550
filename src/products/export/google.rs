//! Google Merchant Center product feeds, as RSS 2.0 or tab-separated text.
//!
//! Every priced variant of a public product (active and published) is an item; drafts are left out, since a
//! feed is an advertisement. [The import](crate::products::import::google) reads the feed back, but a feed
//! holds less than the catalogue: no quantities, costs, tags or search-engine texts, and options of other
//! names than colour, size, material and pattern only within the title, from which they come back as one. To keep everything, export JSON
//! Lines or Shopify's CSV.

mod item;
mod link;

use std::io::{self, Write};

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use self::item::Item;
use super::Exporter;
use crate::products::input::ProductInput;

/// The namespace of Google's attributes.
const NAMESPACE: &str = "http://base.google.com/ns/1.0";

/// The shop a feed advertises.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Its name.
    pub title: String,
    /// Its address, such as `https://shop.example`: products are at `/products/HANDLE` below it, and
    /// relative image addresses are relative to it.
    pub url: String,
}

/// Writes a feed as RSS 2.0.
pub struct GoogleRss<W: Write> {
    writer: Writer<W>,
    shop: Shop,
    started: bool,
}

impl<W: Write> GoogleRss<W> {
    /// Starts a feed on `writer`, which should be buffered.
    pub fn new(writer: W, shop: Shop) -> Self {
        Self {
            writer: Writer::new_with_indent(writer, b' ', 2),
            shop,
            started: false,
        }
    }

    fn start(&mut self) -> io::Result<()> {
        if self.started {
            return Ok(());
        }
        self.started = true;
        let root =
            BytesStart::new("rss").with_attributes([("version", "2.0"), ("xmlns:g", NAMESPACE)]);
        self.writer
            .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.writer.write_event(Event::Start(root))?;
        self.writer
            .write_event(Event::Start(BytesStart::new("channel")))?;
        element(&mut self.writer, "title", &self.shop.title)?;
        element(&mut self.writer, "link", &self.shop.url)?;
        element(&mut self.writer, "description", &self.shop.title)
    }
}

impl<W: Write> Exporter for GoogleRss<W> {
    fn product(&mut self, product: &ProductInput) -> io::Result<()> {
        self.start()?;
        for item in item::items(product, &self.shop) {
            self.writer
                .write_event(Event::Start(BytesStart::new("item")))?;
            for (name, text) in &item.fields {
                element(&mut self.writer, &format!("g:{name}"), text)?;
            }
            self.writer.write_event(Event::End(BytesEnd::new("item")))?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.start()?;
        for name in ["channel", "rss"] {
            self.writer.write_event(Event::End(BytesEnd::new(name)))?;
        }
        let inner = self.writer.get_mut();
        inner.write_all(b"\n")?;
        inner.flush()
    }
}

fn element(writer: &mut Writer<impl Write>, name: &str, text: &str) -> io::Result<()> {
    let text: String = text
        .chars()
        .filter(|character| is_xml(*character))
        .collect();
    writer
        .create_element(name)
        .write_text_content(BytesText::new(&text))?;
    Ok(())
}

/// Whether XML 1.0 can hold the character at all.
fn is_xml(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// Writes a feed as tab-separated text.
pub struct GoogleTsv<W: Write> {
    writer: csv::Writer<W>,
    shop: Shop,
    headed: bool,
}

impl<W: Write> GoogleTsv<W> {
    /// Starts a feed on `writer`, which need not be buffered.
    pub fn new(writer: W, shop: Shop) -> Self {
        Self {
            writer: csv::WriterBuilder::new()
                .delimiter(b'\t')
                .from_writer(writer),
            shop,
            headed: false,
        }
    }

    fn header(&mut self) -> io::Result<()> {
        if !self.headed {
            self.headed = true;
            self.writer
                .write_record(item::NAMES)
                .map_err(io::Error::from)?;
        }
        Ok(())
    }
}

impl<W: Write> Exporter for GoogleTsv<W> {
    fn product(&mut self, product: &ProductInput) -> io::Result<()> {
        self.header()?;
        for item in item::items(product, &self.shop) {
            let cells = item::NAMES.iter().map(|name| cell(&item, name));
            self.writer.write_record(cells).map_err(io::Error::from)?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.header()?;
        self.writer.flush()
    }
}

/// All values of an attribute in one cell; addresses hold no commas, since those are escaped.
fn cell(item: &Item, name: &str) -> String {
    let values: Vec<_> = item
        .fields
        .iter()
        .filter(|(field, _)| *field == name)
        .map(|(_, text)| text.as_str())
        .collect();
    values.join(",")
}

#[cfg(test)]
mod tests;
