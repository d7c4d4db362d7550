//! `[catalog]`: where the products are kept.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use super::reader::Reader;
use super::secret::mask_password;
use super::value::Value;
use crate::db::postgres::parse_url;

/// The store of record.
#[derive(Debug, Clone)]
pub struct CatalogConfig {
    /// Which database, and where.
    pub url: CatalogUrl,
    /// Servers that replay what that one writes, to be read from.
    pub replicas: Vec<PostgresUrl>,
    /// How far one of them may be behind.
    pub max_replica_lag: Duration,
    /// Connections of PostgreSQL for reading, to each server.
    pub pool_size: NonZeroUsize,
    /// Whether PgBouncer, in transaction mode, stands between.
    pub pgbouncer: bool,
}

impl CatalogConfig {
    /// The default lies in the data directory.
    pub(super) fn read(reader: &mut Reader<'_>, data_dir: &Path) -> Self {
        let mut section = reader.section("catalog");
        let config = Self {
            url: section.value(
                "url",
                CatalogUrl::Sqlite(data_dir.join("catalog.db")),
                "the catalogue, as sqlite:PATH or postgres://USER@HOST/DATABASE; of several hosts with commas the \
                 one that takes writes; unless set, catalog.db in the data directory",
            ),
            replicas: section.optional_list(
                "replicas",
                "URLs of streaming replicas to read from, one for each server; none reads from the primary",
            ),
            max_replica_lag: section.value(
                "max_replica_lag",
                Duration::from_secs(5),
                "how far a replica may be behind the primary and still be read from",
            ),
            pool_size: section.value(
                "pool_size",
                DEFAULT_POOL_SIZE,
                "connections for reading to each PostgreSQL; writes have four of their own",
            ),
            pgbouncer: section.value(
                "pgbouncer",
                false,
                "whether the URL leads to PgBouncer in transaction mode, which keeps no prepared statements and \
                 passes on no notifications",
            ),
        };
        config.check(reader);
        config
    }

    fn check(&self, reader: &mut Reader<'_>) {
        let replicas = &self.replicas;
        reader.require_between(
            replicas.is_empty() || matches!(self.url, CatalogUrl::Postgres(_)),
            "catalog.replicas",
            "catalog.url",
            "cannot replay",
            "name a PostgreSQL there, or no replicas",
        );
        let repeats = (1..replicas.len()).any(|at| replicas[..at].contains(&replicas[at]));
        reader.require(
            !repeats,
            "catalog.replicas",
            "lists a server twice; leave one of them out",
        );
        reader.require(
            self.max_replica_lag >= SHORTEST_LAG,
            "catalog.max_replica_lag",
            "less than is measured, which is every half second; write a duration of at least 1s",
        );
    }
}

/// Replicas are looked at twice within it.
const SHORTEST_LAG: Duration = Duration::from_secs(1);

const DEFAULT_POOL_SIZE: NonZeroUsize = NonZeroUsize::new(8).expect("eight is not zero");

/// The URL of a catalogue. `Display` masks passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CatalogUrl {
    /// `sqlite:PATH`: an embedded SQLite file, relative to the working directory unless absolute.
    Sqlite(PathBuf),
    /// `postgres://…`: a PostgreSQL database.
    Postgres(PostgresUrl),
}

/// The URL of a PostgreSQL database. `Display` and `Debug` mask passwords.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

impl PostgresUrl {
    /// With its password, for the driver alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_password(&self.0))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

impl fmt::Display for CatalogUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => write!(f, "{url}"),
        }
    }
}

impl FromStr for CatalogUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text)
    }
}

impl Value for PostgresUrl {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE";
        let is_url = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if !is_url {
            return Err(format!(
                "not the URL of a PostgreSQL, or one of several hosts; {FORM} for each server"
            ));
        }
        let url = parse_url(text).map_err(|error| format!("{error}; {FORM}"))?;
        if url.servers() > 1 {
            return Err(format!("names several hosts; {FORM} for each server"));
        }
        Ok(Self(text.to_owned()))
    }

    fn show(&self) -> String {
        self.to_string()
    }

    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Owned(mask_password(text))
    }
}

impl Value for CatalogUrl {
    fn parse(text: &str) -> Result<Self, String> {
        const FORM: &str = "write sqlite:PATH, such as sqlite:/var/lib/doorbuster/catalog.db, \
                            or postgres://USER:PASSWORD@HOST:PORT/DATABASE";
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
                parse_url(text).map_err(|error| format!("{error}; {FORM}"))?;
                Ok(Self::Postgres(PostgresUrl(text.to_owned())))
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
    fn a_postgres_url_keeps_its_password_to_itself() {
        let text = "postgres://shop:s3cret@db:5432/shop";
        let url = CatalogUrl::parse(text).unwrap();
        assert_eq!(url.show(), "postgres://shop:***@db:5432/shop");
        assert!(!format!("{url:?}").contains("s3cret"));
        let CatalogUrl::Postgres(url) = url else {
            panic!("{url}")
        };
        assert_eq!(url.reveal(), text);
    }

    #[test]
    fn what_cannot_be_a_catalogue_is_refused_with_the_form() {
        for (text, reason) in [
            ("catalog.db", "not a catalogue URL"),
            ("sqlite:", "names no file"),
            ("sqlite:///catalog.db", "two slashes"),
            ("sqlite::memory:", "has to be a file"),
            ("mysql://db/shop", "unknown kind"),
            ("postgres://db", "names no database"),
            ("postgresql:///shop", "names no host"),
            ("postgres://db:port/shop", "not a PostgreSQL URL"),
            ("postgres://db/shop?sslmode=allow", "sslmode is one of"),
        ] {
            let error = CatalogUrl::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(error.contains("sqlite:PATH"), "{text}: {error}");
        }
    }
}
