//! How to import, as a request says it.

use serde::{Deserialize, Serialize};

/// What may be said.
pub const PARAMETERS: [&str; 5] = [
    "format",
    "on_error",
    "dry_run",
    "delete_missing",
    "default_currency",
];

/// What a file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// What its content says.
    #[default]
    Auto,
    /// One JSON object a line, as an export writes it.
    Jsonl,
    /// Shopify's product export.
    ShopifyCsv,
    /// Google Merchant feed, XML or TSV.
    GoogleFeed,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auto, Self::Jsonl, Self::ShopifyCsv, Self::GoogleFeed];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Jsonl => "jsonl",
            Self::ShopifyCsv => "shopify-csv",
            Self::GoogleFeed => "google-feed",
        }
    }
}

/// What a wrong record does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnError {
    /// The catalogue stays as it was.
    #[default]
    Stop,
    /// It is left out and reported.
    Skip,
}

impl OnError {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Stop, Self::Skip];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Skip => "skip",
        }
    }
}

/// How to import.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// What the file holds.
    pub format: Format,
    /// What a wrong record does.
    pub on_error: OnError,
    /// Do everything, then roll back.
    pub dry_run: bool,
    /// Delete the products that the file does not contain.
    pub delete_missing: bool,
    /// Of amounts that are given without one; USD unless said.
    pub default_currency: Option<String>,
}
