//! What a reader should know before the first operation.

use utoipa::openapi::info::{InfoBuilder, LicenseBuilder};
use utoipa::openapi::server::ServerBuilder;
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{Info, Server, Tag};

use super::errors;

/// Groups of operations.
pub(super) const PRODUCTS: &str = "Products";
pub(super) const SEARCH: &str = "Search";
pub(super) const REVIEWS: &str = "Reviews";
pub(super) const STOCK: &str = "Stock";
pub(super) const WRITES: &str = "Writes";
pub(super) const FLAGS: &str = "Flags";
pub(super) const OPERATION: &str = "Operation";

const INTRODUCTION: &str = include_str!("overview.md");

pub(super) fn info() -> Info {
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")));
    InfoBuilder::new()
        .title("Doorbuster")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!("{INTRODUCTION}\n{}", errors::table())))
        .license(Some(license.build()))
        .build()
}

pub(super) fn servers() -> [Server; 1] {
    [ServerBuilder::new()
        .url("/")
        .description(Some("The server that this description comes from"))
        .build()]
}

pub(super) fn tags() -> Vec<Tag> {
    let tag = |name, description: &str| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    };
    vec![
        tag(
            PRODUCTS,
            "Products one by one, several at once, and in lists.",
        ),
        tag(
            SEARCH,
            "Products by words, with counts to filter by, and the tree of categories.",
        ),
        tag(REVIEWS, "What customers say."),
        tag(STOCK, "Exact numbers, for those who are about to sell."),
        tag(
            WRITES,
            "For those with a token: products one by one, and all at once.",
        ),
        tag(
            FLAGS,
            "What a storefront shows to whom, for OpenFeature providers (OFREP).",
        ),
        tag(
            OPERATION,
            "Whether the server is well, and this description.",
        ),
    ]
}
