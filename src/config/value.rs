//! How a setting's text becomes a value and back.

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::units;

/// A type that a setting can have.
pub trait Value: Sized {
    /// Reads a value. The error says what is wrong and shows the form, without repeating the text.
    fn parse(text: &str) -> Result<Self, String>;

    /// Writes the value as [`Value::parse`] reads it, except that secrets are masked.
    fn show(&self) -> String;

    /// Masks what is secret in a text that may not even parse.
    fn mask(text: &str) -> Cow<'_, str> {
        Cow::Borrowed(text)
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| {
            "not an address to listen on; write IP:PORT, such as 127.0.0.1:8080 or [::1]:8080"
                .into()
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for IpNet {
    fn parse(text: &str) -> Result<Self, String> {
        let address = || text.parse::<IpAddr>().map(Self::from);
        text.parse().or_else(|_| address()).map_err(|_| {
            "not a network; write it as an address and a length, such as 10.0.0.0/8 or 2001:db8::/32"
                .into()
        })
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| "write true or false".to_owned())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for NonZeroUsize {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "not a number of at least 1; write it in digits, such as 4".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| "not a number; write it in digits, such as 10".into())
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Value for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        units::parse_duration(text)
    }

    fn show(&self) -> String {
        units::format_duration(*self)
    }
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }

    fn show(&self) -> String {
        self.clone()
    }
}

/// A file, or the word for none.
impl Value for Option<PathBuf> {
    fn parse(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(None);
        }
        PathBuf::parse(text).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref()
            .map_or_else(|| "none".to_owned(), PathBuf::show)
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("an empty path; write a directory, or . for the current one".into());
        }
        Ok(Self::from(text))
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// Reads one of a few words.
pub(super) fn parse_choice<T: Copy>(text: &str, choices: &[(&str, T)]) -> Result<T, String> {
    let chosen = choices.iter().find(|(word, _)| *word == text);
    chosen.map(|(_, value)| *value).ok_or_else(|| {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        format!("not a choice; write one of {}", words.join(", "))
    })
}

/// The word that [`parse_choice`] reads as `value`.
pub(super) fn show_choice<T: PartialEq>(value: &T, choices: &[(&str, T)]) -> String {
    let chosen = choices.iter().find(|(_, choice)| choice == value);
    chosen.map_or_else(String::new, |(word, _)| (*word).to_owned())
}
