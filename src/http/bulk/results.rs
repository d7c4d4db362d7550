//! The result of a line, as JSON.

use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::problem::Located;
use crate::products::bulk::{PutProduct, PutStatus};
use crate::products::import::{SHOWN, shortened};
use crate::products::input::ProductInput;
use crate::products::validate::Invalid;

/// Result lines, one after the other.
#[derive(Default)]
pub(super) struct Results(Vec<u8>);

/// What became of a line. Members in the order promised.
#[derive(Serialize, ToSchema)]
#[schema(as = BulkResult)]
pub(in crate::http) struct ResultLine<'a> {
    /// From 1.
    #[schema(minimum = 1)]
    line: u64,
    /// `created`, `updated`, `unchanged`, `invalid` or `conflict`.
    status: &'static str,
    /// Null where nothing was written, as is the version.
    #[schema(required = true)]
    id: Option<i64>,
    #[schema(required = true)]
    version: Option<u64>,
    /// Of a line that was written: relations that were left out, since there are no such products.
    errors: Vec<Located<'a>>,
}

/// What is wrong with a line as a whole.
pub(super) fn whole_line(reason: String) -> Invalid {
    Invalid {
        pointer: String::new(),
        value: String::new(),
        reason,
    }
}

impl Results {
    /// A line that says no product, and all that is wrong with it.
    pub(super) fn invalid(&mut self, line: u64, wrong: &[Invalid]) {
        self.refused(line, "invalid", wrong);
    }

    /// A line whose product was put.
    pub(super) fn put(
        &mut self,
        line: u64,
        outcome: Result<PutProduct, Invalid>,
        product: &ProductInput,
    ) {
        match outcome {
            Err(conflict) => self.refused(line, "conflict", &[conflict]),
            Ok(put) => self.push(&ResultLine {
                line,
                status: match put.status {
                    PutStatus::Created => "created",
                    PutStatus::Updated => "updated",
                    PutStatus::Unchanged => "unchanged",
                },
                id: Some(put.id),
                version: Some(put.version),
                errors: left_out(&put, product).iter().map(Located::from).collect(),
            }),
        }
    }

    fn refused(&mut self, line: u64, status: &'static str, wrong: &[Invalid]) {
        self.push(&ResultLine {
            line,
            status,
            id: None,
            version: None,
            errors: wrong.iter().map(Located::from).collect(),
        });
    }

    fn push(&mut self, line: &ResultLine<'_>) {
        // Strings and numbers: this cannot fail.
        let _ = serde_json::to_writer(&mut self.0, line);
        self.0.push(b'\n');
    }

    pub(super) fn into_bytes(self) -> Bytes {
        self.0.into()
    }
}

/// The relations that lead nowhere. The product was written without them.
fn left_out(put: &PutProduct, product: &ProductInput) -> Vec<Invalid> {
    let relations = product.relations.iter().flatten().enumerate();
    let astray = relations.filter(|(_, relation)| {
        let mut missing = put.unresolved.iter();
        missing.any(|missing| missing.related == relation.handle)
    });
    astray
        .map(|(index, relation)| Invalid {
            pointer: format!("/relations/{index}/handle"),
            value: shortened(&relation.handle, SHOWN),
            reason: "there is no such product; the relation was left out, send the line again once there is"
                .to_owned(),
        })
        .collect()
}
