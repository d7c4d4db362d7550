//! `[imports]`: what may be imported over HTTP, and from where.

use super::reader::Reader;
use super::units::ByteSize;
use super::value::Value;

/// Imports over HTTP.
#[derive(Debug, Clone)]
pub struct ImportsConfig {
    /// Longest file, as it is sent.
    pub max_bytes: ByteSize,
    /// What addresses of files have to begin with; none lets nobody name one.
    pub urls: Vec<ImportPrefix>,
    /// Whether files may be at addresses of a private network.
    pub allow_private: bool,
}

/// `https://HOST/` and perhaps a path, with a slash at the end, so that it names a whole host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportPrefix(String);

impl ImportPrefix {
    /// Whether a URL is below it.
    pub fn allows(&self, url: &str) -> bool {
        let is_plain = url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"\\#".contains(&byte));
        let path = url.split('?').next().unwrap_or_default();
        // A dot may be written as %2e.
        let climbs = path
            .split('/')
            .any(|part| matches!(&*part.to_ascii_lowercase().replace("%2e", "."), "." | ".."));
        is_plain && !climbs && url.len() > self.0.len() && url.starts_with(&self.0)
    }
}

impl Value for ImportPrefix {
    fn parse(text: &str) -> Result<Self, String> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let is_prefix = rest.is_some_and(|rest| {
            let host = rest.split('/').next().unwrap_or_default();
            !host.is_empty() && rest.ends_with('/') && !host.contains('@')
        });
        let is_plain = text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte));
        if is_prefix && is_plain {
            Ok(Self(text.to_owned()))
        } else {
            Err(
                "not what addresses begin with; write a host and perhaps a folder with a slash at the end, such as \
                 https://feeds.example/"
                    .to_owned(),
            )
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

impl ImportsConfig {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let mut section = reader.section("imports");
        let config = Self {
            max_bytes: section.value(
                "max_bytes",
                ByteSize(1 << 30),
                "longest file that may be imported over HTTP, as it is sent",
            ),
            urls: section.optional_list(
                "urls",
                "what addresses of files begin with that may be imported by name, such as https://feeds.example/",
            ),
            allow_private: section.value(
                "allow_private",
                false,
                "whether such files may be in a private network, or on this machine",
            ),
        };
        reader.require(
            config.max_bytes.0 > 0,
            "imports.max_bytes",
            "no file is that small; write a size such as 1GiB",
        );
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_below_a_prefix_is_allowed() {
        let prefix = ImportPrefix::parse("https://feeds.example/shop/").unwrap();
        for good in [
            "https://feeds.example/shop/a.csv",
            "https://feeds.example/shop/b/c.csv?day=..",
        ] {
            assert!(prefix.allows(good), "{good}");
        }
        for bad in [
            "https://feeds.example/shop/",
            "https://feeds.example/other/a.csv",
            "https://feeds.example.evil/shop/a.csv",
            "https://feeds.example/shop/../other/a.csv",
            "https://feeds.example/shop/%2E%2e/other/a.csv",
            "https://feeds.example/shop/\\a.csv",
            "https://feeds.example/shop/a b.csv",
            "http://feeds.example/shop/a.csv",
        ] {
            assert!(!prefix.allows(bad), "{bad}");
        }
        for bad in [
            "https://feeds.example",
            "feeds.example/",
            "https://a@b/",
            "https:///",
            "ftp://a/",
        ] {
            assert!(ImportPrefix::parse(bad).is_err(), "{bad}");
        }
    }
}
