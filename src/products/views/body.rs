//! The JSON of views, put together from JSON that is there already: nothing is parsed that is not looked into,
//! and nothing is written anew.

use crate::products::document::Document;
use crate::products::json_text::{elements, members};
use crate::products::recommendation::Reason;

/// `{"items":[…],"next":"…"}`; `next` is null at the end.
pub(super) fn page<'i>(items: impl IntoIterator<Item = &'i [u8]>, next: Option<&str>) -> Vec<u8> {
    let mut body = Vec::new();
    push_items(&mut body, items);
    // A cursor needs no escapes: see `CursorKey::seal`.
    match next {
        Some(cursor) => body.extend([b",\"next\":\"", cursor.as_bytes(), b"\"}"].concat()),
        None => body.extend(b",\"next\":null}"),
    }
    body
}

/// `{"items":[…]}`.
pub(super) fn items<'i>(items: impl IntoIterator<Item = &'i [u8]>) -> Vec<u8> {
    let mut body = Vec::new();
    push_items(&mut body, items);
    body.push(b'}');
    body
}

/// The array in what [`items`] made.
pub(super) fn array_of(items: &[u8]) -> Option<&[u8]> {
    items.strip_prefix(b"{\"items\":")?.strip_suffix(b"}")
}

fn push_items<'i>(body: &mut Vec<u8>, items: impl IntoIterator<Item = &'i [u8]>) {
    body.extend(b"{\"items\":[");
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend(item);
    }
    body.push(b']');
}

/// Adds members to an object that ends in its brace. Names need no escapes. `None` where it is no object.
pub(super) fn with_members(object: &[u8], more: &[(&str, &[u8])]) -> Option<Vec<u8>> {
    let mut body = object.trim_ascii().strip_suffix(b"}")?.to_vec();
    let mut is_first = body.trim_ascii() == b"{";
    for (name, value) in more {
        if !is_first {
            body.push(b',');
        }
        is_first = false;
        body.extend([b"\"", name.as_bytes(), b"\":", *value].concat());
    }
    body.push(b'}');
    Some(body)
}

/// A product in short, each member as in its document, `image` the first of its images, and why it is
/// recommended. `None` where the document is not one of ours.
pub(super) fn recommended(document: &Document, reason: &Reason) -> Option<String> {
    const MEMBERS: [&str; 6] = [
        "\"id\"",
        "\"handle\"",
        "\"title\"",
        "\"price\"",
        "\"availability\"",
        "\"rating\"",
    ];
    let document = String::from_utf8(document.to_vec()).ok()?;
    let mut item = String::from("{");
    let mut image = "null";
    for member in members(&document)? {
        if MEMBERS.contains(&member.name) {
            item.extend([member.name, ":", member.value, ","]);
        } else if member.name == "\"images\"" {
            image = elements(member.value)?.first().unwrap_or(&image);
        }
    }
    let reason = match reason {
        Reason::Relation(kind) => serde_json::json!({ "type": "relation", "kind": kind }),
        Reason::Category => serde_json::json!({ "type": "category" }),
        Reason::Tag => serde_json::json!({ "type": "tag" }),
    };
    item.extend([
        "\"image\":",
        image,
        ",\"reason\":",
        &reason.to_string(),
        "}",
    ]);
    Some(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_items_and_the_way_on() {
        let two = [&b"1"[..], b"{}"];
        assert_eq!(
            page(two, Some("abc")),
            b"{\"items\":[1,{}],\"next\":\"abc\"}"
        );
        assert_eq!(page([], None), b"{\"items\":[],\"next\":null}");
        assert_eq!(array_of(&items(two)), Some(&b"[1,{}]"[..]));
        assert_eq!(array_of(&items([])), Some(&b"[]"[..]));
        assert_eq!(array_of(b"{}"), None);
    }

    #[test]
    fn members_are_added_at_the_end() {
        let more = [("a", &b"1"[..]), ("b", b"[]")];
        let with = |object: &str| with_members(object.as_bytes(), &more);
        assert_eq!(with("{\"x\":{}}").unwrap(), b"{\"x\":{},\"a\":1,\"b\":[]}");
        assert_eq!(with("{}").unwrap(), b"{\"a\":1,\"b\":[]}");
        assert_eq!(with("[]"), None);
    }
}
