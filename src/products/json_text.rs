//! Takes JSON apart without reading it: the members of an object and the elements of an array as the text
//! they are, so that what is put together from them is byte for byte what was there.
//!
//! Only for text that is known to be valid JSON, such as a document that the store made. Other text gives
//! `None` or nonsense, never a panic.

use std::borrow::Cow;

/// A member of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Member<'t> {
    /// With its quotes and escapes.
    pub(super) name: &'t str,
    /// Any JSON.
    pub(super) value: &'t str,
}

impl<'t> Member<'t> {
    /// The name without quotes and escapes.
    pub(super) fn plain_name(&self) -> Option<Cow<'t, str>> {
        if self.name.contains('\\') {
            return serde_json::from_str(self.name).ok().map(Cow::Owned);
        }
        let inner = self.name.strip_prefix('"')?.strip_suffix('"')?;
        Some(Cow::Borrowed(inner))
    }
}

/// The members of an object, in order.
pub(super) fn members(object: &str) -> Option<Vec<Member<'_>>> {
    let mut members = Vec::new();
    let mut rest = Rest::inside(object, '{', '}')?;
    while !rest.is_empty() {
        let name = rest.value()?;
        rest.skip(':')?;
        let value = rest.value()?;
        members.push(Member { name, value });
        rest.separator()?;
    }
    Some(members)
}

/// The elements of an array, in order.
pub(super) fn elements(array: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    let mut rest = Rest::inside(array, '[', ']')?;
    while !rest.is_empty() {
        elements.push(rest.value()?);
        rest.separator()?;
    }
    Some(elements)
}

/// What is left of the inside of an object or array; begins with no space.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    fn inside(text: &'t str, open: char, close: char) -> Option<Self> {
        let inner = text.trim().strip_prefix(open)?;
        Some(Self(inner.strip_suffix(close)?.trim_start()))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, which has to be there.
    fn value(&mut self) -> Option<&'t str> {
        let length = value_length(self.0.as_bytes())?;
        let (value, rest) = self.0.split_at_checked(length)?;
        self.0 = rest.trim_start();
        Some(value)
    }

    fn skip(&mut self, mark: char) -> Option<()> {
        self.0 = self.0.strip_prefix(mark)?.trim_start();
        Some(())
    }

    /// A comma, or the end.
    fn separator(&mut self) -> Option<()> {
        if self.is_empty() {
            return Some(());
        }
        self.skip(',')
    }
}

/// The bytes of the value at the beginning; at least one.
fn value_length(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'"' => string_length(text),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = 0;
            while let Some(byte) = text.get(at) {
                match byte {
                    b'"' => {
                        at += string_length(&text[at..])?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth = depth.checked_sub(1)?;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
            None
        }
        _ => {
            let is_end = |byte: &u8| matches!(byte, b',' | b':' | b' ' | b'\t' | b'\r' | b'\n');
            let length = text.iter().position(is_end).unwrap_or(text.len());
            (length > 0).then_some(length)
        }
    }
}

/// The bytes of the string at the beginning, quotes included.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            // Whatever is escaped, its first character is part of the string.
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn restored(text: &str) -> Value {
        if let Some(members) = members(text) {
            let member = |member: &Member<'_>| {
                (
                    member.plain_name().unwrap().into_owned(),
                    restored(member.value),
                )
            };
            return Value::Object(members.iter().map(member).collect());
        }
        match elements(text) {
            Some(elements) => elements.into_iter().map(restored).collect(),
            None => serde_json::from_str(text).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn parts_are_what_a_parser_finds(value in json(), pretty: bool) {
            let text = if pretty {
                serde_json::to_string_pretty(&value).unwrap()
            } else {
                value.to_string()
            };
            prop_assert_eq!(restored(&text), value);
        }

        #[test]
        fn anything_may_come(text in "[\\[\\]{},:\"\\\\a1 ä]{0,20}") {
            let _ = (members(&text), elements(&text));
        }
    }
}
