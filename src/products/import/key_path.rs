//! Paths into a JSON value: `variants[2].price`.

use std::fmt;

use serde_json::Value;

/// One level of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A key of an object.
    Key(String),
    /// An element of an array, counted from 0.
    Index(usize),
}

/// Keys and indices that lead from a value to one inside it. Empty: the value itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyPath(pub Vec<Step>);

impl KeyPath {
    /// The path of one key.
    pub fn key(name: impl Into<String>) -> Self {
        Self(vec![Step::Key(name.into())])
    }

    /// Reads `a.b[0]`. A key with a dot or bracket in it is written `["odd.key"]`; `.` alone is the value
    /// itself. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "." {
            return Ok(Self::default());
        }
        let mut steps = Vec::new();
        let mut rest = text;
        loop {
            if let Some(after) = rest.strip_prefix("[\"") {
                let (key, after) = after
                    .split_once("\"]")
                    .ok_or_else(|| format!("`[\"` is not closed in `{text}`"))?;
                steps.push(Step::Key(key.to_owned()));
                rest = after;
            } else if let Some(after) = rest.strip_prefix('[') {
                let index = after.split_once(']').and_then(|(index, after)| {
                    rest = after;
                    index.parse().ok()
                });
                let index =
                    index.ok_or_else(|| format!("`[` wants a number and `]` in `{text}`"))?;
                steps.push(Step::Index(index));
            } else {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                if end == 0 {
                    return Err(format!("a key is missing in `{text}`"));
                }
                steps.push(Step::Key(rest[..end].to_owned()));
                rest = &rest[end..];
            }
            if rest.is_empty() {
                return Ok(Self(steps));
            }
            if let Some(after) = rest.strip_prefix('.') {
                rest = after;
                if rest.is_empty() || rest.starts_with('[') {
                    return Err(format!("a key is missing in `{text}`"));
                }
            } else if !rest.starts_with('[') {
                return Err(format!("`]` wants a `.` or `[` after it in `{text}`"));
            }
        }
    }

    /// The value at this path inside `value`.
    pub fn of<'a>(&self, value: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(value, |value, step| match step {
            Step::Key(key) => value.get(key.as_str()),
            Step::Index(index) => value.get(index),
        })
    }

    /// As a JSON pointer (RFC 6901): `/variants/2/price`.
    pub fn pointer(&self) -> String {
        let segment = |step: &Step| match step {
            Step::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            Step::Index(index) => format!("/{index}"),
        };
        self.0.iter().map(segment).collect()
    }

    /// This path followed by `other`.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self(self.0.iter().chain(&other.0).cloned().collect())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Key(key) if key.is_empty() || key.contains(['.', '[']) => {
                    write!(f, "[\"{key}\"]")?;
                }
                Step::Key(key) if position == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
            }
        }
        Ok(())
    }
}

/// The word of `known` that `word` was probably meant to be: apart from ASCII case, at most a third of its
/// letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const COMPARED: usize = 100;
    let word: String = word.chars().take(COMPARED).collect();
    let word = word.to_ascii_lowercase();
    known
        .into_iter()
        .map(|candidate| {
            let distance = strsim::levenshtein(&word, &candidate.to_ascii_lowercase());
            (distance, candidate)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, candidate)| *distance <= candidate.len().max(word.len()).div_ceil(3))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_lead_to_their_values_and_print_as_they_are_written() {
        let value = json!({"a": {"b": [1, {"c.d": 2}]}, "x y": 3});
        for (text, expected) in [
            ("a.b[0]", json!(1)),
            ("a.b[1][\"c.d\"]", json!(2)),
            ("x y", json!(3)),
            ("[\"x y\"]", json!(3)),
        ] {
            let path = KeyPath::parse(text).unwrap();
            assert_eq!(path.of(&value), Some(&expected), "{text}");
            assert_eq!(KeyPath::parse(&path.to_string()), Ok(path));
        }
        assert_eq!(KeyPath::parse(".").unwrap().of(&value), Some(&value));
        assert_eq!(KeyPath::parse("a.q[7]").unwrap().of(&value), None);
    }

    #[test]
    fn a_pointer_escapes_what_it_must_and_leads_to_the_same_value() {
        let value = json!({"a/b": [{"~c": 1}, {"": 2}]});
        for (steps, pointer) in [
            (vec![], ""),
            (vec!["a/b", "0", "~c"], "/a~1b/0/~0c"),
            (vec!["a/b", "1", ""], "/a~1b/1/"),
        ] {
            let step = |step: &str| match step.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => Step::Key(step.to_owned()),
            };
            let path = KeyPath(steps.into_iter().map(step).collect());
            assert_eq!(path.pointer(), pointer);
            assert_eq!(value.pointer(pointer), path.of(&value));
        }
    }

    #[test]
    fn broken_paths_are_refused() {
        for text in [
            "", ".a", "a.", "a..b", "a[", "a[x]", "a[\"b]", "a[0]b", "a.[0]",
        ] {
            assert!(KeyPath::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_nearest_word_is_suggested_unless_all_are_far() {
        let known = ["description_html", "title", "tags"];
        assert_eq!(nearest("desciption_html", known), Some("description_html"));
        assert_eq!(nearest("Titel", known), Some("title"));
        assert_eq!(nearest("warehouse", known), None);
        assert_eq!(nearest("x", []), None);
    }
}
