//! Telling customers that a product is there again: who signs up, is asked whether it was them, waits, and is told once.

mod jobs;
mod message;
mod store;
mod token;

use serde_json::Value;

use super::stock::Members;
use super::validate::Invalid;
use crate::mail::is_bare_address;

pub(super) use jobs::{confirm, notify};
pub use jobs::{registered, watch};
pub use store::{SignUp, SignUpStatus, SignUpStore, SignUpTransaction, SignedUp};
pub use token::Purpose;
pub(super) use token::open;

/// Sign-ups of one address that wait to be confirmed, at most.
pub const UNCONFIRMED_AT_MOST: i64 = 5;

/// Longest address, in characters (RFC 5321 §4.5.3.1.3).
pub const LONGEST_ADDRESS: usize = 254;

/// Reads `{"email":"ada@example.com"}`, telling everything that is wrong with it.
pub fn address_of(document: Value) -> Result<String, Vec<Invalid>> {
    let mut members = Members::of(document)?;
    let email = members.text("email", 1..=LONGEST_ADDRESS);
    match &email {
        None => members.missing("email", "write where the mail is to go"),
        Some(email) if !is_bare_address(email) => {
            members.refuse(
                "email",
                email,
                "must be an address of e-mail, such as ada@example.com",
            );
        }
        Some(_) => {}
    }
    members.finish(&["email"])?;
    Ok(email.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_address_is_told() {
        assert_eq!(
            address_of(json!({"email": "ada@example.com"})).unwrap(),
            "ada@example.com"
        );
        for (document, pointer) in [
            (json!({}), "/email"),
            (json!({"email": "ada"}), "/email"),
            (json!({"email": "Ada <ada@example.com>"}), "/email"),
            (
                json!({"email": "ada@example.com\nBcc: b@example.com"}),
                "/email",
            ),
            (json!({"email": 7}), "/email"),
            (json!({"email": "a@b.example", "name": "Ada"}), "/name"),
            (json!([]), ""),
        ] {
            let wrong = address_of(document.clone()).unwrap_err();
            assert_eq!(wrong.len(), 1, "{document}");
            assert_eq!(wrong[0].pointer, pointer, "{document}");
        }
    }
}
