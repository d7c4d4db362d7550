//! Cuts a YAML list into its items, so that only one of them is in memory.
//!
//! An item of a block list begins with `- ` in the column of the first one; by the indentation rules of
//! YAML 1.2 (§8.2.1) nothing inside an item can stand in that column.

use std::io::BufRead;

use serde::de::DeserializeSeed;
use serde_json::Value;
use serde_saphyr::{Budget, DuplicateKeyPolicy, Options};

use crate::products::import::json_values::Strict;
use crate::products::import::lines::Lines;
use crate::products::import::{MAX_RECORD_BYTES, Place, RecordError};

/// Reads the items of a list.
pub(super) struct YamlItems<R> {
    lines: Lines<R>,
    /// Column of the dashes.
    indent: Option<usize>,
    item: Item,
    ended: bool,
}

/// What a line is to the list.
enum Kind {
    /// The first line of an item.
    Dash,
    /// A further line of an item.
    Content,
    /// Comments, directives and document markers around the list.
    Nothing,
    /// Something that is not in a list.
    Other,
}

/// The lines of one item.
#[derive(Default)]
struct Item {
    line: u64,
    text: String,
    error: Option<RecordError>,
}

impl<R: BufRead> YamlItems<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            lines: Lines::new(input),
            indent: None,
            item: Item::default(),
            ended: false,
        }
    }

    fn kind_of(&mut self, line: &str) -> Kind {
        let content = line.trim_start_matches(' ');
        let indent = line.len() - content.len();
        let dash = content == "-" || content.starts_with("- ");
        let marker = indent == 0
            && ["---", "...", "%"]
                .iter()
                .any(|mark| content.starts_with(mark));
        match self.indent {
            _ if marker => Kind::Nothing,
            None if dash => {
                self.indent = Some(indent);
                Kind::Dash
            }
            None if content.is_empty() || content.starts_with('#') => Kind::Nothing,
            None => Kind::Other,
            Some(known) if dash && known == indent => Kind::Dash,
            Some(_) => Kind::Content,
        }
    }

    /// The next item, with the line it starts in; `None` at the end and after an error that is fatal.
    pub(super) fn next_item(&mut self) -> Option<Result<(Value, u64), RecordError>> {
        while !self.ended {
            let error = match self.lines.next_line() {
                None => {
                    self.ended = true;
                    break;
                }
                Some(Ok(_)) => None,
                Some(Err(error)) if error.fatal => {
                    self.ended = true;
                    return Some(Err(error));
                }
                Some(Err(error)) => Some(error),
            };
            // A line that was refused still tells which item it belongs to.
            let line = String::from_utf8_lossy(self.lines.bytes()).into_owned();
            let number = self.lines.number();
            match self.kind_of(&line) {
                Kind::Dash => {
                    let begun = Item {
                        line: number,
                        text: line + "\n",
                        error,
                    };
                    let finished = std::mem::replace(&mut self.item, begun);
                    if finished.line > 0 {
                        return Some(finished.parse());
                    }
                }
                Kind::Content => self.item.push(&line, error),
                Kind::Nothing => {}
                Kind::Other => {
                    self.ended = true;
                    let place = Place {
                        line: number,
                        column: 0,
                    };
                    let reason =
                        "not an item of a list; the file must be a list with `- ` before each item";
                    return Some(Err(
                        error.unwrap_or_else(|| RecordError::fatal(place, reason))
                    ));
                }
            }
        }
        let last = std::mem::take(&mut self.item);
        (last.line > 0).then(|| last.parse())
    }
}

impl Item {
    fn push(&mut self, line: &str, error: Option<RecordError>) {
        self.error = self.error.take().or(error);
        if self.text.len() + line.len() > MAX_RECORD_BYTES {
            let place = Place {
                line: self.line,
                column: 0,
            };
            let reason = format!("the item has more than {MAX_RECORD_BYTES} bytes; split it");
            self.error
                .get_or_insert_with(|| RecordError::new(place, "", "", reason));
            self.text.clear();
        }
        if self.error.is_none() {
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn parse(self) -> Result<(Value, u64), RecordError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let list = serde_saphyr::with_deserializer_from_str_with_options(
            &self.text,
            options(),
            |deserializer| Strict.deserialize(deserializer),
        );
        match list {
            Ok(Value::Array(mut items)) if items.len() == 1 => Ok((items.remove(0), self.line)),
            Ok(_) => {
                let place = Place {
                    line: self.line,
                    column: 0,
                };
                Err(RecordError::new(
                    place,
                    "",
                    "",
                    "not one item of a list; mend its indentation",
                ))
            }
            Err(error) => {
                let location = error.location();
                let place = location.map_or(
                    Place {
                        line: self.line,
                        column: 0,
                    },
                    |location| Place {
                        line: self.line + location.line().max(1) - 1,
                        column: location.column(),
                    },
                );
                let text = error.without_snippet().to_string();
                let reason = match text.lines().next().unwrap_or_default() {
                    text if text.contains("alias") => {
                        "aliases (`*name`) are not read; write the value out".to_owned()
                    }
                    text => format!(
                        "not valid: {}",
                        text.rsplit_once(" at line ").map_or(text, |cut| cut.0)
                    ),
                };
                Err(RecordError::new(place, "", "", reason))
            }
        }
    }
}

/// Aliases are refused: records are read one by one, so an anchor in another one is unknown, and a few
/// nested aliases are enough to make gigabytes of a small file.
fn options() -> Options {
    let mut options = Options::default();
    let mut budget = Budget::default();
    budget.max_aliases = 0;
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options
}
