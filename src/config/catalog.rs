//! `[catalog]`: where the products are kept.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use super::reader::Reader;
use super::secret::mask_password;
use super::value::Value;

/// The store of record.
#[derive(Debug, Clone)]
pub struct CatalogConfig {
    /// Which database, and where.
    pub url: CatalogUrl,
}

impl CatalogConfig {
    /// The default lies in the data directory.
    pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let mut section = reader.section("catalog");
        Self {
            url: section.value(
                "url",
                CatalogUrl::Sqlite(data_dir.join("catalog.db")),
                "the catalogue, as sqlite:PATH; unless set, catalog.db in the data directory",
            ),
        }
    }
}

/// The URL of a catalogue. `Display` masks passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogUrl {
    /// `sqlite:PATH`: an embedded SQLite file, relative to the working directory unless absolute.
    Sqlite(PathBuf),
}

impl fmt::Display for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
        }
    }
}

impl Value for CatalogUrl {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write sqlite:PATH, such as sqlite:/var/lib/doorbuster/catalog.db";
        let Some((scheme, rest)) = text.split_once(':') else {
            return Err(format!("not a catalogue URL; {FORM}"));
        };
        match scheme {
            "sqlite" if rest.is_empty() => Err(format!("names no file; {FORM}")),
            "sqlite" if rest.starts_with("//") => {
                Err(format!("the path begins with two slashes; {FORM}"))
            }
            "sqlite" if rest.starts_with(":memory:") => Err(format!(
                "several connections share the catalogue, so it has to be a file; {FORM}"
            )),
            "sqlite" => Ok(Self::Sqlite(PathBuf::from(rest))),
            "postgres" | "postgresql" => {
                Err("PostgreSQL is not supported by this version; use sqlite:PATH".to_owned())
            }
            _ => Err(format!("an unknown kind of catalogue; {FORM}")),
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn mask(text: &str) -> Cow<'_, str> {
        if text.starts_with("sqlite:") {
            // A path: it has no password, and may well have a colon and an @.
            return Cow::Borrowed(text);
        }
        Cow::Owned(mask_password(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_url_is_a_path() {
        for (text, path) in [
            ("sqlite:catalog.db", "catalog.db"),
            (
                "sqlite:/var/lib/shop/catalog.db",
                "/var/lib/shop/catalog.db",
            ),
            ("sqlite:../a:b@c.db", "../a:b@c.db"),
        ] {
            let url = CatalogUrl::parse(text).unwrap();
            assert_eq!(url, CatalogUrl::Sqlite(PathBuf::from(path)));
            assert_eq!(url.show(), text);
        }
    }

    #[test]
    fn what_cannot_be_a_catalogue_is_refused_with_the_form() {
        for (text, reason) in [
            ("catalog.db", "not a catalogue URL"),
            ("sqlite:", "names no file"),
            ("sqlite:///catalog.db", "two slashes"),
            ("sqlite::memory:", "has to be a file"),
            ("mysql://db/shop", "unknown kind"),
            (
                "postgres://db/shop",
                "PostgreSQL is not supported by this version",
            ),
            (
                "postgresql://db/shop",
                "PostgreSQL is not supported by this version",
            ),
        ] {
            let error = CatalogUrl::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains("sqlite:PATH"), "{text}: {error}");
        }
    }
}
