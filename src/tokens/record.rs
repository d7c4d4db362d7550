//! What is known of a token.

use std::time::Duration;

use super::scope::Scopes;
use super::token::{TokenHash, TokenId};

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken<'a> {
    /// For people: who or what will bear it.
    pub name: &'a str,
    /// What it will allow.
    pub scopes: Scopes,
    /// From now on; `None` is for ever.
    pub lifetime: Option<Duration>,
}

/// All that is known of a token. Times are RFC 3339, UTC, milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRecord {
    /// Its public part.
    pub id: TokenId,
    /// For people.
    pub name: String,
    /// What it allows.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: String,
    /// When it ends; `None` is never.
    pub expires_at: Option<String>,
    /// To within an hour; `None` where it never was.
    pub last_used_at: Option<String>,
    /// Since when it is refused.
    pub revoked_at: Option<String>,
    /// True where its time is up.
    pub is_expired: bool,
}

impl TokenRecord {
    /// In one word.
    pub fn state(&self) -> &'static str {
        match (&self.revoked_at, self.is_expired) {
            (Some(_), _) => "revoked",
            (None, true) => "expired",
            (None, false) => "active",
        }
    }
}

/// A token as it is looked up for a request.
pub(super) struct FoundToken {
    pub(super) hash: TokenHash,
    pub(super) name: String,
    pub(super) scopes: Scopes,
    pub(super) is_revoked: bool,
    /// Milliseconds until it expires.
    pub(super) left: Option<i64>,
}
