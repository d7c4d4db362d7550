//! The tables of flags, for those who copy them.

use crate::db::copy::{Kind, Table};

/// What is in force.
pub const FLAGS: Table = Table {
    name: "flag",
    columns: &[
        ("key", Kind::Text),
        ("definition", Kind::Json),
        ("reason", Kind::Text),
        ("set_by", Kind::Text),
        ("set_at", Kind::Time),
        ("expires_at", Kind::Time),
    ],
    order: "key",
    is_numbered: false,
    is_replaced: false,
};

/// What was ever said.
pub const FLAG_HISTORY: Table = Table {
    name: "flag_history",
    columns: &[
        ("id", Kind::Integer),
        ("key", Kind::Text),
        ("definition", Kind::Json),
        ("reason", Kind::Text),
        ("set_by", Kind::Text),
        ("set_at", Kind::Time),
        ("expires_at", Kind::Time),
    ],
    order: "id",
    is_numbered: true,
    is_replaced: false,
};
