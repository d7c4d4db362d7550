//! Items of RSS 2.0 and Atom feeds.

mod element;
mod meter;

use std::io::BufRead;

use quick_xml::errors::{IllFormedError, SyntaxError};
use quick_xml::events::{BytesRef, Event};
use quick_xml::name::NamespaceError;
use quick_xml::{Error, NsReader};

use self::element::Open;
use self::meter::{Meter, TooLong};
use super::super::{Place, RecordError};
use super::item::{Field, Item};

/// Deeper than any feed nests its elements.
const MAX_DEPTH: usize = 16;

/// More than any item has; each takes many times the memory of its shortest tag.
const MAX_ELEMENTS: usize = 4096;

/// Reads items one at a time; iteration ends after the first `Err`, which is always fatal.
pub(super) struct Items<R: BufRead> {
    reader: NsReader<Meter<R>>,
    buffer: Vec<u8>,
    /// Elements open around the items: the root, then RSS's channel.
    depth: usize,
    root: Option<Root>,
    ended: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Root {
    Rss,
    Atom,
}

/// What an event means here, freed from the buffer it was read into.
enum Step {
    Open(Open),
    Close,
    Text(String),
    /// An entity that XML does not define.
    UnknownEntity(String),
    End,
    Nothing,
}

impl<R: BufRead> Items<R> {
    pub(super) fn new(input: R) -> Self {
        let mut reader = NsReader::from_reader(Meter::new(input));
        reader.config_mut().expand_empty_elements = true;
        Self {
            reader,
            buffer: Vec::new(),
            depth: 0,
            root: None,
            ended: false,
        }
    }

    fn place(&self) -> Place {
        self.reader.get_ref().place()
    }

    /// Reads on to the next item.
    fn find(&mut self) -> Result<Option<Item>, RecordError> {
        loop {
            self.reader.get_mut().mark();
            let place = self.place();
            match self.step()? {
                Step::Open(open) => {
                    if self.opens_item(&open)? {
                        return self.item(place).map(Some);
                    }
                    self.depth += 1;
                    if self.depth > MAX_DEPTH {
                        return Err(too_deep(place));
                    }
                }
                Step::Close => self.depth = self.depth.saturating_sub(1),
                Step::End if self.root.is_none() => {
                    return Err(RecordError::fatal(
                        place,
                        "there is no feed; the root element must be <rss> or <feed>",
                    ));
                }
                Step::End if self.depth > 0 => return Err(truncated(place)),
                Step::End => return Ok(None),
                Step::Text(_) | Step::UnknownEntity(_) | Step::Nothing => {}
            }
        }
    }

    fn opens_item(&mut self, open: &Open) -> Result<bool, RecordError> {
        match (self.root, self.depth, open.name.as_str()) {
            (None, _, "rss") => self.root = Some(Root::Rss),
            (None, _, "feed") => self.root = Some(Root::Atom),
            (None, _, name) => {
                return Err(RecordError::fatal(
                    open.place,
                    format_args!(
                        "<{name}> is not a feed; the root element must be <rss> or <feed>"
                    ),
                ));
            }
            (Some(Root::Rss), 2, "item") | (Some(Root::Atom), 1, "entry") => return Ok(true),
            _ => {}
        }
        Ok(false)
    }

    /// Reads the item whose start tag was just read.
    fn item(&mut self, place: Place) -> Result<Item, RecordError> {
        let mut item = Item {
            place,
            bytes: 0,
            fields: Vec::new(),
            fault: None,
            is_doubtful: false,
        };
        let mut open: Vec<Open> = Vec::new();
        let mut elements = 0;
        loop {
            let place = self.place();
            match self.step()? {
                Step::Open(_) if open.len() == MAX_DEPTH => return Err(too_deep(place)),
                Step::Open(_) if elements == MAX_ELEMENTS => {
                    return Err(RecordError::fatal(
                        place,
                        format_args!("the item has more than {MAX_ELEMENTS} elements"),
                    ));
                }
                Step::Open(element) => {
                    elements += 1;
                    open.push(element);
                }
                Step::Close => {
                    let Some(closed) = open.pop() else {
                        item.bytes =
                            self.reader.get_ref().taken() + item.fields.len() * size_of::<Field>();
                        return Ok(item);
                    };
                    closed.close(open.last_mut(), &mut item.fields);
                }
                Step::Text(text) => {
                    if let Some(element) = open.last_mut() {
                        element.text.push_str(&text);
                    }
                }
                Step::UnknownEntity(name) => {
                    let field = open.last().map_or("", |element| element.name.as_str());
                    let error = RecordError::new(
                        place,
                        field,
                        format!("&{name};"),
                        "not an entity of XML; write the character itself, and & as &amp;",
                    );
                    item.fault.get_or_insert(error);
                }
                Step::End => return Err(truncated(place)),
                Step::Nothing => {}
            }
        }
    }

    /// Reads one event.
    fn step(&mut self) -> Result<Step, RecordError> {
        let place = self.place();
        self.buffer.clear();
        let event = self.reader.read_resolved_event_into(&mut self.buffer);
        match event {
            Ok((namespace, Event::Start(start))) => {
                Open::read(place, &namespace, &start).map(Step::Open)
            }
            Ok((_, Event::End(_))) => Ok(Step::Close),
            Ok((_, Event::Text(text))) => Ok(Step::Text(text.xml10_content().into_owned())),
            Ok((_, Event::CData(text))) => Ok(Step::Text(text.xml10_content().into_owned())),
            Ok((_, Event::GeneralRef(reference))) => Ok(resolve(&reference)),
            // An entity declared in a DOCTYPE can stand for a file, or for gigabytes.
            Ok((_, Event::DocType(_))) => Err(RecordError::fatal(
                place,
                "a DOCTYPE is refused, since its entities can be harmful; remove it, feeds need none",
            )),
            Ok((_, Event::Decl(declaration))) => match declaration.encoding() {
                Some(Ok(encoding)) if !is_utf8(&encoding) => Err(RecordError::fatal(
                    place,
                    format_args!("the encoding {encoding:?} is not read; save the file as UTF-8"),
                )),
                _ => Ok(Step::Nothing),
            },
            Ok((_, Event::Eof)) => Ok(Step::End),
            Ok(_) => Ok(Step::Nothing),
            Err(error) => Err(fatal(place, error)),
        }
    }
}

impl<R: BufRead> Iterator for Items<R> {
    type Item = Result<Item, RecordError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let item = self.find().transpose();
        self.ended = !matches!(item, Some(Ok(_)));
        item
    }
}

/// The character of a reference: XML's own five entities and numbers, nothing that a file could define.
fn resolve(reference: &BytesRef<'_>) -> Step {
    let character = match reference.as_ref() {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => reference.resolve_char_ref().ok().flatten(),
    };
    match character {
        Some(character) => Step::Text(character.to_string()),
        None => Step::UnknownEntity(reference.as_ref().to_owned()),
    }
}

fn is_utf8(encoding: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii"]
        .iter()
        .any(|name| encoding.eq_ignore_ascii_case(name))
}

fn too_deep(place: Place) -> RecordError {
    RecordError::fatal(
        place,
        format_args!("elements are nested deeper than {MAX_DEPTH}"),
    )
}

fn truncated(place: Place) -> RecordError {
    RecordError::fatal(
        place,
        "the file ends within the feed; it was cut short, fetch it again",
    )
}

fn fatal(place: Place, error: Error) -> RecordError {
    match error {
        Error::Io(error) => {
            let too_long = error
                .get_ref()
                .and_then(|inner| inner.downcast_ref::<TooLong>());
            let reason = match too_long {
                Some(too_long) => too_long.to_string(),
                None => format!("cannot be read: {error}"),
            };
            RecordError::fatal(place, reason)
        }
        Error::Encoding(error) => RecordError::fatal(
            place,
            format_args!("what begins here is not UTF-8 ({error}); save the file as UTF-8"),
        ),
        Error::IllFormed(IllFormedError::UnclosedReference) => {
            RecordError::fatal(place, "broken XML: & without an entity; write & as &amp;")
        }
        Error::Syntax(SyntaxError::UnclosedDoctype) => {
            RecordError::fatal(place, "a DOCTYPE is refused; remove it, feeds need none")
        }
        Error::Namespace(NamespaceError::TooManyBindings(limit)) => RecordError::fatal(
            place,
            format_args!("more than {limit} xmlns attributes; remove those that are not used"),
        ),
        error => RecordError::fatal(place, format_args!("broken XML: {error}")),
    }
}
