//! What has to hold for any bytes that come as a file of which nobody said what it is.

use std::io::{self, Cursor, Read, Write};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{LONGEST_ERROR, assert_line, import};
use crate::products::coding::Coding;
use crate::products::import::detect::detect;
use crate::products::import::source::Source;

/// Text that is taken of a source, in bytes: a few bytes may unpack to any number.
const MOST: u64 = 1024 * 1024;
/// Text that is imported, too.
const IMPORTED: usize = 16 * 1024;

/// A file is its text or a short error on one line. Packed, it is the same text, whatever it holds, and its
/// packing is undone once; cut off, it is an error and no shorter text.
pub fn import_source(data: &[u8]) {
    match unpacked(data.to_vec()) {
        Ok(text) if text.len() <= IMPORTED => match detect(&text) {
            Ok(format) => import(&text, &format),
            Err(error) => assert_line(&error.to_string(), LONGEST_ERROR),
        },
        Ok(_) => {}
        Err(error) => assert_line(&error, LONGEST_ERROR),
    }
    let expected = text_of(data);
    for coding in [Coding::Gzip, Coding::Zstd] {
        let mut packed = done(coding.compress(data));
        assert_eq!(unpacked(packed.clone()).ok(), expected, "{coding:?}");
        // Of what is left, the first bytes say what it is.
        packed.truncate(packed.len() - 1 - data.len() % (packed.len() - 4));
        assert!(unpacked(packed).is_err(), "{coding:?}, cut off");
    }
    assert_eq!(unpacked(done(zipped(data))).ok(), expected, "zip");
}

/// The text, up to [`MOST`] bytes of it.
fn unpacked(file: Vec<u8>) -> Result<Vec<u8>, String> {
    let length = file.len() as u64;
    let source = Source::stream("feed".to_owned(), Cursor::new(file), Some(length));
    let source = source.map_err(|error| error.to_string())?;
    let bytes_read = source.bytes_read();
    let mut text = Vec::new();
    let read = source.into_text().take(MOST).read_to_end(&mut text);
    let bytes_read = bytes_read.load(std::sync::atomic::Ordering::Relaxed);
    assert!(bytes_read <= length, "read {bytes_read} of {length} bytes");
    read.map(|_| text).map_err(|error| error.to_string())
}

/// What bytes are as text: those after a byte order mark. UTF-16 is none.
fn text_of(data: &[u8]) -> Option<Vec<u8>> {
    let is_utf16 = data.starts_with(b"\xff\xfe") || data.starts_with(b"\xfe\xff");
    let text = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    (!is_utf16).then(|| text.to_vec())
}

fn zipped(data: &[u8]) -> io::Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    archive.start_file("feed", SimpleFileOptions::default())?;
    archive.write_all(data)?;
    Ok(archive.finish()?.into_inner())
}

fn done<T>(result: io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("cannot be packed: {error}"))
}
