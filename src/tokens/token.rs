//! The token itself: `dbt_`, twelve hexadecimal digits that name it, `_`, and 256 random bits in 43
//! characters of base64url.

use std::fmt;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ctutils::CtEq;
use sha2::{Digest, Sha256};

/// By which scanners for leaked secrets know one of ours.
const PREFIX: &str = "dbt_";
const ID_DIGITS: usize = 12;
const SECRET_BYTES: usize = 32;

/// The public part of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(u64);

impl TokenId {
    /// Reads twelve hexadecimal digits in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_id = text.len() == ID_DIGITS && text.bytes().all(digit);
        let id = is_id.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        id.map(Self)
    }

    /// The number that the digits write.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0ID_DIGITS$x}", self.0)
    }
}

/// The SHA-256 of a token. Has no `==`: see [`TokenHash::is_same`].
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// From where it is kept.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To be kept.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are equal, in a time that does not tell where they differ.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).to_bool()
    }
}

/// A whole token, the secret included: shown once, to whoever asked for it, and kept nowhere.
pub struct Token {
    id: TokenId,
    text: String,
}

impl Token {
    /// A new one, from the system's generator. The error is the system's.
    pub fn generate() -> Result<Self, getrandom::Error> {
        let mut id = [0; 8];
        getrandom::fill(&mut id[8 - ID_DIGITS / 2..])?;
        let id = TokenId(u64::from_be_bytes(id));
        let mut secret = [0; SECRET_BYTES];
        getrandom::fill(&mut secret)?;
        let secret = BASE64_URL_SAFE_NO_PAD.encode(secret);
        Ok(Self {
            id,
            text: format!("{PREFIX}{id}_{secret}"),
        })
    }

    /// Reads what a client presents; `None` where it cannot be a token of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(PREFIX)?.split_at_checked(ID_DIGITS)?;
        let secret = BASE64_URL_SAFE_NO_PAD
            .decode(secret.strip_prefix('_')?)
            .ok()?;
        let id = TokenId::parse(id).filter(|_| secret.len() == SECRET_BYTES)?;
        Some(Self {
            id,
            text: text.to_owned(),
        })
    }

    /// Its public part.
    pub fn id(&self) -> TokenId {
        self.id
    }

    /// What is kept of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.text).into())
    }

    /// The whole, for its bearer's eyes.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

/// Without the secret.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({PREFIX}{}_***)", self.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_token_has_its_form_and_256_bits_of_its_own() {
        let (one, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let text = one.reveal();
        assert_eq!(text.len(), "dbt_".len() + 12 + 1 + 43, "{text}");
        let secret = &text[17..];
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(secret).unwrap().len(), 32);
        assert_ne!(secret, &other.reveal()[17..]);
        assert_ne!(one.id(), other.id());
        assert!(text.starts_with(&format!("dbt_{}_", one.id())));
        let read = Token::parse(text).unwrap();
        assert_eq!(read.id(), one.id());
        assert!(read.hash().is_same(&one.hash()));
        assert!(!read.hash().is_same(&other.hash()));
        assert!(!format!("{one:?}").contains(secret));
    }

    #[test]
    fn what_has_another_form_is_none() {
        let good = format!("dbt_0123456789ab_{}", "A".repeat(43));
        assert!(Token::parse(&good).is_some());
        for bad in [
            "",
            "dbt_",
            &good[1..],
            &good[..good.len() - 1],
            &format!("{good}A"),
            &format!("{good}="),
            &good.replace("dbt", "DBT"),
            &good.replace("ab_", "AB_"),
            &good.replace("ab_", "xy_"),
            &good.replace("ab_", "ab-"),
            &good.replace("AAA", "A A"),
            &good.replace("9ab", "é"),
        ] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn hashes_are_the_same_where_their_bytes_are(
            bytes in any::<[u8; 32]>(), at in 0..32_usize, change in any::<u8>(),
        ) {
            let mut changed = bytes;
            changed[at] ^= change;
            let same = TokenHash::new(bytes).is_same(&TokenHash::new(changed));
            prop_assert_eq!(same, change == 0);
        }

        #[test]
        fn no_text_panics(text in "(dbt_)?[0-9a-f]{0,13}.*") {
            let _ = Token::parse(&text);
        }
    }
}
