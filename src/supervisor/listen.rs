//! An address to listen on, as a process file names it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `127.0.0.1:8080`, or with the name that the program knows the socket by: `admin=127.0.0.1:9090`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Listen {
    /// In `LISTEN_FDNAMES`.
    pub name: String,
    /// Where.
    pub address: SocketAddr,
}

/// Of a socket without one.
const DEFAULT_NAME: &str = "public";

impl Listen {
    /// The one of an instance that has ports of its own: so many ports further.
    pub(super) fn of_instance(&self, number: usize) -> Option<Self> {
        let port = self.address.port();
        let port = u16::try_from(number)
            .ok()
            .and_then(|number| port.checked_add(number))?;
        Some(Self {
            name: self.name.clone(),
            address: SocketAddr::new(self.address.ip(), port),
        })
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = text.split_once('=').unwrap_or((DEFAULT_NAME, text));
        let is_name = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b':');
        match address.parse() {
            Ok(address) if is_name => Ok(Self {
                name: name.to_owned(),
                address,
            }),
            _ => Err(format!(
                "{text:?} is no address to listen on; write IP:PORT or NAME=IP:PORT, such as admin=127.0.0.1:9090"
            )),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.address)
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
