//! AWS Signature Version 4, of the headers of a request (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).

use std::fmt;
use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::macros::format_description;

/// Who signs, and for what. `Debug` does not show the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Signer {
    /// Public part of the key.
    pub key_id: String,
    /// Secret part of it.
    pub secret: String,
    /// Such as `us-east-1`.
    pub region: String,
    /// Such as `cloudfront`.
    pub service: String,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({}, ***)", self.key_id)
    }
}

impl Signer {
    /// The values of `x-amz-date` and `authorization` for a request without a query. `host` is as it stands in the URL, and
    /// `path` as it is sent.
    pub fn sign(
        &self,
        method: &str,
        host: &str,
        path: &str,
        body: &[u8],
        now: OffsetDateTime,
    ) -> (String, String) {
        let time = format_description!("[year][month][day]T[hour][minute][second]Z");
        // It has all of these parts.
        let at = now.format(time).unwrap_or_default();
        let day = at.get(..8).unwrap_or_default();
        let asked = format!(
            "{method}\n{path}\n\nhost:{host}\nx-amz-date:{at}\n\nhost;x-amz-date\n{}",
            hexadecimal(&Sha256::digest(body))
        );
        let Self {
            region, service, ..
        } = self;
        let scope = format!("{day}/{region}/{service}/aws4_request");
        let text = format!(
            "AWS4-HMAC-SHA256\n{at}\n{scope}\n{}",
            hexadecimal(&Sha256::digest(asked.as_bytes()))
        );
        let secret = format!("AWS4{}", self.secret);
        let parts = [day, region, service, "aws4_request", &text];
        let signature = parts
            .into_iter()
            .fold(secret.into_bytes(), |key, part| keyed(&key, part));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders=host;x-amz-date, Signature={}",
            self.key_id,
            hexadecimal(&signature)
        );
        (at, authorization)
    }
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    /// `get-vanilla` of the test suite that AWS publishes.
    #[test]
    fn it_signs_as_the_published_example() {
        let signer = Signer {
            key_id: "AKIDEXAMPLE".to_owned(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(),
            region: "us-east-1".to_owned(),
            service: "service".to_owned(),
        };
        let now = datetime!(2015-08-30 12:36:00 UTC);
        let (at, authorization) = signer.sign("GET", "example.amazonaws.com", "/", b"", now);
        assert_eq!(at, "20150830T123600Z");
        assert_eq!(
            authorization,
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
        );
        assert!(!format!("{signer:?}").contains("wJalr"));
    }
}
