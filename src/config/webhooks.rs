//! `[webhooks]`: who is told of changes.

use std::borrow::Cow;
use std::fmt;

use super::reader::Reader;
use super::secret::mask_password;
use super::value::Value;

/// Receivers of webhooks.
#[derive(Debug, Clone)]
pub struct WebhooksConfig {
    /// Their addresses; none tells nobody.
    pub urls: Vec<WebhookUrl>,
    /// What the messages are signed with, as it was written.
    pub secret: Option<WebhookSecret>,
    /// Whether receivers may have addresses of a private network.
    pub allow_private: bool,
    /// Whether they are told of exact stock, too.
    pub stock: bool,
}

/// `https://…`, or `http://…`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(pub String);

impl Value for WebhookUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let is_url = rest.is_some_and(|rest| {
            let host = rest.split(['/', '?']).next().unwrap_or_default();
            !host.is_empty() && !host.contains('@')
        }) && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if is_url {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "not the address of a receiver; write https://HOST/PATH, such as \
                 https://erp.example/doorbuster"
                    .to_owned(),
            )
        }
    }

    fn show(&self) -> String {
        mask_password(&self.0)
    }

    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Owned(mask_password(text))
    }
}

/// `whsec_…`. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret(String);

impl WebhookSecret {
    /// The text, for who signs.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(***)")
    }
}

impl Value for Option<WebhookSecret> {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(None);
        }
        let is_secret = text.strip_prefix("whsec_").is_some_and(|encoded| {
            use base64::Engine;
            let bytes = base64::prelude::BASE64_STANDARD.decode(encoded);
            bytes.is_ok_and(|bytes| (24..=64).contains(&bytes.len()))
        });
        if is_secret {
            Ok(Some(WebhookSecret(text.to_owned())))
        } else {
            Err(
                "not whsec_ and from 24 to 64 bytes in base64; make one with: \
                 echo whsec_$(openssl rand -base64 32)"
                    .to_owned(),
            )
        }
    }

    fn show(&self) -> String {
        let shown = if self.is_some() { "***" } else { "none" };
        shown.to_owned()
    }

    fn mask(_: &str) -> Cow<'_, str> {
        Cow::Borrowed("***")
    }
}

impl WebhooksConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("webhooks");
        let config = Self {
            urls: section.optional_list(
                "urls",
                "addresses that are told of each product that changed, such as https://erp.example/doorbuster",
            ),
            secret: section.value(
                "secret",
                None,
                "secret that messages to them are signed with (Standard Webhooks), whsec_ and base64",
            ),
            allow_private: section.value(
                "allow_private",
                false,
                "whether they may be in a private network, or on this machine",
            ),
            stock: section.value(
                "stock",
                false,
                "whether they are told of exact stock, too, which changes with each sale",
            ),
        };
        reader.require(
            config.urls.is_empty() || config.secret.is_some(),
            "webhooks.secret",
            "there are webhooks.urls, which could not trust what is not signed; make one with: \
             echo whsec_$(openssl rand -base64 32)",
        );
        config
    }
}
