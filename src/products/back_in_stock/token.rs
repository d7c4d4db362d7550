//! Links in mails: what may be done, and of which sign-up, signed as cursors are.

use crate::products::cursor::{CursorKey, Key, Position};

const SCOPE: &str = "back-in-stock";

/// What a link does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Says that the address is theirs.
    Confirm,
    /// Wants no mail any more.
    Unsubscribe,
}

impl Purpose {
    const ALL: [Self; 2] = [Self::Confirm, Self::Unsubscribe];

    fn as_str(self) -> &'static str {
        match self {
            Self::Confirm => "confirm",
            Self::Unsubscribe => "unsubscribe",
        }
    }
}

/// The last part of a link.
pub(super) fn seal(key: &CursorKey, purpose: Purpose, id: i64) -> String {
    let said = vec![Key::Text(purpose.as_str().to_owned()), Key::Integer(id)];
    key.seal(SCOPE, &Position(said))
}

/// What a link says; `None` where we did not write it.
pub(in crate::products) fn open(key: &CursorKey, token: &str) -> Option<(Purpose, i64)> {
    let Position(said) = key.open(SCOPE, token)?;
    let [Key::Text(purpose), Key::Integer(id)] = &said[..] else {
        return None;
    };
    let purpose = Purpose::ALL.into_iter().find(|it| it.as_str() == purpose)?;
    Some((purpose, *id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_we_wrote_is_believed() {
        let key = CursorKey::new([7; 32]);
        let token = seal(&key, Purpose::Confirm, 12);
        assert_eq!(open(&key, &token), Some((Purpose::Confirm, 12)));
        assert_eq!(open(&CursorKey::new([8; 32]), &token), None);
        assert_eq!(open(&key, &format!("{token}A")), None);
        assert_eq!(open(&key, &token[1..]), None);
        // A cursor of a list is no link.
        let cursor = key.seal(
            "products",
            &Position(vec![Key::Text("confirm".to_owned()), Key::Integer(12)]),
        );
        assert_eq!(open(&key, &cursor), None);
    }
}
