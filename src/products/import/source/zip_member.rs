//! The one file of a zip archive (APPNOTE 6.3.10), stored or deflated, with its checksum verified.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use super::super::{printable, shortened};
use super::counted::{Counted, Explained};
use super::{BUFFER_BYTES, SourceError, buffered};

/// What macOS adds beside each file.
const RESOURCE_FORKS: &str = "__MACOSX/";
/// Names shown where an archive holds several files.
const NAMES_SHOWN: usize = 5;
/// Most characters shown of each.
const NAME_SHOWN: usize = 80;

/// Opens the only file of the archive. `bytes_read` counts its compressed bytes.
pub(super) fn open(
    name: &str,
    file: File,
    bytes_read: Arc<AtomicU64>,
) -> Result<Box<dyn BufRead + Send>, SourceError> {
    let damaged = |error: &dyn std::fmt::Display| SourceError::Zip {
        name: name.to_owned(),
        reason: error.to_string(),
    };
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|e| damaged(&e))?;
    let index = only_member(name, &mut archive)?;
    let member = archive.by_index_raw(index).map_err(|e| damaged(&e))?;
    let unsupported = |property: String| SourceError::ZipUnsupported {
        name: name.to_owned(),
        member: shortened(&String::from_utf8_lossy(member.name_raw()), NAME_SHOWN),
        property,
    };
    if member.encrypted() {
        return Err(unsupported("encrypted".to_owned()));
    }
    let method = member.compression();
    if !matches!(
        method,
        CompressionMethod::Stored | CompressionMethod::Deflated
    ) {
        return Err(unsupported(format!("compressed with {method}")));
    }
    let start = member.data_start().ok_or_else(|| damaged(&"no data"))?;
    let compressed = member.compressed_size();
    let expected = Expected {
        bytes: member.size(),
        crc: member.crc32(),
    };
    drop(member);
    // The archive borrows its reader for each member, so the member is read from the file itself.
    let mut file = archive.into_inner().into_inner();
    file.seek(SeekFrom::Start(start)).map_err(|e| damaged(&e))?;
    let counted = Counted::new(file.take(compressed), bytes_read);
    let input = BufReader::with_capacity(BUFFER_BYTES, counted);
    Ok(if method == CompressionMethod::Stored {
        buffered(Explained::new(Verified::new(input, expected), "zip"))
    } else {
        let inflated = DeflateDecoder::new(input);
        buffered(Explained::new(Verified::new(inflated, expected), "zip"))
    })
}

fn only_member(
    name: &str,
    archive: &mut ZipArchive<BufReader<File>>,
) -> Result<usize, SourceError> {
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let member = archive
            .by_index_raw(index)
            .map_err(|error| SourceError::Zip {
                name: name.to_owned(),
                reason: error.to_string(),
            })?;
        let member_name = String::from_utf8_lossy(member.name_raw()).into_owned();
        if !member.is_dir() && !member_name.starts_with(RESOURCE_FORKS) {
            members.push((index, member_name));
        }
    }
    match members.as_slice() {
        [(index, _)] => Ok(*index),
        [] => Err(SourceError::ZipEmpty {
            name: name.to_owned(),
        }),
        several => {
            let mut names: Vec<String> = several
                .iter()
                .take(NAMES_SHOWN)
                .map(|(_, name)| printable(name, NAME_SHOWN))
                .collect();
            if several.len() > NAMES_SHOWN {
                names.push("…".to_owned());
            }
            Err(SourceError::ZipSeveral {
                name: name.to_owned(),
                count: several.len(),
                members: names.join(", "),
            })
        }
    }
}

/// Copies a pipe into a temporary file that has no name any more, and rewinds it.
pub(super) fn spool(input: &mut impl Read) -> io::Result<File> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!(
        "doorbuster-{}-{number}.zip.part",
        std::process::id()
    ));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&path)?;
    // Unlinked while open: it vanishes with the last handle, however the process ends.
    fs::remove_file(&path)?;
    io::copy(input, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// What the archive's directory says about the file.
struct Expected {
    bytes: u64,
    crc: u32,
}

/// Refuses to end before length and checksum are right.
struct Verified<R> {
    inner: R,
    expected: Expected,
    bytes: u64,
    crc: Crc,
}

impl<R> Verified<R> {
    fn new(inner: R, expected: Expected) -> Self {
        Self {
            inner,
            expected,
            bytes: 0,
            crc: Crc::new(),
        }
    }
}

impl<R: Read> Read for Verified<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes += read as u64;
        self.crc.update(&buffer[..read]);
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        if self.bytes < self.expected.bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if self.bytes > self.expected.bytes || self.crc.sum() != self.expected.crc {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "its length or checksum differs from the directory",
            ));
        }
        Ok(0)
    }
}
