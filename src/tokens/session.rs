//! A session of the bearer of a token, for browsers: who it is, until when, and a seal that only the catalogue can make,
//! since its key is what is kept of the token. It is not the token, so whoever reads a cookie has that for some hours,
//! not for good.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::token::{TokenHash, TokenId};

/// What a session says, and nothing else that is sealed with the same key.
const PURPOSE: &str = "doorbuster console session";

/// A session that somebody presents.
pub(super) struct Session {
    token: TokenId,
    /// Seconds since 1970.
    ends: u64,
    seal: Vec<u8>,
}

impl Session {
    /// The text of a new one.
    pub(super) fn seal(token: TokenId, hash: &TokenHash, ends: SystemTime) -> String {
        let ends = ends.duration_since(UNIX_EPOCH).map_or(0, |it| it.as_secs());
        let seal = BASE64_URL_SAFE_NO_PAD.encode(seal(token, ends, hash));
        format!("{token}.{ends}.{seal}")
    }

    /// Reads what a browser presents; `None` where it cannot be one of ours.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        Some(Self {
            token: TokenId::parse(parts.next()?)?,
            ends: parts.next()?.parse().ok()?,
            seal: BASE64_URL_SAFE_NO_PAD.decode(parts.next()?).ok()?,
        })
    }

    pub(super) fn token(&self) -> TokenId {
        self.token
    }

    pub(super) fn is_over(&self, now: SystemTime) -> bool {
        now >= UNIX_EPOCH + Duration::from_secs(self.ends.min(u64::from(u32::MAX)))
    }

    /// Whether it was made by who has this of the token. Takes a time that does not tell where they differ.
    pub(super) fn is_sealed_by(&self, hash: &TokenHash) -> bool {
        seal(self.token, self.ends, hash)
            .as_slice()
            .ct_eq(self.seal.as_slice())
            .to_bool()
    }
}

fn seal(token: TokenId, ends: u64, hash: &TokenHash) -> [u8; 32] {
    let mac = Hmac::<Sha256>::new_from_slice(hash.as_bytes());
    // HMAC takes keys of any length.
    let Ok(mut mac) = mac else { return [0; 32] };
    mac.update(format!("{PURPOSE} {token} {ends}").as_bytes());
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::super::token::Token;
    use super::*;

    #[test]
    fn a_seal_holds_for_its_token_and_end_alone() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let now = SystemTime::now();
        let text = Session::seal(one.id(), &one.hash(), now + Duration::from_mins(1));
        let session = Session::parse(&text).unwrap();
        assert!(session.is_sealed_by(&one.hash()) && !session.is_sealed_by(&other.hash()));
        assert!(!session.is_over(now) && session.is_over(now + Duration::from_secs(61)));
        assert!(!text.contains(one.reveal()));

        let [id, ends, seal]: [&str; 3] = text.split('.').collect::<Vec<_>>().try_into().unwrap();
        let later = ends.parse::<u64>().unwrap() + 1;
        for forged in [
            format!("{id}.{later}.{seal}"),
            format!("{}.{ends}.{seal}", other.id()),
            format!("{id}.{ends}."),
            format!("{id}.{ends}.{}", &seal[..20]),
        ] {
            let is_good = Session::parse(&forged).is_some_and(|it| it.is_sealed_by(&one.hash()));
            assert!(!is_good, "{forged}");
        }
        for text in ["", "..", "x.1.AA", "000000000000.x.AA", "000000000000.1.*"] {
            assert!(Session::parse(text).is_none(), "{text}");
        }
    }
}
