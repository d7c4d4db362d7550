//! Sending mails: to a server by SMTP, or into a folder where there is none.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use lettre::address::AddressError;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::{Message, SmtpTransport, Transport};

/// How long a server may take for each of its answers.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Connections that are kept.
const CONNECTIONS: u32 = 2;

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// It will not go out another time either.
    #[error("refused: {0}")]
    Refused(String),
    /// It may go out another time.
    #[error("not sent: {0}")]
    NotSent(String),
}

impl From<io::Error> for MailError {
    fn from(error: io::Error) -> Self {
        Self::NotSent(error.to_string())
    }
}

/// A text to somebody.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The same whenever it is sent, of letters, digits and dots: by it a mailbox knows a mail that comes twice.
    pub id: String,
    /// An address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub text: String,
    /// Where a `POST` ends such mails (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// Whether a text is an address of e-mail, perhaps with a name.
pub fn is_address(text: &str) -> bool {
    text.parse::<Mailbox>().is_ok()
}

/// Whether a text is an address of e-mail without anything else, of ASCII, without quotes, at a host that has a name.
pub fn is_bare_address(text: &str) -> bool {
    let is_plain = text.is_ascii() && !text.contains(['"', '[', '(']);
    is_plain && text.parse::<lettre::Address>().is_ok()
}

/// Sends mails. Blocks. Clones share connections.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    route: Route,
}

#[derive(Clone)]
enum Route {
    Server(SmtpTransport),
    Folder(PathBuf),
}

impl Mailer {
    /// Whether this is the URL of a server.
    pub fn is_server(url: &str) -> bool {
        SmtpTransport::from_url(url).is_ok()
    }

    /// Mails go to the server with this URL, over connections that are made when they are needed.
    pub fn to_server(url: &str, from: &str) -> Result<Self, MailError> {
        let server = SmtpTransport::from_url(url)
            .map_err(|error| MailError::Refused(error.to_string()))?
            .timeout(Some(TIMEOUT))
            .pool_config(lettre::transport::smtp::PoolConfig::new().max_size(CONNECTIONS))
            .build();
        Ok(Self {
            from: mailbox(from)?,
            route: Route::Server(server),
        })
    }

    /// Mails become files of this folder, named by their ids.
    pub fn to_folder(folder: PathBuf, from: &str) -> Result<Self, MailError> {
        Ok(Self {
            from: mailbox(from)?,
            route: Route::Folder(folder),
        })
    }

    /// Sends a mail, and returns when it was taken. One that is sent again after an answer was lost arrives twice, under the
    /// same id.
    pub fn send(&self, mail: &Mail) -> Result<(), MailError> {
        let message = self.message(mail)?;
        match &self.route {
            Route::Folder(folder) => {
                fs::create_dir_all(folder)?;
                let half = folder.join(format!(".{}.eml", mail.id));
                fs::write(&half, message.formatted())?;
                fs::rename(half, folder.join(format!("{}.eml", mail.id)))?;
            }
            Route::Server(server) => {
                server.send(&message).map_err(|error| {
                    if error.is_permanent() {
                        MailError::Refused(error.to_string())
                    } else {
                        MailError::NotSent(error.to_string())
                    }
                })?;
            }
        }
        Ok(())
    }

    fn message(&self, mail: &Mail) -> Result<Message, MailError> {
        let refused = |error: lettre::error::Error| MailError::Refused(error.to_string());
        let id = format!("<{}@{}>", mail.id, self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(mailbox(&mail.to)?)
            .subject(mail.subject.clone())
            .message_id(Some(id));
        if let Some(url) = &mail.unsubscribe {
            for (name, value) in [
                ("List-Unsubscribe", format!("<{url}>")),
                (
                    "List-Unsubscribe-Post",
                    "List-Unsubscribe=One-Click".to_owned(),
                ),
            ] {
                let name = HeaderName::new_from_ascii_str(name);
                message = message.raw_header(HeaderValue::new(name, value));
            }
        }
        // Nobody is to answer it by an automatic mail (RFC 3834).
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message = message.raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()));
        let text = SinglePart::builder()
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone());
        message.singlepart(text).map_err(refused)
    }
}

fn mailbox(text: &str) -> Result<Mailbox, MailError> {
    text.parse()
        .map_err(|error: AddressError| MailError::Refused(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_in_a_folder_is_whole_and_comes_once() {
        let folder = tempfile::tempdir().unwrap();
        let mailer = Mailer::to_folder(folder.path().join("mail"), "Shöp <shop@example.com>");
        let mailer = mailer.unwrap();
        let mail = Mail {
            id: "back-in-stock.7".to_owned(),
            to: "ada@example.org".to_owned(),
            subject: "Zurück: Lämpchen".to_owned(),
            text: "Es ist wieder da.\n".to_owned(),
            unsubscribe: Some("https://shop.example/u".to_owned()),
        };
        mailer.send(&mail).unwrap();
        mailer.send(&mail).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path().join("mail"))
            .unwrap()
            .map(|file| file.unwrap().file_name())
            .collect();
        assert_eq!(files, ["back-in-stock.7.eml"]);
        let text = fs::read_to_string(folder.path().join("mail/back-in-stock.7.eml")).unwrap();
        for line in [
            "To: ada@example.org",
            "Message-ID: <back-in-stock.7@example.com>",
            "List-Unsubscribe: <https://shop.example/u>",
            "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
    }

    #[test]
    fn an_address_carries_no_header() {
        for bad in ["", "a", "a@b@c", "a@b\r\nBcc: c@d", "a@b, c@d", "@b"] {
            assert!(!is_bare_address(bad), "{bad:?}");
        }
        for good in ["ada@example.com", "a+b@sub.example.org"] {
            assert!(is_bare_address(good), "{good}");
        }
        assert!(is_address("Shop <shop@example.com>") && !is_bare_address("Shop <a@b.c>"));
    }
}
