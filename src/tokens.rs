//! Bearer tokens: what they look like, what they allow, and how one that comes with a request is verified.
//! Knows nothing of products.
//!
//! A token is `dbt_<id>_<secret>`. The id finds its row, so no secret is ever looked up; what is stored is
//! the SHA-256 of the whole, which is enough for a secret of 256 random bits: there is no guessing it, with
//! or without a slow hash.

mod postgres;
mod record;
mod scope;
mod session;
mod sqlite;
mod store;
mod tables;
mod token;
mod verify;

pub use record::{NewToken, TokenRecord};
pub use scope::{Scope, Scopes};
pub use store::{TokenStore, TokenStoreError};
pub use tables::TOKENS;
pub use token::{Token, TokenHash, TokenId};
pub use verify::{Principal, Tokens, VerifyError};
