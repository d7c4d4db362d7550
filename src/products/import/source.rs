//! Opening a file or standard input for reading, decompressed.
//!
//! The compression is told by the first bytes, never by the name: gzip (RFC 1952, any number of members),
//! zstd (RFC 8878, any number of frames), a zip archive with one file in it, or none. Everything is
//! decompressed as it is read, so an archive that unpacks to a petabyte costs time and not memory.

mod counted;
mod zip_member;

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use flate2::bufread::MultiGzDecoder;

use counted::{Counted, Explained};

/// Bytes looked at to tell what a file is; see [`Source::head`].
const HEAD_BYTES: u64 = 64 * 1024;
const BUFFER_BYTES: usize = 128 * 1024;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// A local file header, or the end-of-directory record of an archive without files.
const ZIP: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];

/// An opened input: text as it will be parsed, without compression and byte order mark.
pub struct Source {
    name: String,
    text: Box<dyn BufRead + Send>,
    total_bytes: Option<u64>,
    bytes_read: Arc<AtomicU64>,
}

/// Why an input cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("{name}: cannot be opened: {error}")]
    Open {
        /// Path as given.
        name: String,
        /// What the system said.
        error: io::Error,
    },
    /// The first bytes cannot be read or decompressed.
    #[error("{name}: cannot be read: {error}")]
    Read {
        /// Path as given.
        name: String,
        /// What the system or the decompressor said.
        error: io::Error,
    },
    /// A zip archive that cannot be read.
    #[error("{name}: not a complete zip archive ({reason}); copy or create it again")]
    Zip {
        /// Path as given.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A zip archive without a file in it.
    #[error("{name}: the zip archive holds no file; it must hold exactly one")]
    ZipEmpty {
        /// Path as given.
        name: String,
    },
    /// A zip archive with several files in it.
    #[error(
        "{name}: the zip archive holds {count} files ({members}); unpack it and import them one by one"
    )]
    ZipSeveral {
        /// Path as given.
        name: String,
        /// How many.
        count: usize,
        /// Names of the first ones.
        members: String,
    },
    /// A zip member that is encrypted or compressed in an unusual way.
    #[error(
        "{name}: {member:?} in the zip archive is {property}; unpack it and import the file itself"
    )]
    ZipUnsupported {
        /// Path as given.
        name: String,
        /// Name of the file in the archive.
        member: String,
        /// Such as `encrypted`.
        property: String,
    },
    /// A UTF-16 byte order mark.
    #[error(
        "{name}: the text is UTF-16; save it as UTF-8, for instance with `iconv -f UTF-16 -t UTF-8`"
    )]
    Utf16 {
        /// Path as given.
        name: String,
    },
}

impl Source {
    /// Opens `path`, where `-` is standard input. The first 64 KiB of text are read at once.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        if path.as_os_str() == "-" {
            return Self::stream("standard input".to_owned(), io::stdin(), None);
        }
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?, file)));
        let (metadata, file) = opened.map_err(|error| SourceError::Open {
            name: name.clone(),
            error,
        })?;
        if metadata.is_dir() {
            let error = io::Error::from(io::ErrorKind::IsADirectory);
            return Err(SourceError::Open { name, error });
        }
        if !metadata.is_file() {
            return Self::stream(name, file, None);
        }
        Self::file(name, file, metadata.len())
    }

    /// Reads from something that cannot be rewound, such as a pipe. A zip archive, whose directory stands
    /// at its end, goes through an unnamed temporary file.
    pub fn stream(
        name: String,
        input: impl Read + Send + 'static,
        total_bytes: Option<u64>,
    ) -> Result<Self, SourceError> {
        let bytes_read = Arc::new(AtomicU64::new(0));
        let counted = Counted::new(input, Arc::clone(&bytes_read));
        let (magic, mut input) = magic(counted).map_err(|error| SourceError::Read {
            name: name.clone(),
            error,
        })?;
        if ZIP.contains(&magic.as_slice()) {
            let spooled = zip_member::spool(&mut input);
            let spooled = spooled.map_err(|error| SourceError::Read {
                name: name.clone(),
                error,
            })?;
            // The pipe has been counted already; the temporary file must not be counted again.
            let member = zip_member::open(&name, spooled, Arc::default())?;
            return Self::text(name, member, total_bytes, bytes_read);
        }
        let text = decompressed(&magic, input).map_err(|error| SourceError::Read {
            name: name.clone(),
            error,
        })?;
        Self::text(name, text, total_bytes, bytes_read)
    }

    fn file(name: String, mut file: File, length: u64) -> Result<Self, SourceError> {
        let mut magic = Vec::new();
        let peeked = (&mut file).take(4).read_to_end(&mut magic);
        let rewound = peeked.and_then(|_| io::Seek::rewind(&mut file));
        rewound.map_err(|error| SourceError::Read {
            name: name.clone(),
            error,
        })?;
        if ZIP.contains(&magic.as_slice()) {
            let bytes_read = Arc::new(AtomicU64::new(0));
            let member = zip_member::open(&name, file, Arc::clone(&bytes_read))?;
            return Self::text(name, member, Some(length), bytes_read);
        }
        Self::stream(name, file, Some(length))
    }

    /// Takes the head of the decompressed text and deals with its byte order mark.
    fn text(
        name: String,
        mut text: Box<dyn BufRead + Send>,
        total_bytes: Option<u64>,
        bytes_read: Arc<AtomicU64>,
    ) -> Result<Self, SourceError> {
        let mut head = Vec::new();
        if let Err(error) = (&mut text).take(HEAD_BYTES).read_to_end(&mut head) {
            return Err(SourceError::Read { name, error });
        }
        if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
            return Err(SourceError::Utf16 { name });
        }
        let start = if head.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let mut head = Cursor::new(head);
        head.set_position(start);
        Ok(Self {
            name,
            text: Box::new(head.chain(text)),
            total_bytes,
            bytes_read,
        })
    }

    /// The path as given, or `standard input`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of the file on disk, compressed as it is; `None` for pipes.
    pub fn total_bytes(&self) -> Option<u64> {
        self.total_bytes
    }

    /// Bytes of the file read so far, to be compared with [`Self::total_bytes`]. Grows while the text is
    /// being read, on whichever thread that happens.
    pub fn bytes_read(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes_read)
    }

    /// The first bytes of the text, up to 64 KiB, without consuming them. Empty only for an empty input.
    pub fn head(&mut self) -> io::Result<&[u8]> {
        self.text.fill_buf()
    }

    /// The text, without byte order mark. A truncated or damaged archive ends it with an error.
    pub fn into_text(self) -> Box<dyn BufRead + Send> {
        self.text
    }
}

/// The first four bytes, and a reader that still gives them.
fn magic(
    mut input: impl Read + Send + 'static,
) -> io::Result<(Vec<u8>, impl Read + Send + 'static)> {
    let mut magic = Vec::new();
    (&mut input).take(4).read_to_end(&mut magic)?;
    Ok((magic.clone(), Cursor::new(magic).chain(input)))
}

fn decompressed(
    magic: &[u8],
    input: impl Read + Send + 'static,
) -> io::Result<Box<dyn BufRead + Send>> {
    let input = BufReader::with_capacity(BUFFER_BYTES, input);
    Ok(if magic.starts_with(GZIP) {
        buffered(Explained::new(MultiGzDecoder::new(input), "gzip"))
    } else if magic == ZSTD {
        let decoder = zstd::stream::read::Decoder::with_buffer(input)?;
        buffered(Explained::new(decoder, "zstd"))
    } else {
        Box::new(input)
    })
}

fn buffered(reader: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(BUFFER_BYTES, reader))
}

#[cfg(test)]
mod tests;
