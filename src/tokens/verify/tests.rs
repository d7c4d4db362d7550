//! On a real file, with the operator's side on a connection of its own.

use rusqlite::Connection;

use super::*;
use crate::db::sqlite::Sqlite;
use crate::tokens::NewToken;
use crate::tokens::sqlite::{insert, list, revoke};
use futures_util::FutureExt;

/// Reached by a revocation within this.
const PROMISE: Duration = Duration::from_secs(1);

struct Fixture {
    tokens: Tokens,
    operator: Connection,
    _folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalog.db");
        let database = Sqlite::open(&path).unwrap();
        database.migrate().unwrap();
        Self {
            tokens: Tokens::new(database),
            operator: Connection::open(&path).unwrap(),
            _folder: folder,
        }
    }

    fn issue(&self, scopes: &[Scope], lifetime: Option<Duration>) -> Token {
        let token = Token::generate().unwrap();
        let new = NewToken {
            name: "till",
            scopes: scopes.iter().copied().collect(),
            lifetime,
        };
        let record = insert(&self.operator, &token, &new).unwrap();
        assert_eq!((record.id, record.state()), (token.id(), "active"));
        token
    }

    fn verify(&self, token: &Token) -> Result<Principal, VerifyError> {
        self.verify_text(token.reveal())
    }

    fn verify_text(&self, text: &str) -> Result<Principal, VerifyError> {
        self.tokens.verify(text).now_or_never().unwrap()
    }
}

#[test]
fn a_token_allows_its_scopes_and_no_other() {
    let fixture = Fixture::new();
    let token = fixture.issue(&[Scope::StockWrite, Scope::Ops], None);
    for _ in 0..2 {
        let principal = fixture.verify(&token).unwrap();
        assert_eq!((&*principal.name, principal.token), ("till", token.id()));
        let allowed = Scope::ALL.map(|scope| principal.may(scope));
        assert_eq!(allowed, [false, true, false, true]);
    }
}

#[test]
fn the_right_id_with_a_wrong_secret_is_unknown_cached_or_not() {
    let fixture = Fixture::new();
    let token = fixture.issue(&[Scope::Ops], None);
    let text = token.reveal();
    let wrong = format!("{}{}", &text[..17], "A".repeat(43));
    for _ in 0..2 {
        let refused = fixture.verify_text(&wrong);
        assert!(matches!(refused, Err(VerifyError::Unknown)), "{refused:?}");
        fixture.verify(&token).unwrap();
    }
    for other in ["", "dbt_", Token::generate().unwrap().reveal()] {
        let refused = fixture.verify_text(other);
        assert!(matches!(refused, Err(VerifyError::Unknown)), "{refused:?}");
    }
}

#[test]
fn the_secret_is_not_in_the_file() {
    let fixture = Fixture::new();
    let token = fixture.issue(&[Scope::Ops], None);
    let secret = &token.reveal()[17..];
    let row: String = fixture
        .operator
        .query_row(
            "SELECT id || name || hex(hash) || scopes FROM token",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert!(row.contains(&token.id().to_string()) && !row.contains(secret));
}

#[test]
fn a_revocation_reaches_a_token_in_use_within_a_second() {
    let fixture = Fixture::new();
    let token = fixture.issue(&[Scope::Ops], None);
    fixture.verify(&token).unwrap();
    let record = revoke(&fixture.operator, token.id()).unwrap().unwrap();
    assert_eq!(record.state(), "revoked");
    let since = Instant::now();
    while fixture.verify(&token).is_ok() {
        assert!(since.elapsed() < PROMISE, "still good");
        std::thread::yield_now();
    }
    let refused = fixture.verify(&token);
    assert!(matches!(refused, Err(VerifyError::Revoked)), "{refused:?}");
    // Again changes nothing.
    let again = revoke(&fixture.operator, token.id()).unwrap().unwrap();
    assert_eq!(again.revoked_at, record.revoked_at);
}

#[test]
fn a_token_ends_at_its_time_although_it_was_verified_before() {
    let fixture = Fixture::new();
    let lifetime = Duration::from_millis(200);
    let begun = Instant::now();
    let token = fixture.issue(&[Scope::Ops], Some(lifetime));
    fixture.verify(&token).unwrap();
    while fixture.verify(&token).is_ok() {
        // Half a second would be the cache's word, not the token's.
        assert!(begun.elapsed() < BELIEVED, "still good");
        std::thread::yield_now();
    }
    assert!(begun.elapsed() + Duration::from_millis(2) >= lifetime);
    let refused = fixture.verify(&token);
    assert!(matches!(refused, Err(VerifyError::Expired)), "{refused:?}");
    assert_eq!(list(&fixture.operator).unwrap()[0].state(), "expired");
}

#[test]
fn the_first_use_is_written_down() {
    let fixture = Fixture::new();
    let token = fixture.issue(&[Scope::Ops], None);
    assert_eq!(list(&fixture.operator).unwrap()[0].last_used_at, None);
    fixture.verify(&token).unwrap();
    let begun = Instant::now();
    while list(&fixture.operator).unwrap()[0].last_used_at.is_none() {
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
