use std::io::Write;
use std::sync::atomic::Ordering;

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use super::*;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum, as the `zstd` tool writes it.
fn zstd(data: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zipped(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, data) in members {
        if name.ends_with('/') {
            let options = SimpleFileOptions::default();
            writer.add_directory(*name, options).unwrap();
            continue;
        }
        let method = if name.contains("stored") {
            CompressionMethod::Stored
        } else {
            CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(*name, options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Reads the same bytes as a file and as a pipe.
fn read_both(bytes: &[u8]) -> [Result<Vec<u8>, String>; 2] {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    let opened = Source::open(file.path());
    let piped = Source::stream("pipe".to_owned(), Cursor::new(bytes.to_vec()), None);
    [opened, piped].map(|source| {
        let mut text = Vec::new();
        let mut reader = source.map_err(|error| error.to_string())?.into_text();
        reader
            .read_to_end(&mut text)
            .map_err(|error| error.to_string())?;
        Ok(text)
    })
}

fn text() -> Vec<u8> {
    (0..40_000)
        .flat_map(|n| format!("line {n}\n").into_bytes())
        .collect()
}

#[test]
fn every_compression_is_told_by_its_bytes() {
    let text = text();
    let (first, second) = text.split_at(1234);
    let two_members = [gzip(first), gzip(second)].concat();
    let two_frames = [zstd(first), zstd(second)].concat();
    let mac = zipped(&[
        ("d/", b""),
        ("d/a.csv", &text),
        ("__MACOSX/d/._a.csv", b"x"),
    ]);
    for bytes in [
        text.clone(),
        gzip(&text),
        two_members,
        zstd(&text),
        two_frames,
        zipped(&[("a.csv", &text)]),
        zipped(&[("stored.csv", &text)]),
        mac,
    ] {
        for read in read_both(&bytes) {
            assert!(read.unwrap() == text);
        }
    }
    assert_eq!(read_both(b""), [Ok(Vec::new()), Ok(Vec::new())]);
    assert_eq!(read_both(b"ab"), [Ok(b"ab".to_vec()), Ok(b"ab".to_vec())]);
}

#[test]
fn a_damaged_archive_is_an_error_and_never_a_short_text() {
    let text = text();
    for (whole, kind) in [
        (gzip(&text), "gzip"),
        (zstd(&text), "zstd"),
        (zipped(&[("a.csv", &text)]), "zip"),
    ] {
        for kept in [whole.len() - 1, whole.len() / 2, 30] {
            for read in read_both(&whole[..kept]) {
                let error = read.unwrap_err();
                assert!(error.contains(kind) && error.contains("again"), "{error}");
            }
        }
        let mut damaged = whole.clone();
        damaged[whole.len() / 2] ^= 0x55;
        for read in read_both(&damaged) {
            assert!(read.unwrap_err().contains(kind));
        }
    }
}

#[test]
fn a_zip_holds_exactly_one_file() {
    for read in read_both(&zipped(&[("a.csv", b"1"), ("b.csv", b"2")])) {
        let error = read.unwrap_err();
        assert!(error.contains("2 files (a.csv, b.csv)"), "{error}");
    }
    for read in read_both(&zipped(&[("d/", b"")])) {
        assert!(read.unwrap_err().contains("no file"));
    }
}

#[test]
fn byte_order_marks_are_stripped_or_refused() {
    let marked = b"\xef\xbb\xbfHandle,Title\n";
    for bytes in [marked.to_vec(), gzip(marked)] {
        for read in read_both(&bytes) {
            assert_eq!(read.unwrap(), b"Handle,Title\n");
        }
    }
    for bytes in [b"\xff\xfea\0".as_slice(), b"\xfe\xff\0a"] {
        for read in read_both(bytes) {
            assert!(read.unwrap_err().contains("iconv"));
        }
    }
}

#[test]
fn the_counter_ends_at_the_length_of_the_file() {
    let text = text();
    for bytes in [text.clone(), gzip(&text), zstd(&text)] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&bytes).unwrap();
        let source = Source::open(file.path()).unwrap();
        let total = source.total_bytes().unwrap();
        let read = source.bytes_read();
        io::copy(&mut source.into_text(), &mut io::sink()).unwrap();
        assert_eq!(read.load(Ordering::Relaxed), total);
    }
}

#[test]
fn the_head_is_shown_without_being_consumed() {
    let mut source = Source::stream("x".to_owned(), Cursor::new(gzip(b"abc\n")), None).unwrap();
    assert_eq!(source.head().unwrap(), b"abc\n");
    let mut text = String::new();
    source.into_text().read_to_string(&mut text).unwrap();
    assert_eq!(text, "abc\n");
}

#[test]
fn errors_name_the_file() {
    let missing = Source::open(Path::new("no/such.csv")).err().unwrap();
    assert!(missing.to_string().starts_with("no/such.csv: "));
    let folder = Source::open(&std::env::temp_dir()).err().unwrap();
    assert!(folder.to_string().contains("directory"), "{folder}");
}

#[test]
fn a_bomb_is_read_in_constant_memory() {
    // 256 MiB of zeros; the text is only ever held a buffer at a time.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    io::copy(&mut io::repeat(0).take(1 << 28), &mut encoder).unwrap();
    let bomb = encoder.finish().unwrap();
    let source = Source::stream("bomb".to_owned(), Cursor::new(bomb), None).unwrap();
    let read = io::copy(&mut source.into_text(), &mut io::sink()).unwrap();
    assert_eq!(read, 1 << 28);
}
