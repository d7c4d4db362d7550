//! What the mails say.

use serde::Deserialize;

use super::store::SignUp;
use crate::mail::Mail;

/// A product, as a mail tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Product {
    title: String,
    /// Whether some of it can be bought.
    pub(super) is_there: bool,
}

#[derive(Deserialize)]
struct Document {
    title: String,
    availability: String,
}

impl Product {
    /// Reads a document. `None` where it is none.
    pub(super) fn of(document: &[u8]) -> Option<Self> {
        let Document {
            title,
            availability,
        } = serde_json::from_slice(document).ok()?;
        Some(Self {
            title,
            is_there: availability != "out_of_stock",
        })
    }

    /// On one line, whatever it holds.
    fn line(&self) -> String {
        self.title.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// Asks whether it was them. Who did not sign up has nothing to do.
pub(super) fn confirm(sign_up: &SignUp, product: &Product, link: &str, unsubscribe: &str) -> Mail {
    let title = product.line();
    Mail {
        id: format!("back-in-stock.{}.confirm", sign_up.id),
        to: sign_up.email.clone(),
        subject: format!("Shall we tell you when it is back? {title}"),
        text: format!(
            "Somebody, you we hope, wants to know when this is there again:\n\n    {title}\n\n\
             If it was you, say so here, and we write once, when it is there:\n\n{link}\n\n\
             If it was not, there is nothing to do: you get no further mail, and your address is \
             forgotten within a week. It is at once, here:\n\n{unsubscribe}\n"
        ),
        unsubscribe: Some(unsubscribe.to_owned()),
    }
}

/// Tells that it is there.
pub(super) fn is_back(sign_up: &SignUp, product: &Product, unsubscribe: &str) -> Mail {
    let title = product.line();
    Mail {
        id: format!("back-in-stock.{}", sign_up.id),
        to: sign_up.email.clone(),
        subject: format!("There again: {title}"),
        text: format!(
            "You asked us to tell you when this is there again:\n\n    {title}\n\n\
             It is. This was the only mail about it; your address is not kept.\n\n\
             Did you not ask for it? Tell us here: {unsubscribe}\n"
        ),
        unsubscribe: Some(unsubscribe.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::products::back_in_stock::SignUpStatus;

    #[test]
    fn a_title_stays_on_its_line() {
        let document = br#"{"title":"Lamp\r\nBcc: all@example.com","availability":"low_stock"}"#;
        let product = Product::of(document).unwrap();
        assert!(product.is_there);
        let sign_up = SignUp {
            id: 3,
            product_id: 1,
            email: "ada@example.com".to_owned(),
            status: SignUpStatus::Due,
        };
        let mail = is_back(&sign_up, &product, "https://shop.example/x");
        assert_eq!(mail.subject, "There again: Lamp Bcc: all@example.com");
        assert!(mail.text.contains("https://shop.example/x"));
        let gone = br#"{"title":"Lamp","availability":"out_of_stock"}"#;
        assert!(!Product::of(gone).unwrap().is_there);
        assert_eq!(Product::of(b"null"), None);
    }
}
