//! `[mail]`: how mails go out, and what they say of the shop.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::secret::mask_password;
use super::value::Value;

/// Mails to customers.
#[derive(Debug, Clone)]
pub struct MailConfig {
    /// Where they go.
    pub url: MailUrl,
    /// Whom they are from.
    pub from: MailAddress,
    /// What the links in them begin with, without a slash at the end: where customers reach this server.
    pub links: String,
    /// How many go out in a second, from all processes together.
    pub rate: u32,
}

/// Where mails go.
#[derive(Clone, PartialEq, Eq)]
pub enum MailUrl {
    /// Into a folder, as `.eml` files.
    Folder(PathBuf),
    /// To a server, by SMTP: `smtp://` or `smtps://`, with name and password.
    Server(String),
}

impl fmt::Debug for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Value for MailUrl {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(folder) = text.strip_prefix("file:").filter(|path| !path.is_empty()) {
            return Ok(Self::Folder(folder.into()));
        }
        let is_server = text.starts_with("smtp://") || text.starts_with("smtps://");
        if is_server && crate::mail::Mailer::is_server(text) {
            return Ok(Self::Server(text.to_owned()));
        }
        Err(
            "not where mails could go; write smtps://NAME:PASSWORD@HOST, \
             smtp://NAME:PASSWORD@HOST:587?tls=required, or file:FOLDER"
                .to_owned(),
        )
    }

    fn show(&self) -> String {
        match self {
            Self::Folder(folder) => format!("file:{}", folder.display()),
            Self::Server(url) => mask_password(url),
        }
    }

    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Owned(mask_password(text))
    }
}

/// An address of e-mail, perhaps with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailAddress(pub String);

impl Value for MailAddress {
    fn parse(text: &str) -> Result<Self, String> {
        if crate::mail::is_address(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err("not an address of e-mail; write it as in: Shop <shop@example.com>".to_owned())
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl MailConfig {
    pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let mut section = reader.section("mail");
        let config = Self {
            url: section.value(
                "url",
                MailUrl::Folder(data_dir.join("mail")),
                "where mails go: a server, as smtps://NAME:PASSWORD@HOST, or file:FOLDER",
            ),
            from: section.value(
                "from",
                MailAddress("Doorbuster <shop@localhost>".to_owned()),
                "whom mails are from",
            ),
            links: section.value(
                "links",
                "http://localhost:8080".to_owned(),
                "what links in mails begin with: where customers reach this server",
            ),
            rate: section.value(
                "rate",
                10,
                "mails that go out in a second, from all processes together",
            ),
        };
        let is_web = ["http://", "https://"].iter().any(|scheme| {
            let host = config.links.strip_prefix(scheme);
            host.is_some_and(|host| !host.is_empty() && !host.ends_with('/'))
        });
        reader.require(
            is_web && config.links.bytes().all(|byte| byte.is_ascii_graphic()),
            "mail.links",
            "not what links begin with; write it as in https://shop.example, without a slash at the end",
        );
        reader.require(
            config.rate > 0,
            "mail.rate",
            "no mail would ever go out; write 1 or more",
        );
        config
    }
}
