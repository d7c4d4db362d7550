//! The table of tokens, for those who copy it.

use crate::db::copy::{Kind, Table};

/// With the hashes, so that tokens stay what they are.
pub const TOKENS: Table = Table {
    name: "token",
    columns: &[
        ("id", Kind::Text),
        ("name", Kind::Text),
        ("hash", Kind::Bytes),
        ("scopes", Kind::Text),
        ("created_at", Kind::Time),
        ("expires_at", Kind::Time),
        ("last_used_at", Kind::Time),
        ("revoked_at", Kind::Time),
    ],
    order: "id",
    is_numbered: false,
    is_replaced: false,
};
