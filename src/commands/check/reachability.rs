//! Whether what the configuration names is there and may be used.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use super::catalog::catalog_status;
use crate::app::{redis_status, replica_status};
use crate::config::Config;
use crate::flags::parse_document;
use crate::http::BindError;

/// What was found out about one thing: how it is, or why it cannot be used and the mend.
pub(super) struct Probe {
    pub(super) name: String,
    pub(super) outcome: Result<String, String>,
}

/// Tries everything that `serve` will need.
pub(super) fn probe(config: &Config) -> Vec<Probe> {
    let directory = &config.server.data_dir;
    let mut probes = vec![
        Probe {
            name: format!("data directory {}", directory.display()),
            outcome: directory_status(directory),
        },
        Probe {
            name: format!("catalogue {}", config.catalog.url),
            outcome: catalog_status(config),
        },
    ];
    probes.push(Probe {
        name: format!("flags {}", config.flags.file.display()),
        outcome: flags_status(&config.flags.file),
    });
    probes.extend(config.catalog.replicas.iter().map(|url| Probe {
        name: format!("replica {url}"),
        outcome: replica_status(url),
    }));
    probes.extend(config.redis.url.as_ref().map(|url| Probe {
        name: format!("Redis {url}"),
        outcome: redis_status(config, url),
    }));
    probes.extend(config.server.listen.iter().map(|address| Probe {
        name: format!("public address {address}"),
        outcome: address_status(*address),
    }));
    probes.push(Probe {
        name: format!("admin address {}", config.server.admin_listen),
        outcome: address_status(config.server.admin_listen),
    });
    probes
}

/// Whether a file says something of flags.
fn flags_status(path: &Path) -> Result<String, String> {
    match fs::read(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok("does not exist, says nothing".to_owned())
        }
        Err(error) => Err(format!("{error}; give this user access to it")),
        Ok(text) => match parse_document(&text) {
            Ok(flags) => Ok(format!("says something of {} flags", flags.len())),
            Err(error) => Err(format!("{error}; serve goes on with what it said before")),
        },
    }
}

/// Whether files can be written in a directory, or in the one it would be created in.
pub(in crate::commands) fn directory_status(path: &Path) -> Result<String, String> {
    let existing = path.ancestors().find_map(|ancestor| {
        // The ancestors of a relative path end with the empty one.
        let ancestor = if ancestor.as_os_str().is_empty() {
            Path::new(".")
        } else {
            ancestor
        };
        match fs::metadata(ancestor) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some((ancestor, found)),
        }
    });
    let Some((existing, found)) = existing else {
        return Err("no directory above it exists; create one".to_owned());
    };
    let shown = existing.display();
    match found {
        Err(error) => Err(format!("{shown}: {error}; give this user access to it")),
        Ok(metadata) if !metadata.is_dir() => {
            Err(format!("{shown} is not a directory; name another path"))
        }
        Ok(_) => match write_without_trace(existing) {
            Err(error) => Err(format!(
                "cannot write in {shown}: {error}; give this user access to it"
            )),
            Ok(()) if existing == path => Ok("writable".to_owned()),
            Ok(()) => Ok("does not exist yet, can be created".to_owned()),
        },
    }
}

/// Writes to a file that has no name or loses it at once.
fn write_without_trace(directory: &Path) -> io::Result<()> {
    let mut file = tempfile::tempfile_in(directory)?;
    file.write_all(b"doorbuster check")?;
    file.flush()
}

/// Binds an address and releases it.
fn address_status(address: SocketAddr) -> Result<String, String> {
    TcpListener::bind(address)
        .map(|_| "free".to_owned())
        .map_err(|error| BindError { address, error }.reason())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_probed_without_a_trace() {
        let root = tempfile::tempdir().unwrap();
        let status = |name: &str| directory_status(&root.path().join(name));
        assert_eq!(directory_status(root.path()).unwrap(), "writable");
        assert_eq!(status("a/b").unwrap(), "does not exist yet, can be created");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);

        fs::write(root.path().join("file"), "").unwrap();
        assert!(status("file").unwrap_err().contains("is not a directory"));
        assert!(status("file/below").is_err());
    }

    #[test]
    fn a_relative_directory_is_created_in_the_working_directory() {
        let path = Path::new("surely-not-there/data");
        assert_eq!(
            directory_status(path).unwrap(),
            "does not exist yet, can be created"
        );
    }

    #[test]
    fn a_taken_address_is_told_from_a_free_one() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address_status(address).unwrap_err().starts_with("taken"));
        let any_port = "127.0.0.1:0".parse().unwrap();
        assert_eq!(address_status(any_port).unwrap(), "free");
        let foreign = "192.0.2.1:0".parse().unwrap();
        assert!(
            address_status(foreign)
                .unwrap_err()
                .contains("not an address of this machine")
        );
    }
}
