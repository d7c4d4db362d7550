//! Reading what a client says of a stock, telling everything that is wrong with it.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::StockChange;
use crate::products::import::{SHOWN, shortened};
use crate::products::validate::{Invalid, MAX_NAME, MAX_QUANTITY};

impl StockChange {
    /// Reads `{"on_hand":12,"reserved":0,"low_stock_at":5}`, of which only the first is needed.
    pub fn set_of(document: Value) -> Result<Self, Vec<Invalid>> {
        let mut members = Members::of(document)?;
        let on_hand = members.quantity("on_hand", -MAX_QUANTITY..=MAX_QUANTITY);
        if on_hand.is_none() {
            members.missing("on_hand", "write the units that were counted");
        }
        let reserved = members.quantity("reserved", 0..=MAX_QUANTITY);
        let low_stock_at = members.quantity("low_stock_at", 0..=MAX_QUANTITY);
        members.finish(&["on_hand", "reserved", "low_stock_at"])?;
        Ok(Self::Set {
            on_hand: on_hand.unwrap_or_default(),
            reserved,
            low_stock_at,
        })
    }

    /// Reads `{"delta":-1,"reason":"sale"}`.
    pub fn adjust_of(document: Value) -> Result<Self, Vec<Invalid>> {
        let mut members = Members::of(document)?;
        let delta = members.quantity("delta", -MAX_QUANTITY..=MAX_QUANTITY);
        match delta {
            None => members.missing("delta", "write the units to add, below zero for a sale"),
            Some(0) => members.refuse("delta", "0", "changes nothing; leave the request out"),
            Some(_) => {}
        }
        let reason = members.reason();
        members.finish(&["delta", "reason"])?;
        Ok(Self::Adjust {
            delta: delta.unwrap_or_default(),
            reason,
        })
    }
}

/// The members of an object, of which each is taken once, and what is wrong with them.
pub(in crate::products) struct Members {
    left: Map<String, Value>,
    wrong: Vec<Invalid>,
}

impl Members {
    pub(in crate::products) fn of(document: Value) -> Result<Self, Vec<Invalid>> {
        match document {
            Value::Object(left) => Ok(Self {
                left,
                wrong: Vec::new(),
            }),
            other => Err(vec![Invalid {
                pointer: String::new(),
                value: shortened(&other.to_string(), SHOWN),
                reason: "must be an object in braces".to_owned(),
            }]),
        }
    }

    pub(in crate::products) fn refuse(
        &mut self,
        key: &str,
        value: &str,
        reason: impl Into<String>,
    ) {
        self.wrong.push(Invalid {
            pointer: format!("/{}", key.replace('~', "~0").replace('/', "~1")),
            value: shortened(value, SHOWN),
            reason: reason.into(),
        });
    }

    /// Notes that a member should be there, unless it was and is wrong.
    pub(in crate::products) fn missing(&mut self, key: &str, mend: &str) {
        let pointer = format!("/{key}");
        if !self.wrong.iter().any(|wrong| wrong.pointer == pointer) {
            self.refuse(key, "", format!("is missing; {mend}"));
        }
    }

    pub(in crate::products) fn quantity(
        &mut self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Option<i64> {
        let value = self.left.shift_remove(key)?;
        let number = value.as_i64().filter(|number| range.contains(number));
        if number.is_none() {
            let (least, most) = range.into_inner();
            let reason = format!("must be a whole number from {least} to {most}");
            self.refuse(key, &value.to_string(), reason);
        }
        number
    }

    /// A text with so many characters, of more than blanks where it may not be empty.
    pub(in crate::products) fn text(
        &mut self,
        key: &str,
        length: RangeInclusive<usize>,
    ) -> Option<String> {
        let value = self.left.shift_remove(key)?;
        let is_sane = |text: &&str| {
            let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r');
            let is_blank = text.trim().is_empty() && *length.start() > 0;
            !is_blank && length.contains(&text.chars().count()) && !text.contains(is_control)
        };
        let text = value.as_str().filter(is_sane).map(str::to_owned);
        if text.is_none() {
            let (least, most) = (length.start(), length.end());
            let reason = format!("must be a text of {least} to {most} printable characters");
            self.refuse(key, &value.to_string(), reason);
        }
        text
    }

    fn reason(&mut self) -> String {
        let Some(value) = self.left.shift_remove("reason") else {
            self.missing("reason", "write why, such as `sale`");
            return String::new();
        };
        let text = value.as_str().unwrap_or_default();
        let is_sane = !text.trim().is_empty()
            && text.chars().count() <= MAX_NAME
            && !text.contains(char::is_control);
        if !is_sane {
            let reason = format!("must be a text of 1 to {MAX_NAME} printable characters");
            self.refuse("reason", &value.to_string(), reason);
        }
        text.to_owned()
    }

    pub(in crate::products) fn finish(mut self, known: &[&str]) -> Result<(), Vec<Invalid>> {
        let unknown: Vec<_> = self.left.keys().cloned().collect();
        for key in unknown {
            self.refuse(
                &key,
                "",
                format!("is not known; known are {}", known.join(", ")),
            );
        }
        if self.wrong.is_empty() {
            Ok(())
        } else {
            Err(self.wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Read = fn(Value) -> Result<StockChange, Vec<Invalid>>;

    fn wrong(read: Read, document: Value) -> Vec<String> {
        let wrong = read(document).unwrap_err();
        wrong.into_iter().map(|invalid| invalid.pointer).collect()
    }

    #[test]
    fn what_is_right_is_read() {
        assert_eq!(
            StockChange::set_of(json!({ "on_hand": -3 })),
            Ok(StockChange::Set {
                on_hand: -3,
                reserved: None,
                low_stock_at: None,
            })
        );
        assert_eq!(
            StockChange::set_of(json!({ "low_stock_at": 0, "reserved": 2, "on_hand": 9 })),
            Ok(StockChange::Set {
                on_hand: 9,
                reserved: Some(2),
                low_stock_at: Some(0),
            })
        );
        assert_eq!(
            StockChange::adjust_of(json!({ "delta": -1, "reason": "sale" })),
            Ok(StockChange::Adjust {
                delta: -1,
                reason: "sale".to_owned(),
            })
        );
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let set: Read = StockChange::set_of;
        let adjust: Read = StockChange::adjust_of;
        assert_eq!(
            wrong(set, json!({ "on_hand": "3", "reserved": -1, "a/b": 1 })),
            ["/on_hand", "/reserved", "/a~1b"]
        );
        assert_eq!(
            wrong(set, json!({ "low_stock_at": null })),
            ["/on_hand", "/low_stock_at"]
        );
        assert_eq!(wrong(adjust, json!({})), ["/delta", "/reason"]);
        for (document, pointer) in [
            (json!([]), ""),
            (json!({ "delta": 0, "reason": "x" }), "/delta"),
            (json!({ "delta": 1.5, "reason": "x" }), "/delta"),
            (
                json!({ "delta": MAX_QUANTITY + 1, "reason": "x" }),
                "/delta",
            ),
            (json!({ "delta": 1, "reason": " " }), "/reason"),
            (json!({ "delta": 1, "reason": 7 }), "/reason"),
            (json!({ "delta": 1, "reason": "a\nb" }), "/reason"),
            (json!({ "delta": 1, "reason": "é".repeat(256) }), "/reason"),
            (
                json!({ "delta": 1, "reason": "x", "on_hand": 1 }),
                "/on_hand",
            ),
        ] {
            assert_eq!(wrong(adjust, document.clone()), [pointer], "{document}");
        }
    }
}
