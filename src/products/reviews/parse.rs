//! Reading a review as a client sends it, telling everything that is wrong with it.

use serde_json::Value;

use super::store::NewReview;
use crate::products::stock::Members;
use crate::products::validate::Invalid;

/// Longest texts, in characters.
pub(super) const MAX_TITLE: usize = 200;
pub(super) const MAX_BODY: usize = 10_000;
pub(super) const MAX_AUTHOR: usize = 100;
pub(super) const MAX_CUSTOMER: usize = 255;

impl NewReview {
    /// Longest texts of a title, a body, an author and a customer, in characters.
    pub const LONGEST: [usize; 4] = [MAX_TITLE, MAX_BODY, MAX_AUTHOR, MAX_CUSTOMER];

    /// Reads `{"rating":5,"title":"…","body":"…","author":"…","customer":"…"}`, of which the title may be left out.
    pub fn of(document: Value) -> Result<Self, Vec<Invalid>> {
        let mut members = Members::of(document)?;
        let rating = members.quantity("rating", 1..=5);
        if rating.is_none() {
            members.missing("rating", "write the stars, from 1 to 5");
        }
        let title = members.text("title", 0..=MAX_TITLE).unwrap_or_default();
        let body = members.text("body", 1..=MAX_BODY);
        let author = members.text("author", 1..=MAX_AUTHOR);
        let customer = members.text("customer", 1..=MAX_CUSTOMER);
        if body.is_none() {
            members.missing("body", "write what the customer says");
        }
        if author.is_none() {
            members.missing("author", "write the name to be shown");
        }
        if customer.is_none() {
            members.missing(
                "customer",
                "write whom it is from, an e-mail address or a number of the shop's own; it is not kept",
            );
        }
        members.finish(&["rating", "title", "body", "author", "customer"])?;
        Ok(Self {
            rating: rating.unwrap_or_default(),
            title,
            body: body.unwrap_or_default(),
            author: author.unwrap_or_default(),
            customer: customer.unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn everything_that_is_wrong_is_told() {
        let good =
            json!({"rating": 4, "body": "Good.", "author": "Ada", "customer": "ada@example.com"});
        let review = NewReview::of(good.clone()).unwrap();
        assert_eq!((review.rating, review.title.as_str()), (4, ""));
        let wrong = json!({"rating": 6, "title": "\u{7}", "body": " ", "stars": 5, "author": "a".repeat(101)});
        let wrong = NewReview::of(wrong).unwrap_err();
        let pointers: Vec<_> = wrong.iter().map(|it| it.pointer.as_str()).collect();
        assert_eq!(
            pointers,
            [
                "/rating",
                "/title",
                "/body",
                "/author",
                "/customer",
                "/stars"
            ]
        );
    }
}
