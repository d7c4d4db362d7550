//! Verifying the token of a request.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use quick_cache::sync::Cache;

use super::scope::{Scope, Scopes};
use super::session::Session;
use super::store::{TokenStore, TokenStoreError};
use super::token::{Token, TokenHash, TokenId};

/// How long a verified token is believed without a look at the store: a revocation reaches every process
/// within that.
const BELIEVED: Duration = Duration::from_millis(500);
/// Verified tokens remembered.
const REMEMBERED: usize = 1_000;
/// How exactly the last use is known. A write a request would be a dear curiosity.
const NOTE_USE_EVERY: Duration = Duration::from_hours(1);

/// Who asks, as far as the token tells.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The token's public part.
    pub token: TokenId,
    /// The token's name.
    pub name: Arc<str>,
    scopes: Scopes,
}

impl Principal {
    /// True where the token allows it.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(scope)
    }
}

/// Why a token is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// No such token was ever made here.
    #[error("the token is unknown")]
    Unknown,
    /// It was good once.
    #[error("the token has expired")]
    Expired,
    /// It was taken back.
    #[error("the token was revoked")]
    Revoked,
    /// The store gives no answer.
    #[error(transparent)]
    Store(#[from] TokenStoreError),
}

/// The tokens of a catalogue, those verified lately in memory. Clones share everything.
#[derive(Clone)]
pub struct Tokens {
    store: TokenStore,
    verified: Arc<Cache<TokenId, Verified>>,
}

/// A token that was good when it was looked at.
#[derive(Clone)]
struct Verified {
    hash: TokenHash,
    principal: Principal,
    until: Instant,
    use_noted: Option<Instant>,
}

impl Tokens {
    /// The schema must be current.
    pub fn new(store: impl Into<TokenStore>) -> Self {
        Self {
            store: store.into(),
            verified: Arc::new(Cache::new(REMEMBERED)),
        }
    }

    /// Which token this is, where that is known without a look at the store.
    pub fn verified_lately(&self, presented: &str) -> Option<TokenId> {
        let token = Token::parse(presented)?;
        let known = self.verified.get(&token.id())?;
        let is_it = Instant::now() < known.until && known.hash.is_same(&token.hash());
        is_it.then_some(known.principal.token)
    }

    /// Whose token this is. Reads the store by key where the token was not verified lately; ready at once with the
    /// embedded store.
    pub async fn verify(&self, presented: &str) -> Result<Principal, VerifyError> {
        let token = Token::parse(presented).ok_or(VerifyError::Unknown)?;
        let hash = token.hash();
        self.find(token.id(), |kept| kept.is_same(&hash)).await
    }

    /// Whose session this is, as [`Tokens::begin_session`] made it.
    pub async fn resume_session(&self, session: &str) -> Result<Principal, VerifyError> {
        let session = Session::parse(session).ok_or(VerifyError::Unknown)?;
        if session.is_over(SystemTime::now()) {
            return Err(VerifyError::Expired);
        }
        self.find(session.token(), |kept| session.is_sealed_by(kept))
            .await
    }

    /// A session of whoever bears this token, for so long at most. It ends with the token, and is kept nowhere: any process
    /// on this catalogue knows it.
    pub async fn begin_session(
        &self,
        presented: &str,
        lifetime: Duration,
    ) -> Result<(Principal, String), VerifyError> {
        let principal = self.verify(presented).await?;
        let token = Token::parse(presented).ok_or(VerifyError::Unknown)?;
        let session = Session::seal(token.id(), &token.hash(), SystemTime::now() + lifetime);
        Ok((principal, session))
    }

    async fn find(
        &self,
        id: TokenId,
        is_it: impl Fn(&TokenHash) -> bool,
    ) -> Result<Principal, VerifyError> {
        let known = self.verified.get(&id);
        if let Some(known) = &known
            && Instant::now() < known.until
        {
            return if is_it(&known.hash) {
                Ok(known.principal.clone())
            } else {
                Err(VerifyError::Unknown)
            };
        }
        let row = self.store.find(id).await?.ok_or(VerifyError::Unknown)?;
        if !is_it(&row.hash) {
            return Err(VerifyError::Unknown);
        }
        if row.is_revoked {
            return Err(VerifyError::Revoked);
        }
        let left = match row.left {
            Some(left) => u64::try_from(left).map_err(|_| VerifyError::Expired)?,
            None => u64::MAX,
        };
        let principal = Principal {
            token: id,
            name: row.name.into(),
            scopes: row.scopes,
        };
        let verified = Verified {
            hash: row.hash,
            principal: principal.clone(),
            until: Instant::now() + BELIEVED.min(Duration::from_millis(left)),
            use_noted: self.note_use(id, known.and_then(|known| known.use_noted)),
        };
        self.verified.insert(id, verified);
        Ok(principal)
    }

    /// Has the use written down, unless that was done lately; returns when it was. Nobody waits for it.
    fn note_use(&self, id: TokenId, noted: Option<Instant>) -> Option<Instant> {
        if noted.is_some_and(|noted| noted.elapsed() < NOTE_USE_EVERY) {
            return noted;
        }
        self.store.note_use(id);
        Some(Instant::now())
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({:?})", self.store)
    }
}

#[cfg(test)]
mod tests;
