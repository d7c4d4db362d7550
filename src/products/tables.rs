//! The tables of a catalogue, for those who copy them. Documents, lists and the outbox are not among them: the
//! settlement makes them of the rest.

use crate::db::copy::{Kind, Table};

/// In an order in which each refers only to those before it. Answers kept for a client refer to its token.
pub const TABLES: &[Table] = &[
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("handle", Kind::Text),
            ("title", Kind::Text),
            ("description_html", Kind::Text),
            ("vendor", Kind::Text),
            ("product_type", Kind::Text),
            ("category", Kind::Text),
            ("tags", Kind::Texts),
            ("status", Kind::Text),
            ("published_at", Kind::Time),
            ("options", Kind::Json),
            ("seo_title", Kind::Text),
            ("seo_description", Kind::Text),
            ("attributes", Kind::Json),
            ("rating_sum", Kind::Integer),
            ("rating_count", Kind::Integer),
            ("version", Kind::Integer),
            ("created_at", Kind::Time),
            ("updated_at", Kind::Time),
            ("deleted_at", Kind::Time),
        ],
        is_numbered: true,
        ..table("product")
    },
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("product_id", Kind::Integer),
            ("position", Kind::Integer),
            ("url", Kind::Text),
            ("alt", Kind::Text),
            ("width", Kind::Integer),
            ("height", Kind::Integer),
        ],
        is_numbered: true,
        ..table("image")
    },
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("product_id", Kind::Integer),
            ("position", Kind::Integer),
            ("sku", Kind::Text),
            ("barcode", Kind::Text),
            ("mpn", Kind::Text),
            ("condition", Kind::Text),
            ("option1", Kind::Text),
            ("option2", Kind::Text),
            ("option3", Kind::Text),
            ("price_minor", Kind::Integer),
            ("compare_at_minor", Kind::Integer),
            ("cost_minor", Kind::Integer),
            ("currency", Kind::Text),
            ("weight_g", Kind::Integer),
            ("requires_shipping", Kind::Boolean),
            ("taxable", Kind::Boolean),
            ("tax_code", Kind::Text),
            ("inventory_tracked", Kind::Boolean),
            ("inventory_policy", Kind::Text),
            ("image_id", Kind::Integer),
        ],
        is_numbered: true,
        ..table("variant")
    },
    Table {
        columns: &[
            ("variant_id", Kind::Integer),
            ("on_hand", Kind::Integer),
            ("reserved", Kind::Integer),
            ("low_stock_at", Kind::Integer),
        ],
        order: "variant_id",
        ..table("inventory")
    },
    Table {
        columns: &[
            ("product_id", Kind::Integer),
            ("position", Kind::Integer),
            ("related_id", Kind::Integer),
            ("kind", Kind::Text),
        ],
        order: "product_id, position",
        ..table("relation")
    },
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("product_id", Kind::Integer),
            ("rating", Kind::Integer),
            ("title", Kind::Text),
            ("body", Kind::Text),
            ("author", Kind::Text),
            ("status", Kind::Text),
            ("created_at", Kind::Time),
        ],
        is_numbered: true,
        ..table("review")
    },
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("product_id", Kind::Integer),
            ("rating", Kind::Integer),
            ("title", Kind::Text),
            ("body", Kind::Text),
            ("author", Kind::Text),
            ("customer", Kind::Bytes),
            ("status", Kind::Text),
            ("reason", Kind::Text),
            ("is_counted", Kind::Boolean),
            ("created_at", Kind::Time),
        ],
        is_numbered: true,
        ..table("review_submission")
    },
    Table {
        columns: &[
            ("id", Kind::Integer),
            ("product_id", Kind::Integer),
            ("email", Kind::Text),
            ("customer", Kind::Bytes),
            ("status", Kind::Text),
            ("created_at", Kind::Time),
        ],
        is_numbered: true,
        ..table("back_in_stock")
    },
    Table {
        columns: &[
            ("variant_id", Kind::Integer),
            ("sku", Kind::Text),
            ("delta", Kind::Integer),
            ("reason", Kind::Text),
            ("on_hand", Kind::Integer),
            ("created_at", Kind::Time),
        ],
        ..table("stock_adjustment")
    },
    Table {
        columns: &[
            ("token_id", Kind::Text),
            ("key", Kind::Text),
            ("request", Kind::Bytes),
            ("status", Kind::Small),
            ("headers", Kind::Json),
            ("body", Kind::Bytes),
            ("created_at", Kind::Time),
        ],
        ..table("idempotency_key")
    },
    // So that cursors which clients have stay good.
    Table {
        columns: &[("name", Kind::Text), ("value", Kind::Bytes)],
        order: "name",
        is_replaced: true,
        ..table("secret")
    },
];

const fn table(name: &'static str) -> Table {
    Table {
        name,
        columns: &[],
        order: "id",
        is_numbered: false,
        is_replaced: false,
    }
}
